"""The command line as its users meet it: help, configuration, one-line errors, exit statuses."""

import subprocess
import sys

import pytest

RUN = [sys.executable, "-m", "fusion_factor.cli"]


def command(*words, cwd):
    return subprocess.run([*RUN, *words], cwd=cwd, capture_output=True, text=True, timeout=120)


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


def test_the_composed_configuration_can_be_shown(tmp_path):
    done = command("run", "--cfg", "job", "--resolve", cwd=tmp_path)
    assert done.returncode == 0
    assert "root: runs/default" in done.stdout
    assert "top_k: 10" in done.stdout


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
        (["run", "features.no_such=1"], "no_such"),
        (["run", "experiment=nothing"], "nothing"),
        (["run", "seed=-1"], "seed"),
        (["run", "scores.fuse.mix=rank"], "mix"),
        (["run", "-m", "train.fit.learning_rate=0.1,abc"], "learning_rate"),
        (["backtest", "case=x"], "out=FOLDER"),
        (["backtest", "case=nowhere", "out=x"], "nowhere"),
    ],
)
def test_bad_words_end_with_one_line_and_status_two_before_anything_runs(words, told, tmp_path):
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("fusion-factor: ")
    assert told in last
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_stage_without_its_input_says_which_command_makes_it(tmp_path):
    done = command("train", cwd=tmp_path)
    assert done.returncode == 2
    assert "fusion-factor features" in done.stderr


def test_debug_shows_the_traceback(tmp_path):
    done = command("train", "debug=true", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
