"""One symbol's trades put together by order id: amounts of orders, and what each took from the book. Compiled.

Ids are found in a table with open addressing, which is cleared for each symbol only as far as it needs it.

Legend of axes: i trade, k order of one side, j minute.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.features.level2.moments import compiled, inlined
from fusion_factor.market.level2 import AFTERNOON, NOON, OPEN, Trades

MINUTES = 240
_HALF = MINUTES // 2
EMPTY = -1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Counts = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]


class Side(NamedTuple):
    """The orders of one side that traded. keys, places [table]: the id table; of [i]: each trade's order.

    amount float64 [k] CNY; taken int64 [k]: shares that the order took itself; since int32 [k]: ms of the first of
    them; worst int32 [k]: the highest price a buyer took at, the lowest of a seller, in cents; published bool [k].
    """

    keys: npt.NDArray[np.int64]
    places: npt.NDArray[np.int32]
    of: npt.NDArray[np.int32]
    amount: npt.NDArray[np.float64]
    taken: npt.NDArray[np.int64]
    since: npt.NDArray[np.int32]
    worst: npt.NDArray[np.int32]
    published: npt.NDArray[np.bool_]


@compiled
def new_side(most: int) -> Side:
    """Room for the orders of one side of a symbol with at most `most` trades."""
    size = 16
    while size < 2 * most:
        size *= 2
    return Side(
        np.empty(size, np.int64),
        np.empty(size, np.int32),
        np.empty(most, np.int32),
        np.empty(most),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.bool_),
    )


@compiled
def cleared(side: Side, trades: int) -> int:
    """Make the side empty, as far as so many trades need it; the size of the id table less one."""
    size = 16
    while size < 2 * trades:
        size *= 2
    side.places[:size] = EMPTY
    side.amount[:trades] = 0.0
    side.taken[:trades] = 0
    side.published[:trades] = False
    return size - 1


@inlined
def place_of(keys: Ids, places: Places, mask: int, key: int) -> int:
    """Where an id is in the table, or where it would be. Ids that follow each other lie near each other, as they are
    asked for at about the same time; their upper bits are mixed."""
    at = np.int64((np.uint64(key) + (np.uint64(key) >> np.uint64(16)) * _GOLDEN) & np.uint64(mask))
    while places[at] != EMPTY and keys[at] != key:
        at = (at + 1) & mask
    return int(at)


@inlined
def order_of(keys: Ids, places: Places, mask: int, key: int, orders: int) -> int:
    """The number of the order with this id; `orders` when it was not met yet."""
    at = place_of(keys, places, mask, key)
    if places[at] == EMPTY:
        keys[at], places[at] = key, orders
    return int(places[at])


@inlined
def minute_of(time: int) -> int:
    """The minute 0..239 of a stamp in ms: minute j ends at its label, a stamp on a label belongs to the next minute;
    the opening call belongs to the first, late stamps to the last of their half session."""
    if time < AFTERNOON:
        if time >= NOON:
            return _HALF - 1
        return max(0, (time - OPEN) // 60_000)
    return min(MINUTES - 1, _HALF + (time - AFTERNOON) // 60_000)


@compiled
def gather(
    trades: Trades, first: int, end: int, keep: npt.NDArray[np.bool_], buys: Side, sells: Side, counts: Counts
) -> None:
    """Put the trades first .. end-1 together by order. keep [j]: minutes whose amounts count.

    counts [4] int64, filled: orders of buyers and of sellers, and the masks of their tables.
    """
    counts[2], counts[3] = cleared(buys, end - first), cleared(sells, end - first)
    counts[0] = gather_side(trades, trades.buy, first, end, keep, 1, buys, counts[2])
    counts[1] = gather_side(trades, trades.sell, first, end, keep, -1, sells, counts[3])


@compiled
def gather_side(
    trades: Trades, ids: Ids, first: int, end: int, keep: npt.NDArray[np.bool_], sign: int, side: Side, mask: int
) -> int:
    """The same for one side (sign 1: buyers, -1: sellers); how many orders it has."""
    # every array once by name: a tuple of arrays that is handed on for each trade costs more than the work on it
    keys, places, of, amount, taken, since, worst, _ = side
    time, cents, volume, _, _, taker = trades
    orders = 0
    for i in range(first, end):
        k = order_of(keys, places, mask, ids[i], orders)
        orders += k == orders
        of[i - first] = k
        if keep[minute_of(time[i])]:
            amount[k] += cents[i] * volume[i] / 100.0
        if taker[i] == sign:
            if taken[k] == 0 or sign * cents[i] > sign * worst[k]:
                worst[k] = cents[i]
            if taken[k] == 0:
                since[k] = time[i]
            taken[k] += volume[i]
    return orders
