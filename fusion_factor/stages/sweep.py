"""`sweep`: a study of many trials over any values of the configuration, chosen by validation RankIC alone.

The study lies in `runs/<name>/sweep/<study>`: the journal, a folder a trial, `leaderboard.csv`, `sweep.json`,
`best.txt` and `tensorboard/`. The same command goes on with it, in as many processes on as many machines as wanted.
"""

import logging
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import read_manifest
from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.stages import features, simulate, train
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Workspace, run_stage
from fusion_factor.stages.sweep_tables import shown, summary, write_hparams, write_leaderboard, write_summary
from fusion_factor.stages.sweep_trial import PLACES, TRAINING_NODES, Plan, before_test, run_trial
from fusion_factor.training.journal import file_lock, import_optuna
from fusion_factor.training.search_space import read_space
from fusion_factor.training.sweep import Study, StudySettings, Trial, work_off

log = logging.getLogger("fusion_factor.sweep")

_FIXED = (
    "name", "root", "traceback", "seed", "sweep", "data", "features.label", "train.seeds", "train.workers",
    "train.device", "train.executor", "train.cluster", "train.checkpoints",
    "train.folds.first_use", "train.folds.end", "train.fit.shuffle_labels",
)  # fmt: skip
"""What a trial must not move: with another label, market, seed or test segment objectives cannot be compared."""


@dataclass(frozen=True, kw_only=True)
class SweepSettings(StudySettings):
    """The node `sweep`; see StudySettings for the rest.

    space      path to what it may be; see `read_space`.
    study      name of the study, and of its folder.
    workers    processes of this command that work on trials side by side; with more than one, a trial's own fits run
               one after the other. Results can be repeated exactly with one.
    networks   those that are trained and judged; null: all that are configured.
    test_from  first date that the choice must know nothing of. null: where each network is first used, so that only
               its first fold is used; a later date lets the folds before it take part.
    """

    space: dict[str, Any] | None = None
    study: str = "default"
    workers: int = 1
    networks: list[str] | None = None
    test_from: str | None = None

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        super().__post_init__()
        if self.workers < 1:
            raise ConfigError(f"sweep.workers: {self.workers} must be >= 1")
        if not self.study or not self.study.replace("-", "_").isidentifier():
            raise ConfigError(f"sweep.study: {self.study!r} must be letters, digits, - and _")
        if self.networks is not None and not self.networks:
            raise ConfigError("sweep.networks: is empty, must name networks or be null")


Compose = Callable[[Sequence[str]], Settings]


def sweep_command(
    settings: Settings, words: Sequence[str], compose: Compose, check: Callable[[Settings], None]
) -> None:
    """Check everything, then work off the study and print its leaderboard.

    Args:
        words: the overrides of the command.
        compose: from overrides to settings; importable, as other processes use it too.
        check: refuses settings with bad values.

    Raises: ConfigError before anything is run for a bad space, SweepFailed when no trial succeeds.
    """
    options = typed(SweepSettings, settings.raw["sweep"])
    import_optuna()
    plan = _plan(options, settings, words, compose)
    check_space(options, plan, check)
    plan.folder.mkdir(parents=True, exist_ok=True)
    gap = _prepare(settings, plan)
    job = _Job(plan, options)
    if options.workers > 1:
        _work_side_by_side(job, options.workers)
    study = _work(job)
    _close(study, plan, gap)


def _plan(options: SweepSettings, settings: Settings, words: Sequence[str], compose: Compose) -> Plan:
    known = [name for name, value in settings.raw["networks"].items() if value is not None]
    for name in options.networks or ():
        if name not in known:
            raise ConfigError(f"sweep.networks: {name!r} is not configured (known: {', '.join(known)})")
    return Plan(
        folder=Path(settings.root) / "sweep" / options.study,
        root=Path(settings.root),
        words=tuple(words),
        networks=None if options.networks is None else tuple(options.networks),
        test_from=options.test_from,
        train_workers=1 if options.workers > 1 else None,
        compose=compose,
    )


def check_space(options: SweepSettings, plan: Plan, check: Callable[[Settings], None]) -> None:
    """Compose the configuration at every end of the space. Raises ConfigError for what no trial could run with."""
    space = read_space(options.space or {})
    configured = plan.settings()
    base = _relevant(configured)
    if configured.raw["train"]["checkpoints"] is not None:
        raise ConfigError("train.checkpoints: a sweep trains; must be null")
    for path, parameter in space.items():
        name = f"sweep.space.{path}"
        plain = path.lstrip("+")
        if any(plain == fixed or plain.startswith(f"{fixed}.") for fixed in _FIXED):
            raise ConfigError(f"{name}: must not differ between trials, their objectives could not be compared")
        found = []
        for text in parameter.corners():
            try:
                settings = plan.settings([f"{path}={text}"])
                check(settings)
                _build_networks(settings)
            except Exception as error:
                raise ConfigError(f"{name}={text}: {' '.join(str(error).split())}") from error
            found.append(_relevant(settings))
        if all(each == found[0] for each in found) and (len(found) > 1 or found[0] == base):
            raise ConfigError(f"{name}: does not change what is trained, all trials would be the same")
    for ends in (0, -1):
        check(plan.settings([f"{path}={parameter.corners()[ends]}" for path, parameter in space.items()]))


def _build_networks(settings: Settings) -> None:
    from torch import nn

    from fusion_factor.training.components import build

    for network in train.network_settings(settings):
        build(network.network, nn.Module)
        build(network.loss, nn.Module)


def _relevant(settings: Settings) -> dict[str, Any]:
    """What is really trained: a value of `train` that every network overrides for itself does not count."""
    options = train.train_settings(settings)
    networks = [
        (network.as_dict(), network.own_fit(options.fit), network.own_folds(options.folds))
        for network in train.network_settings(settings)
    ]
    return {"features": settings.raw["features"], "networks": networks}


def _prepare(settings: Settings, plan: Plan) -> int:
    """Bring the common features up to date; the label's reach in sessions."""
    with file_lock(plan.root / "sweep" / "features.lock"):
        workspace = Workspace(plan.root)
        if settings.data["kind"] == "simulated":
            run_stage(simulate.STAGE, settings, workspace)
        place = run_stage(features.STAGE, settings, workspace)
    feature_set = FeatureSet.load(place, mmap=True)
    before_test(plan.settings(), feature_set.sessions, plan.test_from)
    return feature_set.reach


@dataclass(frozen=True)
class _Job:
    """A parcel for another process."""

    plan: Plan
    options: SweepSettings


def _work(job: _Job) -> Study:
    """Work off the study in this process."""
    plan, options = job.plan, job.options
    made_from = (read_manifest(Workspace(plan.root).folder("features")) or {}).get("content")
    about = {"test_from": plan.test_from, "features artifact": made_from, **_common(plan)}
    chosen = StudySettings(**{each.name: getattr(options, each.name) for each in fields(StudySettings)})
    study = Study(plan.folder, read_space(options.space or {}), chosen, about)

    def after(trial: Trial, state: str) -> None:
        with study.locked():
            records = study.records()
            write_leaderboard(plan.folder, records)
        told = summary_line(records, trial.number, options.trials)
        log.info("%s", told)

    work_off(study, partial(run_trial, plan, file_lock), after)
    return study


def _common(plan: Plan) -> dict[str, Any]:
    """What all trials share, as it is, so that a study begun otherwise can be told what differs."""
    raw = plan.settings().raw
    hidden = {"train": PLACES, "features": PLACES}
    return {
        node: {name: value for name, value in raw[node].items() if name not in hidden.get(node, ())}
        if isinstance(raw[node], dict)
        else raw[node]
        for node in TRAINING_NODES
    }


def summary_line(records: Sequence[Any], number: int, trials: int) -> str:
    """How the trial ended and how far the study is."""
    own = records[number]
    ended = [each for each in records if each.state != "running"]
    complete = [each for each in ended if each.state == "complete"]
    value = "" if own.objective is None else f", validation RankIC {own.objective:.4f}"
    best = max(complete, key=lambda each: each.objective, default=None)
    leader = f"; best {best.objective:.4f} (trial {best.number})" if best else ""
    return f"{len(ended)}/{trials} trials: trial {number} {own.state}{value}{leader}"


def _work_side_by_side(job: _Job, workers: int) -> None:
    """Processes that work on the study until it is done; what a lost one leaves the others take over."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_serve, args=(job,), name=f"worker {k}") for k in range(workers)]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            if process.exitcode:
                log.warning("%s ended with status %s; its trial is taken over", process.name, process.exitcode)
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()


def _serve(job: _Job) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        _work(job)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _close(study: Study, plan: Plan, gap_sessions: int) -> None:
    """Write what the sweep leaves to read, and print its head."""
    with study.locked():
        records = study.records()
        table = write_leaderboard(plan.folder, records)
        told = summary(plan.folder, records, gap_sessions)
        write_summary(plan.folder, told)
        write_hparams(plan.folder, records)
    if told["best"] and not told["same_validation_dates"]:
        log.warning("trials were validated on different dates: their objectives cannot be compared exactly")
    if told["best"] and not told["same_code"]:
        log.warning("the code of training has changed since this study was begun")
    print(shown(table, told), f"leaderboard: {plan.folder / 'leaderboard.csv'}", sep="\n", flush=True)
