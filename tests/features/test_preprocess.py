"""Preprocessing: against statsmodels' least squares by session and factor, and by its invariants."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from fake_market import FakeMarket, make_market

from fusion_factor.features.preprocess import Regressors, fill_with_median, latest_log_cap, regressors, standardise


def inputs(seed=0, t=4, n=60, f=3):
    rng = np.random.default_rng(seed)
    raw = rng.standard_t(2, (t, n, f))
    raw[rng.random(raw.shape) < 0.1] = np.nan
    groups = rng.integers(0, 5, (t, n)).astype(np.int32)
    cap = rng.normal(23, 1, (t, n))
    return raw, rng.random((t, n)) < 0.8, groups, cap


def slow(x, mask, groups, cap):
    """One session and factor: the four steps in their order."""
    x = np.where(mask, x, np.nan)
    middle = np.nanmedian(x)
    spread = 1.4826 * np.nanmedian(np.abs(x - middle))
    x = np.clip(x, middle - 3 * spread, middle + 3 * spread)
    known = np.isfinite(x)
    design = np.column_stack([pd.get_dummies(groups[known]).to_numpy(float), cap[known]])
    residual = np.full(len(x), np.nan)
    residual[known] = sm.OLS(x[known], design).fit().resid
    z = (residual - np.nanmean(residual)) / np.nanstd(residual)
    return np.nan_to_num(z, nan=0.0)


@pytest.mark.parametrize("seed", range(3))
def test_equals_least_squares_by_statsmodels(seed):
    raw, mask, groups, cap = inputs(seed)
    got = standardise(raw, mask, Regressors(groups, cap), 3.0)
    assert got.dtype == np.float32
    for t in range(raw.shape[0]):
        for f in range(raw.shape[2]):
            np.testing.assert_allclose(got[t, :, f], slow(raw[t, :, f], mask[t], groups[t], cap[t]), atol=2e-5)


def test_industry_means_and_the_slope_on_size_are_gone():
    raw, mask, groups, cap = inputs(5)
    got = standardise(raw, mask, Regressors(groups, cap), 3.0).astype(float)
    for t in range(4):
        for f in range(3):
            known = mask[t] & np.isfinite(raw[t, :, f])
            assert abs(np.dot(got[t, known, f], cap[t, known] - cap[t, known].mean())) < 1e-3
            for g in range(5):
                assert abs(got[t, known & (groups[t] == g), f].mean()) < 1e-4


def test_names_outside_of_the_mask_matter_to_nobody():
    raw, mask, groups, cap = inputs(6)
    other = np.where(mask[:, :, None], raw, 1e6)
    moved = np.where(mask, cap, -5.0)
    a = standardise(raw, mask, Regressors(groups, cap), 3.0)
    assert np.array_equal(a, standardise(other, mask, Regressors(groups, moved), 3.0))
    assert np.all(a[~mask] == 0)


def test_units_of_a_factor_do_not_matter():
    raw, mask, groups, cap = inputs(7)
    a = standardise(raw, mask, Regressors(groups, cap), 3.0)
    b = standardise(1000 * raw + 5, mask, Regressors(groups, cap), 3.0)
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_without_regressors_only_clipped_and_standardised():
    raw = np.array([1.0, 2, 3, 4, 100])[None, :, None]
    mask = np.ones((1, 5), bool)
    got = standardise(raw, mask, Regressors(None, None), 3.0)[0, :, 0]
    x = np.array([1, 2, 3, 4, 3 + 3 * 1.4826])
    np.testing.assert_allclose(got, (x - x.mean()) / x.std(), rtol=1e-6)


def test_a_missing_cap_takes_the_median_and_no_industry_is_a_group():
    filled = fill_with_median(np.array([[1.0, 2.0, 9.0, np.nan]]), np.array([[True, True, False, True]]))
    assert filled.tolist() == [[1.0, 2.0, 9.0, 1.5]]
    none = fill_with_median(np.full((1, 2), np.nan), np.ones((1, 2), bool))
    assert none.tolist() == [[0.0, 0.0]]
    market = make_market(n_sessions=40, n_symbols=6, bar_sessions=0)
    taken_out, warnings = regressors(market, ["industry", "cap"])
    assert warnings == []
    assert taken_out.group_tn.min() == 0
    # the last two symbols have no industry: one group of their own
    assert len(set(taken_out.group_tn[:, -2:].ravel())) == 1
    assert not set(taken_out.group_tn[:, -1]) & set(taken_out.group_tn[:, :-2].ravel())
    bare = FakeMarket(market.sessions, {"stock_prices": market.table("stock_prices")}, {})
    taken_out, warnings = regressors(bare, ["industry", "cap"])
    assert taken_out.group_tn is None
    assert taken_out.log_cap_tn is None
    assert len(warnings) == 2


def test_a_cap_holds_from_its_date_on():
    market = make_market(n_sessions=12, n_symbols=2, bar_sessions=0)
    days = market.sessions
    dates = [days[0] - 400, days[3], days[5] + 1, days[5] + 2, days[11] + 30]
    caps = pd.DataFrame({"symbol": market.symbols[0], "date": dates, "cap": [1.0, 2.0, 3.0, 4.0, 5.0]})
    tables = {"stock_prices": market.table("stock_prices"), "caps": caps}
    log_cap = latest_log_cap(FakeMarket(days, tables, {}))
    expected = [max(c for d, c in zip(dates, [1, 2, 3, 4, 5], strict=True) if d <= day) for day in days]
    np.testing.assert_allclose(np.exp(log_cap[:, 0]), expected)
    assert np.isnan(log_cap[:, 1]).all()
