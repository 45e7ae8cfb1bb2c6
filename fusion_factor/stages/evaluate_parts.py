"""The comparisons of the evaluate stage that are not one score each: seeds, and single factors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.evaluation import PriceBook, mean_rank_ic
from fusion_factor.features import FeatureSet, signed_factors
from fusion_factor.scores import ensemble
from fusion_factor.stages.scores import axes, read_predictions

Options = Mapping[str, Any]


def seed_table(
    train: Path, buyable_tn: np.ndarray, features: FeatureSet, book: PriceBook, options: Options, first: pd.Timestamp
) -> pd.DataFrame:
    """RankIC of every network by seed and of the mean over seeds: network, seed, rank_ic, count."""
    rows = []
    for network, table in read_predictions(train).items():
        seeds = sorted(table["seed"].unique())
        parts = {str(seed): table[table["seed"] == seed] for seed in seeds}
        for seed, part in {**parts, "ensemble": table}.items():
            score_tn = np.mean(list(ensemble(part, *axes(features)).values()), axis=0)
            rows.append({"network": network, "seed": seed, **_rank_ic(score_tn, buyable_tn, book, options, first)})
    return pd.DataFrame(rows)


def factor_table(
    buyable_tn: np.ndarray, features: FeatureSet, book: PriceBook, options: Options, first: pd.Timestamp
) -> pd.DataFrame:
    """RankIC of every intraday factor alone: its 20-session mean, times the published sign (METHOD 6.1)."""
    rows = []
    for name, sign, score_tn in signed_factors(features):
        rows.append({"factor": name, "sign": sign, **_rank_ic(score_tn, buyable_tn, book, options, first)})
    return pd.DataFrame(rows)


def _rank_ic(
    score_tn: np.ndarray, buyable_tn: np.ndarray, book: PriceBook, options: Options, first: pd.Timestamp
) -> dict[str, Any]:
    published = {**options["published"], "min_names": options["min_names"], "start": str(first.date())}
    return mean_rank_ic(np.where(buyable_tn, score_tn, np.nan), book, **published)
