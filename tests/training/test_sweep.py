"""Studies: numbers given out once, lost trials taken over, the same draws with and without an interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.training.search_space import IntRange
from fusion_factor.training.sweep import (
    Study,
    StudySettings,
    SweepFailed,
    Trial,
    TrialPruned,
    TrialResult,
    falls_behind,
    work_off,
)

pytest.importorskip("optuna", reason="needs the extra optuna")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from study_worker import SPACE, objective_of, settings  # noqa: E402


def start(folder: Path, trials: int, log: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "study_worker.py"), str(folder), str(trials), str(log), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_line(log: Path, beginning: str) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        lines = log.read_text().splitlines() if log.exists() else []
        found = [line for line in lines if line.startswith(beginning)]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no line {beginning!r} in {log}")


def quick(trial: Trial) -> TrialResult:
    value = objective_of(trial)
    trial.report(1, value, last=True)
    return TrialResult(value, {"double": 2 * value})


def drawn(study: Study) -> list[tuple[str, ...]]:
    return [tuple(record.values.values()) for record in study.records()]


def test_eight_processes_on_one_journal_give_each_number_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    workers = [start(tmp_path / "study", 48, log) for _ in range(8)]
    for worker in workers:
        told, _ = worker.communicate(timeout=240)
        assert worker.returncode == 0, told
    numbers = [int(line.split()[0]) for line in log.read_text().splitlines()]
    assert sorted(numbers) == list(range(48))
    assert len({line.split()[2] for line in log.read_text().splitlines()}) > 1, "one process did it all"
    records = Study(tmp_path / "study", SPACE, settings(48)).records()
    assert [record.number for record in records] == list(range(48))
    assert {record.state for record in records} == {"complete"}


def test_a_killed_trial_is_run_again_under_its_number_as_if_nothing_had_happened(tmp_path: Path) -> None:
    log = tmp_path / "log"
    worker = start(tmp_path / "killed", 9, log, "hang", "6")
    lost = wait_for_line(log, "6 1 ")
    worker.kill()
    worker.wait()
    again = start(tmp_path / "killed", 9, log)
    assert again.wait(timeout=120) == 0
    lines = log.read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [
        *([str(k), "1"] for k in range(7)),
        ["6", "2"],
        ["7", "1"],
        ["8", "1"],
    ]
    assert lines[7].split()[3:] == lost.split()[3:], "the same draw"
    whole = Study(tmp_path / "whole", SPACE, settings(9))
    work_off(whole, quick)
    assert drawn(Study(tmp_path / "killed", SPACE, settings(9))) == drawn(whole)
    assert Study(tmp_path / "killed", SPACE, settings(9)).records()[6].about["attempts"] == 2


def test_an_interrupted_trial_goes_on_without_a_counted_attempt(tmp_path: Path) -> None:
    log = tmp_path / "log"
    worker = start(tmp_path / "study", 3, log, "interrupt", "1")
    told, _ = worker.communicate(timeout=120)
    assert worker.returncode == -signal.SIGINT, told
    study = Study(tmp_path / "study", SPACE, settings(3))
    assert [record.state for record in study.records()] == ["complete", "running"]
    trial = study.next()
    assert trial is not None
    assert (trial.number, trial.attempt) == (1, 1)


def test_a_resumed_study_draws_new_points_the_same_ones_as_an_unbroken_one(tmp_path: Path) -> None:
    whole = Study(tmp_path / "whole", SPACE, settings(14))
    assert work_off(whole, quick) == 14
    assert work_off(Study(tmp_path / "parts", SPACE, settings(3)), quick) == 3
    assert work_off(Study(tmp_path / "parts", SPACE, settings(3)), quick) == 0, "trials are a total"
    assert work_off(Study(tmp_path / "parts", SPACE, settings(14)), quick) == 11
    parts = drawn(Study(tmp_path / "parts", SPACE, settings(14)))
    assert parts == drawn(whole)
    assert len(set(parts)) == 14, "no point twice"
    other = Study(tmp_path / "other", SPACE, settings(3, seed=1))
    work_off(other, quick)
    assert drawn(other) != parts[:3]


def claim_from_elsewhere(study: Study, number: int, age_seconds: float) -> None:
    """As if the trial were run on another machine, which gave its last sign of life some time ago."""
    path = study.folder / "claims" / f"{number:04d}.json"
    path.write_text(json.dumps({"attempts": 1, "token": "other", "place": "another machine", "pid": 1}))
    then = time.time() - age_seconds
    os.utime(path, (then, then))


def test_a_trial_elsewhere_is_taken_over_only_after_its_last_heartbeat(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, settings(2, heartbeat_seconds=30.0))
    assert study.next().number == 0  # type: ignore[union-attr]
    claim_from_elsewhere(study, 0, age_seconds=20)
    assert study.next().number == 1  # type: ignore[union-attr]
    assert study.next() is None
    claim_from_elsewhere(study, 0, age_seconds=40)
    taken = study.next()
    assert taken is not None
    assert (taken.number, taken.attempt) == (0, 2)


def test_the_heartbeat_beats(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, settings(1, heartbeat_seconds=1.0))
    trial = study.next()
    assert trial is not None
    with study.claims.beating(0):
        time.sleep(1.5)
        assert not study.claims.abandoned(0)
    time.sleep(1.2)
    assert study.claims.abandoned(0)


def test_who_was_taken_for_dead_cannot_write_any_more(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, settings(1))
    asleep = study.next()
    assert asleep is not None
    claim_from_elsewhere(study, 0, age_seconds=100)
    taken = study.next()
    assert taken is not None
    with pytest.raises(TrialPruned, match="another process"):
        asleep.report(1, 9.0)
    assert not study.finish(asleep, "complete", TrialResult(9.0), {})
    assert study.finish(taken, "complete", TrialResult(1.0), {})
    assert study.records()[0].objective == 1.0


def test_a_trial_that_loses_its_process_each_time_fails_in_the_end(tmp_path: Path) -> None:
    study = Study(tmp_path, SPACE, settings(2, attempts=2))
    assert study.next().number == 0  # type: ignore[union-attr]
    claim_from_elsewhere(study, 0, age_seconds=100)
    assert study.next().attempt == 2  # type: ignore[union-attr]
    path = tmp_path / "claims" / "0000.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "place": "another machine"}))
    os.utime(path, (0, 0))
    assert study.next().number == 1  # type: ignore[union-attr]
    record = study.records()[0]
    assert record.state == "failed"
    assert record.about["error"] == "its process was lost 2 times"


def test_a_torn_last_line_costs_that_line_only(tmp_path: Path) -> None:
    work_off(Study(tmp_path, SPACE, settings(2)), quick)
    journal = tmp_path / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_id":"x","stu')
    study = Study(tmp_path, SPACE, settings(4))
    assert work_off(study, quick) == 2
    assert journal.read_bytes().startswith(whole)
    assert [record.state for record in Study(tmp_path, SPACE, settings(4)).records()] == ["complete"] * 4


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    work_off(Study(tmp_path, SPACE, settings(2)), quick)
    journal = tmp_path / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], b"garbage\n", *lines[3:]]))
    with pytest.raises(DataError, match="damaged"):
        Study(tmp_path, SPACE, settings(2))


def test_a_study_begun_otherwise_is_refused_by_name(tmp_path: Path) -> None:
    Study(tmp_path, SPACE, settings(2), {"train": {"fit": {"max_epochs": 3}}})
    Study(tmp_path, SPACE, settings(9), {"train": {"fit": {"max_epochs": 3}}})
    with pytest.raises(ConfigError, match=r"train\.fit\.max_epochs 3, 5 is asked"):
        Study(tmp_path, SPACE, settings(2), {"train": {"fit": {"max_epochs": 5}}})
    with pytest.raises(ConfigError, match=r"space\.b\.size"):
        Study(tmp_path, {**SPACE, "b.size": IntRange(1, 10)}, settings(2), {"train": {"fit": {"max_epochs": 3}}})
    with pytest.raises(ConfigError, match="seed"):
        Study(tmp_path, SPACE, settings(2, seed=1), {"train": {"fit": {"max_epochs": 3}}})


def test_trials_are_compared_at_the_same_step_and_stopped_below_the_median() -> None:
    finished = [{1: 0.01, 2: 0.05}, {1: 0.03, 2: 0.04}, {1: 0.02}]
    assert falls_behind(0.019, 1, finished, startup=3)
    assert not falls_behind(0.02, 1, finished, startup=3), "the median itself goes on"
    assert not falls_behind(0.0, 2, finished, startup=3), "only two have come so far"
    assert falls_behind(0.044, 2, finished, startup=2)
    assert falls_behind(float("nan"), 1, finished, startup=3)


def test_pruned_trials_stop_and_keep_what_they_had(tmp_path: Path) -> None:
    steps: dict[int, int] = {}

    def objective(trial: Trial) -> TrialResult:
        for step in (1, 2, 3):
            steps[trial.number] = step
            trial.report(step, -float(trial.number) if trial.number >= 4 else 0.1 * step, last=step == 3)
        return TrialResult(0.3)

    study = Study(tmp_path, SPACE, settings(6, prune_startup=4))
    work_off(study, objective)
    assert steps == {0: 3, 1: 3, 2: 3, 3: 3, 4: 1, 5: 1}
    assert [record.state for record in study.records()] == ["complete"] * 4 + ["pruned"] * 2
    assert study.records()[5].objective == -5.0
    never = Study(tmp_path / "never", SPACE, settings(6, prune_startup=None))
    work_off(never, objective)
    assert {record.state for record in never.records()} == {"complete"}


def test_a_failing_trial_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    def objective(trial: Trial) -> TrialResult:
        if trial.number == 1:
            raise DataError("no epoch has a finite objective")
        if trial.number == 2:
            return TrialResult(float("nan"))
        return quick(trial)

    study = Study(tmp_path, SPACE, settings(4))
    work_off(study, objective)
    assert [record.state for record in study.records()] == ["complete", "failed", "failed", "complete"]
    assert study.records()[1].about["error"] == "no epoch has a finite objective"
    assert study.records()[3].about["double"] == 2 * study.records()[3].objective  # type: ignore[operator]


def test_a_sweep_where_nothing_works_ends_early(tmp_path: Path) -> None:
    def objective(trial: Trial) -> TrialResult:
        raise DataError("too few dates")

    study = Study(tmp_path, SPACE, settings(20))
    with pytest.raises(SweepFailed, match="first 3 trials failed; the last one: too few dates"):
        work_off(study, objective)
    assert len(study.records()) == 3


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"seed": -1}, {"heartbeat_seconds": 0.0}, {"attempts": 0}])
def test_settings_outside_of_their_limits_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        StudySettings(**wrong)
