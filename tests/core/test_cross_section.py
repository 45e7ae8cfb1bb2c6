"""Cross-section figures against scipy, plain least squares and hand-worked values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fusion_factor.core import cross_section as cs


def holey(rng: np.random.Generator, shape: tuple[int, ...], share: float = 0.2, digits: int = 1) -> np.ndarray:
    values = np.round(rng.normal(size=shape), digits)
    values[rng.random(shape) < share] = np.nan
    return values


def test_paper_divides_by_the_largest_and_rounds_to_twelve_digits() -> None:
    noted = cs.paper(np.array([[0.1 + 0.2, 0.3, -0.6, np.nan], [0.0, -0.0, 0.0, np.nan]]))
    assert noted[0, 0] == noted[0, 1] == 0.5
    assert noted[0, 2] == -1.0
    assert np.isnan(noted[0, 3])
    assert (noted[1, :3] == 0).all()


def test_values_equal_in_exact_arithmetic_share_a_rank() -> None:
    ranks = cs.average_ranks(np.array([[0.1 + 0.2, 0.3, 5.0, np.nan, -1.0]]))
    np.testing.assert_array_equal(ranks, [[2.5, 2.5, 4.0, np.nan, 1.0]])


def test_tiny_differences_beside_a_huge_value_are_ties() -> None:
    np.testing.assert_array_equal(cs.average_ranks(np.array([[1e-14, 2e-14, 1.0]])), [[1.5, 1.5, 3.0]])


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_correlations_agree_with_scipy(digits: int) -> None:
    rng = np.random.default_rng(digits)
    a_tn, b_tn = holey(rng, (60, 40), digits=digits), holey(rng, (60, 40), digits=digits)
    rank, plain = cs.rank_correlation(a_tn, b_tn), cs.pearson(a_tn, b_tn)
    for t in range(60):
        both = np.isfinite(a_tn[t]) & np.isfinite(b_tn[t])
        assert rank[t] == pytest.approx(stats.spearmanr(a_tn[t, both], b_tn[t, both]).statistic, abs=1e-12)
        assert plain[t] == pytest.approx(stats.pearsonr(a_tn[t, both], b_tn[t, both]).statistic, abs=1e-12)


def test_no_correlation_without_variance_or_with_one_name() -> None:
    a_tn = np.array([[1.0, 1.0, 1.0], [0.1 + 0.2, 0.3, 0.3], [1.0, np.nan, np.nan], [np.nan] * 3])
    b_tn = np.array([[1.0, 2.0, 3.0]] * 4)
    assert np.isnan(cs.pearson(a_tn, b_tn)).all()
    assert np.isnan(cs.rank_correlation(b_tn, a_tn)).all()


def test_only_names_of_both_sides_count() -> None:
    a_tn = np.array([[1.0, 2.0, 3.0, 100.0]])
    b_tn = np.array([[3.0, 2.0, 1.0, np.nan]])
    assert cs.rank_correlation(a_tn, b_tn)[0] == pytest.approx(-1.0)


def test_huge_and_tiny_values_neither_overflow_nor_vanish() -> None:
    a_tn = np.array([[1e300, 2e300, 3e300], [1e-300, 2e-300, 3e-300]])
    np.testing.assert_allclose(cs.pearson(a_tn, a_tn), 1.0)


def test_blocks_in_threads_give_the_same_as_one_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a_tn, b_tn = holey(rng, (57, 11)), holey(rng, (57, 11))
    whole = cs.rank_correlation(a_tn, b_tn)
    monkeypatch.setattr(cs, "BLOCK_CELLS", 90)
    np.testing.assert_array_equal(cs.rank_correlation(a_tn, b_tn), whole)


def test_zscore_by_hand_with_mask_and_equal_values() -> None:
    scaled = cs.zscore(np.array([[1.0, 2.0, 3.0, np.nan], [0.1 + 0.2, 0.3, 0.3, np.nan], [1.0, 5.0, 3.0, 9.0]]))
    np.testing.assert_allclose(scaled[0], [-np.sqrt(1.5), 0.0, np.sqrt(1.5), np.nan])
    np.testing.assert_array_equal(scaled[1], [0.0, 0.0, 0.0, np.nan])
    masked = cs.zscore(np.array([[1.0, 5.0, 3.0, 9.0]]), np.array([[True, True, True, False]]))
    np.testing.assert_allclose(masked[0], [-np.sqrt(1.5), np.sqrt(1.5), 0.0, np.nan])


def test_mad_clip_by_hand() -> None:
    # Median 3, median distance 1, so the reach is 3 * 1.4826.
    clipped = cs.mad_clip(np.array([[1.0, 2.0, 3.0, 4.0, 100.0, np.nan]]))
    np.testing.assert_allclose(clipped, [[1.0, 2.0, 3.0, 4.0, 3.0 + 3 * 1.4826, np.nan]])
    untouched = np.array([[1.0, 1.0, 1.0, 50.0]])
    np.testing.assert_array_equal(cs.mad_clip(untouched), untouched)


@pytest.mark.parametrize("work", [cs.zscore, cs.mad_clip])
def test_factors_are_worked_off_one_by_one(work, monkeypatch: pytest.MonkeyPatch) -> None:
    values_tnf = holey(np.random.default_rng(5), (30, 12, 4))
    before = values_tnf.copy()
    monkeypatch.setattr(cs, "BLOCK_CELLS", 200)
    together = work(values_tnf)
    for f in range(4):
        np.testing.assert_allclose(together[:, :, f], work(values_tnf[:, :, f]), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(values_tnf, before)


def plain_residual(y_n: np.ndarray, group_n: np.ndarray | None, x_n: np.ndarray | None) -> np.ndarray:
    there = np.isfinite(y_n)
    there &= True if group_n is None else group_n >= 0
    there &= True if x_n is None else np.isfinite(x_n)
    out = np.full(len(y_n), np.nan)
    if not there.any():
        return out
    columns = [np.ones(there.sum())] if group_n is None else []
    if group_n is not None:
        columns += [(group_n[there] == g).astype(float) for g in np.unique(group_n[there])]
    if x_n is not None:
        # Centring keeps the span of the columns (dummies or intercept hold the constant) and helps lstsq.
        columns.append(x_n[there] - x_n[there].mean())
    design = np.array(columns).T
    out[there] = y_n[there] - design @ np.linalg.lstsq(design, y_n[there], rcond=None)[0]
    return out


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), st.booleans(), st.booleans())
def test_residual_is_that_of_least_squares(seed: int, with_groups: bool, with_covariate: bool) -> None:
    rng = np.random.default_rng(seed)
    shape = (4, int(rng.integers(1, 25)), 3)
    y_tnf = holey(rng, shape, 0.3, 3)
    group_tn = rng.integers(-1, rng.integers(1, 8), shape[:2]) if with_groups else None
    x_tn = None
    if with_covariate:
        x_tn = np.log(holey(rng, shape[:2], 0.1, 2) ** 2 * 1e9 + 1e8)
        x_tn[0] = 21.5  # a covariate that explains nothing beside the dummies
    got = cs.residual(y_tnf, group_tn, x_tn)
    for t in range(4):
        for f in range(3):
            wanted = plain_residual(
                y_tnf[t, :, f], None if group_tn is None else group_tn[t], None if x_tn is None else x_tn[t]
            )
            np.testing.assert_allclose(got[t, :, f], wanted, atol=1e-10)


def test_residual_of_one_factor_has_two_axes_and_groups_of_one_are_zero() -> None:
    got = cs.residual(np.array([[5.0, 1.0, 3.0]]), np.array([[7, 2, 2]]), np.array([[30.0, 1.0, 2.0]]))
    np.testing.assert_allclose(got, [[0.0, 0.0, 0.0]], atol=1e-15)
    assert got.shape == (1, 3)


def test_residual_refuses_regressors_of_another_shape() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        cs.residual(np.zeros((2, 3)), np.zeros((2, 4), dtype=int))


def test_arrays_without_names_or_sessions() -> None:
    assert cs.rank_correlation(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)
    assert np.isnan(cs.pearson(np.zeros((2, 0)), np.zeros((2, 0)))).all()
    assert cs.zscore(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert cs.mad_clip(np.zeros((0, 4))).shape == (0, 4)
    assert cs.residual(np.zeros((0, 4, 2))).shape == (0, 4, 2)
