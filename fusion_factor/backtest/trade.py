"""One execution: from values before to targets, trades and their cost (SEMANTICS 5, steps 1 to 7).

Legend: k names that are held or picked, in code order. Values are money; shut names are in the frozen set F.
"""

import bisect
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from fusion_factor.backtest.parameters import Parameters

__all__ = ["EQUAL", "Trade", "TradeRules", "rebalance", "scaling", "target_value"]

_total = np.add.reduce  # the method `sum` takes as long again for the few names of a portfolio
EQUAL = 1e-12  # of the portfolio's value: smaller differences are no trade, a smaller cash balance is none


@dataclass(frozen=True)
class TradeRules:
    """`redistribute`: money of blocked picks goes to the others (else to cash). Rates are per side, fractions.

    `exact`: trades and their cost are both paid from the budget (else targets are scaled by one minus cost / G).
    """

    buy_rate: float = 0.0002
    sell_rate: float = 0.0002
    exact: bool = False
    redistribute: bool = True

    @classmethod
    def of(cls, parameters: Parameters) -> Self:
        """The rules that the parameters of a portfolio ask for."""
        return cls(
            buy_rate=parameters.buy_rate,
            sell_rate=parameters.sell_rate,
            exact=parameters.cost_model == "exact",
            redistribute=parameters.blocked == "redistribute",
        )


class Trade(NamedTuple):
    """What an execution did.

    `value_k`: value of each name right after; `planned_k`: the same before it was scaled to make room for the cost;
    `frozen_k`: names that could not be traded; `cash`: after costs; `buy`, `sell`, `cost`: as shares of the value
    before; `before`, `after`: portfolio value before and after costs; `paid`: the cost as money.
    """

    value_k: np.ndarray
    planned_k: np.ndarray
    frozen_k: np.ndarray
    cash: float
    buy: float
    sell: float
    cost: float
    before: float
    after: float
    paid: float


def rebalance(
    value_k: np.ndarray,
    cash: float,
    picked_k: np.ndarray,
    weight: float,
    spare: float,
    shut_k: np.ndarray,
    blocked: tuple[np.ndarray, np.ndarray] | None,
    rules: TradeRules,
) -> Trade | None:
    """Trade to the picks' equal target weights.

    Args:
        value_k: value of each name now, at the trade's price or else its mark. cash: money besides.
        picked_k: bool; weight: target weight of each pick; spare: share of the value meant to stay in cash.
        shut_k: names that cannot be traded at all. blocked: (buy, sell) flags of names, or None without any.
        rules: costs and what happens to the money of blocked picks.

    Returns:
        The trade, or None when there is nothing to trade with (value before <= 0).
    """
    before = float(_total(value_k)) + cash
    if before <= 0.0:
        return None
    planned_k, frozen_k = _targets(value_k, before, picked_k, weight, spare, shut_k, blocked, rules)
    bought_k = picked_k & ~frozen_k
    factor, cost = scaling(planned_k, value_k, bought_k, rules)
    target_k = planned_k if factor == 1.0 else np.where(bought_k, planned_k * factor, planned_k)
    change_k = target_k - value_k
    cash = before - cost - float(_total(target_k))
    if abs(cash) < EQUAL * before:
        cash = 0.0
    return Trade(
        value_k=target_k,
        planned_k=planned_k,
        frozen_k=frozen_k,
        cash=cash,
        buy=float(_total(np.maximum(change_k, 0.0))) / before,
        sell=float(_total(np.maximum(-change_k, 0.0))) / before,
        cost=cost / before,
        before=before,
        after=cash + float(_total(target_k)),
        paid=cost,
    )


def _targets(
    value_k: np.ndarray,
    before: float,
    picked_k: np.ndarray,
    weight: float,
    spare: float,
    shut_k: np.ndarray,
    blocked: tuple[np.ndarray, np.ndarray] | None,
    rules: TradeRules,
) -> tuple[np.ndarray, np.ndarray]:
    """Targets before costs, and the frozen set: it grows until no name would be traded against its flag."""
    frozen_k = shut_k
    while True:
        # zeros instead of a selection: the same order of sums as `before`, so that nothing left is exactly nothing
        budget = max(before - float(_total(np.where(frozen_k, value_k, 0.0))), 0.0)
        bought_k = picked_k & ~frozen_k
        total_weight = weight * int(bought_k.sum())
        each = target_value(budget, before, total_weight, weight, spare, rules) if total_weight else 0.0
        target_k = np.where(frozen_k, value_k, np.where(bought_k, each, 0.0))
        if blocked is None:
            return target_k, frozen_k
        change_k = target_k - value_k
        tolerance = EQUAL * before
        against = (change_k > tolerance) & blocked[0] | (change_k < -tolerance) & blocked[1]
        against &= ~frozen_k
        if not against.any():
            return target_k, frozen_k
        frozen_k = frozen_k | against


def target_value(
    budget: float, before: float, total_weight: float, weight: float, spare: float, rules: TradeRules
) -> float:
    """Target of each pick that can be traded: `weight` of `total_weight` of the budget, before costs."""
    if rules.redistribute:
        return budget * weight / (total_weight + spare)
    return min(1.0, budget / (before * total_weight)) * before * weight


def _cost(change_k: np.ndarray, rules: TradeRules) -> float:
    bought, sold = float(_total(np.maximum(change_k, 0.0))), float(_total(np.maximum(-change_k, 0.0)))
    return rules.buy_rate * bought + rules.sell_rate * sold


def scaling(target_k: np.ndarray, value_k: np.ndarray, bought_k: np.ndarray, rules: TradeRules) -> tuple[float, float]:
    """Factor on the picks' targets that makes room for the cost, and the cost."""
    if rules.buy_rate == 0.0 and rules.sell_rate == 0.0:
        return 1.0, 0.0
    cost = _cost(target_k - value_k, rules)
    goal = float(_total(target_k[bought_k]))
    if goal <= 0.0 or cost <= 0.0:
        return 1.0, cost  # nothing to scale: the cost comes from cash
    if not rules.exact:
        return max((goal - cost) / goal, 0.0), cost
    sold_out = _cost((target_k - value_k)[~bought_k], rules)
    return _exact_scaling(target_k[bought_k], value_k[bought_k], goal, sold_out, rules)


def _exact_scaling(
    target_j: np.ndarray, value_j: np.ndarray, goal: float, sold_out: float, rules: TradeRules
) -> tuple[float, float]:
    """Factor f <= 1 such that f times the targets and the cost of all trades are together the goal; and the cost.

    Both rise with f, linearly between the points where a purchase of a name turns into a sale.
    `sold_out`: cost of the names that are sold wholly, whatever f.
    """

    def needed(f: float) -> float:
        return f * goal + sold_out + _cost(f * target_j - value_j, rules)

    turns = np.unique(value_j / target_j)
    points = [0.0, *turns[(turns > 0.0) & (turns < 1.0)].tolist(), 1.0]
    right = bisect.bisect_left(points, goal, key=needed)
    if right == 0:
        return 0.0, needed(0.0)  # even without any purchase the cost is more than the goal
    upper = points[min(right, len(points) - 1)]
    buys_j = 0.5 * (points[right - 1] + upper) * target_j > value_j
    slope = goal + rules.buy_rate * float(_total(target_j[buys_j])) - rules.sell_rate * float(_total(target_j[~buys_j]))
    factor = min(max(upper - (needed(upper) - goal) / slope, 0.0), 1.0)
    return factor, goal - factor * goal
