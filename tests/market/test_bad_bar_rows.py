"""Rows of bars that cannot be: counted by session, symbol and reason; a wrong description is an error at once."""

import itertools

import numpy as np
import pandas as pd
import pytest
from test_files_bars import COLUMNS, ENDS, STARTS, day_rows, described, write

from fusion_factor.core.errors import DataError
from fusion_factor.market import reading
from fusion_factor.market.bar_files import MappedBars
from fusion_factor.market.bar_rows import bad_bars, missing_bars
from fusion_factor.market.hours import ASHARE, clock
from fusion_factor.market.stamps import DAY_MINUTES, check_stamps

DAY = np.datetime64("2025-01-02")


def told(bars):
    """(symbol, reason) to count."""
    bad = bad_bars(bars)
    return {(str(bad.symbols[s]), bad.kinds[k]): int(bad.counts[s, k]) for s, k in np.argwhere(bad.counts)}


def messy():
    """Two symbols and sessions: strays of every kind, one bar twice, one that differs, one missing."""
    first = day_rows("600519.SH").drop(index=7)
    twice, other = first.iloc[[4, 4]], first.iloc[[10]].assign(close=99.0, high=99.0)
    strays = day_rows("600519.SH", times=["12:15", "08:45", "10:10"])
    late = day_rows("000001.SZ", day="2025-01-03")
    return pd.concat([first, day_rows("000001.SZ"), twice, other, strays, late, late.iloc[[2]]])


EXPECTED = {
    ("600519.SH", "outside_session"): 2,
    ("600519.SH", "between_bars"): 1,
    ("600519.SH", "repeated"): 2,
    ("600519.SH", "conflicting"): 2,
}


@pytest.mark.parametrize("rows_a_piece", [3, 1 << 20])
@pytest.mark.parametrize("cached", [False, True])
def test_one_file_of_sessions_counts_what_it_leaves_out(tmp_path, monkeypatch, cached, rows_a_piece):
    monkeypatch.setattr(reading, "BATCH_ROWS", rows_a_piece)
    messy().to_parquet(tmp_path / "b.parquet")
    for _ in range(2):  # the second time from the cache
        reader = MappedBars(described("b.parquet"), tmp_path, cache=tmp_path / "cache" if cached else None)
        bars, later = (reader.session_bars(day) for day in reader.sessions)
        assert told(bars) == EXPECTED
        assert told(later) == {("000001.SZ", "repeated"): 1}
        s = list(bars.symbols).index("600519.SH")
        assert bars.open[s, 4] == 14.0  # the first of the same stays
        assert np.flatnonzero(np.isnan(bars.close[s])).tolist() == [7, 11]  # of differing ones none does
        assert bars.volume[s, [7, 11]].tolist() == [0.0, 0.0]
        missing = missing_bars(bars)
        assert (missing.counts[:, 0].tolist(), missing.rows.tolist()) == ([0, 2], [16, 16])
        bad = bad_bars(bars)
        assert bad.rows.tolist() == [16, 14 + 7]  # bars with volume and rows left out


def test_a_file_a_session_counts_the_same_and_rows_of_other_sessions(tmp_path):
    rows = messy()
    rows = rows[rows["datetime"].str.startswith("2025-01-02")]
    stale = day_rows("000002.SZ", day="2024-12-31", times=ENDS[:2])
    write(tmp_path, pd.concat([stale, rows]), "20250102.csv")
    bars = MappedBars(described("{date}.csv"), tmp_path, cache=None).session_bars(DAY)
    assert told(bars) == EXPECTED | {("000002.SZ", "other_session"): 2}
    s = list(bars.symbols).index("000002.SZ")  # there to be told of, and empty
    assert np.isnan(bars.close[s]).all()
    assert missing_bars(bars).counts[s, 0] == 0  # it did not trade


def test_the_order_of_rows_changes_nothing(tmp_path):
    rows = day_rows()
    three = pd.concat([rows.iloc[[5]], rows.iloc[[5]], rows.iloc[[5]].assign(volume=7.0)])
    found = []
    for order in itertools.permutations(range(3)):
        write(tmp_path, pd.concat([rows.drop(index=5), three.iloc[list(order)]]))
        bars = MappedBars(described("bars.csv"), tmp_path, cache=None).session_bars(DAY)
        found.append(told(bars))
        assert np.isnan(bars.close[0, 5])
    assert found == [{("600519.SH", "conflicting"): 3}] * 6


def test_auction_rows_given_twice(tmp_path):
    auction = day_rows(times=["09:25"], price=9.0).assign(volume=50.0, amount=450.0)
    for again, volume, expected in (
        (auction, 150.0, {("600519.SH", "repeated"): 1}),
        (auction.assign(volume=60.0), 100.0, {("600519.SH", "conflicting"): 2}),
    ):
        write(tmp_path, pd.concat([auction, day_rows(), again]))
        bars = MappedBars(described("bars.csv"), tmp_path, cache=None).session_bars(DAY)
        assert (bars.volume[0, 0], told(bars)) == (volume, expected)


def test_after_hours_and_dropped_auctions_are_not_bad(tmp_path):
    rows = pd.concat([day_rows(times=["09:25"]), day_rows(), day_rows(times=["15:30"])])
    reader = MappedBars(described(write(tmp_path, rows), opening="drop"), tmp_path, cache=None)
    assert reader.session_bars(DAY).left_out is None


def shifted(by):
    return [clock((int(t[:2]) * 60 + int(t[3:]) + by) % DAY_MINUTES) for t in ENDS]


@pytest.mark.parametrize(
    ("times", "label", "minutes", "message"),
    [
        (shifted(-480), "end", 15, "16 of 16 rows have such stamps"),  # universal time
        (shifted(60), "end", 15, r"stamp 11:45 is no end of a 15-minute bar of 09:30-11:30 and 13:00-15:00"),
        (shifted(-1), "end", 15, "stamp 09:44 is no end of a 15-minute bar"),
        ([clock(m) for m in (*range(575, 691, 5), *range(785, 901, 5))], "end", 15, "32 of 48 rows have such stamps"),
        (ENDS, "end", 5, "minutes is 5, but all stamps are those of 15-minute bars"),
        (STARTS, "start", 1, "minutes is 1, but all stamps are those of 15-minute bars"),
    ],
)
@pytest.mark.parametrize("path", ["20250102.csv", "{date}.csv"])
def test_a_wrong_description_is_an_error_at_once(tmp_path, path, times, label, minutes, message):
    write(tmp_path, day_rows(times=times), "20250102.csv")
    reader = MappedBars(described(path, label) | {"minutes": minutes}, tmp_path, cache=None)
    with pytest.raises(DataError, match=message):
        reader.session_bars(DAY)


def test_one_odd_stamp_of_every_symbol_is_no_stray_row():
    rows_m = np.zeros(DAY_MINUTES, np.int64)
    rows_m[[*range(571, 691), *range(781, 901)]] = 50
    rows_m[700] = 19
    check_stamps(rows_m, "end", 1, "bars", ASHARE)
    rows_m[700] = 25
    with pytest.raises(DataError, match=r"stamp 11:40 is no end of a 1-minute bar.*25 of 12025 rows"):
        check_stamps(rows_m, "end", 1, "bars", ASHARE)


def test_a_half_session_misses_no_afternoon(tmp_path):
    rows = day_rows(times=ENDS[:8]).drop(index=2)
    given = described(write(tmp_path, rows), early_closes={"2025-01-02": "11:30"})
    bars = MappedBars(given | {"columns": COLUMNS}, tmp_path, cache=None).session_bars(DAY)
    missing = missing_bars(bars)
    assert (missing.counts.tolist(), missing.rows.tolist()) == ([[1]], [8])
