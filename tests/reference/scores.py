"""Sections 2 and 3: members, and from stock scores to index scores."""

import math
from statistics import median
from typing import Any

from .paper import on_paper, rank_shares, z_scores
from .tables import Row, covering, is_valid

Scores = dict[str, dict[str, float]]


def members_at(spells: list[Row], code: str, day: str) -> dict[str, float | None]:
    """Section 2: symbol -> weight of the governing spell, for the members of an index at a session."""
    by_symbol: dict[str, list[Row]] = {}
    for spell in spells:
        if spell["code"] == code:
            by_symbol.setdefault(spell["symbol"], []).append(spell)
    members = {}
    for symbol in sorted(by_symbol):
        governing = covering(by_symbol[symbol], day)
        if governing is not None:
            members[symbol] = governing.get("weight")
    return members


def in_use(scores: Scores, sessions: list[str], day: str, max_age: int) -> dict[str, float]:
    """3.1: the score dated s, or the latest valid one dated within the last `score_max_age` sessions before s."""
    position = sessions.index(day)
    looked_at = sessions[max(0, position - max_age) : position + 1]
    used = {}
    for symbol in sorted(scores):
        for session in reversed(looked_at):
            if session in scores[symbol]:
                used[symbol] = scores[symbol][session]
                break
    return used


def transformed(used: dict[str, float], how: str) -> dict[str, float]:
    """3.2: over all stocks with a score in use."""
    if how == "none" or not used:
        return used
    values = list(used.values())
    changed = rank_shares(values) if how == "rank" else z_scores(values)
    return dict(zip(used, changed, strict=True))


def weighted(pairs: list[tuple[float | None, float]]) -> float | None:
    """sum(w x) / sum(w) over pairs whose weight is valid; None without any."""
    usable = [(weight, value) for weight, value in pairs if is_valid(weight)]
    if not usable:
        return None
    return sum(weight * value for weight, value in usable) / sum(weight for weight, _ in usable)


def best_mean(scored: dict[str, float], settings: dict[str, Any]) -> float:
    """3.3 `top_mean`: mean of the best ceil(top_share m), ties by symbol ascending, at least one."""
    compared = dict(zip(scored, on_paper(list(scored.values())), strict=True))
    sign = 1 if settings["ascending"] else -1
    order = sorted(scored, key=lambda symbol: (sign * compared[symbol], symbol))
    count = max(1, math.ceil(settings["top_share"] * len(scored) - 1e-9))
    best = order[:count]
    return sum(scored[symbol] for symbol in sorted(best)) / len(best)


def aggregate(
    members: dict[str, float | None], scored: dict[str, float], caps_today: dict[str, float], settings: dict[str, Any]
) -> float | None:
    """3.3: one number from the scored members (never empty)."""
    how = settings["aggregate"]
    if how == "mean":
        return sum(scored.values()) / len(scored)
    if how == "median":
        return median(scored.values())
    if how == "weight":
        return weighted([(members[symbol], value) for symbol, value in scored.items()])
    if how == "cap":
        return weighted([(caps_today.get(symbol), value) for symbol, value in scored.items()])
    return best_mean(scored, settings)


def raw_score(
    members: dict[str, float | None], used: dict[str, float], caps_today: dict[str, float], settings: dict[str, Any]
) -> tuple[float | None, float | None]:
    """3.4: (raw score or None, coverage or None) of one index at one signal."""
    if not members:
        return None, None
    scored = {symbol: used[symbol] for symbol in members if symbol in used}
    coverage = len(scored) / len(members)
    if len(scored) < settings["min_members"] or coverage < settings["min_coverage"] or not scored:
        return None, coverage
    return aggregate(members, scored, caps_today, settings), coverage


def index_scores(
    settings: dict[str, Any],
    pool: list[str],
    sessions: list[str],
    signals: list[str],
    scores: Scores,
    spells: list[Row],
    caps: dict[str, dict[str, float]],
) -> list[dict[str, tuple[float | None, float | None]]]:
    """For each signal: code -> (index score or None, coverage or None)."""
    raws: list[dict[str, float | None]] = []
    result = []
    for day in signals:
        used = transformed(in_use(scores, sessions, day, settings["score_max_age"]), settings["score_transform"])
        caps_today = {symbol: by_day[day] for symbol, by_day in caps.items() if day in by_day}
        raw, coverage = {}, {}
        for code in pool:
            raw[code], coverage[code] = raw_score(members_at(spells, code, day), used, caps_today, settings)
        raws.append(raw)
        smoothed: dict[str, tuple[float | None, float | None]] = {}
        for code in pool:
            last = [earlier[code] for earlier in raws[-settings["smooth"] :] if earlier[code] is not None]
            score = sum(last) / len(last) if raw[code] is not None else None  # 3.5: without a raw score at s none
            smoothed[code] = (score, coverage[code])
        result.append(smoothed)
    return result
