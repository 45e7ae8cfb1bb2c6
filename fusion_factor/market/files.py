"""A market over the user's own Parquet and CSV files: nothing is converted on disk, a description maps them (docs/own-
data.md).

Legend of axes: t session, n symbol.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.artifacts import hash_of
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.sessions import Calendar
from fusion_factor.core.table_rules import TABLES
from fusion_factor.core.tables import check_table
from fusion_factor.market.bad_rows import SIFTED
from fusion_factor.market.bar_files import MappedBars, open_bars
from fusion_factor.market.baskets import BasketRule, Constituents, constituents
from fusion_factor.market.dated import to_spells
from fusion_factor.market.fundamental_files import read_fundamentals
from fusion_factor.market.hours import ASHARE, TIMETABLE_KEYS, Hours
from fusion_factor.market.level2 import SessionTicks
from fusion_factor.market.level2_files import open_ticks
from fusion_factor.market.mapping import TableMap, choice, files_fingerprint, parse_table, refuse_unknown
from fusion_factor.market.pool_files import build_pool, clamp, parse_pool, within
from fusion_factor.market.prices import (
    PriceGrid,
    add_factors,
    filled_caps,
    filled_factors,
    mark_suspensions,
    price_grid,
    price_table,
)
from fusion_factor.market.reading import add_boards, read_mapped
from fusion_factor.market.store import Market, Pool, SessionArray, SessionBars
from fusion_factor.market.symbols import INSIDE

_SOURCES = (
    "sessions", "stock_prices", "stocks", "st", "industry", "caps", "benchmark", "consensus", "financials", "reports",
)  # fmt: skip
_KEYS = (
    "kind",
    "name",
    "folder",
    "cache",
    "memory_limit_gb",
    "start",
    "end",
    "sessions_from",
    "benchmark",
    "caps_fill",
    "notes",
)
_SPELLS = ("st", "industry")
_EXTRA_COLUMNS = {
    "benchmark": ("high", "low", "open"),
    "st": ("date",),
    "industry": ("date",),
    "financials": ("basis", "gross_margin"),
}


class FilesMarket(Market):
    """The files that `config` describes. Every key is checked and every file looked for at once; rows are read on
    first use.

    config: plain dict of `kind: files` (see docs/own-data.md). Raises ConfigError for a key or word that is not known,
    DataError for a missing file.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        refuse_unknown(config, (*_KEYS, "tables", "bars", "ticks", "pools"), "data")
        self.config = dict(config)
        self.folder = Path(str(config.get("folder", "."))).expanduser()
        if not self.folder.is_dir():
            raise DataError(f"data.folder {self.folder}: is not a folder")
        given = config.get("tables") or {}
        refuse_unknown(given, (*_SOURCES, "adj_factor"), "data.tables")
        if not given.get("stock_prices"):
            _check_index_only(config, given)
        self.maps = {name: _parsed(name, entry, self.folder) for name, entry in given.items() if entry}
        self.pool_maps = {
            name: parse_pool(name, entry, self.folder) for name, entry in (config.get("pools") or {}).items() if entry
        }
        self._bars = open_bars(config, self.folder)
        self._ticks = open_ticks(config, self.folder)
        self._notes = [str(note) for note in config.get("notes") or ()]
        self._remarks: dict[str, list[str]] = {}
        self._source = choice(
            config.get("sessions_from", "stock_prices"), ("stock_prices", "benchmark"), "data.sessions_from"
        )
        self._caps_fill = dict(config.get("caps_fill") or {})
        refuse_unknown(self._caps_fill, ("max_sessions", "scale_by_close"), "data.caps_fill")
        self._start, self._end = _bound(config, "start"), _bound(config, "end")
        self._tables: dict[str, pd.DataFrame] = {}
        self._pools: dict[str, Pool] = {}

    @property
    def notes(self) -> list[str]:
        """What the config says of the data, and how many rows of which tables were left out or are in doubt."""
        for name in SIFTED:
            if name in self.maps:
                self.table(name)
        return [*self._notes, *(line for name in SIFTED for line in self._remarks.get(name, ()))]

    @property
    def sifted(self) -> bool:
        """The tables of `bad_rows` have been looked at on reading."""
        return True

    @property
    def indices_only(self) -> bool:
        """Whether there are index prices and no stocks."""
        return "stock_prices" not in self.maps

    # sessions, symbols, prices

    @cached_property
    def _price_rows(self) -> pd.DataFrame:
        frame = read_mapped(self.maps["stock_prices"])
        for name in ("symbol", "date"):
            if name not in frame:
                raise ConfigError(f"table stock_prices: column {name} is not mapped")
        if frame.empty:
            raise DataError("stock_prices: 0 rows are left, at least 1 is needed (what do the filters keep?)")
        if frame["date"].isna().any():
            row = int(frame["date"].isna().to_numpy().argmax())
            raise DataError(f"stock_prices: symbol {frame['symbol'].iloc[row]}: date is empty")
        return frame[self._within(frame["date"])] if self._start is not None or self._end is not None else frame

    def _within(self, dates: pd.Series) -> npt.NDArray[np.bool_]:
        days = dates.to_numpy().astype("datetime64[D]")
        kept = np.ones(len(days), dtype=bool)
        if self._start is not None:
            kept &= days >= self._start
        if self._end is not None:
            kept &= days <= self._end
        return kept

    @cached_property
    def sessions(self) -> SessionArray:  # type: ignore[override]
        if "sessions" in self.maps:
            dates = check_table("sessions", read_mapped(self.maps["sessions"]))["date"]
        else:
            frame = self._price_rows if self._source == "stock_prices" else self._read("benchmark")
            dates = frame["date"]
        kept = dates.to_numpy().astype("datetime64[D]")[self._within(dates)]
        if not len(kept):
            raise DataError(f"sessions: none between {self._start or 'the first'} and {self._end or 'the last'}")
        return Calendar(np.unique(kept)).sessions

    @cached_property
    def grid(self) -> PriceGrid:
        """Daily prices as wide arrays; the long rows are let go. Raises DataError for a market of indices alone."""
        if self.indices_only:
            raise DataError("data.tables: there is no table stock_prices, this market has indices only")
        grid = price_grid(self._price_rows, self.sessions)
        del self._price_rows
        if "adj_factor" in self.maps:
            add_factors(grid, read_mapped(self.maps["adj_factor"]))
        mark_suspensions(grid)
        return grid

    @property
    def symbols(self) -> npt.NDArray[Any]:
        return np.empty(0, dtype=object) if self.indices_only else self.grid.symbols

    def dense(self, column: str) -> npt.NDArray[np.float64]:
        if column not in self.grid.columns:
            raise DataError(f"stock_prices has no column {column}")
        return self.grid.columns[column]

    # tables

    def has(self, name: str) -> bool:
        return name in self.maps or name == "sessions" or (name == "stocks" and self._boards_by_code)

    @property
    def _boards_by_code(self) -> bool:
        return len(self.symbols) > 0 and all(INSIDE.fullmatch(symbol) for symbol in self.symbols)

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            if not self.has(name):
                raise DataError(f"data.tables: there is no table {name}")
            self._tables[name] = self._made(name)
        return self._tables[name]

    def _made(self, name: str) -> pd.DataFrame:
        if name == "sessions":
            return check_table("sessions", pd.DataFrame({"date": self.sessions.astype("datetime64[s]")}))
        if name == "stock_prices":
            return check_table(name, price_table(self.grid), sessions=self.sessions)
        if name == "caps" and self._caps_fill:
            return self._daily_caps()
        if name == "stocks":
            return check_table(name, self._stocks())
        frame = self._read(name)
        if name in _SPELLS:
            frame = to_spells(frame, self.maps[name].spells, self.sessions, f"table {name}")
            frame = frame[frame["in_date"] <= pd.Timestamp(self.sessions[-1])]
        if name in SIFTED:
            frame, self._remarks[name] = read_fundamentals(name, frame, self.maps[name])
        if name in _SPELLS and self.maps[name].within is not None:
            frame = within(frame, self.maps[name], f"table {name}")
        if name == "benchmark":
            days = frame["date"].to_numpy().astype("datetime64[D]")
            frame = frame[(days >= self.sessions[0]) & (days <= self.sessions[-1])].reset_index(drop=True)
            clamp(frame)
        return check_table(name, frame, sessions=self.sessions)

    def _read(self, name: str) -> pd.DataFrame:
        frame = read_mapped(self.maps[name])
        texts = [c for c in frame.columns if isinstance(frame[c].dtype, pd.CategoricalDtype)]
        return frame.astype({c: object for c in texts})

    def _stocks(self) -> pd.DataFrame:
        """The mapped table with boards by code where it has none; without a table, every symbol with empty dates."""
        frame = self._read("stocks") if "stocks" in self.maps else pd.DataFrame({"symbol": self.symbols})
        for name in ("list_date", "delist_date"):
            if name not in frame:
                frame[name] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]")
        return add_boards(frame)

    @cached_property
    def caps_tn(self) -> npt.NDArray[np.float64] | None:
        """Float caps [T, N] in CNY, filled forward as `caps_fill` says; None without the table caps."""
        if "caps" not in self.maps:
            return None
        caps = check_table("caps", self._read("caps"))
        caps = caps[caps["date"] <= pd.Timestamp(self.sessions[-1])]
        longest = int(self._caps_fill.get("max_sessions", len(self.sessions)))
        scaled = bool(self._caps_fill.get("scale_by_close", False))
        return filled_caps(caps, self.grid, max_sessions=longest, scale_by_close=scaled)

    def _daily_caps(self) -> pd.DataFrame:
        caps_tn = self.caps_tn
        assert caps_tn is not None  # the table is mapped
        n, t = np.nonzero(np.isfinite(caps_tn.T))
        dates = self.sessions[t].astype("datetime64[s]")
        return check_table("caps", pd.DataFrame({"symbol": self.symbols[n], "date": dates, "cap": caps_tn[t, n]}))

    # bars

    @property
    def bar_minutes(self) -> int | None:
        return None if self._bars is None else self._bars.minutes

    @cached_property
    def bar_sessions(self) -> SessionArray:  # type: ignore[override]
        if self._bars is None:
            return np.empty(0, "datetime64[D]")
        days = self._bars.sessions
        return days[(days >= self.sessions[0]) & (days <= self.sessions[-1])]

    def bars(self, session: np.datetime64) -> SessionBars:
        if self._bars is None:
            raise DataError("data.bars: this market has no intraday bars")
        return self._bars.session_bars(session)

    @property
    def hours(self) -> Hours:
        return ASHARE if self._bars is None else self._bars.hours

    @property
    def timetable(self) -> dict[str, Any]:
        given = self.config.get("bars") or {}
        return {key: given[key] for key in TIMETABLE_KEYS if given.get(key)}

    @property
    def bar_trades(self) -> bool:  # type: ignore[override]
        return self._bars is not None and "trades" in self._bars.table.columns

    def bars_fingerprint(self, session: np.datetime64) -> str:
        known = None if self._bars is None else self._bars.fingerprint(session)
        return known or super().bars_fingerprint(session)

    @cached_property
    def tick_sessions(self) -> SessionArray:  # type: ignore[override]
        if self._ticks is None:
            return super().tick_sessions
        days = self._ticks.sessions
        return days[(days >= self.sessions[0]) & (days <= self.sessions[-1])]

    def ticks(self, session: np.datetime64) -> SessionTicks:
        return super().ticks(session) if self._ticks is None else self._ticks.session_ticks(session)

    def ticks_fingerprint(self, session: np.datetime64) -> str:
        known = None if self._ticks is None else self._ticks.fingerprint(session)
        return known or super().ticks_fingerprint(session)

    @property
    def mapped_bars(self) -> MappedBars | None:
        """The description of the bars and its reader, for checks."""
        return self._bars

    # pools

    @property
    def pools(self) -> tuple[str, ...]:
        return tuple(self.pool_maps)

    def pool(self, name: str) -> Pool:
        if name not in self.pool_maps:
            raise DataError(f"pool {name} is not one of {', '.join(self.pools) or 'no pools'}")
        if name not in self._pools:
            described = self.pool_maps[name]
            named = described.members if isinstance(described.members, str) else None
            spells = self.table(named) if named is not None and self.has(named) else None
            self._pools[name] = build_pool(described, spells, self.sessions, self.symbols, self._constituents)
        return self._pools[name]

    def _constituents(self, rule: BasketRule) -> Constituents:
        factor = filled_factors(self.grid)
        close = self.dense("close")
        amount = None
        if "volume" in self.grid.columns:
            amount = self.dense("volume") * close  # a session without an amount takes volume times close
            if "amount" in self.grid.columns:
                amount = np.where(np.isfinite(self.dense("amount")), self.dense("amount"), amount)
        return constituents(
            self.symbols, self.sessions, self.dense("open") * factor, close * factor, rule,
            cap_tn=self.caps_tn if rule.weights == "cap" else None, amount_tn=amount,
        )  # fmt: skip

    @property
    def truth(self) -> pd.DataFrame | None:
        return None

    def fingerprint(self) -> str:
        if not hasattr(self, "_fingerprint"):
            maps = [*self.maps.values()]
            for pool in self.pool_maps.values():
                maps += [*pool.prices, *(pool.members if isinstance(pool.members, tuple) else ())]
            maps += [table.within for table in maps if table.within is not None]
            files = {file for table in maps for file in table.files}
            if self._bars is not None:
                files |= set(self._bars.table.files)
            if self._ticks is not None:
                files |= set(self._ticks.files)
            described = {k: v for k, v in self.config.items() if k not in ("folder", "cache", "memory_limit_gb")}
            self._fingerprint = hash_of([described, files_fingerprint(sorted(files))])
        return self._fingerprint


def _parsed(name: str, given: Mapping[str, Any], folder: Path) -> TableMap:
    """One table's description; our names must be columns of that table."""
    table = parse_table(name, given, folder)
    if table.within is not None and name not in _SPELLS:
        raise ConfigError(f"table {name}: within is for spells only ({', '.join(_SPELLS)} and members of pools)")
    known = ("symbol", "date", "adj_factor") if name == "adj_factor" else tuple(c.name for c in TABLES[name].columns)
    for column in (*table.columns, *table.constants):
        if column not in (*known, *_EXTRA_COLUMNS.get(name, ())):
            raise ConfigError(f"table {name}: column {column} is unknown, must be one of {', '.join(known)}")
    return table


def _check_index_only(config: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Without stock prices there must be sessions from elsewhere, and a pool with prices of its own."""
    sessions = bool(tables.get("sessions")) or (config.get("sessions_from") == "benchmark" and tables.get("benchmark"))
    pools = config.get("pools") or {}
    if not sessions or not any(entry and entry.get("prices") for entry in pools.values()):
        raise ConfigError(
            "data.tables: stock_prices is missing (a market of indices alone needs a pool with prices, and sessions "
            "from the table sessions or by sessions_from: benchmark)"
        )


def _bound(config: Mapping[str, Any], name: str) -> np.datetime64 | None:
    value = config.get(name)
    if value is None:
        return None
    try:
        return np.datetime64(str(value), "D")
    except ValueError:
        raise ConfigError(f"data.{name} = {value!r}: must be a date YYYY-MM-DD") from None
