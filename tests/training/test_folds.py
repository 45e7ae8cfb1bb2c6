"""Walk-forward folds: the published arithmetic by hand, the purge on random calendars, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.core.errors import ConfigError
from fusion_factor.training.folds import Fold, sampled_sessions, use_periods, walk_forward
from fusion_factor.training.settings import FoldSettings


def weekdays(n_sessions: int, start: str = "2013-01-01") -> np.ndarray:
    return np.busday_offset(start, np.arange(n_sessions), roll="forward").astype("datetime64[D]")


def test_folds_of_seven_years_are_fourteen_half_years() -> None:
    sessions = weekdays(3000)
    plan = FoldSettings(first_use="2017-01-01", end="2023-11-30")
    folds = walk_forward(sessions, np.ones(3000, bool), plan, reach=11)
    assert len(folds) == 14
    firsts = [str(sessions[fold.use[0]])[:7] for fold in folds]
    assert firsts == [f"{year}-{month}" for year in range(2017, 2024) for month in ("01", "07")]
    assert str(sessions[folds[-1].use[-1]]) == "2023-11-30"
    joined = np.concatenate([fold.use for fold in folds])
    assert np.array_equal(joined, np.arange(joined[0], joined[-1] + 1)), "every session is scored once"


def test_last_sample_is_twelve_sessions_before_use_and_two_dates_are_dropped_before_validation() -> None:
    """METHOD items 54 and 55, on a grid of every session and on the grid of five."""
    sessions = weekdays(1300)
    day = str(sessions[1000])
    every = walk_forward(sessions, np.ones(1300, bool), FoldSettings(first_use=day, sample_step_sessions=1), 11)[0]
    assert every.use[0] == 1000
    assert every.valid[-1] == 988
    fifth = walk_forward(sessions, np.ones(1300, bool), FoldSettings(first_use=day), 11)[0]
    assert fifth.valid[-1] == 985, "sessions 0, 5, ..., 985: 985 + 11 < 1000 while 990 + 11 is not"
    assert fifth.valid[0] - fifth.train[-1] == 15, "the two sampled dates between are dropped"
    assert len(fifth.valid) == round(0.2 * 198)


def test_grid_does_not_move_with_first_use_end_or_the_training_years() -> None:
    sessions = weekdays(2000)
    plans = [
        FoldSettings(first_use="2017-03-01"),
        FoldSettings(first_use="2018-01-01", end="2018-05-01"),
        FoldSettings(first_use="2018-01-01", train_years=2),
    ]
    for plan in plans:
        for fold in walk_forward(sessions, np.ones(2000, bool), plan, 11):
            assert np.all(np.concatenate([fold.train, fold.valid]) % 5 == 0)


def test_phase_and_train_start_shift_the_grid() -> None:
    sessions = weekdays(300)
    plan = FoldSettings(first_use="2014-01-01", train_start="2013-01-05", sample_phase_sessions=2)
    grid = sampled_sessions(sessions, plan)
    assert str(sessions[grid[0] - 2]) == "2013-01-07", "the first session on or after train_start counts as 0"
    assert set(np.diff(grid)) == {5}


def test_rolling_window_forgets_old_samples() -> None:
    sessions = weekdays(2600)
    plan = FoldSettings(first_use="2019-01-01", train_years=3)
    folds = walk_forward(sessions, np.ones(2600, bool), plan, 11)
    assert [str(sessions[fold.train[0]])[:7] for fold in folds[:2]] == ["2016-01", "2016-07"]


@pytest.mark.parametrize(("months", "firsts"), [(3, ["01", "04", "07", "10"]), (6, ["01", "07"]), (12, ["01"])])
@pytest.mark.parametrize("years", [None, 2])
def test_refits_every_quarter_half_year_and_year(months: int, firsts: list[str], years: int | None) -> None:
    """Each fold learns up to 12 sessions before its use: from the start, or from the same month two years before."""
    sessions = weekdays(1600)
    plan = FoldSettings(
        first_use="2017-01-01", end="2018-12-31", refit_months=months, train_years=years, sample_step_sessions=3
    )
    folds = walk_forward(sessions, np.ones(1600, bool), plan, 11)
    assert [str(sessions[fold.use[0]])[:7] for fold in folds] == [f"{y}-{m}" for y in (2017, 2018) for m in firsts]
    for fold in folds:
        assert fold.use[0] - 12 - 3 < fold.valid[-1] <= fold.use[0] - 12
        start = 0 if years is None else sessions[fold.use[0]].astype("datetime64[M]") - 24
        assert fold.train[0] == 0 if years is None else 0 <= (sessions[fold.train[0]] - start).astype(int) < 5


def test_unusable_sessions_are_not_sampled() -> None:
    sessions = weekdays(1300)
    usable = np.ones(1300, bool)
    usable[:300] = False
    fold = walk_forward(sessions, usable, FoldSettings(first_use="2016-06-01"), 11)[0]
    assert fold.train[0] == 300


def test_too_short_a_history_names_fold_found_and_needed() -> None:
    # 129 sessions before 2013-07-01 (position 129): samples 0, 5, ..., 115; 40 % of 24 dates validate.
    plan = FoldSettings(first_use="2013-07-01", valid_share=0.4)
    with pytest.raises(
        ConfigError, match=r"fold 0 \(first use 2013-07-01\): found 12 training and 10 .* needed 20 and 4"
    ):
        walk_forward(weekdays(300), np.ones(300, bool), plan, 11)


def test_first_use_after_the_last_session_is_refused() -> None:
    with pytest.raises(ConfigError, match="first_use is 2030-01-01"):
        use_periods(weekdays(300), FoldSettings(first_use="2030-01-01"))


@pytest.mark.parametrize("part", ["train", "valid"])
def test_a_leaking_fold_cannot_be_made(part: str) -> None:
    parts = {"train": np.array([0, 5]), "valid": np.array([17, 22]), "use": np.array([34, 35])}
    Fold(0, **parts, reach=11)
    parts[part] = parts[part] + 1
    with pytest.raises(AssertionError, match="reaches into"):
        Fold(0, **parts, reach=11)


@st.composite
def markets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, FoldSettings, int]:
    """A calendar with random holidays, random usable sessions, random settings and reach."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    days = np.arange(np.datetime64("2013-01-01"), np.datetime64("2018-01-01"))
    sessions = days[rng.random(len(days)) < draw(st.floats(0.4, 0.95))]
    usable = rng.random(len(sessions)) < draw(st.floats(0.7, 1.0))
    plan = FoldSettings(
        first_use=str(sessions[rng.integers(len(sessions) // 2, len(sessions) - 1)]),
        refit_months=draw(st.sampled_from([1, 2, 3, 4, 6, 12])),
        train_years=draw(st.sampled_from([None, 1, 2])),
        sample_step_sessions=draw(st.integers(1, 7)),
        valid_share=draw(st.floats(0.05, 0.6)),
        min_train_dates=1,
        min_valid_dates=1,
    )
    return sessions, usable, plan, draw(st.integers(1, 25))


@settings(max_examples=150, deadline=None)
@given(markets())
def test_no_label_meets_a_session_that_it_must_not_know(market: tuple) -> None:
    sessions, usable, plan, reach = market
    for fold in walk_forward(sessions, usable, plan, reach):
        seen_by_training = {t + step for t in fold.train for step in range(reach + 1)}
        seen_by_fit = seen_by_training | {t + step for t in fold.valid for step in range(reach + 1)}
        assert not seen_by_training & set(fold.valid.tolist())
        assert not seen_by_fit & set(fold.use.tolist())
        assert max(seen_by_fit) < fold.use[0]
        assert usable[fold.train].all()
        assert usable[fold.valid].all()


@settings(max_examples=60, deadline=None)
@given(markets(), st.integers(0, 10**6))
def test_folds_do_not_move_with_what_comes_after(market: tuple, noise: int) -> None:
    """Sessions from first use on, and what is usable within reach of it, change nothing in the fold's fit."""
    sessions, usable, plan, reach = market
    fold = walk_forward(sessions, usable, plan, reach)[0]
    first = int(fold.use[0])
    other = usable.copy()
    other[first - reach :] = np.random.default_rng(noise).random(len(usable) - first + reach) < 0.5
    again = walk_forward(sessions[: first + 1], other[: first + 1], plan, reach)[0]
    assert np.array_equal(again.train, fold.train)
    assert np.array_equal(again.valid, fold.valid)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first_use": "yesterday"}, "first_use is 'yesterday'"),
        ({"refit_months": 5}, "refit_months is 5"),
        ({"valid_share": 1.0}, "valid_share is 1.0"),
        ({"sample_phase_sessions": 5}, "sample_phase_sessions is 5"),
        ({"train_years": 0}, "train_years is 0"),
    ],
)
def test_settings_out_of_their_limits_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FoldSettings(**{"first_use": "2017-01-01", **change})
