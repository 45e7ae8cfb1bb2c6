"""qlib's folder of .bin files: a real one is read, goes through a store, and comes out as it went in."""

import numpy as np
import pandas as pd
import pytest
from vendor import vendor, write_vendor

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import open_market
from fusion_factor.market.ingest import ingest
from fusion_factor.market.qlib_bins import QlibMarket, write_qlib


def real(shared_data, **changes):
    config = {"kind": "qlib", "folder": str(shared_data / "qlib_mini"), "benchmark": "SH000300", "volume": "shares"}
    return open_market({**config, **changes})


@pytest.mark.shared_data
def test_a_real_folder_through_a_store_and_back(shared_data, tmp_path):
    market = real(shared_data)
    assert len(market.sessions) == 3760
    t, n = int(np.searchsorted(market.sessions, np.datetime64("2025-06-30"))), list(market.symbols).index("600519.SH")
    assert market.dense("close")[t, n] == 1409.52
    assert "000300.SH" not in market.symbols
    assert len(market.table("benchmark")) > 3700
    ingest(market, tmp_path / "store")
    store = open_market({"kind": "store", "folder": tmp_path / "store"})
    pd.testing.assert_frame_equal(store.table("stock_prices"), market.table("stock_prices"), check_like=True)
    assert write_qlib(store, tmp_path / "qlib", volume="shares") == len(market.symbols)
    for symbol in market.symbols:
        place = f"features/{symbol[-2:].lower()}{symbol[:6]}"
        for name in ("open", "high", "low", "close", "volume", "factor"):
            theirs = np.fromfile(shared_data / "qlib_mini" / place / f"{name}.day.bin", "<f4")
            ours = np.fromfile(tmp_path / "qlib" / place / f"{name}.day.bin", "<f4")
            assert_same_field(ours, theirs, market, place + name)
    again = QlibMarket({"folder": tmp_path / "qlib", "volume": "shares"})
    pd.testing.assert_frame_equal(again.table("stock_prices"), market.table("stock_prices"), rtol=1e-6)


def assert_same_field(ours, theirs, market, where):
    """The same values on the calendar; the files may begin and end with sessions that have none."""
    wide = np.full((2, len(market.sessions)), np.nan)
    for row, values in enumerate((ours, theirs)):
        wide[row, int(values[0]) : int(values[0]) + len(values) - 1] = values[1:]
    known = np.isfinite(wide[1])
    np.testing.assert_allclose(wide[0, known], wide[1, known], rtol=2e-6, err_msg=where)


def test_the_written_form_by_hand(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    assert write_qlib(market, tmp_path / "qlib") == 3
    assert (tmp_path / "qlib" / "calendars" / "day.txt").read_text().split()[0] == "2023-01-03"
    first = (tmp_path / "qlib" / "instruments" / "all.txt").read_text().splitlines()[0]
    assert first == "SZ000001\t2023-01-03\t2023-01-09"
    rows = market.table("stock_prices").query("symbol == '600000.SH'")
    adjusted = (rows["close"] * rows["adj_factor"]).to_numpy()
    place = tmp_path / "qlib" / "features" / "sh600000"
    wanted = {
        "close": adjusted,
        "volume": (rows["volume"] / rows["adj_factor"]).to_numpy(),
        "change": np.append(np.nan, adjusted[1:] / adjusted[:-1] - 1),
        "factor": rows["adj_factor"].to_numpy(),
    }
    for name, values in wanted.items():
        np.testing.assert_array_equal(
            np.fromfile(place / f"{name}.day.bin", "<f4"), np.append(0, values).astype(np.float32)
        )


def test_what_is_no_qlib_folder_is_refused(tmp_path):
    market = vendor(write_vendor(tmp_path / "vendor"))
    with pytest.raises(DataError, match=r"calendars/day\.txt is not there"):
        QlibMarket({"folder": tmp_path})
    write_qlib(market, tmp_path / "qlib")
    with pytest.raises(DataError, match="not empty"):
        write_qlib(market, tmp_path / "qlib")
    with pytest.raises(ConfigError, match="volume"):
        QlibMarket({"folder": tmp_path / "qlib", "volume": "lots"})
    file = tmp_path / "qlib" / "features" / "sh600000" / "close.day.bin"
    content = file.read_bytes()
    for broken in (content[:-3], b"", np.array([4, 1, 2, 3], "<f4").tobytes(), np.array([0.5, 1], "<f4").tobytes()):
        file.write_bytes(broken)
        with pytest.raises(DataError, match="is no field"):
            QlibMarket({"folder": tmp_path / "qlib"}).table("stock_prices")


def test_qlib_itself_reads_what_is_written(tmp_path):
    qlib = pytest.importorskip("qlib")
    market = vendor(write_vendor(tmp_path / "vendor"))
    write_qlib(market, tmp_path / "qlib")
    qlib.init(provider_uri=str(tmp_path / "qlib"))
    from qlib.data import D

    read = D.features(["SH600000"], ["$close/$factor", "$volume*$factor"], freq="day")
    rows = market.table("stock_prices").query("symbol == '600000.SH'")
    np.testing.assert_allclose(read.to_numpy(), rows[["close", "volume"]].to_numpy(), rtol=1e-6)
