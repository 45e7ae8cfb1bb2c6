"""Intraday bars out of vendor files, session by session, as full grids.

A folder with a file per session (`{date}` in the path) is read on demand. Anything else (one big file, a file per
symbol or year) is put once into one compact float32 array [T, F, S, B]: in memory when it is small, else in a memory-
mapped file under the cache folder, which is used again as long as neither files nor description change.

Legend of axes: t session, f field, s symbol, b bar of a session.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import hash_of, new_artifact
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.bar_fill import fill_grid
from fusion_factor.market.bar_grid import FIELDS, BarGrid, empty_grid
from fusion_factor.market.hours import TIMETABLE_KEYS, to_timetable
from fusion_factor.market.mapping import TableMap, choice, files_fingerprint, parse_table
from fusion_factor.market.reading import batches, to_ours
from fusion_factor.market.session_bars import SessionBars
from fusion_factor.market.stamps import DAY_MINUTES, MINUTES, MISTAKEN, check_stamps

NEEDED = ("symbol", *FIELDS)
_SESSION_KEYS = ("minutes", "label", *TIMETABLE_KEYS)
_COMPACT_FORM = 2  # of the cache: places without a row have no volume, rows left out are counted
_TIME = ("datetime", "date", "time")
_DATE_IN_NAME = r"(\d{4}-?\d{2}-?\d{2})"


class MappedBars:
    """The bars of a `bars` description. `cache` is a folder for the compact form, None keeps it in memory.

    Raises ConfigError and DataError on a description that cannot be; files are read on the first question.
    """

    def __init__(
        self, given: Mapping[str, Any], folder: Path, *, cache: Path | None, memory_limit_gb: float = 2.0
    ) -> None:
        rest = {key: value for key, value in given.items() if key not in _SESSION_KEYS}
        self.minutes = int(choice(given.get("minutes"), MINUTES, "bars.minutes"))
        self.label = str(choice(given.get("label"), ("end", "start"), "bars.label"))
        self._timetable = to_timetable(given, "bars")
        self.hours, self.early_closes = self._timetable.hours, self._timetable.early
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
        """Bars of a full session, auctions of their own included."""
        return self.hours.n_bars(self.minutes)

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
        return grid.session(t, self._timetable.on(day).n_bars(self.minutes))  # what trades later is out of hours

    def fingerprint(self, session: np.datetime64) -> str | None:
        """A short hash of the session's file and of the description; None where files hold many sessions."""
        day: Any = np.datetime64(session).astype("datetime64[D]")
        if day not in self._file_of:
            return None
        described = replace(self.table, files=())
        read_by = [str(described), self.minutes, self.label, str(self.hours), str(self.early_closes.get(day))]
        return hash_of([*read_by, files_fingerprint([self._file_of[day]])])

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

    def _read_session(self, day: np.datetime64) -> BarGrid:
        where = f"bars: file {self._file_of[day].name}"
        pieces = list(self._pieces((self._file_of[day],), NEEDED + self._extra, day))
        if not sum(map(len, pieces)):
            raise DataError(f"{where}: holds no rows")
        self._check_days(pieces, day, where)
        symbols = sorted(
            set().union(*(piece["symbol"].cat.remove_unused_categories().cat.categories for piece in pieces))
        )
        grid = self._empty(np.array([day]), np.array(symbols, dtype=object), None)
        check_stamps(
            np.sum([_rows_by_minute(piece) for piece in pieces], axis=0), self.label, self.minutes, where, self.hours
        )
        fill_grid(pieces, grid, self.minutes, self.label, self.hours)
        return grid

    def _check_days(self, pieces: list[pd.DataFrame], day: np.datetime64, where: str) -> None:
        """Some rows of another session are left out and counted; a file full of them is another session's."""
        if "datetime" not in self.table.columns and "date" not in self.table.columns:
            return
        others = [piece["day"][piece["day"].to_numpy().astype("datetime64[D]") != day] for piece in pieces]
        if sum(map(len, others)) > MISTAKEN * sum(map(len, pieces)):
            raise DataError(f"{where}: holds rows of {pd.concat(others).iloc[0]:%Y-%m-%d}")

    @property
    def _extra(self) -> tuple[str, ...]:
        return ("trades",) if "trades" in self.table.columns else ()

    @cached_property
    def _grid(self) -> BarGrid:
        """The compact form of all files, from the cache where it is there."""
        if self.cache is None:
            return self._filled(None)
        described = [str(self.table), self.minutes, self.label, str(self.hours)]
        made_from = hash_of([_COMPACT_FORM, files_fingerprint(self.table.files), *described])
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
                np.save(tmp / "left_out.npy", grid.left_out)
                grid.values_tfsb.flush()  # type: ignore[attr-defined]
                del grid
                (tmp / "axes.json").write_text(json.dumps(axes))
        axes = json.loads((folder / "axes.json").read_text())
        return BarGrid(
            np.array(axes["sessions"], dtype="datetime64[D]"),
            np.array(axes["symbols"], dtype=object),
            FIELDS + self._extra,
            np.load(folder / "values.npy", mmap_mode="r"),
            np.load(folder / "there.npy"),
            np.load(folder / "left_out.npy"),
            axes["after_hours"],
        )

    def _filled(self, folder: Path | None) -> BarGrid:
        """Two walks through the files: first which sessions and symbols there are, then their values."""
        days: set[np.datetime64] = set()
        symbols: set[str] = set()
        rows_m = np.zeros(DAY_MINUTES, np.int64)
        for piece in self._pieces(self.table.files, (), None):
            days.update(np.unique(piece["day"].to_numpy().astype("datetime64[D]")))
            symbols.update(piece["symbol"].cat.remove_unused_categories().cat.categories)
            rows_m += _rows_by_minute(piece)
        if not days:
            raise DataError("bars: the files hold no rows")
        check_stamps(rows_m, self.label, self.minutes, "bars", self.hours)
        grid = self._empty(np.array(sorted(days)), np.array(sorted(symbols), dtype=object), folder)
        pieces = self._pieces(self.table.files, NEEDED + self._extra, None)
        fill_grid(pieces, grid, self.minutes, self.label, self.hours)
        return grid

    def _empty(self, sessions: np.ndarray, symbols: np.ndarray, folder: Path | None) -> BarGrid:
        file = None if folder is None else folder / "values.npy"
        limit = self.memory_limit_gb
        return empty_grid(sessions, symbols, FIELDS + self._extra, self.n_bars, file=file, memory_limit_gb=limit)


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


def _rows_by_minute(piece: pd.DataFrame) -> np.ndarray:
    """How many rows have a stamp at each minute after midnight, int64 [1440]."""
    return np.bincount(piece["minute"].to_numpy(), minlength=DAY_MINUTES)


def open_bars(config: Mapping[str, Any], folder: Path) -> MappedBars | None:
    """The bars of a data config (`bars`, `cache`, `memory_limit_gb`), or None where it describes none."""
    given = config.get("bars")
    if given is None:
        return None
    cache = config.get("cache")
    limit = float(config.get("memory_limit_gb", 2.0))
    return MappedBars(given, folder, cache=None if cache is None else Path(str(cache)), memory_limit_gb=limit)
