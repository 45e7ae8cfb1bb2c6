"""Fusion against hand-worked numbers."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.scores import FusionConfig, ensemble, fuse, neutral, tasks_of

DAYS = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
NAN = np.nan


def predictions(rows):
    frame = pd.DataFrame(rows, columns=["date", "symbol", "fold", "seed", "hf"])
    return frame.assign(date=pd.to_datetime(frame["date"]))


def test_seeds_are_put_on_one_scale_before_they_are_averaged():
    # Seed 1 says the same ranking 1000 times louder: it must not drown seed 0, which says the reverse.
    rows = [("2024-01-02", s, 0, 0, v) for s, v in (("A", 1.0), ("B", 3.0))]
    rows += [("2024-01-02", s, 0, 1, v) for s, v in (("A", 3000.0), ("B", 1000.0))]
    result = ensemble(predictions(rows), DAYS[:1], np.array(["A", "B"]))
    np.testing.assert_allclose(result["hf"], [[0.0, 0.0]], atol=1e-12)


def test_a_name_that_one_seed_did_not_score_has_no_ensemble_score():
    rows = [("2024-01-02", s, 0, 0, v) for s, v in (("A", 1.0), ("B", 3.0))] + [("2024-01-02", "A", 0, 1, 5.0)]
    result = ensemble(predictions(rows), DAYS[:1], np.array(["A", "B"]), mix="raw")
    np.testing.assert_allclose(result["hf"], [[3.0, NAN]])


def test_two_folds_scoring_one_day_are_refused():
    rows = [("2024-01-02", "A", 0, 0, 1.0), ("2024-01-02", "A", 1, 0, 1.0)]
    with pytest.raises(DataError, match="A on 2024-01-02, seed 0"):
        ensemble(predictions(rows), DAYS, np.array(["A"]))


def test_one_to_three_by_hand():
    # Two names: every z-score is -1 or 1. hf prefers B, all three low-frequency tasks prefer A: (hf + 3 lf) / 4.
    hf = np.array([[1.0, 2.0]])
    lf = [np.array([[5.0, 4.0]]), np.array([[0.2, 0.1]]), np.array([[9.0, -9.0]])]
    parts = fuse(hf, lf, FusionConfig())
    np.testing.assert_allclose(parts["score"], [[(-1 + 3) / 4, (1 - 3) / 4]])


def test_without_hf_it_counts_as_zero_and_without_lf_there_is_no_score():
    hf = np.array([[NAN, 1.0, 2.0, 3.0]])
    lf = [np.array([[4.0, 2.0, 0.0, NAN]])]
    score = fuse(hf, lf, FusionConfig(mix="raw"))["score"]
    np.testing.assert_allclose(score, [[3 * 4 / 4, (1 + 6) / 4, (2 + 0) / 4, NAN]])


def test_one_network_alone_is_its_own_score():
    hf = np.array([[1.0, 3.0]])
    np.testing.assert_allclose(fuse(hf, [], FusionConfig())["score"], [[-1.0, 1.0]])
    np.testing.assert_allclose(fuse(None, [hf], FusionConfig())["score"], [[-1.0, 1.0]])
    with pytest.raises(DataError, match="neither"):
        fuse(None, [], FusionConfig())


def test_neutral_score_has_no_industry_mean_and_no_size_slope():
    rng = np.random.default_rng(0)
    industry = np.repeat(np.arange(4), 25)[None, :].repeat(2, axis=0)
    size = rng.normal(size=(2, 100))
    score = rng.normal(size=(2, 100)) + 0.8 * size + industry
    result = neutral(score, industry, size)
    for t in range(2):
        means = [result[t, industry[t] == g].mean() for g in range(4)]
        np.testing.assert_allclose(means, 0, atol=1e-10)
        assert abs(np.corrcoef(result[t], size[t])[0, 1]) < 0.2
        assert result[t].std() == pytest.approx(1.0)


def test_tasks_are_the_columns_that_are_no_key():
    assert tasks_of(predictions([("2024-01-02", "A", 0, 0, 1.0)])) == ["hf"]


@pytest.mark.parametrize("change", [{"hf_weight": -1.0}, {"mix": "rank"}, {"hf_weight": 0.0, "lf_weight": 0.0}])
def test_bad_settings_name_themselves(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        FusionConfig(**change)
