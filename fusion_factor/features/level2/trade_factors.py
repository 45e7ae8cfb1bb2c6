"""The 8 trade-by-trade factors of `huatai27`, exact (METHOD 2.4). Compiled.

An order is what trades with one id of one side sum up to: amount A_k over the session. It is big above the threshold of
past sessions (threshold.py). The taker of a trade is the buyer or the seller by the feed's side; an auction has none.
a amount of a trade, P its price; E is 9:30 to 10:00 with the opening auction, whose trades belong to the first bar. The
minutes j = 1..240 are rebuilt from the trades. Trades of a minute with one price that is a price limit are left out of
all sums: there the queue trades, not opinions (METHOD 93).

Missing: (i) no trade, (ii) fewer than half of the minutes with trades, (v) one price all day: all; (iii) fewer than
half of the minutes of E with trades, (iv) an argument of a correlation does not vary, (vi) a zero denominator; (t) no
threshold, as the stock has no orders in the five sessions before.

Legend of axes: i trade, k order of one side, j minute.
"""

import math

import numpy as np
import numpy.typing as npt

from fusion_factor.features.level2.moments import Row, compiled, correlation

LEAST_PAIRS = 10
HALF = 120


@compiled
def bigorder_amt_perc(buys: Row, sells: Row, threshold: float, amount: float) -> float:
    """Sum of A over big buy and sell orders / (2 sum a). No. 16, sign +1, 0..1: share of trading done by big orders.

    buys, sells [k]: amounts of the orders of each side; amount: sum of a. NaN: t, vi."""
    if not threshold > 0.0 or not amount > 0.0:
        return math.nan
    big = 0.0
    for k in range(buys.shape[0]):
        big += buys[k] if buys[k] > threshold else 0.0
    for k in range(sells.shape[0]):
        big += sells[k] if sells[k] > threshold else 0.0
    return big / (2.0 * amount)


@compiled
def early_bigorder_buy_perc(bought: float, sold: float) -> float:
    """Amount that big buy orders traded in E / (that + the same of big sell orders). No. 17, sign +1, 0..1: contest of
    big buyers and sellers at the open. Big by the whole session's amount. NaN: t, iii, vi."""
    total = bought + sold
    return bought / total if total > 0.0 else math.nan


@compiled
def price_step(cents: int, before: int) -> float:
    """ln(P_i / P_(i-1)), 0 without a trade before.

    Nos. 18 and 19 sum it over the trades whose taker order is big: `bigorder_ret2` (18, sign -1, log return) over the
    session, `early_active_bigorder_ret` (19, sign +1, log return) over E, takers of both sides. A sum without such
    trades is 0. NaN: t; no. 19 iii as well."""
    return math.log(cents / before) if before > 0 and cents != before else 0.0


@compiled
def concentration_diff(buys: Row, sells: Row, amount: float) -> float:
    """(Sum of A^2 over buy orders - over sell orders) / (sum of a)^2. No. 20, sign -1, dimensionless: the difference
    removes the dependence on turnover. NaN: vi."""
    if not amount > 0.0:
        return math.nan
    difference = 0.0
    for k in range(buys.shape[0]):
        difference += (buys[k] / amount) ** 2
    for k in range(sells.shape[0]):
        difference -= (sells[k] / amount) ** 2
    return difference


@compiled
def early_active_buy_perc(bought: float, amount: float) -> float:
    """Amount of E in which the buyer took / all amount of E, the auction's too. No. 21, sign +1, 0..1: early
    willingness to buy. NaN: iii, vi."""
    return bought / amount if amount > 0.0 else math.nan


@compiled
def corr_netactivebuy(net: Row, ret: Row, keep: npt.NDArray[np.bool_], lead: int, left: Row, right: Row) -> float:
    """lead 1: corr(NB_(j+1), r_j), no. 22 `corr_netactivebuy_lastret`, flow that chases returns; lead 0: corr(NB_j,
    r_(j+1)), no. 23 `corr_netactivebuy_nextret`, flow that moves the next minute. Sign -1, dimensionless.

    NB is the amount buyers took less the amount sellers took. The pair that spans lunch is left out, and pairs with a
    minute at a price limit. NaN: iv, fewer than 10 pairs."""
    count = 0
    for j in range(net.shape[0] - 1):
        if j + 1 == HALF or not (keep[j] and keep[j + 1]):
            continue
        left[count] = net[j + lead]
        right[count] = ret[j + 1 - lead]
        count += 1
    return correlation(left[:count], right[:count], LEAST_PAIRS)
