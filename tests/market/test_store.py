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


def test_an_unsorted_or_cut_grid_is_refused(tmp_path: Path) -> None:
    write_small(tmp_path)
    path = tmp_path / "bars" / "2023-01-04.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table.slice(16), table.slice(0, 16)]), path)
    with pytest.raises(DataError, match="not sorted"):
        StoredMarket(tmp_path).bars(np.datetime64("2023-01-04"))
    pq.write_table(table.slice(0, 31), path)
    with pytest.raises(DataError, match="full grid"):
        StoredMarket(tmp_path).bars(np.datetime64("2023-01-04"))


def test_fingerprint_follows_the_content(tmp_path: Path) -> None:
    write_small(tmp_path)
    first = StoredMarket(tmp_path).fingerprint()
    assert StoredMarket(tmp_path).fingerprint() == first
    cents = np.full((4, 2, 16), 1004, dtype=np.int32)
    volume = np.ones((2, 16), dtype=np.int64)
    write_bars(tmp_path, np.datetime64("2023-01-04"), np.array(["000001.SZ", "600000.SH"]), cents, volume, volume)
    assert StoredMarket(tmp_path).fingerprint() != first
