"""Executions at which nothing stands in the way of any trade, done in one tight loop, their sessions valued together.

Most executions are such. They need no frozen set, no marks and no flags, and all that does not depend on the value of
the portfolio (who is concerned, at which prices) is looked up for a whole run of them at once. The arithmetic is that
of `simulate` and `trade`, operation for operation, so that it does not matter which of the two did an execution.

Legend: t session, n name of the pool, e execution of a run, d session of a run; flat arrays hold the names held or
picked at one execution after the other, in code order.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fusion_factor.backtest.ledger import Delistings, Execution, Order
from fusion_factor.backtest.quotes import Flags, Quotes
from fusion_factor.backtest.trade import EQUAL, TradeRules, scaling, target_value

__all__ = ["FreeRun", "free_orders", "free_run"]

_BLOCK_CELLS = 1_000_000  # sessions are valued in blocks of about so many cells, near the processor
_total = np.add.reduce


def free_orders(
    orders: list[Order],
    picked_en: np.ndarray,
    quotes: Quotes,
    price_tn: np.ndarray,
    flags: Flags | None,
    delistings: Delistings | None,
) -> np.ndarray:
    """Whether an order can be part of a run, bool [E], provided that exactly the picks of the one before are held.

    That is so where it trades into picks without a cash share, and every name of its own picks and of those before
    has a valid price and close on its session, no flag, and no end in between. Nothing later is looked at.
    """
    if len(orders) < 2:
        return np.zeros(len(orders), bool)
    at_e = np.array([order.at for order in orders])
    plain_e = np.array([order.trade and order.spare == 0.0 for order in orders]) & picked_en.any(axis=1)
    e, n = np.nonzero(picked_en[1:] | picked_en[:-1])
    e += 1
    at = at_e[e]
    hindered = np.isnan(price_tn[at, n]) | quotes.idle_tn[at, n]
    if flags is not None:
        buy_blocked, sell_blocked = flags(at, n)
        hindered |= buy_blocked | sell_blocked
    if delistings is not None:
        hindered |= picked_en[e - 1, n] & (delistings.session_n[n] < at)
    plain_e[0] = False
    plain_e[e[hindered]] = False
    return plain_e


class FreeRun(NamedTuple):
    """What a run gives: NAV and idle names of the sessions from its first execution to the one before its last, a
    record of each, and who is held after the last with which units and cash.
    """

    nav_d: np.ndarray
    stale_d: np.ndarray
    executions: list[Execution]
    names: np.ndarray
    units: np.ndarray
    cash: float


class _Flat(NamedTuple):
    """Names held or picked at each execution, `first_e` the place of the first of each (and the end of all)."""

    names: np.ndarray
    price: np.ndarray
    picked: np.ndarray
    first_e: np.ndarray


def free_run(
    orders: list[Order],
    picked_en: np.ndarray,
    names: np.ndarray,
    units: np.ndarray,
    cash: float,
    quotes: Quotes,
    price_tn: np.ndarray,
    rules: TradeRules,
) -> FreeRun:
    """Do a run of `free_orders` (`picked_en`: theirs, together) from a holding: `units` of `names`, and cash."""
    flat = _lay_out(orders, picked_en, names, price_tn)
    value, target, units_after = (np.empty(len(flat.names)) for _ in range(3))
    money: list[tuple[float, ...]] = []  # value before, cost, cash, value after
    units_n = np.zeros(len(quotes.names))
    units_n[names] = units
    bounds, counts = flat.first_e.tolist(), np.count_nonzero(picked_en, axis=1).tolist()
    for order, count, (begin, stop) in zip(orders, counts, pairwise(bounds), strict=True):
        here = slice(begin, stop)
        at, price, picked = flat.names[here], flat.price[here], flat.picked[here]
        value_k = np.multiply(units_n.take(at), price, out=value[here])
        before = float(_total(value_k)) + cash
        weight = order.weight * count
        target_k = np.multiply(picked, target_value(before, before, weight, order.weight, 0.0, rules), out=target[here])
        factor, cost = scaling(target_k, value_k, picked, rules)
        if factor != 1.0:
            target_k *= factor
        held = float(_total(target_k))
        cash = before - cost - held
        if abs(cash) < EQUAL * before:
            cash = 0.0
        units_n[at] = np.divide(target_k, price, out=units_after[here])
        money.append((before, cost, cash, cash + held))
    money_e = np.array(money)
    nav_d, stale_d = _values(orders, flat, units_after, money_e[:, 2], quotes)
    last = slice(bounds[-2], bounds[-1])
    held_k = flat.picked[last]
    return FreeRun(
        nav_d,
        stale_d,
        _records(flat, value, target, money_e),
        flat.names[last][held_k],
        units_after[last][held_k],
        cash,
    )


def _lay_out(orders: list[Order], picked_en: np.ndarray, names: np.ndarray, price_tn: np.ndarray) -> _Flat:
    concerned_en = picked_en.copy()
    concerned_en[1:] |= picked_en[:-1]
    concerned_en[0, names] = True
    e, n = np.nonzero(concerned_en)
    at_e = np.array([order.at for order in orders])
    first_e = np.r_[0, np.cumsum(np.count_nonzero(concerned_en, axis=1))]
    return _Flat(n, price_tn[at_e[e], n], picked_en[e, n], first_e)


def _values(
    orders: list[Order], flat: _Flat, units: np.ndarray, cash_e: np.ndarray, quotes: Quotes
) -> tuple[np.ndarray, np.ndarray]:
    """NAV and number of idle names at the closes; executions with as many names each are valued together."""
    at_e = np.array([order.at for order in orders])
    nav_d, stale_d = np.empty(at_e[-1] - at_e[0]), np.zeros(at_e[-1] - at_e[0], np.int64)
    count_e = np.add.reduceat(flat.picked, flat.first_e[:-1], dtype=np.int64)
    names, units = flat.names[flat.picked], units[flat.picked]
    first_e = np.cumsum(count_e) - count_e
    edges = np.r_[0, np.flatnonzero(np.diff(count_e)) + 1, len(count_e)]
    for begin, stop in pairwise(edges.tolist()):
        count = int(count_e[begin])
        held = slice(first_e[begin], first_e[begin] + count * (stop - begin))
        names_ek, units_ek = names[held].reshape(-1, count), units[held].reshape(-1, count)
        until = at_e[min(stop, len(at_e) - 1)]
        rows = max(_BLOCK_CELLS // count, 1)
        for first in range(at_e[begin], until, rows):
            t = np.arange(first, min(first + rows, until))
            of = np.searchsorted(at_e[begin:stop], t, side="right") - 1
            there = t - at_e[0]
            names_dk = names_ek[of]
            worth_dk = quotes.mark_tn[t[:, None], names_dk] * units_ek[of]
            nav_d[there] = cash_e[begin:stop][of] + np.add.reduce(worth_dk, axis=1)
            idle = np.flatnonzero(quotes.idle_t[t])
            stale_d[there[idle]] = quotes.idle_tn[t[idle, None], names_dk[idle]].sum(axis=1)
    return nav_d, stale_d


def _records(flat: _Flat, value: np.ndarray, target: np.ndarray, money_e: np.ndarray) -> list[Execution]:
    before, cost, cash, after = money_e.T
    change, first_e = target - value, flat.first_e[:-1]
    buy = np.add.reduceat(np.maximum(change, 0.0), first_e) / before
    sell = np.add.reduceat(np.maximum(-change, 0.0), first_e) / before
    held = np.r_[0, np.cumsum(np.add.reduceat(flat.picked, first_e, dtype=np.int64))].tolist()
    names, values, bounds = flat.names[flat.picked], target[flat.picked], flat.first_e.tolist()
    figures = (figure.tolist() for figure in (buy, sell, cost / before, cash, after, cost))
    return [
        Execution(
            True,
            bought,
            sold,
            share,
            0,
            names[held[i] : held[i + 1]],
            values[held[i] : held[i + 1]],
            left,
            total,
            paid,
            flat.names[bounds[i] : bounds[i + 1]],
            value[bounds[i] : bounds[i + 1]],
        )
        for i, (bought, sold, share, left, total, paid) in enumerate(zip(*figures, strict=True))
    ]
