"""The simulator that serves rotations, stock portfolios and held benchmarks alike (SEMANTICS 5).

It jumps from execution to execution; the sessions between are valued in one array operation. Order within a session:
execution, valuation at the close's marks, delistings, NAV, daily reset, signal.

Legend: t session, n name of the pool, k name held or picked, d session of a stretch between executions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fusion_factor.backtest.quotes import Quotes
from fusion_factor.backtest.trade import Trade, TradeRules, rebalance

__all__ = ["Delistings", "Execution", "Order", "Path", "simulate"]

Flags = Callable[[int, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Order(NamedTuple):
    """One execution to be done at session `at`: names to hold (`picked_n`, bool [N]), target weight of each, share
    meant to stay in cash. `trade` is false where the signal keeps what is held.
    """

    at: int
    picked_n: np.ndarray
    weight: float
    spare: float
    trade: bool


class Execution(NamedTuple):
    """What became of an order: figures as shares of the value before; who is held after, at which weights."""

    done: bool
    buy: float = 0.0
    sell: float = 0.0
    cost: float = 0.0
    frozen: int = 0
    names: np.ndarray = np.empty(0, np.int64)
    weights: np.ndarray = np.empty(0)
    cash_weight: float = 0.0


class Delistings(NamedTuple):
    """`session_n`: first session at or after the delist date (len(sessions): never); `haircut`: share that is lost."""

    session_n: np.ndarray
    haircut: float


class Path(NamedTuple):
    """`nav_d`, `stale_d` from the base to the end, one `Execution` for each order."""

    nav_d: np.ndarray
    stale_d: np.ndarray
    executions: list[Execution]


@dataclass
class _Holding:
    """Who is held (`names`, ascending), how much of each, and cash; shares as of the last trade where they are kept."""

    names: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    units: np.ndarray = field(default_factory=lambda: np.empty(0))
    cash: float = 1.0
    shares: np.ndarray = field(default_factory=lambda: np.empty(0))
    cash_share: float = 1.0

    def drop(self, gone: np.ndarray) -> None:
        kept = ~gone
        self.names, self.units, self.shares = self.names[kept], self.units[kept], self.shares[kept]


class _Simulator:
    def __init__(
        self,
        quotes: Quotes,
        base: int,
        end: int,
        execute: str,
        rules: TradeRules,
        daily_reset: bool,
        flags: Flags | None,
        delistings: Delistings | None,
    ) -> None:
        self.quotes, self.base, self.end, self.rules, self.flags = quotes, base, end, rules, flags
        self.price_tn, self.mark_tn, self.idle_tn = quotes.price_tn(execute), quotes.mark_tn, quotes.idle_tn
        self.daily_reset, self.delistings = daily_reset, delistings
        self.held = _Holding()
        self.nav_d = np.ones(end - base + 1)
        self.stale_d = np.zeros(end - base + 1, np.int64)
        self._units_n = np.zeros(len(quotes.names))
        # session and price of each name's own last execution that its close of the day does not outdate
        self._traded_at_n: np.ndarray | None = None
        self._traded_price_n = np.full(len(quotes.names), np.nan)

    def marks(self, first: int, stop: int, names: np.ndarray) -> np.ndarray:
        """Marks [D, K] at the closes of sessions first..stop-1; NaN for names that never had a valid price."""
        mark_dk = self.mark_tn[first:stop].take(names, axis=1)
        if self._traded_at_n is None:
            return mark_dk
        younger_dk = self.quotes.last_tn[first:stop].take(names, axis=1) < self._traded_at_n.take(names)
        return np.where(younger_dk, self._traded_price_n.take(names), mark_dk)

    def execute(self, order: Order) -> Execution:
        """Do one order at its session; the holding changes in place."""
        if not order.trade:
            return Execution(done=False)
        held, units_n = self.held, self._units_n
        units_n[held.names] = held.units
        names = np.flatnonzero((units_n != 0.0) | order.picked_n)
        units_k, picked_k = units_n.take(names), order.picked_n.take(names)
        units_n[held.names] = 0.0
        price_k = self.price_tn[order.at].take(names)
        shut_k = np.isnan(price_k)
        known_k = price_k
        if shut_k.any():
            mark_k = self.marks(order.at - 1, order.at, names)[0]
            known_k = np.where(shut_k, np.where(np.isnan(mark_k), 0.0, mark_k), price_k)
        blocked = None
        if self.flags is not None:
            blocked = self.flags(order.at, names)
            shut_k = shut_k | (blocked[0] & blocked[1])
        trade = rebalance(
            units_k * known_k, held.cash, picked_k, order.weight, order.spare, shut_k, blocked, self.rules
        )
        if trade is None:
            return Execution(done=False)
        return self._settle(order.at, names, units_k, price_k, picked_k, trade)

    def _settle(
        self,
        at: int,
        names: np.ndarray,
        units_k: np.ndarray,
        price_k: np.ndarray,
        picked_k: np.ndarray,
        trade: Trade,
    ) -> Execution:
        after_k = trade.value_k / price_k
        frozen = 0
        if trade.frozen_k.any():
            after_k = np.where(trade.frozen_k, units_k, after_k)
            frozen = int((trade.frozen_k & ((units_k != 0.0) | picked_k)).sum())
        outlasting_k = self.idle_tn[at].take(names) & ~trade.frozen_k
        if outlasting_k.any():
            self._remember(at, names, price_k, outlasting_k & ((units_k != 0.0) | (after_k != 0.0)))
        held_k = np.flatnonzero(after_k)
        shares = trade.value_k.take(held_k) / trade.after
        held_names = names.take(held_k)
        self.held = _Holding(held_names, after_k.take(held_k), trade.cash, shares, trade.cash / trade.after)
        return Execution(
            done=True,
            buy=trade.buy,
            sell=trade.sell,
            cost=trade.cost,
            frozen=frozen,
            names=held_names,
            weights=shares,
            cash_weight=self.held.cash_share,
        )

    def _remember(self, at: int, names: np.ndarray, price_k: np.ndarray, own_k: np.ndarray) -> None:
        """Prices of own executions that stay the mark, for the session has no valid close of the name."""
        if self._traded_at_n is None:
            self._traded_at_n = np.full(len(self.quotes.names), -1, np.int64)
        self._traded_at_n[names[own_k]] = at
        self._traded_price_n[names[own_k]] = price_k[own_k]

    def carry(self, first: int, stop: int) -> None:
        """Value the holding at the closes of sessions first..stop-1, from the first one's units on."""
        while first < stop:
            until = stop
            if self.delistings is not None and self.held.names.size:
                gone_at = self.delistings.session_n[self.held.names]
                if (gone_at <= first).any():
                    self._delist(first, gone_at <= first)
                    first += 1
                    continue
                until = min(stop, int(gone_at.min()))
            self._value(first, until)
            first = until

    def _value(self, first: int, stop: int) -> None:
        held, span = self.held, slice(first - self.base, stop - self.base)
        if not held.names.size:
            self.nav_d[span] = held.cash
            return
        mark_dk = self.marks(first, stop, held.names)
        self.stale_d[span] = np.add.reduce(self.idle_tn[first:stop].take(held.names, axis=1), axis=1, dtype=np.int64)
        if not self.daily_reset:
            self.nav_d[span] = held.cash + np.add.reduce(mark_dk * held.units, axis=1)
            return
        value = held.cash + float((mark_dk[0] * held.units).sum())
        growth_d = 1.0 + ((mark_dk[1:] / mark_dk[:-1] - 1.0) * held.shares).sum(axis=1)
        self.nav_d[span] = value * np.cumprod(np.r_[1.0, growth_d])
        self._reset(self.nav_d[span.stop - 1], mark_dk[-1])

    def _reset(self, value: float, mark_k: np.ndarray) -> None:
        """Units such that each share is what it was right after the last trade."""
        self.held.units = self.held.shares * value / mark_k
        self.held.cash = self.held.cash_share * value

    def _delist(self, at: int, gone: np.ndarray) -> None:
        """Value one session on which names end: their units turn into cash at the close's marks, less the haircut."""
        assert self.delistings is not None
        held = self.held
        mark_k = self.marks(at, at + 1, held.names)[0]
        proceeds = float((held.units * mark_k)[gone].sum())
        held.cash += proceeds * (1.0 - self.delistings.haircut)
        held.cash_share += float(held.shares[gone].sum())
        held.drop(gone)
        mark_k = mark_k[~gone]
        value = held.cash + float((held.units * mark_k).sum())
        self.nav_d[at - self.base] = value
        self.stale_d[at - self.base] = int(self.idle_tn[at, held.names].sum())
        if self.daily_reset:
            self._reset(value, mark_k)


def simulate(
    quotes: Quotes,
    orders: list[Order],
    base: int,
    end: int,
    *,
    execute: str = "open",
    rules: TradeRules | None = None,
    daily_reset: bool = False,
    flags: Flags | None = None,
    delistings: Delistings | None = None,
) -> Path:
    """NAV of a portfolio that starts with 1 in cash at the close of `base` and executes orders until `end`.

    Args:
        quotes: prices of the pool. orders: by session, each at base < `at` <= end.
        base, end: session positions. execute: `open` or `close`, the price of the trades.
        rules: costs and blocked picks. daily_reset: after each close every share is set back, for nothing.
        flags: (session, names) -> (buy_blocked, sell_blocked), bool; None: nothing is blocked.
        delistings: when names end, and what they lose; None: never.

    Returns:
        Path with NAV and the number of held names without a valid close, for every session from base to end.

    An execution reads prices and flags of its own session and marks of sessions before; nothing later.
    """
    run = _Simulator(quotes, base, end, execute, rules or TradeRules(), daily_reset, flags, delistings)
    done: list[Execution] = []
    first = base
    for order in orders:
        run.carry(first, order.at)
        done.append(run.execute(order))
        first = order.at
    run.carry(first, end + 1)
    return Path(run.nav_d, run.stale_d, done)
