"""Reading the files of a run for the report: what is missing or unreadable is empty and named, never an error.

Legend: tables are DataFrames with the columns asked for; dates are pandas datetime64; rates are fractions.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.report.reshape import floats

MIXED_COLUMNS = {"score", "seed"}
TEXT_COLUMNS = {
    "label", "network", "factor", "code", "status", "split", "task", "name", "reading", "universe", "figure", "side",
    "reason", "variant", "target", "rhythm", "source", "inputs", "class",
}  # fmt: skip
DATE_COLUMNS = {"date", "signal", "execution", "start", "end"}


@dataclass(frozen=True)
class ScoreTable:
    """Facts of the score table itself: how many rows, sessions and symbols, from when to when, which columns."""

    rows: int
    sessions: int
    symbols: int
    first: str
    last: str
    columns: tuple[str, ...]


def empty_table(columns: Sequence[str]) -> pd.DataFrame:
    """A table of `columns` without rows."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


class Reader:
    """Reads files of stage folders and remembers in `problems`, as `stage/file`, what could not be read."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = folders
        self.problems: dict[str, str] = {}

    def _missing(self, path: Path, reason: str) -> None:
        stage = next(name for name, folder in self.folders.items() if path.is_relative_to(folder))
        self.problems[f"{stage}/{path.relative_to(self.folders[stage]).as_posix()}"] = reason

    def table(self, path: Path, columns: Sequence[str], *, optional: bool = False) -> pd.DataFrame:
        """A CSV file with exactly `columns`: absent ones are empty, further ones are left out; text stays text."""
        if not path.is_file():
            if not optional:
                self._missing(path, "the file is not there")
            return empty_table(columns)
        read = self._read(path, columns, set(columns))
        return empty_table(columns) if read is None else read[list(columns)]

    def later(self, path: Path, columns: Sequence[str], *, others: bool = False) -> pd.DataFrame | None:
        """A CSV file that older runs did not write: None where there is none, or none that can be read.

        `others`: further columns are kept, as text, after `columns`.
        """
        if not path.is_file():
            return None
        return self._read(path, columns, None if others else set(columns))

    def _read(self, path: Path, columns: Sequence[str], wanted: set[str] | None) -> pd.DataFrame | None:
        holes = {name: [""] for name in columns if name not in TEXT_COLUMNS | DATE_COLUMNS}
        typed = {name: object for name in columns}
        try:
            raw = pd.read_csv(
                path,
                usecols=None if wanted is None else lambda name: name in wanted,
                dtype={name: str for name in _header(path) if name not in holes},
                keep_default_na=False,
                na_values=holes,
            )
            further = [name for name in raw.columns if name not in typed]
            known = {name: _typed(raw, name) for name in columns}
            return pd.DataFrame(known | {name: raw[name].astype(object) for name in further}, index=raw.index)
        except (ValueError, csv.Error) as error:
            self._missing(path, f"it could not be read: {error}")
            return None

    def json(self, path: Path, *, optional: bool = False) -> Any:
        """A JSON file's content, an empty dict where there is none."""
        if not path.is_file():
            if not optional:
                self._missing(path, "the file is not there")
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            self._missing(path, f"it could not be read: {error}")
            return {}

    def mapping(self, path: Path, *, optional: bool = False) -> dict[str, Any]:
        """A JSON object, empty where there is none."""
        value = self.json(path, optional=optional)
        if isinstance(value, dict):
            return value
        self._missing(path, "it is not a JSON object")
        return {}

    def score_table(self, path: Path) -> ScoreTable | None:
        """Facts of a score table, None where there is none."""
        if not path.is_file():
            self._missing(path, "the file is not there")
            return None
        try:
            names = tuple(pq.read_schema(path).names)
            keys = pq.read_table(path, columns=["date", "symbol"])
            dates = pd.DatetimeIndex(pd.to_datetime(keys.column("date").unique().to_pandas())).sort_values()
            first, last = (dates[0].date().isoformat(), dates[-1].date().isoformat()) if len(dates) else ("", "")
            symbols = len(keys.column("symbol").unique())
            return ScoreTable(keys.num_rows, len(dates), symbols, first, last, names)
        except (pa.ArrowException, ValueError, KeyError) as error:
            self._missing(path, f"it could not be read: {error}")
            return None


def part(content: Any, key: str) -> Mapping[str, Any]:
    """The JSON object under a key; empty where there is none, or something else."""
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return next(csv.reader(lines), [])


def _typed(raw: pd.DataFrame, name: str) -> Any:
    if name not in raw.columns:
        return pd.Series([None] * len(raw), index=raw.index, dtype=object)
    column = raw[name]
    if name in DATE_COLUMNS:
        return pd.to_datetime(column.where(column != "", None), format="ISO8601")
    # `score` is a name in summary.csv and a number in signals.csv, so it stays what it is; so does a seed `ensemble`
    return column.astype(object) if name in TEXT_COLUMNS or name in MIXED_COLUMNS else floats(column)
