"""One compiled pass over a session's trades and orders, symbol by symbol; all 12 factors are taken from it.

Legend of axes: s symbol, i trade, j minute, f factor.
"""

import math
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.features.level2 import order_factors as order
from fusion_factor.features.level2 import trade_factors as trade
from fusion_factor.features.level2.book import MINUTES, Counts, Side, gather, minute_of, new_side
from fusion_factor.features.level2.moments import FAST, Row, compiled
from fusion_factor.features.level2.threshold import NONE
from fusion_factor.market import level2
from fusion_factor.market.level2 import BUY, OPEN, SELL, Orders, Trades

Marks = npt.NDArray[np.bool_]
SOURCE = fingerprint(*sorted(Path(__file__).parent.glob("*.py")), Path(level2.__file__))
_COMPILING = threading.Lock()
_MINUTE_MS = 60_000
_ODD = np.uint64(0xBF58476D1CE4E5B9)


class Minutes(NamedTuple):
    """The minutes of one symbol, rebuilt from its trades [240]: prices in cents, volume > 0 where there are trades,
    returns, and the amount buyers took less that of sellers; keep: not at a price limit."""

    high: Row
    low: Row
    close: Row
    volume: Row
    ret: Row
    net: Row
    keep: Marks


@compiled
def new_minutes() -> Minutes:
    """Room for the minutes of a symbol."""
    rows = np.empty((6, MINUTES))
    return Minutes(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], np.empty(MINUTES, np.bool_))


@compiled
def fill_minutes(trades: Trades, first: int, end: int, limits: Row, bars: Minutes) -> int:
    """Minutes from trades; how many have any. limits [2]: lowest and highest price of the session in cents, 0: none."""
    high, low, close, volume, ret, _, keep = bars
    time, cents, shares, _, _, _ = trades
    volume[:] = 0.0
    for i in range(first, end):
        j, price = minute_of(time[i]), float(cents[i])
        if volume[j] == 0.0:
            high[j] = low[j] = price
        high[j] = max(high[j], price)
        low[j] = min(low[j], price)
        close[j] = price
        volume[j] += shares[i]
    valid = 0
    last = float(cents[first])
    for j in range(MINUTES):
        before = last
        keep[j] = True
        if volume[j] > 0.0:
            last = close[j]
            limit = high[j] == limits[0] or high[j] == limits[1]
            keep[j] = not (limit and high[j] == low[j])
            valid += 1
        ret[j] = (last - before) / before
    return valid


@compiled
def one_price(bars: Minutes) -> bool:
    """Rule (v): the session had a single price."""
    top, bottom = 0.0, math.inf
    for j in range(MINUTES):
        if bars.volume[j] > 0.0:
            top = max(top, bars.high[j])
            bottom = min(bottom, bars.low[j])
    return not top > bottom


@compiled
def enough_early(bars: Minutes, early: int) -> bool:
    """Rule (iii) on E: at least half of its minutes have trades."""
    valid = 0
    for j in range(early):
        valid += bars.volume[j] > 0.0
    return valid >= 4 and 2 * valid >= early


@compiled
def trade_row(
    trades: Trades, first: int, end: int, bars: Minutes, buys: Side, sells: Side, counts: Counts, threshold: float,
    early: int, in_time: bool, left: Row, right: Row, out: Row,
) -> None:  # fmt: skip
    """Factors 16 to 23 into out[0:8]; the trades have been gathered by order. in_time: rule (iii) on E."""
    total, total_early, taken_early, bought, sold, steps, steps_early = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    before = 0
    time, cents, volume, _, _, taker = trades
    net, keep = bars.net, bars.keep
    bought_by, sold_by, buy_amount, sell_amount = buys.of, sells.of, buys.amount, sells.amount
    net[:] = 0.0
    for i in range(first, end):
        j = minute_of(time[i])
        if not keep[j]:
            continue
        side = taker[i]
        amount = cents[i] * volume[i] / 100.0
        big_buy = buy_amount[bought_by[i - first]] > threshold
        big_sell = sell_amount[sold_by[i - first]] > threshold
        step = trade.price_step(cents[i], before) if (side > 0 and big_buy) or (side < 0 and big_sell) else 0.0
        before = cents[i]
        total += amount
        steps += step
        net[j] += amount * side
        if j < early:
            total_early += amount
            taken_early += amount if side > 0 else 0.0
            bought += amount if big_buy else 0.0
            sold += amount if big_sell else 0.0
            steps_early += step
    n_buys, n_sells = counts[0], counts[1]
    known = threshold > 0.0
    out[0] = trade.bigorder_amt_perc(buys.amount[:n_buys], sells.amount[:n_sells], threshold, total)
    out[2] = steps if known and total > 0.0 else math.nan
    out[4] = trade.concentration_diff(buys.amount[:n_buys], sells.amount[:n_sells], total)
    out[6] = trade.corr_netactivebuy(bars.net, bars.ret, bars.keep, 1, left, right)
    out[7] = trade.corr_netactivebuy(bars.net, bars.ret, bars.keep, 0, left, right)
    if in_time:
        out[1] = trade.early_bigorder_buy_perc(bought, sold) if known else math.nan
        out[3] = steps_early if known and total_early > 0.0 else math.nan
        out[5] = trade.early_active_buy_perc(taken_early, total_early)


class Desk(NamedTuple):
    """Room for the orders of one symbol: quantities and prices of either side, whether entered in E, and all of E."""

    bought: Row
    bid: Row
    bought_early: Marks
    sold: Row
    asked: Row
    sold_early: Marks
    early: Row


@compiled
def new_desk(most: int) -> Desk:
    """Room for at most so many orders a side."""
    rows, marks = np.empty((4, most)), np.empty((2, most), np.bool_)
    return Desk(rows[0], rows[1], marks[0], rows[2], rows[3], marks[1], np.empty(2 * most))


@compiled
def order_row(
    orders: Orders, rows: tuple[int, int], buys: Side, sells: Side, counts: Counts, resting: bool, early: int,
    in_time: bool, desk: Desk, out: Row,
) -> None:  # fmt: skip
    """Factors 24 to 27 into out[0:4]; rows: first and end of the symbol's orders."""
    until = OPEN + early * _MINUTE_MS
    q_buy, q_sell, q_early = desk.bought, desk.sold, desk.early
    n = order.collect(
        orders, rows, BUY, buys, (counts[0], counts[2]), resting, until, q_buy, desk.bid, desk.bought_early
    )
    m = order.collect(
        orders, rows, SELL, sells, (counts[1], counts[3]), resting, until, q_sell, desk.asked, desk.sold_early
    )
    out[0] = order.skew_order_diff(q_buy[:n], q_sell[:m])
    out[1] = order.kurt_order_diff(q_buy[:n], q_sell[:m])
    if in_time:
        there = order.entered_early(q_buy, desk.bought_early, n, q_early, 0)
        there = order.entered_early(q_sell, desk.sold_early, m, q_early, there)
        out[2] = order.early_kurt_order(q_early[:there])
    n = order.priced(q_buy, desk.bid, n)
    out[3] = order.corr_buyorder_volume_price(q_buy[:n], desk.bid[:n])


@compiled
def trade_mark(buy: int, sell: int, cents: int, volume: int) -> int:
    """A hash of a trade, 0 .. 2^63 - 2."""
    x = np.uint64(buy) * _ODD
    for part in (np.uint64(sell), np.uint64(cents), np.uint64(volume)):
        x = ((x ^ (x >> np.uint64(29))) + part) * _ODD
    x ^= x >> np.uint64(32)
    return int(np.int64((x * _ODD) >> np.uint64(1)) % NONE)


@cache
def _statistics(source: str) -> Callable[..., None]:
    """`source` is a closure cell and so part of the cache's key: machine code of an earlier state is never used."""

    @njit(fastmath=FAST, nogil=True, cache=True)
    def statistics(trades, trade_first, limits_s2, out_s3):  # type: ignore[no-untyped-def]
        _ = source
        most = np.max(np.diff(trade_first))
        buys, sells, bars = new_side(most), new_side(most), new_minutes()
        counts = np.zeros(4, np.int64)
        for s in range(out_s3.shape[0]):
            first, end = trade_first[s], trade_first[s + 1]
            out_s3[s] = 0.0
            if end == first:
                continue
            fill_minutes(trades, first, end, limits_s2[s], bars)
            gather(trades, first, end, bars.keep, buys, sells, counts)
            count, mean, spread = 0.0, 0.0, 0.0
            for side, n_orders in ((buys, counts[0]), (sells, counts[1])):
                for k in range(n_orders):
                    if side.amount[k] > 0.0:
                        count += 1.0
                        gap = math.log(side.amount[k]) - mean
                        mean += gap / count
                        spread += gap * (math.log(side.amount[k]) - mean)
            out_s3[s, 0], out_s3[s, 1], out_s3[s, 2] = count, mean, spread

    return statistics  # type: ignore[no-any-return]


@cache
def _sample(source: str) -> Callable[..., None]:
    """See `_statistics` for `source`."""

    @njit(nogil=True, cache=True)
    def sample(trades, trade_first, out_sk):  # type: ignore[no-untyped-def]
        _ = source
        _, cents, volume, buy, sell, _ = trades
        for s in range(out_sk.shape[0]):
            out = out_sk[s]
            out[:] = NONE
            largest = 0
            for i in range(trade_first[s], trade_first[s + 1]):
                mark = trade_mark(buy[i], sell[i], cents[i], volume[i])
                if mark < out[largest]:
                    out[largest] = mark
                    largest = int(np.argmax(out))

    return sample  # type: ignore[no-any-return]


@cache
def _factors(source: str) -> Callable[..., None]:
    """See `_statistics` for `source`."""

    @njit(fastmath=FAST, nogil=True, cache=True)
    def factors(trades, trade_first, orders, order_first, resting_s, limits_s2, threshold_s, early, out_sf):  # type: ignore[no-untyped-def]
        _ = source
        most = np.max(np.diff(trade_first))
        buys, sells, bars = new_side(most), new_side(most), new_minutes()
        desk = new_desk(most + np.max(np.diff(order_first)))
        counts = np.zeros(4, np.int64)
        left, right = np.empty(MINUTES), np.empty(MINUTES)
        for s in range(out_sf.shape[0]):
            first, end = trade_first[s], trade_first[s + 1]
            out_sf[s] = np.nan
            if end == first:
                continue
            valid = fill_minutes(trades, first, end, limits_s2[s], bars)
            if 2 * valid < MINUTES or one_price(bars):
                continue
            gather(trades, first, end, bars.keep, buys, sells, counts)
            in_time = enough_early(bars, early)
            trade_row(
                trades,
                first,
                end,
                bars,
                buys,
                sells,
                counts,
                threshold_s[s],
                early,
                in_time,
                left,
                right,
                out_sf[s, :8],
            )
            rows = (order_first[s], order_first[s + 1])
            if rows[1] > rows[0]:
                order_row(orders, rows, buys, sells, counts, resting_s[s], early, in_time, desk, out_sf[s, 8:])

    return factors  # type: ignore[no-any-return]


def statistics_kernel() -> Callable[..., None]:
    """statistics(trades, trade_first, limits_s2, out_s3): count, mean and squared deviations of ln(order amount)."""
    with _COMPILING:
        return _statistics(SOURCE)


def sample_kernel() -> Callable[..., None]:
    """sample(trades, trade_first, out_sk): of each symbol the trades with the smallest marks, int64 [S, SAMPLE], NONE
    where there are fewer. The mark is a hash of both ids, price and volume, so equal trades are chosen everywhere."""
    with _COMPILING:
        return _sample(SOURCE)


def factor_kernel() -> Callable[..., None]:
    """factors(trades, trade_first, orders, order_first, resting_s, limits_s2, threshold_s, early, out_sf): fills out_sf
    float64 [S, 12] in the order of the catalogue's level-2 names. early: minutes of E. Holds no lock (nogil)."""
    with _COMPILING:
        return _factors(SOURCE)
