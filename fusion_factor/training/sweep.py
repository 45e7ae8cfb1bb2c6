"""A study of many trials that several processes work off together, on Optuna's ask and tell.

Everything that is known about the study is in its journal, a file of one line an operation. A number is given out under
a lock, once; whoever dies leaves a trial that the next one takes over under its number. What a trial draws depends on
the study's seed, its number and the trials finished before, so that a study that was interrupted goes on as if it had
not been, and does not draw its first points again.
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import hash_of
from fusion_factor.core.errors import ConfigError, DataError, FusionFactorError
from fusion_factor.training.claims import Claims
from fusion_factor.training.journal import JournalLock, file_lock, import_optuna
from fusion_factor.training.search_space import Parameter

log = logging.getLogger("fusion_factor.sweep")

_NAME = "sweep"
_ABOUT = "about"
_HOPELESS = 3


class SweepFailed(FusionFactorError):
    """No trial succeeds; what is known is kept."""


class TrialPruned(Exception):
    """The running trial is behind the others and need not go on."""


@dataclass(frozen=True)
class StudySettings:
    """How a study is led.

    trials             numbers given out in all, over all processes and interruptions.
    seed               of what the trials draw.
    startup_trials     drawn evenly before the Parzen estimator takes over.
    prune_startup      finished trials that are needed before any other is stopped; None: none is stopped.
    heartbeat_seconds  a trial whose owner has shown no sign of life for so long is taken over.
    attempts           a trial whose process was lost so often is counted as failed.
    """

    trials: int = 40
    seed: int = 0
    startup_trials: int = 10
    prune_startup: int | None = 5
    heartbeat_seconds: float = 60.0
    attempts: int = 3

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name, least in (("trials", 1), ("seed", 0), ("startup_trials", 1), ("prune_startup", 1), ("attempts", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"sweep.{name}: {value} must be >= {least}")
        if not self.heartbeat_seconds > 0:
            raise ConfigError(f"sweep.heartbeat_seconds: {self.heartbeat_seconds} must be > 0")


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the journal tells it. `state`: complete, pruned, failed, running; `values`: path to override text."""

    number: int
    state: str
    objective: float | None
    values: Mapping[str, str]
    so_far: Mapping[int, float]
    about: Mapping[str, Any]


class Trial:
    """A trial that this process works on."""

    def __init__(self, study: "Study", number: int, values: Mapping[str, str], token: str, attempt: int) -> None:
        self.number = number
        self.values = dict(values)
        self.token = token
        self.attempt = attempt
        self._study = study

    @property
    def overrides(self) -> list[str]:
        """What the trial drew, as overrides of the configuration."""
        return [f"{path}={text}" for path, text in self.values.items()]

    def describe(self, about: Mapping[str, Any]) -> None:
        """Note something about the trial while it runs, for the leaderboard."""
        self._study.describe(self, about)

    def report(self, step: int, value: float, *, last: bool = False) -> None:
        """Note the objective so far after `step` parts of the work; raises TrialPruned when it is behind the others.

        With `last` all the work is done, and nothing is left to save.
        """
        if self._study.note(self, step, value) and not last:
            raise TrialPruned(f"{value:.4f} after {step} parts is below the median")


@dataclass(frozen=True)
class TrialResult:
    """What an objective returns: the figure to maximise, and whatever else the leaderboard is to tell."""

    objective: float
    about: Mapping[str, Any] = field(default_factory=dict)


class Study:
    """The study in `folder`: `journal.log`, `claims/` and two lock files. Opened by as many processes as one likes.

    Args:
        space: what the trials draw from, path to parameter.
        about: what all trials of the study have in common, JSON-like; a study that was begun with something else is
            refused, as its objectives could not be compared.

    Raises: ConfigError without Optuna or when `about` or the space differ, DataError for a damaged journal.
    """

    def __init__(
        self,
        folder: str | Path,
        space: Mapping[str, Parameter],
        settings: StudySettings,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.space = space
        self.settings = settings
        self.folder.mkdir(parents=True, exist_ok=True)
        self.claims = Claims(self.folder / "claims", settings.heartbeat_seconds)
        self._optuna = import_optuna()
        self._lock = file_lock(self.folder / "study.lock")
        with self.locked():
            self._study = self._open()
            self._check_about({"seed": settings.seed, "space": {k: str(v) for k, v in space.items()}, **(about or {})})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from the study for a moment; the kernel frees the lock of a process that dies."""
        with self._lock:
            yield

    def next(self) -> Trial | None:
        """An abandoned trial, else a new one; None when all numbers are given out."""
        with self.locked():
            trials = self._trials()
            for each in trials:
                if each.state.name == "RUNNING" and self.claims.abandoned(each.number):
                    if self.claims.attempts(each.number) < self.settings.attempts:
                        log.info("trial %d was left unfinished and is taken over", each.number)
                        return self._begin(each.number)
                    self._give_up(each.number)
            if len(trials) >= self.settings.trials:
                return None
            number = len(trials)
            self._study.sampler = self._sampler(number)
            asked = self._study.ask()
            if asked.number != number:
                raise AssertionError(f"trial {asked.number} was begun outside of the lock; expected {number}")
            return self._begin(number)

    def describe(self, trial: Trial, about: Mapping[str, Any]) -> None:
        """Write down something about a running trial."""
        with self.locked():
            self._check_owner(trial)
            handle = self._handle(trial.number)
            for name, value in about.items():
                handle.set_user_attr(name, value)

    def note(self, trial: Trial, step: int, value: float) -> bool:
        """Write down the objective so far; whether the trial is behind the others."""
        with self.locked():
            self._check_owner(trial)
            own = self._of(trial.number)
            if step not in own.intermediate_values:
                self._handle(trial.number).report(value, step)
            finished = [each.intermediate_values for each in self._trials() if each.state.name == "COMPLETE"]
        startup = self.settings.prune_startup
        return startup is not None and falls_behind(value, step, finished, startup)

    def finish(self, trial: Trial, state: str, result: TrialResult | None, about: Mapping[str, Any]) -> bool:
        """Write down how a trial ended; False when another process has taken it over meanwhile."""
        with self.locked():
            if not self.claims.holds(trial.number, trial.token):
                log.warning("trial %d was taken over by another process; what was found here is dropped", trial.number)
                return False
            self._end(trial.number, state, result, {**about, "attempts": trial.attempt})
            return True

    def let_go(self, trial: Trial) -> None:
        """Leave a trial unfinished for whoever comes next."""
        with self.locked():
            self.claims.let_go(trial.number, trial.token)

    def records(self) -> list[TrialRecord]:
        """All trials so far, by number."""
        names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        found = []
        for each in self._trials():
            state = names.get(each.state.name, "running")
            value = each.value if state in ("complete", "pruned") else None
            about = dict(each.user_attrs)
            values = about.pop("values", {})
            found.append(TrialRecord(each.number, state, value, values, dict(each.intermediate_values), about))
        return found

    def _open(self) -> Any:
        optuna, journal = self._optuna, self.folder / "journal.log"
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        backend = optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=JournalLock(journal))
        try:
            with JournalLock(journal).held():
                storage = optuna.storages.JournalStorage(backend)
            return optuna.create_study(
                study_name=_NAME, storage=storage, direction="maximize", load_if_exists=True,
                pruner=optuna.pruners.NopPruner(),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{journal}: is damaged ({error}); move the folder away to begin anew") from error

    def _check_about(self, about: Mapping[str, Any]) -> None:
        known = self._study.user_attrs.get(_ABOUT)
        if known is None:
            self._study.set_user_attr(_ABOUT, dict(about))
            return
        there, asked = _flat(known), _flat(about)
        for name in sorted({*there, *asked}):
            if there.get(name) != asked.get(name):
                raise ConfigError(
                    f"{self.folder}: this study was begun with {name} {there.get(name)!r}, {asked.get(name)!r} is "
                    f"asked; its trials could not be compared (sweep.study=NAME begins another one)"
                )

    def _check_owner(self, trial: Trial) -> None:
        if not self.claims.holds(trial.number, trial.token):
            raise TrialPruned("another process has taken the trial over")

    def _sampler(self, number: int) -> Any:
        seed = int(hash_of([self.settings.seed, number]), 16) % 2**32
        return self._optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=self.settings.startup_trials, constant_liar=True
        )

    def _begin(self, number: int) -> Trial:
        token = self.claims.take(number)
        self._study.sampler = self._sampler(number)
        handle = self._handle(number)
        values = {path: parameter.suggest(handle, path) for path, parameter in self.space.items()}
        handle.set_user_attr("values", values)
        return Trial(self, number, values, token, self.claims.attempts(number))

    def _give_up(self, number: int) -> None:
        attempts = self.claims.attempts(number)
        log.error("trial %d: its process was lost %d times; counted as failed", number, attempts)
        told = {"error": f"its process was lost {attempts} times", "attempts": attempts}
        self._end(number, "failed", None, told)

    def _end(self, number: int, state: str, result: TrialResult | None, about: Mapping[str, Any]) -> None:
        handle = self._handle(number)
        for name, value in {**about, **(result.about if result else {})}.items():
            handle.set_user_attr(name, value)
        states = self._optuna.trial.TrialState
        if result is not None:
            self._study.tell(number, result.objective)
        else:
            self._study.tell(number, state={"pruned": states.PRUNED, "failed": states.FAIL}[state])

    def _trials(self) -> list[Any]:
        return list(self._study.get_trials(deepcopy=False))

    def _of(self, number: int) -> Any:
        return self._trials()[number]

    def _handle(self, number: int) -> Any:
        return self._optuna.trial.Trial(self._study, self._of(number)._trial_id)


def work_off(
    study: Study,
    objective: Callable[[Trial], TrialResult],
    after: Callable[[Trial, str], None] = lambda trial, state: None,
) -> int:
    """Work on trials until all numbers are given out; how many were ended here. Call it in as many processes as needed.

    objective   does a trial's work; it may call `trial.report`. An exception of its own fails the trial.
    after       is called after each trial with how it ended.

    Raises SweepFailed when the first trials of the study all fail. An interruption leaves the running trial for the
    same command started again.
    """
    ended = 0
    while (trial := study.next()) is not None:
        started = time.monotonic()
        state, result, about = _work_on(study, trial, objective)
        seconds = round(time.monotonic() - started, 1)
        if study.finish(trial, state, result, {**about, "seconds": seconds}):
            ended += 1
            after(trial, state)
        _stop_when_hopeless(study)
    return ended


def _work_on(
    study: Study, trial: Trial, objective: Callable[[Trial], TrialResult]
) -> tuple[str, TrialResult | None, dict[str, Any]]:
    try:
        with study.claims.beating(trial.number):
            result = objective(trial)
        if result.objective != result.objective:
            return "failed", None, {"error": "the objective is not a number"}
        return "complete", result, {}
    except TrialPruned as reason:
        return "pruned", None, {"reason": str(reason)}
    except Exception as error:
        known = isinstance(error, FusionFactorError)
        log.error("trial %d failed: %s", trial.number, error, exc_info=None if known else error)
        return "failed", None, {"error": str(error) if known else f"{type(error).__name__}: {error}"}
    except BaseException:
        study.let_go(trial)
        raise


def _stop_when_hopeless(study: Study) -> None:
    ended = [each for each in study.records() if each.state != "running"]
    if len(ended) >= _HOPELESS and all(each.state == "failed" for each in ended):
        raise SweepFailed(f"all of the first {len(ended)} trials failed; the last one: {ended[-1].about.get('error')}")


def falls_behind(value: float, step: int, finished: Sequence[Mapping[int, float]], startup: int) -> bool:
    """Whether a trial's objective so far is below the median of the finished trials' at the same step.

    Unlike Optuna's median pruner, which takes the best of all steps as learning curves want it, this compares the mean
    so far as it stands: a lucky first part does not carry a trial to its end.

    >>> falls_behind(0.03, 2, [{1: 0.02, 2: 0.05}, {1: 0.01, 2: 0.02}, {1: 0.03, 2: 0.04}], startup=3)
    True
    """
    others = [each[step] for each in finished if step in each]
    if len(others) < startup:
        return False
    return not value >= statistics.median(others)


def _flat(tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = value
    return found
