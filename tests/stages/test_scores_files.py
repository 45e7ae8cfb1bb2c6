"""What the scores stage writes: weights beside the table, their description, and other ways to weight."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import run_stages, settings_of

from fusion_factor.core.artifacts import read_manifest
from fusion_factor.core.errors import ConfigError
from fusion_factor.pipeline import check_settings

KEYS = ["date", "symbol"]


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """The tiny run as far as training; a test makes its scores anew."""
    for name in ("market", "features", "train"):
        shutil.copytree(tiny_run / name, tmp_path / name)
    return tmp_path


def dated(path: Path) -> pd.DataFrame:
    """A table with its dates as pandas counts them."""
    frame = pd.read_parquet(path)
    return frame.assign(date=pd.to_datetime(frame["date"]))


@pytest.mark.slow
def test_the_published_weights_are_written_and_described(tiny_run: Path) -> None:
    weights = pd.read_parquet(tiny_run / "scores" / "weights.parquet")
    scores = pd.read_parquet(tiny_run / "scores" / "scores.parquet")
    assert weights.groupby("part")["weight"].unique().map(list).to_dict() == {"hf": [0.25], "lf": [0.75]}
    assert weights["date"].nunique() == scores["date"].nunique()
    assert list(scores)[:5] == ["date", "symbol", "hf", "lf", "score"]
    about = (read_manifest(tiny_run / "scores") or {})["about"]["fusion"]
    assert (about["method"], about["parts"], about["lead"]) == ("fixed", ["hf", "lf"], "lf")
    assert about["weights"]["lf"] == {"mean": 0.75, "least": 0.75, "most": 0.75, "last": 0.75}


@pytest.mark.slow
def test_the_score_is_the_sum_of_its_parts_by_the_written_weights(copy: Path) -> None:
    parts = ["hf", "lf_daily", "lf_weekly", "lf_monthly", "ridge"]
    words = ["scores.fuse.method=ic", f"scores.fuse.parts=[{','.join(parts)}]", "scores.fuse.window_sessions=10"]
    run_stages(copy, ["scores"], *words)
    scores = dated(copy / "scores" / "scores.parquet").set_index(KEYS)
    weights = dated(copy / "scores" / "weights.parquet").pivot(index="date", columns="part", values="weight")
    scaled = scores[parts].copy()
    # The table holds the tasks of lf as they came from the seeds; what is mixed are their z-scores.
    tasks = [name for name in parts if name.startswith("lf_")]
    by_date = scores[tasks].groupby("date")
    scaled[tasks] = (scores[tasks] - by_date.transform("mean")) / by_date.transform("std", ddof=0)
    expected = (scaled.fillna(0.0) * weights.reindex(scores.index, level="date")[parts]).sum(axis=1)
    np.testing.assert_allclose(scores["score"], expected, atol=1e-12)
    about = (read_manifest(copy / "scores") or {})["about"]["fusion"]
    assert about["label_reach_sessions"] == 11
    assert about["sessions_before_any_label"] == 11
    assert list(about["weights"]) == parts


@pytest.mark.slow
def test_other_ways_to_weight_are_judged_beside(copy: Path) -> None:
    run_stages(copy, ["scores", "evaluate"], "scores.also=[equal,stack]")
    summary = pd.read_csv(copy / "evaluate" / "summary.csv")
    assert {"fused", "fused_equal", "fused_stack"} <= set(summary["score"])
    weights = pd.read_parquet(copy / "scores" / "weights.parquet")
    assert list(weights["method"].unique()) == ["fixed", "equal", "stack"]
    assert not weights.duplicated(["method", "part", "date"]).any()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("scores.fuse.method=icri", "method: 'icri'"),
        ("scores.fuse.method=joint", "method: joint training is a network"),
        ("scores.fuse.parts=[hf,lf_dayly]", "lf_dayly"),
        ("scores.fuse.parts=[hf,lightgbm]", "none of part lightgbm"),
        ("scores.fuse={parts:[hf,lightgbm],method:equal}", "lightgbm is no network, task or plain method"),
        ("+scores.fuse.weights.hff=1", "hff is no network"),
        ("+scores.fuse.weights.lf_daily=-1", r"weights\.lf_daily: -1"),
        ("scores.fuse.window_sessions=0", "window_sessions"),
        ("scores.also=[stack,icri]", "method: 'icri'"),
        ("scores.also=[ic,ic]", "different"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_runs(override: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        check_settings(settings_of(tmp_path, override))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "override", ["+scores.fuse.weights.lf_daily=1", "scores.fuse.parts=[ridge,lf_weekly]", "+scores.fuse.windw=1"]
)
def test_tasks_and_plain_methods_are_known_and_unknown_names_are_not(override: str, tmp_path: Path) -> None:
    if "windw" in override:
        with pytest.raises(Exception, match="windw"):
            check_settings(settings_of(tmp_path, override))
    else:
        check_settings(settings_of(tmp_path, override, "scores.fuse.method=equal"))
