"""Cross-validation parts, the candidates, what leaking would have flattered, calibration."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.text.classifier import ClassifierSettings, choose_and_fit, fit
from fusion_factor.text.judgement import calibration, calibration_error, class_figures
from fusion_factor.text.validation import auc, cross_validation, note_score

DAY0 = np.datetime64("2020-01-01")


def notes(events: int = 60, each: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """Events of some stocks within half a year; labels of one stock overlap now and then."""
    rng = np.random.default_rng(seed)
    stock_e, day_e = rng.integers(0, 8, events), DAY0 + rng.integers(0, 180, events)
    session_n = np.repeat(day_e, each)
    return {
        "group_n": np.repeat(stock_e * 1000 + (day_e - DAY0).astype(int), each),
        "session_n": session_n,
        "label_end_n": session_n + rng.integers(1, 20, events * each),
        "stock_n": np.repeat(stock_e, each),
    }


@pytest.mark.parametrize("way", ["shuffled", "blocks"])
def test_parts_cover_all_rows_and_keep_groups_and_overlaps_apart(way: str) -> None:
    """Against comparing every pair of rows."""
    data = notes()
    parts = cross_validation(**data, parts=4, way=way)
    np.testing.assert_array_equal(np.sort(np.concatenate([valid for _, valid in parts])), np.arange(180))
    first, last = data["session_n"], data["label_end_n"]
    purged = 0
    for train, valid in parts:
        assert not set(data["group_n"][train]) & set(data["group_n"][valid])
        expected = [
            row
            for row in sorted(set(range(180)) - set(valid.tolist()))
            if not any(
                first[row] <= last[other] and first[other] <= last[row]
                for other in valid
                if way == "blocks" or data["stock_n"][row] == data["stock_n"][other]
            )
        ]
        np.testing.assert_array_equal(train, expected)
        purged += 180 - len(valid) - len(train)
    assert purged > 10


def test_blocks_follow_time_and_a_shuffle_follows_its_seed() -> None:
    data = notes(events=200)
    blocks = cross_validation(**data, way="blocks")
    starts = [data["session_n"][valid].min() for _, valid in blocks]
    assert starts == sorted(starts)
    first, again, other = (cross_validation(**data, seed=seed)[0][1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(ConfigError, match="way is 'random'"):
        cross_validation(**data, way="random")


def test_ungrouped_validation_would_have_flattered_the_score() -> None:
    """Five copies of each note with labels of pure chance: only a split through the copies sees skill."""
    rng = np.random.default_rng(4)
    group_n = np.repeat(np.arange(80), 5)
    x_nd = (rng.normal(size=(80, 40))[group_n] + 0.1 * rng.normal(size=(400, 40))).astype(np.float32)
    class_n = rng.integers(0, 3, 80)[group_n]
    session_n = DAY0 + group_n
    settings = ClassifierSettings(penalties=(0.01, 0.1))
    found = {}
    for name, group in (("grouped", group_n), ("ungrouped", np.arange(400))):
        parts = cross_validation(group, session_n, session_n, way="shuffled")
        found[name] = choose_and_fit(x_nd, class_n, parts, settings)
    assert abs(found["grouped"].auc - 0.5) < 0.12
    assert found["ungrouped"].auc > 0.75
    assert found["ungrouped"].log_loss < np.log(3) < found["grouped"].log_loss
    assert found["ungrouped"].chosen == {"penalty": 0.01}, "the leak also takes the candidate that learns copies best"
    assert found["grouped"].chosen == {"penalty": 0.1}


def three_classes(rows: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x_nd = rng.normal(size=(rows, 6)).astype(np.float32)
    value = x_nd[:, 0] - 0.5 * x_nd[:, 1] + 0.5 * rng.normal(size=rows)
    return x_nd, np.digitize(value, np.quantile(value, [0.3, 0.7]))


def test_softmax_equals_its_definition_solved_by_scipy() -> None:
    """Weights, not on the bias, penalised in the scaled inputs; an input that hardly varies is not blown up."""
    optimize = pytest.importorskip("scipy.optimize")
    x_nd, class_n = three_classes(200)
    x_nd[:, 5] *= 1e-4
    deviation = x_nd.astype(float).std(axis=0)
    scale = np.maximum(deviation, 0.5 * np.sqrt((deviation**2).mean()))
    z_nd = (x_nd - x_nd.astype(float).mean(axis=0)) / scale

    def cost(flat: np.ndarray) -> float:
        weights, bias = flat[:18].reshape(6, 3), flat[18:]
        logits = z_nd @ weights + bias
        logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -logits[np.arange(200), class_n].mean() + 0.5 * 0.05 * (weights**2).sum()

    best = optimize.minimize(cost, np.zeros(21), method="BFGS", options={"gtol": 1e-7}).x
    logits = z_nd @ best[:18].reshape(6, 3) + best[18:]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    settings = ClassifierSettings(iterations=200)
    found = fit(x_nd, class_n, {"penalty": 0.05}, settings)(x_nd)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("options", [{}, {"hidden_units": 8}, {"kind": "xgboost", "rounds": 20}])
def test_classifiers_learn_and_give_a_row_the_same_alone(options: dict) -> None:
    if options.get("kind") == "xgboost":
        pytest.importorskip("xgboost", reason="needs the extra xgboost")
    x_nd, class_n = three_classes()
    settings = ClassifierSettings(**options, learning_rates=(0.05,), subsamples=(0.8,), depths=(3,))
    candidate = settings.candidates()[-1] if options.get("kind") == "xgboost" else {"penalty": 0.01}
    predict = fit(x_nd[:400], class_n[:400], candidate, settings)
    p_nk = predict(x_nd[400:])
    np.testing.assert_allclose(p_nk.sum(axis=1), 1, atol=1e-5)
    assert class_figures(p_nk, class_n[400:])["auc"] > 0.9
    np.testing.assert_array_equal(p_nk[7:8], predict(x_nd[407:408]))
    np.testing.assert_array_equal(p_nk, fit(x_nd[:400], class_n[:400], candidate, settings)(x_nd[400:]))
    two = fit(x_nd[:400], np.where(class_n[:400] == 1, 0, class_n[:400]), candidate, settings)(x_nd[400:])
    assert (two[:, 1] == 0).all()
    with pytest.raises(ConfigError, match="400 training rows hold 1 class"):
        fit(x_nd[:400], np.ones(400, int), candidate, settings)


def test_published_grid_has_24_points() -> None:
    grid = ClassifierSettings(kind="xgboost").candidates()
    assert len(grid) == 24
    assert grid[0] == {"learning_rate": 0.025, "max_depth": 3, "subsample": 0.8}
    assert grid[-1] == {"learning_rate": 0.075, "max_depth": 5, "subsample": 0.95}
    for change, message in (
        ({"parts": 1}, "parts is 1"),
        ({"penalties": ()}, "penalties is"),
        ({"kind": "svm"}, "kind"),
    ):
        with pytest.raises(ConfigError, match=message):
            ClassifierSettings(**change)


def test_score_auc_and_figures_by_hand() -> None:
    p_nk = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [np.nan] * 3])
    score_n = note_score(p_nk)
    assert score_n[0] == pytest.approx(np.log(3 / 7) - np.log(2 / 8))
    assert score_n[1] == pytest.approx(2 * np.log((1 - 1e-6) / 1e-6))
    assert np.isnan(score_n[2])
    assert auc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 0, 1, 1])) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(np.ones(2), np.ones(2)))
    figures = class_figures(
        np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3], [0.5, 0.3, 0.2], [0.0, 0.0, 1.0]]),
        np.array([0, 2, 2, 2, -1]),
    )
    assert figures["rows"] == 4
    assert figures["accuracy"] == 0.5
    assert figures["majority"] == 0.75
    assert figures["auc"] == 1.0
    assert figures["log_loss"] == pytest.approx(-np.log([0.6, 0.7, 0.3, 0.2]).mean())


def test_calibration_by_tenths() -> None:
    """Probabilities that are right lie on the diagonal; equal ones share a bin."""
    rng = np.random.default_rng(0)
    p_nk = rng.dirichlet([2, 3, 4], 20_000)
    class_n = (rng.random((20_000, 1)) > p_nk.cumsum(axis=1)[:, :2]).sum(axis=1)
    table = calibration(p_nk, class_n)
    assert table.groupby("class")["rows"].agg(list).tolist() == [[2000] * 10] * 3
    assert (table["predicted"] - table["observed"]).abs().max() < 0.05
    assert calibration_error(table) < 0.015
    assert calibration_error(calibration(p_nk[:, ::-1], class_n)) > 0.15
    same = calibration(np.tile([0.2, 0.3, 0.5], (10, 1)), np.array([2] * 6 + [0] * 3 + [-1]))
    expected = pd.DataFrame({"class": ["down", "flat", "up"], "rows": 9, "observed": [1 / 3, 0, 2 / 3]})
    pd.testing.assert_frame_equal(same[["class", "rows", "observed"]], expected)
