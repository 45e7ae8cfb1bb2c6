"""Bar proxies (suffix `_px`) of the 8 trade-by-trade factors of `huatai27` (METHOD 2.4).

The exact factors need every trade with its orders; the proxies take the largest bars for big orders and the place of
the close in the bar's range, b = (p - l) / (h - l), for the share of buyers. r return, p close, h high, l low, a amount
of bar j; nb = a (2b - 1); E is the first half hour at every bar length. How good a proxy is must be measured.
"""

import math

from fusion_factor.features.intraday.minute_group import compound, lagged_correlation
from fusion_factor.features.intraday.moments import compiled
from fusion_factor.features.intraday.row import Session, has_trading


@compiled
def bigorder_amt_perc_px(s: Session) -> float:
    """Sum of a over the 20% of valid bars with the largest a / sum of a. Sign +1, 0..1. Share traded by big orders."""
    total = 0.0
    for j in range(s.amount.shape[0]):
        total += s.amount[j] if s.largest20[j] else 0.0
    return total / s.amount_sum if s.amount_sum > 0.0 else math.nan


@compiled
def early_bigorder_buy_perc_px(s: Session) -> float:
    """Sum of a b / sum of a over the bars of E with a >= its 70th percentile. Sign +1, 0..1. Big buyers against big
    sellers at the open. NaN: iii, vi."""
    if not has_trading(s, 0, s.half_hour):
        return math.nan
    bought = 0.0
    total = 0.0
    for j in range(s.half_hour):
        if s.early_big[j]:
            bought += s.amount[j] * s.buy[j]
            total += s.amount[j]
    return bought / total if total > 0.0 else math.nan


@compiled
def bigorder_ret2_px(s: Session) -> float:
    """Sum of ln(1+r) over the 10% of valid bars with the largest a. Sign -1, log return. Big pushes revert."""
    return math.log(compound(s, s.largest10, s.ret.shape[0]))


@compiled
def early_active_bigorder_ret_px(s: Session) -> float:
    """Sum of ln(1+r) over the bars of E with a >= its 70th percentile. Sign +1, log return. Informed early aggression.
    NaN: iii."""
    if not has_trading(s, 0, s.half_hour):
        return math.nan
    return math.log(compound(s, s.early_big, s.half_hour))


@compiled
def concentration_diff_px(s: Session) -> float:
    """(Sum of a^2 over rising bars - over falling bars) / (sum of a)^2. Sign -1, dimensionless. The difference removes
    the dependence on turnover. NaN: vi."""
    difference = 0.0
    for j in range(s.amount.shape[0]):
        square = s.amount[j] * s.amount[j]
        difference += square if s.ret[j] > 0.0 else (-square if s.ret[j] < 0.0 else 0.0)
    return difference / (s.amount_sum * s.amount_sum) if s.amount_sum > 0.0 else math.nan


@compiled
def early_active_buy_perc_px(s: Session) -> float:
    """Sum of a b / sum of a in E. Sign +1, 0..1. Early willingness to buy. NaN: iii, vi."""
    if not has_trading(s, 0, s.half_hour):
        return math.nan
    bought = 0.0
    total = 0.0
    for j in range(s.half_hour):
        bought += s.amount[j] * s.buy[j]
        total += s.amount[j]
    return bought / total if total > 0.0 else math.nan


@compiled
def corr_netactivebuy_lastret_px(s: Session) -> float:
    """corr(nb_(j+1), r_j). Sign -1, dimensionless. Flow that chases returns. NaN: iv."""
    return lagged_correlation(s, s.ret, s.net)


@compiled
def corr_netactivebuy_nextret_px(s: Session) -> float:
    """corr(nb_j, r_(j+1)). Sign -1, dimensionless. Flow that moves the next bar. NaN: iv."""
    return lagged_correlation(s, s.net, s.ret)
