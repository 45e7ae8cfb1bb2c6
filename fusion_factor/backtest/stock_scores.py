"""The stock scores in use at each signal session: how old one may be, and on which scale they are compared.

Legend: t session, s signal, m symbol with a score somewhere. NaN: no score.
"""

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import average_ranks, zscore
from fusion_factor.core.tables import dense

__all__ = ["StockScores", "transform"]


class StockScores:
    """Checked `scores` as a wide array [T, M], made once."""

    def __init__(self, scores: pd.DataFrame, sessions: np.ndarray) -> None:
        self.symbols = np.array(sorted(scores["symbol"].unique()), object)
        self._score_tm = dense(scores, "score", sessions, self.symbols)

    def in_use(self, signals: np.ndarray, max_age: int = 0) -> np.ndarray:
        """Scores [S, M] used at signals: the one dated s, else the latest of the last `max_age` sessions before s.

        Nothing dated after the signal is read.
        """
        score_sm = self._score_tm[signals]
        if max_age == 0 or not score_sm.size:
            return score_sm
        last_sm = self._last_tm()[signals]
        oldest = signals[:, None] - min(max_age, len(self._score_tm))
        recent = (last_sm >= 0) & (last_sm >= oldest)
        carried = np.take_along_axis(self._score_tm, np.maximum(last_sm, 0), axis=0)
        return np.where(recent, carried, np.nan)

    def _last_tm(self) -> np.ndarray:
        """Session of the latest score up to each session; -1 before the first."""
        positions = np.arange(len(self._score_tm))[:, None]
        return np.maximum.accumulate(np.where(np.isnan(self._score_tm), -1, positions), axis=0)


def transform(score_sm: np.ndarray, kind: str) -> np.ndarray:
    """Scores on the scale of `score_transform`, over all symbols with a score at the signal.

    none: as they are. rank: (r - 0.5) / n with average rank r, 1 the lowest. zscore: (x - mean) / std, ddof 0.
    """
    if kind == "none" or not score_sm.size:
        return score_sm
    if kind == "zscore":
        return zscore(score_sm)
    count = (~np.isnan(score_sm)).sum(axis=1, keepdims=True)
    return (average_ranks(score_sm) - 0.5) / np.maximum(count, 1)
