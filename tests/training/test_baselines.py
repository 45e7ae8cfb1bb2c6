"""Plain scorers: statistics by hand, normal equations against least squares, the same masks as the networks."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from test_batches import scrambled_after

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.training.baselines import BaselineSettings, Ridge, run_baselines
from fusion_factor.training.folds import Fold
from fusion_factor.training.settings import FitSettings, FoldSettings
from fusion_factor.training.statistics import StatisticsInputs, bar_statistics, factor_statistics, standardise

FOLDS = FoldSettings(
    first_use="2016-05-15", train_start="2015-12-01", refit_months=3, min_train_dates=4, min_valid_dates=2
)
FIT = FitSettings(min_names=20)


def test_factor_statistics_by_hand() -> None:
    x_btf = torch.arange(20.0).reshape(1, 20, 1)
    expected = [19.0, 17.0, np.sqrt(2.0), 9.5, np.sqrt((20**2 - 1) / 12)]
    np.testing.assert_allclose(factor_statistics(x_btf)[0].numpy(), expected, rtol=1e-6)


def test_bar_statistics_by_hand() -> None:
    """A price that grows by 1 % a session, high 2 % above and low 2 % below the close, volume 1, at last 3."""
    close = 1.01 ** np.arange(241)
    volume = np.ones(241)
    volume[-1] = 3
    bars = np.stack([close, close * 1.02, close * 0.98, close, close / 1.005, volume], axis=-1)
    got = bar_statistics(torch.from_numpy(bars)[:, None])[0].numpy()
    returns = [1.01**k - 1 for k in (1, 5, 10, 20, 60, 120, 240)]
    top, bottom = 1.02, 0.98 * 1.01**-19
    expected = [
        *returns, 0.0, 0.0, 1.02 / (0.98 * 1.01**-4) - 1,
        3 / 1.1, 1.4 / 1.1, 1.1 / (62 / 60), (1 - bottom) / (top - bottom), 0.005,
    ]  # fmt: skip
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_columns_are_z_scores_and_what_is_missing_is_zero() -> None:
    x_bs = torch.tensor([[1.0, 7.0, torch.nan], [3.0, 7.0, torch.nan], [torch.nan, 7.0, torch.nan]]).double()
    assert standardise(x_bs, 5.0).tolist() == [[-1, 0, 0], [1, 0, 0], [0, 0, 0]]
    many = torch.zeros(1000, 1).double()
    many[0] = 1
    assert float(standardise(many, 5.0)[0, 0]) == 5


def test_population_and_sources(features: FeatureSet) -> None:
    both, bars, factors = (StatisticsInputs(features, sources) for sources in (None, ("lf",), ("hf",)))
    assert np.array_equal(both.has_inputs, features.has_lf)
    assert np.array_equal(bars.has_inputs, features.has_lf)
    assert not factors.has_inputs[:19].any()
    assert np.array_equal(factors.has_inputs[19:], features.has_hf[19:])
    (x_b1s,), names = both.at(300)
    assert x_b1s.shape == (len(names), 1, 5 * 27 + 15)
    assert torch.equal(x_b1s[:, :, 135:], bars.at(300)[0][0])
    assert StatisticsInputs(replace(features, hf=None)).at(300)[0][0].shape[2] == 15
    with pytest.raises(ConfigError, match="sources is"):
        StatisticsInputs(features, ("text",))


def test_a_name_without_intraday_inputs_has_zeros_there(features: FeatureSet) -> None:
    has_hf = features.has_hf.copy()
    has_hf[300] = False
    name = int(np.flatnonzero(features.has_lf[300])[3])
    has_hf[301, name] = False
    inputs = StatisticsInputs(replace(features, has_hf=has_hf))
    assert not inputs.at(300)[0][0][:, :, :135].any()
    (x_b1s,), names = inputs.at(301)
    row = int(np.flatnonzero(names == name)[0]) if name in names else None
    empty = (x_b1s[:, 0, :135] == 0).all(dim=1)
    assert int(empty.sum()) == (row is not None)


def test_ridge_solves_the_penalised_least_squares_of_equally_weighted_dates() -> None:
    rng = np.random.default_rng(0)
    dates = {
        t: (rng.standard_normal((n, 4)).astype(np.float32), rng.standard_normal(n))
        for t, n in ((0, 30), (5, 70), (20, 50))
    }
    fold = Fold(0, np.array([0, 5]), np.array([20]), np.array([40]), 11)
    score, note = Ridge(BaselineSettings(ridge_alphas=(0.3,))).fit(fold, lambda t: dates[t])
    rows, targets = [], []
    for t in (0, 5):
        x_bs, label_b = dates[t]
        rows.append(x_bs / np.sqrt(2 * len(label_b)))
        targets.append(label_b / np.sqrt(2 * len(label_b)))
    stacked = np.concatenate([*rows, np.sqrt(0.3) * np.eye(4)])
    expected = np.linalg.lstsq(stacked, np.concatenate([*targets, np.zeros(4)]), rcond=None)[0]
    np.testing.assert_allclose(score(np.eye(4, dtype=np.float32)), expected, rtol=1e-6)
    ic = np.corrcoef(dates[20][0] @ expected, dates[20][1])[0, 1]
    assert note == f"penalty 0.3, validation IC {ic:.4f}"


def linear(features: FeatureSet) -> FeatureSet:
    """The label of the fixture replaced by one that is linear in a factor."""
    assert features.hf is not None
    noise = np.random.default_rng(1).standard_normal(features.label.shape)
    label = np.where(features.has_label, 0.02 * (features.hf.values[:, :, 5] + noise), np.nan)
    return replace(features, label=label)


def skill(frame: pd.DataFrame, features: FeatureSet, column: str) -> float:
    rows = np.searchsorted(features.sessions, frame.date.to_numpy().astype("datetime64[D]"))
    names = np.searchsorted(features.symbols, frame.symbol.to_numpy().astype(str))
    joined = frame.assign(label=features.label[rows, names]).dropna()
    return float(np.mean([day[column].corr(day.label) for _, day in joined.groupby("date")]))


def test_ridge_finds_a_linear_signal_and_scores_all_sessions(features: FeatureSet, tmp_path: Path) -> None:
    known = linear(features)
    run_baselines(known, FOLDS, FIT, BaselineSettings(), tmp_path)
    frame = pd.read_parquet(tmp_path / "predictions" / "ridge.parquet")
    assert list(frame.columns) == ["date", "symbol", "fold", "seed", "ridge"]
    use = features.sessions >= np.datetime64("2016-05-15")
    assert len(frame) == int((features.has_lf & use[:, None]).sum())
    assert skill(frame, known, "ridge") > 0.35


def test_ridge_of_earlier_folds_does_not_move_with_what_comes_after(features: FeatureSet, tmp_path: Path) -> None:
    run_baselines(features, FOLDS, FIT, BaselineSettings(), tmp_path / "a")
    frame = pd.read_parquet(tmp_path / "a" / "predictions" / "ridge.parquet").query("fold == 0")
    cut = int(np.searchsorted(features.sessions, frame.date.max().to_datetime64().astype("datetime64[D]")))
    run_baselines(scrambled_after(features, cut), FOLDS, FIT, BaselineSettings(), tmp_path / "b")
    other = pd.read_parquet(tmp_path / "b" / "predictions" / "ridge.parquet").query("fold == 0")
    pd.testing.assert_frame_equal(frame, other, check_exact=True)


def test_boosted_trees_see_the_product_that_ridge_cannot(synthetic: Callable[..., FeatureSet], tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="needs the extra lightgbm")
    features = synthetic(n_symbols=100)
    settings = BaselineSettings(kinds=("ridge", "lightgbm"), sources=("hf",), lightgbm_rounds=100)
    run_baselines(features, replace(FOLDS, sample_step_sessions=2, refit_months=12), FIT, settings, tmp_path)
    frames = {kind: pd.read_parquet(tmp_path / "predictions" / f"{kind}.parquet") for kind in settings.kinds}
    assert abs(skill(frames["ridge"], features, "ridge")) < 0.1
    assert skill(frames["lightgbm"], features, "lightgbm") > 0.25


def test_without_lightgbm_the_config_is_refused_at_once(
    features: FeatureSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match="lightgbm, but it is not installed"):
        run_baselines(features, FOLDS, FIT, BaselineSettings(kinds=("lightgbm",)), tmp_path)


def test_no_kinds_no_work(features: FeatureSet, tmp_path: Path) -> None:
    run_baselines(features, FOLDS, FIT, BaselineSettings(kinds=()), tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="kinds is"):
        BaselineSettings(kinds=("forest",))
