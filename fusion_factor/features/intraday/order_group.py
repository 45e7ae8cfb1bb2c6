"""Bar proxies (suffix `_px`) of the 4 order-by-order factors of `huatai27` (METHOD 2.5).

The exact factors need every order; the proxies take the volumes of rising bars for buy orders and of falling bars for
sell orders. v volume, a amount, r return of bar j; E the first window (w+). A side needs 20, 8 or 5 bars at 1, 5 or 15
minutes.
"""

import math

from fusion_factor.features.intraday.moments import Row, compiled, correlation, excess_kurtosis, skewness
from fusion_factor.features.intraday.row import Day, Marks, traded


@compiled
def split_volume(ret: Row, volume: Row, rising: Row, falling: Row) -> tuple[int, int]:
    """Collect the volumes of rising and of falling bars; how many of each. An entry that is not counted is written
    over by the next one."""
    up, down = 0, 0
    for j in range(ret.shape[0]):
        rising[up] = volume[j]
        falling[down] = volume[j]
        up += ret[j] > 0.0
        down += ret[j] < 0.0
    return up, down


@compiled
def skew_order_diff_px(rising: Row, falling: Row, day: Day) -> float:
    """skew(v of rising bars) - skew(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    return skewness(rising, day.least_side) - skewness(falling, day.least_side)


@compiled
def kurt_order_diff_px(rising: Row, falling: Row, day: Day) -> float:
    """kurt(v of rising bars) - kurt(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    return excess_kurtosis(rising, day.least_side) - excess_kurtosis(falling, day.least_side)


@compiled
def early_kurt_order_px(volume: Row, valid: Marks, day: Day) -> float:
    """kurt(v) in E. Sign -1, dimensionless, window w+. NaN: iii, iv."""
    if not traded(valid, 0, day.wide):
        return math.nan
    return excess_kurtosis(volume[: day.wide], 4)


@compiled
def corr_buyorder_volume_price_px(ret: Row, volume: Row, amount: Row, day: Day, left: Row, right: Row) -> float:
    """corr(v_j, a_j / v_j) over rising bars. Sign -1, dimensionless. Big buyers at high prices. NaN: iv, too few
    bars."""
    count = 0
    for j in range(ret.shape[0]):
        # an entry that is not counted is written over by the next one; an empty bar never rises
        left[count] = volume[j]
        right[count] = amount[j] / max(volume[j], 1e-300)
        count += ret[j] > 0.0
    return correlation(left[:count], right[:count], max(day.least_side, day.least_pairs))
