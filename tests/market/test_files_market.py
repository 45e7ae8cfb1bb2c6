"""A market over hand-made files: every mapping on a folder a person could have written."""

import copy
import os

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import mapping, open_market
from fusion_factor.market.files import FilesMarket

DAILY = """code,trade_date,o,h,l,c,vol,amt,st
SH600519,20240102,100.0,110.0,99.0,105.0,10,105.0,0
SH600519,20240103,105.0,106.0,104.0,104.5,20,209.0,1
SH600519,20240104,,,,,,,1
SH600519,20240105,104.0,105.0,103.0,104.0,10,104.0,0
SZ000001,20240102,10.0,10.5,9.9,10.2,100,102.0,0
SZ000001,20240103,10.2,10.4,10.0,10.1,0,0,0
SZ000001,20240105,10.1,10.1,10.1,10.1,,,0
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "daily.csv").write_text(DAILY)
    return tmp_path


def prices(**more):
    columns = {"symbol": "code", "date": "trade_date", "open": "o", "high": "h", "low": "l", "close": "c"}
    return {
        "path": "daily.csv",
        "columns": columns | {"volume": "vol", "amount": "amt"},
        "units": {"volume": "lots", "amount": "thousand_cny"},
        "symbols": "prefix",
        **more,
    }


def config(folder, tables=None, **more):
    return {"kind": "files", "folder": str(folder), "tables": {"stock_prices": prices()} | (tables or {}), **more}


def test_daily_prices_in_our_units_symbols_and_sessions(folder):
    market = open_market(config(folder))
    assert list(market.symbols) == ["000001.SZ", "600519.SH"]
    assert [str(s) for s in market.sessions] == ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
    np.testing.assert_array_equal(market.dense("close")[:, 1], [105.0, 104.5, 104.5, 104.0])
    assert market.dense("volume")[0].tolist() == [10_000.0, 1_000.0]
    assert market.dense("amount")[0].tolist() == [102_000.0, 105_000.0]


def test_suspensions_have_one_face(folder):
    market = FilesMarket(config(folder))
    table = market.table("stock_prices").set_index(["symbol", "date"])
    empty = table.loc[("600519.SH", "2024-01-04")]  # a row without anything: the last close, no volume
    assert empty[["open", "high", "low", "close"]].tolist() == [104.5] * 4
    assert (empty["volume"], empty["amount"]) == (0.0, 0.0)
    assert table.loc[("000001.SZ", "2024-01-05"), "volume"] == 0.0  # flat and without a volume
    assert ("000001.SZ", pd.Timestamp("2024-01-04")) not in table.index  # no row stays no row
    assert np.isnan(market.dense("close")[2, 0])


def test_an_empty_volume_on_a_row_that_moves_stays_unknown(folder):
    (folder / "daily.csv").write_text(DAILY.replace("10.1,10.1,10.1,10.1,,", "10.1,10.3,10.1,10.2,,"))
    assert np.isnan(FilesMarket(config(folder)).dense("volume")[3, 0])


def test_suspended_rows_by_a_flag(folder):
    tables = {"stock_prices": prices(suspended=[{"column": "st", "equals": 1}])}
    assert FilesMarket(config(folder, tables)).dense("volume")[1, 1] == 0.0


def test_cents_and_parquet_and_a_glob(folder):
    frame = pd.DataFrame(
        {
            "symbol": ["600519.SH", "600519.SH"],
            "date": pd.to_datetime(["2024-01-02", "2024-01-03"]),
            "c": [188800, 184576],
        }
    )
    for i in range(2):
        frame.iloc[i : i + 1].to_parquet(folder / f"part{i}.parquet")
    table = {"path": "part*.parquet", "columns": {"symbol": "symbol", "date": "date", "open": "c", "close": "c"}}
    market = FilesMarket(config(folder, {"stock_prices": table | {"units": {"price": "cents"}}}))
    assert market.dense("close")[:, 0].tolist() == [1888.0, 1845.76]


def test_bare_codes_with_an_exchange_column_or_a_constant(folder):
    (folder / "bare.csv").write_text(
        "code,exchange,date,close\n000001,SZSE,2024-01-02,10\n000001,SSE,2024-01-02,3000\n"
    )
    columns = {"symbol": "code", "date": "date", "open": "close", "close": "close"}
    table = {"path": "bare.csv", "columns": columns, "symbols": "bare"}
    market = FilesMarket(config(folder, {"stock_prices": table | {"exchange_column": "exchange"}}))
    assert list(market.symbols) == ["000001.SH", "000001.SZ"]
    assert market.dense("close")[0].tolist() == [3000.0, 10.0]
    with pytest.raises(ConfigError, match="never guessed"):
        _ = FilesMarket(config(folder, {"stock_prices": table})).symbols
    with pytest.raises(DataError, match=r"symbol 000001.SZ, date 2024-01-02: duplicate key"):
        _ = FilesMarket(config(folder, {"stock_prices": table | {"exchange": "SZ"}})).symbols


def test_stocks_get_boards_from_codes_dates_from_their_columns(folder):
    (folder / "stocks.csv").write_text(
        "code,listed,last,status\n600519.SH,2001-08-27,2025-12-31,alive\n000001.SZ,,2022-01-14,delisted\n"
    )
    gone = {"column": "last", "when": [{"column": "status", "equals": "delisted"}], "shift_days": 1}
    table = {"path": "stocks.csv", "columns": {"symbol": "code", "list_date": "listed", "delist_date": gone}}
    stocks = FilesMarket(config(folder, {"stocks": table})).table("stocks").set_index("symbol")
    assert stocks["board"].tolist() == ["main", "main"]
    assert stocks.loc["600519.SH", "list_date"] == pd.Timestamp("2001-08-27")
    assert pd.isna(stocks.loc["600519.SH", "delist_date"])
    assert stocks.loc["000001.SZ", "delist_date"] == pd.Timestamp("2022-01-15")
    assert pd.isna(stocks.loc["000001.SZ", "list_date"])


def test_stocks_without_a_table_are_the_symbols_with_boards_by_code(folder):
    market = FilesMarket(config(folder))
    assert market.has("stocks")
    assert market.table("stocks")["symbol"].tolist() == ["000001.SZ", "600519.SH"]
    assert market.table("stocks")["list_date"].isna().all()


def test_st_spells_from_a_flag_of_the_daily_rows(folder):
    table = {
        "path": "daily.csv",
        "columns": {"symbol": "code", "date": "trade_date"},
        "symbols": "prefix",
        "where": [{"column": "st", "equals": 1}],
        "spells": {"kind": "runs"},
    }
    st = FilesMarket(config(folder, {"st": table})).table("st")
    assert st.values.tolist() == [["600519.SH", pd.Timestamp("2024-01-03"), pd.Timestamp("2024-01-05")]]


def test_constants_weights_in_percent_caps_in_ten_thousands(folder):
    (folder / "caps.csv").write_text("code,trade_date,circ_mv\nSH600519,20231229,250\nSZ000001,20240103,20\n")
    table = {
        "path": "caps.csv",
        "columns": {"symbol": "code", "date": "trade_date", "cap": "circ_mv"},
        "symbols": "prefix",
        "units": {"cap": "ten_thousand_cny"},
    }
    market = FilesMarket(config(folder, {"caps": table}))
    assert market.table("caps")["cap"].tolist() == [200_000.0, 2_500_000.0]
    (folder / "m.csv").write_text("con_code,weight,day\nSH600519,60,20240102\nSZ000001,40,20240102\n")
    members = {
        "path": "m.csv",
        "columns": {"symbol": "con_code", "weight": "weight", "date": "day"},
        "constants": {"code": "000300.SH"},
        "symbols": "prefix",
        "units": {"weight": "percent"},
        "spells": {"kind": "snapshots"},
    }
    pool = {"members": members, "baskets": {"weights": "equal"}}
    made = FilesMarket(config(folder, pools={"mine": pool})).pool("mine").members
    assert made[["code", "weight"]].values.tolist() == [["000300.SH", 0.4], ["000300.SH", 0.6]]


def test_caps_fill_carries_forward_never_backward_and_moves_with_the_adjusted_close(folder):
    (folder / "caps.csv").write_text("code,trade_date,cap\nSH600519,20240103,209\n")
    table = {
        "path": "caps.csv", "columns": {"symbol": "code", "date": "trade_date", "cap": "cap"}, "symbols": "prefix",
    }  # fmt: skip
    scaled = {"max_sessions": 1, "scale_by_close": True}
    made = FilesMarket(config(folder, {"caps": table}, caps_fill=scaled)).table("caps")
    assert made["date"].dt.day.tolist() == [3, 4]  # none before the 3rd, forgotten after one session
    longer = FilesMarket(config(folder, {"caps": table}, caps_fill=scaled | {"max_sessions": 9})).table("caps")
    np.testing.assert_allclose(longer["cap"], [209.0, 209.0, 208.0], rtol=1e-15)  # 104.5 to 104.0


def test_factors_from_a_table_of_their_own_hold_from_their_date_on(folder):
    (folder / "f.csv").write_text("code,d,f\nSH600519,20240103,2\nSH600519,20231201,4\nSZ000001,20240105,5\n")
    columns = {"symbol": "code", "date": "d", "adj_factor": "f"}
    table = {"path": "f.csv", "columns": columns, "symbols": "prefix", "units": {"adj_factor": "divide"}}
    factor = FilesMarket(config(folder, {"adj_factor": table})).dense("adj_factor")
    assert factor[:, 1].tolist() == [0.25, 0.5, 0.5, 0.5]
    assert np.isnan(factor[:3, 0]).all()
    assert factor[3, 0] == 0.2


def test_sessions_from_their_own_table_or_from_the_benchmark(folder):
    (folder / "days.csv").write_text("d\n2024-01-02\n2024-01-03\n2024-01-04\n2024-01-05\n2024-01-08\n")
    days = {"sessions": {"path": "days.csv", "columns": {"date": "d"}}}
    assert len(FilesMarket(config(folder, days)).sessions) == 5
    (folder / "days.csv").write_text("d\n2024-01-03\n2024-01-02\n")
    with pytest.raises(DataError, match="must be strictly increasing"):
        _ = FilesMarket(config(folder, days)).sessions
    (folder / "b.csv").write_text(
        "d,c\n2023-12-29,1\n2024-01-02,1\n2024-01-03,1\n2024-01-04,2\n2024-01-05,3\n2024-01-08,3\n"
    )
    benchmark = {"benchmark": {"path": "b.csv", "columns": {"date": "d", "close": "c"}}}
    assert len(FilesMarket(config(folder, benchmark, sessions_from="benchmark")).sessions) == 6
    market = FilesMarket(config(folder, benchmark))
    assert len(market.sessions) == 4
    assert market.table("benchmark")["close"].tolist() == [1, 1, 2, 3]  # clipped to the sessions


def test_a_price_on_no_session_is_named(folder):
    (folder / "days.csv").write_text("d\n2024-01-02\n2024-01-03\n2024-01-05\n")
    days = {"sessions": {"path": "days.csv", "columns": {"date": "d"}}}
    with pytest.raises(DataError, match=r"symbol 600519.SH, date 2024-01-04 is not a session"):
        _ = FilesMarket(config(folder, days)).symbols


def test_start_and_end_bound_everything(folder):
    market = FilesMarket(config(folder, start="2024-01-03", end="2024-01-04"))
    assert [str(s) for s in market.sessions] == ["2024-01-03", "2024-01-04"]
    assert len(market.table("stock_prices")) == 3
    with pytest.raises(DataError, match="none between 2030-01-01 and the last"):
        _ = FilesMarket(config(folder, start="2030-01-01")).sessions
    with pytest.raises(ConfigError, match=r"data.start = 'soon'"):
        FilesMarket(config(folder, start="soon"))


def test_duplicate_rows_are_named(folder):
    (folder / "daily.csv").write_text(DAILY + "SZ000001,20240105,10.1,10.1,10.1,10.1,,,0\n")
    with pytest.raises(DataError, match=r"symbol 000001.SZ, date 2024-01-05: duplicate key"):
        _ = FilesMarket(config(folder)).symbols


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colums": {}}, "table stock_prices: unknown key 'colums'"),
        ({"units": {"volume": "hands"}}, "units.volume = 'hands': must be one of shares, lots"),
        ({"units": {"size": "lots"}}, "units: unknown key 'size'"),
        ({"where": [{"column": "st"}]}, "must have `column` and one of"),
        ({"where": [{"column": "st", "equal": 1}]}, "unknown key 'equal'"),
        ({"symbols": "wind"}, "symbol style 'wind'"),
        ({"spells": {"kind": "weeks"}}, "spells.kind = 'weeks'"),
        ({"spells": {"kind": "runs", "backfill": True}}, "backfill is for snapshots only"),
        ({"columns": {"price": "c"}}, "column price is unknown"),
        ({"columns": {"close": 3}}, "column close = 3 must be a name"),
    ],
)
def test_mistakes_in_the_description_are_refused_before_any_file_is_read(folder, change, message):
    (folder / "daily.csv").write_text("")
    with pytest.raises(ConfigError, match=message):
        FilesMarket(config(folder, {"stock_prices": prices(**change)}))


def test_unknown_top_level_words_missing_folder_and_files(folder):
    with pytest.raises(ConfigError, match="data: unknown key 'tabels'"):
        FilesMarket(config(folder) | {"tabels": {}})
    with pytest.raises(ConfigError, match=r"data.tables: unknown key 'stock_price'"):
        FilesMarket(config(folder, {"stock_price": prices()}))
    with pytest.raises(DataError, match="is not a folder"):
        FilesMarket(config(folder / "nowhere"))
    with pytest.raises(DataError, match=r"table stock_prices: no file at .*missing\*.csv"):
        FilesMarket(config(folder, {"stock_prices": prices(path="missing*.csv")}))
    with pytest.raises(ConfigError, match="stock_prices is missing"):
        FilesMarket({"kind": "files", "folder": str(folder), "tables": {}})
    (folder / "x.xlsx").write_text("")
    with pytest.raises(DataError, match=r"neither .parquet nor .csv"):
        FilesMarket(config(folder, {"stock_prices": prices(path="x.xlsx")}))


def test_a_missing_column_and_a_bad_cell_are_named(folder):
    wrong = prices()
    wrong["columns"] = wrong["columns"] | {"open": "opening"}
    with pytest.raises(DataError, match=r"file daily.csv has no column 'opening'; it has code, trade_date, o, h"):
        _ = FilesMarket(config(folder, {"stock_prices": wrong})).symbols
    (folder / "daily.csv").write_text(DAILY.replace("10.4", "ten"))
    with pytest.raises(DataError, match=r"stock_prices: file daily.csv: .*'ten'"):
        _ = FilesMarket(config(folder)).symbols
    (folder / "daily.csv").write_text(DAILY.replace("SH600519,20240103", "sh.600519,20240103"))
    with pytest.raises(
        DataError, match=r"'sh.600519' is not of the declared style prefix; it looks like style dotted_prefix"
    ):
        _ = FilesMarket(config(folder)).symbols


def test_files_without_rows_among_others_and_a_byte_order_mark(folder):
    (folder / "daily.csv").write_text(DAILY, encoding="utf-8-sig")
    (folder / "daily_holiday.csv").write_text(DAILY.splitlines()[0] + "\n")
    assert len(FilesMarket(config(folder, {"stock_prices": prices(path="daily*.csv")})).table("stock_prices")) == 7
    with pytest.raises(DataError, match=r"file daily_holiday.csv has no rows"):
        _ = FilesMarket(config(folder, {"stock_prices": prices(path="daily_holiday.csv")})).symbols
    nothing = prices(where=[{"column": "st", "equals": 7}])
    with pytest.raises(DataError, match="stock_prices: 0 rows are left"):
        _ = FilesMarket(config(folder, {"stock_prices": nothing})).symbols


def test_gbk_and_other_separators(folder):
    (folder / "daily.csv").write_bytes("代码;日期;收盘\n600519.SH;2024-01-02;5\n".encode("gbk"))
    columns = {"symbol": "代码", "date": "日期", "open": "收盘", "close": "收盘"}
    table = {"path": "daily.csv", "columns": columns, "encoding": "gbk", "separator": ";"}
    assert FilesMarket(config(folder, {"stock_prices": table})).dense("close").tolist() == [[5.0]]


def test_the_fingerprint_follows_files_and_description(folder):
    first = FilesMarket(config(folder)).fingerprint()
    assert FilesMarket(copy.deepcopy(config(folder))).fingerprint() == first
    assert FilesMarket(config(folder, start="2024-01-03")).fingerprint() != first
    (folder / "daily.csv").write_text(DAILY.replace("104.5", "104.6"))
    assert FilesMarket(config(folder)).fingerprint() != first


def test_very_large_files_are_known_by_size_and_time(folder, monkeypatch):
    first = FilesMarket(config(folder)).fingerprint()
    monkeypatch.setattr(mapping, "HASHED_BYTES", 1)
    large = FilesMarket(config(folder)).fingerprint()
    assert large != first
    os.utime(folder / "daily.csv", ns=(1, 1))
    assert FilesMarket(config(folder)).fingerprint() != large


def test_asking_for_what_is_not_there(folder):
    market = FilesMarket(config(folder))
    assert not market.has("industry")
    assert market.bar_minutes is None
    assert len(market.bar_sessions) == 0
    assert market.truth is None
    for ask in (
        lambda: market.table("industry"),
        lambda: market.pool("theme"),
        lambda: market.dense("vwap"),
        lambda: market.bars(market.sessions[0]),
    ):
        with pytest.raises(DataError):
            ask()
