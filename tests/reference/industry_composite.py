"""10.6: the composite over families."""

import math
from typing import Any

from .industry_prices import TINY, Values, z_of
from .industry_statistics import rank_ic, ratio
from .metrics import std

ByFamily = dict[str, Values]


def family_values(settings: dict[str, Any], factors: dict[str, Values]) -> ByFamily:
    """Family -> industry -> mean of the available signed, clipped z-scores at one date."""
    clip, scored = settings["clip"], {}
    for name in factors:
        sign = settings["signs"].get(name, 1)
        scored[name] = {i: sign * max(-clip, min(clip, z)) for i, z in z_of(factors[name]).items()}
    result: ByFamily = {}
    for family, names in settings["families"].items():
        result[family] = {}
        for industry in sorted({i for name in names for i in scored[name]}):
            there = [scored[name][industry] for name in names if industry in scored[name]]
            result[family][industry] = math.fsum(there) / len(there)
    return result


def weights(settings: dict[str, Any], past: list[ByFamily], labels: list[Values]) -> dict[str, float]:
    """Weight of each family from the grid dates whose labels have ended, the oldest first."""
    equal = dict.fromkeys(settings["families"], 1.0)
    if settings["weighting"] == "equal":
        return equal
    found = {}
    for family in equal:
        ics = []
        for values, label in list(zip(past, labels, strict=True))[-settings["weight_months"] :]:
            ic = rank_ic(values[family], label, settings["min_names"])[1]
            if ic is not None:
                ics.append(ic)
        if len(ics) < settings["min_weight_months"]:
            return equal
        icir = ratio(math.fsum(ics) / len(ics), std(ics))
        found[family] = icir if icir is not None and icir > TINY else 0.0
    return found if any(found.values()) else equal


def composite(settings: dict[str, Any], factors: list[dict[str, Values]], labels: list[Values]) -> list[Values]:
    """Composite at each grid date; `labels[k]` ends at grid date k + 1."""
    families = [family_values(settings, each) for each in factors]
    result = []
    for place, here in enumerate(families):
        weight = weights(settings, families[:place], labels[:place])
        values = {}
        for industry in sorted({i for family in here.values() for i in family}):
            available = [family for family in here if industry in here[family]]
            total = math.fsum(weight[family] for family in available)
            if len(available) >= settings["min_families"] and total != 0:
                values[industry] = math.fsum(weight[family] * here[family][industry] for family in available) / total
        result.append(values)
    return result
