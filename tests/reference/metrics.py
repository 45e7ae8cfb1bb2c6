"""Section 7: metrics of a NAV path and its benchmark. A missing figure is None."""

import math
from itertools import pairwise
from typing import Any

TINY = 1e-12


def std(values: list[float]) -> float | None:
    """Standard deviation with ddof 1; None for fewer than 2 values."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def ratio(top: float | None, bottom: float | None) -> float | None:
    if top is None or bottom is None or bottom == 0:
        return None
    return top / bottom


def returns(path: list[float]) -> list[float]:
    """A session return after a NAV of 0 is 0."""
    return [now / before - 1 if before != 0 else 0.0 for before, now in pairwise(path)]


def annual(last: float, n: int, sessions_a_year: int) -> float:
    return last ** (sessions_a_year / n) - 1 if last > 0 else -1.0


def drawdown(dates: list[str], path: list[float]) -> tuple[float, str | None, str | None, str | None]:
    """Return (max_drawdown, peak, trough, recovery)."""
    deepest, trough, running, top = -1.0, 0, path[0], path[0]
    for position, value in enumerate(path):
        running = max(running, value)
        depth = 1 - value / running if running > 0 else 0.0
        if depth > deepest:  # the earliest trough stays
            deepest, trough, top = depth, position, running
    if deepest < TINY:
        return deepest, None, None, None
    peak = max(position for position in range(trough + 1) if path[position] == top)
    recovery = next((dates[p] for p in range(trough + 1, len(path)) if path[p] >= top), None)
    return deepest, dates[peak], dates[trough], recovery


def volatility(values: list[float], sessions_a_year: int) -> tuple[float | None, float | None]:
    """Return (the annual figure, the same as a denominator: None where the std counts as zero)."""
    spread = std(values)
    if spread is None:
        return None, None
    figure = spread * math.sqrt(sessions_a_year)
    return figure, figure if spread >= TINY else None


def since_year_began(dates: list[str], path: list[float | None]) -> float | None:
    """Last value against the last one in an earlier calendar year, or the base."""
    earlier = [position for position, day in enumerate(dates) if day[:4] < dates[-1][:4]]
    begin = path[earlier[-1]] if earlier else path[0]
    last = path[-1]
    if begin is None or last is None or begin == 0:
        return None
    return last / begin - 1


def relative_path(nav: list[float], benchmark: list[float]) -> list[float | None]:
    return [own / other if other != 0 else None for own, other in zip(nav, benchmark, strict=True)]


def excess_returns(nav: list[float], benchmark: list[float]) -> list[float]:
    """e(d) = (1 + r) / (1 + b) - 1, without the sessions where the benchmark NAV is 0."""
    result = []
    for r, b, level in zip(returns(nav), returns(benchmark), benchmark[1:], strict=True):
        if level != 0:
            result.append((1 + r) / (1 + b) - 1)
    return result


NAMES = (
    "annual_return", "total_return", "annual_volatility", "sharpe", "sharpe_mean", "max_drawdown", "drawdown_peak",
    "drawdown_trough", "drawdown_recovery", "calmar", "annual_excess", "excess_volatility", "excess_sharpe",
    "excess_max_drawdown", "total_excess", "ytd_return", "ytd_excess",
)  # fmt: skip


def path_metrics(dates: list[str], nav: list[float], benchmark: list[float], sessions_a_year: int) -> dict[str, Any]:
    """The figures of kind `metrics`; `nav` and `benchmark` need not start at 1."""
    result: dict[str, Any] = {"sessions": len(dates) - 1, "base": dates[0], "end": dates[-1]}
    result |= dict.fromkeys(NAMES)
    n = len(dates) - 1
    if n == 0:
        return result
    path = [value / nav[0] for value in nav]
    other = [value / benchmark[0] for value in benchmark]
    r = returns(path)
    result["annual_return"] = annual(path[-1], n, sessions_a_year)
    result["total_return"] = path[-1] - 1
    result["annual_volatility"], below = volatility(r, sessions_a_year)
    result["sharpe"] = ratio(result["annual_return"], below)
    spread = std(r)
    if spread is not None and spread >= TINY:
        result["sharpe_mean"] = math.fsum(r) / n / spread * math.sqrt(sessions_a_year)
    depth, peak, trough, recovery = drawdown(dates, path)
    result |= {"max_drawdown": depth, "drawdown_peak": peak, "drawdown_trough": trough, "drawdown_recovery": recovery}
    result["calmar"] = ratio(result["annual_return"], depth if depth >= TINY else None)
    relative = relative_path(path, other)
    result["excess_volatility"], below = volatility(excess_returns(path, other), sessions_a_year)
    there = [(day, value) for day, value in zip(dates, relative, strict=True) if value is not None]
    result["excess_max_drawdown"] = drawdown([day for day, _ in there], [value for _, value in there])[0]
    if relative[-1] is not None:
        result["annual_excess"] = annual(relative[-1], n, sessions_a_year)
        result["total_excess"] = relative[-1] - 1
        result["excess_sharpe"] = ratio(result["annual_excess"], below)
    result["ytd_return"] = since_year_began(dates, list(path))
    result["ytd_excess"] = since_year_began(dates, relative)
    return result


def by_year(dates: list[str], nav: list[float], benchmark: list[float]) -> list[dict[str, Any]]:
    """Each calendar year with a session after the base, starting at the last close before the year, or the base."""
    rows = []
    for year in sorted({day[:4] for day in dates[1:]}):
        inside = [position for position, day in enumerate(dates) if day[:4] == year]
        before = [position for position, day in enumerate(dates) if day[:4] < year]
        first = before[-1] if before else 0
        span = slice(first, inside[-1] + 1)
        own, other = nav[span], benchmark[span]
        relative = relative_path(own, other)
        base = relative[0]
        rows.append(
            {
                "year": int(year),
                "return": own[-1] / own[0] - 1,
                "benchmark": other[-1] / other[0] - 1,
                "excess": relative[-1] / base - 1,
                "max_drawdown": drawdown(dates[span], own)[0],
                "excess_max_drawdown": drawdown(dates[span], relative)[0],
            }
        )
    return rows


def holding_periods(dates: list[str], executions: list[str], execute: str) -> list[tuple[int, int]]:
    """Positions (from, to) in the NAV path of the periods that `win_rate` counts."""
    at = [dates.index(day) for day in executions]
    shift = 1 if execute == "open" else 0
    edges = [position - shift for position in at] + [len(dates) - 1]
    return [(begin, stop) for begin, stop in pairwise(edges) if stop > begin]


def win_rate(dates: list[str], relative: list[float | None], executions: list[str], execute: str) -> float | None:
    """The share of holding periods in which relative NAV rises by more than 1e-12."""
    rises = []
    for begin, stop in holding_periods(dates, executions, execute):
        before, after = relative[begin], relative[stop]
        if before is not None and after is not None:
            rises.append(after - before > TINY)
    return sum(rises) / len(rises) if rises else None
