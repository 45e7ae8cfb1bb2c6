"""Every input table passes here once: types, keys and values are checked, rows come back sorted by key.

`check_table` refuses what breaks a rule with one line that names table, key and value; whoever holds a frame
that came from it need not check again. `Grid` and `dense` (of `table_grid`) turn the long form into wide arrays.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core import column_types
from fusion_factor.core.errors import DataError
from fusion_factor.core.table_grid import Grid, adjustment, dense, table_sessions
from fusion_factor.core.table_rules import TABLES, Column, Table

__all__ = ["Grid", "adjustment", "check_table", "dense", "read_table", "table_sessions"]

SENTINEL_RATIO = 1e6
_FEWEST_FOR_SENTINELS = 3


class _Rows:
    """The typed columns of one table while it is being checked, and the words for its rows."""

    def __init__(self, rule: Table, frame: pd.DataFrame) -> None:
        self.rule, self.frame = rule, frame
        self.columns = [column for column in rule.columns if column.name in frame.columns]
        self.order_keys: dict[str, np.ndarray] = {}  # integers that sort like the column
        self.values: dict[str, Any] = {}

    def refuse(self, row: int, problem: str) -> DataError:
        """The error for a row: table, key as given, problem."""
        words = ", ".join(f"{name} {self.shown(name, row)}" for name in self.rule.key if name in self.frame.columns)
        return DataError(f"{self.rule.name}: {words}: {problem}")

    def shown(self, name: str, row: int) -> str:
        """The value as a reader would write it: dates without a time, nothing as (empty)."""
        value = self.frame[name].iloc[row]
        if pd.isna(value) or (isinstance(value, str) and not value.strip()):
            return "(empty)"
        return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) and value == value.normalize() else str(value)

    def type_column(self, column: Column) -> None:
        given = self.frame[column.name]
        if column.kind == "text":
            codes, labels, bad = column_types.as_text(given)
            if bad >= 0:
                raise self.refuse(
                    bad, f"{column.name} {given.iloc[bad]} is not text (as a number it would lose its zeros)"
                )
            self.order_keys[column.name] = codes
            self.values[column.name] = pd.Series(labels, dtype=str).array.take(codes, allow_fill=True)
            empty = codes < 0
        elif column.kind == "date":
            days, bad = column_types.as_dates(given)
            if bad >= 0:
                raise self.refuse(bad, f"{column.name} {given.iloc[bad]!s} is not a date YYYY-MM-DD")
            self.order_keys[column.name] = days.astype(np.int64)
            self.values[column.name] = days
            empty = np.isnat(days)
        else:
            values, bad = column_types.as_numbers(given)
            if bad >= 0:
                raise self.refuse(bad, f"{column.name} {given.iloc[bad]!s} is not a number")
            self.values[column.name] = values
            empty = np.isnan(values)
        if (column.filled or column.name in self.rule.key) and empty.any():
            raise self.refuse(int(empty.argmax()), f"{column.name} is empty")

    def check_values(self, column: Column) -> None:
        values = self.values[column.name]
        if column.choices:
            self.first_wrong(
                ~pd.Series(values).isin(column.choices).to_numpy(),
                column,
                f"must be one of {', '.join(column.choices)}",
            )
        if column.kind not in ("number", "integer", "flag"):
            return
        self.first_wrong(np.isinf(values), column, "is infinite")
        if column.at_least is not None:
            self.first_wrong(values < column.at_least, column, f"must be at least {column.at_least:g}")
        if column.above is not None:
            self.first_wrong(values <= column.above, column, f"must be above {column.above:g}")
        if column.kind == "flag":
            self.first_wrong(~np.isnan(values) & (values != 0) & (values != 1), column, "must be 0 or 1")
            self.values[column.name] = np.nan_to_num(values).astype(np.int8)
        if column.kind == "integer":
            self.first_wrong(values != np.floor(values), column, "must be a whole number")
            self.values[column.name] = self.order_keys[column.name] = values.astype(np.int64)

    def first_wrong(self, wrong: np.ndarray, column: Column, problem: str) -> None:
        """Refuse the first row marked wrong, if any."""
        if wrong.any():
            row = int(wrong.argmax())
            raise self.refuse(row, f"{column.name} {self.shown(column.name, row)} {problem}")

    def sort(self) -> pd.DataFrame:
        """Rows by key; a key twice is refused."""
        combined = np.zeros(len(self.frame), np.int64)
        for name in self.rule.key:
            keys = self.order_keys[name]
            if keys.size:
                combined = combined * (int(keys.max()) - int(keys.min()) + 1) + (keys - int(keys.min()))
        steps = np.diff(combined)
        if self.rule.increasing and (steps <= 0).any():
            row = int((steps <= 0).argmax()) + 1
            problem = "is there twice" if steps[row - 1] == 0 else f"comes after {self.shown('date', row - 1)}"
            raise self.refuse(row, f"{problem}; dates must be strictly increasing")
        order = None if (steps > 0).all() else np.argsort(combined, kind="stable")
        if order is not None:
            same = np.diff(combined[order]) == 0
            if same.any():
                raise self.refuse(int(order[int(same.argmax()) + 1]), "duplicate key")
        typed = {column.name: self._typed(column, order) for column in self.columns}
        return pd.DataFrame(typed, copy=False)

    def _typed(self, column: Column, order: np.ndarray | None) -> Any:
        values = self.values[column.name]
        if order is not None:
            values = values.take(order)
        if column.kind == "date":
            return values.astype("datetime64[s]")
        # numbers may still be the caller's own memory, with which the checked table must not change
        return values.copy() if order is None and column.kind == "number" else values


def check_table(
    name: str, frame: pd.DataFrame, *, sessions: np.ndarray | None = None, needs: Sequence[str] = ()
) -> pd.DataFrame:
    """Check a table and return it typed, sorted by key, with its known columns only.

    Args:
        name: the table's name, a key of `table_rules.TABLES`.
        frame: rows in any order; text, numbers or dates as read from anywhere (`000001` must be text).
        sessions: datetime64[D] [T], increasing; where given, tables that live on sessions may hold no other date.
        needs: optional columns that the caller's parameters require.

    Returns:
        A new DataFrame: dates datetime64[s], text `str`, numbers float64 (NaN where empty), flags int8 (empty is 0).

    Raises:
        DataError: naming table, key and value, or the table and the column that is missing.

    >>> prices = pd.DataFrame({"code": ["801010"], "date": ["2024-01-02"], "open": [""], "close": ["12.5"]})
    >>> check_table("index_prices", prices)
         code       date  open  close
    0  801010 2024-01-02   NaN   12.5
    """
    if name not in TABLES:
        raise DataError(f"{name}: is no known table; known are {', '.join(TABLES)}")
    rule = TABLES[name]
    _check_columns(rule, frame, needs)
    rows = _Rows(rule, frame)
    for column in rows.columns:
        rows.type_column(column)
    for column in rows.columns:
        rows.check_values(column)
    if rule.spell:
        out, start = rows.values["out_date"], rows.values["in_date"]
        rows.first_wrong(out <= start, rule.column("out_date"), "must be later than in_date")
    for quarterly in rule.quarter_ends:
        rows.first_wrong(
            ~_is_quarter_end(rows.values[quarterly]), rule.column(quarterly), "is not the end of a quarter"
        )
    if {"high", "low"} <= rows.values.keys():
        rows.first_wrong(rows.values["high"] < rows.values["low"], rule.column("high"), "is below low")
    if sessions is not None and rule.on_sessions:
        rows.first_wrong(~_on_sessions(rows.values["date"], sessions), rule.column("date"), "is not a session")
    if rule.sentinels:
        _refuse_sentinels(rows)
    return rows.sort()


def _check_columns(rule: Table, frame: pd.DataFrame, needs: Sequence[str]) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{rule.name}: must be a DataFrame, not {type(frame).__name__}")
    required = [column.name for column in rule.columns if not column.optional or column.name in needs]
    for name in required:
        if name not in frame.columns:
            raise DataError(f"{rule.name}: column {name} is missing (there are {', '.join(map(str, frame.columns))})")
    for column in rule.columns:
        if (frame.columns == column.name).sum() > 1:
            raise DataError(f"{rule.name}: column {column.name} is there twice")
    if rule.name in ("sessions", "nav") and frame.empty:
        raise DataError(f"{rule.name}: has no rows")


def _on_sessions(days: np.ndarray, sessions: np.ndarray) -> np.ndarray:
    known = np.asarray(sessions, "datetime64[D]")
    if not known.size:
        return np.zeros(len(days), bool)
    return known[np.minimum(np.searchsorted(known, days), len(known) - 1)] == days


def _is_quarter_end(days: np.ndarray) -> np.ndarray:
    next_day = days + np.timedelta64(1, "D")
    month = next_day.astype("datetime64[M]")
    return (month.astype("datetime64[D]") == next_day) & (month.astype(np.int64) % 3 == 0)


def _refuse_sentinels(rows: _Rows) -> None:
    """A score of 1e6 times the usual size of its date stands for something else (-999999: no value)."""
    size = np.abs(rows.values["score"])
    days = rows.order_keys["date"]
    there = np.flatnonzero(~np.isnan(size))
    if there.size:
        there = there[_in_doubt(size[there], days[there])]
    if not there.size:
        return
    order = there[np.lexsort((size[there], days[there]))]
    first = np.flatnonzero(np.r_[True, np.diff(days[order]) != 0])
    count = np.diff(np.r_[first, order.size])
    median = (size[order[first + (count - 1) // 2]] + size[order[first + count // 2]]) / 2
    largest = order[first + count - 1]
    beyond = (count >= _FEWEST_FOR_SENTINELS) & (median > 0) & (size[largest] > SENTINEL_RATIO * median)
    if beyond.any():
        row, usual = int(largest[beyond.argmax()]), median[beyond.argmax()]
        limit = f"more than {SENTINEL_RATIO:g} times the date's median size {usual:g}"
        raise rows.refuse(row, f"score {rows.shown('score', row)} is {limit}")


def _in_doubt(size: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Rows of the dates that may hold a sentinel, by counting alone: to sort millions of rows would take seconds."""
    day = days - days.min()
    count = np.bincount(day)
    largest = np.zeros(len(count))
    np.maximum.at(largest, day, size)
    # Twice the share, so that no rounding matters here.
    small = np.bincount(day[size < (2 / SENTINEL_RATIO * largest)[day]], minlength=len(count))
    zero = np.bincount(day[size == 0], minlength=len(count))
    return ((small > (count - 1) // 2) & (zero <= count // 2))[day]


def read_table(
    name: str, path: str | Path, *, sessions: np.ndarray | None = None, needs: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a CSV (all fields as text first) or Parquet file and check it: see `check_table`.

    Raises:
        DataError: also when the file is missing or cannot be read.
    """
    return check_table(name, read_raw(name, path), sessions=sessions, needs=needs)


def read_raw(name: str, path: str | Path) -> pd.DataFrame:
    """The file's columns as they stand, unchecked; CSV fields are text, empty ones the empty text."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{name}: there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        # a blank line in a table of one column is an empty field, elsewhere it is nothing
        single = name in TABLES and len(TABLES[name].columns) == 1
        frame = pd.read_csv(
            path, dtype=str, na_filter=False, index_col=False, encoding="utf-8-sig", skip_blank_lines=not single
        )
    except (ValueError, OSError) as error:
        raise DataError(f"{name}: {path.name} cannot be read: {str(error).strip().splitlines()[0]}") from error
    return _without_blank_tail(frame) if single else frame


def _without_blank_tail(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank lines at the end of a file say nothing, even in a table of one column."""
    filled = np.flatnonzero((frame != "").to_numpy().any(axis=1))
    return frame.iloc[: int(filled[-1]) + 1 if filled.size else 0]
