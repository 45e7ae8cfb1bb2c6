"""A process that works on a study with a made-up objective: FOLDER TRIALS LOG [hang NUMBER | interrupt NUMBER]."""

import os
import signal
import sys
import time
from pathlib import Path

from fusion_factor.training.search_space import Choice, FloatRange, IntRange
from fusion_factor.training.sweep import Study, StudySettings, Trial, TrialResult, work_off

SPACE = {"a.rate": FloatRange(1e-4, 1e-1, log=True), "b.size": IntRange(1, 9), "c": Choice(("x", "y"))}


def settings(trials: int, **more: object) -> StudySettings:
    return StudySettings(trials=trials, startup_trials=4, **more)  # type: ignore[arg-type]


def objective_of(trial: Trial) -> float:
    """Made up; depends on what the trial drew alone."""
    return -abs(float(trial.values["a.rate"]) - 0.01) - int(trial.values["b.size"]) / 1000


def main(folder: str, trials: str, log: str, how: str = "", number: str = "") -> None:
    def objective(trial: Trial) -> TrialResult:
        with Path(log).open("a") as stream:
            stream.write(f"{trial.number} {trial.attempt} {os.getpid()} {' '.join(trial.overrides)}\n")
        if how == "hang" and trial.number == int(number):
            time.sleep(600)
        if how == "interrupt" and trial.number == int(number):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        value = objective_of(trial)
        trial.report(1, value, last=True)
        return TrialResult(value)

    work_off(Study(folder, SPACE, settings(int(trials))), objective)


if __name__ == "__main__":
    main(*sys.argv[1:])
