"""The 15 minute-bar factors of `huatai27` (METHOD 2.3), and the exact forms of three of them that need trade counts.

Names, meanings and signs are published (Huatai, all-frequency volume-price report of 2023-12-08); formulas follow
METHOD 2.3. r return, p close, o open, h high, l low, v volume, a amount, n trades of bar j = 1..J; W_k the k-th half
hour; E the first window, L the last one. Each argument is one symbol's session [J]; all rules of row.py apply, and a
function names those that can make it NaN. `left` and `right` are scratch [J].
"""

import math

from fusion_factor.features.intraday.moments import Row, compiled, correlation, skewness
from fusion_factor.features.intraday.row import Day, Marks, traded


@compiled
def late_skew_ret(ret: Row, valid: Marks, day: Day) -> float:
    """skew of r in L. Sign -1, dimensionless, tier bar, window w. Lottery-like closing ramps revert. NaN: iii, iv."""
    n = ret.shape[0]
    if not traded(valid, n - day.window, n):
        return math.nan
    return skewness(ret[n - day.window :], 4)


@compiled
def down_vol_perc(ret: Row) -> float:
    """Sum of r^2 over falling bars / sum of r^2. Sign +1, 0..1, tier bar. Falls dominate, then rebound. NaN: vi."""
    falling = 0.0
    total = 0.0
    for j in range(ret.shape[0]):
        square = ret[j] * ret[j]
        total += square
        falling += square if ret[j] < 0.0 else 0.0
    return falling / total if total > 0.0 else math.nan


@compiled
def lagged_correlation(x: Row, y: Row, least: int, left: Row, right: Row) -> float:
    """corr(x_j, y_(j+1)) over the session, without the pair that spans lunch. NaN: iv.

    Three factors: `corr_ret_lastret` = corr(r_j, r_(j+1)), sign -1, dimensionless, tier bar: a sticky intraday trend
    reverts. `corr_close_nextopen` = corr(p_j, o_(j+1)), sign +1, dimensionless, near 1, tier bar: quotes go on where
    they were. And the two of net buying in trade_group.py.
    """
    n = x.shape[0]
    noon = n // 2
    for j in range(noon - 1):
        left[j] = x[j]
        right[j] = y[j + 1]
    for j in range(noon, n - 1):
        left[j - 1] = x[j]
        right[j - 1] = y[j + 1]
    return correlation(left[: n - 2], right[: n - 2], least)


@compiled
def volume_share(volume: Row, volume_sum: float, valid: Marks, day: Day, k: int) -> float:
    """Sum of v in W_k / sum of v: `volume_perc2` .. `volume_perc7`. Sign +1, 0..1, tier bar. Volume spread away from
    open and close is good. NaN: iii on W_k, vi."""
    begin = (k - 1) * day.half_hour
    end = begin + day.half_hour
    if not traded(valid, begin, end) or not volume_sum > 0.0:
        return math.nan
    total = 0.0
    for j in range(begin, end):
        total += volume[j]
    return total / volume_sum


@compiled
def corr_volume_item(volume: Row, trades: Row, day: Day) -> float:
    """corr(v_j, n_j). Sign -1, dimensionless, tier bar+n. Volume made of equal small tickets is retail. NaN: iv."""
    return correlation(volume, trades, day.least_pairs)


@compiled
def corr_volume_item_px(volume: Row, ret: Row, day: Day, left: Row) -> float:
    """corr(v_j, |r_j|), for `corr_volume_item`. Sign -1, dimensionless, tier bar. Trade count and absolute move share
    the clock of arriving information. NaN: iv."""
    for j in range(ret.shape[0]):
        left[j] = abs(ret[j])
    return correlation(volume, left, day.least_pairs)


@compiled
def early_corr_volume_ret(volume: Row, ret: Row, valid: Marks, day: Day) -> float:
    """corr(v_j, r_j) in E. Sign +1, dimensionless, tier bar, window w. Volume supports early gains. NaN: iii, iv."""
    if not traded(valid, 0, day.window):
        return math.nan
    return correlation(volume[: day.window], ret[: day.window], day.least_early)


@compiled
def compound(ret: Row, marks: Marks) -> float:
    """Product of 1 + r over the marked bars."""
    product = 1.0
    for j in range(ret.shape[0]):
        product *= 1.0 + (ret[j] if marks[j] else 0.0)
    return product


@compiled
def bigorder_ret(ret: Row, largest30: Marks) -> float:
    """Product of 1+r over the 30% of valid bars with the largest a/n, minus 1. Sign -1, return, tier bar+n. Pushes by
    big tickets revert. As `bigorder_ret_px` (tier bar): the 30% with the largest a."""
    return compound(ret, largest30) - 1.0


@compiled
def has_counts(trades: Row, valid: Marks) -> bool:
    """Whether every valid bar has a trade count."""
    missing = 0
    for j in range(trades.shape[0]):
        missing += valid[j] and not trades[j] > 0.0
    return missing == 0


@compiled
def down_single_amt_perc(ret: Row, amount: Row, amount_sum: float, trades: Row) -> float:
    """(Sum a / sum n over falling bars) / (sum a / sum n). Sign +1, dimensionless, around 1, tier bar+n. Large tickets
    while falling are absorption. NaN: vi."""
    falling = 0.0
    count = 0.0
    total = 0.0
    for j in range(ret.shape[0]):
        total += trades[j]
        falling += amount[j] if ret[j] < 0.0 else 0.0
        count += trades[j] if ret[j] < 0.0 else 0.0
    return (falling / count) / (amount_sum / total) if count > 0.0 else math.nan


@compiled
def down_single_amt_perc_px(ret: Row, amount: Row, amount_sum: float, n_valid: int) -> float:
    """(Mean a of falling bars) / (mean a of valid bars), for `down_single_amt_perc`. Sign +1, dimensionless, around 1,
    tier bar. NaN: vi."""
    falling = 0.0
    count = 0
    for j in range(ret.shape[0]):
        falling += amount[j] if ret[j] < 0.0 else 0.0
        count += ret[j] < 0.0
    return (falling / count) / (amount_sum / n_valid) if count > 0 else math.nan


@compiled
def corr_volume_amplitude(volume: Row, open_: Row, high: Row, low: Row, day: Day, left: Row) -> float:
    """corr(v_j, (h_j - l_j) / o_j). Sign -1, dimensionless, tier bar. Volume that only widens the range. NaN: iv."""
    for j in range(volume.shape[0]):
        left[j] = (high[j] - low[j]) / open_[j]
    return correlation(volume, left, day.least_pairs)
