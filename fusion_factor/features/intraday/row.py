"""One symbol's session as a compiled factor sees it: cleaned bars, returns, marks of large bars, windows of the day.

Conventions (METHOD 2.2): bars j = 1..J are labelled by their end, J = 240, 48 or 16. A bar is valid when it has volume
and its prices and amount are finite and positive. An empty bar carries the last close in all its prices and has return,
volume and amount 0; empty bars before the first valid one carry that bar's open. Returns are close to close inside the
session, the first from the bar's own open, so that the overnight gap never enters.

Rules of missing values: (i) no valid bar, (ii) fewer than half of the session's bars valid, (iii) fewer than half of a
window's bars valid, or fewer than 4 where the window has as many, (iv) an argument of a moment does not vary, (v) one
price all day, (vi) a zero denominator. (i), (ii), (v) take all factors, the others one.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.features.intraday.moments import Row, compiled, kth_largest

RawBars = tuple[npt.NDArray[np.float32], ...]
Marks = npt.NDArray[np.bool_]


class Day(NamedTuple):
    """How many bars the windows and the least samples of a session have, at 1, 5 or 15 minutes.

    half_hour     bars in 30 minutes (30, 6, 2): shares of volume and amount.
    window        bars of a moment's window, "w" (30, 6, 4). wide: of a kurtosis, "w+" (30, 12, 4).
    least_pairs   pairs a correlation needs (10, 8, 6), least_early inside of a window (10, 4, 4).
    least_side    bars a side of a split needs (20, 8, 5).
    """

    half_hour: int
    window: int
    wide: int
    least_pairs: int
    least_early: int
    least_side: int


DAYS = {240: Day(30, 30, 30, 10, 10, 20), 48: Day(6, 6, 12, 8, 4, 8), 16: Day(2, 4, 4, 6, 4, 5)}


@compiled
def is_bar(o: float, h: float, lo: float, c: float, v: float, a: float) -> bool:
    """Whether a bar was traded and can be read: volume, amount and prices positive and finite."""
    total = o + h + lo + c + v + a
    return (v > 0.0) & (a > 0.0) & (o > 0.0) & (h > 0.0) & (lo > 0.0) & (c > 0.0) & (total < math.inf)


@compiled
def fill_bars(raw: RawBars, rows: Row, valid: Marks) -> int:
    """Clean the raw bars into rows 0..6 (open, high, low, close, volume, amount, trades); how many are valid."""
    o, h, lo, c, v, a, n = raw
    n_bars = c.shape[0]
    n_valid = 0
    for j in range(n_bars):
        valid[j] = is_bar(o[j], h[j], lo[j], c[j], v[j], a[j])
        n_valid += valid[j]
    for j in range(n_bars):
        rows[0, j], rows[1, j], rows[2, j], rows[3, j] = o[j], h[j], lo[j], c[j]
        rows[4, j], rows[5, j], rows[6, j] = v[j], a[j], n[j]
    if n_valid == n_bars or n_valid == 0:
        return n_valid
    last = rows[0, np.argmax(valid)]
    for j in range(n_bars):
        if valid[j]:
            last = rows[3, j]
        else:
            rows[:4, j] = last
            rows[4:7, j] = 0.0
    return n_valid


@compiled
def moved(high: Row, low: Row) -> bool:
    """Rule (v): whether there was more than one price all day."""
    top, bottom = high[0], low[0]
    for j in range(high.shape[0]):
        top = max(top, high[j])
        bottom = min(bottom, low[j])
    return top > bottom


@compiled
def fill_returns(open_: Row, close: Row, ret: Row) -> None:
    """Return of each bar: p_1 / o_1 - 1, then p_j / p_(j-1) - 1; exactly 0 where the price stays."""
    ret[0] = (close[0] - open_[0]) / open_[0]
    for j in range(1, close.shape[0]):
        ret[j] = (close[j] - close[j - 1]) / close[j - 1]


@compiled
def fill_flows(high: Row, low: Row, close: Row, amount: Row, buy: Row, net: Row) -> None:
    """Buyers' share of each bar b = (p - l) / (h - l), 0.5 for a flat bar, and net bought amount a (2b - 1)."""
    for j in range(close.shape[0]):
        span = high[j] - low[j]
        flat = not span > 0.0
        buy[j] = (0.5 if flat else close[j] - low[j]) / (1.0 if flat else span)
        net[j] = amount[j] * (2.0 * buy[j] - 1.0)


@compiled
def total(x: Row) -> float:
    """Sum of a row."""
    result = 0.0
    for j in range(x.shape[0]):
        result += x[j]
    return result


@compiled
def mark_largest(values: Row, share: float, n_valid: int, marks: Marks) -> None:
    """Mark a share of the valid bars (rounded up), those with the largest values; a tie takes the earlier bar."""
    n = values.shape[0]
    count = max(1, math.ceil(share * n_valid - 1e-9))
    edge = kth_largest(values, count)
    marked = 0
    for j in range(n):
        marks[j] = values[j] >= edge
        marked += marks[j]
    for j in range(n - 1, -1, -1):
        if marked == count:
            break
        if values[j] == edge:
            marks[j] = False
            marked -= 1


@compiled
def mark_early_big(amount: Row, marks: Marks) -> None:
    """Mark the bars of a window whose amount reaches its 70th percentile (linear between neighbours): no amount lies
    between the two neighbours, so these are the bars from the upper one on."""
    n = amount.shape[0]
    edge = kth_largest(amount, n - 1 - math.floor(0.7 * (n - 1)))
    for j in range(n):
        marks[j] = amount[j] >= edge


@compiled
def traded(valid: Marks, begin: int, end: int) -> bool:
    """Rule (iii) on the window [begin, end)."""
    bars = end - begin
    n_valid = 0
    for j in range(begin, end):
        n_valid += valid[j]
    return (2 * n_valid >= bars) & ((bars < 4) | (n_valid >= 4))
