"""Ranks by whole numbers against scipy's, value for value."""

import numpy as np
import pytest
from scipy import stats

from fusion_factor.core.cross_section import paper
from fusion_factor.core.ranks import average_ranks, spearman


def values(kind: str, seed: int, names: int) -> np.ndarray:
    """[8, names] with holes: of one size, of all sizes, with equal ones, a rounding error apart, all negative."""
    rng = np.random.default_rng(seed)
    shape = (8, names)
    drawn = {
        "normal": rng.normal(size=shape),
        "sizes": rng.normal(size=shape) * 10.0 ** rng.integers(-20, 20, shape),
        "equal": rng.integers(-2, 3, shape) * 0.1,
        "apart": 0.3 + rng.integers(-2, 3, shape) * np.finfo(float).eps,
        "steps": rng.integers(-5, 6, shape) * 0.5e-12,
        "negative": -rng.random(shape),
        "tiny": rng.normal(size=shape) * 1e-310,
        "huge": rng.normal(size=shape) * 1e307,
    }[kind]
    drawn[rng.random(shape) < 0.1] = np.nan
    drawn[:, 0] = rng.choice([1.0, drawn[0, -1]])
    return drawn


KINDS = ["normal", "sizes", "equal", "apart", "steps", "negative", "tiny", "huge"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", [1, 2, 3, 64, 65, 500])
def test_ranks_are_those_of_the_values_as_they_are_compared(kind: str, names: int) -> None:
    values_tn = values(kind, names, names)
    wanted = stats.rankdata(paper(values_tn), axis=1, nan_policy="omit")
    np.testing.assert_array_equal(average_ranks(values_tn), wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_correlation_is_that_of_the_ranks_of_the_joint_names(kind: str) -> None:
    a_tn, b_tn = values(kind, 1, 40), values("normal", 2, 40)
    for t, got in enumerate(spearman(a_tn, b_tn)):
        both = np.isfinite(a_tn[t]) & np.isfinite(b_tn[t])
        x, y = (stats.rankdata(paper(each[t, both])) for each in (a_tn, b_tn))
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            assert np.isnan(got)
        else:
            assert got == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)


def test_infinite_and_missing_rows() -> None:
    ranks = average_ranks(np.array([[np.inf, 2.0, -np.inf, 1.0], [np.nan] * 4, [0.0, -0.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(ranks, [[np.nan, 2, np.nan, 1], [np.nan] * 4, [2, 2, 2, 4]])
    assert average_ranks(np.zeros((0, 3))).shape == (0, 3)
    assert average_ranks(np.zeros((3, 0))).shape == (3, 0)
