"""One symbol's session as a compiled factor sees it: cleaned bars, shared sums and the windows of the day.

Conventions (METHOD 2.2): bars j = 1..J are labelled by their end, J = 240, 48 or 16. A bar is valid when it has volume
and its prices and amount are finite and positive. An empty bar carries the last close in all its prices and has return,
volume and amount 0; empty bars before the first valid one carry that bar's open. Returns are close to close inside the
session, the first from the bar's own open, so that the overnight gap never enters.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.features.intraday.moments import Row, compiled, kth_largest, percentile

HALF_HOURS = 8
# open, high, low, close, volume, amount, trades, each [J]
RawBars = tuple[npt.NDArray[np.float32], ...]


class Session(NamedTuple):
    """One symbol's session [J], all float64 unless said.

    bars          open, high, low, close (CNY, carried), volume (shares), amount (CNY), trades (count; 0 when unknown).
    ret           return of the bar. buy: (close - low) / (high - low), 0.5 for a flat bar. net: amount (2 buy - 1).
    largest30/20/10   bool: the 30%, 20%, 10% of the valid bars with the largest amounts (a tie takes the earlier bar).
    early_big     bool [half_hour]: bars of the first half hour with amount >= the 70th percentile of its amounts.
    n_valid, volume_sum, amount_sum   over the session.
    half_hour     bars in 30 minutes (30, 6, 2). window: bars of a moment's window ("w": 30, 6, 4). wide: of a
                  kurtosis ("w+": 30, 12, 4).
    least_pairs   pairs a correlation needs (10, 8, 6), least_early inside of a window (10, 4, 4); least_side: bars a
                  side of a split needs (20, 8, 5).
    left, right   scratch [J].
    """

    open: Row
    high: Row
    low: Row
    close: Row
    volume: Row
    amount: Row
    trades: Row
    ret: Row
    buy: Row
    net: Row
    valid: npt.NDArray[np.bool_]
    largest30: npt.NDArray[np.bool_]
    largest20: npt.NDArray[np.bool_]
    largest10: npt.NDArray[np.bool_]
    early_big: npt.NDArray[np.bool_]
    n_valid: int
    volume_sum: float
    amount_sum: float
    half_hour: int
    window: int
    wide: int
    least_pairs: int
    least_early: int
    least_side: int
    left: Row
    right: Row


@compiled
def is_bar(o: float, h: float, lo: float, c: float, v: float, a: float) -> bool:
    """Whether a bar was traded and can be read: volume, amount and prices positive and finite."""
    total = o + h + lo + c + v + a
    return v > 0.0 and a > 0.0 and o > 0.0 and h > 0.0 and lo > 0.0 and c > 0.0 and math.isfinite(total)


@compiled
def fill_bars(fields: RawBars, rows: Row, valid: npt.NDArray[np.bool_]) -> int:
    """Clean the raw bars into float64 rows 0..6 (open, high, low, close, volume, amount, trades); how many are valid."""
    o, h, lo, c, v, a, n = fields
    n_bars = c.shape[0]
    n_valid = 0
    first = -1
    for j in range(n_bars):
        valid[j] = is_bar(o[j], h[j], lo[j], c[j], v[j], a[j])
        n_valid += valid[j]
        if first < 0 and valid[j]:
            first = j
    for j in range(n_bars):
        rows[0, j], rows[1, j], rows[2, j], rows[3, j] = o[j], h[j], lo[j], c[j]
        rows[4, j], rows[5, j], rows[6, j] = v[j], a[j], n[j]
    if n_valid == n_bars or n_valid == 0:
        return n_valid
    last = rows[0, first]
    for j in range(n_bars):
        if valid[j]:
            last = rows[3, j]
        else:
            rows[:4, j] = last
            rows[4:7, j] = 0.0
    return n_valid


@compiled
def fill_flows(rows: Row) -> None:
    """Rows 7, 8, 9 from the cleaned bars: return, buy share of the bar, net bought amount."""
    o, h, lo, c, a = rows[0], rows[1], rows[2], rows[3], rows[5]
    ret, buy, net = rows[7], rows[8], rows[9]
    ret[0] = c[0] / o[0] - 1.0
    for j in range(1, c.shape[0]):
        ret[j] = c[j] / c[j - 1] - 1.0 if c[j] != c[j - 1] else 0.0
    for j in range(c.shape[0]):
        span = h[j] - lo[j]
        buy[j] = (c[j] - lo[j]) / span if span > 0.0 else 0.5
        net[j] = a[j] * (2.0 * buy[j] - 1.0)


@compiled
def share_count(share: float, n: int) -> int:
    """The number of bars in a share of n bars: rounded up, at least 1."""
    return max(1, int(math.ceil(share * n - 1e-9)))


@compiled
def mark_largest(values: Row, count: int, scratch: Row, marks: npt.NDArray[np.bool_]) -> None:
    """Mark the `count` largest values; of equal ones at the edge the earlier bars."""
    n = values.shape[0]
    scratch[:] = values
    edge = kth_largest(scratch, count)
    above = 0
    for j in range(n):
        above += values[j] > edge
    room = count - above
    for j in range(n):
        marks[j] = values[j] > edge
        if values[j] == edge and room > 0:
            marks[j] = True
            room -= 1


@compiled
def mark_early_big(amount: Row, half_hour: int, scratch: Row, marks: npt.NDArray[np.bool_]) -> None:
    """Mark the bars of the first half hour whose amount reaches the 70th percentile of its amounts."""
    scratch[:half_hour] = amount[:half_hour]
    edge = percentile(scratch[:half_hour], 0.7)
    for j in range(half_hour):
        marks[j] = amount[j] >= edge


@compiled
def has_trading(session: Session, begin: int, end: int) -> bool:
    """Rule (iii): half of the window's bars are valid, and 4 of them where the window has as many."""
    bars = end - begin
    n_valid = 0
    for j in range(begin, end):
        n_valid += session.valid[j]
    return 2 * n_valid >= bars and (bars < 4 or n_valid >= 4)


@compiled
def has_prices(session: Session) -> bool:
    """Rules (i), (ii), (v): half of the session's bars are valid and the prices moved."""
    n_bars = session.close.shape[0]
    if session.n_valid == 0 or 2 * session.n_valid < n_bars:
        return False
    top = -math.inf
    bottom = math.inf
    for j in range(n_bars):
        top = max(top, session.high[j])
        bottom = min(bottom, session.low[j])
    return top > bottom


@compiled
def prepare(fields: RawBars, rows: Row, valid: npt.NDArray[np.bool_], marks: npt.NDArray[np.bool_]) -> Session:
    """Fill the scratch (rows [12, J], valid [J], marks [4, J]) from one symbol's raw bars; what the factors see."""
    n_bars = rows.shape[1]
    half_hour = n_bars // HALF_HOURS
    n_valid = fill_bars(fields, rows, valid)
    fill_flows(rows)
    if n_valid > 0:
        for k, share in enumerate((0.3, 0.2, 0.1)):
            mark_largest(rows[5], share_count(share, n_valid), rows[10], marks[k])
        mark_early_big(rows[5], half_hour, rows[10], marks[3])
    volume_sum = 0.0
    amount_sum = 0.0
    for j in range(n_bars):
        volume_sum += rows[4, j]
        amount_sum += rows[5, j]
    fine, middle = n_bars >= 240, n_bars >= 48
    return Session(
        rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7], rows[8], rows[9],
        valid, marks[0], marks[1], marks[2], marks[3],
        n_valid, volume_sum, amount_sum,
        half_hour, max(4, half_hour), half_hour if fine else (12 if middle else 4),
        10 if fine else (8 if middle else 6), 10 if fine else 4, 20 if fine else (8 if middle else 5),
        rows[10], rows[11],
    )  # fmt: skip
