"""Section 4: from scores to ranked, picked names with target weights."""

from dataclasses import dataclass, field
from typing import Any

from .paper import on_paper


@dataclass
class Decision:
    """What one signal session decided. `trade` False: holdings stay (`skip`, `keep`)."""

    signal: str
    execution: str | None
    pending: bool
    ranked: list[str]
    picks: list[str] = field(default_factory=list)
    weight: float = 0.0
    trade: bool = True


def ranked(eligible: dict[str, float], ascending: bool) -> list[str]:
    """4.2: best first, equal scores by code."""
    compared = dict(zip(eligible, on_paper(list(eligible.values())), strict=True))
    sign = 1 if ascending else -1
    return sorted(eligible, key=lambda code: (sign * compared[code], code))


def choose(order: list[str], previous: list[str], settings: dict[str, Any]) -> list[str]:
    """4.3: with a buffer, kept names of the previous list first, then the best others."""
    top_k = settings["top_k"]
    within = order[: top_k + settings["buffer"]]
    picks = [code for code in within if code in previous][:top_k] if settings["buffer"] > 0 else []
    for code in order:
        if len(picks) < top_k and code not in picks:
            picks.append(code)
    return picks


def decide(decision: Decision, previous: list[str], settings: dict[str, Any]) -> None:
    """4.3 to 4.5: fill in picks, their weight and whether to trade."""
    order, top_k = decision.ranked, settings["top_k"]
    if not order:
        decision.trade = settings["empty"] == "cash"
        return
    if len(order) < top_k and settings["underfill"] == "skip":
        decision.trade = False
        return
    decision.picks = choose(order, previous, settings)
    filled = len(order) >= top_k or settings["underfill"] == "cash"
    decision.weight = 1 / top_k if filled else 1 / len(order)


def decisions(
    settings: dict[str, Any], dated: list[tuple[str, str | None, bool]], eligible: list[dict[str, float]]
) -> list[Decision]:
    """One decision a signal; `dated` holds (signal, execution, pending), `eligible` code -> score."""
    result = []
    previous: list[str] = []
    for (signal, execution, pending), scores in zip(dated, eligible, strict=True):
        decision = Decision(signal, execution, pending, ranked(scores, settings["ascending"]))
        decide(decision, previous, settings)
        if decision.picks:
            previous = decision.picks
        result.append(decision)
    return result
