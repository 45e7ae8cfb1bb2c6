"""Time stamps of intraday bars as minutes, and their place among the bars of a session.

An A-share session has 240 minutes, 09:30-11:30 and 13:00-15:00. A vendor labels a bar by its end (09:31 .. 15:00) or by
its start (09:30 .. 14:59). What becomes of the auctions, and other hours, is said by hours.py; if nothing is said, the
opening auction (before or at the first minute's start) joins the first bar, a closing stamp the last.
"""

from datetime import datetime

import numpy as np
import pyarrow as pa

from fusion_factor.core.errors import DataError
from fusion_factor.market.cells import to_numbers, to_text
from fusion_factor.market.hours import ASHARE, Hours, clock, describe

MINUTES = (1, 5, 15)
_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
)


def to_stamps(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Stamps as datetime64[m]: time types, `2025-01-02 09:45:00`, or digits YYYYMMDDHHMM, also with seconds or
    milliseconds.

    Raises DataError for a stamp that is missing, between two minutes, or with a time zone.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            raise DataError(f"{where}: stamps carry the time zone {kind.tz}; give exchange-local stamps without a zone")
        return _whole_minutes(column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[s]"), where)
    if pa.types.is_integer(kind):
        values = column.to_numpy()
        distinct, codes = np.unique(values, return_inverse=True)
        return np.array([_stamp(str(v), where) for v in distinct], dtype="datetime64[m]")[codes]
    text = to_text(column, where)
    known = np.array([_stamp(value, where) for value in text.categories], dtype="datetime64[m]")
    if np.any(text.codes < 0):
        raise DataError(f"{where}: a stamp is missing")
    return known[text.codes]


def _whole_minutes(seconds: np.ndarray, where: str) -> np.ndarray:
    if np.isnat(seconds).any():
        raise DataError(f"{where}: a stamp is missing")
    minutes = seconds.astype("datetime64[m]")
    if np.any(minutes != seconds):
        raise DataError(f"{where}: stamp {seconds[np.flatnonzero(minutes != seconds)[0]]} is not on a minute")
    return minutes


def _stamp(text: str, where: str) -> np.datetime64:
    formats: tuple[str, ...] = _FORMATS
    if text.isdigit() and len(text) in (12, 14, 17):
        text, formats = (text + "00")[:14], ("%Y%m%d%H%M%S",)
    for form in formats:
        try:
            return _whole_minutes(np.array([datetime.strptime(text, form)], dtype="datetime64[s]"), where)[0]
        except ValueError:
            continue
    raise DataError(f"{where}: {text!r} is no stamp such as 2025-01-02 09:45:00 or 20250102094500")


def to_minutes(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Times of day as minutes after midnight, int64: `09:45`, `09:45:00`, or digits HHMM, HHMMSS, HHMMSSmmm."""
    if pa.types.is_time(column.type):
        column = column.cast(pa.string())
    elif pa.types.is_floating(column.type):
        column = pa.chunked_array([pa.array(to_numbers(column, where).astype(np.int64))])
    text = to_text(column, where)
    if np.any(text.codes < 0):
        raise DataError(f"{where}: a time is missing")
    return np.array([_minute(value, where) for value in text.categories], dtype=np.int64)[text.codes]


def _minute(text: str, where: str) -> int:
    clean = text.split(".")[0]
    if clean.isdigit():
        width = 4 if len(clean) <= 4 else 6 if len(clean) <= 6 else 9
        clean = clean.zfill(width)
        parts = [clean[:2], clean[2:4], clean[4:6] or "00"]
    else:
        parts = clean.split(":") + ["00"] * (2 - clean.count(":"))
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise DataError(f"{where}: {text!r} is no time such as 09:45 or 94500")
    hours, minutes, seconds = map(int, parts)
    if hours > 23 or minutes > 59 or seconds:
        raise DataError(f"{where}: {text!r} is no time of day on a minute")
    return hours * 60 + minutes


DAY_MINUTES = 1440
OUTSIDE, BETWEEN = -2, -3
MISTAKEN = 0.2
"""Share of a file's rows without a place from which on its description is wrong, and not some of its rows."""
_SYSTEMATIC = (20, 0.5)  # so many rows at one such stamp, and so often as at a stamp that has a place
_TELLING = 8  # so many stamps that are all of a longer bar are no chance


def bar_places(step: int, label: str, hours: Hours = ASHARE) -> tuple[np.ndarray, np.ndarray]:
    """The bar of each minute after midnight, int64 [1440], and whether it is an auction's, which joins what is in it.

    step: minutes a bar; label: `end` or `start`. -1: left out, as a dropped auction or out of hours; OUTSIDE: a stamp
    that no row should have; BETWEEN: one between two bars. An opening auction has a stamp before the open; a closing
    auction one at the close where bars are labelled by their start, and one minute after it where they are labelled by
    their end and it is to be dropped or to be a bar of its own.
    """
    minutes = np.arange(DAY_MINUTES)
    begin = minutes - (step if label == "end" else 0)  # the minute at which the bar begins
    first = int(hours.opening == "separate")
    inside, before = np.zeros(DAY_MINUTES, bool), first
    position = np.full(DAY_MINUTES, OUTSIDE, np.int64)
    between = np.zeros(DAY_MINUTES, bool)
    for opens, closes in hours.spans:
        here = (begin >= opens) & (begin < closes)
        position = np.where(here, before + (begin - opens) // step, position)
        between |= here & ((begin - opens) % step != 0)
        inside |= here
        before += (closes - opens) // step
    between |= (minutes > hours.open) & (begin < hours.open)
    opening = (minutes >= hours.auction) & (minutes <= hours.open) & (begin < hours.open) & (hours.auction < hours.open)
    after_end = (minutes == hours.close + 1) & (hours.closing != "merge")
    closing = ~inside & ((minutes == hours.close) if label == "start" else after_end)
    outside = (minutes >= hours.earliest) & (minutes <= hours.latest) & ((begin < hours.open) | (minutes > hours.close))
    position = np.where(~inside & outside, -1, position)
    position = np.where(opening, -1 if hours.opening == "drop" else 0, position)
    last = {"merge": before - 1, "separate": before, "drop": -1}[hours.closing]
    position = np.where(closing, last, position)
    return np.where(between, BETWEEN, position), opening | closing


def check_stamps(rows_m: np.ndarray, label: str, step: int, where: str, hours: Hours = ASHARE) -> None:
    """Raise DataError when the rows at each minute after midnight [1440] show that label, minutes or hours are not as
    described: the other label, a longer or a shorter bar, other hours. Some stray rows are no error here."""
    _check_label(set(np.flatnonzero(rows_m).tolist()), label, step, where, hours)
    place_m, auction_m = bar_places(step, label, hours)
    wrong = np.where(place_m <= OUTSIDE, rows_m, 0)
    inside = rows_m[(place_m >= 0) & ~auction_m & (rows_m > 0)]
    often = max(_SYSTEMATIC[0], _SYSTEMATIC[1] * (inside.mean() if len(inside) else 0.0))
    if wrong.sum() > MISTAKEN * rows_m.sum() or wrong.max() >= often:
        stamp = clock(int(wrong.argmax()))
        raise DataError(
            f"{where}: stamp {stamp} is no {label} of a {step}-minute bar of {describe(hours)}; "
            f"{wrong.sum()} of {rows_m.sum()} rows have such stamps"
        )
    bars = np.flatnonzero(rows_m * (place_m >= 0) * ~auction_m)
    bars = place_m[bars] - int(hours.opening == "separate") + int(label == "end")
    for longer in MINUTES[::-1]:
        if longer > step and len(bars) >= _TELLING and not np.any(bars * step % longer):
            raise DataError(f"{where}: minutes is {step}, but all stamps are those of {longer}-minute bars")


def _check_label(there: set[int], label: str, step: int, where: str, hours: Hours) -> None:
    """Raise DataError when the distinct stamps show that bars are labelled by the other side than declared."""
    opens, closes = clock(hours.open), clock(hours.close)
    at_open, at_close = hours.open in there, hours.close in there
    if label == "end" and at_open and not at_close and hours.close - step in there:
        raise DataError(
            f"{where}: label is end, but there are stamps {opens} and none at {closes}; they look like label start"
        )
    if label == "start" and not at_open and at_close and hours.open + step in there:
        raise DataError(
            f"{where}: label is start, but there are stamps {closes} and none at {opens}; they look like label end"
        )
