"""Figures of a NAV path and its benchmark, for the whole and by calendar year (SEMANTICS 7).

Legend: d session from the base (0) to the end. Missing figures are None; a relative NAV is NaN where the
benchmark's is 0.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.tables import check_table, table_sessions

__all__ = ["NavPath", "activity", "figures", "metrics", "win_rate", "years"]

_ZERO = 1e-12  # a standard deviation or a drawdown below it counts as zero


class NavPath(NamedTuple):
    """Sessions and the two NAV paths, each 1 at the base."""

    sessions: np.ndarray
    nav_d: np.ndarray
    benchmark_d: np.ndarray

    @property
    def relative_d(self) -> np.ndarray:
        """NAV / benchmark NAV; NaN where the benchmark's is 0."""
        return _ratio(self.nav_d, self.benchmark_d)

    @property
    def returns(self) -> np.ndarray:
        """Session returns NAV(d) / NAV(d-1) - 1 [D - 1]; 0 after a NAV of 0."""
        return session_returns(self.nav_d)

    @property
    def excess(self) -> np.ndarray:
        """(1 + r) / (1 + b) - 1 of the sessions after the base where the benchmark's NAV is not 0."""
        market = session_returns(self.benchmark_d)
        there = self.benchmark_d[1:] != 0
        return (1.0 + self.returns[there]) / (1.0 + market[there]) - 1.0

    @classmethod
    def of(cls, nav: pd.DataFrame) -> "NavPath":
        """From a table `nav` (date, nav, benchmark), divided by its first row."""
        checked = check_table("nav", nav)
        value_d, benchmark_d = checked["nav"].to_numpy(), checked["benchmark"].to_numpy()
        return cls(table_sessions(checked), value_d / value_d[0], benchmark_d / benchmark_d[0])


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b != 0)


def session_returns(nav_d: np.ndarray) -> np.ndarray:
    """NAV(d) / NAV(d-1) - 1 [D - 1]; 0 after a NAV of 0."""
    return np.divide(nav_d[1:], nav_d[:-1], out=np.ones(len(nav_d) - 1), where=nav_d[:-1] != 0) - 1.0


def _quotient(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else _known(a / b)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _annual(end_value: float, n: int, annual_sessions: int) -> float | None:
    if np.isnan(end_value):
        return None
    if end_value <= 0:
        return -1.0
    with np.errstate(over="ignore"):
        return _known(np.float64(end_value) ** (annual_sessions / n) - 1.0)


def _std(returns: np.ndarray) -> float | None:
    if len(returns) < 2:
        return None
    std = float(np.std(returns, ddof=1))
    return 0.0 if std < _ZERO else std


def _drawdowns(path_d: np.ndarray) -> np.ndarray:
    return 1.0 - path_d / np.maximum.accumulate(path_d)


def _deepest(path_d: np.ndarray) -> float:
    """Largest fall from a running maximum, as a positive number; missing values are left out."""
    path_d = path_d[~np.isnan(path_d)]
    depth = float(_drawdowns(path_d).max()) if path_d.size else 0.0
    return 0.0 if depth < _ZERO else depth


def _drawdown(sessions: np.ndarray, nav_d: np.ndarray) -> dict[str, Any]:
    """Depth and dates: earliest deepest point, the latest peak before it, the first return to that peak."""
    depth_d = _drawdowns(nav_d)
    trough = int(depth_d.argmax())
    if depth_d[trough] < _ZERO:
        return dict(max_drawdown=0.0, drawdown_peak=None, drawdown_trough=None, drawdown_recovery=None)
    highest = nav_d[: trough + 1].max()
    peak = int(np.flatnonzero(nav_d[: trough + 1] == highest)[-1])
    recovered = np.flatnonzero(nav_d[trough:] >= highest)
    return dict(
        max_drawdown=float(depth_d[trough]),
        drawdown_peak=str(sessions[peak]),
        drawdown_trough=str(sessions[trough]),
        drawdown_recovery=str(sessions[trough + int(recovered[0])]) if recovered.size else None,
    )


_KEYS = (
    "annual_return",
    "total_return",
    "annual_volatility",
    "sharpe",
    "sharpe_mean",
    "max_drawdown",
    "drawdown_peak",
    "drawdown_trough",
    "drawdown_recovery",
    "calmar",
    "annual_excess",
    "excess_volatility",
    "excess_sharpe",
    "excess_max_drawdown",
    "total_excess",
    "ytd_return",
    "ytd_excess",
)


def figures(path: NavPath, annual_sessions: int = 252) -> dict[str, Any]:
    """All figures of SEMANTICS 7 that a NAV path and its benchmark give; None where missing."""
    sessions, nav_d, relative_d = path.sessions, path.nav_d, path.relative_d
    n = len(nav_d) - 1
    found: dict[str, Any] = dict(sessions=n, base=str(sessions[0]), end=str(sessions[-1]))
    found.update(dict.fromkeys(_KEYS))
    if n == 0:
        return found
    returns, excess = path.returns, path.excess
    std, excess_std = _std(returns), _std(excess)
    scale = math.sqrt(annual_sessions)
    found["annual_return"] = _annual(nav_d[-1], n, annual_sessions)
    found["total_return"] = float(nav_d[-1] - 1.0)
    found["annual_volatility"] = None if std is None else std * scale
    found["sharpe"] = _quotient(found["annual_return"], found["annual_volatility"])
    found["sharpe_mean"] = None if not std else float(returns.mean()) / std * scale
    found.update(_drawdown(sessions, nav_d))
    found["calmar"] = _quotient(found["annual_return"], found["max_drawdown"])
    found["annual_excess"] = _annual(relative_d[-1], n, annual_sessions)
    found["excess_volatility"] = None if excess_std is None else excess_std * scale
    found["excess_sharpe"] = _quotient(found["annual_excess"], found["excess_volatility"])
    found["excess_max_drawdown"] = _deepest(relative_d)
    found["total_excess"] = _known(relative_d[-1] - 1.0)
    before = _last_before_year(sessions)
    found["ytd_return"] = _known(_growth(nav_d, before))
    found["ytd_excess"] = _known(_growth(relative_d, before))
    return found


def _growth(path_d: np.ndarray, first: int, last: int = -1) -> float:
    start = path_d[first]
    return path_d[last] / start - 1.0 if start != 0 else np.nan


def _years_of(sessions: np.ndarray) -> np.ndarray:
    return sessions.astype("datetime64[Y]").astype(np.int64) + 1970


def _last_before_year(sessions: np.ndarray) -> int:
    """Last position in an earlier calendar year than the end's; the base if there is none."""
    year = _years_of(sessions)
    return max(int(np.searchsorted(year, year[-1])) - 1, 0)


def year_table(path: NavPath) -> pd.DataFrame:
    """Figures of each calendar year with a session after the base, from the last close before it (or the base)."""
    year_d, relative_d = _years_of(path.sessions), path.relative_d
    rows = []
    for year in np.unique(year_d[1:]):
        inside = np.flatnonzero(year_d == year)
        first, last = max(int(inside[0]) - 1, 0), int(inside[-1])
        stretch = slice(first, last + 1)
        rows.append(
            (
                int(year),
                _growth(path.nav_d, first, last),
                _growth(path.benchmark_d, first, last),
                _growth(relative_d, first, last),
                _deepest(path.nav_d[stretch]),
                _deepest(relative_d[stretch]),
            )
        )
    names = ["year", "return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown"]
    return pd.DataFrame(rows, columns=names).astype({"year": np.int64} | dict.fromkeys(names[1:], np.float64))


def win_rate(relative_d: np.ndarray, executed_d: np.ndarray, execute: str) -> float | None:
    """Share of holding periods in which the relative NAV rises by more than 1e-12.

    Args:
        relative_d: relative NAV [D]. executed_d: positions of execution sessions, with or without a trade.
        execute: `open`: periods run from the close before an execution; `close`: from the execution's close.
    """
    bounds = executed_d - 1 if execute == "open" else executed_d
    bounds = np.unique(np.r_[bounds, len(relative_d) - 1]) if len(bounds) else bounds
    rises = np.diff(relative_d[bounds])
    rises = rises[~np.isnan(rises)]
    return float((rises > _ZERO).mean()) if rises.size else None


def activity(buy: np.ndarray, sell: np.ndarray, cost: np.ndarray, n: int, annual_sessions: int) -> dict[str, Any]:
    """mean_turnover and annual_cost of the executions, those left undone with zeros."""
    return dict(
        mean_turnover=float(((buy + sell) / 2).mean()) if n and len(buy) else None,
        annual_cost=float(cost.sum()) * annual_sessions / n if n else None,
    )


def metrics(nav: pd.DataFrame, annual_sessions: int = 252) -> dict[str, Any]:
    """Figures of any NAV path against its benchmark (SEMANTICS 7).

    Args:
        nav: date, nav, benchmark; strictly increasing dates, positive values; the first row is the base.
        annual_sessions: sessions in a year.

    Returns:
        Figure name to value; fractions, None where missing, dates as text.

    Raises:
        DataError, ConfigError: naming table, date and value, or the parameter.

    >>> days = ["2024-01-02", "2024-01-03", "2024-01-04"]
    >>> found = metrics(pd.DataFrame({"date": days, "nav": [1.0, 1.1, 0.99], "benchmark": 1.0}))
    >>> round(found["total_return"], 12), round(found["max_drawdown"], 12), found["drawdown_trough"]
    (-0.01, 0.1, '2024-01-04')
    """
    return figures(NavPath.of(nav), checks.count()("annual_sessions", annual_sessions))


def years(nav: pd.DataFrame) -> pd.DataFrame:
    """By calendar year: return, benchmark, excess, max_drawdown, excess_max_drawdown; `nav` as for `metrics`.

    >>> days = ["2023-12-28", "2023-12-29", "2024-01-02"]
    >>> years(pd.DataFrame({"date": days, "nav": [1.0, 1.5, 3.0], "benchmark": 1.0}))[["year", "return"]]
       year  return
    0  2023     0.5
    1  2024     1.0
    """
    return year_table(NavPath.of(nav))
