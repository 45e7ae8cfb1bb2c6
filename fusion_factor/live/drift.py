"""Has the world moved away from the one that was learned from? Figures, their limits, and which are crossed.

Axes: t session, n symbol, f factor, d date, b bin.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import ConfigError

FloatArray = npt.NDArray[np.float64]
LEAST_SHARE = 1e-4
"""Of a bin, so that an empty one does not make the index infinite."""


@dataclass(frozen=True, kw_only=True)
class DriftSettings:
    """The node `live.drift`; a limit that is null is never crossed."""

    window_sessions: int = 60
    min_dates: int = 4
    level: float = 0.95
    min_rank_ic_at_band: bool = True
    max_psi: float | None = 0.5
    max_missing_increase: float | None = 0.05
    min_dispersion_ratio: float | None = 0.5
    max_dispersion_ratio: float | None = 2.0
    sampled_sessions: int = 60
    bins: int = 10

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name, least in (("window_sessions", 1), ("min_dates", 2), ("sampled_sessions", 1), ("bins", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"live.drift.{name}: {getattr(self, name)} must be >= {least}")
        if not 0 < self.level < 1:
            raise ConfigError(f"live.drift.level: {self.level} must be between 0 and 1")
        for name in ("max_psi", "max_missing_increase", "min_dispersion_ratio", "max_dispersion_ratio"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ConfigError(f"live.drift.{name}: {value} must be >= 0 or null")


@dataclass(frozen=True)
class Check:
    """One figure against its limits; None where it is not known. `words` say what it is."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    words: str

    @property
    def crossed(self) -> bool:
        """Whether the figure is known and outside of its limits."""
        if self.value is None:
            return False
        below = self.low is not None and self.value < self.low
        return below or (self.high is not None and self.value > self.high)

    def described(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "crossed": self.crossed}

    def line(self) -> str:
        """In one line, for an error."""
        limit = self.low if self.low is not None and self.value is not None and self.value < self.low else self.high
        return f"{self.name} {self.value:.4g} (limit {limit:.4g})"


def band_of_mean(
    values: FloatArray, dates: int, *, level: float, block: int, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Where the mean of `dates` consecutive figures lies, if they are like `values`: both ends of the middle `level`.

    Blocks of `block` consecutive values (the last followed by the first again) are drawn until there are `dates` of
    them: neighbours are related, so that single dates must not be drawn. NaN without values.

    >>> band_of_mean(np.full(20, 0.1), 5, level=0.95, block=2)
    (0.1, 0.1)
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    block = max(1, min(block, dates, len(values)))
    count = -(-dates // block)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(values), (draws, count))
    rows = (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :dates] % len(values)
    low, high = np.quantile(values[rows].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def psi(expected: FloatArray, actual: FloatArray, bins: int) -> float:
    """Population stability index of `actual` against `expected`, over bins that `expected` fills alike.

    sum over bins of (a - e) ln(a / e), shares of at least 1e-4. NaN where a side has no value; values that are not
    finite are left out. Fewer bins where many values are equal.

    >>> x = np.arange(1000.0)
    >>> psi(x, x, 10)
    0.0
    >>> psi(x, x + 500, 10) > 1
    True
    """
    expected, actual = expected[np.isfinite(expected)], actual[np.isfinite(actual)]
    if not len(expected) or not len(actual):
        return math.nan
    edges = np.unique(np.quantile(expected, np.arange(1, bins) / bins))
    e_b, a_b = (
        np.maximum(np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1) / len(x), LEAST_SHARE)
        for x in (expected, actual)
    )
    return float(np.sum((a_b - e_b) * np.log(a_b / e_b)))


def missing_share(values_tnf: npt.NDArray[np.float32], there_tn: npt.NDArray[np.bool_]) -> FloatArray:
    """Share of missing values of each factor among those who should have it [F]; NaN where nobody should."""
    rows = values_tnf[there_tn]
    return np.isnan(rows).mean(axis=0) if len(rows) else np.full(values_tnf.shape[2], np.nan)


def spread(values: FloatArray) -> float:
    """Standard deviation (ddof 0) of one session's predictions; NaN without any."""
    return float(np.std(values)) if len(values) else math.nan
