"""A score that needs no network: the equal-weight mean of the factors, each with its published sign.

Legend of axes in names: t session, n symbol, f factor.
"""

from collections.abc import Iterator, Mapping

import bottleneck as bn
import numpy as np

from fusion_factor.core.cross_section import zscore
from fusion_factor.core.errors import DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.features.intraday.catalogue import SIGNS
from fusion_factor.features.panel import FloatArray

SMOOTHED_SESSIONS, LEAST_SESSIONS = 20, 10


def signed_factors(
    features: FeatureSet, signs: Mapping[str, int] | None = None
) -> Iterator[tuple[str, int, FloatArray]]:
    """Each factor as a score of its own: name, sign, and [T, N] float64 over `has_hf`, NaN where missing.

    The standardised factor averaged over its valid sessions among the last 20 (at least 10, METHOD item 92), z-scored
    over `has_hf` and turned by its sign; known at the close of t. `signs`: name to +1 or -1 for factors outside of the
    catalogue; factors without a sign are left out. DataError without bars.
    """
    if features.hf is None or features.factors is None:
        raise DataError("feature set: no intraday factors, so there is no equal-weight score of them")
    known = {**SIGNS, **(signs or {})}
    for name in features.hf.names:
        if name not in known:
            continue
        present = features.hf.valid & np.isfinite(features.factors.column(name))
        values_tn = np.where(present, features.hf.column(name), np.nan).astype(np.float64)
        window = min(SMOOTHED_SESSIONS, len(values_tn))
        smooth_tn = bn.move_mean(values_tn, window, min_count=min(LEAST_SESSIONS, window), axis=0)
        yield name, known[name], known[name] * zscore(smooth_tn, features.has_hf)


def signed_mean(features: FeatureSet, signs: Mapping[str, int] | None = None) -> FloatArray:
    """The equal-weight factor score [T, N] float64, NaN outside of `has_hf`; known at the close of t.

    The mean over `signed_factors`, 0 where one is missing. Source: METHOD item 66.
    """
    total_tn, count = np.zeros(features.has_hf.shape), 0
    for _, _, score_tn in signed_factors(features, signs):
        total_tn += np.nan_to_num(score_tn, nan=0.0)
        count += 1
    return np.where(features.has_hf, total_tn / max(count, 1), np.nan)
