"""Whether the best of many variants is any good: deflated Sharpe ratio and probability of backtest overfitting.

Legend: `_t` is [T sessions], `_v` is [V variants], `_tv` is [T, V], `_cv` is [C combinations of blocks, V],
`_sv` is [S blocks, V].
"""

import itertools
import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.statistics import ZERO_STD, std_of

MOST_BLOCKS = 20
"""184,756 combinations; two blocks more would be 705,432."""
CHUNK_CELLS = 4_000_000
_NORMAL = NormalDist()


class DeflatedSharpe(NamedTuple):
    """Sharpe ratio of the chosen variant per session, the largest to be expected of luck, and how sure it is more.

    `probability`: that the true Sharpe ratio of the chosen variant is above `expected_maximum`.
    """

    sharpe: float
    expected_maximum: float
    probability: float


class Overfitting(NamedTuple):
    """How often the variant that is best in one half of the blocks is no better than the median one in the other.

    `probability`: that share. `combinations`: halves tried. `degradation`: slope of the Sharpe ratio outside on the
    one inside, of the variant chosen inside; below 0: the better it looked, the worse it was. NaN where the one inside
    does not vary.
    """

    probability: float
    combinations: int
    degradation: float


def deflated_sharpe(returns_t: Any, sharpe_v: Any) -> DeflatedSharpe:
    """Deflated Sharpe ratio of the variant that was chosen among V.

    Args:
        returns_t: its simple (excess) returns per session; NaN is left out.
        sharpe_v: Sharpe ratios per session (mean / std with ddof 1, not annualised) of all variants tried, the chosen
            one too; NaN is left out. One alone: the test is against 0.

    Returns: DeflatedSharpe; NaN sharpe and probability where the returns have no spread.
    Raises: DataError for fewer than 2 returns or without any Sharpe ratio.
    Source: Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio". Variants that resemble each other count as
        independent ones: the expected maximum is too large rather than too small.

    >>> returns_t = 0.001 + 0.01 * np.sin(np.arange(1000.0))
    >>> [round(each, 3) for each in deflated_sharpe(returns_t, [0.14, 0.10, 0.05, 0.02])]
    [0.141, 0.056, 0.997]
    """
    series = np.asarray(returns_t, dtype=np.float64).ravel()
    series = series[np.isfinite(series)]
    tried = np.asarray(sharpe_v, dtype=np.float64).ravel()
    tried = tried[np.isfinite(tried)]
    if len(series) < 2:
        raise DataError(f"returns_t: {len(series)} returns, at least 2 are needed")
    if not len(tried):
        raise DataError("sharpe_v: holds no Sharpe ratio, at least 1 is needed")
    std = std_of(series)
    expected = expected_maximum(float(tried.var(ddof=1)) if len(tried) > 1 else 0.0, len(tried))
    if std == 0:
        return DeflatedSharpe(math.nan, expected, math.nan)
    sharpe = float(series.mean()) / std
    away = (series - series.mean()) / series.std()
    skew, kurtosis = float((away**3).mean()), float((away**4).mean())
    return DeflatedSharpe(sharpe, expected, probability_above(sharpe, expected, len(series), skew, kurtosis))


def expected_maximum(variance: float, count: int) -> float:
    """Largest of `count` Sharpe ratios to be expected when all true ones are 0 and estimates vary by `variance`.

    >>> round(expected_maximum(1 / 2 / 250, 100), 4)
    0.1132
    """
    if count == 1:
        return 0.0
    first, second = _NORMAL.inv_cdf(1 - 1 / count), _NORMAL.inv_cdf(1 - 1 / (count * math.e))
    return math.sqrt(variance) * ((1 - np.euler_gamma) * first + np.euler_gamma * second)


def probability_above(sharpe: float, threshold: float, count: int, skew: float, kurtosis: float) -> float:
    """Probability that the true Sharpe ratio behind an estimate is above a threshold (all per session).

    Args:
        sharpe: estimated from `count` returns of this skewness and kurtosis (3 for a normal distribution).

    Returns: probability; NaN where the estimate's variance is not positive.
    Source: Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier".
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if variance <= 0:
        return math.nan
    return _NORMAL.cdf((sharpe - threshold) * math.sqrt((count - 1) / variance))


def backtest_overfitting(returns_tv: Any, *, blocks: int = 16) -> Overfitting:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    The sessions are cut into S blocks of equal length. For each choice of S / 2 of them the variant with the highest
    Sharpe ratio inside is ranked by its Sharpe ratio outside (equal ones share the mean rank); it is overfitted when it
    is not above the median there, that is when its rank / (V + 1) is at most 1/2. A variant without a spread has the
    Sharpe ratio 0. Of several best the first is taken.

    Args:
        returns_tv: simple returns per session of all variants tried, complete.
        blocks: S, even, 2 to 20. The oldest T mod S sessions are left out.

    Returns: Overfitting; about 0.5 where no variant is better than another, near 0 where one is.
    Raises: ConfigError for blocks, DataError for fewer than 2 variants, fewer than 2 S sessions or a missing value.
    Source: Bailey, Borwein, Lopez de Prado and Zhu (2017), "The probability of backtest overfitting".

    >>> noise_tv = np.sin(np.arange(640.0)[:, None] * [1.0, 2.0, 3.0])
    >>> backtest_overfitting(noise_tv + [0.0, 0.0, 0.5], blocks=8)[:2]
    (0.0, 70)
    """
    inside_cv = _sharpe_of_halves(_checked(returns_tv, blocks), blocks)
    # In the order of `itertools.combinations` the other half of the first choice is the last one, and so on.
    outside_cv = inside_cv[::-1]
    chosen_c = inside_cv.argmax(axis=1)[:, np.newaxis]
    best = np.take_along_axis(outside_cv, chosen_c, axis=1)
    rank_c = (outside_cv < best).sum(axis=1) + ((outside_cv == best).sum(axis=1) + 1) / 2
    overfitted = rank_c / (inside_cv.shape[1] + 1) <= 0.5
    return Overfitting(
        float(overfitted.mean()),
        len(inside_cv),
        _slope(np.take_along_axis(inside_cv, chosen_c, axis=1)[:, 0], best[:, 0]),
    )


def _checked(returns_tv: Any, blocks: Any) -> FloatArray:
    if isinstance(blocks, bool) or not isinstance(blocks, int) or not 2 <= blocks <= MOST_BLOCKS or blocks % 2:
        raise ConfigError(f"blocks must be an even integer from 2 to {MOST_BLOCKS}, got {blocks!r}")
    returns_tv = np.asarray(returns_tv, dtype=np.float64)
    if returns_tv.ndim != 2 or returns_tv.shape[1] < 2:
        raise DataError(f"returns_tv: shape {returns_tv.shape}, but sessions by at least 2 variants are needed")
    if len(returns_tv) < 2 * blocks:
        raise DataError(f"returns_tv: {len(returns_tv)} sessions, at least {2 * blocks} are needed for {blocks} blocks")
    if not np.isfinite(returns_tv).all():
        t, v = np.argwhere(~np.isfinite(returns_tv))[0]
        raise DataError(f"returns_tv: session {t}, variant {v} is {returns_tv[t, v]}")
    return returns_tv


def _sharpe_of_halves(returns_tv: FloatArray, blocks: int) -> FloatArray:
    """Sharpe ratio of every variant in every half of the blocks. [T, V] -> [C, V]."""
    length = len(returns_tv) // blocks
    returns_tv = returns_tv[len(returns_tv) - length * blocks :]
    mean_v = returns_tv.mean(axis=0)
    # Away from the mean, so that the squares keep their digits.
    away = (returns_tv - mean_v).reshape(blocks, length, -1)
    sum_sv, square_sv = away.sum(axis=1), (away * away).sum(axis=1)
    halves = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    member_cs = np.zeros((len(halves), blocks))
    np.put_along_axis(member_cs, halves, 1.0, axis=1)
    out_cv = np.empty((len(halves), returns_tv.shape[1]))
    rows, count = max(1, CHUNK_CELLS // returns_tv.shape[1]), length * blocks // 2
    for first in range(0, len(halves), rows):
        part = slice(first, first + rows)
        away_cv = member_cs[part] @ sum_sv / count
        variance_cv = (member_cs[part] @ square_sv - count * away_cv * away_cv) / (count - 1)
        std_cv = np.sqrt(np.maximum(variance_cv, 0.0))
        flat = std_cv < ZERO_STD
        out_cv[part] = np.where(flat, 0.0, (mean_v + away_cv) / np.where(flat, 1.0, std_cv))
    return out_cv


def _slope(x: FloatArray, y: FloatArray) -> float:
    away = x - x.mean()
    spread = float(away @ away)
    return float(away @ y) / spread if spread > ZERO_STD**2 * len(x) else math.nan
