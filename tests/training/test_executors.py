"""Jobs in processes: all done, one failing, one killed."""

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.training.executors import ExecutorSettings, Outcome, Report, Watcher, run_jobs
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
    if isinstance(job, Path):  # dies the first time, and only then
        if not job.exists():
            job.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 0, os.getpid()
    return 2 * job, os.getpid()


class Heard(Watcher):
    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []
        self.ends: list[int] = []
        self.agains: list[tuple[int, str]] = []

    def again(self, index: int, why: str) -> None:
        self.agains.append((index, why))

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


KILLED = f"signal {signal.SIGKILL}; out of memory is the usual cause"


def check_fates(settings: ExecutorSettings, killed: str, tmp_path: Path) -> None:
    """Seven jobs, two at a time: one is always killed, one only the first time, one raises, one is refused."""
    heard = Heard()
    mark = tmp_path / "mark"
    outcomes = run_jobs(work, [1, "die", 3, "raise", mark, 6, "refuse"], 2, heard, settings)
    assert [outcome.index for outcome in outcomes] == list(range(7))
    assert [outcomes[i].result[0] for i in (0, 2, 4, 5)] == [2, 6, 0, 12]
    assert outcomes[1].error is not None
    assert re.fullmatch(rf"its process was killed, 2 times \({killed}\)", outcomes[1].error)
    assert outcomes[3].error == "ValueError: bad luck"
    assert "Traceback" in outcomes[3].details
    assert (outcomes[6].error, outcomes[6].details) == ("table x, value y", "")
    assert os.getpid() not in {outcomes[i].result[1] for i in (0, 2, 4, 5)}, "real processes"
    assert sorted(heard.ends) == list(range(7)), "each job ends once"
    assert sorted(index for index, _ in heard.agains) == [1, 4], "the killed ones are run again, no others"
    assert all(re.fullmatch(rf"its process was killed \({killed}\); run again, 1 of 1", why) for _, why in heard.agains)


def test_a_killed_process_costs_its_own_job_one_attempt(tmp_path: Path) -> None:
    check_fates(ExecutorSettings(retries=1), re.escape(KILLED), tmp_path)


def test_notes_come_from_other_processes() -> None:
    heard = Heard()
    run_jobs(work, [1, 2, 3], 2, heard)
    assert sorted(heard.notes) == [(0, "at 1"), (1, "at 2"), (2, "at 3")]


def test_without_retries_a_killed_job_fails_at_once() -> None:
    outcomes = run_jobs(work, ["die", 2], 2, None, ExecutorSettings(retries=0))
    assert outcomes[0].error == f"its process was killed ({KILLED})"
    assert outcomes[1].result[0] == 4


@pytest.mark.slow
def test_the_same_on_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    check_fates(ExecutorSettings("ray", retries=1), "ray: WorkerCrashedError", tmp_path)


@pytest.mark.slow
def test_the_same_through_submitit(tmp_path: Path) -> None:
    """Without Slurm: submitit's local executor starts the very same scripts as plain processes."""
    pytest.importorskip("submitit", reason="the extra 'slurm' is not installed")
    start = {"folder": str(tmp_path / "logs"), "cluster": "local"}
    check_fates(ExecutorSettings("slurm", start, retries=1), "slurm job .*", tmp_path)


@pytest.mark.parametrize(("kind", "module"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_executor_that_is_not_installed_says_how_to(monkeypatch: pytest.MonkeyPatch, kind: str, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"needs {module}, which is not installed: .*fusion-factor\[{kind}\]"):
        run_jobs(work, [1], 1, None, ExecutorSettings(kind))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "dask"}, "executor is 'dask', must be one of processes, ray, slurm"),
        ({"retries": -1}, "retries is -1"),
        ({"job": {"num_gpus": 1}}, "processes takes no start or job options"),
    ],
)
def test_mistaken_executor_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ExecutorSettings(**options)


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
    clock[0] = 45.0
    progress.again(1, "killed; run again, 1 of 2")
    clock[0] = 60.0
    progress.ended(Outcome(1, None, "gone"))
    assert lines == [
        "0/4 jobs, pace not known yet: a epoch 1",
        "1/4 jobs, 2.0 jobs a minute, 1.5 minutes left: a done",
        "1/4 jobs, 1.3 jobs a minute, 2.2 minutes left: b killed; run again, 1 of 2",
        "2/4 jobs, 2.0 jobs a minute, 1.0 minutes left: b FAILED: gone",
    ]
