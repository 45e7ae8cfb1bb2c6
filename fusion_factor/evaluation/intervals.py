"""How sure a figure is: confidence intervals by resampling blocks of consecutive dates.

Figures of neighbouring dates are related (labels overlap, markets have moods), so that single dates must not be drawn.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import FloatArray

Statistic = Callable[[FloatArray], float]


class Interval(NamedTuple):
    """A figure and the ends of its confidence interval; NaN without values."""

    value: float
    low: float
    high: float


def block_bootstrap(
    values: Any,
    *,
    statistic: Statistic | None = None,
    block: int | None = None,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Confidence interval of a statistic of a series, from a circular block bootstrap.

    Args:
        values: one figure per date in time order, for example RankIC; NaN is left out, the rest taken as consecutive.
        statistic: [n] float64 -> number, of the series and of every resampled one; None: the mean.
        block: dates per block, at most their number; None: `block_length` of the values. Take at least the number of
            dates that a label spans.
        draws: resampled series. level: share of the resampled statistics inside, in (0, 1).
        seed: of the random numbers; the same seed gives the same interval.

    Returns: Interval, the percentiles of the resampled statistics; NaN ends where one of these is NaN.
    Raises: ConfigError for block or draws below 1, a level outside of (0, 1) or a negative seed.
    Source: Politis and Romano (1992), as in `arch.bootstrap.CircularBlockBootstrap`.

    >>> block_bootstrap([0.25] * 32)
    Interval(value=0.25, low=0.25, high=0.25)
    >>> [round(each, 3) for each in block_bootstrap(np.sin(np.arange(400.0)), statistic=np.std, block=20)]
    [0.706, 0.7, 0.712]
    """
    _check(block, draws, level, seed)
    series = _present(values)
    if not len(series):
        return Interval(math.nan, math.nan, math.nan)
    size = block_length(series) if block is None else min(block, len(series))
    figure: Statistic = np.mean if statistic is None else statistic
    # Here, for it takes seconds to load and most commands never ask for an interval.
    from arch.bootstrap import CircularBlockBootstrap

    drawn = CircularBlockBootstrap(size, series, seed=seed).apply(lambda each: np.array([figure(each)]), draws)[:, 0]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(figure(series)), float(low), float(high))


def block_length(values: Any) -> int:
    """Dates per block that suit a series: the automatic choice for a circular bootstrap, rounded up, at least 1.

    Args:
        values: one figure per date in time order; NaN is left out.

    Returns: the choice of Politis and White (2004), corrected by Patton, Politis and White (2009), as in
        `arch.bootstrap.optimal_block_length`; the cube root of the number of dates, rounded up, for a series too short
        for it (below 10 dates) or without a spread.

    >>> block_length(np.tile([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0], 10))
    11
    """
    series = _present(values)
    count = len(series)
    fallback = max(1, math.ceil(count ** (1 / 3) - 1e-9))
    if count < SHORTEST or np.ptp(series) == 0:
        return fallback
    from arch.bootstrap import optimal_block_length

    with np.errstate(invalid="ignore", divide="ignore"):
        best = float(optimal_block_length(series)["circular"].iloc[0])
    return min(max(1, math.ceil(best)), count) if math.isfinite(best) else fallback


SHORTEST = 10
"""Dates below which the autocorrelations that the automatic choice looks at do not exist."""


def _present(values: Any) -> FloatArray:
    series = np.asarray(values, dtype=np.float64).ravel()
    return series[np.isfinite(series)]


def _check(block: Any, draws: Any, level: Any, seed: Any) -> None:
    if block is not None and block < 1:
        raise ConfigError(f"block must be at least 1, got {block}")
    if draws < 1 or not 0 < level < 1:
        raise ConfigError(f"draws must be at least 1 and level between 0 and 1, got {draws} and {level}")
    if seed < 0:
        raise ConfigError(f"seed must be at least 0, got {seed}")
