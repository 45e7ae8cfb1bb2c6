"""10.1 and 10.2: momentum, its acceleration and crowding of industry price paths."""

import math
from fractions import Fraction
from typing import Any

from .metrics import std
from .paper import on_paper

DAYS = 20  # 10.2: what a component of crowding looks at
TINY = 1e-12

Values = dict[str, float]


def polynomial(x: list[float], degree: int) -> list[Fraction]:
    """Coefficients b0, b1, ... of the least-squares polynomial through x over j = 0, 1, ...; exact arithmetic."""
    size = degree + 1
    points = range(len(x))
    exact = [Fraction(value) for value in x]
    rows = [[Fraction(sum(j ** (a + b) for j in points)) for b in range(size)] for a in range(size)]
    for a in range(size):  # normal equations with their right side
        rows[a].append(sum((exact[j] * j**a for j in points), Fraction(0)))
    for a in range(size):  # Gauss and Jordan; the matrix is positive definite, no pivot is 0
        rows[a] = [value / rows[a][a] for value in rows[a]]
        for b in range(size):
            if b != a:
                rows[b] = [u - rows[b][a] * v for u, v in zip(rows[b], rows[a], strict=True)]
    return [row[size] for row in rows]


def second_derivative(coefficients: list[Fraction], j: int) -> float:
    return float(sum(k * (k - 1) * b * Fraction(j) ** (k - 2) for k, b in enumerate(coefficients) if k >= 2))


def slope(x: list[float]) -> float:
    """Least-squares slope a session."""
    return float(polynomial(x, 1)[1])


class Paths:
    """Valid closes and amounts of the industries, closes of the benchmark, looked at from a session."""

    def __init__(
        self, settings: dict[str, Any], sessions: list[str], pool: list[str], closes: dict[str, Values],
        amounts: dict[str, Values], benchmark: Values,
    ) -> None:  # fmt: skip
        self.settings, self.sessions, self.pool = settings, sessions, pool
        self.closes, self.amounts, self.benchmark = closes, amounts, benchmark
        self.seen: dict[tuple[str, str, int], float | None] = {}

    def window(self, of: Values, last: int, count: int) -> list[float] | None:
        """Values at `count` sessions up to number `last`; None with a hole, or where `sessions` begins too late."""
        if last - count + 1 < 0:
            return None
        days = self.sessions[last - count + 1 : last + 1]
        return [of[day] for day in days] if all(day in of for day in days) else None

    def excess(self, industry: str, t: int, count: int) -> list[float] | None:
        """10.1: the excess curve over a window of `count` sessions."""
        own = self.window(self.closes.get(industry, {}), t, count)
        market = self.window(self.benchmark, t, count)
        if own is None or market is None:
            return None
        if self.settings["curve"] == "ln":
            return [math.log(i / own[0]) - math.log(m / market[0]) for i, m in zip(own, market, strict=True)]
        return [(i / own[0]) / (m / market[0]) for i, m in zip(own, market, strict=True)]

    def momentum(self, industry: str, t: int) -> float | None:
        x = self.excess(industry, t, self.settings["window"] + 1)
        return None if x is None else x[-1] - x[0]

    def momentum_acceleration(self, industry: str, t: int) -> float | None:
        w, method = self.settings["window"], self.settings["method"]
        count = {"difference": 2 * w + 1, "quadratic": w, "slope_difference": 2 * w, "savgol": w}[method]
        x = self.excess(industry, t, count)
        if x is None:
            return None
        if method == "difference":
            return (x[2 * w] - 2 * x[w] + x[0]) / w**2
        if method == "quadratic":
            return float(2 * polynomial(x, 2)[2])
        if method == "slope_difference":
            return (slope(x[w:]) - slope(x[:w])) / w
        return second_derivative(polynomial(x, self.settings["degree"]), w - 1)

    # --- 10.2 ---

    def share(self, industry: str, t: int) -> float | None:
        """(a) Mean amount share of the last 20 sessions."""
        shares = []
        for day in self.sessions[max(0, t - DAYS + 1) : t + 1]:
            total = math.fsum(self.amounts[name][day] for name in self.pool if day in self.amounts.get(name, {}))
            own = self.amounts.get(industry, {}).get(day)
            if own is None or total == 0:  # with a total of 0 nobody has a share
                return None
            shares.append(own / total)
        return math.fsum(shares) / DAYS if len(shares) == DAYS else None

    def volatility(self, industry: str, t: int) -> float | None:
        """(b) Std of the last 20 session returns; below 1e-12 it counts as zero (section 7)."""
        closes = self.window(self.closes.get(industry, {}), t, DAYS + 1)
        if closes is None:
            return None
        spread = std([closes[j] / closes[j - 1] - 1 for j in range(1, DAYS + 1)])
        return 0.0 if spread is None or spread < TINY else spread

    def price_amount(self, industry: str, t: int) -> float | None:
        """(c) Pearson correlation of close and amount over the last 20 sessions; none when either is constant."""
        closes = self.window(self.closes.get(industry, {}), t, DAYS)
        amounts = self.window(self.amounts.get(industry, {}), t, DAYS)
        return None if closes is None or amounts is None else pearson(closes, amounts)

    def component(self, which: str, industry: str, t: int) -> float | None:
        key = (which, industry, t)
        if key not in self.seen:
            self.seen[key] = getattr(self, which)(industry, t)
        return self.seen[key]

    def percentile(self, which: str, industry: str, t: int) -> float | None:
        """Percentile rank of a component among its own values at the last q sessions."""
        if self.component(which, industry, t) is None:
            return None
        first = max(0, t - self.settings["crowding_lookback"] + 1)
        found = [self.component(which, industry, j) for j in range(first, t + 1)]
        values = on_paper([value for value in found if value is not None])
        if len(values) < self.settings["min_crowding"]:
            return None
        smaller = sum(1 for value in values if value < values[-1])
        equal = sum(1 for value in values if value == values[-1])
        return (smaller + 0.5 * equal) / len(values)

    def crowding(self, industry: str, t: int) -> float | None:
        """Mean of the available percentile ranks."""
        ranks = [self.percentile(which, industry, t) for which in ("share", "volatility", "price_amount")]
        there = [rank for rank in ranks if rank is not None]
        return math.fsum(there) / len(there) if there else None


def pearson(a: list[float], b: list[float]) -> float | None:
    """Pearson correlation; none where a side is all equal (as compared in section 12)."""
    if len(set(on_paper(a))) < 2 or len(set(on_paper(b))) < 2:
        return None
    mean_a, mean_b = math.fsum(a) / len(a), math.fsum(b) / len(b)
    cross = math.fsum((u - mean_a) * (v - mean_b) for u, v in zip(a, b, strict=True))
    square_a = math.fsum((u - mean_a) ** 2 for u in a)
    square_b = math.fsum((v - mean_b) ** 2 for v in b)
    return cross / math.sqrt(square_a) / math.sqrt(square_b)


def z_of(values: Values) -> Values:
    """z() of 10.2: over the industries with a value, ddof 0; all 0 when all are equal."""
    if len(set(on_paper(list(values.values())))) <= 1:
        return dict.fromkeys(values, 0.0)
    mean = math.fsum(values.values()) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values.values()) / len(values))
    return {name: (value - mean) / spread for name, value in values.items()}


def rest_of_line(values: Values, against: Values) -> Values:
    """Least-squares residual of values on (1, against), rounded as in 8.3; exact arithmetic."""
    names = [name for name in sorted(values) if name in against]
    m = max((abs(values[name]) for name in names), default=0.0)
    if m == 0:
        return dict.fromkeys(names, 0.0)
    y = [Fraction(values[name]) for name in names]
    x = [Fraction(against[name]) for name in names]
    if len(set(on_paper([against[name] for name in names]))) <= 1:
        x = [Fraction(0) for _ in names]  # a constant says nothing beside the intercept
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    square = sum((u - mean_x) ** 2 for u in x)
    gradient = sum((u - mean_x) * (v - mean_y) for u, v in zip(x, y, strict=True)) / square if square else Fraction(0)
    rest = [v - mean_y - gradient * (u - mean_x) for u, v in zip(x, y, strict=True)]
    return {name: round(float(value) / m, 12) * m for name, value in zip(names, rest, strict=True)}


def without_crowded(settings: dict[str, Any], values: Values, crowding: Values) -> Values:
    """`exclude_crowding`: the values of one momentum factor at one date, changed."""
    how = settings["exclude_crowding"]
    crowded = {name for name, value in crowding.items() if value > settings["crowding_limit"] + TINY}
    if how == "drop":
        return {name: value for name, value in values.items() if name not in crowded}
    if how == "zero":
        return {name: 0.0 if name in crowded else value for name, value in z_of(values).items()}
    if how == "penalise":
        heat = z_of(crowding)
        return {name: z - settings["penalty"] * heat[name] for name, z in z_of(values).items() if name in heat}
    return rest_of_line(values, crowding)
