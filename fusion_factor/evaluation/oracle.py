"""A score against the best score there could be: simulated markets know the truth behind their prices."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.core.tables import check_table
from fusion_factor.evaluation.correlation import Correlations
from fusion_factor.evaluation.factor_evaluation import as_book
from fusion_factor.evaluation.prices import PriceBook
from fusion_factor.evaluation.sample import draw_sample
from fusion_factor.evaluation.settings import EvaluationSettings

KEY = ["date", "symbol"]


class OracleShare(NamedTuple):
    """Mean RankIC of score and oracle over the same dates and names, and their quotient; NaN where undefined."""

    share: float
    score: float
    oracle: float
    dates: int


def share_of_oracle(
    score: pd.DataFrame,
    oracle: pd.DataFrame,
    stock_prices: pd.DataFrame | PriceBook,
    sessions: Any = None,
    *,
    members: pd.DataFrame | None = None,
    industry: pd.DataFrame | None = None,
    caps: pd.DataFrame | None = None,
    **parameters: Any,
) -> OracleShare:
    """Mean RankIC of a score divided by the oracle's, on the dates and names that both have.

    Args:
        score, oracle: score tables (date, symbol, score).
        stock_prices, sessions, members, industry, caps: as for `evaluate`.
        parameters: as for `evaluate` (horizon, label, label_lag, grid, min_names, universe, neutralise, ...).

    Returns: OracleShare; the oracle has 1. A date counts when both have a RankIC.
    Raises: ConfigError, DataError as `evaluate` does.
    """
    settings = EvaluationSettings.of(parameters)
    book = as_book(stock_prices, sessions)
    tables = {"members": members, "industry": industry, "caps": caps}
    days = book.calendar.sessions
    ours, best = (check_table("scores", each, sessions=days).dropna() for each in (score, oracle))
    common = ours.merge(best, on=KEY, suffixes=("", "_oracle"))
    rank_ics = []
    for column in ("score", "score_oracle"):
        sample = draw_sample(common[KEY].assign(score=common[column]), book, settings, tables)
        label_dn, _ = sample.label(settings.horizon)
        rank_ics.append(Correlations.of(sample.score_dn, label_dn, settings.min_names).rank_ic_d)
    both = np.isfinite(rank_ics[0]) & np.isfinite(rank_ics[1])
    if not both.any():
        return OracleShare(math.nan, math.nan, math.nan, 0)
    means = [float(each[both].mean()) for each in rank_ics]
    return OracleShare(means[0] / means[1] if means[1] else math.nan, means[0], means[1], int(both.sum()))
