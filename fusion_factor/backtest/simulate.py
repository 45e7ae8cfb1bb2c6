"""The simulator that serves rotations, stock portfolios and held benchmarks alike (SEMANTICS 5).

It jumps from execution to execution; the sessions between are valued in one array operation. Order within a session:
execution, valuation at the close's marks, delistings, NAV, daily reset, signal.

Legend: t session, n name of the pool, k name held or picked, d session of a stretch between executions.
"""

from dataclasses import dataclass, field

import numpy as np

from fusion_factor.backtest.free_trading import free_orders, free_run
from fusion_factor.backtest.ledger import BUY, SELL, Delistings, Execution, Order, Path, Position, Transfer
from fusion_factor.backtest.quotes import Flags, Quotes
from fusion_factor.backtest.trade import EQUAL, Trade, TradeRules, rebalance

__all__ = ["simulate"]


@dataclass
class _Holding:
    """Who is held (`names`, ascending), how much of each, and cash; shares as of the last trade where they are kept."""

    names: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    units: np.ndarray = field(default_factory=lambda: np.empty(0))
    cash: float = 1.0
    shares: np.ndarray = field(default_factory=lambda: np.empty(0))
    cash_share: float = 1.0

    def drop(self, gone: np.ndarray) -> None:
        if self.shares.size:
            self.cash_share += float(self.shares[gone].sum())
            self.shares = self.shares[~gone]
        self.names, self.units = self.names[~gone], self.units[~gone]


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
        self.transfers: list[Transfer] = []
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
        value_k = units_k * known_k
        trade = rebalance(value_k, held.cash, picked_k, order.weight, order.spare, shut_k, blocked, self.rules)
        if trade is None:
            return Execution(done=False)
        done = self._settle(order.at, names, units_k, price_k, value_k, trade)
        if not trade.frozen_k.any():
            return done
        frozen_k = trade.frozen_k & ((units_k != 0.0) | picked_k)
        side_k = _wanted_sides(value_k, picked_k * (order.weight * trade.before), trade.before, shut_k, blocked)
        wanting_k = frozen_k & (side_k != 0)
        return done._replace(
            frozen=int(frozen_k.sum()), blocked_names=names[wanting_k], blocked_sides=side_k[wanting_k]
        )

    def _settle(
        self, at: int, names: np.ndarray, units_k: np.ndarray, price_k: np.ndarray, value_k: np.ndarray, trade: Trade
    ) -> Execution:
        after_k = trade.value_k / price_k
        if trade.frozen_k.any():
            after_k = np.where(trade.frozen_k, units_k, after_k)
        outlasting_k = self.idle_tn[at].take(names) & ~trade.frozen_k
        if outlasting_k.any():
            self._remember(at, names, price_k, outlasting_k & ((units_k != 0.0) | (after_k != 0.0)))
        held_k = np.flatnonzero(after_k)
        held_names, values = names.take(held_k), trade.value_k.take(held_k)
        self.held = _Holding(held_names, after_k.take(held_k), trade.cash)
        if self.daily_reset:
            self.held.shares, self.held.cash_share = values / trade.after, trade.cash / trade.after
        return Execution(
            done=True,
            buy=trade.buy,
            sell=trade.sell,
            cost=trade.cost,
            names=held_names,
            values=values,
            cash=trade.cash,
            after=trade.after,
            paid=trade.paid,
            names_before=names,
            values_before=value_k,
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
        first_k = mark_dk[0] * held.units
        growth_dk = (mark_dk[1:] / mark_dk[:-1] - 1.0) * held.shares
        nav_d = (held.cash + float(first_k.sum())) * np.cumprod(np.r_[1.0, 1.0 + growth_dk.sum(axis=1)])
        self.nav_d[span] = nav_d
        self._reset(nav_d[-1], mark_dk[-1], first_k + (growth_dk * nav_d[:-1, None]).sum(axis=0))

    def _reset(self, value: float, mark_k: np.ndarray, worth_k: np.ndarray) -> None:
        """Units such that each share is what it was right after the last trade.

        worth_k: value of each name with what it earned since its units were last recorded.
        """
        self.held.units = self.held.shares * value / mark_k
        self.held.cash = self.held.cash_share * value
        self.transfers.append(Transfer(self.held.names, worth_k - self.held.shares * value))

    def _delist(self, at: int, gone: np.ndarray) -> None:
        """Value one session on which names end: their units turn into cash at the close's marks, less the haircut."""
        assert self.delistings is not None
        held = self.held
        mark_k = self.marks(at, at + 1, held.names)[0]
        proceeds = (held.units * mark_k)[gone]
        held.cash += float(proceeds.sum()) * (1.0 - self.delistings.haircut)
        self.transfers.append(Transfer(held.names[gone], proceeds * (1.0 - self.delistings.haircut)))
        held.drop(gone)
        mark_k = mark_k[~gone]
        value = held.cash + float((held.units * mark_k).sum())
        self.nav_d[at - self.base] = value
        self.stale_d[at - self.base] = int(self.idle_tn[at, held.names].sum())
        if self.daily_reset:
            self._reset(value, mark_k, held.units * mark_k)

    def holds_just(self, picked_n: np.ndarray) -> bool:
        """Whether the picks are held, nothing else, and no money is owed."""
        held = self.held
        return held.cash >= 0.0 and held.names.size > 0 and np.array_equal(held.names, np.flatnonzero(picked_n))

    def run_freely(self, orders: list[Order], picked_en: np.ndarray) -> list[Execution]:
        """Do a run of orders that nothing hinders, and value the sessions between them."""
        held = self.held
        run = free_run(orders, picked_en, held.names, held.units, held.cash, self.quotes, self.price_tn, self.rules)
        span = slice(orders[0].at - self.base, orders[-1].at - self.base)
        self.nav_d[span], self.stale_d[span] = run.nav_d, run.stale_d
        self.held = _Holding(run.names, run.units, run.cash)
        return run.executions

    def position(self) -> Position:
        """Who is held at the close of the end."""
        mark_k = self.marks(self.end, self.end + 1, self.held.names)[0]
        return Position(self.held.names, self.held.units * mark_k, self.held.cash)


def _wanted_sides(
    value_k: np.ndarray,
    free_k: np.ndarray,
    before: float,
    shut_k: np.ndarray,
    blocked: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """What each name would have traded: BUY, SELL or 0 for nothing.

    free_k: targets were nobody frozen. A name that one flag alone froze wanted what that flag forbids.
    """
    change_k = np.where(np.abs(free_k - value_k) <= EQUAL * before, 0.0, free_k - value_k)
    side_k = np.sign(change_k).astype(np.int64)
    if blocked is None:
        return side_k
    return np.where(shut_k, side_k, np.where(blocked[0], BUY, np.where(blocked[1], SELL, side_k)))


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
    rules = rules or TradeRules()
    run = _Simulator(quotes, base, end, execute, rules, daily_reset, flags, delistings)
    picked_en = np.array([order.picked_n for order in orders], bool)
    free_e = np.zeros(len(orders), bool)
    if not daily_reset:
        free_e = free_orders(orders, picked_en, quotes, run.price_tn, flags, delistings)
    stops = np.append(np.flatnonzero(~free_e), len(orders))
    done: list[Execution] = []
    first = base
    while len(done) < len(orders):
        i = len(done)
        run.carry(first, orders[i].at)
        if free_e[i] and run.holds_just(orders[i - 1].picked_n):
            stop = int(stops[np.searchsorted(stops, i)])
            done += run.run_freely(orders[i:stop], picked_en[i:stop])
        else:
            done.append(run.execute(orders[i]))
        first = orders[len(done) - 1].at
    run.carry(first, end + 1)
    return Path(run.nav_d, run.stale_d, done, run.transfers, run.position())
