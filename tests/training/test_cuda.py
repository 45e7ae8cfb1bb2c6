"""The CPU and a CUDA device must agree; skipped where there is no device."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.training import Checkpoint, FitSettings, FoldSettings, NetworkSettings, predict, run
from fusion_factor.training.batches import HighFrequencyInputs, LowFrequencyInputs
from fusion_factor.training.device import choose_device

HF = NetworkSettings(
    "hf",
    {"_target_": "fusion_factor.networks.HighFrequencyNet"},
    {"_target_": "fusion_factor.training.HighFrequencyInputs"},
)
LF = NetworkSettings(
    "lf",
    {"_target_": "fusion_factor.networks.LowFrequencyNet"},
    {"_target_": "fusion_factor.training.LowFrequencyInputs"},
)
FOLDS = FoldSettings(
    first_use="2016-05-15", train_start="2015-12-01", refit_months=12, min_train_dates=4, min_valid_dates=2
)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.cuda
@needs_cuda
def test_windows_agree(features: FeatureSet) -> None:
    for kind in (HighFrequencyInputs, LowFrequencyInputs):
        here, there = kind(features).at(300), kind(features, device="cuda").at(300)
        assert np.array_equal(here[1], there[1])
        for x_btf, y_btf in zip(here[0], there[0], strict=True):
            torch.testing.assert_close(x_btf, y_btf.cpu(), atol=1e-4, rtol=0)


@pytest.mark.cuda
@needs_cuda
def test_weights_trained_on_cuda_score_alike_on_the_cpu(features: FeatureSet, tmp_path: Path) -> None:
    features.save(tmp_path / "features")
    fit = FitSettings(min_names=20, max_epochs=3)
    for repeat in ("a", "b"):
        run(tmp_path / "features", [HF, LF], FOLDS, fit, tmp_path / repeat, seeds=(0,), device="cuda")
    sessions = features.sessions[-60:]
    for network in ("hf", "lf"):
        name = f"checkpoints/{network}/fold00_seed0.ckpt"
        path = tmp_path / "a" / name
        assert all(not tensor.is_cuda for tensor in Checkpoint.read(path).weights.values())
        frames = [predict(path, features, sessions, device=device) for device in ("cpu", "cuda")]
        pd.testing.assert_frame_equal(*frames, atol=1e-4, rtol=0)
        one, two = (Checkpoint.read(tmp_path / repeat / name) for repeat in ("a", "b"))
        for key, tensor in one.weights.items():
            torch.testing.assert_close(tensor, two.weights[key], atol=1e-4, rtol=0)


@pytest.mark.cuda
@needs_cuda
def test_first_epoch_on_cuda_is_the_cpus_but_for_rounding(features: FeatureSet, tmp_path: Path) -> None:
    features.save(tmp_path / "features")
    fit = FitSettings(min_names=20, max_epochs=1)
    folds = replace(FOLDS, sample_step_sessions=10)
    for device in ("cpu", "cuda"):
        run(tmp_path / "features", [HF, LF], folds, fit, tmp_path / device, seeds=(0,), workers=1, device=device)
    for network in ("hf", "lf"):
        one, two = (pd.read_csv(tmp_path / device / "history" / f"{network}.csv") for device in ("cpu", "cuda"))
        np.testing.assert_allclose(one[["loss", "ic"]], two[["loss", "ic"]], atol=2e-3)


def test_device_is_chosen_or_refused() -> None:
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == "cpu"
    for device in ("gpu", "meta", "cuda:x"):
        with pytest.raises(ConfigError, match=f"device is '{device}'"):
            choose_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no CUDA device here"):
        choose_device("cuda")
