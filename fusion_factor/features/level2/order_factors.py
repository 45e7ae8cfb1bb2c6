"""The 4 order-by-order factors of `huatai27`, exact (METHOD 2.5), and the orders they are made of. Compiled.

q is the quantity of an order when it was entered, whatever became of it. Where the exchange publishes an order only as
far as it comes to rest (Shanghai), the order is put together again: what it took at once (its trades as taker) and the
rest that was published under the same id. An order that traded wholly at once is seen in trades alone: its time is that
of its first trade, its price the worst it took, as its limit is published nowhere. E takes orders from the opening call
to 10:00, as the auction belongs to the first bar. A symbol without any published order has no order factors.

Legend of axes: k order of one side, m order collected.
"""

import numpy as np
import numpy.typing as npt

from fusion_factor.features.level2.book import EMPTY, Side, place_of
from fusion_factor.features.level2.moments import Row, compiled, correlation, excess_kurtosis, skewness
from fusion_factor.market.level2 import Orders

LEAST_PAIRS = 10


@compiled
def skew_order_diff(buys: Row, sells: Row) -> float:
    """skew(q of buy orders) - skew(q of sell orders). No. 24, sign -1, dimensionless. NaN: iv."""
    return skewness(buys) - skewness(sells)


@compiled
def kurt_order_diff(buys: Row, sells: Row) -> float:
    """kurt(q of buy orders) - kurt(q of sell orders). No. 25, sign -1, dimensionless. NaN: iv."""
    return excess_kurtosis(buys) - excess_kurtosis(sells)


@compiled
def early_kurt_order(early: Row) -> float:
    """kurt(q of all orders entered in E). No. 26, sign -1, dimensionless. NaN: iii, iv."""
    return excess_kurtosis(early)


@compiled
def corr_buyorder_volume_price(quantity: Row, price: Row) -> float:
    """corr(q, limit price) over buy orders with a price. No. 27, sign -1, dimensionless: big buyers at high prices.
    NaN: iv, fewer than 10 orders."""
    return correlation(quantity, price, LEAST_PAIRS)


@compiled
def collect(
    orders: Orders, rows: tuple[int, int], sign: int, side: Side, traded: tuple[int, int], resting: bool,
    until: int, quantity: Row, price: Row, early: npt.NDArray[np.bool_],
) -> int:  # fmt: skip
    """Collect the orders of one side: how many. rows: their place in `orders`, first and end; sign: BUY or SELL;
    traded: how many orders of the side traded, and their table's mask; resting: the exchange publishes the rest only;
    until: end of E in ms.

    Filled: quantity [m] shares, price [m] cents (0: a market order), early [m]: entered in E.
    """
    keys, places, _, _, taken, since, worst, published = side
    times, cents, volumes, ids, sides = orders
    count = 0
    n_traded, mask = traded
    for i in range(rows[0], rows[1]):
        if sides[i] != sign:
            continue
        volume, time = volumes[i], times[i]
        if resting:
            k = places[place_of(keys, places, mask, ids[i])]
            if k != EMPTY and taken[k] > 0 and not published[k]:
                published[k] = True
                volume += taken[k]
                time = min(time, since[k])
        quantity[count], price[count], early[count] = volume, cents[i], time < until
        count += 1
    if resting:
        for k in range(n_traded):
            if taken[k] > 0 and not published[k]:
                quantity[count], price[count], early[count] = taken[k], worst[k], since[k] < until
                count += 1
    return count


@compiled
def priced(quantity: Row, price: Row, count: int) -> int:
    """Move the orders that have a price to the front, in place; how many there are."""
    there = 0
    for m in range(count):
        if price[m] > 0.0:
            quantity[there], price[there] = quantity[m], price[m]
            there += 1
    return there


@compiled
def entered_early(quantity: Row, early: npt.NDArray[np.bool_], count: int, out: Row, there: int) -> int:
    """Put the quantities of orders entered in E behind the `there` that are in `out`; how many are there then."""
    for m in range(count):
        out[there] = quantity[m]
        there += early[m]
    return there
