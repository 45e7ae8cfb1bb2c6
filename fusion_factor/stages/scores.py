"""`scores`: the fused score table, and beside it the scores of methods that need no network."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.spells import governing
from fusion_factor.core.tables import dense
from fusion_factor.features import FeatureSet, signed_mean
from fusion_factor.features.bars import adjustment
from fusion_factor.market.store import Market
from fusion_factor.scores import (
    FORMS,
    FusionConfig,
    ensemble,
    export,
    fuse,
    neutral,
    read_scores,
    reversal,
    score_table,
    write_scores,
)
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace

log = logging.getLogger("fusion_factor")

Wide = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ScoresSettings:
    """The node `scores`."""

    fuse: FusionConfig = field(default_factory=FusionConfig)
    reversal_sessions: int = 20
    """Window of the reversal baseline."""
    forms: list[str] = field(default_factory=lambda: ["parquet"])
    own: dict[str, str] = field(default_factory=dict)
    """Further score tables to judge beside ours, name to path."""

    def __post_init__(self) -> None:
        if self.reversal_sessions < 1:
            raise ConfigError(f"scores.reversal_sessions: {self.reversal_sessions} must be >= 1")
        for form in self.forms:
            if form not in FORMS:
                raise ConfigError(f"scores.forms: {form!r} is not one of {', '.join(FORMS)}")
        for name, path in self.own.items():
            if not Path(path).is_file():
                raise ConfigError(f"scores.own.{name}: there is no file {path}")


def scores_settings(settings: Settings) -> ScoresSettings:
    """The typed node `scores`."""
    return typed(ScoresSettings, settings.raw["scores"])


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Fuse the predictions; write `scores.parquet` (and other forms) and `others/<name>.parquet`."""
    options = scores_settings(settings)
    features = FeatureSet.load(workspace.folder("features"), mmap=True)
    market = market_of(settings, workspace)
    predictions = read_predictions(workspace.folder("train"))
    columns, warnings = fused_columns(predictions, features, options.fuse)
    columns["score_neutral"] = neutral(columns["score"], *regressors(market), mad_k=options.fuse.mad_k)
    table = score_table(columns | {"fold": folds_tn(predictions, columns["score"], features)}, *axes(features))
    export(table, folder, ["parquet", *(form for form in options.forms if form != "parquet")])
    scored_t = np.asarray(np.isfinite(columns["score"]).any(axis=1))
    (folder / "others").mkdir()
    others = other_scores(predictions, features, market, options, scored_t)
    for name, score_tn in others.items():
        write_scores(score_table({"score": score_tn}, *axes(features)), folder / "others" / f"{name}.parquet")
    for name, path in options.own.items():
        write_scores(read_scores(path), folder / "others" / f"{name}.parquet")
    return Outcome(rows={"scores": len(table), "others": len(others) + len(options.own)}, warnings=warnings)


def axes(features: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
    """Sessions and symbols of every wide array here."""
    return features.sessions, features.symbols


def read_predictions(folder: Path) -> dict[str, pd.DataFrame]:
    """The prediction tables of the train artifact by network or baseline."""
    return {path.stem: pd.read_parquet(path) for path in sorted((folder / "predictions").glob("*.parquet"))}


def fused_columns(
    predictions: Mapping[str, pd.DataFrame], features: FeatureSet, config: FusionConfig
) -> tuple[Wide, dict[str, int]]:
    """The columns of the score table from the networks `hf` and `lf`, and what there is to warn of."""
    parts = {
        name: ensemble(predictions[name], *axes(features), mix=config.mix)
        for name in ("hf", "lf")
        if name in predictions
    }
    lf = parts.get("lf", {})
    columns = fuse(parts.get("hf", {}).get("hf"), lf, config) | lf
    warnings = {}
    if "hf" in columns and lf:
        alone = int((np.isfinite(columns["hf"]) & ~np.isfinite(columns["score"])).sum())
        warnings = {"names with hf and no lf, left without a score": alone} if alone else {}
    return columns, warnings


def folds_tn(predictions: Mapping[str, pd.DataFrame], score_tn: np.ndarray, features: FeatureSet) -> np.ndarray:
    """The fold that scored each session, repeated over the names [T, N]."""
    main = predictions["lf" if "lf" in predictions else "hf"]
    by_date = main.drop_duplicates("date").set_index("date")["fold"]
    fold_t = by_date.reindex(pd.DatetimeIndex(features.sessions)).fillna(-1).to_numpy(np.int64)
    return np.broadcast_to(fold_t[:, None], score_tn.shape)


def regressors(market: Market) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Industry codes (-1 none) and ln(cap) [T, N] as known on each session, None where the market has no such table."""
    industry = log_cap = None
    if market.has("industry"):
        industry, _ = governing(market.table("industry"), "industry", market.sessions, market.symbols)
    if market.caps_tn is not None:
        log_cap = np.log(market.caps_tn)
    return industry, log_cap


def other_scores(
    predictions: Mapping[str, pd.DataFrame],
    features: FeatureSet,
    market: Market,
    options: ScoresSettings,
    scored_t: np.ndarray,
) -> Wide:
    """Baselines on the sessions that the networks score: reversal, the equal-weighted factors, fitted plain methods."""
    close_tn = market.dense("close") * adjustment(market)
    window = options.reversal_sessions
    found = {f"reversal{window}": reversal(close_tn, features.has_lf, window=window)}
    if features.hf is not None:
        found["ew27"] = signed_mean(features)
    for name, table in predictions.items():
        if name not in ("hf", "lf"):
            found[name] = np.mean(list(ensemble(table, *axes(features)).values()), axis=0)
    if market.truth is not None:
        found["oracle"] = dense(market.truth, "score", *axes(features))
    return {name: np.where(scored_t[:, None], score_tn, np.nan) for name, score_tn in found.items()}


STAGE = Stage(
    name="scores",
    purpose="fusing the networks' outputs into one score",
    artifact="scores",
    needs=("market", "features", "train"),
    config=("scores", "data", "networks"),
    rooms=("core", "market", "features", "scores"),
    check=scores_settings,
    work=work,
    content=("*.parquet", "others/*.parquet"),
)
