"""Figures of NAV paths by hand, at the edges, and against statistics written out."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.backtest import metrics, years
from fusion_factor.backtest.metrics import NavPath, figures, win_rate
from fusion_factor.core.errors import ConfigError, DataError


def nav_table(values: list[float], benchmark: list[float] | float = 1.0, start: str = "2024-01-01") -> pd.DataFrame:
    days = pd.bdate_range(start, periods=len(values))
    return pd.DataFrame({"date": days, "nav": values, "benchmark": benchmark})


def test_drawdown_dates() -> None:
    # two equal peaks before the fall: the latest counts; two equal troughs: the earliest; back at the peak on the 9th
    found = metrics(nav_table([1.0, 2.0, 2.0, 1.5, 1.0, 1.0, 2.0, 3.0]))
    dates = [found[f"drawdown_{what}"] for what in ("peak", "trough", "recovery")]
    assert dates == ["2024-01-03", "2024-01-05", "2024-01-09"]
    assert found["max_drawdown"] == 0.5
    assert metrics(nav_table([1.0, 2.0, 1.0]))["drawdown_recovery"] is None


def test_a_path_that_never_falls_has_no_drawdown_and_no_ratio() -> None:
    found = metrics(nav_table([1.0, 1.0, 1.0]))
    assert found["max_drawdown"] == 0.0
    names = ["drawdown_peak", "drawdown_trough", "drawdown_recovery", "calmar", "sharpe", "sharpe_mean"]
    assert [found[name] for name in names] == [None] * 6
    assert found["annual_volatility"] == found["total_return"] == 0.0


def test_one_row_has_no_figures_and_two_have_no_deviation() -> None:
    found = metrics(nav_table([1.5]))
    assert (found["sessions"], found["base"], found["end"]) == (0, "2024-01-01", "2024-01-01")
    assert set(found.values()) == {0, "2024-01-01", None}
    found = metrics(nav_table([1.0, 2.0]))
    assert found["annual_volatility"] is found["sharpe"] is found["excess_volatility"] is None
    assert found["total_return"] == 1.0


def test_this_year_so_far() -> None:
    table = nav_table([1.0, 2.0, 3.0, 4.5], [1.0, 1.0, 2.0, 2.0], start="2023-12-28")
    found = metrics(table)
    # against the 29th of December: 4.5 / 2, and relative 2.25 / 2
    assert found["ytd_return"] == 1.25
    assert found["ytd_excess"] == 0.125
    within = metrics(nav_table([1.0, 2.0, 3.0]))
    assert within["ytd_return"] == within["total_return"] == 2.0


def test_years() -> None:
    table = nav_table([2.0, 4.0, 3.0, 6.0], [1.0, 1.0, 1.0, 2.0], start="2023-12-28")
    found = years(table).to_dict("list")
    assert found["year"] == [2023, 2024]
    assert found["return"] == [1.0, 0.5]
    assert found["benchmark"] == [0.0, 1.0]
    assert found["excess"] == [1.0, -0.25]
    assert found["max_drawdown"] == [0.0, 0.25]
    assert found["excess_max_drawdown"] == [0.0, 0.25]


def test_a_year_that_holds_the_base_alone_is_not_listed() -> None:
    assert years(nav_table([1.0, 2.0], start="2023-12-29"))["year"].tolist() == [2024]
    assert years(nav_table([1.0])).empty


def test_where_the_benchmark_is_lost_excess_is_missing() -> None:
    days = np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]")
    path = NavPath(days, np.array([1, 1.1, 1.2, 1.3, 1.4]), np.array([1.0, 0.5, 0.25, 0.0, 0.0]))
    found = figures(path)
    assert found["total_excess"] is found["annual_excess"] is found["ytd_excess"] is found["excess_sharpe"] is None
    assert found["excess_volatility"] == pytest.approx(abs(1.1 / 0.5 - 1.2 / 1.1 / 0.5) / math.sqrt(2) * math.sqrt(252))
    assert found["excess_max_drawdown"] == 0.0


def test_after_a_loss_of_everything_returns_are_zero() -> None:
    days = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]")
    found = figures(NavPath(days, np.array([1.0, 0.5, 0.0, 0.0]), np.ones(4)))
    assert found["annual_return"] == -1.0
    assert found["max_drawdown"] == 1.0
    assert found["annual_volatility"] == pytest.approx(np.std([-0.5, -1.0, 0.0], ddof=1) * math.sqrt(252))


def test_win_rate_by_hand() -> None:
    relative = np.array([1.0, 1.1, 1.0, 1.2, 1.2, 1.3])
    # open: periods 0-2, 2-4, 4-5; close: 1-3, 3-5, and the last at 5 has no session
    assert win_rate(relative, np.array([1, 3, 5]), "open") == 2 / 3
    assert win_rate(relative, np.array([1, 3, 5]), "close") == 1.0
    assert win_rate(relative, np.array([], int), "open") is None
    assert win_rate(relative, np.array([5]), "close") is None
    assert win_rate(np.array([1.0, 1.0 + 1e-13]), np.array([1]), "open") == 0.0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=3, max_size=40), st.floats(0.1, 10.0))
def test_figures_are_those_of_the_definitions_and_do_not_know_the_scale(
    path: list[tuple[float, float]], scale: float
) -> None:
    nav, benchmark = ([pair[side] for pair in path] for side in (0, 1))
    found = metrics(nav_table(nav, benchmark), 244)
    returns = [b / a - 1 for a, b in pairwise(nav)]
    assert found["total_return"] == pytest.approx(nav[-1] / nav[0] - 1, abs=1e-12)
    assert found["annual_return"] == pytest.approx((nav[-1] / nav[0]) ** (244 / len(returns)) - 1, rel=1e-9)
    std = float(np.std(returns, ddof=1))
    if std > 1e-9:
        assert found["annual_volatility"] == pytest.approx(std * math.sqrt(244), rel=1e-9)
        assert found["sharpe_mean"] == pytest.approx(np.mean(returns) / std * math.sqrt(244), rel=1e-9, abs=1e-12)
    depth = max(1 - nav[d] / max(nav[: d + 1]) for d in range(len(nav)))
    assert found["max_drawdown"] == pytest.approx(depth, abs=1e-11)
    scaled = metrics(nav_table([value * scale for value in nav], benchmark), 244)
    assert scaled["annual_excess"] == pytest.approx(found["annual_excess"], rel=1e-7)


@pytest.mark.parametrize("annual_sessions", [0, -1, 252.0, True, "252"])
def test_sessions_of_a_year_are_a_count(annual_sessions: object) -> None:
    with pytest.raises(ConfigError, match="annual_sessions"):
        metrics(nav_table([1.0, 1.1]), annual_sessions)


def test_bad_values_are_refused() -> None:
    with pytest.raises(DataError, match="nav: date 2024-01-02: benchmark"):
        metrics(nav_table([1.0, 1.1], [1.0, 0.0]))
