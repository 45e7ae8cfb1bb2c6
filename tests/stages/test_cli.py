"""The command line as its users meet it: help, configuration, one-line errors, exit statuses."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import fusion_factor
from fusion_factor.cli import main
from fusion_factor.core.errors import DataError


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


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"]])
def test_help_is_useful_and_imports_nothing_heavy(words, tmp_path):
    code = (
        "import sys; from fusion_factor.cli import main; status = main(sys.argv[1:]);"
        "heavy = {'torch', 'lightning', 'pandas', 'numpy', 'hydra'} & set(sys.modules); print('heavy', sorted(heavy));"
        "raise SystemExit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "heavy []" in done.stdout
    for word in ("simulate", "rotate", "data=ashare_sample", "-m seed=", "exit status"):
        assert word in done.stdout


def test_the_composed_configuration_can_be_shown(here, capsys):
    assert main(["run", "--cfg", "job", "--resolve"]) == 0
    shown = capsys.readouterr().out
    assert "root: runs/default" in shown
    assert "top_k: 10" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["trian"], "did you mean train"),
        (["train", "train.fit.learning_rat=0.1"], "learning_rat"),
        (["train", "+train.fit.typo=1"], "typo"),
        (["train", "train.fit.learning_rate=abc"], "learning_rate"),
        (["train", "train.fit.max_epochs=30.5"], "max_epochs"),
        (["train", "train.fit.learning_rate=-1"], "learning_rate"),
        (["run", "data.n_stocks=1"], "n_stocks"),
        (["run", "rotate.strategies.theme.top_k=0"], "top_k"),
        (["run", "+rotate.strategies.theme.topk=3"], "topk"),
        (["run", "evaluate.published.horizon=0"], "horizon"),
        (["run", "evaluate.readings=[{neutralise:beta}]"], "evaluate.readings[0]: neutralise"),
        (["run", "+evaluate.intervals.draw=10"], "evaluate.intervals.draw"),
        (["run", "features.no_such=1"], "no_such"),
        (["run", "experiment=nothing"], "nothing"),
        (["run", "seed=-1"], "seed"),
        (["run", "scores.fuse.mix=rank"], "mix"),
        (["run", "-m", "train.fit.learning_rate=0.1,abc"], "learning_rate"),
        (["backtest", "case=x"], "out=FOLDER"),
        (["backtest", "case=nowhere", "out=x"], "nowhere"),
    ],
)
def test_bad_words_end_with_one_line_and_status_two_before_anything_runs(words, told, here, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert last.startswith("fusion-factor: ")
    assert told in last
    assert "Traceback" not in error
    assert not (here / "runs").exists()


def test_a_stage_without_its_input_says_which_command_makes_it(here, capsys):
    assert main(["train"]) == 2
    assert "fusion-factor features" in capsys.readouterr().err


def test_debug_shows_the_traceback(here):
    with pytest.raises(DataError, match="fusion-factor features"):
        main(["train", "debug=true"])


@pytest.mark.slow
def test_the_script_of_a_checkout_is_the_same_command(tmp_path):
    script = Path(fusion_factor.__file__).parents[1] / "scripts" / "train.py"
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("fusion-factor: no artifact features")
