"""Statistics of a series against statsmodels, scipy and hand-worked values."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from fusion_factor.evaluation.layers import parts, yearly_rate
from fusion_factor.evaluation.statistics import default_lags, monotonicity, newey_west_t, series_statistics


@pytest.mark.parametrize("lags", [0, 1, 4, 30])
@pytest.mark.parametrize("count", [2, 5, 80])
def test_newey_west_agrees_with_statsmodels(count: int, lags: int) -> None:
    values = np.random.default_rng(count + lags).normal(0.05, 0.1, count).cumsum()
    fit = sm.OLS(values, np.ones(count)).fit(
        cov_type="HAC", cov_kwds={"maxlags": min(lags, count - 1), "use_correction": False}, use_t=False
    )
    if lags < count:
        assert newey_west_t(values, lags) == pytest.approx(fit.tvalues[0], rel=1e-9)


def test_more_lags_than_dates_by_hand() -> None:
    # Away from the mean: -1, 0, 1; g0 = 2/3, g1 = 0, g2 = -1/3; weights of 5 lags 5/6, 4/6.
    variance = 2 / 3 + 2 * (4 / 6) * (-1 / 3)
    assert newey_west_t(np.array([1.0, 2.0, 3.0]), 5) == pytest.approx(2 / math.sqrt(variance / 3))


def test_series_by_hand() -> None:
    got = series_statistics(np.array([0.1, np.nan, 0.3, -0.1, 1e-13]), 0)
    values = [0.1, 0.3, -0.1, 1e-13]
    assert got["count"] == 4
    assert got["positive"] == 0.5
    assert got["mean"] == pytest.approx(np.mean(values))
    assert got["std"] == pytest.approx(np.std(values, ddof=1))
    assert got["t"] == pytest.approx(stats.ttest_1samp(values, 0).statistic)
    assert got["ir"] == pytest.approx(got["t"] / 2)


def test_missing_figures_of_short_and_constant_series() -> None:
    none = series_statistics(np.array([np.nan]), 3)
    assert none == dict.fromkeys(["mean", "std", "ir", "positive", "t", "nw_t"]) | {"count": 0}
    one = series_statistics(np.array([0.2]), 3)
    assert (one["mean"], one["std"], one["ir"], one["nw_t"], one["positive"]) == (0.2, None, None, None, 1.0)
    constant = series_statistics(np.array([0.1 + 0.2, 0.3, 0.3]), 1)
    assert (constant["std"], constant["ir"], constant["t"], constant["nw_t"]) == (0.0, None, None, None)


@pytest.mark.parametrize(
    ("horizon", "gap", "lags"),
    [(5, 5.0, 0), (5, 4.5, 1), (5, 1.0, 4), (9, 4.5, 1), (10, 4.5, 2), (1, 5.0, 0), ("next", 1.0, 0), (5, math.inf, 0)],
)
def test_default_lags(horizon: int | str, gap: float, lags: int) -> None:
    assert default_lags(horizon, gap) == lags


def test_monotonicity_is_spearman_over_the_layers_that_have_a_mean() -> None:
    means = np.array([0.1, np.nan, 0.3, 0.2, 0.3])
    wanted = stats.spearmanr([1, 3, 4, 5], [0.1, 0.3, 0.2, 0.3]).statistic
    assert monotonicity(means) == pytest.approx(wanted, abs=1e-12)
    assert math.isnan(monotonicity(np.array([0.3, 0.1 + 0.2])))
    assert math.isnan(monotonicity(np.array([0.3])))


def test_parts_by_hand_with_ties_in_symbol_order() -> None:
    values_dn = np.array([[2.0, 1.0, np.nan, 2.0, 0.0], [np.nan] * 5])
    np.testing.assert_array_equal(parts(values_dn, 2), [[1, 0, -1, 1, 0], [-1] * 5])
    # Five names in three layers: floor(3 p / 5) = 0 0 1 1 2.
    np.testing.assert_array_equal(parts(np.array([[5.0, 4.0, 3.0, 2.0, 1.0]]), 3), [[2, 1, 1, 0, 0]])
    # One name in ten layers is in the first, the others are empty.
    np.testing.assert_array_equal(parts(np.array([[7.0]]), 10), [[0]])


def test_yearly_rate_counts_only_the_sessions_held() -> None:
    returns = np.array([0.1, np.nan, 0.2])
    assert yearly_rate(returns, np.array([5, 100, 5]), 252) == pytest.approx((1.1 * 1.2) ** (252 / 10) - 1)
    assert math.isnan(yearly_rate(np.array([np.nan]), np.array([5]), 252))
