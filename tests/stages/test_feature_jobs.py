"""Sessions computed by other processes: the same features to the bit, whoever computed them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from chain import run_stages

from fusion_factor.core.errors import DataError
from fusion_factor.features import FeatureConfig, FeatureSet, build
from fusion_factor.stages import feature_jobs
from fusion_factor.stages.feature_jobs import fill_elsewhere
from fusion_factor.training.executors import ExecutorSettings

sys.path.append(str(Path(__file__).parents[1] / "features"))
from fake_market import make_market
from ticked_market import make_ticked_market


def open_fake(data: dict) -> object:
    """Stands for `open_market`: a small market from its seed."""
    if data["seed"] < 0:
        raise DataError("bars of 2020-01-02: damaged")
    return make_market(bar_sessions=45, seed=data["seed"])


def test_sessions_filled_elsewhere_are_found_and_make_the_same_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_jobs, "open_market", open_fake)
    one = FeatureConfig(workers=1)
    fill_elsewhere({"seed": 1}, one, tmp_path / "a", ExecutorSettings())
    market = open_fake({"seed": 1})
    assert len(list((tmp_path / "a").glob("sessions/*.factors.*.npz"))) == 45
    computed: list[object] = []
    monkeypatch.setattr("fusion_factor.features.factor_stream.FactorStream._made", lambda stream, t: computed.append(t))
    found = build(market, one, tmp_path / "a", progress=False)
    assert computed == [], "nothing is computed twice"
    monkeypatch.undo()
    expected = build(market, one, tmp_path / "b", progress=False)
    for name in ("factors", "hf"):
        assert np.array_equal(getattr(found, name).values, getattr(expected, name).values, equal_nan=True)


def test_sessions_with_ticks_are_filled_elsewhere_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_jobs, "open_market", lambda data: make_ticked_market())
    monkeypatch.setattr(feature_jobs, "_market", lambda key: make_ticked_market())
    monkeypatch.setattr(feature_jobs, "SESSIONS_A_JOB", 5)
    config = FeatureConfig(workers=1)
    fill_elsewhere({}, config, tmp_path / "a", ExecutorSettings())
    with monkeypatch.context() as patch:
        patch.setattr("fusion_factor.features.factor_stream.FactorStream._made", None)
        found = build(make_ticked_market(), config, tmp_path / "a", progress=False)
    expected = build(make_ticked_market(), config, tmp_path / "b", progress=False)
    assert np.array_equal(found.factors.values, expected.factors.values, equal_nan=True)


def test_a_block_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_jobs, "open_market", open_fake)
    monkeypatch.setattr(feature_jobs, "_market", lambda key: open_fake({"seed": -1}))
    with pytest.raises(DataError, match=r"3 of 3 blocks failed \(sessions .* to .*: bars of 2020-01-02: damaged\)"):
        fill_elsewhere({"seed": 1}, FeatureConfig(workers=1), tmp_path, ExecutorSettings())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_the_command_makes_the_same_features_on_other_processes(kind: str, tmp_path: Path) -> None:
    if kind == "ray":
        pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    elsewhere = run_stages(tmp_path, ("simulate", "features"), f"features.executor={kind}").folder("features")
    found = FeatureSet.load(elsewhere, mmap=False)
    expected = FeatureSet.load(run_stages(tmp_path, ("features",)).folder("features"), mmap=False)
    for name in ("factors", "hf", "daily"):
        assert np.array_equal(getattr(found, name).values, getattr(expected, name).values, equal_nan=True)
