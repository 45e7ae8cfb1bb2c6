"""`features`: the market's bars to panels, masks and labels."""

from pathlib import Path

from fusion_factor.features import FeatureConfig, build
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace


def feature_config(settings: Settings) -> FeatureConfig:
    """The typed node `features`."""
    return typed(FeatureConfig, settings.raw["features"])


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Check the market, then build its feature set; finished sessions of an interrupted run are kept."""
    features = build(market_of(settings, workspace), feature_config(settings), folder)
    sessions, names = features.has_lf.shape
    return Outcome(rows={"sessions": sessions, "symbols": names, "labelled": int(features.has_label.sum())})


STAGE = Stage(
    name="features",
    purpose="bars to features",
    artifact="features",
    needs=("market",),
    config=("features", "data"),
    rooms=("core", "market", "features"),
    check=feature_config,
    work=work,
    content=("**/*.npy", "*.json", "*/*.json"),
    resumes=True,
)
