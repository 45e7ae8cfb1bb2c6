"""Jobs on many machines: Ray tasks, or Slurm jobs through submitit; one loop for both.

A job travels as a pickle of the work's name and the job itself, a few kilobytes: paths and settings, no arrays. All
machines must see the same folders at the same paths (a shared file system), and have this package installed.
"""

import importlib
import os
import pickle
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fusion_factor.core.errors import ConfigError
from fusion_factor.training.executors import ExecutorSettings, Ledger, Work, answer_of

_SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Lost:
    """The process of a job is gone without an answer."""

    how: str


class Cluster(ABC):
    """Something that does parcels elsewhere. Handles are hashable."""

    @abstractmethod
    def submit(self, parcels: Sequence[bytes]) -> list[Any]:
        """Hand parcels over; their handles."""

    @abstractmethod
    def ended(self, handles: Sequence[Any], seconds: float) -> list[tuple[Any, tuple[str, Any] | Lost]]:
        """Handles that are through, with their answers; waits at most about `seconds` for the first."""

    @abstractmethod
    def close(self, unfinished: Sequence[Any]) -> None:
        """Stop what still runs and let go of the cluster."""


@contextmanager
def open_cluster(settings: ExecutorSettings, workers: int | None) -> Iterator["_Running"]:
    """A cluster for a while; whatever still runs at the end is stopped. ConfigError when its package is missing."""
    running = _Running(RayCluster(settings, workers) if settings.kind == "ray" else SlurmCluster(settings, workers))
    try:
        yield running
    finally:
        running.cluster.close(list(running.jobs))


class _Running:
    """A cluster and which job each handle is."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.jobs: dict[Any, int] = {}


def run_on_cluster(work: Work, jobs: Sequence[Any], at_once: int, ledger: Ledger, running: _Running) -> None:
    """Do all jobs, at most `at_once` handed over at a time; a job that is lost is put back while others go on."""
    waiting = deque(range(len(jobs)))
    while waiting or running.jobs:
        new = [waiting.popleft() for _ in range(min(len(waiting), at_once - len(running.jobs)))]
        handles = running.cluster.submit([parcel(work, jobs[index]) for index in new]) if new else []
        running.jobs.update(zip(handles, new, strict=True))
        for handle, answer in running.cluster.ended(list(running.jobs), _SECONDS_BETWEEN_LOOKS):
            index = running.jobs.pop(handle)
            if not isinstance(answer, Lost):
                ledger.answered(index, answer)
            elif ledger.killed(index, answer.how):
                waiting.append(index)
        ledger.watcher.idle()


def parcel(work: Work, job: Any) -> bytes:
    """The work by its name, and the job, with the places where modules are looked for here."""
    return pickle.dumps((sys.path, pickle.dumps((work, job))))


def open_parcel(content: bytes) -> tuple[str, Any]:
    """Do what a parcel says, on whatever machine this is; the answer as `answer_of` gives it."""
    paths, inner = pickle.loads(content)
    sys.path.extend(path for path in paths if path not in sys.path)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    work, job = pickle.loads(inner)
    return answer_of(work, job, lambda text: None)


class RayCluster(Cluster):
    """Ray tasks. `RAY_ADDRESS` or start.address joins a cluster; else one is started on this machine.

    Ray's own retries are off: they would be silent.
    """

    def __init__(self, settings: ExecutorSettings, workers: int | None) -> None:
        self.ray = _imported("ray", "ray")
        self._own = not self.ray.is_initialized()
        if self._own:
            start: dict[str, Any] = {"log_to_driver": False, **settings.start}
            if not (start.get("address") or os.environ.get("RAY_ADDRESS")):
                # Parcels are kilobytes: the store of objects can be as small as Ray lets it be.
                here = {"num_cpus": workers or os.cpu_count(), "object_store_memory": 100_000_000}
                start = {**here, "include_dashboard": False, **start}
            # Ray would otherwise print its banner among the lines of the run.
            self.ray.init(configure_logging=False, **start)
        options = {"num_cpus": 1, **settings.job, "max_retries": 0}
        self._task = self.ray.remote(**options)(open_parcel)

    def submit(self, parcels: Sequence[bytes]) -> list[Any]:
        """One task a parcel; Ray queues what does not fit yet."""
        return [self._task.remote(each) for each in parcels]

    def ended(self, handles: Sequence[Any], seconds: float) -> list[tuple[Any, tuple[str, Any] | Lost]]:
        """Tasks that are through; a dead worker, a dead node and Ray's memory monitor count as lost."""
        ready, _ = self.ray.wait(list(handles), num_returns=len(handles), timeout=0)
        if not ready:
            ready, _ = self.ray.wait(list(handles), timeout=seconds)
        return [(handle, self._answer(handle)) for handle in ready]

    def _answer(self, handle: Any) -> tuple[str, Any] | Lost:
        try:
            answer: tuple[str, Any] = self.ray.get(handle)
            return answer
        except self.ray.exceptions.RayTaskError as error:
            # The parcel could not be opened there, for example because a module is missing.
            cause = str(error).strip().splitlines()[-1]
            return "failed", (f"could not be started on the cluster: {cause}", str(error))
        except self.ray.exceptions.RayError as error:
            return Lost(f"ray: {type(error).__name__}")

    def close(self, unfinished: Sequence[Any]) -> None:
        """Cancel what runs; leave a cluster that was joined, stop one that was started here."""
        for handle in unfinished:
            self.ray.cancel(handle, force=True)
        if self._own:
            self.ray.shutdown()


class SlurmCluster(Cluster):
    """Slurm jobs through submitit, one array a hand-over; start.cluster=local runs them as plain processes here."""

    def __init__(self, settings: ExecutorSettings, workers: int | None) -> None:
        submitit = _imported("submitit", "slurm")
        self._lost_errors = submitit.core.utils.UncompletedJobError
        start = {"folder": "slurm_logs/%j", **settings.start}
        self._executor = submitit.AutoExecutor(**start)
        parameters = {"name": "fusion-factor", "cpus_per_task": 1, "timeout_min": 24 * 60, **settings.job}
        if workers is not None and self._executor.cluster == "slurm":
            parameters.setdefault("slurm_array_parallelism", workers)
        self._executor.update_parameters(**parameters)

    def submit(self, parcels: Sequence[bytes]) -> list[Any]:
        """One array of jobs."""
        with self._executor.batch():
            jobs = [self._executor.submit(open_parcel, each) for each in parcels]
        return jobs

    def ended(self, handles: Sequence[Any], seconds: float) -> list[tuple[Any, tuple[str, Any] | Lost]]:
        """Jobs that are through; submitit itself limits how often Slurm is asked."""
        done = [job for job in handles if job.done()]
        if not done:
            time.sleep(seconds)
        return [(job, self._answer(job)) for job in done]

    def _answer(self, job: Any) -> tuple[str, Any] | Lost:
        try:
            answer: tuple[str, Any] = job.result()
            return answer
        except self._lost_errors as error:
            return Lost(f"slurm job {job.job_id}: {str(error).splitlines()[0]}")
        except Exception as error:
            # The parcel could not be opened there; submitit hands the text of the traceback on.
            cause = str(error).strip().splitlines()[-1]
            return "failed", (f"could not be started on the cluster: {cause}", str(error))

    def close(self, unfinished: Sequence[Any]) -> None:
        """Cancel what was handed over and is not through."""
        for job in unfinished:
            job.cancel(check=False)


def _imported(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"executor {extra} needs {module}, which is not installed: pip install 'fusion-factor[{extra}]'"
        ) from error
