"""`train`: fit every network on every fold with every seed, and score the sessions after each fold."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.training import FitSettings, FoldSettings, NetworkSettings
from fusion_factor.training.baselines import BaselineSettings, run_baselines
from fusion_factor.training.components import build
from fusion_factor.training.device import choose_device
from fusion_factor.training.executors import ExecutorSettings

if TYPE_CHECKING:
    from fusion_factor.training.fit import FitJob


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """The node `train.cluster`, for ray and slurm; see `ExecutorSettings`."""

    start: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    retries: int = 2


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """The node `train`: what, with which seeds, where."""

    folds: FoldSettings
    fit: FitSettings
    baselines: BaselineSettings
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    workers: int | None = None
    """Processes on the CPU; null: one a core."""
    device: str = "auto"
    checkpoints: str | None = None
    """A folder of weights: score with them, train nothing."""
    executor: str = "processes"
    """Where the fits run: processes | ray | slurm."""
    cluster: ClusterSettings = field(default_factory=ClusterSettings)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(f"train.seeds: {list(self.seeds)} must be different integers >= 0, at least one")
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"train.workers: {self.workers} must be >= 1 or null")
        self.executor_settings()
        if self.executor != "processes" and self.device == "auto":
            raise ConfigError(
                f"train.device: auto must be cpu or cuda with executor {self.executor}: machines may differ"
            )

    def executor_settings(self) -> ExecutorSettings:
        """The executor with its options."""
        return ExecutorSettings(self.executor, dict(self.cluster.start), dict(self.cluster.job), self.cluster.retries)


def train_settings(settings: Settings) -> TrainSettings:
    """The typed node `train`."""
    return typed(TrainSettings, settings.raw["train"])


def check(settings: Settings) -> None:
    """Refuse what `train` and `networks` must not hold."""
    train_settings(settings)
    network_settings(settings)


def work(
    settings: Settings,
    workspace: Workspace,
    folder: Path,
    *,
    on_fit: "Callable[[int, Sequence[FitJob]], None] | None" = None,
) -> Outcome:
    """Walk forward; with `train.checkpoints` only score, with the weights that lie there. `on_fit`: see `run`."""
    from fusion_factor.training import run  # Lightning takes seconds to load, and the daily commands fit nothing

    options = train_settings(settings)
    features = workspace.folder("features")
    device = options.device if options.executor != "processes" else choose_device(options.device)
    networks = usable_networks(settings, features)
    for network in networks:
        check_parts(network)
    seeds = [settings.seed + seed for seed in options.seeds]
    warnings: list[str] = []
    if networks or not options.baselines.kinds:
        warnings = run(
            features,
            networks,
            options.folds,
            options.fit,
            folder,
            seeds=seeds,
            workers=options.workers,
            device=device,
            checkpoints=options.checkpoints,
            executor=options.executor_settings(),
            on_fit=on_fit,
        )
        drop_other_weights(folder, seeds)
    run_baselines(FeatureSet.load(features, mmap=True), options.folds, options.fit, options.baselines, folder)
    rows = {"networks": len(networks), "seeds": len(options.seeds)}
    return Outcome(rows=rows, warnings=dict.fromkeys(warnings, 1), device=device)


def check_parts(network: NetworkSettings) -> None:
    """Build the network and its loss once, so that a value that they refuse ends here and not in every fit."""
    from torch import nn

    made = build(network.network, nn.Module)
    loss = build(network.loss, nn.Module)
    wanted, tasks = getattr(loss, "n_tasks", None), len(getattr(made, "tasks", ()))
    if wanted is not None and wanted != tasks:
        raise ConfigError(f"network {network.name}: loss.n_tasks is {wanted}, must be its number of tasks ({tasks})")


def drop_other_weights(folder: Path, seeds: Sequence[int]) -> None:
    """Remove the weights that a former run left and that belong to no fit of this one."""
    folds = json.loads((folder / "folds.json").read_text())
    for path in (folder / "checkpoints").glob("*/*.ckpt"):
        wanted = {f"fold{fold['fold']:02d}_seed{seed}" for fold in folds.get(path.parent.name, []) for seed in seeds}
        if path.stem not in wanted:
            path.unlink()


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
    rooms=(
        "core",
        "features/feature_set.py",
        "features/panel.py",
        "features/bars.py",
        "features/baseline.py",
        "networks",
        "training",
    ),
    check=check,
    work=work,
    content=("predictions/*.parquet", "folds.json", "history/*.csv"),
    resumes=True,
    reuses=("checkpoints",),
)
