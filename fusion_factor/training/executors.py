"""Many jobs, each job's fate known: done, failed with its error, or killed and run again.

Where they run is one word: `processes` of this machine (the default, nothing to install), `ray` (a Ray cluster, or one
started here) or `slurm` (through submitit). The work and the jobs are the same; only this file knows the words.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fusion_factor.core.errors import ConfigError, FusionFactorError

Report = Callable[[str], None]
Work = Callable[[Any, Report], Any]
EXECUTORS = ("processes", "ray", "slurm")


@dataclass(frozen=True)
class Outcome:
    """The fate of job `index`: `result`, or `error` in one line with `details` (a traceback, empty if the user's)."""

    index: int
    result: Any = None
    error: str | None = None
    details: str = ""


class Watcher:
    """Hears what happens to jobs; override what is of interest."""

    def noted(self, index: int, text: str) -> None:
        """A running job says something about itself."""

    def again(self, index: int, why: str) -> None:
        """The process of a job was lost; the job is run again."""

    def ended(self, outcome: Outcome) -> None:
        """A job is done, failed or killed too often."""

    def idle(self) -> None:
        """Called about once a second while jobs run in other processes."""


@dataclass(frozen=True)
class ExecutorSettings:
    """Where jobs run.

    kind     processes | ray | slurm.
    start    ray: arguments of `ray.init` (address, ...); slurm: of submitit's `AutoExecutor` (folder, cluster, ...).
    job      ray: what one job needs (num_cpus, num_gpus, memory, ...); slurm: submitit's parameters (slurm_partition,
             timeout_min, mem_gb, gpus_per_node, ...).
    retries  how often a job whose process was killed is run again; an error of the job itself is never retried.
    """

    kind: str = "processes"
    start: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    retries: int = 2

    def __post_init__(self) -> None:
        """Refuse an unknown word and options that `processes` has no use for."""
        if self.kind not in EXECUTORS:
            raise ConfigError(f"executor is {self.kind!r}, must be one of {', '.join(EXECUTORS)}")
        if self.retries < 0:
            raise ConfigError(f"executor retries is {self.retries}, must be >= 0")
        if self.kind == "processes" and (self.start or self.job):
            raise ConfigError("executor processes takes no start or job options; they are for ray and slurm")


class Ledger:
    """What became of every job, and how often its process was lost."""

    def __init__(self, count: int, watcher: Watcher, retries: int) -> None:
        self.count, self.watcher, self.retries = count, watcher, retries
        self._outcomes: dict[int, Outcome] = {}
        self._lost = [0] * count

    def ended(self, outcome: Outcome) -> None:
        """Note a fate."""
        self._outcomes[outcome.index] = outcome
        self.watcher.ended(outcome)

    def answered(self, index: int, answer: tuple[str, Any]) -> None:
        """Note what `answer_of` gave for a job."""
        kind, content = answer
        self.ended(Outcome(index, content) if kind == "done" else Outcome(index, None, *content))

    def killed(self, index: int, how: str) -> bool:
        """Note a lost process; True when the job is to be run again."""
        self._lost[index] += 1
        if self._lost[index] > self.retries:
            times = f", {self._lost[index]} times" if self._lost[index] > 1 else ""
            self.ended(Outcome(index, None, f"its process was killed{times} ({how})"))
            return False
        self.watcher.again(index, f"its process was killed ({how}); run again, {self._lost[index]} of {self.retries}")
        return True

    def outcomes(self) -> list[Outcome]:
        """The fates in the order of the jobs."""
        return [self._outcomes[index] for index in range(self.count)]


def run_jobs(
    work: Work,
    jobs: Sequence[Any],
    workers: int | None,
    watcher: Watcher | None = None,
    settings: ExecutorSettings | None = None,
) -> list[Outcome]:
    """Do `work(job, report)` for every job, started in order of the list; the outcomes, in the same order.

    workers  jobs at the same time; with `processes` 1 means in this process; None: as many as a cluster takes (1 with
             `processes`).

    Elsewhere than in this process `work` must be importable by name and jobs must be picklable. An error ends its own
    job only; a job whose process is killed is run again, at most `retries` times. KeyboardInterrupt stops everything.
    Raises ConfigError when an executor is not installed.
    """
    settings = settings or ExecutorSettings()
    ledger = Ledger(len(jobs), watcher or Watcher(), settings.retries)
    if not jobs:
        return []
    if settings.kind == "processes":
        _in_processes(work, jobs, min(workers or 1, len(jobs)), ledger)
    else:
        from fusion_factor.training.clusters import open_cluster, run_on_cluster

        with open_cluster(settings, workers) as cluster:
            run_on_cluster(work, jobs, min(workers or len(jobs), len(jobs)), ledger, cluster)
    return ledger.outcomes()


def _in_processes(work: Work, jobs: Sequence[Any], workers: int, ledger: Ledger) -> None:
    if workers > 1:
        from fusion_factor.training.process_pool import run_spawned

        run_spawned(work, jobs, workers, ledger)
        return
    for index, job in enumerate(jobs):
        ledger.answered(index, answer_of(work, job, partial(ledger.watcher.noted, index)))


def answer_of(work: Work, job: Any, report: Report) -> tuple[str, Any]:
    """Do one job: ("done", result) or ("failed", (error in one line, traceback or nothing))."""
    try:
        return "done", work(job, report)
    except FusionFactorError as error:
        return "failed", (str(error), "")
    except Exception as error:
        return "failed", (f"{type(error).__name__}: {error}", traceback.format_exc())
