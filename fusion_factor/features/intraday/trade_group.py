"""Bar proxies (suffix `_px`) of the 8 trade-by-trade factors of `huatai27` (METHOD 2.4).

The exact factors need every trade with its orders; the proxies take the largest bars for big orders and the place of
the close in the bar's range, b = (p - l) / (h - l), for the share of buyers. r return, p close, h high, l low, a amount
of bar j; nb = a (2b - 1); E is the first half hour at every bar length. How good a proxy is must be measured.

`corr_netactivebuy_lastret_px` = corr(nb_(j+1), r_j), sign -1, dimensionless: flow that chases returns; and
`corr_netactivebuy_nextret_px` = corr(nb_j, r_(j+1)), sign -1, dimensionless: flow that moves the next bar; both without
the pair that spans lunch, by `minute_group.lagged_correlation`. NaN: iv.
"""

import math

from fusion_factor.features.intraday.minute_group import compound
from fusion_factor.features.intraday.moments import Row, compiled
from fusion_factor.features.intraday.row import Marks


@compiled
def bigorder_amt_perc_px(amount: Row, amount_sum: float, largest20: Marks) -> float:
    """Sum of a over the 20% of valid bars with the largest a / sum of a. Sign +1, 0..1. Share traded by big orders."""
    large = 0.0
    for j in range(amount.shape[0]):
        large += amount[j] if largest20[j] else 0.0
    return large / amount_sum if amount_sum > 0.0 else math.nan


@compiled
def early_bigorder_buy_perc_px(amount: Row, buy: Row, early_big: Marks) -> float:
    """Sum of a b / sum of a over the bars of E with a >= its 70th percentile. Sign +1, 0..1. Big buyers against big
    sellers at the open. The arguments are those of E. NaN: iii, vi."""
    bought = 0.0
    total = 0.0
    for j in range(amount.shape[0]):
        bought += amount[j] * buy[j] if early_big[j] else 0.0
        total += amount[j] if early_big[j] else 0.0
    return bought / total if total > 0.0 else math.nan


@compiled
def bigorder_ret2_px(ret: Row, largest10: Marks) -> float:
    """Sum of ln(1+r) over the 10% of valid bars with the largest a. Sign -1, log return. Big pushes revert. As
    `early_active_bigorder_ret_px` (sign +1, informed early aggression, NaN: iii): over the bars of E with a >= its 70th
    percentile."""
    return math.log(compound(ret, largest10))


@compiled
def concentration_diff_px(ret: Row, amount: Row, amount_sum: float) -> float:
    """(Sum of a^2 over rising bars - over falling bars) / (sum of a)^2. Sign -1, dimensionless. The difference removes
    the dependence on turnover. NaN: vi."""
    difference = 0.0
    for j in range(amount.shape[0]):
        square = amount[j] * amount[j]
        difference += square if ret[j] > 0.0 else (-square if ret[j] < 0.0 else 0.0)
    return difference / (amount_sum * amount_sum) if amount_sum > 0.0 else math.nan


@compiled
def early_active_buy_perc_px(amount: Row, buy: Row) -> float:
    """Sum of a b / sum of a in E. Sign +1, 0..1. Early willingness to buy. The arguments are those of E. NaN: iii,
    vi."""
    bought = 0.0
    total = 0.0
    for j in range(amount.shape[0]):
        bought += amount[j] * buy[j]
        total += amount[j]
    return bought / total if total > 0.0 else math.nan
