"""Fusion against hand-worked numbers."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.cross_section import zscore
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.scores import (
    FusionConfig,
    chosen_parts,
    ensemble,
    fuse,
    lead_part,
    neutral,
    part_scores,
    part_weights,
    tasks_of,
)

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


def mixed(hf, lf, config=None, **label):
    """Columns `hf`, `lf` and `score` of two networks, as the stage makes them."""
    config = config or FusionConfig()
    networks = {"hf": {"hf": hf}} if hf is not None else {}
    networks |= {"lf": {f"lf_{k}": tn for k, tn in enumerate(lf)}} if lf else {}
    parts = chosen_parts(part_scores(networks, mix=config.mix), config, list(networks))
    lead = lead_part(parts, networks.get("lf", {}))
    return parts | {"score": fuse(parts, part_weights(parts, config, lead=lead, **label).weight_tk, lead=lead)}


def published(hf, lf):
    """The published mix as it was first written: (hf + 3 lf) / 4 of z-scored parts, METHOD items 60 and 61."""
    hf, lf = zscore(hf), np.mean([zscore(part) for part in lf], axis=0)
    return (1.0 * np.where(np.isnan(hf), 0.0, hf) + 3.0 * lf) / 4.0


def test_one_to_three_by_hand():
    # Two names: every z-score is -1 or 1. hf prefers B, all three low-frequency tasks prefer A: (hf + 3 lf) / 4.
    hf = np.array([[1.0, 2.0]])
    lf = [np.array([[5.0, 4.0]]), np.array([[0.2, 0.1]]), np.array([[9.0, -9.0]])]
    np.testing.assert_allclose(mixed(hf, lf)["score"], [[(-1 + 3) / 4, (1 - 3) / 4]])


def test_the_default_is_the_published_mix_bit_for_bit():
    rng = np.random.default_rng(0)
    hf, *lf = (np.where(rng.random((50, 40)) < 0.1, NAN, rng.normal(size=(50, 40))) for _ in range(4))
    hf[:20] = NAN  # intraday bars begin later
    np.testing.assert_array_equal(mixed(hf, lf)["score"], published(hf, lf))


def test_one_to_three_is_four_equal_sub_predictions():
    rng = np.random.default_rng(1)
    hf, *lf = rng.normal(size=(4, 6, 30))
    by_task = FusionConfig(method="equal", parts=["hf", "lf_0", "lf_1", "lf_2"])
    np.testing.assert_allclose(mixed(hf, lf, by_task)["score"], mixed(hf, lf)["score"], rtol=0, atol=1e-14)


def test_any_weights_are_normalised():
    rng = np.random.default_rng(2)
    hf, lf = rng.normal(size=(2, 5, 20))
    small, large = (FusionConfig(weights={"hf": 2 * k, "lf": 5 * k}) for k in (1.0, 7.0))
    expected = (2 * zscore(hf) + 5 * zscore(lf)) / 7
    for config in (small, large):
        np.testing.assert_allclose(mixed(hf, [lf], config)["score"], expected, atol=1e-14)
    equal = mixed(hf, [lf], FusionConfig(method="equal"))["score"]
    np.testing.assert_allclose(equal, (zscore(hf) + zscore(lf)) / 2, atol=1e-14)


def test_without_hf_it_counts_as_zero_and_without_lf_there_is_no_score():
    hf = np.array([[NAN, 1.0, 2.0, 3.0]])
    lf = [np.array([[4.0, 2.0, 0.0, NAN]])]
    score = mixed(hf, lf, FusionConfig(mix="raw"))["score"]
    np.testing.assert_allclose(score, [[3 * 4 / 4, (1 + 6) / 4, (2 + 0) / 4, NAN]])


def test_one_network_alone_is_its_own_score():
    hf = np.array([[1.0, 3.0]])
    np.testing.assert_allclose(mixed(hf, [])["score"], [[-1.0, 1.0]])
    np.testing.assert_allclose(mixed(None, [hf])["score"], [[-1.0, 1.0]])
    with pytest.raises(DataError, match="neither"):
        mixed(None, [])


def test_a_network_of_another_name_is_fused_when_there_is_no_hf_and_no_lf():
    parts = part_scores({"joint": {"a": np.array([[1.0, 3.0]]), "b": np.array([[1.0, 5.0]])}})
    chosen = chosen_parts(parts, FusionConfig(), ["joint"])
    np.testing.assert_allclose(chosen["joint"], [[-1.0, 1.0]])
    with pytest.raises(DataError, match="no part typo"):
        chosen_parts(parts, FusionConfig(method="equal", parts=["joint", "typo"]), ["joint"])


def test_a_task_of_two_networks_has_no_name_of_its_own():
    one = np.array([[1.0, 3.0]])
    parts = part_scores({"lf": {"lf_daily": one, "lf_weekly": one}, "other": {"lf_daily": -one}})
    assert list(parts) == ["lf", "other", "lf_weekly"]


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": {"hf": -1.0, "lf": 3.0}}, r"weights\.hf: -1"),
        ({"weights": {"hf": 0.0, "lf": 0.0}, "parts": ["hf", "lf"]}, "all 0"),
        ({"parts": ["hf", "ridge"]}, "none of part ridge"),
        ({"parts": ["hf", "hf"]}, "parts"),
        ({"parts": []}, "parts"),
        ({"mix": "rank"}, "mix"),
        ({"mix": "raw", "method": "ic"}, "mix"),
        ({"method": "joint"}, "network"),
        ({"method": "icri"}, "fixed, equal, ic, icir, stack"),
        ({"method": "stack", "shrink_labels": 0.0}, "shrink_labels"),
        ({"method": "stack", "parts": [f"p{k}" for k in range(9)]}, "at most 8"),
        ({"window_sessions": 1}, "window_sessions"),
        ({"shrink_labels": -1.0}, "shrink_labels"),
        ({"min_names": 2}, "min_names"),
        ({"mad_k": 0.0}, "mad_k"),
    ],
)
def test_bad_settings_name_themselves(change, words):
    with pytest.raises(ConfigError, match=words):
        FusionConfig(**change)
