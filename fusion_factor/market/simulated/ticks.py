"""Trades and orders of a simulated session that add up to its minute bars exactly; numba, a random stream a stock.

Each minute with volume is cut into trades: the first at its open, the last at its close, one at its high and one at its
low, and a fill at prices between whose sum makes the amount exact. The first trade of the session is its opening
auction, the last one the closing auction. Every trade has a resting order, entered before it, and a taker, which may
trade several times; some orders rest in part, some are deleted, some never trade. Shanghai publishes of an order what
comes to rest, Shenzhen all of it, and its trades carry the cancels; so do these files.

So that this can be exact, minutes below four lots have one price, and an amount lies between the lowest and the highest
that its prices allow: `settle` makes bars so, before anything is summed from them.

Legend of axes: s stock that trades, b minute (240), f open, high, low, close, i row made.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from fusion_factor.market.level2_store import ORDER_COLUMNS, TRADE_COLUMNS, write_flow
from fusion_factor.market.simulated.minutes import MINUTES, uniform

FLAT_BELOW = 400
MOST_TRADES, MOST_ORDERS = 10 * MINUTES, 32 * MINUTES
_MAKERS, _TRADES, _REST, _DELETED = 100, 12_000, 5, 58_000  # ms after the minute's start
_OPENING_CALL, _OPENING, _CLOSING_CALL, _CLOSING = 33_400_000, 33_900_000, 53_820_000, 54_000_000
_B, _S, _N = 0, 1, 2  # positions in level2_store's texts
_TRADE, _CANCEL, _ADD, _MARKET, _DELETE = 0, 1, 2, 3, 4


class Flow(NamedTuple):
    """Rows of one stock, as columns; how many are filled is returned by `fill_stock`."""

    time: npt.NDArray[np.int32]
    cents: npt.NDArray[np.int32]
    volume: npt.NDArray[np.int64]
    first_id: npt.NDArray[np.int64]  # trades: the buyer's; orders: the order's
    second_id: npt.NDArray[np.int64]  # trades: the seller's
    side: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]


def new_flow(most: int) -> Flow:
    """Room for at most so many rows."""
    small, big, byte = np.zeros((2, most), np.int32), np.zeros((3, most), np.int64), np.zeros((2, most), np.int8)
    return Flow(small[0], small[1], big[0], big[1], big[2], byte[0], byte[1])


@njit(cache=True, nogil=True)
def settle(cents_fsb, volume_sb, amount_sb):  # type: ignore[no-untyped-def]
    """Change bars, in place, so that whole trades can make them: see the module."""
    for s in range(volume_sb.shape[0]):
        for b in range(volume_sb.shape[1]):
            volume = volume_sb[s, b]
            if volume == 0:
                continue
            if volume < FLAT_BELOW:
                cents_fsb[:, s, b] = cents_fsb[3, s, b]
            o, h, low, c = cents_fsb[0, s, b], cents_fsb[1, s, b], cents_fsb[2, s, b], cents_fsb[3, s, b]
            fixed, count = _fixed(o, h, low, c)
            rest = volume - count
            least, most = -((-(fixed + low * rest)) // 100), (fixed + h * rest) // 100
            amount_sb[s, b] = min(max(amount_sb[s, b], least), most)


@njit(inline="always")
def _fixed(o, h, low, c):  # type: ignore[no-untyped-def]
    """Sum of the prices that a bar must trade at, and how many they are."""
    if h == low:
        return np.int64(0), np.int64(0)
    total, count = np.int64(o) + np.int64(c), np.int64(2)
    if h not in (o, c):
        total, count = total + h, count + 1
    if low not in (o, c):
        total, count = total + low, count + 1
    return total, count


@njit(cache=True, nogil=True)
def cut_bar(o, h, low, c, volume, amount, state, cents_i, volume_i):  # type: ignore[no-untyped-def]
    """Cut one bar into trades: prices and volumes in order; how many, and the next state."""
    fixed, count = _fixed(o, h, low, c)
    if count == 0:
        u, state = uniform(state)
        first = np.int64(volume * u) if volume >= FLAT_BELOW else np.int64(0)
        cents_i[0], volume_i[0] = o, volume - first
        cents_i[1], volume_i[1] = o, first
        return (2 if first > 0 else 1), state
    each = volume // 8 if volume < 800 else volume // 800 * 100
    total = 100 * amount
    rest, left = volume - each * count, total - each * fixed
    if left < low * rest or left > h * rest:
        each = 1
        rest, left = volume - count, total - fixed
    base = left // rest
    above = left - base * rest
    u, state = uniform(state)
    w, state = uniform(state)
    n = 0
    cents_i[n], volume_i[n], n = o, each, n + 1
    up_first = u < 0.5
    for turn in range(2):
        extreme = h if (turn == 0) == up_first else low
        if extreme not in (o, c):
            cents_i[n], volume_i[n], n = extreme, each, n + 1
        if turn == 1:
            continue
        # the fill: so many shares one cent up; of the others, as many up as down by the same step
        step = min(base - low, h - base)
        aside = np.int64((rest - above) * 0.4 * w) if step > 0 else np.int64(0)
        if aside > 0:
            cents_i[n], volume_i[n], n = base + step, aside, n + 1
        if above > 0:
            cents_i[n], volume_i[n], n = base + 1, above, n + 1
        if rest - above - 2 * aside > 0:
            cents_i[n], volume_i[n], n = base, rest - above - 2 * aside, n + 1
        if aside > 0:
            cents_i[n], volume_i[n], n = base - step, aside, n + 1
    cents_i[n], volume_i[n], n = c, each, n + 1
    return n, state


@njit(cache=True, nogil=True)
def _put(flow, i, time, cents, volume, first_id, second_id, side, kind):  # type: ignore[no-untyped-def]
    flow.time[i], flow.cents[i], flow.volume[i] = time, cents, volume
    flow.first_id[i], flow.second_id[i], flow.side[i], flow.kind[i] = first_id, second_id, side, kind
    return i + 1


@njit(cache=True, nogil=True)
def fill_stock(cents_fb, volume_b, amount_b, resting, state, trades, orders):  # type: ignore[no-untyped-def]
    """Trades and orders of one stock's session into two Flows; how many of each. resting: an exchange of the rest."""
    n_trades, n_orders, next_id, last = 0, 0, np.int64(1), cents_fb[0, 0]
    cents_i, volume_i = np.empty(10, np.int64), np.empty(10, np.int64)
    maker_i, side_i = np.empty(10, np.int64), np.empty(10, np.int64)
    n_bars = volume_b.shape[0]
    for b in range(n_bars):
        if volume_b[b] == 0:
            continue
        start = (34_200_000 if b < n_bars // 2 else 46_800_000 - n_bars // 2 * 60_000) + b * 60_000
        o, h, low, c = cents_fb[0, b], cents_fb[1, b], cents_fb[2, b], cents_fb[3, b]
        n, state = cut_bar(o, h, low, c, volume_b[b], amount_b[b], state, cents_i, volume_i)
        closing = n - 1 if b == n_bars - 1 else -1
        for k in range(n):  # the orders that wait, and who will take them
            u, state = uniform(state)
            rises, falls = cents_i[k] > last, cents_i[k] < last
            side_i[k] = _B if rises or (u < 0.5 and not falls) else _S
            last = cents_i[k]
            more = 100 * np.int64(8.0 * u) if 0.25 < u < 0.75 else np.int64(0)
            called = (b == 0 and k == 0) or k == closing
            time = start + _MAKERS * (k + 1)
            if called:
                side_i[k], more = _N, np.int64(0)
                time = (_OPENING_CALL if k != closing else _CLOSING_CALL) + _MAKERS * k
            maker_i[k] = next_id
            side = _S if side_i[k] == _B else _B
            n_orders = _put(orders, n_orders, time, cents_i[k], volume_i[k] + more, next_id, 0, side, _ADD)
            next_id += 1
            if called:
                n_orders = _put(orders, n_orders, time + 50, cents_i[k], volume_i[k], next_id, 0, _S, _ADD)
                next_id += 1
            elif more > 0 and u < 0.5:  # what is left is deleted at the end of the minute
                if resting:
                    n_orders = _put(orders, n_orders, start + _DELETED, cents_i[k], more, maker_i[k], 0, side, _DELETE)
                else:
                    buyer, seller = (maker_i[k], 0) if side == _B else (0, maker_i[k])
                    n_trades = _put(trades, n_trades, start + _DELETED, 0, more, buyer, seller, _N, _CANCEL)
        n_orders, next_id, state = _stray(h, low, start, resting, state, orders, n_orders, next_id)
        n_trades, n_orders, next_id, state = _take(
            n,
            cents_i,
            volume_i,
            maker_i,
            side_i,
            start,
            closing,
            resting,
            state,
            trades,
            n_trades,
            orders,
            n_orders,
            next_id,
        )
    return n_trades, n_orders


@njit(cache=True, nogil=True)
def _stray(h, low, start, resting, state, orders, n_orders, next_id):  # type: ignore[no-untyped-def]
    """In every second minute an order that never trades, some of them without a price."""
    u, state = uniform(state)
    if u >= 0.5:
        return n_orders, next_id, state
    far, side = (low - 20, _B) if u < 0.25 else (h + 20, _S)
    kind = _MARKET if u < 0.02 and not resting else _ADD
    size = 100 * (1 + np.int64(40.0 * u * u))
    n_orders = _put(orders, n_orders, start + 50, max(far, 1), size, next_id, 0, side, kind)
    return n_orders, next_id + 1, state


@njit(cache=True, nogil=True)
def _take(  # type: ignore[no-untyped-def]
    n, cents_i, volume_i, maker_i, side_i, start, closing, resting, state, trades, n_trades, orders, n_orders, next_id
):
    """The trades of one minute; a taker of either side may take all trades of its side."""
    u, state = uniform(state)
    for side in (_B, _S):
        one = u < 0.4 if side == _B else u > 0.6
        taken, worst, first, taker = np.int64(0), np.int64(0), -1, np.int64(0)
        for k in range(n):
            if side_i[k] != side:
                continue
            time = start + _TRADES + 4_000 * k + 2_000 * side
            if first < 0 or not one:
                taker, next_id, first, taken, worst = next_id, next_id + 1, time, np.int64(0), cents_i[k]
            taken += volume_i[k]
            worst = max(worst, cents_i[k]) if side == _B else min(worst, cents_i[k])
            buyer, seller = (taker, maker_i[k]) if side == _B else (maker_i[k], taker)
            n_trades = _put(trades, n_trades, time, cents_i[k], volume_i[k], buyer, seller, side, _TRADE)
            ends = not one or not _more(side_i, k, n, side)
            if ends:
                w, state = uniform(state)
                rest = 100 * np.int64(1 + 9.0 * w) if w < 0.2 else np.int64(0)
                if resting and rest > 0:
                    n_orders = _put(orders, n_orders, time + _REST, worst, rest, taker, 0, side, _ADD)
                elif not resting:
                    n_orders = _put(orders, n_orders, first, worst, taken + rest, taker, 0, side, _ADD)
    for k in range(n):
        if side_i[k] == _N:
            time = _CLOSING if k == closing else _OPENING
            n_trades = _put(trades, n_trades, time, cents_i[k], volume_i[k], maker_i[k], maker_i[k] + 1, _N, _TRADE)
    return n_trades, n_orders, next_id, state


@njit(inline="always")
def _more(side_i, k, n, side):  # type: ignore[no-untyped-def]
    """Whether a later trade of the minute has this taker's side."""
    found = False
    for later in range(k + 1, n):
        found |= side_i[later] == side
    return found


def write_session_ticks(
    folder: Path,
    session: np.datetime64,
    symbols: npt.NDArray[Any],
    cents_fsb: npt.NDArray[np.int32],
    volume_sb: npt.NDArray[np.int64],
    amount_sb: npt.NDArray[np.int64],
    seeds_s: npt.NDArray[np.uint64],
) -> None:
    """Write the trades and orders of one session of settled bars, sorted by symbol and time."""
    pieces: dict[str, list[tuple[int, Flow]]] = {"trades": [], "orders": []}
    trades, orders = new_flow(MOST_TRADES), new_flow(MOST_ORDERS)
    for s, symbol in enumerate(symbols):
        resting = str(symbol).endswith(".SH")
        bars = (np.ascontiguousarray(cents_fsb[:, s]), volume_sb[s], amount_sb[s])
        counts = fill_stock(*bars, resting, seeds_s[s], trades, orders)
        for name, flow, count in zip(pieces, (trades, orders), counts, strict=True):
            order = np.argsort(flow.time[:count], kind="stable")
            pieces[name].append((s, Flow._make(column[:count][order] for column in flow)))
    for name, made in pieces.items():
        code = np.repeat(np.array([s for s, _ in made], np.int32), [len(flow.time) for _, flow in made])
        columns = Flow._make(np.concatenate(parts) for parts in zip(*(flow for _, flow in made), strict=True))
        ids: dict[str, npt.NDArray[Any]] = {
            "buy_id": columns.first_id,
            "sell_id": columns.second_id,
            "id": columns.first_id,
        }
        ours: dict[str, npt.NDArray[Any]] = {
            "time": columns.time,
            "price": columns.cents,
            "volume": columns.volume,
            **ids,
        }
        ours |= {"side": columns.side, "kind": columns.kind}
        wanted = TRADE_COLUMNS if name == "trades" else ORDER_COLUMNS
        write_flow(folder, name, session, symbols, code, {column: ours[column] for column in wanted})
