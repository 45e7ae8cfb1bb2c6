"""Windows of the joint network: those of both kinds for the names of both, padded where that is asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fusion_factor.features import FeatureSet
from fusion_factor.training import HighFrequencyInputs, JointInputs, LowFrequencyInputs
from fusion_factor.training.folds import Fold
from fusion_factor.training.settings import FitSettings, NetworkSettings
from fusion_factor.training.trainer import train


@pytest.fixture(scope="module")
def partly(features: FeatureSet) -> FeatureSet:
    """Every third name has no intraday inputs before session 330."""
    has_hf = features.has_hf.copy()
    has_hf[:330, ::3] = False
    return replace(features, has_hf=has_hf)


def test_names_have_both_kinds_of_inputs_unless_padded(partly: FeatureSet) -> None:
    high, low = HighFrequencyInputs(partly), LowFrequencyInputs(partly)
    assert np.array_equal(JointInputs(partly).has_inputs, high.has_inputs & low.has_inputs)
    assert np.array_equal(JointInputs(partly, pad=True).has_inputs, low.has_inputs)


@pytest.mark.parametrize("pad", [False, True])
def test_windows_are_those_of_both_over_the_names_of_the_joint_network(partly: FeatureSet, pad: bool) -> None:
    inputs, names = JointInputs(partly, pad=pad).at(300)
    there = HighFrequencyInputs(partly).has_inputs[300, names]
    assert there.all() != pad
    assert partly.hf is not None
    factors = partly.hf.values[261:301][:, names].transpose(1, 0, 2)
    assert np.array_equal(inputs[0][there].numpy(), factors[there])
    assert not inputs[0][~there].any()
    bars = LowFrequencyInputs(partly).windows(300, torch.from_numpy(names))
    assert all(torch.equal(a, b) for a, b in zip(inputs[1:], bars, strict=True))


@pytest.mark.parametrize("pad", [False, True])
def test_rows_are_those_of_their_sessions_to_the_bit(partly: FeatureSet, pad: bool) -> None:
    inputs = JointInputs(partly, pad=pad)
    t_b = np.repeat([300, 250, 400], 9)
    names_b = np.concatenate([inputs.names(t)[3:12] for t in (300, 250, 400)])
    got = inputs.rows(t_b, names_b)
    for t in (300, 250, 400):
        for x_btf, whole_btf in zip(got, inputs.at(t)[0], strict=True):
            assert torch.equal(x_btf[t_b == t], whole_btf[3:12])


@pytest.mark.parametrize("pad", [False, True])
def test_some_of_a_session_are_their_rows_of_all_to_the_bit(partly: FeatureSet, pad: bool) -> None:
    inputs = JointInputs(partly, pad=pad)
    whole, names = inputs.at(300)
    rows_b = torch.arange(2, len(names), 3)
    for x_btf, all_btf in zip(inputs.some(300, torch.from_numpy(names), rows_b), whole, strict=True):
        assert torch.equal(x_btf, all_btf[rows_b])


@pytest.mark.parametrize("batch_mode", ["date", "shuffle"])
def test_the_joint_network_is_fitted_like_any_other(features: FeatureSet, batch_mode: str) -> None:
    joint = NetworkSettings(
        "joint",
        {"_target_": "fusion_factor.networks.JointNet", "high": {"hidden": 4}, "low": {"hidden": 4}},
        {"_target_": "fusion_factor.training.JointInputs", "high": {"window_sessions": 10}},
    )
    fold = Fold(0, np.arange(250, 300, 10), np.arange(312, 340, 15), np.arange(352, 380), 11)
    settings = FitSettings(min_names=20, max_epochs=2, batch_mode=batch_mode, rows_per_batch=60)
    module = train(features, JointInputs(features, {"window_sessions": 10}), joint, fold, 0, settings)
    assert [row["task"] for row in module.history[:4]] == ["hf", "lf_daily", "lf_weekly", "lf_monthly"]
