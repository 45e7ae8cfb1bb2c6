"""The command `sweep`: bad spaces are refused before anything runs, an interrupted one goes on; grids compared."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import TINY

from fusion_factor.cli import main
from fusion_factor.evaluation import backtest_overfitting, deflated_sharpe
from fusion_factor.stages.sweep_tables import deflated, leaderboard
from fusion_factor.training.sweep import TrialRecord

pytest.importorskip("optuna", reason="needs the extra optuna")

CHOICE = "{type:choice,values:[%s]}"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder; logging and arguments are put back afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield tmp_path
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


def of_space(path: str, spec: str) -> list[str]:
    return ["sweep=study", f"+sweep.space={{{path}:{spec}}}"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sweep=study"], "sweep.space: is empty"),
        (["sweep=nothing"], "nothing"),
        (of_space("train.fit.learning_rat", CHOICE % "0.1,0.2"), "sweep.space.train.fit.learning_rat=0.1"),
        (of_space("train.fit.max_epochs", "{type:float,low:1,high:4.5}"), "sweep.space.train.fit.max_epochs=1.0"),
        (of_space("train.fit.learning_rate", "{type:float,low:0.1,high:2.0}"), "learning_rate is 2.0"),
        (of_space("networks.lf.network.hidden", CHOICE % "8,-1"), "networks.lf.network.hidden=-1"),
        (of_space("networks.lf.network.hiden", CHOICE % "8,9"), "hiden"),
        (of_space("+networks.lf.network.hiden", CHOICE % "8,9"), "hiden"),
        (of_space("scores.fuse.lf_weight", CHOICE % "1.0,3.0"), "does not change what is trained"),
        (["train=published", "++networks.lf.fit.learning_rate=0.1", "++networks.hf.fit.learning_rate=0.1",
          *of_space("train.fit.learning_rate", CHOICE % "0.1,0.2")], "does not change what is trained"),
        (of_space("features.label.end", CHOICE % "6,11"), "must not differ between trials"),
        (of_space("++seed", CHOICE % "1,2"), "must not differ between trials"),
        (of_space("train.seeds", CHOICE % "[0],[1]"), "must not differ between trials"),
        (["sweep.networks=[mf]"], "'mf' is not configured"),
        (["sweep.trials=0"], "sweep.trials"),
        (["sweep.trials=many"], "trials"),
        (["+sweep.trails=3"], "trails"),
        (["sweep.workers=0"], "sweep.workers"),
        (["sweep.study=a/b"], "sweep.study"),
        (["train.checkpoints=x"], "train.checkpoints"),
        (["-m", "seed=0,1"], "-m makes grids"),
    ],
)  # fmt: skip
def test_bad_spaces_end_with_one_line_and_status_two_before_anything_runs(words, told, here, capsys):
    assert main(["sweep", *words]) == 2
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert last.startswith("fusion-factor: ")
    assert told in last
    assert "Traceback" not in error
    assert not (here / "runs").exists()


@pytest.mark.parametrize("name", ["default", "lf", "hf"])
def test_ready_spaces_can_be_shown_and_are_sound(name, here, capsys):
    assert main(["sweep", f"sweep={name}", "--cfg", "job", "--resolve"]) == 0
    assert "space:" in capsys.readouterr().out
    from fusion_factor.pipeline import check_settings, compose_settings
    from fusion_factor.stages.settings import typed
    from fusion_factor.stages.sweep import SweepSettings, _plan, check_space

    words = [f"sweep={name}", "train=published"]
    settings = compose_settings(words)
    options = typed(SweepSettings, settings.raw["sweep"])
    check_space(options, _plan(options, settings, words, compose_settings), check_settings)


def test_help_names_the_command(capsys):
    assert main(["sweep", "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("sweep: ")
    assert "default, hf, lf, study" in told


def record(number: int, state: str, objective: float | None, **about: object) -> TrialRecord:
    return TrialRecord(number, state, objective, {"a.b": str(number)}, {}, about)


def test_the_leaderboard_has_the_complete_trials_first():
    table = leaderboard(
        [
            record(0, "failed", None, error="no"),
            record(1, "complete", 0.02, networks={"lf": 0.02}),
            record(2, "pruned", 0.09),
            record(3, "complete", 0.05, networks={"lf": 0.05}),
            record(4, "running", None),
        ]
    )
    assert table["number"].tolist() == [3, 1, 2, 4, 0]
    assert table["rank"].tolist()[:2] == [1, 2]
    assert table["rank"].isna().tolist() == [False, False, True, True, True]
    assert table["a.b"].tolist() == ["3", "1", "2", "4", "0"]
    assert table["rank_ic_lf"].tolist()[:2] == [0.05, 0.02]


def test_deflated_figures_are_those_of_dates_that_do_not_overlap():
    rng = np.random.default_rng(3)
    positions = np.arange(0, 1000, 5)
    series = {number: pd.Series(0.03 * number + rng.normal(0, 0.1, 200), positions) for number in range(4)}
    told = deflated(series, best=3, gap_sessions=11)
    kept = positions[::3]
    values_tv = np.column_stack([each.loc[kept] for each in series.values()])
    icir_v = values_tv.mean(axis=0) / values_tv.std(axis=0, ddof=1)
    assert told["dates"] == len(kept) == 67
    assert told["icir"] == pytest.approx(icir_v[3])
    expected = deflated_sharpe(values_tv[:, 3], icir_v)
    assert told["deflated_probability"] == pytest.approx(expected.probability)
    assert told["overfitting_probability"] == backtest_overfitting(values_tv, blocks=16).probability
    few = deflated({number: each.iloc[:9] for number, each in series.items()}, best=3, gap_sessions=11)
    assert few["dates"] == 3
    assert few["icir"] is None


SWEEP = (
    "sweep", *TINY, "traceback=false", "train.seeds=[0,1]", "sweep=study", "sweep.networks=[hf]",
    "+sweep.space={networks.hf.network.hidden:{type:int,low:2,high:9},++networks.hf.fit.learning_rate:"
    "{type:float,low:0.001,high:0.02,log:true}}",
)  # fmt: skip


def start(root: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "fusion_factor.cli", *SWEEP, f"root={root}", *words]
    return subprocess.Popen(
        command, cwd=root.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def until(process: subprocess.Popen, text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the command ended without {text!r}")


@pytest.mark.slow
def test_a_sweep_that_is_killed_and_interrupted_ends_like_one_that_is_not(tiny_run: Path, tmp_path: Path) -> None:
    whole, broken = (Path(shutil.copytree(tiny_run, tmp_path / name)) for name in ("whole", "broken"))
    done = start(whole, "sweep.trials=4")
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, err
    assert "4 trials: 4 complete" in out
    killed = start(broken, "sweep.trials=4")
    until(killed, "trial 1: ")
    time.sleep(0.5)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    interrupted = start(broken, "sweep.trials=4")
    until(interrupted, "trial 2: ")
    os.killpg(interrupted.pid, signal.SIGINT)
    _, err = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 130, err
    assert err.strip().splitlines()[-1].startswith("interrupted; the same command continues")
    last = start(broken, "sweep.trials=4", "sweep.workers=2")
    out, err = last.communicate(timeout=300)
    assert last.returncode == 0, err
    first, second = (pd.read_csv(root / "sweep" / "default" / "leaderboard.csv") for root in (whole, broken))
    same = ["number", "state", "fits", "label_until"]
    first, second = first.sort_values("number"), second.sort_values("number")
    pd.testing.assert_frame_equal(first[same].reset_index(drop=True), second[same].reset_index(drop=True))
    sure = first["number"].isin([0, 1, 2]).to_numpy()
    assert (first["objective"].to_numpy()[sure] == second["objective"].to_numpy()[sure]).all()
    told = json.loads((broken / "sweep" / "default" / "sweep.json").read_text())
    assert told["trials"] == told["complete"] == 4
    assert len(list((broken / "sweep" / "default" / "trials").iterdir())) == 4
    assert (broken / "sweep" / "default" / "best.txt").read_text().splitlines() == told["best"]["overrides"]


@pytest.mark.slow
def test_a_grid_leaves_a_leaderboard_and_its_jobs_their_own_folders(tiny_run: Path, here: Path, capsys) -> None:
    root = Path(shutil.copytree(tiny_run, here / "run"))
    words = [*TINY, "traceback=false", f"root={root}", "networks.lf=null", "train.baselines.kinds=[]"]
    for _ in range(2):
        assert main(["train", "-m", *words, "networks.hf.network.hidden=3,5"]) == 0
    first, second = sorted((here / "multirun").glob("*/*"))
    assert sorted(path.name for path in first.iterdir() if path.is_dir()) == ["0", "1"]
    table = pd.read_csv(second / "leaderboard.csv")
    assert table["networks.hf.network.hidden"].sort_values().tolist() == [3, 5]
    assert table["objective"].is_monotonic_decreasing
    assert sorted(table["folder"]) == ["0/train", "1/train"]
    pd.testing.assert_frame_equal(table, pd.read_csv(first / "leaderboard.csv"))
