"""Section 5: execution and holding, event by event."""

from dataclasses import dataclass, field
from typing import Any

from .picks import Decision

TINY = 1e-12


@dataclass
class World:
    """What the simulator can see: valid prices by name and date, flags, delisting dates, and how it trades."""

    sessions: list[str]
    names: list[str]  # in code order
    price: dict[str, dict[str, float]]  # P, the field of `execute`
    close: dict[str, dict[str, float]]
    flags: dict[tuple[str, str], tuple[bool, bool]]  # (name, date) -> (buy_blocked, sell_blocked)
    delisted: dict[str, str]
    k_buy: float
    k_sell: float
    cost_model: str
    blocked: str
    underfill: str
    holding: str
    haircut: float


@dataclass
class Book:
    """Positions and cash at a moment, and what was recorded on the way."""

    units: dict[str, float]
    cash: float = 1.0
    mark: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    cash_share: float = 1.0
    nav: list[dict[str, Any]] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)  # by signal
    holdings: list[dict[str, Any]] = field(default_factory=list)

    def value(self) -> float:
        return sum(units * self.mark[name] for name, units in self.units.items() if units != 0) + self.cash


def targets(
    world: World, decision: Decision, frozen: set[str], worth: dict[str, float], total: float
) -> dict[str, float]:
    """5.3: the target values t_i of all names outside of F, for the frozen set as it stands."""
    budget = total - sum(worth[name] for name in world.names if name in frozen)
    open_picks = [name for name in world.names if name in decision.picks and name not in frozen]
    w = decision.weight
    weight_sum = sum(w for _ in open_picks)
    cash_part = 1 - sum(w for _ in decision.picks) if world.underfill == "cash" else 0.0
    result = {name: 0.0 for name in world.names if name not in frozen}
    for name in open_picks:
        if world.blocked == "redistribute":
            result[name] = budget * w / (weight_sum + cash_part)
        else:
            result[name] = min(1.0, budget / (total * weight_sum)) * total * w
    return result


def freeze(
    world: World, decision: Decision, day: str, worth: dict[str, float], total: float
) -> tuple[set[str], dict[str, float]]:
    """5.2 and 5.3: grow the frozen set until no target goes against a flag."""
    flag = {name: world.flags.get((name, day), (False, False)) for name in world.names}
    frozen = {name for name in world.names if day not in world.price.get(name, {}) or flag[name] == (True, True)}
    while True:
        target = targets(world, decision, frozen, worth, total)
        new = set()
        for name, value in target.items():
            if abs(value - worth[name]) <= TINY * total:
                continue
            buy_shut, sell_shut = flag[name]
            if (value > worth[name] and buy_shut) or (value < worth[name] and sell_shut):
                new.add(name)
        if not new:
            return frozen, target
        frozen |= new


def cost_of(world: World, target: dict[str, float], worth: dict[str, float]) -> float:
    """k D: k_buy (t - x) for a buy and k_sell (x - t) for a sell, over the names outside of F."""
    cost = 0.0
    for name, value in target.items():
        change = value - worth[name]
        cost += world.k_buy * change if change > 0 else world.k_sell * -change
    return cost


def scaled(target: dict[str, float], factor: float) -> dict[str, float]:
    return {name: factor * value for name, value in target.items()}


def exact_factor(world: World, target: dict[str, float], worth: dict[str, float], gross: float) -> float:
    """5.5 `exact`: f <= 1 with f G + cost of the trades to f t = G (the left side rises with f); 0 if negative."""

    def too_much(factor: float) -> bool:
        return factor * gross + cost_of(world, scaled(target, factor), worth) > gross

    if not too_much(1.0):
        return 1.0
    if too_much(0.0):
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if too_much(middle):
            high = middle
        else:
            low = middle
    return low


def charge(
    world: World, decision: Decision, target: dict[str, float], worth: dict[str, float]
) -> tuple[dict[str, float], float]:
    """5.5: the final targets and the cost C."""
    tradable_picks = [name for name in target if name in decision.picks]
    gross = sum(target[name] for name in tradable_picks)
    cost = cost_of(world, target, worth)
    if not tradable_picks or gross == 0:
        return target, cost
    if world.cost_model == "simple":
        return scaled(target, max(0.0, (gross - cost) / gross)), cost
    factor = exact_factor(world, target, worth, gross)
    final = scaled(target, factor)
    return final, cost_of(world, final, worth)


def execute(world: World, book: Book, decision: Decision, day: str) -> None:
    """One execution session, steps 1 to 7, before the close valuation of the same session."""
    worth = {}
    for name in world.names:  # step 1: P if valid, else the mark before e; a name without either has value 0
        at = world.price.get(name, {}).get(day, book.mark.get(name, 0.0))
        worth[name] = book.units[name] * at
    total = sum(worth.values()) + book.cash
    if not decision.trade or total <= 0:
        book.executions[decision.signal] = {"status": "kept", "buy": 0.0, "sell": 0.0, "cost": 0.0, "frozen": 0}
        return
    frozen, target = freeze(world, decision, day, worth, total)
    final, cost = charge(world, decision, target, worth)
    held_or_picked = {name for name in world.names if book.units[name] != 0 or name in decision.picks}
    book.executions[decision.signal] = {
        "status": "done",
        "buy": sum(max(value - worth[name], 0.0) for name, value in final.items()) / total,
        "sell": sum(max(worth[name] - value, 0.0) for name, value in final.items()) / total,
        "cost": cost / total,
        "frozen": len(frozen & held_or_picked),
    }
    after = {name: final[name] if name in final else worth[name] for name in world.names}
    for name, value in final.items():  # step 6
        before = book.units[name]
        book.units[name] = value / world.price[name][day]
        if before != 0 or book.units[name] != 0:
            book.mark[name] = world.price[name][day]
    book.cash = total - cost - sum(after.values())
    if abs(book.cash) < TINY * total:
        book.cash = 0.0
    record_holdings(world, book, day, after, total - cost)


def record_holdings(world: World, book: Book, day: str, after: dict[str, float], total: float) -> None:
    """The shares right after the execution: for holdings.csv, and what `daily_reset` goes back to."""
    book.shares = {name: after[name] / total for name in world.names if book.units[name] != 0}
    book.cash_share = book.cash / total
    for name, share in book.shares.items():
        book.holdings.append({"execution": day, "code": name, "weight": share})
    if book.cash != 0:
        book.holdings.append({"execution": day, "code": "CASH", "weight": book.cash_share})


def delist(world: World, book: Book, day: str) -> None:
    """A held name with delist_date <= d: units turn into cash at mark x (1 - haircut), without cost."""
    for name in world.names:
        gone = world.delisted.get(name)
        if book.units[name] != 0 and gone is not None and gone <= day:
            book.cash += book.units[name] * book.mark[name] * (1 - world.haircut)
            book.units[name] = 0.0
            book.cash_share += book.shares.pop(name, 0.0)


def simulate(world: World, decisions: list[Decision], end: str) -> Book:
    """Run from the base (the first signal session) to `end`, both inclusive."""
    base = decisions[0].signal
    due = {decision.execution: decision for decision in decisions if not decision.pending}
    book = Book(units=dict.fromkeys(world.names, 0.0))
    for day in world.sessions:
        if day > end:
            break
        if day in due:
            execute(world, book, due[day], day)
        for name in world.names:
            if day in world.close.get(name, {}):
                book.mark[name] = world.close[name][day]
        if day < base:
            continue
        delist(world, book, day)
        total = book.value()
        if world.holding == "daily_reset":
            for name, share in book.shares.items():
                book.units[name] = share * total / book.mark[name]
            book.cash = book.cash_share * total
        stale = [name for name in world.names if book.units[name] != 0 and day not in world.close.get(name, {})]
        book.nav.append({"date": day, "nav": total, "stale": len(stale)})
    return book
