"""Taking crowding out of a factor (SEMANTICS 10.2; METHOD 180 and 181 beside it).

Legend: `_dn` is [D grid dates, N industries]. Everything at a date is a function of closes and amounts up to it.
"""

from dataclasses import dataclass

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.cross_section import average_ranks, zscore
from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.sample import neutralised
from fusion_factor.industry.crowding import crowding, published_crowding
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.standardise import row_median

EXCLUSIONS = ("none", "drop", "zero", "penalise", "orthogonal")
"""Of SEMANTICS."""
FURTHER = ("long_side", "rank_residual")
"""Of METHOD 181, beside them."""
MEASURES = ("semantics", "published")

_LIMIT_SLACK = 1e-12


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """What is done about crowded industries in a factor.

    Attributes:
        mode: none; drop, no value where crowding is above `limit`; zero, the z-score over industries with 0 there;
            penalise, z-score less `penalty` times the z-score of crowding; orthogonal, least-squares residual on
            (1, crowding); long_side, the median of the date where crowded and above it; rank_residual, the residual of
            the factor's ranks on (1, crowding).
        limit: crowding above it is too much, in [0, 1]. lookback, min_values: as for the measure.
        measure: semantics, `crowding`; published, `published_crowding`, where also two of its four percentiles at or
            above `pair` make an industry crowded (and the mean at `limit` itself does).

    An industry without crowding keeps its value under drop, zero and long_side and has none under the other three.
    Source: SEMANTICS 10.2; METHOD 181.
    """

    mode: str = "none"
    limit: float = 0.8
    penalty: float = 1.0
    lookback: int = 250
    min_values: int = 60
    measure: str = "semantics"
    pair: float = 0.95

    def __post_init__(self) -> None:
        checks.one_of(*EXCLUSIONS, *FURTHER)("exclude_crowding", self.mode)
        checks.one_of(*MEASURES)("measure", self.measure)
        checks.share("crowding_limit", self.limit)
        checks.share("pair", self.pair)
        checks.number("penalty", self.penalty)

    def apply(self, factor_dn: FloatArray, data: IndustryData) -> FloatArray:
        """The factor after its crowded industries are dealt with. [D, N] -> [D, N]."""
        if self.mode == "none":
            return factor_dn
        crowding_dn, crowded_dn = self._crowding(data)
        if self.mode == "drop":
            return np.where(crowded_dn, np.nan, factor_dn)
        if self.mode == "zero":
            z_dn = zscore(factor_dn)
            return np.where(crowded_dn & np.isfinite(z_dn), 0.0, z_dn)
        if self.mode == "penalise":
            return zscore(factor_dn) - self.penalty * zscore(crowding_dn)
        if self.mode == "long_side":
            return np.where(crowded_dn, np.minimum(factor_dn, row_median(factor_dn)), factor_dn)
        return neutralised(average_ranks(factor_dn) if self.mode == "rank_residual" else factor_dn, None, crowding_dn)

    def _crowding(self, data: IndustryData) -> tuple[FloatArray, np.ndarray]:
        """Crowding, and whether it is too much."""
        if self.measure == "published":
            found = published_crowding(data, lookback=self.lookback, min_values=self.min_values)
            many = (found.percentiles_kdn >= self.pair).sum(axis=0) >= 2
            return found.mean_dn, (found.mean_dn >= self.limit) | many
        crowding_dn = crowding(data, lookback=self.lookback, min_values=self.min_values)
        return crowding_dn, crowding_dn > self.limit + _LIMIT_SLACK
