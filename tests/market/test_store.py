"""A small hand-made market folder, written and read back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import Pool, StoredMarket, open_market
from fusion_factor.market.store import write_bars, write_description, write_pool, write_table

SESSIONS = pd.to_datetime(["2023-01-03", "2023-01-04", "2023-01-05"])


def write_small(folder: Path) -> None:
    write_table(folder, "sessions", pd.DataFrame({"date": SESSIONS}))
    prices = pd.DataFrame(
        {
            "symbol": ["600000.SH", "000001.SZ", "000001.SZ"],
            "date": SESSIONS[[1, 0, 1]],
            "open": [10.0, 9.9, 10.1],
            "close": [10.2, 10.0, 10.3],
            "volume": [1000.0, 500.0, 700.0],
            "adj_factor": [1.0, 1.0, 1.5],
        }
    )
    write_table(folder, "stock_prices", prices)
    cents = np.full((4, 2, 16), 1003, dtype=np.int32)
    cents[1] += 7
    volume = np.arange(32, dtype=np.int64).reshape(2, 16) * 100
    write_bars(folder, np.datetime64("2023-01-04"), np.array(["000001.SZ", "600000.SH"]), cents, volume, volume * 10)
    index = pd.DataFrame({"code": "T001", "date": SESSIONS, "open": [1.0, 2, 3], "close": [1.5, 2.5, 3.5]})
    members = pd.DataFrame({"code": ["T001"], "symbol": ["000001.SZ"], "in_date": SESSIONS[:1], "out_date": [pd.NaT]})
    write_pool(folder, Pool("themes", index, members))
    write_description(folder, {"bar_minutes": 15, "pools": {"themes": {"note": "dated"}}})


def test_a_hand_made_folder_reads_back(tmp_path: Path) -> None:
    write_small(tmp_path)
    market = open_market({"kind": "simulated", "folder": tmp_path})
    assert list(market.symbols) == ["000001.SZ", "600000.SH"]
    assert market.sessions.dtype == np.dtype("datetime64[D]")
    np.testing.assert_array_equal(market.dense("close"), [[10.0, np.nan], [10.3, 10.2], [np.nan, np.nan]])
    assert market.bar_minutes == 15
    assert list(market.bar_sessions) == [np.datetime64("2023-01-04")]
    bars = market.bars(market.bar_sessions[0])
    assert bars.close.shape == (2, 16)
    assert bars.close.flags["C_CONTIGUOUS"]
    assert bars.close[0, 0] == np.float32(10.03)
    assert bars.high[1, 3] == np.float32(10.10)
    assert bars.amount[1, 15] == 31_000
    assert bars.trades is None
    assert market.pools == ("themes",)
    assert market.pool("themes").note == "dated"
    assert market.pool("themes").index_prices["close"].tolist() == [1.5, 2.5, 3.5]
    assert market.truth is None
    assert not market.has("caps")


def test_missing_things_are_data_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sessions\.parquet"):
        StoredMarket(tmp_path)
    write_small(tmp_path)
    market = StoredMarket(tmp_path)
    with pytest.raises(DataError, match="no bars of 2023-01-05"):
        market.bars(np.datetime64("2023-01-05"))
    with pytest.raises(DataError, match="caps"):
        market.table("caps")
    with pytest.raises(DataError, match="concepts"):
        market.pool("concepts")
    with pytest.raises(DataError, match="no column vwap"):
        market.dense("vwap")
    with pytest.raises(ConfigError, match="kind"):
        open_market({"kind": "other"})


def rewritten(folder: Path, change) -> StoredMarket:  # type: ignore[no-untyped-def]
    """The small market with the rows of its bars changed."""
    write_small(folder)
    path = folder / "bars" / "2023-01-04.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    return StoredMarket(folder)


def test_an_unsorted_file_is_the_same_market(tmp_path: Path) -> None:
    write_small(tmp_path)
    day = np.datetime64("2023-01-04")
    sorted_bars = StoredMarket(tmp_path).bars(day)
    bars = rewritten(tmp_path, lambda table: table.take(np.random.default_rng(0).permutation(32))).bars(day)
    for name in ("symbols", "open", "high", "low", "close", "volume", "amount"):
        np.testing.assert_array_equal(getattr(bars, name), getattr(sorted_bars, name))
    assert bars.left_out is None
    assert bars.missing is None


def test_bars_twice_missing_or_too_many_are_counted(tmp_path: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        strange = table.slice(20, 1).set_column(1, "bar", pa.array([16], pa.int16()))
        other = table.slice(9, 1).set_column(6, "volume", pa.array([1], pa.int64()))
        return pa.concat_tables([table.slice(0, 31), table.slice(3, 1), other, strange])

    bars = rewritten(tmp_path, change).bars(np.datetime64("2023-01-04"))
    assert bars.left_out is not None
    kinds = bars.left_out.kinds
    counts = {kinds[k]: bars.left_out.counts[:, k].tolist() for k in np.flatnonzero(bars.left_out.counts.any(axis=0))}
    assert counts == {"outside_session": [0, 1], "repeated": [1, 0], "conflicting": [2, 0]}
    assert bars.missing is not None
    assert bars.missing.tolist() == [1, 1]
    assert np.isnan(bars.close[0, 9])
    assert bars.volume[1].tolist() == [*range(1600, 3100, 100), 0]


@pytest.mark.parametrize(
    ("minutes", "message"), [(5, "a grid of 16 bars a symbol, the session has 48"), (None, "null")]
)
def test_a_file_of_other_bars_is_refused(tmp_path: Path, minutes: int | None, message: str) -> None:
    write_small(tmp_path)
    write_description(tmp_path, {"bar_minutes": minutes})
    with pytest.raises(DataError, match=message):
        StoredMarket(tmp_path).bars(np.datetime64("2023-01-04"))


def test_rows_beyond_the_session_are_a_wrong_description(tmp_path: Path) -> None:
    write_small(tmp_path)
    write_description(tmp_path, {"bar_minutes": 15, "early_closes": {"2023-01-04": "11:30"}})
    with pytest.raises(
        DataError, match="a grid of 16 bars a symbol, the session has 8 by bar_minutes, hours and early"
    ):
        StoredMarket(tmp_path).bars(np.datetime64("2023-01-04"))
    market = rewritten(tmp_path, lambda table: table.take(np.arange(32)[::-1]))
    write_description(tmp_path, {"bar_minutes": 15, "early_closes": {"2023-01-04": "11:30"}})
    with pytest.raises(DataError, match="16 of 32 rows are of no bar, the session has 8"):
        StoredMarket(market.folder).bars(np.datetime64("2023-01-04"))


@pytest.mark.parametrize(
    ("words", "n_bars"),
    [
        ({"opening": "separate", "closing": "separate"}, 18),
        ({"early_closes": {"2023-01-04": "11:30"}}, 8),
        ({"hours": "us"}, 26),
    ],
)
def test_other_sessions_in_the_folder_form(tmp_path: Path, words: dict[str, object], n_bars: int) -> None:
    write_small(tmp_path)
    before = StoredMarket(tmp_path).bars_fingerprint(np.datetime64("2023-01-04"))
    write_description(tmp_path, {"bar_minutes": 15, **words})
    cents, volume = np.full((4, 2, n_bars), 1003, np.int32), np.full((2, n_bars), 100)
    market = StoredMarket(tmp_path)
    assert market.bars_fingerprint(np.datetime64("2023-01-04")) != before
    write_bars(tmp_path, np.datetime64("2023-01-04"), np.array(["000001.SZ", "600000.SH"]), cents, volume, volume * 10)
    assert market.bars(np.datetime64("2023-01-04")).close.shape == (2, n_bars)
    assert market.hours.n_bars(15) == (16 if "early_closes" in words else n_bars)
    write_description(tmp_path, {"bar_minutes": 15, "opening": "join"})
    with pytest.raises(ConfigError, match=r"hours.opening is 'join'"):
        StoredMarket(tmp_path).bars(np.datetime64("2023-01-04"))


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    write_small(tmp_path)
    first = StoredMarket(tmp_path).fingerprint()
    assert StoredMarket(tmp_path).fingerprint() == first
    cents = np.full((4, 2, 16), 1004, dtype=np.int32)
    volume = np.ones((2, 16), dtype=np.int64)
    write_bars(tmp_path, np.datetime64("2023-01-04"), np.array(["000001.SZ", "600000.SH"]), cents, volume, volume)
    assert StoredMarket(tmp_path).fingerprint() != first
