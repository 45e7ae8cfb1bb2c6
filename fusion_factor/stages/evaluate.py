"""`evaluate`: is each score any good, and how do networks, seeds and single factors compare."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError
from fusion_factor.evaluation import (
    FactorEvaluation,
    PriceBook,
    evaluate,
    figure_intervals,
    share_of_oracle,
    top_monthly_hit,
)
from fusion_factor.features import FeatureSet
from fusion_factor.scores import read_scores
from fusion_factor.stages.evaluate_options import EvaluateOptions
from fusion_factor.stages.evaluate_parts import factor_table, seed_table
from fusion_factor.stages.evaluate_readings import FusedScore
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace

COMPONENTS = {"fused": "score", "fused_neutral": "score_neutral", "hf": "hf", "lf": "lf"}
PUBLISHED = "published"
ORACLES_LABEL = "trained"
"""The return whose expectation the oracle of a simulated market is; of another one it is no upper bound."""


def check(settings: Settings) -> EvaluateOptions:
    """Refuse what `evaluate` must not hold."""
    return EvaluateOptions.of(settings.raw["evaluate"])


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Evaluate every score against both labels; write one folder a score, the comparisons, intervals and readings."""
    options = check(settings)
    features = FeatureSet.load(workspace.folder("features"), mmap=True)
    market = market_of(settings, workspace)
    tables = score_tables(workspace.folder("scores"))
    first = tables["fused"]["date"].min()
    buyable = tradable(features)
    tables = {name: keep_tradable(name, table, features, buyable) for name, table in tables.items()}
    book = PriceBook.of(market.table("stock_prices"), market.sessions)
    fused = FusedScore(tables["fused"], book, market, partial(on_grid, features.sessions))
    start = str(first.date())
    readings, left_out = fused.readings(options, start, summary)
    rows, intervals = [], []
    for label, chosen in options.labels.items():
        params = {**chosen, "start": start}
        grid = {name: on_grid(features.sessions, table, params) for name, table in tables.items()}
        results = {name: evaluate(table, book, **params) for name, table in grid.items()}
        if label == PUBLISHED:
            results["fused"] = fused.detailed(params, options)
            for name, result in results.items():
                write_evaluation(folder / name, result)
        for name, result in results.items():
            words = {"target": result.settings.words, "rhythm": result.settings.rhythm}
            row = {"score": name, "label": label, **words, **summary(result), "share_of_oracle": None}
            if label == ORACLES_LABEL and "oracle" in tables:
                row["share_of_oracle"] = share_of_oracle(grid[name], grid["oracle"], book, **params).share
            rows.append(row)
            ends = figure_intervals(result, **options.intervals)
            intervals.append(ends.assign(score=name, label=label)[["score", "label", *ends.columns]])
    pd.DataFrame(rows).to_csv(folder / "summary.csv", index=False)
    pd.concat(intervals).to_csv(folder / "intervals.csv", index=False)
    readings.to_csv(folder / "readings.csv", index=False)
    prepared = (features, book, options.labels[PUBLISHED], first)
    seed_table(workspace.folder("train"), buyable, *prepared).to_csv(folder / "seeds.csv", index=False)
    if features.hf is not None:
        factor_table(buyable, *prepared).to_csv(folder / "factors.csv", index=False)
    return Outcome(rows={"scores": len(tables), "readings": len(readings)}, warnings=left_out)


def score_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Every score to judge, as date, symbol, score: the fused one, its parts, and the others."""
    fused = read_scores(folder / "scores.parquet")
    wanted = COMPONENTS | {name: name for name in fused.columns if name.startswith("lf_")}
    keys = ["date", "symbol"]
    tables = {
        name: fused[[*keys, column]].rename(columns={column: "score"}).dropna()
        for name, column in wanted.items()
        if column in fused
    }
    others = {path.stem: read_scores(path)[[*keys, "score"]] for path in sorted((folder / "others").glob("*.parquet"))}
    return tables | others


def tradable(features: FeatureSet) -> np.ndarray:
    """bool [T, N]: in the universe at t and to be had at t + 1 (METHOD item 1); for tests only, it looks ahead."""
    return np.asarray(features.can_buy)


def keep_tradable(name: str, table: pd.DataFrame, features: FeatureSet, buyable_tn: np.ndarray) -> pd.DataFrame:
    """The rows of names that can be bought on the next session. Raises DataError for a date that is no session."""
    days = table["date"].to_numpy().astype("datetime64[D]")
    strange = days[~np.isin(days, features.sessions)]
    if len(strange):
        raise DataError(f"scores {name}: date {strange[0]} is not a session of the market")
    t = np.searchsorted(features.sessions, days)
    n = pd.Index(features.symbols).get_indexer(table["symbol"])
    return table[(n >= 0) & buyable_tn[t, np.maximum(n, 0)]]


def on_grid(sessions: np.ndarray, table: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of the dates that an `every_n` grid looks at: no figure depends on the others, and they are most."""
    if params.get("grid") != "every_n":
        return table
    start = np.searchsorted(sessions, np.datetime64(params["start"], "D"))
    dates = sessions[start + params.get("phase", 0) :: params.get("n", 5)]
    return table[np.isin(table["date"].to_numpy().astype("datetime64[D]"), dates)]


def summary(result: FactorEvaluation) -> dict[str, Any]:
    """One line of the comparison."""
    metrics: Mapping[str, Any] = result.metrics
    rank_ic = metrics["rank_ic"]
    return {
        "rank_ic": rank_ic["mean"],
        "rank_ic_std": rank_ic["std"],
        "icir": rank_ic["ir"],
        **{key: rank_ic[key] for key in ("positive", "t", "nw_t", "count")},
        "names": result.ic["n"][result.ic["rank_ic"].notna()].mean(),
        "ic": metrics["ic"]["mean"],
        "coverage": metrics["coverage"],
        "top_excess_annual": metrics["top_excess_annual"],
        "top_turnover": metrics["top_turnover"],
        "top_month_hit": top_monthly_hit(result),
        "long_short_mean": metrics["long_short"]["mean"],
    }


def write_evaluation(folder: Path, result: FactorEvaluation) -> None:
    """The three files of one evaluation."""
    folder.mkdir(parents=True)
    result.ic.to_csv(folder / "ic.csv", index=False, date_format="%Y-%m-%d")
    result.layers.to_csv(folder / "layers.csv", index=False, date_format="%Y-%m-%d")
    write_file(folder / "metrics.json", json.dumps(result.metrics, indent=1) + "\n")


STAGE = Stage(
    name="evaluate",
    purpose="judging the scores",
    artifact="evaluate",
    needs=("market", "features", "train", "scores"),
    config=("evaluate", "data", "networks"),
    rooms=(
        *("core", "market", "evaluation", "features", "scores"),
        *(
            f"stages/{name}.py"
            for name in ("evaluate_options", "evaluate_parts", "evaluate_readings", "markets", "scores")
        ),
    ),
    check=check,
    work=work,
    content=("*.csv", "*/*.csv", "*/*.json"),
)
