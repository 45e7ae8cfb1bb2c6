"""A market: checked tables, intraday bars and pools, behind one interface; and the folder form of it.

Whatever the data came from (a simulation, mapped vendor files), the rooms above see a `Market`. `StoredMarket` reads
the folder form of docs/data-format.md; `write_table`, `write_bars`, `write_pool` and `write_description` write it.

Legend of axes: t session, n symbol of the market, s symbol of one session's bars, b bar of a session.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bottleneck as bn
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.artifacts import fingerprint, hash_of, hash_of_arrays
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.tables import check_table, dense, read_table
from fusion_factor.market.bar_store import read_bars, write_bars
from fusion_factor.market.hours import ASHARE, TIMETABLE_KEYS, Hours, Timetable, to_timetable
from fusion_factor.market.level2 import SessionTicks
from fusion_factor.market.session_bars import SessionBars
from fusion_factor.market.stamps import MINUTES
from fusion_factor.market.store_files import DESCRIPTION, StoreFiles, read_description

if TYPE_CHECKING:
    from fusion_factor.market.level2_files import MappedTicks

SessionArray = npt.NDArray[np.datetime64]
FORMAT = 1
__all__ = [
    "Market", "Pool", "SessionArray", "SessionBars", "StoredMarket", "open_market", "read_bars", "write_bars",
    "write_description", "write_pool", "write_table",
]  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """A pool of indices: tables `index_prices` and `members`, and a note on what its membership knows too early.

    `names` are what people call the codes, for reports; a code may have none.
    """

    name: str
    index_prices: pd.DataFrame
    members: pd.DataFrame
    note: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


class Market(ABC):
    """What the rooms above may ask. Tables are checked by core.tables; dates are sessions of `sessions`.

    `caps` may have rows on any dates: a session uses the latest row dated on it or before. `truth` is the score table
    of the true conditional expectation where one is known (a simulation), else None; it is for evaluation alone.
    """

    @property
    @abstractmethod
    def sessions(self) -> SessionArray:
        """datetime64[D] [T], strictly increasing."""

    @property
    @abstractmethod
    def symbols(self) -> npt.NDArray[Any]:
        """All symbols of `stock_prices` [N], in byte order."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether the table is there."""

    @abstractmethod
    def table(self, name: str) -> pd.DataFrame:
        """The checked table. Raises DataError when it is not there."""

    @abstractmethod
    def dense(self, column: str) -> npt.NDArray[np.float64]:
        """A column of `stock_prices` as float64 [T, N] on `sessions` and `symbols`, NaN where there is no row."""

    @cached_property
    def caps_tn(self) -> npt.NDArray[np.float64] | None:
        """Market value [T, N] in CNY: the latest row of `caps` dated on the session or before; None without caps.

        NaN before a symbol's first row. A row between two sessions counts from the later one.
        """
        if not self.has("caps"):
            return None
        caps = self.table("caps")
        days = caps["date"].to_numpy().astype("datetime64[D]")
        codes, names = pd.factorize(caps["symbol"])
        n = pd.Index(self.symbols).get_indexer(pd.Index(names))[codes]
        t = np.searchsorted(self.sessions, days)
        cap = caps["cap"].to_numpy(dtype=np.float64, copy=True)
        usable = (n >= 0) & (t < len(self.sessions)) & np.isfinite(cap) & (cap > 0)
        order = np.argsort(days[usable], kind="stable")
        out_tn = np.full((len(self.sessions), len(self.symbols)), np.nan)
        # several dates before one session: the assignment in order of dates leaves the latest
        out_tn[t[usable][order], n[usable][order]] = cap[usable][order]
        return bn.push(out_tn, axis=0)

    @property
    @abstractmethod
    def bar_minutes(self) -> int | None:
        """1, 5 or 15; None for a market without intraday bars."""

    @property
    @abstractmethod
    def bar_sessions(self) -> SessionArray:
        """The sessions that have intraday bars [Tb]."""

    @abstractmethod
    def bars(self, session: np.datetime64) -> SessionBars:
        """The intraday bars of one session. Raises DataError when there are none."""

    @property
    def hours(self) -> Hours:
        """When the market trades, and what its bars make of the auctions."""
        return ASHARE

    @property
    def timetable(self) -> dict[str, Any]:
        """The hours, auctions and early closes as a description has them; empty: those of an A-share session."""
        return {}

    @cached_property
    def bar_trades(self) -> bool:
        """Whether the bars carry trade counts; the last session is looked at."""
        return len(self.bar_sessions) > 0 and self.bars(self.bar_sessions[-1]).trades is not None

    def bars_fingerprint(self, session: np.datetime64) -> str:
        """A short hash that changes when anything in the session's bars changes, and with nothing else."""
        bars = self.bars(session)
        fields = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.amount, bars.trades)
        bad = () if bars.left_out is None else (bars.left_out.counts,)
        return hash_of_arrays(bars.symbols, *fields, bars.missing, *bad)

    @property
    def tick_sessions(self) -> SessionArray:
        """The sessions that have trades and orders (level 2) [Tt]; none where a market does not say otherwise."""
        return np.empty(0, "datetime64[D]")

    def ticks(self, session: np.datetime64) -> SessionTicks:
        """The trades and orders of one session. Raises DataError when there are none."""
        raise DataError(f"ticks of {session}: this market has no trades and orders")

    def ticks_fingerprint(self, session: np.datetime64) -> str:
        """A short hash that changes when anything in the session's trades and orders changes, and with nothing else."""
        ticks = self.ticks(session)
        first = (ticks.trade_first, ticks.order_first, ticks.resting_only, ticks.bad.counts, ticks.bad.rows)
        return hash_of_arrays(ticks.symbols, *ticks.trades, *ticks.orders, *first)

    @property
    @abstractmethod
    def pools(self) -> tuple[str, ...]:
        """The names of the index pools."""

    @abstractmethod
    def pool(self, name: str) -> Pool:
        """One pool. Raises DataError when it is not there."""

    @property
    @abstractmethod
    def truth(self) -> pd.DataFrame | None:
        """Score table of the true conditional expected return, or None."""

    @property
    def report_truth(self) -> pd.DataFrame | None:
        """What the simulated reports really know: report_id, tone, event, drift; None where nobody knows."""
        return None

    @abstractmethod
    def fingerprint(self) -> str:
        """A short hash that changes when anything in the data changes."""


class StoredMarket(Market):
    """A market in the folder form of docs/data-format.md. Tables are read and checked on first use and kept."""

    def __init__(self, folder: str | Path, description: Mapping[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self._tables: dict[str, pd.DataFrame] = {}
        self._dense: dict[str, npt.NDArray[np.float64]] = {}
        given = description is not None or (self.folder / DESCRIPTION).is_file()
        self.description = _checked_description(self.folder, description) if given else {}
        self._files = StoreFiles(self.folder, self.description.get("files"))
        for needed in ("sessions", "stock_prices"):
            if not self._files.has(needed):
                raise DataError(f"market folder {self.folder}: {needed}.parquet is not there")
        if not given:
            raise DataError(f"market folder {self.folder}: {DESCRIPTION} is not there")

    @cached_property
    def sessions(self) -> SessionArray:  # type: ignore[override]
        return self.table("sessions")["date"].to_numpy().astype("datetime64[D]")

    @cached_property
    def symbols(self) -> npt.NDArray[Any]:  # type: ignore[override]
        return np.array(sorted(set(self.table("stock_prices")["symbol"])), dtype=object)

    def file_of(self, name: str) -> Path:
        """The file of a table, there or not."""
        return self._files.path(name)

    def has(self, name: str) -> bool:
        return self._files.has(name)

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            if not self.has(name):
                raise DataError(f"market folder {self.folder}: there is no table {name}")
            sessions = None if name == "sessions" else self.sessions
            self._tables[name] = read_table(name, self.file_of(name), sessions=sessions)
        return self._tables[name]

    def dense(self, column: str) -> npt.NDArray[np.float64]:
        if column not in self._dense:
            prices = self.table("stock_prices")
            if column not in prices.columns:
                raise DataError(f"stock_prices has no column {column}")
            self._dense[column] = dense(prices, column, self.sessions, self.symbols)
        return self._dense[column]

    @property
    def bar_minutes(self) -> int | None:
        return self.description.get("bar_minutes")

    @cached_property
    def bar_sessions(self) -> SessionArray:  # type: ignore[override]
        return np.array(self._files.under("bars"), dtype="datetime64[D]")

    def bars(self, session: np.datetime64) -> SessionBars:
        if self.bar_minutes is None:
            raise DataError(f"market folder {self.folder}: no bars of {session}, bar_minutes of {DESCRIPTION} is null")
        n_bars = self._timetable.on(session).n_bars(self.bar_minutes)
        return read_bars(self.folder, session, n_bars, file=self._files.path(f"bars/{session}"))

    @property
    def timetable(self) -> dict[str, Any]:
        return {key: self.description[key] for key in TIMETABLE_KEYS if key in self.description}

    @cached_property
    def _timetable(self) -> Timetable:
        return to_timetable(self.description, DESCRIPTION)

    @property
    def hours(self) -> Hours:
        return self._timetable.hours

    def bars_fingerprint(self, session: np.datetime64) -> str:
        file = self._files.fingerprint(f"bars/{session}")
        hours = self._timetable.on(session)
        return file if hours == ASHARE else hash_of([file, str(hours)])

    @cached_property
    def _ticks(self) -> "MappedTicks | None":
        from fusion_factor.market.level2_store import stored_ticks

        return stored_ticks(self.folder)

    @property
    def tick_sessions(self) -> SessionArray:
        return super().tick_sessions if self._ticks is None else self._ticks.sessions

    def ticks(self, session: np.datetime64) -> SessionTicks:
        return super().ticks(session) if self._ticks is None else self._ticks.session_ticks(session)

    def ticks_fingerprint(self, session: np.datetime64) -> str:
        known = None if self._ticks is None else self._ticks.fingerprint(session)
        return known or super().ticks_fingerprint(session)

    @cached_property
    def pools(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self._files.under("pools"))

    def pool(self, name: str) -> Pool:
        if name not in self.pools:
            raise DataError(f"pool {name} is not one of {', '.join(self.pools) or 'no pools'}")
        file = self._files.path(f"pools/{name}/index_prices")
        index_prices = read_table("index_prices", file, sessions=self.sessions)
        members = read_table("members", self._files.path(f"pools/{name}/members"))
        described = self.description.get("pools", {}).get(name, {})
        return Pool(name, index_prices, members, described.get("note", ""), described.get("names", {}))

    @property
    def truth(self) -> pd.DataFrame | None:
        path = self.folder / "truth.parquet"
        return read_table("scores", path, sessions=self.sessions) if path.is_file() else None

    @property
    def report_truth(self) -> pd.DataFrame | None:
        path = self.folder / "report_truth.parquet"
        return pd.read_parquet(path) if path.is_file() else None

    def fingerprint(self) -> str:
        if self._files.listed is not None:
            return hash_of({key: value for key, value in self.description.items() if key not in ("version", "sources")})
        if not hasattr(self, "_fingerprint"):
            paths = [p for p in sorted(self.folder.glob("*.parquet")) if not p.name.startswith(".")]
            others = ("bars", "ticks", "pools", DESCRIPTION)
            paths += [self.folder / name for name in others if (self.folder / name).exists()]
            self._fingerprint = fingerprint(*paths)
        return self._fingerprint


def _checked_description(folder: Path, given: Mapping[str, Any] | None) -> dict[str, Any]:
    path = folder / DESCRIPTION
    content = dict(given) if given is not None else read_description(folder)
    if content is None or content.get("format") != FORMAT:
        raise DataError(f"{path}: format must be {FORMAT}")
    if content.get("bar_minutes") not in (None, *MINUTES):
        raise DataError(f"{path}: bar_minutes is {content['bar_minutes']}, must be one of 1, 5, 15 or null")
    return content


def write_description(folder: str | Path, content: Mapping[str, Any]) -> None:
    """Write `market.json`: bar_minutes (1, 5, 15 or None), pools (name to {note}), hours, opening, closing and
    early_closes where they are not those of an A-share session, and whatever else describes it."""
    (Path(folder) / DESCRIPTION).write_text(json.dumps({"format": FORMAT, **content}, indent=1, default=str) + "\n")


def write_table(folder: str | Path, name: str, frame: pd.DataFrame, *, check: bool = True, file: str = "") -> None:
    """Check a table by its rules (the name of core.tables) and write it as Parquet, sorted by key, under its name.

    `file` is the file's stem where it differs from the table's name (`truth` is a `scores` table).
    """
    checked = check_table(name, frame) if check else frame
    table = pa.Table.from_pandas(checked, preserve_index=False)
    fields = [pa.field(f.name, pa.date32() if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    texts = [f.name for f in fields if not (pa.types.is_floating(f.type) or pa.types.is_date(f.type))]
    pq.write_table(
        table.cast(pa.schema(fields)),
        Path(folder) / f"{file or name}.parquet",
        compression="zstd",
        use_dictionary=[*texts, *[f.name for f in fields if pa.types.is_date(f.type)]],
    )


def write_pool(folder: str | Path, pool: Pool) -> None:
    """Write `pools/<name>/index_prices.parquet` and `members.parquet`. The note goes into the description."""
    target = Path(folder) / "pools" / pool.name
    target.mkdir(parents=True, exist_ok=True)
    write_table(target, "index_prices", pool.index_prices)
    write_table(target, "members", pool.members)


def open_market(config: Mapping[str, Any]) -> Market:
    """The market of a data config: `kind: simulated` and `kind: store` read the folder `folder`; `kind: files` maps
    vendor files; `kind: qlib` reads a qlib folder."""
    kind = config.get("kind")
    if kind in ("simulated", "store"):
        return StoredMarket(config["folder"])
    if kind == "files":
        from fusion_factor.market.files import FilesMarket

        return FilesMarket(config)
    if kind == "qlib":
        from fusion_factor.market.qlib_bins import QlibMarket

        return QlibMarket(config)
    raise ConfigError(f"data.kind is {kind}, must be simulated, store, files or qlib")
