"""Bar proxies (suffix `_px`) of the 4 order-by-order factors of `huatai27` (METHOD 2.5).

The exact factors need every order; the proxies take the volumes of rising bars for buy orders and of falling bars for
sell orders. v volume, a amount, r return of bar j; E the early window (w+). A side needs 20, 8 or 5 bars at 1, 5 or 15
minutes.
"""

from fusion_factor.features.intraday.day import Day
from fusion_factor.features.intraday.moments import compiled, correlation, excess_kurtosis, powers, skewness
from fusion_factor.features.intraday.row import Bars
from fusion_factor.features.intraday.sums import Sides


@compiled
def skew_order_diff_px(s: Sides, day: Day) -> float:
    """skew(v of rising bars) - skew(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    return skewness(s.rising, day.least_side) - skewness(s.falling, day.least_side)


@compiled
def kurt_order_diff_px(s: Sides, day: Day) -> float:
    """kurt(v of rising bars) - kurt(v of falling bars). Sign -1, dimensionless. NaN: iv, too few bars on a side."""
    return excess_kurtosis(s.rising, day.least_side) - excess_kurtosis(s.falling, day.least_side)


@compiled
def early_kurt_order_px(bars: Bars, day: Day) -> float:
    """kurt(v) in E. Sign -1, dimensionless, window w+. NaN: iii, iv."""
    return excess_kurtosis(powers(bars.v[day.first : day.wide]), 4)


@compiled
def corr_buyorder_volume_price_px(s: Sides, day: Day) -> float:
    """corr(v_j, a_j / v_j) over rising bars. Sign -1, dimensionless. Big buyers at high prices. NaN: iv, too few
    bars."""
    return correlation(s.rising_price, max(day.least_side, day.least_pairs))
