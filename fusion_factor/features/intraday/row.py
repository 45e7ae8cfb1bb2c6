"""One symbol's session as the factors see it: cleaned bars, returns, bought amounts; and the rules of missing values.

Conventions (METHOD 2.2): bars j = 1..J are labelled by their end. A bar is valid when it has volume and its prices and
amount are finite and positive. An empty bar carries the last close in all its prices and has return, volume and amount
0; empty bars before the first valid one carry that bar's open. Returns are close to close inside the session, the first
from the bar's own open, so that the overnight gap never enters.

Rules of missing values: (i) no valid bar, (ii) fewer than half of the session's bars valid, (iii) fewer than half of a
window's bars valid, or fewer than 4 where the window has as many, (iv) an argument of a moment does not vary, (v) one
price all day, (vi) a zero denominator. (i), (ii), (v) take all factors, the others one.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.features.intraday.day import Day
from fusion_factor.features.intraday.largest import value_of
from fusion_factor.features.intraday.moments import Row, compiled

Float32Row = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]
_INFINITY = np.int32(0x7F800000)


class Bars(NamedTuple):
    """Cleaned bars of a session, float32 [J] each: open, high, low, close, volume, amount, trade counts."""

    o: Float32Row
    h: Float32Row
    lo: Float32Row
    c: Float32Row
    v: Float32Row
    a: Float32Row
    n: Float32Row


@compiled
def scan(bars: Bars) -> tuple[bool, bool]:
    """Whether all bars are valid; and, where they are, whether there was more than one price all day (rule v).

    Finite positive float32 numbers are those whose bits, as integers, are above 0 and below infinity's, in the order of
    the numbers: so the least and the greatest bits of all say it.
    """
    o, h, lo, c = bars.o.view(np.int32), bars.h.view(np.int32), bars.lo.view(np.int32), bars.c.view(np.int32)
    v, a = bars.v.view(np.int32), bars.a.view(np.int32)
    least, most, top, bottom = v[0], v[0], h[0], lo[0]
    for j in range(c.shape[0]):
        top = max(top, h[j])
        bottom = min(bottom, lo[j])
        least = min(min(least, min(o[j], c[j])), min(h[j], min(v[j], a[j])))
        most = max(max(most, max(o[j], c[j])), max(lo[j], max(v[j], a[j])))
    return min(least, bottom) > 0 and max(most, top) < _INFINITY, top > bottom


@compiled
def is_bar(o: float, h: float, lo: float, c: float, v: float, a: float) -> np.bool_:
    """Whether a bar was traded and can be read: volume, amount and prices positive and finite."""
    total = o + h + lo + c + v + a
    return (v > 0.0) & (a > 0.0) & (o > 0.0) & (h > 0.0) & (lo > 0.0) & (c > 0.0) & (total < np.float32(math.inf))


@compiled
def mark_valid(raw: Bars, valid: Marks) -> int:
    """Mark the valid bars; how many there are."""
    count = 0
    for j in range(valid.shape[0]):
        valid[j] = is_bar(raw.o[j], raw.h[j], raw.lo[j], raw.c[j], raw.v[j], raw.a[j])
        count += valid[j]
    return count


@compiled
def fill_holes(raw: Bars, bars: Bars, valid: Marks) -> None:
    """Copy the bars; those that are not valid carry the last close and have no volume, amount and trades."""
    last = raw.o[np.argmax(valid)]
    for j in range(valid.shape[0]):
        if valid[j]:
            bars.o[j], bars.h[j], bars.lo[j], bars.c[j] = raw.o[j], raw.h[j], raw.lo[j], raw.c[j]
            bars.v[j], bars.a[j], bars.n[j] = raw.v[j], raw.a[j], raw.n[j]
            last = raw.c[j]
        else:
            bars.o[j], bars.h[j], bars.lo[j], bars.c[j] = last, last, last, last
            bars.v[j], bars.a[j], bars.n[j] = 0.0, 0.0, 0.0


@compiled
def extremes(bars: Bars) -> tuple[float, float]:
    """The highest high and the lowest low, compared by their bits."""
    high, low = bars.h.view(np.int32), bars.lo.view(np.int32)
    top, bottom = high[0], low[0]
    for j in range(high.shape[0]):
        top = max(top, high[j])
        bottom = min(bottom, low[j])
    return value_of(top), value_of(bottom)


@compiled
def fill_returns(open_: Float32Row, close: Float32Row, ret: Row) -> None:
    """Return of each bar: p_1 / o_1 - 1, then p_j / p_(j-1) - 1; exactly 0 where the price stays."""
    ret[0] = (np.float64(close[0]) - np.float64(open_[0])) / np.float64(open_[0])
    for j in range(1, close.shape[0]):
        before = np.float64(close[j - 1])
        ret[j] = (np.float64(close[j]) - before) / before


@compiled
def fill_net(bars: Bars, net: Row) -> None:
    """Net bought amount of each bar, a (2b - 1), with the buyers' share b = (p - l) / (h - l), 0.5 for a flat bar."""
    for j in range(net.shape[0]):
        high, low, close = np.float64(bars.h[j]), np.float64(bars.lo[j]), np.float64(bars.c[j])
        span = high - low
        flat = not span > 0.0
        tilt = (0.0 if flat else (close - low) - (high - close)) / (1.0 if flat else span)
        net[j] = np.float64(bars.a[j]) * tilt


@compiled
def traded(valid: Marks, begin: int, end: int) -> bool:
    """Rule (iii) on the window [begin, end)."""
    bars = end - begin
    n_valid = 0
    for j in range(begin, end):
        n_valid += valid[j]
    return (2 * n_valid >= bars) & ((bars < 4) | (n_valid >= 4))


@compiled
def half_hour_begin(day: Day, k: int) -> int:
    """The first bar of W_k, k from 1; -1 where the session has no k-th half hour."""
    return day.first + (k - 1) * day.half_hour if k <= day.half_hours else -1
