"""Many jobs in a few processes, each job's fate known: done, failed with its error, or killed.

A pool from the standard library loses every job when one of its processes is killed, and cannot say whose it was.
Here each process holds one job at a time and its own pipe; a closed pipe names the job.
"""

import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from fusion_factor.core.errors import FusionFactorError

Report = Callable[[str], None]
Work = Callable[[Any, Report], Any]


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

    def ended(self, outcome: Outcome) -> None:
        """A job is done, failed or killed."""

    def idle(self) -> None:
        """Called about once a second while jobs run in other processes."""


def run_jobs(work: Work, jobs: Sequence[Any], workers: int, watcher: Watcher | None = None) -> list[Outcome]:
    """Do `work(job, report)` for every job, in order of the list; the outcomes, in the same order.

    With one worker in this process, else in spawned ones: `work` must be importable and jobs must be picklable. An
    error or a killed process ends its own job only. KeyboardInterrupt stops everything.
    """
    watcher = watcher or Watcher()
    if min(workers, len(jobs)) <= 1:
        return [_run_here(work, index, job, watcher) for index, job in enumerate(jobs)]
    return _run_spawned(work, jobs, min(workers, len(jobs)), watcher)


def _run_here(work: Work, index: int, job: Any, watcher: Watcher) -> Outcome:
    try:
        outcome = Outcome(index, work(job, lambda text: watcher.noted(index, text)))
    except Exception as error:
        outcome = Outcome(index, None, *_described(error))
    watcher.ended(outcome)
    return outcome


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    index: int


def _run_spawned(work: Work, jobs: Sequence[Any], workers: int, watcher: Watcher) -> list[Outcome]:
    waiting = deque(range(len(jobs)))
    outcomes: dict[int, Outcome] = {}
    running: dict[Connection, _Worker] = {}
    try:
        for _ in range(workers):
            _start(work, jobs, waiting, running)
        while running:
            ready = wait(list(running), timeout=1.0)
            for pipe in ready:
                assert isinstance(pipe, Connection)
                outcome = _hear(running[pipe], watcher)
                if outcome is None:
                    continue
                outcomes[outcome.index] = outcome
                watcher.ended(outcome)
                _go_on(work, jobs, waiting, running, pipe)
            watcher.idle()
    finally:
        for worker in running.values():
            worker.process.kill()
            worker.process.join()
    return [outcomes[index] for index in range(len(jobs))]


def _start(work: Work, jobs: Sequence[Any], waiting: deque[int], running: dict[Connection, _Worker]) -> None:
    """Start a process and hand it the next job."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    worker = _Worker(process, ours, waiting.popleft())
    running[ours] = worker
    _send(worker, jobs[worker.index])


def _send(worker: _Worker, job: Any) -> None:
    try:
        worker.pipe.send(job)
    except (BrokenPipeError, ConnectionResetError):
        # The process is gone; its closed pipe is heard next and names the job.
        return


def _hear(worker: _Worker, watcher: Watcher) -> Outcome | None:
    try:
        kind, content = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        return Outcome(worker.index, None, f"its process was killed ({_how(worker.process.exitcode)})")
    if kind == "note":
        watcher.noted(worker.index, content)
        return None
    if kind == "failed":
        return Outcome(worker.index, None, *content)
    return Outcome(worker.index, content)


def _go_on(
    work: Work, jobs: Sequence[Any], waiting: deque[int], running: dict[Connection, _Worker], pipe: Connection
) -> None:
    """Give the process its next job, replace it if it is gone, or let it go."""
    worker = running.pop(pipe)
    alive = worker.process.is_alive()
    if waiting and alive:
        worker.index = waiting.popleft()
        running[pipe] = worker
        _send(worker, jobs[worker.index])
        return
    if alive:
        _send(worker, None)
    worker.process.join()
    worker.pipe.close()
    if waiting:
        _start(work, jobs, waiting, running)


def _serve(pipe: Connection, work: Work) -> None:
    """What a worker process does until it is told to end or its parent is gone."""
    # A Ctrl-C reaches the whole group of processes; the parent answers it for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        if job is None:
            return
        try:
            answer = ("done", work(job, lambda text: pipe.send(("note", text))))
        except Exception as error:
            answer = ("failed", _described(error))
        pipe.send(answer)


def _described(error: Exception) -> tuple[str, str]:
    if isinstance(error, FusionFactorError):
        return str(error), ""
    return f"{type(error).__name__}: {error}", traceback.format_exc()


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {-exitcode}; out of memory is the usual cause"
    return f"exit status {exitcode}"
