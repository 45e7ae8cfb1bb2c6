"""Intraday bars from files: grids, labels, auctions, empty bars, the compact form and its cache."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import reading
from fusion_factor.market.bar_files import MappedBars

ENDS = [f"{m // 60:02d}:{m % 60:02d}" for m in [*range(585, 691, 15), *range(795, 901, 15)]]
STARTS = [f"{m // 60:02d}:{m % 60:02d}" for m in [*range(570, 690, 15), *range(780, 900, 15)]]
COLUMNS = {name: name for name in ("symbol", "datetime", "open", "high", "low", "close", "volume", "amount")}


def day_rows(symbol="600519.SH", day="2025-01-02", times=ENDS, price=10.0):
    """Bar i opens at price + i, closes half above; volume 100 (i + 1)."""
    rows = pd.DataFrame({"symbol": symbol, "datetime": [f"{day} {t}:00" for t in times]})
    step = np.arange(len(times))
    rows["open"], rows["close"] = price + step, price + step + 0.5
    rows["high"], rows["low"] = rows["close"] + 0.25, rows["open"] - 0.25
    rows["volume"] = 100.0 * (step + 1)
    return rows.assign(amount=rows["volume"] * rows["close"])


def described(path, label="end", **more):
    return {"path": path, "minutes": 15, "label": label, "columns": COLUMNS, **more}


def write(folder, rows, name="bars.csv"):
    rows.to_csv(folder / name, index=False)
    return name


@pytest.mark.parametrize("times", [ENDS, STARTS])
def test_a_file_of_bars_becomes_dense_sessions_by_either_label(tmp_path, times):
    rows = pd.concat([day_rows("600519.SH", d, times, p) for d, p in (("2025-01-03", 20), ("2025-01-02", 10))])
    rows = pd.concat([rows, day_rows("000001.SZ", "2025-01-03", times, 5)]).sample(frac=1, random_state=0)
    reader = MappedBars(described(write(tmp_path, rows), "end" if times is ENDS else "start"), tmp_path, cache=None)
    assert [str(s) for s in reader.sessions] == ["2025-01-02", "2025-01-03"]
    one, two = (reader.session_bars(s) for s in reader.sessions)
    assert list(one.symbols) == ["600519.SH"]
    assert list(two.symbols) == ["000001.SZ", "600519.SH"]
    np.testing.assert_array_equal(two.open[1], np.arange(20, 36, dtype=np.float32))
    np.testing.assert_array_equal(two.volume[0], 100 * np.arange(1, 17))
    for name in ("open", "high", "low", "close", "volume", "amount"):
        values = getattr(two, name)
        assert values.shape == (2, 16)
        assert values.dtype == np.float32
        assert values.flags.c_contiguous


def test_missing_bars_and_null_prices_are_nan_with_volume_zero(tmp_path):
    rows = day_rows().drop(index=3).reset_index(drop=True)
    rows.loc[5, ["open", "high", "low", "close", "volume", "amount"]] = np.nan
    bars = MappedBars(described(write(tmp_path, rows)), tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
    assert np.flatnonzero(np.isnan(bars.close[0])).tolist() == [3, 6]
    assert np.flatnonzero(bars.volume[0] == 0).tolist() == [3, 6]
    assert bars.amount[0, 6] == 0


def test_cents_in_parquet_are_the_nearest_float32(tmp_path):
    rows = day_rows()
    for name in ("open", "high", "low", "close"):
        rows[name] = (rows[name] * 100 + 1).round().astype("int32")
    rows["datetime"] = pd.to_datetime(rows["datetime"])
    rows.to_parquet(tmp_path / "b.parquet")
    bars = MappedBars(described("b.parquet", units={"price": "cents"}), tmp_path, cache=None)
    made = bars.session_bars(np.datetime64("2025-01-02"))
    assert made.open[0, 0] == np.float32(10.01)


def test_auctions_join_the_first_and_the_last_bar(tmp_path):
    early = day_rows(times=["09:25"], price=9.0).assign(high=9.5, low=8.0, volume=50.0, amount=450.0)
    late = day_rows(times=["15:00"], price=30.0).assign(high=40.0, low=29.0, close=31.0, volume=7.0, amount=217.0)
    after = day_rows(times=["15:25"], price=99.0)
    rows = pd.concat([day_rows(times=STARTS), early, late, after])
    reader = MappedBars(described(write(tmp_path, rows), "start"), tmp_path, cache=None)
    bars = reader.session_bars(np.datetime64("2025-01-02"))
    assert (bars.open[0, 0], bars.high[0, 0], bars.low[0, 0], bars.close[0, 0]) == (9.0, 10.75, 8.0, 10.5)
    assert (bars.volume[0, 0], bars.amount[0, 0]) == (150.0, 1500.0)
    assert (bars.open[0, 15], bars.high[0, 15], bars.close[0, 15], bars.volume[0, 15]) == (25.0, 40.0, 31.0, 1607.0)
    assert bars.high.max() == 40.0  # trading after hours is left out


def test_the_earliest_of_two_opening_stamps_gives_the_open(tmp_path):
    first = day_rows(times=["09:25"], price=9.0).assign(volume=50.0)
    second = day_rows(times=["09:30"], price=9.2).assign(volume=50.0)
    rows = pd.concat([second, day_rows(times=ENDS), first])
    bars = MappedBars(described(write(tmp_path, rows)), tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
    assert bars.open[0, 0] == 9.0
    assert bars.volume[0, 0] == 200.0


@pytest.mark.parametrize(
    ("times", "label", "message"),
    [
        (STARTS, "end", "label is end, but there are stamps 09:30 and none at 15:00"),
        (ENDS, "start", "label is start, but there are stamps 15:00 and none at 09:30"),
    ],
)
def test_the_other_label_is_named(tmp_path, times, label, message):
    reader = MappedBars(described(write(tmp_path, day_rows(times=times)), label), tmp_path, cache=None)
    with pytest.raises(DataError, match=message):
        _ = reader.sessions


def test_a_file_per_session_is_read_on_demand(tmp_path):
    for day in ("2025-01-02", "2025-01-03"):
        write(tmp_path, day_rows(day=day), f"bars_{day.replace('-', '')}.csv")
    reader = MappedBars(described("bars_{date}.csv"), tmp_path, cache=None)
    assert [str(s) for s in reader.sessions] == ["2025-01-02", "2025-01-03"]
    assert reader.session_bars(np.datetime64("2025-01-03")).close[0, 0] == 10.5
    with pytest.raises(DataError, match="no file of 2025-01-06"):
        reader.session_bars(np.datetime64("2025-01-06"))
    write(tmp_path, day_rows(day="2025-01-02"), "bars_20250106.csv")
    with pytest.raises(DataError, match=r"bars_20250106.csv: holds rows of 2025-01-02"):
        MappedBars(described("bars_{date}.csv"), tmp_path, cache=None).session_bars(np.datetime64("2025-01-06"))


def test_date_and_time_in_columns_of_their_own_or_time_alone(tmp_path):
    rows = day_rows()
    rows["day"], rows["clock"] = 20250102, [int(t.replace(":", "")) * 100 for t in ENDS]
    rows = rows.drop(columns="datetime")
    columns = {k: v for k, v in COLUMNS.items() if k != "datetime"} | {"time": "clock"}
    write(tmp_path, rows, "20250102.csv")
    for path, more in (("20250102.csv", {"date": "day"}), ("{date}.csv", {})):
        given = described(path) | {"columns": columns | more}
        bars = MappedBars(given, tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
        assert bars.open[0].tolist() == list(range(10, 26))
    with pytest.raises(ConfigError, match="map `datetime`, or `date` and `time`"):
        MappedBars(described("20250102.csv") | {"columns": columns}, tmp_path, cache=None)


def test_stamps_of_digits_as_baostock_writes_them(tmp_path):
    rows = day_rows().assign(datetime=["20250102" + t.replace(":", "") + "00000" for t in ENDS])
    bars = MappedBars(described(write(tmp_path, rows)), tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
    assert bars.open[0, 15] == 25.0


def test_the_compact_form_is_built_once_in_the_cache_and_again_when_a_file_changes(tmp_path):
    name = write(tmp_path, day_rows())
    day, cache = np.datetime64("2025-01-02"), tmp_path / "cache"
    first = MappedBars(described(name), tmp_path, cache=cache).session_bars(day)
    folders = list(cache.iterdir())
    assert len(folders) == 1
    stamp = (folders[0] / "values.npy").stat().st_mtime_ns
    again = MappedBars(described(name), tmp_path, cache=cache).session_bars(day)
    assert (folders[0] / "values.npy").stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(first.close, again.close)
    memory = MappedBars(described(name), tmp_path, cache=None).session_bars(day)
    np.testing.assert_array_equal(first.amount, memory.amount)
    write(tmp_path, day_rows(price=50.0))
    assert MappedBars(described(name), tmp_path, cache=cache).session_bars(day).open[0, 0] == 50.0
    assert len(list(cache.iterdir())) == 2


def test_numbers_of_trades_are_carried_when_there(tmp_path):
    rows = day_rows().assign(n=np.arange(16)).drop(index=2)
    given = described(write(tmp_path, rows)) | {"columns": COLUMNS | {"trades": "n"}}
    bars = MappedBars(given, tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
    assert bars.trades is not None
    assert bars.trades[0].tolist() == [0, 1, 0, *range(3, 16)]


@pytest.mark.parametrize("path", ["20250102.parquet", "{date}.parquet"])
def test_pieces_of_a_file_join_without_a_seam(tmp_path, monkeypatch, path):
    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    auctions = [day_rows(s, times=["09:25"]).assign(volume=1.0) for s in ("600519.SH", "600000.SH")]
    rows = pd.concat([day_rows(s) for s in ("600519.SH", "000001.SZ", "600000.SH")] + auctions)
    rows.to_parquet(tmp_path / "20250102.parquet", row_group_size=11)
    bars = MappedBars(described(path), tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))
    assert list(bars.symbols) == ["000001.SZ", "600000.SH", "600519.SH"]
    np.testing.assert_array_equal(bars.open, np.tile(np.arange(10, 26), (3, 1)))
    assert bars.volume[:, 0].tolist() == [100.0, 101.0, 101.0]


def test_an_empty_session_file_is_named(tmp_path):
    write(tmp_path, day_rows().iloc[:0], "20250102.csv")
    with pytest.raises(DataError, match=r"20250102.csv: holds no rows"):
        MappedBars(described("{date}.csv"), tmp_path, cache=None).session_bars(np.datetime64("2025-01-02"))


def test_memory_is_bounded_and_words_are_checked(tmp_path):
    name = write(tmp_path, day_rows())
    with pytest.raises(DataError, match="the limit is 1e-09; give `cache`"):
        _ = MappedBars(described(name), tmp_path, cache=None, memory_limit_gb=1e-9).sessions
    with pytest.raises(ConfigError, match=r"bars.minutes = 30"):
        MappedBars(described(name) | {"minutes": 30}, tmp_path, cache=None)
    with pytest.raises(ConfigError, match=r"bars.label = 'left'"):
        MappedBars(described(name, "left"), tmp_path, cache=None)
    with pytest.raises(ConfigError, match="column amount is not mapped"):
        columns = {k: v for k, v in COLUMNS.items() if k != "amount"}
        MappedBars(described(name) | {"columns": columns}, tmp_path, cache=None)
    with pytest.raises(ConfigError, match="column vwap is unknown"):
        MappedBars(described(name) | {"columns": COLUMNS | {"vwap": "vwap"}}, tmp_path, cache=None)
