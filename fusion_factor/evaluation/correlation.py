"""IC and RankIC of each date, decay over horizons, how long a score keeps its order (SEMANTICS 8.2, 8.4, 8.6).

Legend: `_dn` is [D dates, N names], `_d` is [D].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.cross_section import pearson, rank_correlation
from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.evaluation.statistics import mean_of


@dataclass(frozen=True, eq=False)
class Correlations:
    """Correlations of score and label.

    Attributes:
        size_d: names with score and label. counted_d: whether they are enough.
        ic_d, rank_ic_d: NaN where the date does not count or a side does not vary.
    """

    size_d: IntArray
    counted_d: np.ndarray[Any, np.dtype[np.bool_]]
    ic_d: FloatArray
    rank_ic_d: FloatArray

    @classmethod
    def of(cls, score_dn: FloatArray, label_dn: FloatArray, min_names: int) -> "Correlations":
        """Correlate every date that has at least `min_names` names with both."""
        size_d = joint_size(score_dn, label_dn)
        counted_d = size_d >= min_names
        ic_d, rank_ic_d = np.full(len(size_d), np.nan), np.full(len(size_d), np.nan)
        ic_d[counted_d] = pearson(score_dn[counted_d], label_dn[counted_d])
        rank_ic_d[counted_d] = rank_correlation(score_dn[counted_d], label_dn[counted_d])
        return cls(size_d, counted_d, ic_d, rank_ic_d)


def rank_ic(scores_tn: FloatArray, label_tn: FloatArray, *, min_names: int = 10) -> FloatArray:
    """RankIC of every session from wide arrays, without tables: [T, N] twice -> [T] float64.

    Args:
        scores_tn: scores known after the close of session t; NaN where a name has none.
        label_tn: labels, for example `core.labels.label(close_tn, "close", 5, lag=1)`; they look ahead.
        min_names: sessions with fewer names that have both get NaN, as do those where a side does not vary.

    >>> rank_ic(np.array([[1.0, 2.0, 3.0]]), np.array([[0.1, 0.3, 0.2]]), min_names=3)
    array([0.5])
    """
    enough = joint_size(scores_tn, label_tn) >= min_names
    return np.where(enough, rank_correlation(scores_tn, label_tn), np.nan)


def joint_size(a_dn: FloatArray, b_dn: FloatArray) -> IntArray:
    """Number of names that both sides have at each date."""
    return np.sum(np.isfinite(a_dn) & np.isfinite(b_dn), axis=1)


def mean_rank_correlation(a_dn: FloatArray, b_dn: FloatArray, min_names: int) -> float:
    """Mean over the dates with enough names of both sides' rank correlation; NaN if no date has one."""
    enough = joint_size(a_dn, b_dn) >= min_names
    return mean_of(rank_correlation(a_dn[enough], b_dn[enough]))


def autocorrelation(score_dn: FloatArray, min_names: int) -> float:
    """Mean rank correlation of the scores of consecutive dates over the names that both have."""
    return mean_rank_correlation(score_dn[1:], score_dn[:-1], min_names)
