"""The block bootstrap against an own resampling from the definition, against theory, and its properties."""

import math

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import block_bootstrap, block_length


def moving_average(count: int, width: int, seed: int) -> np.ndarray:
    """Sums of `width` consecutive draws: the variance of their mean is about width^2 / count."""
    noise = np.random.default_rng(seed).normal(size=count + width - 1)
    return np.convolve(noise, np.ones(width), "valid")


def slow_draws(values: np.ndarray, block: int, draws: int, seed: int) -> np.ndarray:
    """Series put together from blocks that start anywhere and go on at the beginning after the end."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(draws):
        drawn: list[float] = []
        while len(drawn) < len(values):
            start = int(rng.integers(len(values)))
            drawn += [values[(start + step) % len(values)] for step in range(block)]
        out.append(drawn[: len(values)])
    return np.array(out)


@pytest.mark.parametrize("statistic", [None, np.std, lambda each: each.mean() / each.std(ddof=1)])
@pytest.mark.parametrize("block", [3, 20])
def test_against_own_resampling(statistic: object, block: int) -> None:
    values = moving_average(120, 4, 5) + 0.5
    got = block_bootstrap(values, statistic=statistic, block=block, draws=4000, level=0.8, seed=1)  # type: ignore[arg-type]
    figure = np.mean if statistic is None else statistic
    drawn = np.array([figure(each) for each in slow_draws(values, block, 4000, 2)])  # type: ignore[operator]
    assert got.value == figure(values)  # type: ignore[operator]
    np.testing.assert_allclose(got[1:], np.quantile(drawn, [0.1, 0.9]), atol=0.08 * drawn.std())


def test_covers_as_often_as_it_says() -> None:
    inside = 0
    for trial in range(200):
        interval = block_bootstrap(moving_average(400, 4, trial), block=20, draws=300, seed=trial)
        inside += interval.low <= 0 <= interval.high
    assert 0.88 <= inside / 200 <= 0.99


def test_single_dates_would_be_too_sure_and_the_own_choice_of_blocks_is_not() -> None:
    """Overlapping labels: the mean varies 5 times as much as that of unrelated dates."""
    values = moving_average(1500, 5, 11)
    single, own = (block_bootstrap(values, block=block, seed=0) for block in (1, None))
    width = 2 * 1.96 * 5 / math.sqrt(1500)
    assert (own.high - own.low) / width == pytest.approx(1, abs=0.25)
    assert (single.high - single.low) / width == pytest.approx(1 / math.sqrt(5), abs=0.1)
    assert block_length(values) >= 5


def test_moves_and_scales_with_the_values() -> None:
    values = moving_average(200, 3, 0)
    one = block_bootstrap(values, block=9, seed=4)
    np.testing.assert_allclose(block_bootstrap(3 * values + 2, block=9, seed=4), 3 * np.array(one) + 2)


def test_same_seed_same_interval_and_missing_left_out() -> None:
    values = moving_average(60, 2, 0)
    one = block_bootstrap(values, seed=3, draws=200)
    assert one == block_bootstrap(np.r_[np.nan, values, np.inf], seed=3, draws=200)
    assert one != block_bootstrap(values, seed=4, draws=200)
    assert one.low < one.value < one.high
    assert all(math.isnan(each) for each in block_bootstrap([np.nan]))
    assert block_bootstrap([2.0], block=9) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("count", range(0, 30))
def test_every_short_series_has_a_block(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert 1 <= block_length(values) <= max(1, count)
    assert 1 <= block_length(np.ones(count)) <= max(1, count)


@pytest.mark.parametrize("wrong", [{"block": 0}, {"draws": 0}, {"level": 1.0}, {"level": 0.0}, {"seed": -1}])
def test_refuses_arguments(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        block_bootstrap([0.1, 0.2], **wrong)
