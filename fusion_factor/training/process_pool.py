"""A pool of processes on this machine that knows which job each of them holds.

The standard library's pool loses every job when one of its processes is killed (BrokenProcessPool), and cannot say
whose it was. Here each process holds one job at a time and its own pipe; a closed pipe names the job, which is put
back while the others go on.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from fusion_factor.training.executors import Ledger, Work, answer_of


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    index: int


def run_spawned(work: Work, jobs: Sequence[Any], workers: int, ledger: Ledger) -> None:
    """Do all jobs in `workers` spawned processes; fates go to the ledger."""
    waiting = deque(range(len(jobs)))
    running: dict[Connection, _Worker] = {}
    try:
        for _ in range(workers):
            _start(work, jobs, waiting, running)
        while running:
            for pipe in wait(list(running), timeout=1.0):
                assert isinstance(pipe, Connection)
                if _hear(running[pipe], waiting, ledger):
                    _go_on(work, jobs, waiting, running, pipe)
            ledger.watcher.idle()
    finally:
        for worker in running.values():
            worker.process.kill()
            worker.process.join()


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


def _hear(worker: _Worker, waiting: deque[int], ledger: Ledger) -> bool:
    """Take one message; True when the process has no job any more."""
    try:
        kind, content = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        if ledger.killed(worker.index, _how(worker.process.exitcode)):
            waiting.appendleft(worker.index)
        return True
    if kind == "note":
        ledger.watcher.noted(worker.index, content)
        return False
    ledger.answered(worker.index, (kind, content))
    return True


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
        pipe.send(answer_of(work, job, lambda text: pipe.send(("note", text))))


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {-exitcode}; out of memory is the usual cause"
    return f"exit status {exitcode}"
