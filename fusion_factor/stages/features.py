"""`features`: the market's bars to panels, masks and labels."""

import logging
from pathlib import Path
from typing import Any

from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.build import SESSIONS
from fusion_factor.market.checks import check_market
from fusion_factor.stages.feature_jobs import fill_elsewhere
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.training.executors import ExecutorSettings

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
    config = feature_config(settings)
    if config.executor != "threads" and market.bar_minutes is not None:
        fill_elsewhere(
            data_of(settings, workspace), config, folder, ExecutorSettings(config.executor, **config.cluster)
        )
    features = build(market, config, folder, check=False)
    sessions, names = features.has_lf.shape
    rows = {"sessions": sessions, "symbols": names, "labelled": int(features.has_label.sum())}
    return Outcome(rows=rows, warnings=dict.fromkeys(found, 1))


def data_of(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """What `open_market` takes for this market in any process."""
    if settings.data["kind"] == "simulated":
        return {"kind": "simulated", "folder": str(workspace.folder("market").resolve())}
    return dict(settings.data)


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
