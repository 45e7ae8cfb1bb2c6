"""Prices of the names of a pool on all sessions, prepared once and read by every run.

Legend: t session, n name (index code or symbol, ascending). NaN: not valid (missing, or not above 0).
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import bottleneck as bn
import numpy as np

__all__ = ["Flags", "Quotes", "valid_or_nan"]

Flags = Callable[[Any, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(sessions, names) -> (buy_blocked, sell_blocked), bool; one session for all names, or one for each."""


def valid_or_nan(price_tn: np.ndarray) -> np.ndarray:
    """Prices with NaN wherever they are not valid (finite and > 0)."""
    return np.where(price_tn > 0, price_tn, np.nan)


class Quotes:
    """Open and close [T, N] of names, and what follows from the closes up to each session.

    Args:
        sessions: datetime64[D] [T]. names: [N], ascending byte order.
        open_tn, close_tn: float64 [T, N] as traded for return purposes (adjusted for stocks).
    """

    def __init__(self, sessions: np.ndarray, names: np.ndarray, open_tn: np.ndarray, close_tn: np.ndarray) -> None:
        self.sessions, self.names = sessions, names
        self.open_tn, self.close_tn = valid_or_nan(open_tn), valid_or_nan(close_tn)

    @cached_property
    def mark_tn(self) -> np.ndarray:
        """Latest valid close up to the session; NaN before the first."""
        return bn.push(self.close_tn, axis=0)

    @cached_property
    def valid_tn(self) -> np.ndarray:
        """Whether the close is valid."""
        return ~self.idle_tn

    @cached_property
    def idle_tn(self) -> np.ndarray:
        """Whether the close is not valid."""
        return np.isnan(self.close_tn)

    @cached_property
    def idle_t(self) -> np.ndarray:
        """Whether any name's close is not valid."""
        return np.any(self.idle_tn, axis=1)

    @cached_property
    def last_tn(self) -> np.ndarray:
        """Session of the latest valid close up to the session, int32; -1 before the first."""
        positions = np.arange(len(self.sessions), dtype=np.int32)[:, None]
        return np.maximum.accumulate(np.where(self.valid_tn, positions, np.int32(-1)), axis=0)

    @cached_property
    def history_tn(self) -> np.ndarray:
        """Number of valid closes up to the session, int32."""
        return np.cumsum(self.valid_tn, axis=0, dtype=np.int32)

    @cached_property
    def without_price(self) -> int:
        """Number of names that never have a valid close."""
        return int(self.idle_tn.all(axis=0).sum())

    @cached_property
    def last_session(self) -> int:
        """Last session on which any name has a valid close; -1 when none ever has."""
        found = np.flatnonzero(self.valid_tn.any(axis=1))
        return int(found[-1]) if found.size else -1

    def price_tn(self, execute: str) -> np.ndarray:
        """The field at which trades are done: `open` or `close`."""
        return self.open_tn if execute == "open" else self.close_tn

    def mean_returns(self, member_tn: np.ndarray | None = None) -> np.ndarray:
        """Mean close-to-close return of the names valid on a session and the one before, float64 [T]; 0 if none.

        member_tn: bool [T, N]; where given, only the members of the session before count.
        """
        result = np.zeros(len(self.sessions))
        change_tn = self.close_tn[1:] / self.close_tn[:-1] - 1.0
        if member_tn is not None:
            change_tn[~member_tn[:-1]] = np.nan
        counted = ~np.isnan(change_tn)
        count = counted.sum(axis=1)
        total = np.where(counted, change_tn, 0.0).sum(axis=1)
        result[1:] = np.where(count > 0, total / np.maximum(count, 1), 0.0)
        return result
