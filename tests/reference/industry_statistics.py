"""10.7, with 8.4, 8.5 and 8.7: rank IC by date, its statistics, and quintile portfolios."""

import math
from itertools import pairwise
from typing import Any

from .industry_prices import TINY, Values, pearson
from .metrics import std
from .paper import on_paper

QUINTILES = (1, 2, 3, 4, 5)


def mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def average_ranks(values: list[float]) -> list[float]:
    compared = on_paper(values)
    ranks = []
    for value in compared:
        below = sum(1 for other in compared if other < value)
        equal = sum(1 for other in compared if other == value)
        ranks.append(below + (equal + 1) / 2)
    return ranks


def rank_ic(values: Values, labels: Values, least: int) -> tuple[int, float | None]:
    """(n, rank IC): none with fewer than `least` names, or with one side all equal."""
    names = [name for name in sorted(values) if name in labels]
    if len(names) < least or not names:
        return len(names), None
    ranks = [average_ranks([side[name] for name in names]) for side in (values, labels)]
    return len(names), pearson(*ranks)


def ratio(centre: float | None, spread: float | None) -> float | None:
    return None if centre is None or spread is None or spread < TINY else centre / spread


def newey_west(z: list[float], lags: int) -> float | None:
    count = len(z)
    if count == 0:
        return None
    centre = math.fsum(z) / count

    def g(lag: int) -> float:
        return math.fsum((z[t] - centre) * (z[t - lag] - centre) for t in range(lag, count)) / count

    s = g(0) + 2 * math.fsum((1 - lag / (lags + 1)) * g(lag) for lag in range(1, lags + 1))
    return centre / math.sqrt(s / count) if s > 1e-24 else None


def stats(values: list[float | None], lags: int) -> dict[str, Any]:
    """8.5 over the dates with a value."""
    z = [value for value in values if value is not None]
    centre, spread = mean(z), std(z)
    if spread is not None and spread < TINY:
        spread = 0.0
    information = ratio(centre, spread)
    return {
        "mean": centre,
        "std": spread,
        "ir": information,
        "positive": len([value for value in z if value > TINY]) / len(z) if z else None,
        "t": None if information is None else information * math.sqrt(len(z)),
        "nw_t": newey_west(z, lags),
        "count": len(z),
    }


def quintiles(values: Values, labels: Values) -> dict[int, list[str]]:
    """Names of each quintile: by value, ties by code, position p of n in floor(5 p / n) + 1."""
    names = [name for name in sorted(values) if name in labels]
    compared = dict(zip(names, on_paper([values[name] for name in names]), strict=True))
    order = sorted(names, key=lambda name: (compared[name], name))
    return {q: [name for p, name in enumerate(order) if p * 5 // len(order) + 1 == q] for q in QUINTILES}


class FactorTest:
    """One factor's values and labels at the grid dates, looked at as published."""

    def __init__(self, settings: dict[str, Any], values: list[Values], labels: list[Values]) -> None:
        self.settings = settings
        self.ics = [rank_ic(v, label, settings["min_names"]) for v, label in zip(values, labels, strict=True)]
        self.counted = [place for place, (n, _) in enumerate(self.ics) if n >= settings["min_names"]]
        self.groups = {place: quintiles(values[place], labels[place]) for place in self.counted}
        self.returns = {
            place: {q: mean([labels[place][name] for name in sorted(names)]) for q, names in groups.items()}
            for place, groups in self.groups.items()
        }
        self.everybody = {
            place: mean([labels[place][name] for name in sorted(labels[place]) if name in values[place]])
            for place in self.counted
        }

    def over_dates(self, q: int, excess: bool) -> list[float]:
        """Return, or excess, of a quintile on the counted dates where it has one."""
        found = []
        for place in self.counted:
            value = self.returns[place][q]
            if value is not None:
                found.append(value - self.everybody[place] if excess else value)
        return found

    def annual(self, q: int) -> float | None:
        months = self.over_dates(q, excess=False)
        if self.settings["grid"] != "monthly" or not months:
            return None
        return math.prod(1 + value for value in months) ** (12 / len(months)) - 1

    def top_turnover(self) -> float | None:
        shares = []
        for before, now in pairwise(self.counted):
            old, new = self.groups[before][5], self.groups[now][5]
            if old and new:
                shares.append(len([name for name in new if name not in old]) / len(new))
        return mean(shares)

    def figures(self) -> dict[str, Any]:
        layer_mean = [mean(self.over_dates(q, excess=False)) for q in QUINTILES]
        both = [row for row in self.returns.values() if row[5] is not None and row[1] is not None]
        spread = stats([row[5] - row[1] for row in both], 0)
        there = {str(q): value for q, value in zip(QUINTILES, layer_mean, strict=True) if value is not None}
        return {
            "dates": len(self.ics),
            "counted": len(self.counted),
            "rank_ic": stats([ic for _, ic in self.ics], self.settings["nw_lags"]),
            "quintile_mean": layer_mean,
            "quintile_excess_mean": [mean(self.over_dates(q, excess=True)) for q in QUINTILES],
            "quintile_annual": [self.annual(q) for q in QUINTILES],
            "long_short": {key: spread[key] for key in ("mean", "std", "t", "count")},
            "monotonicity": rank_ic({name: float(name) for name in there}, there, 1)[1],
            "top_turnover": self.top_turnover(),
        }
