"""Which reports are events, worked by hand, and what becomes of those that are none."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text import EventSettings, find_events

SESSIONS = np.array([d for d in np.arange("2024-01-02", "2024-04-01", dtype="datetime64[D]") if np.is_busday(d)])


def table(*rows: dict[str, object]) -> pd.DataFrame:
    """Reports with the given fields; the others are those of a report that says nothing new."""
    usual = {
        "date": "2024-01-04", "symbol": "600519.SH", "broker": "甲证券", "analyst": "张三", "title": "公司动态点评",
        "abstract": "公司经营情况平稳", "forecast_fy1": None, "rating": None, "time": None,
    }  # fmt: skip
    filled = [usual | {"report_id": f"r{k}", "title": f"公司动态点评{k}"} | row for k, row in enumerate(rows)]
    return pd.DataFrame(filled)


def events_of(*rows: dict[str, object], **settings: object) -> tuple[list[tuple[str, int, str]], dict[str, int]]:
    """(report_id, direction, how) of the events, and the counts of the others."""
    found = find_events(table(*rows), SESSIONS, EventSettings(**settings))  # type: ignore[arg-type]
    assert len(found.table) + sum(found.dropped.values()) == found.reports
    rows_found = found.table[["report_id", "direction", "how"]].itertuples(index=False)
    return [(str(r), int(d), str(h)) for r, d, h in rows_found], found.dropped


def test_a_forecast_that_moved_is_an_event_and_one_within_the_tolerance_is_none() -> None:
    found, dropped = events_of(
        {"forecast_fy1": 1.00},
        {"forecast_fy1": 1.004, "date": "2024-01-08"},  # 0.4 % up: below the tolerance of 0.5 %
        {"forecast_fy1": 1.02, "date": "2024-01-10"},  # against 1.004
        {"forecast_fy1": 0.90, "date": "2024-01-12"},
        {"forecast_fy1": 0.90, "date": "2024-01-16"},
    )
    assert found == [("r2", 1, "forecast"), ("r3", -1, "forecast")]
    assert dropped == {"no previous report to compare with, no word of a revision": 1, "nothing changed": 2}


def test_the_tolerance_is_strict_and_a_loss_turning_smaller_is_up() -> None:
    smaller_losses = [
        {"forecast_fy1": value, "date": day}
        for value, day in ((-1.0, "2024-01-04"), (-0.5, "2024-01-08"), (-0.75, "2024-01-09"))
    ]
    found, _ = events_of(
        *smaller_losses,
        tolerance=0.5,
    )
    assert found == []  # both moves are half of the forecast before, not more
    found, _ = events_of(
        *smaller_losses,
        tolerance=0.4,
    )
    assert found == [("r1", 1, "forecast"), ("r2", -1, "forecast")]


def test_only_the_same_stock_broker_and_analyst_count() -> None:
    others = ({"symbol": "000001.SZ"}, {"broker": "乙证券"}, {"analyst": "李四"})
    rows = [{"forecast_fy1": 2.0, "date": "2024-01-08"} | other for other in others]
    assert events_of({"forecast_fy1": 1.0}, *rows)[0] == []
    assert events_of({"forecast_fy1": 1.0}, *rows, previous_of="broker")[0] == [("r3", 1, "forecast")]
    # the order of two analysts' names does not matter
    pair = (
        {"forecast_fy1": 1.0, "analyst": "张三/李四"},
        {"forecast_fy1": 2.0, "analyst": "李四、张三", "date": "2024-01-08"},
    )
    assert events_of(*pair)[0] == [("r1", 1, "forecast")]
    # two reports without a broker have nothing to do with each other
    nameless = [row | {"broker": None} for row in ({"forecast_fy1": 1.0}, {"forecast_fy1": 2.0, "date": "2024-01-08"})]
    assert events_of(*nameless)[0] == []


def test_reports_without_a_forecast_are_passed_over_and_old_ones_do_not_count() -> None:
    rows = [{"forecast_fy1": 1.0}, {"date": "2024-01-08"}, {"forecast_fy1": 2.0, "date": "2024-03-04"}]
    assert events_of(*rows)[0] == [("r2", 1, "forecast")]
    assert events_of(*rows, previous_days=60)[0] == [("r2", 1, "forecast")]  # 4 January to 4 March: 60 days
    assert events_of(*rows, previous_days=59)[0] == []


def test_the_same_fiscal_year_is_compared_across_a_year_end() -> None:
    before = {"forecast_fy1": 1.0, "forecast_fy2": 1.5, "fiscal_year": 2023}
    same = {"forecast_fy1": 1.5, "forecast_fy2": 2.0, "fiscal_year": 2024, "date": "2024-01-08"}
    assert events_of(before, same)[1]["nothing changed"] == 1
    lower = same | {"forecast_fy1": 1.2}
    assert events_of(before, lower)[0] == [("r1", -1, "forecast")]  # 1.2 for 2024, which was 1.5
    two_years = same | {"fiscal_year": 2025}
    assert events_of(before, two_years)[0] == []
    # fy1 stays, fy2 moves
    assert events_of(before, before | {"forecast_fy2": 1.4, "date": "2024-01-08"})[0] == [("r1", -1, "forecast")]
    # of two that move apart the nearer year decides
    apart = before | {"forecast_fy1": 0.8, "forecast_fy2": 1.9, "date": "2024-01-08"}
    assert events_of(before, apart)[0] == [("r1", -1, "forecast")]


def test_previous_values_of_the_table_itself_come_first() -> None:
    rows = ({"forecast_fy1": 1.0}, {"forecast_fy1": 1.0, "previous_fy1": 1.3, "date": "2024-01-08"})
    assert events_of(*rows)[0] == [("r1", -1, "forecast")]
    # ... and need no earlier report
    assert events_of({"forecast_fy1": 1.5, "previous_fy1": 1.3})[0] == [("r0", 1, "forecast")]


def test_ratings_are_compared_by_level() -> None:
    rows = [
        {"rating": "买入"},
        {"rating": "强烈推荐", "date": "2024-01-08"},  # another word for the same
        {"rating": "增持", "date": "2024-01-10"},
        {"rating": "买入", "date": "2024-01-12"},
        {"rating": "关注级", "date": "2024-01-16"},  # a word of no known level
    ]
    assert events_of(*rows)[0] == [("r2", -1, "rating"), ("r3", 1, "rating"), ("r4", 0, "rating")]
    assert events_of(*rows, ratings=False)[0] == []


def test_words_stand_in_where_nothing_can_be_compared() -> None:
    up, down = "我们上调公司盈利预测", "因此下调全年业绩"
    rows = [{"abstract": up}, {"title": down, "analyst": "李四"}, {"abstract": up + down, "analyst": "王五"}]
    assert events_of(*rows)[0] == [("r0", 1, "words"), ("r1", -1, "words"), ("r2", 0, "words")]
    assert events_of(*rows, words="never")[0] == []
    # where the numbers can be compared and did not move, the words do not count, unless always
    unmoved = [{"forecast_fy1": 1.0}, {"forecast_fy1": 1.0, "abstract": up, "date": "2024-01-08"}]
    assert events_of(*unmoved)[0] == []
    assert events_of(*unmoved, words="always")[0] == [("r1", 1, "words")]


def test_what_the_source_states_comes_before_all() -> None:
    rows = [{"forecast_fy1": 1.0}, {"forecast_fy1": 2.0, "forecast_action": "down", "date": "2024-01-08"}]
    assert events_of(*rows)[0] == [("r1", -1, "stated")]
    assert events_of({"forecast_action": "mixed"})[0] == [("r0", 0, "stated")]
    with pytest.raises(DataError, match="report_id r0: forecast_action higher must be one of up, down, mixed"):
        events_of({"forecast_action": "higher"})


def test_first_coverage_is_no_event_but_the_next_report_is_compared_with_it() -> None:
    for first in ({"attention": "首次评级"}, {"attention": "initiate"}, {"title": "首次覆盖：龙头"}):
        rows = ({"forecast_fy1": 1.0, "previous_fy1": 0.5} | first, {"forecast_fy1": 1.2, "date": "2024-01-08"})
        found, dropped = events_of(*rows)
        assert found == [("r1", 1, "forecast")], first
        assert dropped == {"first coverage": 1}


def test_copies_and_reissues_are_one_report() -> None:
    first = {"title": "业绩超预期，上调盈利预测"}
    rows = [
        first,
        first,  # the same day
        first | {"title": "业绩超预期, 上调盈利预测!", "date": "2024-01-12"},  # eight days on, other punctuation
        first | {"date": "2024-01-22"},  # ten days after the last copy
        first | {"date": "2024-02-02"},  # eleven: another report
        first | {"symbol": "000001.SZ"},
        first | {"broker": "乙证券"},
    ]
    found, dropped = events_of(*rows)
    assert [name for name, *_ in found] == ["r5", "r0", "r6", "r4"]  # by session, symbol, report_id
    assert dropped == {"the same report again": 3}
    # a corrected forecast under the same title is news
    numbers = [
        {"title": "点评一", "forecast_fy1": value, "date": f"2024-01-0{4 + k}"}
        for k, value in enumerate((1.0, 1.0, 1.1))
    ]
    assert events_of(*numbers)[0] == [("r2", 1, "forecast")]


def test_a_copy_is_nobodys_previous_report() -> None:
    """The re-issue on the 10th does not make the report of the 4th younger than `previous_days`."""
    rows = [
        {"title": "点评一", "forecast_fy1": 1.0},
        {"title": "点评一", "forecast_fy1": 1.0, "date": "2024-01-10"},
        {"title": "点评二", "forecast_fy1": 2.0, "date": "2024-02-09"},
    ]
    assert events_of(*rows, previous_days=36)[0] == [("r2", 1, "forecast")]
    assert events_of(*rows, previous_days=35)[0] == []


def test_from_which_session_an_event_counts() -> None:
    """2024-01-05 is a Friday, 2024-02-12 a Monday without trading here."""
    days = SESSIONS[np.datetime64("2024-02-12") != SESSIONS]
    cases = {
        ("2024-01-05", "09:10"): "2024-01-05",
        ("2024-01-05", "14:59:59"): "2024-01-05",
        ("2024-01-05", "15:00"): "2024-01-08",
        ("2024-01-05", "23:59"): "2024-01-08",
        ("2024-01-05", None): "2024-01-08",
        ("2024-01-06", "09:00"): "2024-01-08",  # a Saturday
        ("2024-01-07", None): "2024-01-08",
        ("2024-02-12", "10:00"): "2024-02-13",
        ("2024-02-09", None): "2024-02-13",
    }
    rows = [
        {"date": day, "time": time, "forecast_action": "up", "analyst": f"甲{k}"} for k, (day, time) in enumerate(cases)
    ]
    found = find_events(table(*rows), days).table.set_index("report_id")["session"]
    assert {key: str(found[f"r{k}"].date()) for k, key in enumerate(cases)} == cases
    outside = find_events(
        table({"date": "2023-12-29", "forecast_action": "up"}, {"date": "2024-03-29", "forecast_action": "up"}), days
    )
    assert outside.dropped == {"before the first session": 1, "after the last session": 1}


def test_texts_that_cannot_be_used_are_counted() -> None:
    usual = {"forecast_action": "up"}
    rows = [
        usual | {"title": None, "abstract": None},
        usual | {"title": "  ", "abstract": ""},
        usual | {"title": "Earnings beat", "abstract": "raise to buy 买入"},
        usual | {"title": "ä¸šç»©è¶…é¢„æœŸ", "abstract": "ä¸Šè°ƒ"},  # UTF-8 read as Latin-1
        usual | {"title": "业绩\ufffd\ufffd\ufffd预期", "abstract": "上调\ufffd\ufffd"},
        usual | {"symbol": "999999.SZ"},
        usual | {"abstract": "增" * 100_000},
        usual | {"title": None, "abstract": "仅有摘要的报告"},
    ]
    reports = table(*[row | {"analyst": f"甲{k}"} for k, row in enumerate(rows)])
    found = find_events(reports, SESSIONS, symbols={"600519.SH"})
    assert found.dropped == {"symbol is not in the market": 1, "the same report again": 1} | {
        "no text": 1,
        "text wrong encoding": 2,
        "text not Chinese": 1,
    }
    assert found.noted == {"text cut to 5000 characters": 1}
    assert found.table["report_id"].tolist() == ["r6", "r7"]
    assert found.table["text"].str.len().tolist() == [5000, 7]
    assert found.table["text"][0].startswith("公司动态点评6。增增")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"time": "25:00"}, "report_id r0: time 25:00 is not HH:MM"),
        ({"date": None}, "date is empty"),
        ({"date": "2024-13-01"}, "is not a date"),
        ({"symbol": None}, "symbol is empty"),
        ({"forecast_fy1": np.inf}, "forecast_fy1 inf is infinite"),
        ({"report_id": None}, "report_id is empty"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(row: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        find_events(table(row), SESSIONS)


def test_a_duplicate_id_and_wrong_settings_are_refused() -> None:
    with pytest.raises(DataError, match="reports: report_id a: duplicate key"):
        find_events(table({"report_id": "a"}, {"report_id": "a"}), SESSIONS)
    for settings, words in (
        ({"tolerance": -1.0}, r"events\.tolerance"),
        ({"close": "late"}, r"events\.close"),
        ({"words": "maybe"}, r"events\.words"),
        ({"up_words": [""]}, r"events\.up_words"),
    ):
        with pytest.raises(ConfigError, match=words):
            EventSettings(**settings)  # type: ignore[arg-type]


def test_no_reports_are_no_events() -> None:
    empty = find_events(table({}).iloc[:0].astype(str), SESSIONS)
    assert (len(empty.table), empty.reports, empty.dropped) == (0, 0, {})
