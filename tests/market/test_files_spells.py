"""Conventions of dated membership: inclusive ends, lists, runs of rows."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.market.dated import cut_to, join_members, runs_to_spells, snapshots_to_spells, to_spells
from fusion_factor.market.mapping import SpellRule

SESSIONS = np.array(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")


def day(text):
    return pd.Timestamp(text)


def frame(rows, columns):
    made = pd.DataFrame(rows, columns=columns)
    for name in ("date", "in_date", "out_date"):
        if name in made:
            made[name] = pd.to_datetime(made[name]).astype("datetime64[s]")
    return made


def test_an_inclusive_last_day_becomes_the_day_after():
    given = frame([("A", "2024-01-02", "2024-01-04"), ("B", "2024-01-03", None)], ["symbol", "in_date", "out_date"])
    made = to_spells(given, SpellRule(out_date="inclusive"), SESSIONS, "t")
    assert made["out_date"].tolist()[0] == day("2024-01-05")
    assert made["out_date"].isna().tolist() == [False, True]
    same = to_spells(given, SpellRule(), SESSIONS, "t")
    assert same["out_date"][0] == day("2024-01-04")


def test_valid_from_cuts_what_the_source_does_not_know():
    given = frame(
        [("A", "2005-01-03", "2013-12-30"), ("B", "2005-01-03", None), ("C", "2015-01-05", None)],
        ["symbol", "in_date", "out_date"],
    )
    made = to_spells(given, SpellRule(valid_from="2014-01-01"), SESSIONS, "t")
    assert made["symbol"].tolist() == ["B", "C"]
    assert made["in_date"].tolist() == [day("2014-01-01"), day("2015-01-05")]


def test_intervals_without_an_out_date_hold_on():
    made = to_spells(frame([("A", "2024-01-02")], ["symbol", "in_date"]), SpellRule(), SESSIONS, "t")
    assert made["out_date"].isna().all()
    with pytest.raises(DataError, match="need the column in_date"):
        to_spells(frame([("A",)], ["symbol"]), SpellRule(), SESSIONS, "t")


LISTS = [
    ("X", "A", "2024-01-03", 0.6, False),
    ("X", "B", "2024-01-03", 0.4, False),
    ("X", "A", "2024-01-05", 1.0, False),
    ("Y", "A", "2024-01-08", 1.0, False),
]
COLUMNS = ["code", "symbol", "date", "weight", "backfill"]


def test_a_list_holds_until_the_next_list_of_its_code():
    made = snapshots_to_spells(frame(LISTS, COLUMNS), "t", SESSIONS[0]).sort_values(["code", "symbol", "in_date"])
    got = [tuple(row) for row in made[["code", "symbol", "in_date", "weight"]].itertuples(index=False)]
    assert got == [
        ("X", "A", day("2024-01-03"), 0.6),
        ("X", "A", day("2024-01-05"), 1.0),
        ("X", "B", day("2024-01-03"), 0.4),
        ("Y", "A", day("2024-01-08"), 1.0),
    ]
    ends = made["out_date"].tolist()
    assert ends[0] == ends[2] == day("2024-01-05")  # B left with the second list
    assert pd.isna(ends[1])
    assert pd.isna(ends[3])


def test_backfill_moves_only_the_first_list_of_a_code_back():
    rows = [(*row[:4], row[0] == "X") for row in LISTS]
    made = snapshots_to_spells(frame(rows, COLUMNS), "t", SESSIONS[0])
    starts = made.groupby(["code", "symbol"])["in_date"].min()
    assert starts["X", "A"] == starts["X", "B"] == day("2024-01-02")
    assert starts["Y", "A"] == day("2024-01-08")
    assert (made["in_date"] == day("2024-01-05")).sum() == 1


def test_snapshots_need_dates():
    with pytest.raises(DataError, match="need the column date"):
        snapshots_to_spells(pd.DataFrame({"code": ["X"], "symbol": ["A"], "backfill": [False]}), "t", SESSIONS[0])
    with pytest.raises(DataError, match="has no date"):
        snapshots_to_spells(frame([("X", "A", None, 1.0, False)], COLUMNS), "t", SESSIONS[0])


def test_runs_of_rows_become_spells_and_a_gap_ends_one():
    rows = [("A", "2024-01-02"), ("A", "2024-01-03"), ("A", "2024-01-05"), ("B", "2024-01-05"), ("B", "2024-01-08")]
    made = runs_to_spells(frame(rows, ["symbol", "date"]), SESSIONS, "t")
    assert made["symbol"].tolist() == ["A", "A", "B"]
    assert made["in_date"].tolist() == [day("2024-01-02"), day("2024-01-05"), day("2024-01-05")]
    assert made["out_date"].tolist()[:2] == [day("2024-01-04"), day("2024-01-08")]
    assert pd.isna(made["out_date"][2])


def test_runs_leave_out_rows_beside_the_sessions_and_refuse_holidays():
    rows = [("A", "2023-12-29"), ("A", "2024-01-02"), ("A", "2024-02-01")]
    made = runs_to_spells(frame(rows, ["symbol", "date"]), SESSIONS, "t")
    assert made["in_date"].tolist() == [day("2024-01-02")]
    assert runs_to_spells(frame(rows[:1], ["symbol", "date"]), SESSIONS, "t").empty
    with pytest.raises(DataError, match="2024-01-06 is not a session"):
        runs_to_spells(frame([("A", "2024-01-06")], ["symbol", "date"]), SESSIONS, "t")


def test_industry_lists_drop_who_is_missing_from_the_next():
    given = frame(
        [("A", "x", "2024-01-02"), ("B", "x", "2024-01-02"), ("A", "y", "2024-01-05")], ["symbol", "industry", "date"]
    )
    made = to_spells(given, SpellRule(kind="snapshots"), SESSIONS, "t").sort_values(["symbol", "in_date"])
    assert made["industry"].tolist() == ["x", "y", "x"]
    assert made["out_date"].tolist()[2] == day("2024-01-05")


def test_dated_intervals_win_over_lists():
    intervals = frame([("X", "A", "2024-01-02", None)], ["code", "symbol", "in_date", "out_date"])
    lists = snapshots_to_spells(frame(LISTS, COLUMNS), "t", SESSIONS[0])
    joined = join_members([intervals], lists)
    assert joined["code"].tolist() == ["X", "Y"]
    with pytest.raises(DataError, match="no row is left"):
        join_members([], None)


def test_spells_are_cut_to_the_times_inside_a_universe():
    given = frame(
        [("A", "x", "2024-01-01", "2024-01-20"), ("A", "y", "2024-01-20", None), ("B", "x", "2024-01-01", None)],
        ["symbol", "industry", "in_date", "out_date"],
    )
    inside = frame(
        [("A", "2024-01-05", "2024-01-08"), ("A", "2024-01-08", "2024-01-25"), ("A", "2024-02-01", None)],
        ["symbol", "in_date", "out_date"],
    )
    made = cut_to(given, inside)
    got = [(r.symbol, r.industry, r.in_date, None if pd.isna(r.out_date) else r.out_date) for r in made.itertuples()]
    assert got == [
        ("A", "x", day("2024-01-05"), day("2024-01-20")),
        ("A", "y", day("2024-01-20"), day("2024-01-25")),
        ("A", "y", day("2024-02-01"), None),
    ]
