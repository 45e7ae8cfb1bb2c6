"""The trades that lead from what is held to what was picked, and what they cost: for the session after a signal.

The same rules as in the simulator, on a user's own holdings in CNY or on those of a simulation.

Legend: k names held or picked, in code order.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.backtest.accounting import SIDES
from fusion_factor.backtest.ledger import Order, Position
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.trade import EQUAL, Trade, TradeRules, rebalance
from fusion_factor.core.errors import ConfigError, DataError

__all__ = ["PlannedTrades", "pending_table", "trades"]

REASONS = {
    "no price": (True, True),
    "suspended": (True, True),
    "upper limit": (True, False),
    "lower limit": (False, True),
}
"""Reason to whether it blocks a purchase and a sale."""
_HOW = (
    "top_k", "underfill", "empty", "blocked", "cost_rate", "cost_reading", "cost_buy", "cost_sell", "cost_model",
)  # fmt: skip


class PlannedTrades(NamedTuple):
    """`table`: code, held, target, trade, units, side, cost, reason. `value` before, `cost` of all, `cash` after.

    Money is in CNY; `trade` and `units` are negative for a sale, `units` is NaN without a price. `side` is buy, sell
    or empty; `reason` says why a name cannot be traded.
    """

    table: pd.DataFrame
    value: float
    cost: float
    cash: float


class _Plan(NamedTuple):
    """Value of each name after the trades and the cost of each; `trade`: the whole, None when nothing is traded."""

    target_k: np.ndarray
    cost_k: np.ndarray
    side_k: list[str]
    trade: Trade | None


def _plan(
    value_k: np.ndarray,
    cash: float,
    picked_k: np.ndarray,
    weight: float,
    spare: float,
    blocked: tuple[np.ndarray, np.ndarray],
    rules: TradeRules,
) -> _Plan:
    """Trades to the picks' equal weights (SEMANTICS 5, steps 3 to 6), name by name; arguments as for `rebalance`."""
    done = rebalance(value_k, cash, picked_k, weight, spare, blocked[0] & blocked[1], blocked, rules)
    if done is None:
        return _Plan(value_k, np.zeros(len(value_k)), [""] * len(value_k), None)
    # under `simple` the cost is that of the trades before they were scaled to pay for it
    paid_for_k = (done.value_k if rules.exact else done.planned_k) - value_k
    cost_k = np.where(paid_for_k > 0.0, rules.buy_rate, rules.sell_rate) * np.abs(paid_for_k)
    change_k = done.value_k - value_k
    side_k = np.where(np.abs(change_k) <= EQUAL * done.before, 0, np.sign(change_k)).astype(np.int64)
    return _Plan(done.value_k, cost_k, [SIDES[side] for side in side_k.tolist()], done)


def trades(
    picks: Collection[str],
    holdings: Mapping[str, float],
    cash: float,
    prices: Mapping[str, float] | None = None,
    *,
    holdings_in: str = "units",
    not_tradable: Mapping[str, str] | None = None,
    **parameters: Any,
) -> PlannedTrades:
    """The trades from your own holdings to the picks of a signal, and their cost in CNY (SEMANTICS 4 and 5).

    Args:
        picks: codes to hold at equal weights, for instance `result.signals` of the pending signal where picked is 1.
        holdings: code to units (or CNY, see holdings_in). cash: CNY.
        prices: code to the latest price, CNY. A pick without a price cannot be bought. None with holdings in money:
            nobody lacks a price, and no units are given.
        holdings_in: `units` or `money`.
        not_tradable: code to `suspended` or `no price` (no trade), `upper limit` (no purchase) or `lower limit` (no
            sale).
        parameters: how it is traded, fields of `Parameters`: top_k (default: the number of picks), underfill, empty,
            blocked, cost_rate, cost_reading, cost_buy, cost_sell, cost_model.

    Returns:
        PlannedTrades: a row for each code held or picked, and value, cost and cash in CNY. Units are fractions; round
        them to the lots of your market.

    Raises:
        ConfigError, DataError: naming the parameter, or the argument, the code and the value.

    Prices are those you know when you place the orders; fills at other prices change money and cost in proportion.

    >>> plan = trades(["510300.SH", "512880.SH"], {"510300.SH": 15_000, "510500.SH": 10_000}, 20_000.0,
    ...               {"510300.SH": 4.0, "510500.SH": 6.0, "512880.SH": 1.0}, cost_rate=0.0004)
    >>> plan.table[["code", "held", "target", "trade", "units", "side", "cost"]]
            code     held   target    trade    units  side  cost
    0  510300.SH  60000.0  69986.0   9986.0   2496.5   buy   2.0
    1  510500.SH  60000.0      0.0 -60000.0 -10000.0  sell  12.0
    2  512880.SH      0.0  69986.0  69986.0  69986.0   buy  14.0
    >>> plan.value, round(plan.cost, 9), plan.cash
    (140000.0, 28.0, 0.0)
    """
    chosen = _codes(picks)
    checked = _how(parameters, len(chosen))
    codes = sorted(chosen | set(holdings))
    price_k = _prices(codes, prices, holdings_in)
    value_k = _values(codes, holdings, price_k, holdings_in)
    total = float(np.add.reduce(value_k)) + _amount("cash", cash)
    reason_k = _reasons(codes, price_k, prices is not None, not_tradable or {})
    picked_k = np.array([code in chosen for code in codes], bool)
    divisor = float(checked.top_k if checked.underfill == "cash" else max(len(chosen), 1))
    stays = checked.empty == "keep" if not chosen else checked.underfill == "skip" and len(chosen) < checked.top_k
    blocks = [REASONS.get(reason, (False, False)) for reason in reason_k]
    blocked = (np.array([buy for buy, _ in blocks], bool), np.array([sell for _, sell in blocks], bool))
    made = _Plan(value_k, np.zeros(len(codes)), [""] * len(codes), None)
    if not stays and codes:
        spare = (divisor - len(chosen)) / divisor if chosen else 0.0
        made = _plan(value_k, cash, picked_k, 1.0 / divisor, spare, blocked, TradeRules.of(checked))
    change_k = made.target_k - value_k
    table = pd.DataFrame(
        {
            "code": pd.Series(codes, dtype=str),
            "held": value_k,
            "target": made.target_k,
            "trade": change_k,
            "units": change_k / price_k,
            "side": pd.Series(made.side_k, dtype=str),
            "cost": made.cost_k,
            "reason": pd.Series(reason_k, dtype=str),
        }
    )
    if made.trade is None:
        return PlannedTrades(table, total, 0.0, float(cash))
    return PlannedTrades(table, total, made.trade.paid, made.trade.cash)


def pending_table(
    names: np.ndarray, held: Position, order: Order, known: Callable[[np.ndarray], list[str]], rules: TradeRules
) -> pd.DataFrame:
    """What an order asks for from the holding at its signal: code, held, target, trade, side, cost, reason.

    Args:
        names: [N]. held: at the marks of the signal's close. order: not executed yet; its session is not read.
        known: why names cannot be traded as far as it is known at the signal; such a name keeps what it has.
        rules: costs.

    Figures are shares of the value at the signal; a row for each name held or picked.
    """
    value_n = np.zeros(len(names))
    value_n[held.names] = held.values
    concerned = np.flatnonzero((value_n != 0.0) | (order.picked_n & order.trade))
    value_k, reason_k = value_n[concerned], known(concerned)
    shut_k = np.array([reason != "" for reason in reason_k], bool)
    made = _Plan(value_k, np.zeros(len(concerned)), [""] * len(concerned), None)
    if order.trade and concerned.size:
        made = _plan(value_k, held.cash, order.picked_n[concerned], order.weight, order.spare, (shut_k, shut_k), rules)
    total = float(np.add.reduce(value_k)) + held.cash
    text = {name: pd.Series(column, dtype=str) for name, column in (("side", made.side_k), ("reason", reason_k))}
    return pd.DataFrame(
        {
            "code": pd.Series(names[concerned], dtype=str),
            "held": value_k / total,
            "target": made.target_k / total,
            "trade": (made.target_k - value_k) / total,
            "side": text["side"],
            "cost": made.cost_k / total,
            "reason": text["reason"],
        }
    )


def _how(given: Mapping[str, Any], count: int) -> Parameters:
    for name in given:
        if name not in _HOW:
            raise ConfigError(f"{name}: is no parameter of trades; known are {', '.join(_HOW)}")
    checked = Parameters.of({"top_k": max(count, 1), **{name: value for name, value in given.items()}})
    if count > checked.top_k:
        raise ConfigError(f"top_k: {checked.top_k} is less than the {count} picks")
    return checked


def _codes(picks: Collection[str]) -> set[str]:
    if isinstance(picks, str) or any(not isinstance(code, str) or not code.strip() for code in picks):
        raise ConfigError(f"picks: {picks!r} must be a list of codes (text)")
    twice = [code for code in picks if list(picks).count(code) > 1]
    if twice:
        raise ConfigError(f"picks: {twice[0]} is there twice")
    return set(picks)


def _amount(name: str, value: Any) -> float:
    """A finite number >= 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise DataError(f"{name}: {value!r} is not a finite number")
    if value < 0:
        raise DataError(f"{name}: {value!r} must be at least 0")
    return float(value)


def _prices(codes: list[str], prices: Mapping[str, float] | None, holdings_in: str) -> np.ndarray:
    """Price of each code, NaN where there is none (0 and NaN are none)."""
    if holdings_in not in ("units", "money"):
        raise ConfigError(f"holdings_in: {holdings_in!r} must be one of units, money")
    if prices is None:
        if holdings_in == "units":
            raise ConfigError("prices: missing, but holdings in units need them")
        return np.full(len(codes), np.nan)
    given = [prices.get(code, math.nan) for code in codes]
    empty = [price is None or price != price for price in given]
    price_k = np.array(
        [math.nan if none else _amount(f"prices {code}", price)
         for code, price, none in zip(codes, given, empty, strict=True)], float
    )  # fmt: skip
    return np.where(price_k > 0, price_k, np.nan)


def _values(codes: list[str], holdings: Mapping[str, float], price_k: np.ndarray, holdings_in: str) -> np.ndarray:
    """Money in each code."""
    held_k = np.array([_amount(f"holdings {code}", holdings.get(code, 0.0)) for code in codes], float)
    if holdings_in == "money":
        return held_k
    for code, held, price in zip(codes, held_k.tolist(), price_k.tolist(), strict=True):
        if held > 0 and math.isnan(price):
            raise DataError(
                f"prices: {code}: missing, but {held:g} units are held; give its last price and list it in not_tradable"
            )
    return np.where(held_k > 0, held_k * price_k, 0.0)


def _reasons(codes: list[str], price_k: np.ndarray, priced: bool, given: Mapping[str, str]) -> list[str]:
    for code, reason in given.items():
        if reason not in REASONS:
            raise ConfigError(f"not_tradable {code}: {reason!r} must be one of {', '.join(REASONS)}")
    return [
        given.get(code) or ("no price" if priced and math.isnan(price) else "")
        for code, price in zip(codes, price_k.tolist(), strict=True)
    ]
