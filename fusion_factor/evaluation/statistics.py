"""Statistics of a series of figures, one per date: mean, spread, t, Newey-West t (SEMANTICS 8.5 and 7, last line).

Missing is None in what is returned, for it goes to JSON; NaN in arrays that come in.
"""

import math
from typing import Any

import numpy as np

from fusion_factor.core.cross_section import rank_correlation
from fusion_factor.core.labels import FloatArray

ZERO_STD = 1e-12
"""A standard deviation below this counts as zero, and a share counts as positive above it."""
ZERO_VARIANCE = 1e-24


def number(value: float) -> float | None:
    """A float for JSON: None for what is not finite."""
    return float(value) if math.isfinite(value) else None


def mean_of(values: FloatArray) -> float:
    """Mean of the values that are there; NaN if none is."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan


def std_of(values: FloatArray) -> float:
    """Standard deviation, ddof 1, of values that are all there; 0 below 1e-12, NaN for fewer than 2."""
    if len(values) < 2:
        return math.nan
    std = float(values.std(ddof=1))
    return 0.0 if std < ZERO_STD else std


def ratio(numerator: float, denominator: float) -> float:
    """A quotient; NaN where the denominator is zero or missing."""
    return numerator / denominator if math.isfinite(denominator) and denominator != 0 else math.nan


def newey_west_t(values: FloatArray, lags: int) -> float:
    """Mean over its Newey-West standard error with Bartlett weights and `lags` lags; NaN where the variance is zero.

    No small-sample correction: statsmodels' OLS on a constant with cov_type="HAC", use_correction=False. Source:
    Newey and West (1987).
    """
    count = len(values)
    if not count:
        return math.nan
    away = values - values.mean()
    variance = float(away @ away) / count
    for lag in range(1, min(lags, count - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1)) * float(away[lag:] @ away[:-lag]) / count
    if variance <= ZERO_VARIANCE:
        return math.nan
    return float(values.mean()) / math.sqrt(variance / count)


def series_statistics(values: FloatArray, lags: int) -> dict[str, Any]:
    """`mean`, `std`, `ir`, `positive`, `t`, `nw_t`, `count` over the values that are there, taken as consecutive."""
    values = values[np.isfinite(values)]
    mean, std, count = mean_of(values), std_of(values), len(values)
    return {
        "mean": number(mean),
        "std": number(std),
        "ir": number(ratio(mean, std)),
        "positive": float((values > ZERO_STD).mean()) if count else None,
        "t": number(ratio(mean, std) * math.sqrt(count)),
        "nw_t": number(newey_west_t(values, lags)),
        "count": count,
    }


def difference_statistics(values: FloatArray) -> dict[str, Any]:
    """`mean`, `std`, `t`, `count` over the values that are there."""
    values = values[np.isfinite(values)]
    mean, std, count = mean_of(values), std_of(values), len(values)
    return {
        "mean": number(mean),
        "std": number(std),
        "t": number(ratio(mean, std) * math.sqrt(count)),
        "count": count,
    }


def monotonicity(layer_mean: FloatArray) -> float:
    """Spearman correlation of layer number and layer mean, over the layers that have one; NaN without a variance."""
    order = np.arange(1, len(layer_mean) + 1, dtype=np.float64)
    return float(rank_correlation(order[np.newaxis], layer_mean[np.newaxis])[0])


def default_lags(horizon: int | str, gap: float) -> int:
    """Newey-West lags ceil(h / m) - 1; 0 for labels to the next date and for a single date.

    Args:
        gap: median number of sessions between grid dates m, a multiple of one half; infinite for a single date.
    """
    if isinstance(horizon, str) or not math.isfinite(gap):
        return 0
    # In halves both are whole numbers, so that the quotient is rounded up exactly.
    return -(-2 * horizon // round(2 * gap)) - 1
