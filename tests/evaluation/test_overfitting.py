"""Deflated Sharpe ratio and probability of backtest overfitting: the papers' own numbers, and a slow reference."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.evaluation import backtest_overfitting, deflated_sharpe
from fusion_factor.evaluation.overfitting import expected_maximum, probability_above


def test_the_example_of_the_deflated_sharpe_ratio_paper() -> None:
    """Sharpe ratio 2.5 a year over 5 years of 250 sessions; 100 trials vary by 1/2 a year; skew -3, kurtosis 10."""
    expected = expected_maximum(0.5 / 250, 100)
    assert expected == pytest.approx(0.1132, abs=5e-5)
    assert probability_above(2.5 / math.sqrt(250), expected, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=5e-5)
    # Fewer trials leave more of it: 46 here, or 88 had the returns been normal, are as sure as 95.05 %.
    fewer = expected_maximum(0.5 / 250, 46)
    assert probability_above(2.5 / math.sqrt(250), fewer, 1250, -3.0, 10.0) == pytest.approx(0.9505, abs=5e-5)
    normal = expected_maximum(0.5 / 250, 88)
    assert probability_above(2.5 / math.sqrt(250), normal, 1250, 0.0, 3.0) == pytest.approx(0.9505, abs=5e-5)


def test_deflated_sharpe_from_scipy() -> None:
    rng = np.random.default_rng(0)
    returns_tv = 0.0004 + 0.01 * rng.standard_t(4, (800, 30))
    sharpe_v = returns_tv.mean(axis=0) / returns_tv.std(axis=0, ddof=1)
    best = int(sharpe_v.argmax())
    got = deflated_sharpe(returns_tv[:, best], sharpe_v)
    quantiles = stats.norm.ppf([1 - 1 / 30, 1 - 1 / (30 * math.e)])
    expected = sharpe_v.std(ddof=1) * ((1 - np.euler_gamma) * quantiles[0] + np.euler_gamma * quantiles[1])
    sharpe = sharpe_v[best]
    skew = stats.skew(returns_tv[:, best])
    kurtosis = stats.kurtosis(returns_tv[:, best], fisher=False)
    error = math.sqrt((1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2) / 799)
    assert got.sharpe == pytest.approx(sharpe, rel=1e-12)
    assert got.expected_maximum == pytest.approx(expected, rel=1e-9)
    assert got.probability == pytest.approx(stats.norm.cdf((sharpe - expected) / error), rel=1e-9)


def test_expected_maximum_is_that_of_drawn_trials() -> None:
    drawn = np.random.default_rng(1).normal(0.0, 0.3, (20_000, 50)).max(axis=1)
    assert expected_maximum(0.09, 50) == pytest.approx(drawn.mean(), rel=0.02)


def test_deflated_sharpe_of_one_variant_is_against_zero_and_leaves_missing_ones_out() -> None:
    returns_t = np.r_[np.random.default_rng(2).normal(0.001, 0.01, 300), np.nan]
    alone = deflated_sharpe(returns_t, [0.1, np.nan])
    assert alone.expected_maximum == 0.0
    assert alone.probability > 0.5
    assert math.isnan(deflated_sharpe([0.01] * 20, [0.1, 0.2]).probability)
    with pytest.raises(DataError, match="returns_t: 1 returns"):
        deflated_sharpe([0.1, np.nan], [0.1])
    with pytest.raises(DataError, match="sharpe_v"):
        deflated_sharpe(returns_t, [np.nan])


def slow_overfitting(returns_tv: np.ndarray, blocks: int) -> tuple[float, int, float]:
    """The definition: rows of each half put together, Sharpe ratios, rank of the chosen one in the other half."""
    length = len(returns_tv) // blocks
    parts = np.split(returns_tv[len(returns_tv) - blocks * length :], blocks)
    overfitted, pairs = [], []
    for chosen_blocks in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[k] for k in chosen_blocks])
        outside = np.concatenate([parts[k] for k in range(blocks) if k not in chosen_blocks])
        sharpe_in, sharpe_out = (each.mean(axis=0) / each.std(axis=0, ddof=1) for each in (inside, outside))
        chosen = int(np.argmax(sharpe_in))
        relative_rank = stats.rankdata(sharpe_out)[chosen] / (returns_tv.shape[1] + 1)
        overfitted.append(math.log(relative_rank / (1 - relative_rank)) <= 0)
        pairs.append((sharpe_in[chosen], sharpe_out[chosen]))
    slope = stats.linregress(*np.array(pairs).T).slope
    return float(np.mean(overfitted)), len(overfitted), float(slope)


@pytest.mark.parametrize(("sessions", "variants", "blocks"), [(97, 2, 4), (200, 5, 6), (163, 12, 8), (64, 7, 10)])
def test_overfitting_against_the_slow_reference(sessions: int, variants: int, blocks: int) -> None:
    rng = np.random.default_rng(sessions)
    returns_tv = 0.01 * rng.standard_t(5, (sessions, variants)) + 0.002 * rng.normal(size=variants)
    got = backtest_overfitting(returns_tv, blocks=blocks)
    assert got == pytest.approx(slow_overfitting(returns_tv, blocks), rel=1e-9)


def test_noise_is_overfitted_half_of_the_time_and_a_better_variant_never() -> None:
    noise = [
        backtest_overfitting(np.random.default_rng(seed).normal(0, 0.01, (480, 20)), blocks=8).probability
        for seed in range(60)
    ]
    assert np.mean(noise) == pytest.approx(0.5, abs=0.06)
    returns_tv = np.random.default_rng(3).normal(0, 0.01, (960, 20))
    returns_tv[:, 7] += 0.004
    better = backtest_overfitting(returns_tv)
    assert better.probability < 0.001
    assert better.combinations == math.comb(16, 8)


def test_choosing_among_noise_degrades() -> None:
    """Within one sample, what a block adds to one half it takes from the other."""
    slopes = [
        backtest_overfitting(np.random.default_rng(seed).normal(0, 0.01, (480, 10)), blocks=8).degradation
        for seed in range(30)
    ]
    assert np.mean(slopes) < -0.3


def test_overfitting_is_the_same_in_other_units_and_for_variants_in_another_order() -> None:
    returns_tv = np.random.default_rng(4).normal(0.0003, 0.01, (330, 9))
    one = backtest_overfitting(returns_tv, blocks=10)
    assert backtest_overfitting(100 * returns_tv, blocks=10) == pytest.approx(one)
    assert backtest_overfitting(returns_tv[:, ::-1], blocks=10) == pytest.approx(one)


def test_variants_without_a_spread_are_worth_nothing() -> None:
    returns_tv = np.random.default_rng(5).normal(-0.002, 0.01, (160, 4))
    returns_tv[:, 2] = 0.0
    got = backtest_overfitting(returns_tv, blocks=4)
    assert math.isfinite(got.probability)
    flat = backtest_overfitting(np.zeros((64, 3)), blocks=4)
    assert flat.probability == 1.0  # none is better than the median
    assert math.isnan(flat.degradation)


@pytest.mark.parametrize("blocks", [0, 3, 22, 4.0, True])
def test_overfitting_refuses_blocks(blocks: object) -> None:
    with pytest.raises(ConfigError, match="blocks must be an even integer"):
        backtest_overfitting(np.zeros((100, 3)), blocks=blocks)  # type: ignore[arg-type]


def test_overfitting_refuses_data() -> None:
    good = np.zeros((100, 3))
    with pytest.raises(DataError, match="31 sessions, at least 32 are needed for 16 blocks"):
        backtest_overfitting(good[:31])
    with pytest.raises(DataError, match="at least 2 variants"):
        backtest_overfitting(good[:, :1])
    good[40, 2] = np.nan
    with pytest.raises(DataError, match="session 40, variant 2 is nan"):
        backtest_overfitting(good)
