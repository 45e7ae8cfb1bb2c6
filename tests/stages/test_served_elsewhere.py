"""A run's networks, exported and served by onnxruntime, make the score table of the run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion_factor.features import FeatureSet
from fusion_factor.scores import ensemble, fuse, part_scores
from fusion_factor.training import export_onnx, served_scores


@pytest.mark.slow
def test_the_fused_score_from_exported_files(tiny_run: Path, tmp_path: Path) -> None:
    for name in ("onnxscript", "onnxruntime"):
        pytest.importorskip(name, reason=f"needs {name}: pip install 'fusion-factor[onnx]'")
    features = FeatureSet.load(tiny_run / "features")
    last = json.loads((tiny_run / "train" / "folds.json").read_text())["lf"][-1]
    days = features.sessions[features.sessions >= np.datetime64(last["use"]["first"])]
    networks = {}
    for name in ("hf", "lf"):
        weights = tiny_run / "train" / "checkpoints" / name / f"fold{last['fold']:02d}_seed0.ckpt"
        done = export_onnx(weights, features, tmp_path / f"{name}.onnx", sessions=days[:2])
        table = served_scores(done.path, features, days).assign(seed=0, fold=last["fold"])
        networks[name] = ensemble(table, features.sessions, features.symbols)
    every = part_scores(networks)
    parts = {name: every[name] for name in ("hf", "lf")}
    share = pd.read_parquet(tiny_run / "scores" / "weights.parquet").groupby("part")["weight"].last()
    weight_tk = np.tile([share["hf"], share["lf"]], (len(features.sessions), 1))
    score_tn = fuse(parts, weight_tk, lead="lf")
    table = pd.read_parquet(tiny_run / "scores" / "scores.parquet")
    t = np.searchsorted(features.sessions, pd.to_datetime(table["date"]).to_numpy().astype("datetime64[D]"))
    n = pd.Index(features.symbols).get_indexer(table["symbol"])
    served = features.sessions[t] >= days[0]
    assert served.sum() > 500
    # z-scores of a seed's outputs: 1e-5 of the outputs is a little more where their spread is small.
    np.testing.assert_allclose(score_tn[t, n][served], table["score"].to_numpy()[served], atol=1e-4)
