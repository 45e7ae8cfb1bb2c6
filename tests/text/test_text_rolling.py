"""Rolling windows of the text classifier: what trains what, and that nothing after a cut can move a score."""

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.classifier import ClassifierSettings
from fusion_factor.text.rolling import RollingScores, RollingSettings, classes, rolling_scores, windows

QUICK = ClassifierSettings(penalties=(0.1, 1.0), parts=3, iterations=20)
SETTINGS = RollingSettings(train_months=6, use_months=3, min_train_rows=40, classifier=QUICK)


def events(count: int = 900, inputs: int = 12, seed: int = 0) -> dict[str, np.ndarray]:
    """Two and a half years of events whose first input says something about the return; labels reach 1 to 9 days."""
    rng = np.random.default_rng(seed)
    session_n = np.sort(np.datetime64("2020-01-01") + rng.integers(0, 900, count))
    x_nd = rng.normal(size=(count, inputs)).astype(np.float32)
    ar_n = 0.02 * (x_nd[:, 0] + rng.normal(size=count))
    ar_n[rng.random(count) < 0.05] = np.nan
    return {
        "inputs": x_nd,
        "ar_n": ar_n,
        "session_n": session_n,
        "label_end_n": session_n + rng.integers(1, 10, count),
        "group_n": np.arange(count) // 2,
        "stock_n": rng.integers(0, 50, count),
    }


def scored(data: dict[str, np.ndarray], settings: RollingSettings = SETTINGS) -> RollingScores:
    return rolling_scores(**data, settings=settings, progress=False)


def test_windows_of_six_months_in_and_three_out() -> None:
    data = events()
    plan = windows(data["session_n"], data["label_end_n"], SETTINGS)
    assert [str(each.cut) for each in plan[:3]] == ["2020-06-30", "2020-09-30", "2020-12-31"]
    for window in plan:
        start = window.cut + 1
        assert (data["label_end_n"][window.train] <= window.cut).all()
        assert (data["session_n"][window.train] >= start.astype("datetime64[M]") - 6).all()
        assert np.busday_count(data["session_n"][window.train].max(), start) > 5, "five weekdays are purged"
        assert (data["session_n"][window.use] > window.cut).all()
    used = np.concatenate([window.use for window in plan])
    np.testing.assert_array_equal(used, np.flatnonzero(data["session_n"] >= np.datetime64("2020-07-01")))


def test_an_event_trains_from_the_day_on_which_its_label_ends() -> None:
    session_n = np.array(["2020-01-02", "2020-06-29", "2020-06-29", "2020-06-29", "2020-07-01"], dtype="datetime64[D]")
    label_end_n = np.array(["2020-01-03", "2020-06-30", "2020-07-01", "NaT", "2020-07-02"], dtype="datetime64[D]")
    settings = RollingSettings(train_months=6, purge_weekdays=0)
    (window,) = windows(session_n, label_end_n, settings)
    np.testing.assert_array_equal(window.train, [0, 1])
    np.testing.assert_array_equal(window.use, [4])


def test_months_without_events_are_passed_over_on_request() -> None:
    session_n = np.array(["2018-03-05", "2018-07-05", "2019-01-04", "2021-05-06"], dtype="datetime64[D]")
    calendar = RollingSettings(train_months=2, first_use="2021-05")
    held = RollingSettings(train_months=2, first_use="2021-05", count_empty_months=False)
    assert len(windows(session_n, session_n + 1, calendar)[0].train) == 0
    np.testing.assert_array_equal(windows(session_n, session_n + 1, held)[0].train, [1, 2])


def test_classes_are_cut_on_quantiles_of_the_training_rows_alone() -> None:
    data = events()
    found = scored(data)
    plan = windows(
        data["session_n"], np.where(np.isnan(data["ar_n"]), np.datetime64("NaT"), data["label_end_n"]), SETTINGS
    )
    for window, fold in zip(plan, found.folds, strict=True):
        np.testing.assert_allclose(fold["edges"], np.quantile(data["ar_n"][window.train], [0.3, 0.7]))
        expected = classes(data["ar_n"][window.use], fold["edges"])
        np.testing.assert_array_equal(found.class_n[window.use], expected)
    np.testing.assert_array_equal(classes(np.array([-1.0, 0.0, 0.5, 1.0, np.nan]), (0.0, 0.5)), [0, 1, 1, 2, -1])


def test_scores_are_the_difference_of_logits_and_find_what_is_there() -> None:
    data = events()
    found = scored(data)
    done = found.fold_n >= 0
    np.testing.assert_array_equal(done, data["session_n"] >= np.datetime64("2020-07-01"))
    assert np.isnan(found.score_n[~done]).all()
    np.testing.assert_allclose(found.p_nk[done].sum(axis=1), 1)
    up, down = found.p_up_n[done], found.p_down_n[done]
    np.testing.assert_allclose(found.score_n[done], np.log(up / (1 - up)) - np.log(down / (1 - down)))
    assert np.corrcoef(found.score_n[done], data["inputs"][done, 0])[0, 1] > 0.9
    assert min(fold["auc"] for fold in found.folds) > 0.7


@pytest.mark.parametrize("cut", ["2020-12-31", "2021-05-17"])
def test_nothing_after_a_day_moves_a_score_up_to_it(cut: str) -> None:
    """Inputs, returns, dates and number of all events after the day are scrambled; a label that is open then too."""
    data = events()
    day = np.datetime64(cut)
    before = data["session_n"] <= day
    rng = np.random.default_rng(5)
    other = {name: values.copy() for name, values in data.items()}
    after = np.flatnonzero(~before)
    other["inputs"][after] = rng.normal(size=(len(after), data["inputs"].shape[1]))
    other["session_n"][after] = day + 1 + rng.integers(0, 500, len(after))
    other["label_end_n"][after] = other["session_n"][after] + 3
    unknown = data["label_end_n"] > day
    other["ar_n"][unknown] = rng.normal(size=int(unknown.sum()))
    keep = np.concatenate([np.flatnonzero(before), after[: len(after) // 2]])
    first = scored(data)
    second = scored({name: values[keep] for name, values in other.items()})
    count = int(before.sum())
    assert (first.fold_n[:count] >= 0).sum() > 100
    np.testing.assert_array_equal(first.score_n[:count], second.score_n[:count])
    np.testing.assert_array_equal(first.p_nk[:count], second.p_nk[:count])


def test_too_few_rows_leave_events_without_a_score_or_are_refused() -> None:
    data = events()
    sizes = [fold["train_rows"] for fold in scored(data).folds]
    least = sorted(sizes)[len(sizes) // 2]
    found = scored(data, RollingSettings(train_months=6, use_months=3, min_train_rows=least, classifier=QUICK))
    fitted = [fold["fitted"] for fold in found.folds]
    assert fitted == [size >= least for size in sizes]
    assert set(found.fold_n.tolist()) - {-1} == {k for k, each in enumerate(fitted) if each}
    with pytest.raises(ConfigError, match=r"at most \d+ events, needed 5000"):
        scored(data, RollingSettings(train_months=6, min_train_rows=5000, classifier=QUICK))


def test_arrays_that_do_not_fit_and_numbers_that_are_none_are_refused() -> None:
    data = events(200)
    with pytest.raises(DataError, match="group_n has 199 rows, ar_n 200"):
        scored(data | {"group_n": data["group_n"][:-1]})
    with pytest.raises(DataError, match="session_n must hold dates"):
        scored(data | {"session_n": np.arange(200)})
    broken = data["inputs"].copy()
    broken[3, 2] = np.nan
    with pytest.raises(DataError, match="inputs of event 3 are not finite"):
        scored(data | {"inputs": broken})
    for change, message in (
        ({"train_months": 0}, "train_months is 0"),
        ({"class_quantiles": (0.7, 0.3)}, "class_quantiles is"),
        ({"first_use": "soon"}, "first_use is 'soon'"),
    ):
        with pytest.raises(ConfigError, match=message):
            RollingSettings(**change)
