"""The 15 minute-bar factors of `huatai27` (METHOD 2.3), and the exact forms of three of them that need trade counts.

Names, meanings and signs are published (Huatai, all-frequency volume-price report of 2023-12-08); formulas follow METHOD
2.3. r return, p close, o open, h high, l low, v volume, a amount, n trades of bar j = 1..J; W_k the k-th half hour; E
the first window, L the last one. All rules of row.py apply; each function returns NaN by the rule it names.
"""

import math

from fusion_factor.features.intraday.moments import Row, compiled, correlation, skewness
from fusion_factor.features.intraday.row import Session, has_trading, mark_largest, share_count


@compiled
def late_skew_ret(s: Session) -> float:
    """skew of r in L. Sign -1, dimensionless, tier bar, window w. Lottery-like closing ramps revert. NaN: iii, iv."""
    n = s.ret.shape[0]
    if not has_trading(s, n - s.window, n):
        return math.nan
    return skewness(s.ret[n - s.window :], 4)


@compiled
def down_vol_perc(s: Session) -> float:
    """Sum of r^2 over falling bars / sum of r^2. Sign +1, 0..1, tier bar. Falls dominate, then rebound. NaN: vi."""
    falling = 0.0
    total = 0.0
    for j in range(s.ret.shape[0]):
        square = s.ret[j] * s.ret[j]
        total += square
        falling += square if s.ret[j] < 0.0 else 0.0
    return falling / total if total > 0.0 else math.nan


@compiled
def lagged_correlation(s: Session, x: Row, y: Row) -> float:
    """corr(x_j, y_(j+1)) over the session, without the pair that spans lunch. NaN: iv, too few pairs."""
    n = x.shape[0]
    noon = n // 2
    s.left[: noon - 1] = x[: noon - 1]
    s.right[: noon - 1] = y[1:noon]
    s.left[noon - 1 : n - 2] = x[noon : n - 1]
    s.right[noon - 1 : n - 2] = y[noon + 1 :]
    return correlation(s.left[: n - 2], s.right[: n - 2], s.least_pairs)


@compiled
def corr_ret_lastret(s: Session) -> float:
    """corr(r_j, r_(j-1)). Sign -1, dimensionless, tier bar. A sticky intraday trend reverts. NaN: iv."""
    return lagged_correlation(s, s.ret, s.ret)


@compiled
def corr_close_nextopen(s: Session) -> float:
    """corr(p_j, o_(j+1)). Sign +1, dimensionless, near 1, tier bar. Quotes go on where they were. NaN: iv."""
    return lagged_correlation(s, s.close, s.open)


@compiled
def volume_share(s: Session, k: int) -> float:
    """Sum of v in W_k / sum of v: `volume_perc2` .. `volume_perc7`. Sign +1, 0..1, tier bar. Volume spread away from
    open and close is good. NaN: iii on W_k, vi."""
    begin = (k - 1) * s.half_hour
    end = begin + s.half_hour
    if not has_trading(s, begin, end) or not s.volume_sum > 0.0:
        return math.nan
    total = 0.0
    for j in range(begin, end):
        total += s.volume[j]
    return total / s.volume_sum


@compiled
def corr_volume_item(s: Session) -> float:
    """corr(v_j, n_j). Sign -1, dimensionless, tier bar+n. Volume made of equal small tickets is retail. NaN: iv."""
    return correlation(s.volume, s.trades, s.least_pairs)


@compiled
def corr_volume_item_px(s: Session) -> float:
    """corr(v_j, |r_j|), for `corr_volume_item`. Sign -1, dimensionless, tier bar. Trade count and absolute move share
    the clock of arriving information. NaN: iv."""
    for j in range(s.ret.shape[0]):
        s.left[j] = abs(s.ret[j])
    return correlation(s.volume, s.left, s.least_pairs)


@compiled
def early_corr_volume_ret(s: Session) -> float:
    """corr(v_j, r_j) in E. Sign +1, dimensionless, tier bar, window w. Volume supports early gains. NaN: iii, iv."""
    if not has_trading(s, 0, s.window):
        return math.nan
    return correlation(s.volume[: s.window], s.ret[: s.window], s.least_early)


@compiled
def bigorder_ret(s: Session) -> float:
    """Product of 1+r over the 30% of valid bars with the largest a/n, minus 1. Sign -1, return, tier bar+n. Pushes by
    big tickets revert. NaN: a valid bar without a trade count."""
    for j in range(s.ret.shape[0]):
        if s.valid[j] and not s.trades[j] > 0.0:
            return math.nan
        s.right[j] = s.amount[j] / s.trades[j] if s.valid[j] else 0.0
    # the mask of the largest amounts is not needed after its own factors: it is reused here, as the last one to run
    mark_largest(s.right, share_count(0.3, s.n_valid), s.left, s.largest30)
    return compound(s, s.largest30, s.ret.shape[0]) - 1.0


@compiled
def bigorder_ret_px(s: Session) -> float:
    """Product of 1+r over the 30% of valid bars with the largest a, minus 1, for `bigorder_ret`. Sign -1, return, tier
    bar."""
    return compound(s, s.largest30, s.ret.shape[0]) - 1.0


@compiled
def compound(s: Session, marks: Row, n: int) -> float:
    """Product of 1 + r over the marked bars among the first n."""
    product = 1.0
    for j in range(n):
        product *= 1.0 + s.ret[j] if marks[j] else 1.0
    return product


@compiled
def down_single_amt_perc(s: Session) -> float:
    """(Sum a / sum n over falling bars) / (sum a / sum n). Sign +1, dimensionless, around 1, tier bar+n. Large tickets
    while falling are absorption. NaN: a valid bar without a trade count, vi."""
    amount = 0.0
    count = 0.0
    total = 0.0
    for j in range(s.ret.shape[0]):
        if s.valid[j] and not s.trades[j] > 0.0:
            return math.nan
        total += s.trades[j]
        if s.ret[j] < 0.0:
            amount += s.amount[j]
            count += s.trades[j]
    return (amount / count) / (s.amount_sum / total) if count > 0.0 else math.nan


@compiled
def down_single_amt_perc_px(s: Session) -> float:
    """(Mean a of falling bars) / (mean a of valid bars), for `down_single_amt_perc`. Sign +1, dimensionless, around 1,
    tier bar. NaN: vi."""
    amount = 0.0
    count = 0
    for j in range(s.ret.shape[0]):
        if s.ret[j] < 0.0:
            amount += s.amount[j]
            count += 1
    return (amount / count) / (s.amount_sum / s.n_valid) if count > 0 else math.nan


@compiled
def corr_volume_amplitude(s: Session) -> float:
    """corr(v_j, (h_j - l_j) / o_j). Sign -1, dimensionless, tier bar. Volume that only widens the range. NaN: iv."""
    for j in range(s.ret.shape[0]):
        s.left[j] = (s.high[j] - s.low[j]) / s.open[j]
    return correlation(s.volume, s.left, s.least_pairs)
