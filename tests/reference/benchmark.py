"""Section 6: the benchmark NAV."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from .execution import World, simulate
from .picks import Decision
from .tables import Row


def pool_mean_return(world: World, before: str, day: str, names: list[str]) -> float:
    """Mean close(d)/close(d-1) - 1 over names with valid closes on both sessions; 0 if none."""
    returns = []
    for name in names:
        closes = world.close.get(name, {})
        if before in closes and day in closes:
            returns.append(closes[day] / closes[before] - 1)
    return sum(returns) / len(returns) if returns else 0.0


def series_return(rows: dict[str, float], day: str) -> float:
    """close(d) against the last valid close before d; 0 without one, or without a close on d."""
    earlier = [date for date in rows if date < day]
    if day not in rows or not earlier:
        return 0.0
    return rows[day] / rows[max(earlier)] - 1


def pool_held_nav(world: World, decisions: list[Decision], end: str) -> list[float]:
    """The same simulator: all eligible names at equal weight, drift, no cost, no flags, defaults elsewhere."""
    plain = replace(
        world,
        flags={},
        k_buy=0.0,
        k_sell=0.0,
        cost_model="simple",
        blocked="redistribute",
        underfill="equal",
        holding="drift",
    )
    everything = [
        replace(
            decision,
            picks=list(decision.ranked),
            weight=1 / len(decision.ranked) if decision.ranked else 0.0,
            trade=bool(decision.ranked),  # `empty` at its default: keep
        )
        for decision in decisions
    ]
    return [row["nav"] for row in simulate(plain, everything, end).nav]


def benchmark_nav(
    kind: str,
    world: World,
    decisions: list[Decision],
    end: str,
    series: dict[str, float],
    universe_at: dict[str, list[str]],
) -> list[float]:
    """NAV 1 at the base, one value a session up to `end`. `universe_at`: pool names that count on a session."""
    base = decisions[0].signal
    days = [day for day in world.sessions if base <= day <= end]
    if kind == "pool_held":
        return pool_held_nav(world, decisions, end)
    path = [1.0]
    for before, day in pairwise(days):
        if kind == "pool_mean":
            change = pool_mean_return(world, before, day, universe_at[before])
        elif kind == "series":
            change = series_return(series, day)
        else:
            change = 0.0
        path.append(path[-1] * (1 + change))
    return path


def valid_series(rows: list[Row]) -> dict[str, Any]:
    return {row["date"]: row["close"] for row in rows if row["close"] is not None and row["close"] > 0}
