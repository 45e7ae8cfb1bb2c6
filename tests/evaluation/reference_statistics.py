"""Section 12, 8.5 and least squares for the slow reference: plain loops, exact fractions where rounding matters."""

import math
from fractions import Fraction
from typing import Any

Values = dict[str, float]


# --- section 12 and plain statistics ---


def noted(values: Values) -> Values:
    """Values as they are compared."""
    m = max((abs(v) for v in values.values()), default=0.0)
    return {name: (round(v / m, 12) if m > 0 else 0.0) for name, v in values.items()}


def mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def std(values: list[float]) -> float | None:
    if len(values) < 2:
        return None
    centre = mean(values)
    return math.sqrt(math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1))


def over(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None or abs(denominator) < 1e-12:
        return None
    return numerator / denominator


def average_ranks(values: Values) -> Values:
    compared = noted(values)
    ranks = {}
    for name, v in compared.items():
        below = sum(1 for other in compared.values() if other < v)
        equal = sum(1 for other in compared.values() if other == v)
        ranks[name] = below + (equal + 1) / 2
    return ranks


def correlation(a: Values, b: Values) -> float | None:
    """Pearson over the same names; none where a side is all equal."""
    if len(set(noted(a).values())) < 2 or len(set(noted(b).values())) < 2:
        return None
    mean_a, mean_b = mean(list(a.values())), mean(list(b.values()))
    cross = math.fsum((a[name] - mean_a) * (b[name] - mean_b) for name in a)
    square_a = math.fsum((v - mean_a) ** 2 for v in a.values())
    square_b = math.fsum((v - mean_b) ** 2 for v in b.values())
    return cross / math.sqrt(square_a * square_b)


def both(a: Values, b: Values) -> tuple[Values, Values]:
    names = [name for name in sorted(a) if name in b]
    return {name: a[name] for name in names}, {name: b[name] for name in names}


def rank_correlation(a: Values, b: Values) -> float | None:
    a, b = both(a, b)
    return correlation(average_ranks(a), average_ranks(b))


# --- 8.5 ---


def series(values: list[float | None], lags: int) -> dict[str, Any]:
    z = [v for v in values if v is not None]
    centre, spread, count = mean(z), std(z), len(z)
    if spread is not None and spread < 1e-12:
        spread = 0.0
    ratio = over(centre, spread)
    return {
        "mean": centre,
        "std": spread,
        "ir": ratio,
        "positive": sum(1 for v in z if v > 1e-12) / count if count else None,
        "t": None if ratio is None else ratio * math.sqrt(count),
        "nw_t": newey_west(z, lags),
        "count": count,
    }


def newey_west(z: list[float], lags: int) -> float | None:
    count = len(z)
    if count == 0:
        return None
    centre = mean(z)

    def g(lag: int) -> float:
        return math.fsum((z[t] - centre) * (z[t - lag] - centre) for t in range(lag, count)) / count

    total = g(0) + 2 * math.fsum((1 - lag / (lags + 1)) * g(lag) for lag in range(1, lags + 1))
    if total <= 1e-24:
        return None
    return centre / math.sqrt(total / count)


def difference(values: list[float]) -> dict[str, Any]:
    full = series(list(values), 0)
    return {key: full[key] for key in ("mean", "std", "t", "count")}


# --- 8.3 ---


def least_squares_rest(columns: list[list[float]], y: list[float]) -> list[Fraction]:
    """Residual in exact arithmetic: take each column, made orthogonal to those before, out of y."""

    def dot(a: list[Fraction], b: list[Fraction]) -> Fraction:
        return sum((u * v for u, v in zip(a, b, strict=True)), Fraction(0))

    def without(a: list[Fraction], direction: list[Fraction]) -> list[Fraction]:
        share = dot(a, direction) / dot(direction, direction)
        return [u - share * v for u, v in zip(a, direction, strict=True)]

    rest, basis = [Fraction(v) for v in y], []
    for column in columns:
        direction = [Fraction(v) for v in column]
        for earlier in basis:
            direction = without(direction, earlier)
        if any(direction):  # nothing is left of a column that depends on earlier ones
            basis.append(direction)
            rest = without(rest, direction)
    return rest
