"""The tables of an industry run, checked and laid out once: grid dates, closes, amounts, labels, members, statements.

Legend: `_tn` is [T sessions, N industries], `_dn` is [D grid dates, N], `_t` and `_d` likewise.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.labels import NEXT, FloatArray, IntArray, grid_label, valid_price
from fusion_factor.core.sessions import Calendar, schedule
from fusion_factor.core.tables import Grid, check_table, dense
from fusion_factor.evaluation.prices import NO_SIGNAL, as_calendar
from fusion_factor.industry.event_table import checked_events
from fusion_factor.industry.members import Members
from fusion_factor.industry.statements import Statements

TABLES = ("index_prices", "benchmark", "industry", "consensus", "financials")


class MissingTable(DataError):
    """A table or column that is needed is not there; what is there may be good."""


class IndustryData:
    """Industries (the pool), grid dates, and whatever tables there are.

    Args:
        sessions: table, array of dates or Calendar; also later sessions than `end`.
        index_prices: code (the industry), date, open, close; amount for crowding. benchmark: date, close.
        industry: symbol, industry, in_date, out_date. consensus, financials: tables of SEMANTICS 0.
        events: name to event table (`industry.events`), for factors from revisions and guidance.
        pool: industries; empty: all in index_prices (without prices: all of the spells).
        strict_pool: refuse prices of codes outside of the pool (else they are left out).
        grid, n, phase, signal_dates, start, end: the schedule of grid dates; `end` defaults to the last session with
            a valid close of the pool (without index_prices: the last session).

    Attributes:
        calendar; codes: [N] industries, ascending; positions_d, dates_d: the grid dates.

    A table is refused when it breaks its rules; one that is not there, when something needs it (DataError).
    """

    def __init__(
        self,
        *,
        sessions: Any,
        index_prices: pd.DataFrame | None = None,
        benchmark: pd.DataFrame | None = None,
        industry: pd.DataFrame | None = None,
        consensus: pd.DataFrame | None = None,
        financials: pd.DataFrame | None = None,
        events: Mapping[str, pd.DataFrame] | None = None,
        pool: Sequence[str] = (),
        strict_pool: bool = True,
        grid: str = "monthly",
        start: Any = None,
        end: Any = None,
        n: int = 5,
        phase: int = 0,
        signal_dates: Sequence[Any] | None = None,
    ) -> None:
        self.calendar: Calendar = as_calendar(sessions)
        given = zip(TABLES, (index_prices, benchmark, industry, consensus, financials), strict=True)
        self._tables = {
            name: check_table(name, table, sessions=self.calendar.sessions)
            for name, table in given
            if table is not None
        }
        self.events = dict(events or {})
        self._statements: dict[int, Statements] = {}
        self.codes = self._pool(tuple(pool), strict_pool)
        last = self._last_close()
        self.positions_d: IntArray = schedule(
            self.calendar,
            grid,
            start=start,
            end=last if end is None else end,
            n=n,
            phase=phase,
            signal_dates=signal_dates,
        )
        if not len(self.positions_d):
            raise ConfigError(f"{NO_SIGNAL}: grid {grid}, start {start or 'empty'}, end {end or 'empty'}")
        self.dates_d = self.calendar.sessions[self.positions_d]

    def table(self, name: str, reason: str = "this factor") -> pd.DataFrame:
        """A checked table; DataError where it was not given."""
        if name not in self._tables:
            raise MissingTable(f"{name}: the table is not there, but {reason} needs it")
        return self._tables[name]

    def event_table(self, name: str) -> pd.DataFrame:
        """A checked event table; DataError where it was not given."""
        if name not in self.events:
            raise MissingTable(f"events {name}: the table is not there, but this factor needs it")
        return checked_events(name, self.events[name])

    @property
    def has_amounts(self) -> bool:
        """Whether index_prices are there with a column of amounts."""
        return "amount" in self._tables.get("index_prices", ())

    @cached_property
    def close_tn(self) -> FloatArray:
        """Valid closes, NaN elsewhere. [T, N]."""
        close_tn = self._cells.fill(self.table("index_prices")["close"].to_numpy())
        return np.where(valid_price(close_tn), close_tn, np.nan)

    @cached_property
    def amount_tn(self) -> FloatArray:
        """Amounts, NaN where there is none. [T, N]."""
        prices = self.table("index_prices", "crowding")
        if not self.has_amounts:
            raise MissingTable("index_prices: column amount is missing, but crowding needs it")
        return self._cells.fill(prices["amount"].to_numpy())

    @cached_property
    def benchmark_t(self) -> FloatArray:
        """Valid closes of the benchmark, NaN elsewhere. [T]."""
        one = self.table("benchmark", "momentum").assign(code="")
        close_t = dense(one, "close", self.calendar.sessions, np.array([""], object), key="code")[:, 0]
        return np.where(valid_price(close_t), close_t, np.nan)

    @cached_property
    def label_dn(self) -> FloatArray:
        """Close return from each grid date to the next, NaN at the last. [D, N]. It looks ahead."""
        return grid_label(self.close_tn, self.positions_d, "close", NEXT)[0]

    @cached_property
    def members(self) -> Members:
        """The stocks of the industries at the grid dates."""
        return Members.of(self.table("industry", "a factor of stocks"), self.dates_d, self.codes)

    def statements(self, max_age: int = 400) -> Statements:
        """The members' reports as known at the grid dates, none older than `max_age` calendar days."""
        if max_age not in self._statements:
            financials = self.table("financials", "a factor of reports")
            self._statements[max_age] = Statements(financials, self.members, max_age=max_age)
        return self._statements[max_age]

    def frame(self, values_dn: FloatArray) -> pd.DataFrame:
        """Values as a wide table: index `date`, one column an industry. [D, N]."""
        dates = pd.DatetimeIndex(self.dates_d.astype("datetime64[s]"), name="date")
        return pd.DataFrame(values_dn, index=dates, columns=pd.Index(self.codes, name="industry"))

    @cached_property
    def _cells(self) -> Grid:
        return Grid(
            self.table("index_prices", "a price factor or a test"), self.calendar.sessions, self.codes, key="code"
        )

    def _pool(self, pool: tuple[str, ...], strict: bool) -> np.ndarray:
        if not pool:
            # without prices the industries of the spells are all there are
            if "index_prices" not in self._tables and "industry" in self._tables:
                return np.array(sorted(self._tables["industry"]["industry"].dropna().unique()), object)
            return np.array(sorted(self.table("index_prices", "an empty pool")["code"].unique()), object)
        if strict and "index_prices" in self._tables:
            prices = self._tables["index_prices"]
            outside = ~prices["code"].isin(pool).to_numpy()
            if outside.any():
                row = prices.iloc[int(outside.argmax())]
                key = f"code {row['code']}, date {row['date']:%Y-%m-%d}"
                raise DataError(f"index_prices: {key}: the code is not in pool (strict_pool)")
        return np.array(sorted(pool), object)

    def _last_close(self) -> np.datetime64:
        """Last session with a valid close in the pool; the last session without index_prices."""
        if "index_prices" not in self._tables:
            return self.calendar.sessions[-1]
        priced = np.flatnonzero(np.isfinite(self.close_tn).any(axis=1))
        if not len(priced):
            raise DataError(
                f"index_prices: no valid close of the pool's {len(self.codes)} codes, so there is {NO_SIGNAL}"
            )
        return self.calendar.sessions[priced[-1]]
