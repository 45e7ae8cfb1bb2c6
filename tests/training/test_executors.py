"""Jobs in processes: all done, one failing, one killed."""

import os
import signal
import time
from typing import Any

import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.training.executors import Outcome, Report, Watcher, run_jobs
from fusion_factor.training.progress import JobProgress


def work(job: Any, report: Report) -> Any:
    """What the job says: a number is doubled, a word is a way to go wrong."""
    report(f"at {job}")
    if job == "raise":
        raise ValueError("bad luck")
    if job == "refuse":
        raise DataError("table x, value y")
    if job == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * job, os.getpid()


class Heard(Watcher):
    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []
        self.ends: list[int] = []

    def noted(self, index: int, text: str) -> None:
        self.notes.append((index, text))

    def ended(self, outcome: Outcome) -> None:
        self.ends.append(outcome.index)


def test_in_this_process_an_error_ends_its_own_job_only() -> None:
    heard = Heard()
    outcomes = run_jobs(work, [1, "raise", "refuse", 4], 1, heard)
    assert [outcome.result and outcome.result[0] for outcome in outcomes] == [2, None, None, 8]
    assert outcomes[0].result[1] == os.getpid()
    assert outcomes[1].error == "ValueError: bad luck"
    assert "Traceback" in outcomes[1].details
    assert (outcomes[2].error, outcomes[2].details) == ("table x, value y", "")
    assert heard.ends == [0, 1, 2, 3]
    assert heard.notes[0] == (0, "at 1")


def test_no_jobs_are_no_trouble() -> None:
    assert run_jobs(work, [], 4) == []


def test_a_killed_process_is_reported_by_its_job_and_the_others_go_on() -> None:
    """Six jobs on two processes: one is killed, one raises; the rest is done, on a new process where needed."""
    heard = Heard()
    outcomes = run_jobs(work, [1, "die", 3, "raise", 5, 6], 2, heard)
    assert [outcome.index for outcome in outcomes] == list(range(6))
    assert [outcomes[i].result[0] for i in (0, 2, 4, 5)] == [2, 6, 10, 12]
    assert outcomes[1].error == f"its process was killed (signal {signal.SIGKILL}; out of memory is the usual cause)"
    assert outcomes[3].error == "ValueError: bad luck"
    assert os.getpid() not in {outcomes[i].result[1] for i in (0, 2, 4, 5)}
    assert sorted(heard.ends) == list(range(6))
    assert (4, "at 5") in heard.notes


def test_progress_tells_done_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    lines: list[str] = []
    progress = JobProgress(["a", "b", "c", "d"], lines.append)
    progress.noted(0, "epoch 1")
    assert lines == []
    clock[0] = 10.0
    progress.idle()
    clock[0] = 30.0
    progress.ended(Outcome(0, "x"))
    clock[0] = 60.0
    progress.ended(Outcome(1, None, "gone"))
    assert lines == [
        "0/4 jobs, pace not known yet: a epoch 1",
        "1/4 jobs, 2.0 jobs a minute, 1.5 minutes left: a done",
        "2/4 jobs, 2.0 jobs a minute, 1.0 minutes left: b FAILED: gone",
    ]
