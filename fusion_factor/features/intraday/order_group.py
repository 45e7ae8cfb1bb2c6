"""Bar proxies (suffix `_px`) of the 4 order-by-order factors of `huatai27` (METHOD 2.5).

The exact factors need every order; the proxies take the volumes of rising bars for buy orders and of falling bars for
sell orders. v volume, a amount, r return of bar j; E the first window (w+). A side needs 20, 8 or 5 bars at 1, 5 or 15
minutes.
"""

import math

from fusion_factor.features.intraday.moments import compiled, correlation, excess_kurtosis, skewness
from fusion_factor.features.intraday.row import Session, has_trading


@compiled
def collect_rising(s: Session) -> int:
    """Volumes of rising bars into `left`; how many."""
    count = 0
    for j in range(s.ret.shape[0]):
        if s.ret[j] > 0.0:
            s.left[count] = s.volume[j]
            count += 1
    return count


@compiled
def collect_falling(s: Session) -> int:
    """Volumes of falling bars into `right`; how many."""
    count = 0
    for j in range(s.ret.shape[0]):
        if s.ret[j] < 0.0:
            s.right[count] = s.volume[j]
            count += 1
    return count


@compiled
def skew_order_diff_px(s: Session) -> float:
    """skew(v of rising bars) - skew(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    rising, falling = collect_rising(s), collect_falling(s)
    return skewness(s.left[:rising], s.least_side) - skewness(s.right[:falling], s.least_side)


@compiled
def kurt_order_diff_px(s: Session) -> float:
    """kurt(v of rising bars) - kurt(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    rising, falling = collect_rising(s), collect_falling(s)
    return excess_kurtosis(s.left[:rising], s.least_side) - excess_kurtosis(s.right[:falling], s.least_side)


@compiled
def early_kurt_order_px(s: Session) -> float:
    """kurt(v) in E. Sign -1, dimensionless, window w+. NaN: iii, iv."""
    if not has_trading(s, 0, s.wide):
        return math.nan
    return excess_kurtosis(s.volume[: s.wide], 4)


@compiled
def corr_buyorder_volume_price_px(s: Session) -> float:
    """corr(v_j, a_j / v_j) over rising bars. Sign -1, dimensionless. Big buyers at high prices. NaN: iv, too few bars."""
    count = 0
    for j in range(s.ret.shape[0]):
        if s.ret[j] > 0.0:
            s.left[count] = s.volume[j]
            s.right[count] = s.amount[j] / s.volume[j]
            count += 1
    return correlation(s.left[:count], s.right[:count], max(s.least_side, s.least_pairs))
