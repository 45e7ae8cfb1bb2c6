"""Every network on every fold with every seed, in parallel and restartable, and the tables that come of it."""

import csv
import itertools
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import ConfigError, FusionFactorError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import build
from fusion_factor.training.device import check_device, choose_device, exact_arithmetic, spread
from fusion_factor.training.executors import ExecutorSettings, Outcome, Report, run_jobs
from fusion_factor.training.fit import FitJob, FitOutcome, fit, open_inputs, score_part
from fusion_factor.training.folds import Fold, walk_forward
from fusion_factor.training.guard import Diary
from fusion_factor.training.progress import WARNING, JobProgress, log
from fusion_factor.training.recovery import files_of
from fusion_factor.training.samples import usable_sessions
from fusion_factor.training.session_digests import known_to, session_digests, whole
from fusion_factor.training.settings import FitSettings, FoldSettings, NetworkSettings

HISTORY_COLUMNS = ("fold", "seed", "epoch", "split", "task", "loss", "ic", "rank_ic")


class TrainingFailed(FusionFactorError):
    """Some jobs failed; the others' results are kept, and a further run does the failed ones only."""


class _FitProgress(JobProgress):
    """Tells the caller of `run` too when a fit is done."""

    def __init__(self, names: Sequence[str], say: Callable[[str], None] | None, done: Callable[[int], None]) -> None:
        super().__init__(names, say)
        self._done_with = done

    def ended(self, outcome: Outcome) -> None:
        """Count the job, say so, and hand its number on."""
        super().ended(outcome)
        if outcome.error is None:
            self._done_with(outcome.index)


@dataclass(frozen=True)
class _ScoreJob:
    """Score a fold with weights that are there already."""

    job: FitJob
    weights: str


def run(
    features: str | Path,
    networks: Sequence[NetworkSettings],
    folds: FoldSettings,
    fit_settings: FitSettings,
    folder: str | Path,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    workers: int | None = None,
    device: str = "auto",
    progress: Callable[[str], None] | None = None,
    checkpoints: str | Path | None = None,
    executor: ExecutorSettings | None = None,
    on_fit: Callable[[int, Sequence[FitJob]], None] | None = None,
) -> list[str]:
    """Fit and score all; or, with `checkpoints`, only score with the weights of that folder.

    features     folder of a FeatureSet; it is memory-mapped by every process.
    folder       results: predictions/<network>.parquet (date, symbol, fold, seed, one column a task; by fold, seed,
                 date, symbol), checkpoints/<network>/foldNN_seedS.ckpt, history/<network>.csv, folds.json,
                 tensorboard/. Fits that are finished there already are not done again, also where the features have
                 grown since: a fit is known by what it has learned from, not by what came later.
    workers      fits at the same time. None: one process a core on the CPU, one a device on CUDA, as many as fit on a
                 cluster. More than one a device share it, each with its own copy of the panels.
    device       auto, cpu, cuda or cuda:N; with `cuda` the fits take all devices of this machine in turn.
    checkpoints  a folder like `checkpoints/` of a former run: a fold is scored with the weights whose `first_use`
                 is the latest on or before the fold's, so that no weights know prices of the sessions they score.
    executor     where the fits run: processes of this machine, ray or slurm. On a cluster `features` and `folder` must
                 be on a file system that all machines share, and device `auto` must be said outright.
    on_fit       called in this process after each finished (or found) fit, with its place in the list of all jobs and
                 that list; what it raises ends the run, and finished fits are kept.

    Gives back the fits' warnings, a line each; they were logged too. A fit whose process is killed is run again.

    Raises ConfigError for settings, folds or weights that do not fit, before any work; TrainingFailed after all
    jobs that could be done are done.
    """
    _check_names(networks, seeds)
    executor = executor or ExecutorSettings()
    target = Path(folder)
    device = _device_of(executor, device)
    if executor.kind != "processes":
        # Machines share folders, not the directory a command was started in.
        features, target = Path(features).resolve(), target.resolve()
    feature_set = FeatureSet.load(features, mmap=True)
    by_network = {
        network.name: _folds_of(feature_set, network, folds, network.own_fit(fit_settings).min_names)
        for network in networks
    }
    digests = session_digests(feature_set)
    mark = whole(feature_set, digests)
    devices = [device] if executor.kind != "processes" else spread(device)
    fits = [
        (network, fold, seed)
        for seed in seeds  # outermost: an interrupted run has whole seeds first
        for network in networks
        for fold in by_network[network.name]
    ]
    jobs = [
        FitJob(
            network, fold, seed, network.own_fit(fit_settings), str(features), mark, str(target), place,
            known=known_to(feature_set, digests, int(fold.valid[-1])),
        )
        for (network, fold, seed), place in zip(fits, itertools.cycle(devices), strict=False)
    ]  # fmt: skip
    work: list[Any] = (
        jobs if checkpoints is None else [_with_weights(job, Path(checkpoints), feature_set) for job in jobs]
    )
    names = [f"{job.network.name} {job.name}" for job in jobs]
    watcher = _FitProgress(names, progress, lambda index: on_fit(index, jobs) if on_fit else None)
    count = workers if executor.kind != "processes" else workers or _workers_here(devices)
    outcomes = run_jobs(fit if checkpoints is None else _score, work, count, watcher, executor)
    _raise_failures(outcomes, names)
    results: list[FitOutcome] = [outcome.result for outcome in outcomes]
    with files_of("walk-forward", target):
        _write_tables(target, networks, jobs, results)
        _write_folds(target, by_network, feature_set)
    return [warning for result in results for warning in result.warnings]


def _device_of(executor: ExecutorSettings, device: str) -> str:
    """Where each job computes. This machine is not asked for a cluster's devices; mixing kinds would mix results."""
    if executor.kind == "processes":
        return choose_device(device)
    if device == "auto":
        raise ConfigError(f"device is 'auto', must be cpu or cuda with executor {executor.kind}: machines may differ")
    return check_device(device)


def _workers_here(devices: Sequence[str]) -> int:
    return len(devices) if devices[0].startswith("cuda") else os.cpu_count() or 1


def folds_for(features: FeatureSet, inputs: WindowInputs, folds: FoldSettings, min_names: int) -> list[Fold]:
    """The folds on a feature set, over sessions with at least `min_names` labelled names that have these inputs."""
    usable = usable_sessions(inputs, features, min_names)
    try:
        return walk_forward(features.sessions, usable, folds, features.reach)
    except ConfigError as error:
        raise ConfigError(f"{error} (a date counts with {min_names} labelled names)") from error


def _folds_of(features: FeatureSet, network: NetworkSettings, folds: FoldSettings, min_names: int) -> list[Fold]:
    """The folds of one network, by its own fold settings."""
    inputs = build(network.inputs, WindowInputs, features)  # type: ignore[type-abstract]
    try:
        return folds_for(features, inputs, network.own_folds(folds), min_names)
    except ConfigError as error:
        raise ConfigError(f"network {network.name}: {error}") from error


def _check_names(networks: Sequence[NetworkSettings], seeds: Sequence[int]) -> None:
    names = [network.name for network in networks]
    for what, values in (("networks", names), ("seeds", list(seeds))):
        if not values or len(set(values)) != len(values):
            raise ConfigError(f"{what} is {values}, must be different and at least one")
    if min(seeds) < 0:
        raise ConfigError(f"seeds is {list(seeds)}, must be >= 0")


def _score(work: _ScoreJob, report: Report) -> FitOutcome:
    job = work.job
    diary = Diary(job.title, lambda line: report(f"{WARNING}{line}"))
    with exact_arithmetic(job.threads), files_of(job.title, Path(job.folder)):
        features, inputs = open_inputs(job.features, job.fingerprint, job.network, job.device)
        part = score_part(Checkpoint.read(work.weights), job, features, inputs, diary)
    return FitOutcome(work.weights, str(part), True, 0.0, tuple(diary.lines))


def _with_weights(job: FitJob, folder: Path, features: FeatureSet) -> _ScoreJob:
    """The job with the latest weights of its network and seed that were fitted before its fold's first session."""
    first = features.sessions[job.fold.use[0]]
    best: tuple[np.datetime64, Path, Checkpoint] | None = None
    for path in sorted((folder / job.network.name).glob(f"*_seed{job.seed}.ckpt")):
        checkpoint = Checkpoint.read(path)
        since = np.datetime64(checkpoint.about["first_use"], "D")
        if since <= first and (best is None or since > best[0]):
            best = (since, path, checkpoint)
    if best is None:
        raise ConfigError(
            f"checkpoints {folder}: no weights of network {job.network.name}, seed {job.seed}, with a first use on or "
            f"before {first} (fold {job.fold.index})"
        )
    recorded = NetworkSettings(**best[2].about["network"])
    return _ScoreJob(replace(job, network=recorded), str(best[1]))


def _raise_failures(outcomes: Sequence[Outcome], names: Sequence[str]) -> None:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if not failed:
        return
    for outcome in failed:
        log.error("%s failed: %s\n%s", names[outcome.index], outcome.error, outcome.details)
    told = "; ".join(f"{names[outcome.index]}: {outcome.error}" for outcome in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    raise TrainingFailed(
        f"{len(failed)} of {len(outcomes)} jobs failed ({told}{more}); the others are kept, run again for the rest"
    )


def _write_tables(
    folder: Path, networks: Sequence[NetworkSettings], jobs: Sequence[FitJob], results: Sequence[FitOutcome]
) -> None:
    for network in networks:
        own = [(job, result) for job, result in zip(jobs, results, strict=True) if job.network.name == network.name]
        own.sort(key=lambda pair: (pair[0].fold.index, pair[0].seed))
        join_parts([Path(result.part) for _, result in own], folder / "predictions" / f"{network.name}.parquet")
        rows = [
            {"fold": job.fold.index, "seed": job.seed, **row}
            for job, result in own
            for row in Checkpoint.read(result.checkpoint).about["history"]
        ]
        write_history(rows, folder / "history" / f"{network.name}.csv")
    shutil.rmtree(folder / "parts", ignore_errors=True)


def join_parts(parts: Sequence[Path], target: Path) -> None:
    """One Parquet file from several of the same columns, a row group each; replaced by one rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.*"):
        leftover.unlink(missing_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with pq.ParquetWriter(temporary, pq.read_schema(parts[0]).remove_metadata()) as writer:
        for part in parts:
            writer.write_table(pq.read_table(part).replace_schema_metadata(None))
    temporary.replace(target)


def write_history(rows: Sequence[Mapping[str, Any]], target: Path) -> None:
    """The figures of every epoch as CSV."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, HISTORY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_folds(folder: Path, by_network: Mapping[str, Sequence[Fold]], features: FeatureSet) -> None:
    content = {name: [describe(fold, features) for fold in folds] for name, folds in by_network.items()}
    write_file(folder / "folds.json", json.dumps(content, indent=1) + "\n")


def describe(fold: Fold, features: FeatureSet) -> dict[str, Any]:
    """A fold in dates and counts."""
    told: dict[str, Any] = {"fold": fold.index, "reach": fold.reach}
    for name in ("train", "valid", "use"):
        part = getattr(fold, name)
        told[name] = {
            "first": str(features.sessions[part[0]]),
            "last": str(features.sessions[part[-1]]),
            "sessions": len(part),
        }
    told["label_until"] = str(features.sessions[fold.valid[-1] + fold.reach])
    return told
