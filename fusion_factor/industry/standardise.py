"""One date's values brought into comparable form: means of what is there, tails, medians, ranks (METHOD 176, 181, 182).

Legend: `_dn` is [D grid dates, N industries]. Nothing here looks from one date to another; missing is NaN and stays so.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from fusion_factor.core.cross_section import average_ranks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import FloatArray


def mean_of_available(parts: Sequence[FloatArray], least: int = 1) -> FloatArray:
    """Mean of the parts that are there, NaN with fewer than `least` of them; summed in the order given."""
    total, count = np.zeros_like(parts[0]), np.zeros(parts[0].shape, np.int64)
    for part in parts:
        there = np.isfinite(part)
        total += np.where(there, part, 0.0)
        count += there
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)


def inverse_normal(values_dn: FloatArray) -> FloatArray:
    """Normal quantile of (rank - 0.5) / n: 31 names make z-scores fragile (METHOD 182). [D, N] -> [D, N].

    >>> inverse_normal(np.array([[3.0, -100.0, 5.0]])).round(3).tolist()
    [[0.0, -0.967, 0.967]]
    """
    ranks_dn = average_ranks(values_dn)
    count_d1 = np.maximum(np.isfinite(ranks_dn).sum(axis=1, keepdims=True), 1)
    shares, place = np.unique((ranks_dn - 0.5) / count_d1, return_inverse=True)
    quantile = NormalDist().inv_cdf
    found = np.array([quantile(share) if np.isfinite(share) else np.nan for share in shares.tolist()])
    return found[place].reshape(ranks_dn.shape)


def winsorised(values_dn: FloatArray, tail: float) -> FloatArray:
    """Values below the `tail` quantile and above the 1 - `tail` quantile of their date set to it (METHOD 176)."""
    if not 0.0 <= tail < 0.5:
        raise ConfigError(f"winsorise: {tail!r} must be in [0, 0.5)")
    if tail == 0.0:
        return values_dn
    some = np.isfinite(values_dn).any(axis=1)
    if not some.any():
        return values_dn
    out_dn = values_dn.copy()
    low, high = np.nanquantile(values_dn[some], [tail, 1.0 - tail], axis=1, keepdims=True)
    out_dn[some] = np.clip(values_dn[some], low, high)
    return out_dn


def row_median(values_dn: FloatArray) -> FloatArray:
    """Median of each date's values; NaN for a date without any. [D, N] -> [D, 1]."""
    out_d1 = np.full((len(values_dn), 1), np.nan)
    some = np.isfinite(values_dn).any(axis=1)
    out_d1[some] = np.nanmedian(values_dn[some], axis=1, keepdims=True)
    return out_d1


def with_median(values_dn: FloatArray, codes: Sequence[str], industries: Sequence[str]) -> FloatArray:
    """The named industries get the median of the others at every date (METHOD 176: banks have no such cash flow).

    Raises: ConfigError for an industry that is not in the pool.
    """
    if not len(industries):
        return values_dn
    for name in industries:
        if name not in codes:
            raise ConfigError(f"median_for: {name} is no industry of the pool")
    named_n = np.isin(codes, industries)
    return np.where(named_n, row_median(np.where(named_n, np.nan, values_dn)), values_dn)
