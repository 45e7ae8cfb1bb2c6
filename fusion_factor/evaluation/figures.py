"""The figures of one set of dates and names: the whole, a year, a third by size, an industry (SEMANTICS 8.5 to 8.9).

Legend: `_dn` is [D dates, N names], `_d` is [D].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.correlation import Correlations
from fusion_factor.evaluation.layers import Layers
from fusion_factor.evaluation.statistics import (
    difference_statistics,
    mean_of,
    monotonicity,
    number,
    series_statistics,
)


@dataclass(frozen=True, eq=False)
class Figures:
    """Correlations of all dates and layers of the counted ones."""

    correlations: Correlations
    layers: Layers

    @classmethod
    def of(cls, score_dn: FloatArray, label_dn: FloatArray, min_names: int, layer_count: int) -> "Figures":
        """Work out both from scores and labels, NaN where a name is not part of the set."""
        correlations = Correlations.of(score_dn, label_dn, min_names)
        counted_d = correlations.counted_d
        return cls(correlations, Layers.cut(score_dn[counted_d], label_dn[counted_d], layer_count))

    def summary(self, lags: int) -> dict[str, Any]:
        """The keys that the whole and every split have; `lags` are the Newey-West lags of the whole."""
        layer_mean = np.array([mean_of(each) for each in self.layers.return_dl.T])
        return {
            "dates": len(self.correlations.size_d),
            "counted": int(self.correlations.counted_d.sum()),
            "ic": series_statistics(self.correlations.ic_d, lags),
            "rank_ic": series_statistics(self.correlations.rank_ic_d, lags),
            "layer_mean": [number(each) for each in layer_mean],
            "layer_excess_mean": [number(mean_of(each)) for each in self.layers.excess_dl.T],
            "long_short": difference_statistics(self.layers.long_short_d),
            "monotonicity": number(monotonicity(layer_mean)),
        }
