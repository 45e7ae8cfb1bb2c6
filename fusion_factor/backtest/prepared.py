"""What prepared data keeps between runs, so that a sweep over parameters does each piece of work once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import check_table, table_sessions

__all__ = ["Memory", "optional_table", "required_table", "sessions_of"]


class Memory:
    """Results by what they were made from; the one unused for longest goes when there are too many.

    >>> memory = Memory(limit=2)
    >>> memory.get(("square", 3), lambda: 9), memory.get(("square", 3), lambda: 0)
    (9, 9)
    """

    def __init__(self, limit: int = 8) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value kept under a key, made first where there is none."""
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def sessions_of(sessions: Any, prices: pd.DataFrame | None, name: str) -> np.ndarray:
    """Sessions as datetime64[D] from a table, a list of dates or, where None, the dates of a price table."""
    if sessions is None:
        if prices is None:
            raise DataError(f"{name}: the table is missing")
        dates = check_table(name, prices)["date"]
        return np.unique(dates.to_numpy().astype("datetime64[D]"))
    frame = sessions if isinstance(sessions, pd.DataFrame) else pd.DataFrame({"date": pd.Series(list(sessions))})
    return table_sessions(check_table("sessions", frame))


def required_table(name: str, frame: pd.DataFrame | None, sessions: np.ndarray) -> pd.DataFrame:
    """The checked table; DataError when it was not given."""
    if frame is None:
        raise DataError(f"{name}: the table is missing")
    return check_table(name, frame, sessions=sessions)


def optional_table(name: str, frame: pd.DataFrame | None, sessions: np.ndarray) -> pd.DataFrame | None:
    """The checked table, or None when it was not given."""
    return None if frame is None else check_table(name, frame, sessions=sessions)
