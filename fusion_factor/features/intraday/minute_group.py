"""The 15 minute-bar factors of `huatai27` (METHOD 2.3), and the exact forms of three of them that need trade counts.

Names, meanings and signs are published (Huatai, all-frequency volume-price report of 2023-12-08); formulas follow
METHOD 2.3. r return, p close, o open, h high, l low, v volume, a amount, n trades of bar j = 1..J; W_k the k-th half
hour; E the early window, L the late one. A factor reads bars, or sums of them that sums.py has taken; all rules of
row.py apply, and a function names those that can make it NaN.

Three factors are a correlation of sums and nothing else; kernel.py calls moments.correlation for them:
`corr_ret_lastret` = corr(r_j, r_(j+1)), sign -1, dimensionless, tier bar: a sticky intraday trend reverts.
`corr_close_nextopen` = corr(p_j, o_(j+1)), sign +1, dimensionless, near 1, tier bar: quotes go on where they were. Both
leave out the pair that spans lunch. `corr_volume_amplitude` = corr(v_j, (h_j - l_j) / o_j), sign -1, dimensionless,
tier bar: volume that only widens the range. `corr_volume_item_px` = corr(v_j, |r_j|), sign -1, dimensionless, tier bar,
for `corr_volume_item`: trade count and absolute move share the clock of arriving information. NaN: iv.
"""

import math

import numpy as np

from fusion_factor.features.intraday.day import Day
from fusion_factor.features.intraday.moments import Row, compiled, correlation, pairs, powers, skewness
from fusion_factor.features.intraday.row import Bars, Float32Row
from fusion_factor.features.intraday.sums import Totals, window_sum


@compiled
def late_skew_ret(ret: Row, day: Day) -> float:
    """skew of r in L. Sign -1, dimensionless, tier bar, window w. Lottery-like closing ramps revert. NaN: iii, iv."""
    return skewness(powers(ret[day.late :]), 4)


@compiled
def down_vol_perc(t: Totals) -> float:
    """Sum of r^2 over falling bars / sum of r^2. Sign +1, 0..1, tier bar. Falls dominate, then rebound. NaN: vi."""
    return t.falling_squares / t.squares if t.squares > 0.0 else math.nan


@compiled
def volume_share(bars: Bars, t: Totals, begin: int, day: Day) -> float:
    """Sum of v in W_k / sum of v: `volume_perc2` .. `volume_perc7`; begin: the first bar of W_k. Sign +1, 0..1, tier
    bar. Volume spread away from open and close is good. NaN: iii on W_k, vi."""
    return window_sum(bars.v, begin, begin + day.half_hour) / t.volume


@compiled
def early_corr_volume_ret(bars: Bars, ret: Row, day: Day) -> float:
    """corr(v_j, r_j) in E. Sign +1, dimensionless, tier bar, window w. Volume supports early gains. NaN: iii, iv."""
    return correlation(pairs(bars.v[day.first : day.window], ret[day.first : day.window]), day.least_early)


@compiled
def bigorder_ret(growth30: float) -> float:
    """Product of 1+r over the 30% of valid bars with the largest a/n, minus 1. Sign -1, return, tier bar+n. Pushes by
    big tickets revert. As `bigorder_ret_px` (tier bar): the 30% with the largest a."""
    return growth30 - 1.0


@compiled
def down_single_amt_perc_px(t: Totals, n_valid: int) -> float:
    """(Mean a of falling bars) / (mean a of valid bars), for `down_single_amt_perc`. Sign +1, dimensionless, around 1,
    tier bar. NaN: vi."""
    return (t.falling_amount / t.falling_bars) / (t.amount / n_valid) if t.falling_bars > 0.0 else math.nan


@compiled
def has_counts(bars: Bars) -> bool:
    """Whether every bar with volume has a trade count."""
    missing = 0
    for j in range(bars.n.shape[0]):
        missing += bars.v[j] > 0.0 and not bars.n[j] > 0.0
    return missing == 0


@compiled
def corr_volume_item(bars: Bars, day: Day) -> float:
    """corr(v_j, n_j). Sign -1, dimensionless, tier bar+n. Volume made of equal small tickets is retail. NaN: iv."""
    return correlation(pairs(bars.v, bars.n), day.least_pairs)


@compiled
def down_single_amt_perc(bars: Bars, ret: Row, t: Totals) -> float:
    """(Sum a / sum n over falling bars) / (sum a / sum n). Sign +1, dimensionless, around 1, tier bar+n. Large tickets
    while falling are absorption. NaN: vi."""
    falling, count = 0.0, 0.0
    for j in range(ret.shape[0]):
        falling += bars.n[j] if ret[j] < 0.0 else 0.0
        count += bars.n[j]
    return (t.falling_amount / falling) / (t.amount / count) if falling > 0.0 else math.nan


@compiled
def fill_tickets(bars: Bars, ticket: Float32Row) -> None:
    """Amount a trade of each bar, a / n, in float32; 0 for an empty bar."""
    for j in range(ticket.shape[0]):
        ticket[j] = bars.a[j] / bars.n[j] if bars.n[j] > 0.0 else np.float32(0.0)
