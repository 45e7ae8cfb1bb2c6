"""What is unchanged is skipped, what was made otherwise is refused, what fails leaves nothing behind."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from chain import run_stages, settings_of

from fusion_factor.core.artifacts import read_manifest
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.pipeline import STAGES
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Stage, Workspace, check_inputs, identity, is_current, needed, run_stage

pytestmark = pytest.mark.slow

LATE = ("scores", "evaluate", "rotate", "industry", "report")


def of_a_run(settings: Settings) -> list[Stage]:
    """The stages that `run` has under these settings."""
    return [stage for stage in STAGES.values() if stage.enabled(settings)]


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run that a test may change."""
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))


def test_a_whole_run_has_every_artifact_with_its_manifest(tiny_run: Path) -> None:
    settings = settings_of(tiny_run)
    for stage in of_a_run(settings):
        manifest = read_manifest(tiny_run / stage.artifact)
        assert manifest is not None, stage.name
        assert manifest["stage"] == stage.name
        assert set(manifest["inputs"]) == set(needed(stage, settings))
        assert manifest["ended"] >= manifest["started"]
    assert not list(tiny_run.glob(".*")), "nothing temporary is left"


def test_unchanged_stages_are_skipped(copy: Path) -> None:
    stages = of_a_run(settings_of(copy))
    before = {stage.artifact: (copy / stage.artifact).stat().st_mtime_ns for stage in stages}
    run_stages(copy, [stage.name for stage in stages])
    assert before == {stage.artifact: (copy / stage.artifact).stat().st_mtime_ns for stage in stages}


def test_a_changed_value_reruns_its_stage_and_what_depends_on_it(copy: Path) -> None:
    settings = settings_of(copy, "scores.fuse.weights.hf=2.0")
    workspace = Workspace(copy)
    current = {
        stage.name: is_current(copy / stage.artifact, identity(stage, settings, workspace))
        for stage in of_a_run(settings)
    }
    assert current == {name: name != "scores" for name in current}
    run_stage(STAGES["scores"], settings, workspace)
    for name in ("evaluate", "rotate", "industry"):
        assert not is_current(copy / name, identity(STAGES[name], settings, workspace)), name


def test_an_input_made_with_other_settings_is_refused(copy: Path) -> None:
    settings = settings_of(copy, "scores.fuse.weights.hf=2.0")
    with pytest.raises(ConfigError, match=r"scores\.fuse\.weights\.hf: 1\.0 there, 2\.0 asked"):
        check_inputs(STAGES["rotate"], settings, Workspace(copy), STAGES)


def test_a_failing_stage_leaves_the_old_artifact(copy: Path) -> None:
    old = (copy / "scores" / "manifest.json").read_text()
    (copy / "train" / "predictions" / "lf.parquet").unlink()
    (copy / "train" / "predictions" / "hf.parquet").unlink()
    with pytest.raises(DataError, match="neither"):
        run_stages(copy, ["scores"], "scores.fuse.mix=raw")
    assert (copy / "scores" / "manifest.json").read_text() == old
    assert sorted(path.name for path in copy.glob(".scores*")) == []


def test_training_goes_on_after_an_interruption(copy: Path) -> None:
    """The finished fits of a run that was stopped are not fitted again, and the result is the same to the bit."""
    whole = pd.read_parquet(copy / "train" / "predictions" / "hf.parquet")
    settings, workspace = settings_of(copy), Workspace(copy)
    partial = copy / ".train.partial"
    shutil.copytree(copy / "train" / "checkpoints", partial / "checkpoints")
    kept = sorted((partial / "checkpoints" / "hf").glob("*.ckpt"))
    times = {path.name: path.read_bytes() for path in kept[:-1]}
    kept[-1].unlink()
    wanted = identity(STAGES["train"], settings, workspace)
    shutil.rmtree(copy / "train")
    from fusion_factor.core.artifacts import hash_of

    mark = hash_of({name: wanted[name] for name in ("config_hash", "inputs", "code")})
    (partial / ".unfinished").write_text(mark)
    run_stages(copy, ["train"])
    pd.testing.assert_frame_equal(pd.read_parquet(copy / "train" / "predictions" / "hf.parquet"), whole)
    for name, content in times.items():
        assert (copy / "train" / "checkpoints" / "hf" / name).read_bytes() == content


def test_more_seeds_add_fits_and_keep_those_that_are_there(copy: Path) -> None:
    weights = {path: path.read_bytes() for path in (copy / "train" / "checkpoints").glob("*/*.ckpt")}
    times = {path.name: path.stat().st_mtime_ns for path in weights}
    run_stages(copy, ["train"], "train.seeds=[0,1]")
    assert {path: path.read_bytes() for path in weights} == weights
    assert times == {path.name: path.stat().st_mtime_ns for path in weights}
    assert len(list((copy / "train" / "checkpoints").glob("*/*.ckpt"))) == 2 * len(weights)
    run_stages(copy, ["train"], "train.seeds=[1]")
    assert {path.stem[-1] for path in (copy / "train" / "checkpoints").glob("*/*.ckpt")} == {"1"}


def test_a_sweep_shares_what_is_unchanged_and_keeps_its_own_rest(copy: Path, tmp_path: Path) -> None:
    settings = settings_of(copy, "scores.fuse.weights.lf=1.0")
    workspace = Workspace(copy, tmp_path / "job0")
    for name in ("features", "train", *LATE):
        run_stage(STAGES[name], settings, workspace)
    assert sorted(path.name for path in (tmp_path / "job0").iterdir()) == sorted(LATE)
    assert (tmp_path / "job0" / "report" / "report.html").stat().st_size > 100_000


def test_a_score_of_ones_own_is_judged_beside_ours(copy: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    table = pd.read_parquet(copy / "scores" / "scores.parquet")
    table.assign(score=-table["score"])[["date", "symbol", "score"]].to_csv(own, index=False)
    run_stages(copy, ["scores", "evaluate"], f"+scores.own.turned={own}")
    summary = pd.read_csv(copy / "evaluate" / "summary.csv")
    ours = summary[(summary["score"] == "fused") & (summary["label"] == "published")].iloc[0]
    turned = summary[(summary["score"] == "turned") & (summary["label"] == "published")].iloc[0]
    assert turned["rank_ic"] == pytest.approx(-ours["rank_ic"], abs=1e-12)


def test_shipped_weights_score_without_training(copy: Path) -> None:
    weights = copy / "weights"
    shutil.copytree(copy / "train" / "checkpoints", weights)
    trained = pd.read_parquet(copy / "train" / "predictions" / "lf.parquet")
    run_stages(copy, ["train"], f"train.checkpoints={weights}")
    pd.testing.assert_frame_equal(pd.read_parquet(copy / "train" / "predictions" / "lf.parquet"), trained)
    folds = json.loads((copy / "train" / "folds.json").read_text())
    assert set(folds) == {"hf", "lf"}
