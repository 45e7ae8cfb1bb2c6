"""PSI, the band of a mean and shares of missing values against hand-worked numbers and plain loops."""

import math

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.live.drift import Check, DriftSettings, band_of_mean, missing_share, psi


def plain_psi(expected: list[float], actual: list[float], bins: int) -> float:
    """Bin by bin, by hand."""
    edges = sorted({float(np.quantile(expected, k / bins)) for k in range(1, bins)})
    total = 0.0
    for k in range(len(edges) + 1):
        low = edges[k - 1] if k else -math.inf
        high = edges[k] if k < len(edges) else math.inf
        e = max(sum(low <= x < high for x in expected) / len(expected), 1e-4)
        a = max(sum(low <= x < high for x in actual) / len(actual), 1e-4)
        total += (a - e) * math.log(a / e)
    return total


def test_psi_of_two_halves_by_hand() -> None:
    expected, actual = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 3.0, 4.0])
    # half and half against a quarter and three quarters
    assert psi(expected, actual, 2) == pytest.approx(0.25 * math.log(0.75 / 0.5) - 0.25 * math.log(0.25 / 0.5))


def test_psi_against_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    for bins in (2, 5, 10):
        expected, actual = rng.normal(size=300), rng.normal(0.3, 1.2, size=200)
        actual[:5] = np.nan
        assert psi(expected, actual, bins) == pytest.approx(plain_psi(list(expected), list(actual[5:]), bins))
    steps = np.repeat([0.0, 1.0], [90, 10])
    assert psi(steps, steps[::-1], 10) == 0.0, "few different values"
    assert math.isnan(psi(np.array([np.nan]), steps, 10))


def test_the_band_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.05, 0.1, 400)
    low, high = band_of_mean(values, 16, level=0.95, block=1)
    assert low == pytest.approx(0.05 - 1.96 * 0.1 / 4, abs=0.012)
    assert high == pytest.approx(0.05 + 1.96 * 0.1 / 4, abs=0.012)
    moods = np.repeat(rng.normal(0, 0.1, 40), 10)
    narrow, wide = (band_of_mean(moods, 10, level=0.95, block=block) for block in (1, 10))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0]), "related dates widen it"
    assert math.isnan(band_of_mean(np.array([np.nan]), 3, level=0.9, block=2)[0])


def test_missing_shares() -> None:
    values = np.zeros((1, 4, 2), np.float32)
    values[0, [0, 1, 3], 0] = np.nan
    there = np.array([[True, True, True, False]])
    np.testing.assert_allclose(missing_share(values, there), [2 / 3, 0])


def test_checks_and_limits() -> None:
    assert Check("x", 1.0, 2.0, None, "").crossed
    assert Check("x", 3.0, None, 2.0, "").crossed
    assert not Check("x", 2.0, 2.0, 2.0, "").crossed
    assert not Check("x", None, 2.0, 2.0, "").crossed
    assert Check("x", 1.0, 2.0, 9.0, "").line() == "x 1 (limit 2)"
    assert Check("x", 10.0, 2.0, 9.0, "").line() == "x 10 (limit 9)"
    with pytest.raises(ConfigError, match=r"live\.drift\.bins: 1 must be >= 2"):
        DriftSettings(bins=1)
    with pytest.raises(ConfigError, match=r"live\.drift\.level"):
        DriftSettings(level=1.0)
