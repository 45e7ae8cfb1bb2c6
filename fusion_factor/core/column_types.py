"""One column of a table from whatever it was read as (text, numbers, dates) to its type, strictly.

Each function returns arrays and the position of the first unreadable value (-1: none), so that the caller,
who knows table and key, writes the message.
"""

import datetime
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MISSING_TEXT = ("", "NaN")


class TextColumn(NamedTuple):
    """`codes` [n] index into `labels`, -1 where empty; `labels` in ascending byte order; `bad`: first non-text row."""

    codes: np.ndarray
    labels: np.ndarray
    bad: int


class DateColumn(NamedTuple):
    """`days` [n] datetime64[D], NaT where empty; `bad`: first unreadable row."""

    days: np.ndarray
    bad: int


class NumberColumn(NamedTuple):
    """`values` [n] float64, NaN where empty; `bad`: first unreadable row."""

    values: np.ndarray
    bad: int


def is_date_text(text: str) -> bool:
    """Whether the text is a calendar date written YYYY-MM-DD."""
    if not _ISO.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def as_text(column: pd.Series) -> TextColumn:
    """Codes and sorted labels of a text column. Numbers are not text: `000001` would have lost its zeros."""
    codes, uniques = pd.factorize(column)
    values = list(uniques)
    not_text = [i for i, value in enumerate(values) if not isinstance(value, str)]
    if not_text:
        return TextColumn(codes, np.empty(0, object), int(np.isin(codes, not_text).argmax()))
    kept = sorted(value for value in values if value.strip() not in _MISSING_TEXT)
    rank_of = {value: rank for rank, value in enumerate(kept)}
    # one slot more at the end, so that code -1 (missing) stays -1
    ranks = np.array([rank_of.get(value, -1) for value in values] + [-1], np.int64)
    return TextColumn(ranks[codes], np.array(kept, object), -1)


def as_dates(column: pd.Series) -> DateColumn:
    """Days of a date column: datetimes at midnight, dates, or text YYYY-MM-DD."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return DateColumn(np.empty(0, "datetime64[D]"), 0)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M":
        moments = column.to_numpy()
        days = moments.astype("datetime64[D]")
        within = (moments != days) & ~np.isnat(days)
        return DateColumn(days, int(within.argmax()) if within.any() else -1)
    codes, uniques = pd.factorize(column)
    parsed = [_day(value) for value in uniques]
    unreadable = [i for i, day in enumerate(parsed) if day is None]
    if unreadable:
        return DateColumn(np.empty(0, "datetime64[D]"), int(np.isin(codes, unreadable).argmax()))
    lookup = np.array([*parsed, "NaT"], "datetime64[D]")
    return DateColumn(lookup[codes], -1)


def _day(value: object) -> np.datetime64 | None:
    """The day a single value means; NaT when it is empty, None when it cannot be read."""
    if isinstance(value, str):
        if value.strip() in _MISSING_TEXT:
            return np.datetime64("NaT", "D")
        return np.datetime64(value, "D") if is_date_text(value) else None
    if isinstance(value, datetime.datetime | np.datetime64):
        moment = np.datetime64(value)
        day = moment.astype("datetime64[D]")
        return day if moment == day else None
    return np.datetime64(value, "D") if isinstance(value, datetime.date) else None


def as_numbers(column: pd.Series) -> NumberColumn:
    """Float64 values of a numeric or text column; text is read to the nearest float64, as Python's `float` does."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return NumberColumn(column.to_numpy(dtype=np.float64, na_value=np.nan), -1)
    try:
        fast = pc.cast(pa.array(column.replace("", None), pa.string(), from_pandas=True), pa.float64())
        return NumberColumn(fast.to_numpy(zero_copy_only=False).astype(np.float64), -1)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _slow_numbers(column)


def _slow_numbers(column: pd.Series) -> NumberColumn:
    values = np.full(len(column), np.nan)
    for i, value in enumerate(column.to_numpy(dtype=object)):
        if value is None or value is pd.NA or (isinstance(value, str) and not value.strip()):
            continue
        if isinstance(value, str) and "_" in value:
            return NumberColumn(values, i)
        try:
            values[i] = float(value)
        except (TypeError, ValueError):
            return NumberColumn(values, i)
    return NumberColumn(values, -1)
