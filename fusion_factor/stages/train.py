"""`train`: fit every network on every fold with every seed, and score the sessions after each fold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion_factor.features import FeatureSet
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.training import FitSettings, FoldSettings, NetworkSettings, run
from fusion_factor.training.device import choose_device


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Walk forward; with `train.checkpoints` only score, with the weights that lie there."""
    options = settings.raw["train"]
    features = workspace.folder("features")
    device = choose_device(options["device"])
    networks = usable_networks(settings, features)
    run(
        features,
        networks,
        typed(FoldSettings, options["folds"]),
        typed(FitSettings, options["fit"]),
        folder,
        seeds=seeds(settings),
        workers=options["workers"],
        device=device,
        checkpoints=options["checkpoints"],
    )
    return Outcome(rows={"networks": len(networks), "seeds": len(options["seeds"])}, device=device)


def seeds(settings: Settings) -> list[int]:
    """The seeds of the fits: those of `train.seeds`, moved by `seed`."""
    return [settings.seed + seed for seed in settings.raw["train"]["seeds"]]


def network_settings(settings: Settings) -> list[NetworkSettings]:
    """The typed networks of the config; a name set to null leaves that network out."""
    networks: Mapping[str, Any] = settings.raw["networks"]
    return [typed(NetworkSettings, value) for value in networks.values() if value is not None]


def usable_networks(settings: Settings, features: Path) -> list[NetworkSettings]:
    """The networks whose inputs the features hold: without intraday bars there is no high-frequency network."""
    feature_set = FeatureSet.load(features, mmap=True)
    return [each for each in network_settings(settings) if each.name != "hf" or feature_set.hf is not None]


STAGE = Stage(
    name="train",
    purpose="walk-forward training",
    artifact="train",
    needs=("features",),
    config=("train", "networks", "seed"),
    rooms=("core", "features/feature_set.py", "features/panel.py", "networks", "training"),
    work=work,
    content=("predictions/*.parquet", "folds.json", "history/*.csv"),
    resumes=True,
)
