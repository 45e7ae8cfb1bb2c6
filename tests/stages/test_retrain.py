"""A run that meets a new period fits the new fold alone: earlier weights are found, earlier scores stay to the bit."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from chain import cut_market, run_stages

from fusion_factor.training.checkpoints import Checkpoint

pytestmark = pytest.mark.slow

STAGES = ("features", "train", "scores")


@pytest.fixture(scope="module")
def grown(
    tiny_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes], dict[str, int], pd.DataFrame]:
    """A run that ended with November, continued to the end of December; what it held before: weights by file, times of
    finished sessions, and scores."""
    root = tmp_path_factory.mktemp("grown")
    cut_market(tiny_run / "market", root / "market", "2022-11-30")
    run_stages(root, STAGES)
    weights = {path.name: path.read_bytes() for path in (root / "train" / "checkpoints").glob("lf/*.ckpt")}
    sessions = {path.name: path.stat().st_mtime_ns for path in (root / "features" / "sessions").iterdir()}
    scores = pd.read_parquet(root / "scores" / "scores.parquet")
    shutil.rmtree(root / "market")
    (root / "market").symlink_to(tiny_run / "market")
    run_stages(root, STAGES)
    return root, weights, sessions, scores


def test_only_the_new_fold_is_fitted(grown: tuple[Path, dict[str, bytes], dict[str, int], pd.DataFrame]) -> None:
    root, weights, sessions, _ = grown
    assert list(weights) == ["fold00_seed0.ckpt"]
    now = {path.name: path.read_bytes() for path in (root / "train" / "checkpoints").glob("lf/*.ckpt")}
    assert sorted(now) == ["fold00_seed0.ckpt", "fold01_seed0.ckpt"]
    assert now["fold00_seed0.ckpt"] == weights["fold00_seed0.ckpt"]
    later = {path.name: path.stat().st_mtime_ns for path in (root / "features" / "sessions").iterdir()}
    assert later.keys() > sessions.keys()
    assert {name: later[name] for name in sessions} == sessions, "finished sessions are not computed again"
    curves = {path.name for path in (root / "train" / "tensorboard" / "lf").iterdir()}
    assert curves == {"fold01_seed0"}, "one fit was made, and left its curves"


def test_earlier_scores_stay_and_all_equal_a_run_from_scratch(
    grown: tuple[Path, dict[str, bytes], dict[str, int], pd.DataFrame], tiny_run: Path
) -> None:
    root, _, _, before = grown
    after = pd.read_parquet(root / "scores" / "scores.parquet")
    kept = after[after["date"] <= before["date"].max()].reset_index(drop=True)
    assert before["date"].nunique() > 15
    assert set(kept["fold"]) == {0}
    pd.testing.assert_frame_equal(kept, before, check_exact=True)
    assert set(after["fold"]) == {0, 1}
    pd.testing.assert_frame_equal(after, pd.read_parquet(tiny_run / "scores" / "scores.parquet"), check_exact=True)
    ours, theirs = (Checkpoint.read(each / "train" / "checkpoints" / "lf" / "fold00_seed0.ckpt") for each in (
        root, tiny_run))  # fmt: skip
    for name, tensor in theirs.weights.items():
        assert torch.equal(ours.weights[name], tensor), "weights do not depend on later sessions"
