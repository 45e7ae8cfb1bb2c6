"""The calendar and the schedules of signal sessions."""

import datetime

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.sessions import Calendar, parameter_date, schedule

# Monday 30 December 2019 to Friday 10 January 2020: the ISO week crosses the year, 1 January is a holiday
DAYS = [
    "2019-12-26",
    "2019-12-27",
    "2019-12-30",
    "2019-12-31",
    "2020-01-02",
    "2020-01-03",
    "2020-01-06",
    "2020-01-07",
    "2020-02-03",
]
CALENDAR = Calendar(np.array(DAYS, "datetime64[D]"))


def dates(kind: str, **given: object) -> list[str]:
    return CALENDAR.sessions[schedule(CALENDAR, kind, **given)].astype(str).tolist()


def test_a_week_is_over_when_the_calendar_goes_on() -> None:
    assert dates("weekly") == ["2019-12-27", "2020-01-03", "2020-01-07"]


def test_months_end_likewise() -> None:
    assert dates("monthly") == ["2019-12-31", "2020-01-07"]


def test_bounds_are_inclusive_and_need_not_be_sessions() -> None:
    assert dates("weekly", start="2019-12-27", end="2020-01-05") == ["2019-12-27", "2020-01-03"]
    assert dates("weekly", start="2019-12-28", end="2020-01-02") == []
    assert dates("daily", end="2019-01-01") == []
    assert dates("daily", start="2021-01-01") == []


def test_every_n_counts_from_the_first_session_at_or_after_start() -> None:
    assert dates("every_n", n=3) == ["2019-12-26", "2019-12-31", "2020-01-06"]
    assert dates("every_n", n=3, phase=1) == ["2019-12-27", "2020-01-02", "2020-01-07"]
    assert dates("every_n", n=3, phase=7, start="2019-12-27") == ["2020-02-03"]
    assert dates("every_n", n=2, start="2020-01-01", end="2020-01-06") == ["2020-01-02", "2020-01-06"]


def test_explicit_dates_are_sorted_and_bounded() -> None:
    assert dates("explicit", signal_dates=["2020-01-06", "2019-12-26"], start="2019-12-27") == ["2020-01-06"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"signal_dates": ["2020-01-01"]}, "signal_dates 2020-01-01 session"),
        ({"signal_dates": ["2020-01-06", "2020-01-06"]}, "signal_dates 2020-01-06 twice"),
        ({"signal_dates": ["06.01.2020"]}, "signal_dates 06.01.2020"),
        ({}, "signal_dates missing"),
        ({"signal_dates": ["2020-01-06"], "start": "2020-13-01"}, "start 2020-13-01"),
        ({"signal_dates": ["2020-01-06"], "end": 20200106}, "end 20200106"),
    ],
)
def test_bad_dates_are_refused_by_parameter_and_value(given: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        schedule(CALENDAR, "explicit", **given)
    assert all(word in str(refusal.value) for word in words.split())


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ConfigError, match="schedule: 'yearly' must be one of weekly"):
        schedule(CALENDAR, "yearly")


def test_positions() -> None:
    assert CALENDAR.position("2020-01-02") == 4
    assert CALENDAR.positions(np.array(["2019-12-26", "2020-02-03"], "datetime64[D]")).tolist() == [0, 8]
    assert CALENDAR.first_at_or_after(["2020-01-01", "2030-01-01", "NaT"]).tolist() == [4, 9, 9]
    assert CALENDAR.last_at_or_before("2020-01-05") == 5
    assert CALENDAR.last_at_or_before("2000-01-01") == -1
    with pytest.raises(DataError, match="2020-01-01 is not a session"):
        CALENDAR.positions(["2019-12-31", "2020-01-01"])


@pytest.mark.parametrize("days", [[], ["2020-01-02", "2020-01-02"], ["2020-01-03", "2020-01-02"]])
def test_a_calendar_increases_strictly(days: list[str]) -> None:
    with pytest.raises(DataError, match="sessions"):
        Calendar(np.array(days, "datetime64[D]"))


def test_a_date_may_come_in_several_forms() -> None:
    day = np.datetime64("2020-01-02", "D")
    for value in ("2020-01-02", datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2), np.datetime64("2020-01-02")):
        assert parameter_date("start", value) == day
    with pytest.raises(ConfigError, match=r"start: .*12:30"):
        parameter_date("start", np.datetime64("2020-01-02T12:30"))
