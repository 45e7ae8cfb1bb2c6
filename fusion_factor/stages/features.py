"""`features`: the market's bars to panels, masks and labels."""

import logging
from pathlib import Path

from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.build import SESSIONS
from fusion_factor.market.checks import check_market
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace

log = logging.getLogger("fusion_factor")


def feature_config(settings: Settings) -> FeatureConfig:
    """The typed node `features`."""
    return typed(FeatureConfig, settings.raw["features"])


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Check the market, then build its feature set; finished sessions of an interrupted run are kept."""
    market = market_of(settings, workspace)
    found = check_market(market)
    for warning in found:
        log.warning("%s", warning)
    features = build(market, feature_config(settings), folder, check=False)
    sessions, names = features.has_lf.shape
    rows = {"sessions": sessions, "symbols": names, "labelled": int(features.has_label.sum())}
    return Outcome(rows=rows, warnings=dict.fromkeys(found, 1))


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
    reuses=(SESSIONS,),
)
