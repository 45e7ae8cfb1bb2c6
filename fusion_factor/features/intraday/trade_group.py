"""Bar proxies (suffix `_px`) of the 8 trade-by-trade factors of `huatai27` (METHOD 2.4).

The exact factors need every trade with its orders; the proxies take the largest bars for big orders and the place of
the close in the bar's range, b = (p - l) / (h - l), for the share of buyers. r return, p close, h high, l low, a amount
of bar j; nb = a (2b - 1); E is the early window, at every bar length as long as asked for (30 minutes).

Two are a correlation of sums and nothing else, without the pair that spans lunch: `corr_netactivebuy_lastret_px` =
corr(nb_(j+1), r_j), sign -1, dimensionless: flow that chases returns; and `corr_netactivebuy_nextret_px` =
corr(nb_j, r_(j+1)), sign -1, dimensionless: flow that moves the next bar. NaN: iv.
"""

import math

from fusion_factor.features.intraday.moments import compiled
from fusion_factor.features.intraday.sums import Early, Totals


@compiled
def bigorder_amt_perc_px(amount20: float, t: Totals) -> float:
    """Sum of a over the 20% of valid bars with the largest a / sum of a. Sign +1, 0..1. Share traded by big orders."""
    return amount20 / t.amount


@compiled
def early_bigorder_buy_perc_px(e: Early) -> float:
    """Sum of a b / sum of a over the bars of E with a >= its 70th percentile. Sign +1, 0..1. Big buyers against big
    sellers at the open. NaN: iii, vi."""
    return 0.5 + 0.5 * e.big_net / e.big_amount if e.big_amount > 0.0 else math.nan


@compiled
def bigorder_ret2_px(growth10: float) -> float:
    """Sum of ln(1+r) over the 10% of valid bars with the largest a. Sign -1, log return. Big pushes revert."""
    return math.log(growth10)


@compiled
def early_active_bigorder_ret_px(e: Early) -> float:
    """Sum of ln(1+r) over the bars of E with a >= its 70th percentile. Sign +1, log return. Informed early aggression.
    NaN: iii."""
    return math.log(e.big_growth)


@compiled
def concentration_diff_px(t: Totals) -> float:
    """(Sum of a^2 over rising bars - over falling bars) / (sum of a)^2. Sign -1, dimensionless. The difference removes
    the dependence on turnover. NaN: vi."""
    return t.signed_squares / (t.amount * t.amount)


@compiled
def early_active_buy_perc_px(e: Early) -> float:
    """Sum of a b / sum of a in E. Sign +1, 0..1. Early willingness to buy. NaN: iii, vi."""
    return 0.5 + 0.5 * e.net / e.amount if e.amount > 0.0 else math.nan
