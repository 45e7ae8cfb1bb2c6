"""How sure a mean is: confidence intervals by resampling blocks of consecutive dates.

Figures of neighbouring dates are related (labels overlap, markets have moods), so that single dates must not be drawn.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from fusion_factor.core.errors import ConfigError


class Interval(NamedTuple):
    """Mean of the values and the ends of its confidence interval; NaN without values."""

    mean: float
    low: float
    high: float


def block_bootstrap(
    values: Any, *, block: int | None = None, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Confidence interval of the mean of a series, from a circular block bootstrap (Politis and Romano, 1992).

    Args:
        values: one figure per date in time order, for example RankIC; NaN is left out, the rest taken as consecutive.
        block: dates per block, at most their number; None: the cube root of their number, rounded up. Take at least
            the number of dates that a label spans.
        draws: resampled series. level: share of the resampled means inside, in (0, 1).
        seed: of the random numbers; the same seed gives the same interval.

    Raises: ConfigError for block or draws below 1 or a level outside of (0, 1).

    >>> block_bootstrap([0.25] * 32)
    Interval(mean=0.25, low=0.25, high=0.25)
    """
    series = np.asarray(values, dtype=np.float64).ravel()
    series = series[np.isfinite(series)]
    count = len(series)
    size = math.ceil(count ** (1 / 3) - 1e-9) if block is None else block
    if size < 1 and count:
        raise ConfigError(f"block must be at least 1, got {block}")
    if draws < 1 or not 0 < level < 1:
        raise ConfigError(f"draws must be at least 1 and level between 0 and 1, got {draws} and {level}")
    if not count:
        return Interval(math.nan, math.nan, math.nan)
    size = min(size, count)
    starts = np.random.default_rng(seed).integers(0, count, (draws, math.ceil(count / size)))
    steps = (starts[:, :, np.newaxis] + np.arange(size)) % count
    means = series[steps.reshape(draws, -1)[:, :count]].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(series.mean()), float(low), float(high))
