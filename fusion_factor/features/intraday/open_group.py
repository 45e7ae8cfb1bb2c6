"""The 13 further factors of `open27` (METHOD 2.6, nos. 15 to 27): bars alone, no stand-ins.

r return, p close, o open, h high, l low, v volume, a amount of bar j = 1..J; all rules of row.py apply. Signs are those
under which the factor was published, or our prior; `ret_kurt` has none. Three need no function of their own:
`big_amount_ret` and `down_amt_ratio` are the amount forms of nos. 13 and 14 (minute_group.py), which here are factors
in their own right, and `tail_volume_share` is `volume_share` of the last half hour, sign -1.
"""

import math
from typing import NamedTuple

import numpy as np

from fusion_factor.features.intraday.day import Day
from fusion_factor.features.intraday.largest import Bits, spread
from fusion_factor.features.intraday.moments import Pairs, Row, compiled
from fusion_factor.features.intraday.row import Bars, Float32Row
from fusion_factor.features.intraday.sums import Totals

SMART = 5.0  # smart bars hold one part in five of the volume


class OpenSums(NamedTuple):
    """Sums over the session: pairs (p, v); (o+h+l+p)/4 above the lowest low; a/v; the path |p_j - p_(j-1)|; shortest
    paths per amount; (j - 1/2) v; v^2."""

    price_volume: Pairs
    place: float
    bar_vwap: float
    path: float
    shortest: float
    moment: float
    volume_squares: float


@compiled
def open_sums(bars: Bars, bottom: float) -> OpenSums:
    """One pass for all of them. bottom: the lowest low."""
    p0, v0 = np.float64(bars.c[0]), np.float64(bars.v[0])
    sp, sv, pp, vv, pv = 0.0, 0.0, 0.0, 0.0, 0.0
    place, bar_vwap, shortest, moment, squares = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(bars.c.shape[0]):
        o, h, lo = np.float64(bars.o[j]), np.float64(bars.h[j]), np.float64(bars.lo[j])
        c, v, a = np.float64(bars.c[j]), np.float64(bars.v[j]), np.float64(bars.a[j])
        x, y = c - p0, v - v0
        sp += x
        sv += y
        pp += x * x
        vv += y * y
        pv += x * y
        place += ((o - bottom) + (h - bottom) + (lo - bottom) + (c - bottom)) / 4.0
        bar_vwap += a / max(v, 1e-300)
        # an empty bar has no range: 0 / (o * tiny) = 0
        shortest += (2.0 * (h - lo) - abs(c - o)) / (o * max(a, 1e-300))
        moment += (j + 0.5) * v
        squares += v * v
    path = abs(np.float64(bars.c[0]) - np.float64(bars.o[0]))
    for j in range(1, bars.c.shape[0]):
        path += abs(np.float64(bars.c[j]) - np.float64(bars.c[j - 1]))
    pairs = Pairs(float(bars.c.shape[0]), sp, sv, pp, vv, pv)
    return OpenSums(pairs, place, bar_vwap, path, shortest, moment, squares)


@compiled
def realised_vol(t: Totals) -> float:
    """sqrt(sum of r^2). Sign -1 (prior), return. Haitong's realised variance."""
    return math.sqrt(t.squares)


@compiled
def trend_strength(bars: Bars, s: OpenSums) -> float:
    """(p_J - o_1) / length of the path |p_1 - o_1| + sum of |p_j - p_(j-1)|. Sign -1, -1..1. How straight the price
    went. NaN: vi."""
    whole = np.float64(bars.c[-1]) - np.float64(bars.o[0])
    return whole / s.path if s.path > 0.0 else math.nan


@compiled
def improved_reversal(bars: Bars, day: Day) -> float:
    """p_J / p at the end of W_1, minus 1. Sign -1, return. Reversal without the gap and the first half hour."""
    start = np.float64(bars.c[day.first + day.half_hour - 1])
    return (np.float64(bars.c[-1]) - start) / start


@compiled
def shortcut_illiq(s: OpenSums, n_valid: int) -> float:
    """1e8 times the mean over valid bars of (2 (h - l) - |p - o|) / o / a. Sign +1, return for 1e8 CNY. The shortest
    path of the price for the amount traded (Everbright's Amihud)."""
    return 1e8 * s.shortest / n_valid


@compiled
def arpp(s: OpenSums, n_bars: int, top: float, bottom: float) -> float:
    """(Mean of (o+h+l+p)/4 - lowest low) / (highest high - lowest low). Sign -1, 0..1. Where in the day's range the
    price stayed (Orient)."""
    return (s.place / n_bars) / (top - bottom)


@compiled
def apb(s: OpenSums, t: Totals, n_valid: int) -> float:
    """ln(mean of a/v over valid bars / (sum of a / sum of v)). Sign +1, dimensionless. Positive when volume went at
    lower prices (Orient's average price bias)."""
    return math.log((s.bar_vwap / n_valid) / (t.amount / t.volume))


@compiled
def vol_time_center(s: OpenSums, t: Totals, n_bars: int) -> float:
    """Sum of ((j - 1/2) / J) v_j / sum of v. Sign +1, 0..1. When the volume came."""
    return s.moment / n_bars / t.volume


@compiled
def volume_hhi(s: OpenSums, t: Totals) -> float:
    """Sum of (v_j / sum of v)^2. Sign -1, 1/J..1. How unevenly the volume came."""
    return s.volume_squares / (t.volume * t.volume)


@compiled
def fill_smartness(bars: Bars, ret: Row, smart: Float32Row) -> None:
    """|r| / v^(1/4) of each bar, in float32; 0 for an empty bar."""
    for j in range(ret.shape[0]):
        v = np.float64(bars.v[j])
        smart[j] = np.float32(abs(ret[j]) / math.sqrt(math.sqrt(v if v > 0.0 else 1.0)))


@compiled
def smart_q(bars: Bars, t: Totals, bits: Bits) -> float:
    """VWAP of the smart bars / VWAP of all, minus 1. Sign -1, return. Smart are the fewest bars with the largest
    |r| / v^(1/4) that hold at least 20% of the volume; among equals the earlier ones (Kaiyuan's smart money 2.0, one
    session instead of ten). `bits`: patterns of that number."""
    edge = smart_edge(bars, t, bits)
    volume, amount = 0.0, 0.0
    for j in range(bits.shape[0]):
        chosen = 1.0 if bits[j] > edge else 0.0
        volume += chosen * bars.v[j]
        amount += chosen * bars.a[j]
    for j in range(bits.shape[0]):
        if bits[j] == edge and SMART * volume < t.volume:
            volume += bars.v[j]
            amount += bars.a[j]
    return (amount / volume) / (t.amount / t.volume) - 1.0


@compiled
def smart_edge(bars: Bars, t: Totals, bits: Bits) -> np.int32:
    """The value (bits) such that the bars above it hold less than 20% of the volume, with those at it 20% or more:
    the selection of largest.py with volumes in place of counts."""
    extent = spread(bits)
    low, high = np.int64(0), np.int64(extent.high) + 1
    w_low, w_high = t.volume, 0.0
    trial = np.int64(extent.mean) if extent.n > 0 else np.int64(1)
    while high - low > 1:
        threshold = np.int32(min(high - 1, max(low + 1, trial)))
        above, below, weight = np.int32(2**31 - 1), np.int32(0), 0.0
        for j in range(bits.shape[0]):
            reaches = bits[j] >= threshold
            above = min(above, bits[j] if reaches else np.int32(2**31 - 1))
            below = max(below, np.int32(0) if reaches else bits[j])
        for j in range(bits.shape[0]):
            weight += (1.0 if bits[j] >= threshold else 0.0) * np.float64(bars.v[j])
        if SMART * weight >= t.volume:
            low, w_low = np.int64(above), weight
        else:
            high, w_high = np.int64(below) + 1, weight
        trial = low + np.int64((high - low) * ((w_low - t.volume / SMART) / (w_low - w_high)))
    return np.int32(low)
