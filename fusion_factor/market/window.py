"""A market as it stood after the close of one session, cut to the sessions before it that a day's scores read.

The view ends at D: no row dated later is in it. It begins some sessions earlier, with two further sessions in front
that hold what was carried into the window: the first the row of each symbol's last trade before it, the second the
adjustment factor as it stood. So prices carried over a halt, and whoever was listed before, are those of the whole
market, bit for bit, from the third session on.

Legend of axes: t session of the view, n symbol of the view.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import bottleneck as bn
import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import valid_price
from fusion_factor.core.table_grid import Grid
from fusion_factor.core.table_rules import TABLES
from fusion_factor.market.hours import Hours
from fusion_factor.market.level2 import SessionTicks
from fusion_factor.market.recent_rows import rows_before, rows_between
from fusion_factor.market.store import Market, Pool, SessionArray, SessionBars, StoredMarket

CARRIED = 2
"""Sessions in front of the window that hold what was carried into it; none at the market's own beginning."""
FloatArray = npt.NDArray[np.float64]
Columns = dict[str, FloatArray]
_PRICES = tuple(column.name for column in TABLES["stock_prices"].columns if column.kind == "number")
_BEGINS = {"st": "in_date", "industry": "in_date", "stocks": "list_date"}


class MarketWindow(Market):
    """The last `sessions` sessions of a market up to `last`, and nothing after it.

    Of a stored market only these rows are read (and the older ones of symbols that were not traded on the first of
    them). `bar_sessions` and `tick_sessions` are all up to `last`, for they say which tier of data the market has.
    Raises DataError when `last` is no session.
    """

    def __init__(self, whole: Market, last: np.datetime64, sessions: int) -> None:
        self.whole, self.last = whole, last.astype("datetime64[D]")
        known = whole.sessions
        at = int(np.searchsorted(known, self.last))
        if at == len(known) or known[at] != self.last:
            raise DataError(
                f"date: {self.last} is not a session of the market ({known[0]} to {known[-1]}"
                f"{'; its last one is earlier' if self.last > known[-1] else ''})"
            )
        first = at - sessions + 1
        self.first_row = CARRIED if first >= CARRIED else 0
        """Position of the first session whose own rows are there."""
        self._start = first - self.first_row if self.first_row else 0
        self._stop = at + 1
        self._sessions: SessionArray = known[self._start : self._stop]
        self._made: tuple[npt.NDArray[Any], Columns] | None = None

    @property
    def sessions(self) -> SessionArray:
        return self._sessions

    @property
    def symbols(self) -> npt.NDArray[Any]:
        return self._prices[0]

    def dense(self, column: str) -> FloatArray:
        columns = self._prices[1]
        if column not in columns:
            raise DataError(f"stock_prices has no column {column}")
        return columns[column]

    @property
    def _prices(self) -> tuple[npt.NDArray[Any], Columns]:
        if self._made is None:
            stored = isinstance(self.whole, StoredMarket)
            self._made = self._stored_prices(self.whole) if stored else self._sliced_prices()  # type: ignore[arg-type]
        return self._made

    # the two ways to the prices of the window

    def _stored_prices(self, whole: StoredMarket) -> tuple[npt.NDArray[Any], Columns]:
        """From the file's rows of these sessions; older ones for symbols that did not trade on the first of them."""
        file, first = whole.file_of("stock_prices"), self.sessions[self.first_row]
        rows = rows_between("stock_prices", file, first, self.last)
        if rows.empty:
            raise DataError(f"stock_prices: 0 rows from {first} to {self.last}, at least 1 is needed")
        symbols = np.array(sorted(set(rows["symbol"])), dtype=object)
        grid = Grid(rows, self.sessions, symbols)
        columns = {name: grid.fill(rows[name].to_numpy()) for name in _PRICES if name in rows}
        _refuse_off_sessions(rows, self.sessions)
        if self.first_row:
            unknown = symbols[~_traded(_rows(columns, slice(self.first_row, self.first_row + 1)))[0]]
            older = rows_before("stock_prices", file, first, list(unknown)) if len(unknown) else rows[:0]
            days = np.unique(older["date"].to_numpy().astype("datetime64[D]"))
            grid = Grid(older, days, symbols)
            _carry(columns, {name: grid.fill(older[name].to_numpy()) for name in columns})
        return symbols, columns

    def _sliced_prices(self) -> tuple[npt.NDArray[Any], Columns]:
        """From the wide arrays of a market that has them in memory anyway."""
        whole: Columns = {}
        for name in _PRICES:
            try:
                whole[name] = self.whole.dense(name)[: self._stop]
            except DataError:
                continue
        there_n = np.isfinite(whole["close"]).any(axis=0)
        columns = {name: values_tn[self._start :, there_n].copy() for name, values_tn in whole.items()}
        if self.first_row:
            until = self._start + self.first_row
            _carry(columns, {name: values_tn[:until, there_n] for name, values_tn in whole.items()})
        return np.asarray(self.whole.symbols, dtype=object)[there_n], columns

    # tables

    def has(self, name: str) -> bool:
        return name != "stock_prices" and self.whole.has(name)

    def table(self, name: str) -> pd.DataFrame:
        """The rows that begin, or are dated, on `last` or before; dates of ends that come later are empty."""
        if name in ("stock_prices", "caps"):
            raise DataError(f"{name}: a window of a market has it as arrays alone")
        frame = self.whole.table(name)
        last = pd.Timestamp(self.last)
        if name in _BEGINS:
            frame = frame[frame[_BEGINS[name]].isna() | (frame[_BEGINS[name]] <= last)]
        elif "date" in frame:
            frame = frame[frame["date"] <= last]
        ends = {end: frame[end].where(frame[end] <= last) for end in ("out_date", "delist_date") if end in frame}
        return frame.assign(**ends).reset_index(drop=True)

    @cached_property
    def caps_tn(self) -> FloatArray | None:
        if not self.whole.has("caps"):
            return None
        if not isinstance(self.whole, StoredMarket):
            caps_tn = self.whole.caps_tn
            assert caps_tn is not None
            place = pd.Index(self.whole.symbols).get_indexer(pd.Index(self.symbols))
            return caps_tn[self._start : self._stop][:, place]
        return self._stored_caps(self.whole)

    def _stored_caps(self, whole: StoredMarket) -> FloatArray:
        """As in `Market.caps_tn`: the latest row dated on the session or before; the older ones where none is needed
        on the first session."""
        file = whole.file_of("caps")
        recent = _usable_caps(rows_between("caps", file, self.sessions[0], self.last))
        known = set(recent.loc[recent["date"] == pd.Timestamp(self.sessions[0]), "symbol"])
        unknown = [symbol for symbol in self.symbols if symbol not in known]
        parts = [recent]
        if unknown:
            older = _usable_caps(rows_before("caps", file, self.sessions[0], unknown))
            latest = older.sort_values("date", kind="stable").drop_duplicates("symbol", keep="last")
            # on the first session it is as good as there, unless that has a row of its own
            parts.insert(0, latest.assign(date=pd.Timestamp(self.sessions[0])))
        rows = pd.concat(parts)
        t = np.searchsorted(self.sessions, rows["date"].to_numpy().astype("datetime64[D]"))
        n = pd.Index(self.symbols).get_indexer(pd.Index(rows["symbol"]))
        order = np.lexsort((rows["date"].to_numpy(), np.repeat(range(len(parts)), [len(part) for part in parts])))
        order = order[(n[order] >= 0) & (t[order] < len(self.sessions))]
        out_tn = np.full((len(self.sessions), len(self.symbols)), np.nan)
        out_tn[t[order], n[order]] = rows["cap"].to_numpy()[order]
        return bn.push(out_tn, axis=0)

    # bars and ticks

    @property
    def bar_minutes(self) -> int | None:
        return self.whole.bar_minutes

    @cached_property
    def bar_sessions(self) -> SessionArray:  # type: ignore[override]
        days = self.whole.bar_sessions
        return days[days <= self.last]

    def bars(self, session: np.datetime64) -> SessionBars:
        self._refuse_later(session)
        return self.whole.bars(session)

    @property
    def hours(self) -> Hours:
        return self.whole.hours

    def bars_fingerprint(self, session: np.datetime64) -> str:
        self._refuse_later(session)
        return self.whole.bars_fingerprint(session)

    @cached_property
    def tick_sessions(self) -> SessionArray:  # type: ignore[override]
        days = self.whole.tick_sessions
        return days[days <= self.last]

    def ticks(self, session: np.datetime64) -> SessionTicks:
        self._refuse_later(session)
        return self.whole.ticks(session)

    def ticks_fingerprint(self, session: np.datetime64) -> str:
        self._refuse_later(session)
        return self.whole.ticks_fingerprint(session)

    def _refuse_later(self, session: np.datetime64) -> None:
        if session > self.last:
            raise DataError(f"bars of {session}: the view of the market ends at {self.last}")

    # what a day's scores do not need

    @property
    def pools(self) -> tuple[str, ...]:
        return ()

    def pool(self, name: str) -> Pool:
        raise DataError(f"pool {name}: a window of a market has no pools")

    @property
    def truth(self) -> pd.DataFrame | None:
        return None

    def fingerprint(self) -> str:
        raise DataError("a window of a market has no fingerprint of its own")


def _rows(columns: Mapping[str, FloatArray], rows: slice) -> Columns:
    return {name: values_tn[rows] for name, values_tn in columns.items()}


def _factor(columns: Columns) -> FloatArray:
    """The adjustment factor, an empty one taking the latest earlier value; 1 without the column."""
    factor = columns.get("adj_factor")
    return np.ones(columns["close"].shape) if factor is None else bn.push(factor, axis=0)


def _traded(columns: Columns) -> npt.NDArray[np.bool_]:
    """As in features.bars: volume, a valid close, and a factor that is known."""
    volume = columns.get("volume")
    known = valid_price(columns["close"]) & (_factor(columns) > 0)
    return known if volume is None else known & (volume > 0) & np.isfinite(volume)


def _carry(columns: Columns, older: Columns) -> None:
    """In place: the first row of `columns` becomes that of each symbol's last trade in `older`, with its factor; the
    second holds the factor after the last of them and nothing else."""
    for values_tn in columns.values():
        values_tn[:CARRIED] = np.nan
    if not len(older["close"]):
        return
    traded_tn, factor_tn = _traded(older), _factor(older)
    last_n = len(traded_tn) - 1 - traded_tn[::-1].argmax(axis=0)
    n = np.flatnonzero(traded_tn.any(axis=0))
    for name, values_tn in columns.items():
        source = factor_tn if name == "adj_factor" else older[name]
        values_tn[0, n] = source[last_n[n], n]
    if "adj_factor" in columns:
        columns["adj_factor"][1] = factor_tn[-1]


def _usable_caps(caps: pd.DataFrame) -> pd.DataFrame:
    cap = caps["cap"].to_numpy()
    return caps[np.isfinite(cap) & (cap > 0)]


def _refuse_off_sessions(rows: pd.DataFrame, sessions: SessionArray) -> None:
    days = rows["date"].to_numpy().astype("datetime64[D]")
    off = sessions[np.minimum(np.searchsorted(sessions, days), len(sessions) - 1)] != days
    if off.any():
        row = rows.iloc[int(off.argmax())]
        raise DataError(f"stock_prices: symbol {row['symbol']}, date {row['date']:%Y-%m-%d} is not a session")
