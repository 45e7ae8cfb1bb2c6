"""`scores`: the fused score table, and beside it the scores of methods that need no network."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    neutral,
    read_scores,
    reversal,
    score_table,
    write_scores,
    write_weights,
)
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.scores_fusion import TEXT, Fusion, check_parts, network_names, read_predictions
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.stages.text_settings import text_enabled

log = logging.getLogger("fusion_factor")

Wide = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ScoresSettings:
    """The node `scores`."""

    fuse: FusionConfig = field(default_factory=FusionConfig)
    reversal_sessions: int = 20
    """Window of the reversal baseline."""
    forms: list[str] = field(default_factory=lambda: ["parquet"])
    also: list[str] = field(default_factory=list)
    """Further methods of `fuse` to weight the same parts by, to judge beside: others/fused_<method>.parquet."""
    own: dict[str, str] = field(default_factory=dict)
    """Further score tables to judge beside ours, name to path."""

    def __post_init__(self) -> None:
        if self.reversal_sessions < 1:
            raise ConfigError(f"scores.reversal_sessions: {self.reversal_sessions} must be >= 1")
        for form in self.forms:
            if form not in FORMS:
                raise ConfigError(f"scores.forms: {form!r} is not one of {', '.join(FORMS)}")
        for method in self.also:
            replace(self.fuse, method=method)  # refuses what it must not hold
        if len(set(self.also)) != len(self.also):
            raise ConfigError(f"scores.also: {list(self.also)} must be different methods")
        for name, path in self.own.items():
            if not Path(path).is_file():
                raise ConfigError(f"scores.own.{name}: there is no file {path}")


def scores_settings(settings: Settings) -> ScoresSettings:
    """The typed node `scores`."""
    return typed(ScoresSettings, settings.raw["scores"])


def check(settings: Settings) -> None:
    """Refuse what `scores` must not hold, and parts that no network, task or plain method is called."""
    options = scores_settings(settings)
    check_parts(options.fuse, settings)


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Fuse the predictions; write `scores.parquet` (and other forms), `weights.parquet`, `others/<name>.parquet`."""
    options = scores_settings(settings)
    features = FeatureSet.load(workspace.folder("features"), mmap=True)
    market = market_of(settings, workspace)
    predictions = read_predictions(workspace.folder("train"))
    further = text_part(workspace, features) if settings.raw["text"]["enabled"] else {}
    fusion = Fusion.of(predictions, features, options.fuse, network_names(settings), further)
    fused = fusion.weighted(options.fuse)
    columns = fusion.columns | {"score": fused.score_tn} | fusion.tasks
    columns["score_neutral"] = neutral(fused.score_tn, *regressors(market), mad_k=options.fuse.mad_k)
    table = score_table(columns | {"fold": fusion.folds_tn}, *axes(features))
    export(table, folder, ["parquet", *(form for form in options.forms if form != "parquet")])
    scored_t = np.asarray(np.isfinite(fused.score_tn).any(axis=1))
    alike = {method: fusion.weighted(replace(options.fuse, method=method)) for method in options.also}
    tables = [each.weights.table(features.sessions, scored_t) for each in (fused, *alike.values())]
    write_weights(pd.concat(tables), folder / "weights.parquet")
    (folder / "others").mkdir()
    others = {f"fused_{method}": each.score_tn for method, each in alike.items()}
    others |= other_scores(predictions, features, market, options, scored_t) | further
    for name, score_tn in others.items():
        write_scores(score_table({"score": score_tn}, *axes(features)), folder / "others" / f"{name}.parquet")
    for name, path in options.own.items():
        write_scores(read_scores(path), folder / "others" / f"{name}.parquet")
    return Outcome(
        rows={"scores": len(table), "others": len(others) + len(options.own)},
        warnings=fusion.warnings(fused.score_tn),
        about={"fusion": fusion.described(options.fuse, fused, scored_t)},
    )


def text_part(workspace: Workspace, features: FeatureSet) -> Wide:
    """The text factor on the features' sessions and symbols, as it is: NaN where a stock has no report."""
    table = read_scores(workspace.folder("text") / "text.parquet")
    known = table[table["date"].isin(features.sessions.astype("datetime64[s]"))]
    return {TEXT: dense(known, "score", *axes(features))}


def axes(features: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
    """Sessions and symbols of every wide array here."""
    return features.sessions, features.symbols


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
    rooms=("core", "market", "features", "scores", "stages/scores_fusion.py"),
    check=check,
    work=work,
    content=("*.parquet", "others/*.parquet"),
    needs_by=lambda settings: ("text",) if text_enabled(settings) else (),
)
