"""Intraday bars out of vendor files, session by session, as full grids.

A folder with a file per session (`{date}` in the path) is read on demand. Anything else (one big file, a file per
symbol or year) is put once into one compact float32 array [T, F, S, B]: in memory when it is small, else in a memory-
mapped file under the cache folder, which is used again as long as neither files nor description change.

Legend of axes: t session, f field, s symbol, b bar of a session.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import hash_of, new_artifact
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.mapping import TableMap, choice, files_fingerprint, parse_table
from fusion_factor.market.reading import batches, to_ours
from fusion_factor.market.stamps import MINUTES, bar_positions, check_label
from fusion_factor.market.store import SessionBars

FIELDS = ("open", "high", "low", "close", "volume", "amount")
NEEDED = ("symbol", *FIELDS)
_TIME = ("datetime", "date", "time")
_DATE_IN_NAME = r"(\d{4}-?\d{2}-?\d{2})"


@dataclass
class _Grid:
    """values [T, F, S, B] float32; there [T, S]: the session has rows of the symbol."""

    sessions: np.ndarray
    symbols: np.ndarray
    fields: tuple[str, ...]
    values_tfsb: np.ndarray
    there_ts: np.ndarray
    after_hours: int = 0


class MappedBars:
    """The bars of a `bars` description. `cache` is a folder for the compact form, None keeps it in memory.

    Raises ConfigError and DataError on a description that cannot be; files are read on the first question.
    """

    def __init__(
        self, given: Mapping[str, Any], folder: Path, *, cache: Path | None, memory_limit_gb: float = 2.0
    ) -> None:
        rest = {key: value for key, value in given.items() if key not in ("minutes", "label")}
        self.minutes = int(choice(given.get("minutes"), MINUTES, "bars.minutes"))
        self.label = str(choice(given.get("label"), ("end", "start"), "bars.label"))
        self.by_session = "{date}" in str(given.get("path", ""))
        self.pattern = str(given.get("path", ""))
        if self.by_session:
            rest["path"] = self.pattern.replace("{date}", "*")
        self.table = parse_table("bars", rest, folder)
        _check_mapping(self.table, self.by_session)
        self.cache, self.memory_limit_gb = cache, memory_limit_gb
        self._file_of = self._dated_files() if self.by_session else {}

    @property
    def n_bars(self) -> int:
        return 240 // self.minutes

    def _dated_files(self) -> dict[Any, Path]:
        stem = re.escape(Path(self.pattern).name).replace(re.escape("{date}"), _DATE_IN_NAME)
        found = {}
        for file in self.table.files:
            match = re.fullmatch(stem, file.name)
            if match:
                digits = match[1].replace("-", "")
                found[np.datetime64(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}", "D")] = file
        if not found:
            raise DataError(f"bars: no file name at {self.pattern} holds a date YYYY-MM-DD or YYYYMMDD")
        return found

    @cached_property
    def sessions(self) -> np.ndarray:
        """datetime64[D] [Tb], the sessions that have bars."""
        return np.array(sorted(self._file_of)) if self.by_session else self._grid.sessions

    def session_bars(self, session: np.datetime64) -> SessionBars:
        """The bars of one session. Raises DataError when there are none."""
        day: Any = np.datetime64(session).astype("datetime64[D]")
        if self.by_session:
            if day not in self._file_of:
                raise DataError(f"bars: no file of {day}")
            grid = self._read_session(day)
            t = 0
        else:
            grid = self._grid
            t = int(np.searchsorted(grid.sessions, day))
            if t == len(grid.sessions) or grid.sessions[t] != day:
                raise DataError(f"bars: none on {day}")
        rows = np.flatnonzero(grid.there_ts[t])
        arrays = {name: np.ascontiguousarray(grid.values_tfsb[t, f][rows]) for f, name in enumerate(grid.fields)}
        return SessionBars(day, grid.symbols[rows], **arrays)

    def _pieces(
        self, files: tuple[Path, ...], columns: tuple[str, ...], day: np.datetime64 | None
    ) -> Iterator[pd.DataFrame]:
        """Rows in pieces: symbol, day, minute and the columns asked for. Files go one after the other, never all at
        once."""
        wanted = {name: column for name, column in self.table.columns.items() if name in (*columns, "symbol", *_TIME)}
        table = replace(self.table, columns=wanted, fill={k: v for k, v in self.table.fill.items() if k in wanted})
        for file in files:
            for raw in batches(file, table):
                yield _with_stamps(to_ours(raw, table), day)

    def _read_session(self, day: np.datetime64) -> _Grid:
        where = f"bars: file {self._file_of[day].name}"
        pieces = list(self._pieces((self._file_of[day],), NEEDED + self._extra, day))
        if not sum(map(len, pieces)):
            raise DataError(f"{where}: holds no rows")
        for piece in pieces:
            other = piece["day"].to_numpy().astype("datetime64[D]") != day
            if other.any():
                raise DataError(f"{where}: holds rows of {piece['day'].iloc[int(other.argmax())]:%Y-%m-%d}")
        symbols = sorted(
            set().union(*(piece["symbol"].cat.remove_unused_categories().cat.categories for piece in pieces))
        )
        grid = self._empty(np.array([day]), np.array(symbols, dtype=object), None)
        self._place(pieces, grid, where)
        return grid

    @property
    def _extra(self) -> tuple[str, ...]:
        return ("trades",) if "trades" in self.table.columns else ()

    @cached_property
    def _grid(self) -> _Grid:
        """The compact form of all files, from the cache where it is there."""
        if self.cache is None:
            return self._filled(None)
        made_from = hash_of([files_fingerprint(self.table.files), str(self.table), self.minutes, self.label])
        folder = self.cache / f"bars-{made_from}"
        if not (folder / "axes.json").is_file():
            with new_artifact(folder) as tmp:
                grid = self._filled(tmp)
                axes = {
                    "sessions": [str(d) for d in grid.sessions],
                    "symbols": list(grid.symbols),
                    "after_hours": grid.after_hours,
                }
                np.save(tmp / "there.npy", grid.there_ts)
                grid.values_tfsb.flush()  # type: ignore[attr-defined]
                del grid
                (tmp / "axes.json").write_text(json.dumps(axes))
        axes = json.loads((folder / "axes.json").read_text())
        return _Grid(
            np.array(axes["sessions"], dtype="datetime64[D]"),
            np.array(axes["symbols"], dtype=object),
            FIELDS + self._extra,
            np.load(folder / "values.npy", mmap_mode="r"),
            np.load(folder / "there.npy"),
            axes["after_hours"],
        )

    def _filled(self, folder: Path | None) -> _Grid:
        """Two walks through the files: first which sessions and symbols there are, then their values."""
        days: set[np.datetime64] = set()
        symbols: set[str] = set()
        minutes: set[int] = set()
        for piece in self._pieces(self.table.files, (), None):
            days.update(np.unique(piece["day"].to_numpy().astype("datetime64[D]")))
            symbols.update(piece["symbol"].cat.remove_unused_categories().cat.categories)
            minutes.update(np.unique(piece["minute"].to_numpy()).tolist())
        if not days:
            raise DataError("bars: the files hold no rows")
        check_label(np.array(sorted(minutes)), self.label, self.minutes, "bars")
        grid = self._empty(np.array(sorted(days)), np.array(sorted(symbols), dtype=object), folder)
        self._place(self._pieces(self.table.files, NEEDED + self._extra, None), grid, "bars")
        return grid

    def _empty(self, sessions: np.ndarray, symbols: np.ndarray, folder: Path | None) -> _Grid:
        fields = FIELDS + self._extra
        shape = (len(sessions), len(fields), len(symbols), self.n_bars)
        size = np.prod(shape, dtype=float) * 4 / 2**30
        if folder is None and size > self.memory_limit_gb:
            raise DataError(
                f"bars: need {size:.1f} GB in memory, the limit is {self.memory_limit_gb:g}; give `cache`, a folder"
            )
        if folder is None:
            values = np.empty(shape, np.float32)
        else:
            values = np.lib.format.open_memmap(folder / "values.npy", mode="w+", dtype=np.float32, shape=shape)
        values[:, :4], values[:, 4:] = np.nan, 0.0
        return _Grid(sessions, symbols, fields, values, np.zeros((len(sessions), len(symbols)), dtype=bool))

    def _place(self, pieces: Any, grid: _Grid, where: str) -> None:
        """Put every row on its place in the grid; auction rows join their bar at the end."""
        filled = np.zeros((len(grid.sessions), len(grid.symbols), self.n_bars), dtype=bool)
        auctions = []
        for piece in pieces:
            if self.by_session:
                check_label(piece["minute"].to_numpy(), self.label, self.minutes, where)
            bar, auction = bar_positions(piece["minute"].to_numpy(), self.minutes, self.label, where)
            kept = bar >= 0
            grid.after_hours += int((~kept).sum())
            piece = piece.assign(bar=bar)
            auctions.append(piece[kept & auction])
            self._place_rows(piece[kept & ~auction], grid, filled, where)
        late = pd.concat(auctions, ignore_index=True)
        if len(late):
            _join_auctions(late, grid, where)

    def _place_rows(self, piece: pd.DataFrame, grid: _Grid, filled: np.ndarray, where: str) -> None:
        t, s = _axes(piece, grid)
        b = piece["bar"].to_numpy()
        flat = (t * len(grid.symbols) + s) * self.n_bars + b
        before = filled.reshape(-1)[flat]
        filled.reshape(-1)[flat] = True
        if before.any() or len(np.unique(flat)) < len(flat):
            again = int(np.flatnonzero(before | pd.Series(flat).duplicated().to_numpy())[0])
            raise DataError(
                f"{where}: symbol {grid.symbols[s[again]]}, {grid.sessions[t[again]]}, bar {b[again]} is there twice"
            )
        grid.there_ts[t, s] = True
        for f, name in enumerate(grid.fields):
            grid.values_tfsb[t, f, s, b] = _cleaned(piece, name)


def _check_mapping(table: TableMap, by_session: bool) -> None:
    for name in NEEDED:
        if name not in table.columns:
            raise ConfigError(f"table bars: column {name} is not mapped")
    if "datetime" not in table.columns and not ("time" in table.columns and (by_session or "date" in table.columns)):
        raise ConfigError("table bars: map `datetime`, or `date` and `time` (`time` alone with {date} in the path)")
    for name in table.columns:
        if name not in (*NEEDED, "trades", *_TIME):
            raise ConfigError(
                f"table bars: column {name} is unknown, must be one of {', '.join((*NEEDED, 'trades', *_TIME))}"
            )


def _with_stamps(frame: pd.DataFrame, day: np.datetime64 | None) -> pd.DataFrame:
    """The columns `day` and `minute` (after midnight) from datetime, or from date and time."""
    if "datetime" in frame:
        stamps = frame.pop("datetime").to_numpy().astype("datetime64[m]")
        days = stamps.astype("datetime64[D]")
        return frame.assign(day=days.astype("datetime64[s]"), minute=(stamps - days).astype(np.int64))
    minute = frame.pop("time").to_numpy(dtype=np.int64)
    days = (
        frame.pop("date").to_numpy().astype("datetime64[s]")
        if "date" in frame
        else np.full(len(frame), day, "datetime64[s]")
    )
    return frame.assign(day=days, minute=minute)


def _axes(piece: pd.DataFrame, grid: _Grid) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows on the session and symbol axes."""
    symbol = piece["symbol"].astype("category")
    lookup = np.searchsorted(grid.symbols, np.asarray(symbol.cat.categories, dtype=object))
    t = np.searchsorted(grid.sessions, piece["day"].to_numpy().astype("datetime64[D]"))
    return t, lookup[symbol.cat.codes.to_numpy()]


def _cleaned(piece: pd.DataFrame, name: str) -> np.ndarray:
    """Numbers of a field; a bar without a volume has volume 0, one without volume has amount 0."""
    values = piece[name].to_numpy(np.float64)
    if name == "volume" or name == "trades":
        return np.nan_to_num(values, nan=0.0)
    if name == "amount":
        return np.where(np.nan_to_num(piece["volume"].to_numpy(), nan=0.0) == 0, 0.0, values)
    return values


def _join_auctions(late: pd.DataFrame, grid: _Grid, where: str) -> None:
    """Opening rows give their bar its open, closing rows its close; high, low, volume, amount and trades are joined."""
    twice = late.duplicated(["symbol", "day", "minute"])
    if twice.any():
        row = late[twice].iloc[0]
        raise DataError(f"{where}: symbol {row['symbol']}, {row['day'].date()}, minute {row['minute']} is there twice")
    # of several opening rows the earliest comes last, so that its open stays; of closing rows the latest
    late = late.iloc[np.argsort(late["minute"].to_numpy() * np.where(late["bar"] == 0, -1, 1), kind="stable")]
    turn = late.groupby(["symbol", "day", "bar"], observed=True).cumcount().to_numpy()
    for k in range(int(turn.max()) + 1):  # in one turn every bar is met at most once
        _join_turn(late[turn == k], grid)


def _join_turn(late: pd.DataFrame, grid: _Grid) -> None:
    t, s = _axes(late, grid)
    b, values = late["bar"].to_numpy(), grid.values_tfsb
    grid.there_ts[t, s] = True
    traded = np.nan_to_num(late["volume"].to_numpy(np.float64), nan=0.0) > 0
    for f, name in enumerate(grid.fields):
        old, new = values[t, f, s, b], _cleaned(late, name).astype(np.float32)
        if name in ("open", "close"):
            own_side = (b == 0) == (name == "open")
            joined = np.where(traded & np.isfinite(new) & (own_side | ~np.isfinite(old)), new, old)
        elif name in ("high", "low"):
            joined = np.where(traded, (np.fmax if name == "high" else np.fmin)(old, new), old)
        else:
            joined = old + new
        values[t, f, s, b] = joined


def open_bars(config: Mapping[str, Any], folder: Path) -> MappedBars | None:
    """The bars of a data config (`bars`, `cache`, `memory_limit_gb`), or None where it describes none."""
    given = config.get("bars")
    if given is None:
        return None
    cache = config.get("cache")
    limit = float(config.get("memory_limit_gb", 2.0))
    return MappedBars(given, folder, cache=None if cache is None else Path(str(cache)), memory_limit_gb=limit)
