"""Factors weighed without a network: weights by hand, scores against a slow sum, no label of the sessions of use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.features.baseline import signed_factors, signed_mean
from fusion_factor.features.intraday.catalogue import SIGNS
from fusion_factor.training.baselines import BaselineSettings, run_baselines
from fusion_factor.training.factor_weights import FACTOR_KINDS, equal_weights, icir_weights
from fusion_factor.training.folds import Fold
from fusion_factor.training.settings import FitSettings, FoldSettings
from fusion_factor.training.walk_forward import folds_for

FOLDS = FoldSettings(first_use="2016-03-01", train_start="2015-01-01", refit_months=3, min_valid_dates=3)
FIT = FitSettings(min_names=20)


@pytest.fixture(scope="module")
def named(features: FeatureSet) -> FeatureSet:
    """Three published factors and one of one's own."""
    assert features.hf is not None
    names = (*list(SIGNS)[:3], "mine")
    hf = replace(features.hf, values=np.ascontiguousarray(features.hf.values[:, :, :4]), names=names)
    return replace(features, hf=hf, factors=hf)


def scores_of(features: FeatureSet, folder: Path) -> dict[str, pd.DataFrame]:
    run_baselines(features, FOLDS, FIT, BaselineSettings(kinds=FACTOR_KINDS), folder)
    return {kind: pd.read_parquet(folder / "predictions" / f"{kind}.parquet") for kind in FACTOR_KINDS}


def test_icir_weights_by_hand() -> None:
    ic_df = np.array([[0.1, -0.2, 0.3, np.nan], [0.3, -0.4, np.nan, np.nan], [0.2, -0.3, np.nan, np.nan]])
    # means 0.2 and -0.3, deviations 0.1 and 0.1: 2 and -3; one or no RankIC: 0
    np.testing.assert_allclose(icir_weights(ic_df), [0.4, -0.6, 0, 0])
    assert not icir_weights(np.full((3, 2), 0.1)).any(), "without any deviation there is no ratio"


def test_equal_weights_are_of_the_published_factors_alone(named: FeatureSet) -> None:
    np.testing.assert_allclose(equal_weights(named), [1 / 3, 1 / 3, 1 / 3, 0])


def test_scores_are_the_weighed_factors(named: FeatureSet, tmp_path: Path) -> None:
    frames = scores_of(named, tmp_path)
    folds: list[Fold] = folds_for(named, _inputs(named), FOLDS, FIT.min_names)
    signed = [x_tn for _, _, x_tn in signed_factors(named, {"mine": 1})]
    assert len(folds) > 1
    for fold in folds:
        known = np.concatenate([fold.train, fold.valid])
        ic_df = np.full((len(known), 4), np.nan)
        for d, t in enumerate(known):
            for f, x_tn in enumerate(signed):
                there = named.has_label[t] & np.isfinite(x_tn[t])
                ic_df[d, f] = stats.spearmanr(x_tn[t, there], named.label[t, there]).statistic
        weights = icir_weights(ic_df)
        for t in fold.use[[0, -1]]:
            expected = sum(w * np.nan_to_num(x_tn[t]) for w, x_tn in zip(weights, signed, strict=True))
            for kind, score_n in (("icir27", expected), ("equal27", signed_mean(named)[t])):
                frame = frames[kind]
                rows = frame[frame["date"] == named.sessions[t]]
                places = np.searchsorted(named.symbols, rows["symbol"].to_numpy(str))
                assert np.array_equal(places, np.flatnonzero(named.has_hf[t]))
                np.testing.assert_allclose(rows[kind], score_n[places], atol=1e-6)
                assert set(rows["fold"]) == {fold.index}


def _inputs(features: FeatureSet):
    from fusion_factor.training.factor_weights import factor_inputs

    return factor_inputs(features)


def test_scores_know_no_label_that_ends_at_their_session_or_later(named: FeatureSet, tmp_path: Path) -> None:
    """Whatever labels come to be from the first session of use on: the first fold's scores stay as they are."""
    first = folds_for(named, _inputs(named), FOLDS, FIT.min_names)[0]
    label = named.label.copy()
    later = first.use[0] - named.reach
    label[later:] = np.where(np.isnan(label[later:]), np.nan, -7 * label[later:])
    before, after = scores_of(named, tmp_path / "a"), scores_of(replace(named, label=label), tmp_path / "b")
    for kind in FACTOR_KINDS:
        one, two = (frames[kind][frames[kind]["fold"] == 0] for frames in (before, after))
        pd.testing.assert_frame_equal(one, two)
    assert not before["icir27"].equals(after["icir27"]), "later folds do learn from them"


def test_without_intraday_factors_they_are_refused(features: FeatureSet, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hold no intraday factors"):
        run_baselines(replace(features, hf=None), FOLDS, FIT, BaselineSettings(kinds=("icir27",)), tmp_path)
