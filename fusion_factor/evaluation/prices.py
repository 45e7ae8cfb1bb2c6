"""Adjusted prices as wide arrays, prepared once and used for many scores.

Legend: `_tn` is [T sessions, N symbols].
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import FloatArray, valid_price
from fusion_factor.core.sessions import Calendar
from fusion_factor.core.tables import Grid, adjustment, check_table, table_sessions

NO_SIGNAL = "no signal session between start and end"


def as_calendar(sessions: Any) -> Calendar:
    """The trading calendar from a table `sessions`, an array of dates or a Calendar."""
    if isinstance(sessions, Calendar):
        return sessions
    frame = sessions if isinstance(sessions, pd.DataFrame) else pd.DataFrame({"date": sessions})
    return Calendar(table_sessions(check_table("sessions", frame)))


@dataclass(frozen=True, eq=False)
class PriceBook:
    """Adjusted prices (price x adj_factor, CNY) of a market. Build it with `PriceBook.of`.

    Attributes:
        calendar: the sessions [T].
        symbols: [N] object array of text, ascending.
        frame: the checked table `stock_prices`, sorted by symbol and date.
    """

    calendar: Calendar
    symbols: np.ndarray[Any, Any]
    frame: pd.DataFrame
    _cells: Grid = field(repr=False)
    _wide: dict[str, FloatArray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, stock_prices: pd.DataFrame, sessions: Any) -> "PriceBook":
        """Check the table and prepare it.

        Args:
            stock_prices: columns symbol, date, open, close; optional vwap, adj_factor (an empty field takes the
                symbol's latest earlier value; without any the row's prices are not valid; no column: 1).
            sessions: the table `sessions`, an array of dates or a Calendar.

        Raises: DataError for a table that breaks its rules, or without any valid close.
        """
        calendar = as_calendar(sessions)
        frame = check_table("stock_prices", stock_prices, sessions=calendar.sessions)
        symbols = np.array(sorted(frame["symbol"].unique()), dtype=object)
        book = cls(calendar, symbols, frame, Grid(frame, calendar.sessions, symbols))
        if not valid_price(book.adjusted("close")).any():
            raise DataError(f"stock_prices: no valid close in {len(frame)} rows, so there is {NO_SIGNAL}")
        return book

    def has(self, name: str) -> bool:
        """Whether the table has a column of this name."""
        return name in self.frame.columns

    def adjusted(self, name: str) -> FloatArray:
        """Adjusted `open`, `close` or `vwap`. [T, N] float64, NaN where there is no valid price."""
        if name not in self._wide:
            if not self.has(name):
                raise DataError(f"stock_prices: the label {name} needs the column {name}, which is not there")
            price = self.frame[name].to_numpy(dtype=np.float64) * adjustment(self.frame)
            self._wide[name] = self._cells.fill(np.where(valid_price(price), price, np.nan))
        return self._wide[name]

    @property
    def last_close(self) -> np.datetime64:
        """The last session on which any symbol has a valid close."""
        return self.calendar.sessions[np.flatnonzero(valid_price(self.adjusted("close")).any(axis=1))[-1]]
