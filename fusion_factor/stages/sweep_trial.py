"""One trial of a sweep: the stages features and train under its settings, judged on validation sessions alone."""

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import hash_of, read_manifest
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features import FeatureSet
from fusion_factor.stages import features, train
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Workspace, run_stage
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.fit import FitJob
from fusion_factor.training.sweep import Trial, TrialResult
from fusion_factor.training.validation import (
    FitFigure,
    figure_of,
    mean_rank_ic,
    rank_ic_by_network,
    spread_over,
    validation_series,
)

log = logging.getLogger("fusion_factor.sweep")

SERIES = "validation.csv"
TRAINING_NODES = ("data", "features", "train", "networks", "seed")
"""What the objective depends on."""
PLACES = ("workers", "device", "executor", "cluster")
"""What of `train` says where it runs, not what."""


@dataclass(frozen=True)
class Plan:
    """What all trials have in common, as a parcel for other processes.

    words     the overrides that the command was given; a trial's own come after them.
    networks  those that are trained and judged; None: all that are configured.
    compose   from overrides to settings; a function that can be imported.
    """

    folder: Path
    root: Path
    words: tuple[str, ...]
    networks: tuple[str, ...] | None
    test_from: str | None
    train_workers: int | None
    compose: Callable[[Sequence[str]], Settings]

    def settings(self, overrides: Sequence[str] = ()) -> Settings:
        """The settings of a trial, before its last session is known."""
        return chosen_parts(self.compose([*self.words, *overrides]), self.networks, self.train_workers)


def chosen_parts(settings: Settings, networks: Sequence[str] | None, workers: int | None) -> Settings:
    """Settings with the networks that count, without baselines, which no trial is judged by."""
    raw: dict[str, Any] = deepcopy(dict(settings.raw))
    raw["train"]["baselines"]["kinds"] = []
    if workers is not None:
        raw["train"]["workers"] = workers
    if networks is not None:
        raw["networks"] = {name: value if name in networks else None for name, value in raw["networks"].items()}
    return replace(settings, raw=raw)


def before_test(settings: Settings, sessions: Any, test_from: str | None) -> Settings:
    """Settings whose last fold is the last one that is fitted and validated before the test segment.

    The test segment begins at `test_from`, or else where each network's first fold is first used. A fold that is first
    used on its first session knows no price from there on, neither in training nor in validation.
    Raises ConfigError when no fold is left or the segment begins after the last session.
    """
    raw: dict[str, Any] = deepcopy(dict(settings.raw))
    options = train.train_settings(settings)
    for network in train.network_settings(settings):
        folds = network.own_folds(options.folds)
        begins = test_from or folds.first_use
        if begins < folds.first_use:
            raise ConfigError(
                f"sweep.test_from: {begins} is before {folds.first_use}, the first use of network {network.name}; no "
                f"fold would be left (an earlier train.folds.first_use gives some)"
            )
        place = int(np.searchsorted(sessions, np.datetime64(begins, "D")))
        if place == len(sessions):
            raise ConfigError(f"sweep.test_from: {begins} is after the last session {sessions[-1]}")
        last = min(str(sessions[place]), folds.end or "9999-12-31")
        own = next(value for value in raw["networks"].values() if value is not None and value["name"] == network.name)
        own["folds"] = {**own.get("folds", {}), "end": last}
    return replace(settings, raw=raw)


def config_hash(settings: Settings) -> str:
    """Hash of everything that the objective depends on; how many processes work, and where, does not count."""
    nodes = deepcopy({name: settings.raw[name] for name in TRAINING_NODES})
    for name in PLACES:
        nodes["train"].pop(name, None)
    for place in PLACES:
        nodes["features"].pop(place, None)
    return hash_of(nodes)


def features_for(plan: Plan, settings: Settings, lock: Callable[[Path], Any]) -> Path:
    """The features artifact of a trial: the common one, or, where the trial changes features, one of its own kind.

    Trials with the same features share them; `lock` keeps two processes from making the same.
    """
    base = plan.settings()
    if settings.raw["features"] == base.raw["features"]:
        return Workspace(plan.root).folder("features")
    own = plan.folder / "features" / hash_of(settings.raw["features"])[:8]
    own.mkdir(parents=True, exist_ok=True)
    with lock(own / "lock"):
        return run_stage(features.STAGE, settings, Workspace(plan.root, own))


def run_trial(plan: Plan, lock: Callable[[Path], Any], trial: Trial) -> TrialResult:
    """Train what the trial drew, and its mean validation RankIC.

    The folder is `trials/NUMBER-HASH`, so that the same trial begun again finds what it has finished.
    """
    settings = plan.settings(trial.overrides)
    place = features_for(plan, settings, lock)
    sessions = FeatureSet.load(place, mmap=True).sessions
    settings = before_test(settings, sessions, plan.test_from)
    mark = config_hash(settings)[:8]
    workspace = Workspace(plan.folder / "trials" / f"{trial.number:04d}-{mark}")
    workspace.choose("features", place)
    trial.describe({"config_hash": mark, "folder": os.path.relpath(workspace.root, plan.folder)})
    log.info("trial %d: %s", trial.number, " ".join(trial.overrides))
    stage = replace(train.STAGE, work=partial(_work, pool=plan.folder / "fits", trial=trial))
    folder = run_stage(stage, settings, workspace)
    figures = figures_in(folder)
    check_before_test(figures, settings, sessions, plan.test_from)
    manifest = read_manifest(folder) or {}
    return TrialResult(
        mean_rank_ic(figures),
        {
            "fits": len(figures),
            "epochs": sum(figure.epochs for figure in figures),
            "networks": rank_ic_by_network(figures),
            "seed_std": spread_over("seed", figures),
            "fold_std": spread_over("fold", figures),
            "valid": sorted({f"{each.network} {each.fold} {each.valid}" for each in figures}),
            "label_until": max(figure.label_until for figure in figures),
            "code": manifest.get("code"),
        },
    )


def figures_in(folder: Path) -> list[FitFigure]:
    """The figures of all fits of a train artifact. Raises DataError when there is none."""
    paths = sorted((folder / "checkpoints").glob("*/*.ckpt"))
    if not paths:
        raise DataError(f"{folder}: holds no fits")
    return [figure_of(Checkpoint.read(path).about) for path in paths]


def check_before_test(figures: Sequence[FitFigure], settings: Settings, sessions: Any, test_from: str | None) -> None:
    """Raise DataError when a fit's validation has seen a price of the test segment."""
    options = train.train_settings(settings)
    by_name = {network.name: network for network in train.network_settings(settings)}
    for figure in figures:
        begins = test_from or by_name[figure.network].own_folds(options.folds).first_use
        first = sessions[min(int(np.searchsorted(sessions, np.datetime64(begins, "D"))), len(sessions) - 1)]
        if not np.datetime64(figure.label_until, "D") < first:
            raise DataError(
                f"network {figure.network} fold {figure.fold}: validation labels reach to {figure.label_until}, into "
                f"the test segment from {first}"
            )


def _work(settings: Settings, workspace: Workspace, folder: Path, *, pool: Path, trial: Trial) -> Outcome:
    """The work of the stage train, with fits shared between trials and the trial's objective told as it grows."""
    content = (read_manifest(workspace.folder("features")) or {}).get("content")
    fit = settings.raw["train"]["fit"]
    shared = {
        network.name: pool / hash_of([network.as_dict(), {**fit, **network.fit}, content])
        for network in train.network_settings(settings)
    }
    _borrow(shared, folder)
    done: dict[int, FitFigure] = {}
    jobs_seen: list[FitJob] = []
    told = 0

    def on_fit(index: int, jobs: Sequence[FitJob]) -> None:
        nonlocal told
        jobs_seen[:] = jobs
        done[index] = figure_of(Checkpoint.read(jobs[index].checkpoint).about)
        _lend(jobs[index].checkpoint, shared[jobs[index].network.name])
        # Always the same fits in the same order, whichever ends first: trials are compared like with like.
        while told in done:
            told += 1
            trial.report(told, mean_rank_ic([done[k] for k in range(told)]), last=told == len(jobs))

    outcome = train.work(settings, workspace, folder, on_fit=on_fit)
    _write_series(validation_series(jobs_seen), folder / SERIES)
    return outcome


def _write_series(series: pd.DataFrame, target: Path) -> None:
    series.to_csv(target, index=False, lineterminator="\n")


def _borrow(shared: Mapping[str, Path], folder: Path) -> None:
    """Link fits of other trials with the same network and fit settings; `fit` looks whether they are what it wants."""
    for name, place in shared.items():
        for path in sorted(place.glob("*.ckpt")):
            target = folder / "checkpoints" / name / path.name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(path, target)


def _lend(checkpoint: Path, place: Path) -> None:
    target = place / checkpoint.name
    if not (target.exists() and target.samefile(checkpoint)):
        place.mkdir(parents=True, exist_ok=True)
        _link(checkpoint, target)


def _link(path: Path, target: Path) -> None:
    """A hard link under a name that appears at once, or a copy where links are not to be had."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(path, temporary)
    except OSError:
        shutil.copyfile(path, temporary)
    temporary.replace(target)
