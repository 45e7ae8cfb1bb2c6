"""Cells of vendor files as text, dates and numbers: Arrow columns in, numpy or pandas out, nothing guessed."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.mapping import Filter

_EARLIEST, _LATEST = 19000101, 21001231


def to_text(column: pa.ChunkedArray, where: str) -> pd.Categorical:
    """Text as categories (few distinct values, many rows). Whole numbers become their digits; empty text is missing."""
    if pa.types.is_floating(column.type):
        raise DataError(f"{where}: holds fractions, not text; a column of codes was probably stored as numbers")
    if not pa.types.is_dictionary(column.type):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            column = column.cast(pa.string())
        column = column.dictionary_encode()
    joined = column.unify_dictionaries().combine_chunks()
    values = [None if v is None or not str(v).strip() else str(v).strip() for v in _dictionary(joined).to_pylist()]
    codes = pc.fill_null(_indices(joined).cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    distinct = sorted({v for v in values if v is not None})
    position = {v: i for i, v in enumerate(distinct)}
    lookup = np.array([-1 if v is None else position[v] for v in values] + [-1], dtype=np.int32)
    return pd.Categorical.from_codes(lookup[codes], categories=pd.Index(distinct, dtype=object))


def _dictionary(array: pa.Array) -> pa.Array:
    return array.chunk(0).dictionary if isinstance(array, pa.ChunkedArray) else array.dictionary


def _indices(array: pa.Array) -> pa.Array:
    return array.chunk(0).indices if isinstance(array, pa.ChunkedArray) else array.indices


def to_numbers(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Numbers as float64, missing as NaN. Raises DataError naming the first cell that is no number."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _parsed_numbers(column, where)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        if pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        raise DataError(f"{where}: is of type {column.type}, must be numbers")
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _parsed_numbers(column: pa.ChunkedArray, where: str) -> np.ndarray:
    text = pd.Series(column.to_pylist(), dtype=object)
    numbers = pd.to_numeric(text.str.strip().replace("", None), errors="coerce")
    bad = numbers.isna() & text.notna() & (text.str.strip() != "")
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(f"{where}: {text[row]!r} in row {row + 1} is not a number")
    return numbers.to_numpy(np.float64)


def to_dates(column: pa.ChunkedArray, style: str, where: str) -> np.ndarray:
    """Dates as datetime64[D], missing as NaT.

    `style` is `auto` (date types, ISO text, YYYYMMDD as number or text), `iso`, `yyyymmdd`, or a strptime format such
    as `%d/%m/%Y`. Raises DataError naming the first cell that does not fit. A stamp with a time zone is refused:
    whether its UTC midnight is today or yesterday in Shanghai cannot be known here.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        raise DataError(f"{where}: stamps carry the time zone {kind.tz}; give exchange-local dates without a zone")
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
    if pa.types.is_null(kind):
        return np.full(len(column), np.datetime64("NaT"), dtype="datetime64[D]")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        if style not in ("auto", "yyyymmdd"):
            raise DataError(f"{where}: holds numbers, but the declared date format is {style}")
        return _dates_of_digits(to_numbers(column, where), where)
    text = to_text(column, where)
    known = _dates_of_text(list(text.categories), style, where)
    return np.append(known, np.datetime64("NaT"))[text.codes]


def _dates_of_digits(digits: np.ndarray, where: str) -> np.ndarray:
    """YYYYMMDD numbers as dates; checks month and day by going there and back."""
    there = np.isfinite(digits)
    whole = np.where(there, digits, 19700101).astype(np.int64)
    years, months, days = whole // 10000, whole // 100 % 100, whole % 100
    dates = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (months - 1)
    found = dates.astype("datetime64[D]") + (days - 1)
    bad = (whole < _EARLIEST) | (whole > _LATEST) | (months < 1) | (months > 12) | (days < 1)
    bad |= found.astype("datetime64[M]") != dates
    if bad.any():
        raise DataError(f"{where}: {whole[np.flatnonzero(bad)[0]]} is no date YYYYMMDD")
    return np.where(there, found, np.datetime64("NaT"))


def _dates_of_text(values: list[str], style: str, where: str) -> np.ndarray:
    if style not in ("auto", "iso", "yyyymmdd") and "%" not in style:
        raise ConfigError(f"{where}: date format {style!r} must be auto, iso, yyyymmdd or a strptime format with %")
    return np.array([_date_of(value, style, where) for value in values], dtype="datetime64[D]")


def _date_of(value: str, style: str, where: str) -> date:
    formats = {"iso": ["%Y-%m-%d"], "yyyymmdd": ["%Y%m%d"], "auto": ["%Y-%m-%d", "%Y%m%d"]}.get(style, [style])
    short = value[:10] if style in ("auto", "iso") and value[10:] in (" 00:00:00", "T00:00:00") else value
    for form in formats:
        try:
            found = datetime.strptime(short, form).date()
        except ValueError:
            continue
        if found.strftime(form) == short or "%" in style:
            return found
    raise DataError(f"{where}: {value!r} is no date of the format {style}")


def keep_rows(column: pa.ChunkedArray, rule: Filter, dates: str, where: str) -> np.ndarray:
    """bool [rows]: which rows pass one filter. A missing cell passes `not_one_of` only."""
    if rule.test in ("from", "until"):
        return _between(column, rule, dates, where)
    if rule.test == "not_empty" and pa.types.is_floating(column.type):
        return np.isfinite(to_numbers(column, where)) == bool(rule.value)
    if rule.test == "not_empty":
        return _by_text(column, lambda text: True, where) == bool(rule.value)
    if rule.test == "starts_with":
        return _by_text(column, lambda text: text.startswith(str(rule.value)), where)
    wanted = rule.value if rule.test in ("one_of", "not_one_of") else [rule.value]
    if _is_number(column.type) and all(isinstance(v, (int, float)) for v in wanted):
        found = np.isin(to_numbers(column, where), np.array(wanted, dtype=np.float64))
    else:
        texts = {str(value) for value in wanted}
        found = _by_text(column, lambda text: text in texts, where)
    return ~found if rule.test == "not_one_of" else found


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _by_text(column: pa.ChunkedArray, test: Callable[[str], bool], where: str) -> np.ndarray:
    if pa.types.is_floating(column.type) or pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.string())
    text = to_text(column, where)
    return np.array([test(value) for value in text.categories] + [False], dtype=bool)[text.codes]


def _between(column: pa.ChunkedArray, rule: Filter, dates: str, where: str) -> np.ndarray:
    bound: Any = rule.value
    if isinstance(bound, (int, float)) and _is_number(column.type):
        values: np.ndarray = to_numbers(column, where)
    else:
        values = to_dates(column, dates, where)
        try:
            bound = np.datetime64(str(bound), "D")
        except ValueError:
            raise ConfigError(f"{where}: {rule.test} = {rule.value!r} is neither a number nor a date") from None
    with np.errstate(invalid="ignore"):
        return values >= bound if rule.test == "from" else values <= bound
