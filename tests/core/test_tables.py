"""Every rule of every input table, and what a checked table looks like."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.core.table_rules import TABLES
from fusion_factor.core.tables import Grid, adjustment, check_table, dense, read_table

SESSIONS = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], "datetime64[D]")

GOOD: dict[str, list[dict[str, object]]] = {
    "sessions": [{"date": "2024-01-02"}, {"date": "2024-01-03"}],
    "index_prices": [
        {"code": "000300", "date": "2024-01-02", "open": "1", "close": "1.5", "amount": "7"},
        {"code": "000300", "date": "2024-01-03", "open": "", "close": "NaN", "amount": ""},
    ],
    "members": [
        {"code": "000300", "symbol": "600519", "in_date": "2020-01-01", "out_date": "2021-01-01", "weight": "0.5"},
        {"code": "000300", "symbol": "600519", "in_date": "2022-01-01", "out_date": "", "weight": ""},
    ],
    "scores": [
        {"date": "2024-01-02", "symbol": "600519", "score": "0.5"},
        {"date": "2024-01-02", "symbol": "000001", "score": "-0.25"},
        {"date": "2024-01-02", "symbol": "000002", "score": "0.3"},
    ],
    "stock_prices": [
        {"symbol": "600519", "date": "2024-01-02", "open": "10", "close": "11", "vwap": "10.5", "adj_factor": "1.5"}
        | {"pre_close": "9", "volume": "100", "high": "12", "low": "9", "amount": "5"}
    ],
    "stocks": [{"symbol": "600519", "board": "main", "list_date": "2001-08-27", "delist_date": ""}],
    "st": [{"symbol": "600519", "in_date": "2020-01-01", "out_date": ""}],
    "flags": [{"code": "000300", "date": "2024-01-02", "buy_blocked": "1", "sell_blocked": ""}],
    "industry": [{"symbol": "600519", "industry": "801120", "in_date": "2020-01-01", "out_date": "2021-01-01"}],
    "caps": [{"symbol": "600519", "date": "2023-12-31", "cap": "1e12"}],
    "benchmark": [{"date": "2024-01-02", "close": "3000"}],
    "consensus": [{"date": "2024-01-02", "symbol": "600519", "fiscal_year": "2024", "net_profit": "-5"}],
    "financials": [
        {"symbol": "600519", "period_end": "2023-09-30", "announce_date": "2023-10-20", "net_profit": "-1"}
        | {"operating_cash_flow": "2", "revenue": "3", "cost": ""}
    ],
    "reports": [
        {"report_id": "7", "date": "2024-01-02", "time": "09:30", "symbol": "600519", "broker": "甲", "analyst": ""}
        | {"title": "点评", "abstract": "", "forecast_fy1": "1", "forecast_fy2": "", "previous_fy1": "-1"}
        | {"previous_fy2": "", "fiscal_year": "2024", "rating": "买入", "attention": "", "forecast_action": "up"}
    ],
    "nav": [
        {"date": "2024-01-02", "nav": "1", "benchmark": "1"},
        {"date": "2024-01-03", "nav": "1.1", "benchmark": "1"},
    ],
}


def frame(name: str) -> pd.DataFrame:
    return pd.DataFrame(GOOD[name], dtype=str)


@pytest.mark.parametrize("name", TABLES)
def test_a_good_table_passes_from_text_and_again_from_its_own_types(name: str) -> None:
    checked = check_table(name, frame(name), sessions=SESSIONS)
    assert len(checked) == len(GOOD[name])
    pd.testing.assert_frame_equal(check_table(name, checked, sessions=SESSIONS), checked)


# table, row, column, new value, words of the message
BAD_VALUES = [
    ("sessions", 1, "date", "2024-01-02", "sessions 2024-01-02 twice"),
    ("sessions", 1, "date", "2024-01-01", "sessions 2024-01-01 increasing"),
    ("sessions", 0, "date", "", "sessions empty"),
    ("sessions", 0, "date", "2024/01/02", "sessions 2024/01/02"),
    ("sessions", 0, "date", "20240102", "sessions 20240102"),
    ("sessions", 0, "date", "2024-1-2", "sessions 2024-1-2"),
    ("sessions", 0, "date", "2023-02-29", "sessions 2023-02-29"),
    ("sessions", 0, "date", "2024-01-02 15:00", "sessions 15:00"),
    ("index_prices", 1, "date", "2024-01-02", "index_prices 000300 2024-01-02 duplicate"),
    ("index_prices", 0, "date", "2024-01-06", "index_prices 000300 2024-01-06 session"),
    ("index_prices", 0, "code", "", "index_prices 2024-01-02 code empty"),
    ("index_prices", 0, "code", "NaN", "index_prices 2024-01-02 code empty"),
    ("index_prices", 0, "close", "-1.5", "index_prices 000300 2024-01-02 close -1.5"),
    ("index_prices", 0, "open", "inf", "index_prices 000300 2024-01-02 open inf"),
    ("index_prices", 0, "open", "1e999", "index_prices 000300 2024-01-02 open infinite"),
    ("index_prices", 0, "open", "1_0", "index_prices 000300 2024-01-02 open 1_0"),
    ("index_prices", 0, "open", "1,5", "index_prices 000300 2024-01-02 open 1,5"),
    ("index_prices", 0, "open", "n/a", "index_prices 000300 2024-01-02 open n/a"),
    ("index_prices", 0, "amount", "-7", "index_prices 000300 2024-01-02 amount -7"),
    ("members", 0, "out_date", "2020-01-01", "members 000300 600519 2020-01-01 out_date"),
    ("members", 0, "out_date", "2019-01-01", "members 000300 600519 2020-01-01 2019-01-01"),
    ("members", 0, "out_date", "soon", "members 000300 600519 2020-01-01 soon"),
    ("members", 1, "in_date", "2020-01-01", "members 000300 600519 2020-01-01 duplicate"),
    ("members", 0, "in_date", "", "members 000300 600519 in_date empty"),
    ("members", 0, "weight", "-0.5", "members 000300 600519 2020-01-01 weight -0.5"),
    ("scores", 1, "symbol", "600519", "scores 600519 2024-01-02 duplicate"),
    ("scores", 0, "date", "2024-01-05", "scores 600519 2024-01-05 session"),
    ("scores", 0, "score", "-inf", "scores 600519 2024-01-02 -inf"),
    ("scores", 0, "score", "-999999", "scores 600519 2024-01-02 -999999"),
    ("scores", 0, "score", "high", "scores 600519 2024-01-02 high"),
    ("stock_prices", 0, "date", "2024-01-07", "stock_prices 600519 2024-01-07"),
    ("stock_prices", 0, "open", "-10", "stock_prices 600519 2024-01-02 open -10"),
    ("stock_prices", 0, "vwap", "-1", "stock_prices 600519 2024-01-02 vwap -1"),
    ("stock_prices", 0, "pre_close", "-1", "stock_prices 600519 2024-01-02 pre_close -1"),
    ("stock_prices", 0, "volume", "-1", "stock_prices 600519 2024-01-02 volume -1"),
    ("stock_prices", 0, "amount", "-1", "stock_prices 600519 2024-01-02 amount -1"),
    ("stock_prices", 0, "adj_factor", "0", "stock_prices 600519 2024-01-02 adj_factor 0"),
    ("stock_prices", 0, "adj_factor", "-1", "stock_prices 600519 2024-01-02 adj_factor -1"),
    ("stock_prices", 0, "low", "13", "stock_prices 600519 2024-01-02 high low"),
    ("stocks", 0, "board", "nasdaq", "stocks 600519 board nasdaq"),
    ("stocks", 0, "board", "", "stocks 600519 board empty"),
    ("stocks", 0, "list_date", "27.8.2001", "stocks 600519 list_date 27.8.2001"),
    ("stocks", 0, "delist_date", "2024", "stocks 600519 delist_date 2024"),
    ("st", 0, "out_date", "2020-01-01", "st 600519 2020-01-01"),
    ("flags", 0, "date", "2024-02-02", "flags 000300 2024-02-02"),
    ("flags", 0, "buy_blocked", "2", "flags 000300 2024-01-02 buy_blocked 2"),
    ("flags", 0, "sell_blocked", "0.5", "flags 000300 2024-01-02 sell_blocked 0.5"),
    ("flags", 0, "sell_blocked", "true", "flags 000300 2024-01-02 sell_blocked true"),
    ("industry", 0, "out_date", "2019-12-31", "industry 600519 2020-01-01 2019-12-31"),
    ("caps", 0, "cap", "-1", "caps 600519 2023-12-31 cap -1"),
    ("caps", 0, "cap", "inf", "caps 600519 2023-12-31 cap inf"),
    ("benchmark", 0, "date", "2023-12-29", "benchmark 2023-12-29"),
    ("benchmark", 0, "close", "-3000", "benchmark 2024-01-02 -3000"),
    ("consensus", 0, "fiscal_year", "2024.5", "consensus 600519 2024-01-02 fiscal_year 2024.5"),
    ("consensus", 0, "fiscal_year", "", "consensus 600519 2024-01-02 fiscal_year empty"),
    ("consensus", 0, "net_profit", "inf", "consensus 600519 2024-01-02 2024 net_profit inf"),
    ("financials", 0, "period_end", "2023-09-29", "financials 600519 2023-09-29 2023-10-20 quarter"),
    ("financials", 0, "period_end", "2023-11-30", "financials 600519 2023-11-30 quarter"),
    ("financials", 0, "announce_date", "", "financials 600519 2023-09-30 announce_date empty"),
    ("nav", 1, "nav", "", "nav 2024-01-03 empty"),
    ("nav", 1, "nav", "0", "nav 2024-01-03 0"),
    ("nav", 1, "benchmark", "-1", "nav 2024-01-03 benchmark -1"),
    ("nav", 1, "date", "2024-01-02", "nav 2024-01-02 twice"),
]


@pytest.mark.parametrize(("name", "row", "column", "value", "words"), BAD_VALUES)
def test_a_bad_value_is_refused_by_table_key_and_value(
    name: str, row: int, column: str, value: str, words: str
) -> None:
    table = frame(name)
    table.loc[row, column] = value
    with pytest.raises(DataError) as refusal:
        check_table(name, table, sessions=SESSIONS)
    assert all(word in str(refusal.value) for word in words.split())
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_that_is_not_optional_is_required(name: str) -> None:
    for column in TABLES[name].columns:
        table = frame(name).drop(columns=column.name)
        if column.optional:
            check_table(name, table, sessions=SESSIONS)
            with pytest.raises(DataError, match=f"{name}: column {column.name} is missing"):
                check_table(name, table, needs=[column.name])
        else:
            with pytest.raises(DataError, match=f"{name}: column {column.name} is missing"):
                check_table(name, table)


def test_codes_that_are_numbers_are_refused_for_they_lost_their_zeros() -> None:
    table = pd.DataFrame({"date": ["2024-01-02"], "symbol": [1], "score": [0.5]})
    with pytest.raises(DataError, match=r"scores: date 2024-01-02, symbol 1: symbol .*1.* is not text"):
        check_table("scores", table)


def test_tables_may_hold_datetimes_categories_booleans_and_nothing() -> None:
    flags = pd.DataFrame(
        {
            "code": pd.Categorical(["b", "a"]),
            "date": pd.to_datetime(["2024-01-03", "2024-01-02"]),
            "buy_blocked": [True, False],
            "sell_blocked": [None, 1.0],
            "remark": "ignored",
        }
    )
    checked = check_table("flags", flags, sessions=SESSIONS)
    assert checked["code"].tolist() == ["a", "b"]
    assert checked[["buy_blocked", "sell_blocked"]].to_numpy().tolist() == [[0, 1], [1, 0]]
    assert "remark" not in checked
    assert check_table("scores", pd.DataFrame(columns=["date", "symbol", "score"])).empty


@pytest.mark.parametrize("date", [pd.Timestamp("2024-01-02 15:00"), pd.Timestamp("2024-01-02", tz="Asia/Shanghai"), 5])
def test_a_date_with_a_time_or_a_zone_is_no_date(date: object) -> None:
    with pytest.raises(DataError, match=r"scores: .* is not a date"):
        check_table("scores", pd.DataFrame({"date": [date], "symbol": "a", "score": 1.0}))


def test_names_sort_by_bytes_and_text_stays_as_it_is() -> None:
    codes = ["煤炭", "bk01", "BK01", "000001", "NA", " x"]
    table = pd.DataFrame({"code": codes, "date": "2024-01-02", "open": "1", "close": "2"})
    assert check_table("index_prices", table)["code"].tolist() == sorted(codes, key=lambda code: code.encode())


def test_a_sentinel_needs_three_scores_and_a_median_above_zero() -> None:
    def scores(*values: float) -> pd.DataFrame:
        symbols = [f"{number:06d}" for number in range(len(values))]
        return pd.DataFrame({"date": "2024-01-02", "symbol": symbols, "score": values})

    check_table("scores", scores(1.0, 1e9))
    check_table("scores", scores(0.0, 0.0, 1e9))
    check_table("scores", scores(1.0, 1.0, 1e6))
    check_table("scores", scores(1.0, 1e9, np.nan))
    with pytest.raises(DataError, match="symbol 000002"):
        check_table("scores", scores(1.0, 1.0, -1.1e6))
    # the median of an even number is the mean of the two in the middle: 2, so that 1.9e6 passes
    check_table("scores", scores(1.0, 1.0, 3.0, 1.9e6))


@pytest.mark.parametrize("seed", range(40))
def test_sentinels_are_found_as_the_definition_says(seed: int) -> None:
    """Sizes of many orders of magnitude, many zeros and holes, few rows a date, in no order."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(5, 60))
    score = rng.choice([0.0, 1.0, -1.0, np.nan, 3.0], rows) * 10.0 ** rng.integers(-4, 4, rows)
    days = rng.choice(SESSIONS, rows)
    table = pd.DataFrame({"date": days, "symbol": [f"{k:03d}" for k in range(rows)], "score": score})
    wanted = set()
    for day in np.unique(days):
        size = np.abs(score[(days == day) & ~np.isnan(score)])
        if len(size) >= 3 and np.median(size) > 0 and size.max() > 1e6 * np.median(size):
            wanted.add(str(day))
    if not wanted:
        check_table("scores", table)
        return
    with pytest.raises(DataError, match="median size") as refused:
        check_table("scores", table)
    assert any(f"date {day}" in str(refused.value) for day in wanted)


def test_text_is_read_to_the_nearest_float() -> None:
    texts = ["0.1", "9.945", "1e-310", " 2.5", "+3", "12345678901234567890"]
    table = pd.DataFrame({"date": "2024-01-02", "symbol": list("abcdef"), "score": texts})
    assert check_table("scores", table.assign(score=texts[:3] * 2))["score"].tolist() == [0.1, 9.945, 1e-310] * 2
    expected = [float(text) for text in texts]
    prices = table.rename(columns={"score": "close"}).assign(open="")
    assert check_table("stock_prices", prices)["close"].tolist() == expected


def test_the_checked_table_is_the_callers_no_longer() -> None:
    mine = pd.DataFrame({"date": pd.to_datetime(["2024-01-02"]), "close": [1.0]})
    checked = check_table("benchmark", mine)
    mine.loc[0, "close"] = 5.0
    assert checked["close"].tolist() == [1.0]


def test_files_are_read_as_text_first(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("date,symbol,score,note\n2024-01-02,000001,0.5,x\n\n2024-01-02,NA,,\n", encoding="utf-8-sig")
    assert read_table("scores", path)["symbol"].tolist() == ["000001", "NA"]
    read_table("scores", path).to_parquet(tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(read_table("scores", tmp_path / "scores.parquet"), read_table("scores", path))


def test_a_blank_line_between_sessions_is_an_empty_key_and_at_the_end_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    path.write_text("date\n2024-01-02\n2024-01-03\n\n\n")
    assert len(read_table("sessions", path)) == 2
    path.write_text("date\n2024-01-02\n\n2024-01-03\n")
    with pytest.raises(DataError, match=r"sessions: .*empty"):
        read_table("sessions", path)


@pytest.mark.parametrize("content", ["", "date\n", None])
def test_a_file_without_rows_or_no_file_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "sessions.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="sessions"):
        read_table("sessions", path)


def test_an_empty_adjustment_factor_is_the_latest_earlier_one() -> None:
    rows = [("a", "2024-01-02", ""), ("a", "2024-01-03", "2"), ("a", "2024-01-04", ""), ("b", "2024-01-04", "")]
    table = pd.DataFrame(rows, columns=["symbol", "date", "adj_factor"]).assign(open="1", close="1")
    checked = check_table("stock_prices", table.sample(frac=1, random_state=1))
    np.testing.assert_array_equal(adjustment(checked), [np.nan, 2.0, 2.0, np.nan])
    assert adjustment(checked.drop(columns="adj_factor")).tolist() == [1.0] * 4


def test_wide_arrays_hold_what_lies_inside() -> None:
    rows = [("a", "2024-01-02", "1"), ("c", "2024-01-03", "2"), ("z", "2024-01-03", "3"), ("a", "2023-01-03", "4")]
    caps = check_table("caps", pd.DataFrame(rows, columns=["symbol", "date", "cap"]))
    wide = dense(caps, "cap", SESSIONS, np.array(["a", "b", "c"], object))
    np.testing.assert_array_equal(wide, [[1, np.nan, np.nan], [np.nan, np.nan, 2], [np.nan] * 3])
    grid = Grid(caps, SESSIONS, np.array(["z"], object))
    np.testing.assert_array_equal(grid.fill(caps["cap"].to_numpy()), [[np.nan], [3], [np.nan]])


def test_ten_thousand_rows_in_any_order_give_one_table() -> None:
    rng = np.random.default_rng(3)
    symbols = [f"{number:06d}" for number in range(100)]
    days = pd.bdate_range("2023-01-02", periods=100)
    table = pd.DataFrame({"symbol": np.repeat(symbols, 100), "date": np.tile(days, 100)})
    table["open"] = table["close"] = rng.uniform(1, 100, len(table))
    pd.testing.assert_frame_equal(
        check_table("stock_prices", table.sample(frac=1, random_state=4)), check_table("stock_prices", table)
    )
