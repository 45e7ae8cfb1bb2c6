"""The same figures by year, by thirds of size and by industry (SEMANTICS 8.9).

Legend: `_dn` is [D grid dates, N names], `_d` is [D].
"""

from typing import Any

import numpy as np

from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.figures import Figures
from fusion_factor.evaluation.layers import parts
from fusion_factor.evaluation.sample import BoolArray, Sample

THIRDS = 3


def by_year(sample: Sample, label_dn: FloatArray, lags: int) -> dict[str, Any]:
    """Figures of the grid dates of each calendar year."""
    year_d = sample.dates_d.astype("datetime64[Y]").astype(np.int64) + 1970
    return {
        str(year): _figures(sample, sample.score_dn[year_d == year], label_dn[year_d == year], lags)
        for year in np.unique(year_d)
    }


def by_size(sample: Sample, label_dn: FloatArray, lags: int) -> dict[str, Any]:
    """Figures of the smallest (1), middle and largest (3) third of the names with a score and a market value."""
    third_dn = parts(np.where(np.isfinite(sample.score_dn), sample.cap_dn, np.nan), THIRDS)
    return {str(third + 1): _members(sample, label_dn, third_dn == third, lags) for third in range(THIRDS)}


def by_industry(sample: Sample, label_dn: FloatArray, lags: int) -> dict[str, Any]:
    """Figures of each industry that a name with a score has at some grid date."""
    code_dn, names = sample.industry_dn
    code_dn = np.where(np.isfinite(sample.score_dn), code_dn, -1)
    present = np.unique(code_dn[code_dn >= 0])
    return {str(names[code]): _members(sample, label_dn, code_dn == code, lags) for code in present}


def _members(sample: Sample, label_dn: FloatArray, member_dn: BoolArray, lags: int) -> dict[str, Any]:
    # Most names never belong to an industry: their columns are left out for speed.
    some = member_dn.any(axis=0)
    score_dn = np.where(member_dn[:, some], sample.score_dn[:, some], np.nan)
    return _figures(sample, score_dn, label_dn[:, some], lags)


def _figures(sample: Sample, score_dn: FloatArray, label_dn: FloatArray, lags: int) -> dict[str, Any]:
    settings = sample.settings
    return Figures.of(score_dn, label_dn, settings.min_names, settings.layers).summary(lags)
