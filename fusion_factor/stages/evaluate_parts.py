"""The comparisons of the evaluate stage that are not one score each: seeds, and single factors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.labels import label
from fusion_factor.evaluation import PriceBook, rank_ic
from fusion_factor.features import FeatureSet, signed_factors
from fusion_factor.scores import ensemble
from fusion_factor.stages.scores import axes, read_predictions

Params = Mapping[str, Any]


def seed_table(
    train: Path, buyable_tn: np.ndarray, features: FeatureSet, book: PriceBook, published: Params, first: pd.Timestamp
) -> pd.DataFrame:
    """RankIC of every network by seed and of the mean over seeds: network, seed, rank_ic, count."""
    rows = []
    for network, table in read_predictions(train).items():
        seeds = sorted(table["seed"].unique())
        parts = {str(seed): table[table["seed"] == seed] for seed in seeds}
        for seed, part in {**parts, "ensemble": table}.items():
            score_tn = np.mean(list(ensemble(part, *axes(features)).values()), axis=0)
            rows.append({"network": network, "seed": seed, **_rank_ic(score_tn, buyable_tn, book, published, first)})
    return pd.DataFrame(rows)


def factor_table(
    buyable_tn: np.ndarray, features: FeatureSet, book: PriceBook, published: Params, first: pd.Timestamp
) -> pd.DataFrame:
    """RankIC of every intraday factor alone: its 20-session mean, times the published sign (METHOD 6.1)."""
    rows = []
    for name, sign, score_tn in signed_factors(features):
        rows.append({"factor": name, "sign": sign, **_rank_ic(score_tn, buyable_tn, book, published, first)})
    return pd.DataFrame(rows)


def _rank_ic(
    score_tn: np.ndarray, buyable_tn: np.ndarray, book: PriceBook, published: Params, first: pd.Timestamp
) -> dict[str, Any]:
    """Mean RankIC on the published grid: every n sessions from the first scored one."""
    start = book.calendar.position(first)
    label_tn = label(
        book.adjusted(published["label"]), published["label"], published["horizon"], lag=published["label_lag"]
    )
    grid_d = np.arange(start, len(label_tn), published["n"])
    score_dn = np.where(buyable_tn, score_tn, np.nan)[grid_d]
    values = rank_ic(score_dn, label_tn[grid_d], min_names=published["min_names"])
    values = values[np.isfinite(values)]
    mean, std = (float(values.mean()), float(values.std(ddof=1))) if len(values) > 1 else (np.nan, np.nan)
    return {"rank_ic": mean, "icir": mean / std if std else np.nan, "count": len(values)}
