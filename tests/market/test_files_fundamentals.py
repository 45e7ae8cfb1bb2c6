"""Statements, forecasts and classifications out of files: units, bases, bad rows refused or counted, indices alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.bad_rows import EARLIER_ROWS, Usual, findings
from fusion_factor.market.checks import check_market, check_pool
from fusion_factor.market.files import FilesMarket

DAYS = pd.date_range("2020-01-02", "2023-12-29", freq="B")
SYMBOLS = [f"60000{k}.SH" for k in range(6)]
FINANCIALS = {
    "path": "statements.csv",
    "columns": {
        "symbol": "code", "period_end": "end", "announce_date": "ann", "net_profit": "np",
        "operating_cash_flow": "ocf", "revenue": "rev", "cost": "cost",
    },
    "units": {"amount": "ten_thousand_cny"},
}  # fmt: skip
CONSENSUS = {
    "path": "forecasts.csv",
    "columns": {"symbol": "code", "date": "date", "fiscal_year": "year", "net_profit": "np"},
}
INDUSTRY = {"path": "industry.csv", "columns": {"symbol": "code", "industry": "ind", "in_date": "a", "out_date": "b"}}


def statements(factor: float = 1e-4) -> pd.DataFrame:
    """Twelve quarters of each company, in ten thousand CNY: 100 million a quarter of sales, ten of profit."""
    rows = []
    for n, code in enumerate(SYMBOLS):
        for end in pd.date_range("2020-03-31", "2022-12-31", freq="QE"):
            sales = (1e8 + 1e7 * n) * end.quarter * factor
            rows.append((code, end, end + pd.Timedelta(days=25), 0.1 * sales, 0.12 * sales, sales, 0.7 * sales))
    return pd.DataFrame(rows, columns=["code", "end", "ann", "np", "ocf", "rev", "cost"])


def forecasts() -> pd.DataFrame:
    rows = [
        (code, day, year, (4.4e7 + 4e6 * n) * (1.05 ** (year - day.year)))
        for n, code in enumerate(SYMBOLS)
        for day in pd.date_range("2021-01-31", "2022-12-31", freq="ME")
        for year in (day.year, day.year + 1)
    ]
    return pd.DataFrame(rows, columns=["code", "date", "year", "np"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prices = pd.DataFrame({"symbol": np.repeat(SYMBOLS, len(DAYS)), "date": np.tile(DAYS, len(SYMBOLS))})
    prices.assign(open=10.0, close=10.0).to_csv(tmp_path / "prices.csv", index=False)
    caps = pd.DataFrame({"symbol": SYMBOLS, "date": "2020-01-02", "cap": 2e9})
    caps.to_csv(tmp_path / "caps.csv", index=False)
    write(tmp_path, "statements", statements())
    write(tmp_path, "forecasts", forecasts())
    return tmp_path


def write(folder: Path, name: str, frame: pd.DataFrame) -> None:
    frame.to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")


def market(folder: Path, **tables: Any) -> FilesMarket:
    same = {name: name for name in ("symbol", "date", "open", "close")}
    prices = {"path": "prices.csv", "columns": same}
    caps = {"path": "caps.csv", "columns": {"symbol": "symbol", "date": "date", "cap": "cap"}}
    return FilesMarket(
        {"kind": "files", "folder": str(folder), "tables": {"stock_prices": prices, "caps": caps, **tables}}
    )


def test_statements_and_forecasts_in_our_units_pass_the_checks(folder: Path) -> None:
    made = market(folder, financials=FINANCIALS, consensus=CONSENSUS)
    rows = made.table("financials")
    assert len(rows) == 72
    first = rows.iloc[0]
    assert (first["symbol"], str(first["announce_date"].date())) == ("600000.SH", "2020-04-25")
    assert first[["net_profit", "operating_cash_flow", "revenue", "cost"]].tolist() == [1e7, 1.2e7, 1e8, 7e7]
    assert len(made.table("consensus")) == 6 * 24 * 2
    assert made.notes == []
    assert not [line for line in check_market(made) if line.startswith(("financials", "consensus"))]


def test_a_table_in_another_unit_than_the_market_values_or_the_other_table_is_refused(folder: Path) -> None:
    plain = FINANCIALS | {"units": {}}  # the file is in ten thousands, and nobody says so
    with pytest.raises(DataError, match=r"financials: market value / yearly net_profit .*units.amount: ten_thousand"):
        check_market(market(folder, financials=plain))
    write(folder, "forecasts", forecasts().assign(np=lambda f: f["np"] / 40))
    with pytest.raises(DataError, match=r"consensus: its net_profit is about 0\.02"):
        check_market(market(folder, financials=FINANCIALS, consensus=CONSENSUS))


def spoilt(what: str) -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """The file's name, its rows with one mistake, and its mapping."""
    rows, expected = statements(), forecasts()
    if what == "announced early":
        rows.loc[7, "ann"] = rows.loc[7, "end"] - pd.Timedelta(days=1)
    elif what == "two versions":
        rows = pd.concat([rows, rows.iloc[[7]].assign(np=lambda f: f["np"] * 1.1)])
    elif what == "profit unit":
        rows.loc[7, "np"] /= 1e4
    elif what == "row unit":
        rows.loc[7, ["np", "ocf", "rev", "cost"]] *= 1e4
    elif what == "long past":
        expected.loc[30, "year"] = 2017
    elif what == "forecast unit":
        expected.loc[30, "np"] *= 1e4
    if what in ("long past", "forecast unit"):
        return "forecasts", expected, {"consensus": CONSENSUS}
    return "statements", rows, {"financials": FINANCIALS}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("announced early", "600000.SH, period_end 2021-12-31, announce_date 2021-12-30: announced before its period"),
        ("two versions", "announce_date 2022-01-25: two versions with one date that differ"),
        ("profit unit", "net_profit 4000: net_profit is in another unit"),
        ("row unit", r"revenue 4e\+12: revenue is in another unit"),
        ("long past", "fiscal_year 2017: a forecast for a year long past"),
        ("forecast unit", "net_profit is in another unit"),
    ],
)
def test_rows_that_cannot_be_right_are_refused_or_left_out_and_told(folder: Path, what: str, words: str) -> None:
    file, rows, tables = spoilt(what)
    ((name, mapping),) = tables.items()
    clean = len(market(folder, **tables).table(name))
    write(folder, file, rows)
    with pytest.raises(DataError, match=words):
        market(folder, **tables).table(name)
    counted = market(folder, **{name: mapping | {"on_bad": "count"}})
    assert len(counted.table(name)) == clean - 1  # of two that differ neither stays
    count = 2 if what == "two versions" else 1
    notes = [line for line in counted.notes if line.startswith(f"{name}: {count} rows left out")]
    assert len(notes) == (2 if what == "row unit" else 1)  # sales and costs of the row are told
    assert any(notes[0] in line for line in check_market(counted))


def test_the_same_row_twice_is_dropped_once_when_counted(folder: Path) -> None:
    rows = statements()
    write(folder, "statements", pd.concat([rows, rows.iloc[[3]]]))
    with pytest.raises(DataError, match="the same row twice"):
        market(folder, financials=FINANCIALS).table("financials")
    counted = market(folder, financials=FINANCIALS | {"on_bad": "count"})
    assert len(counted.table("financials")) == 72
    assert "financials: 1 rows left out, the same row twice" in counted.notes[0]


def test_what_only_later_rows_give_away_is_kept_and_told(folder: Path) -> None:
    rows = statements()
    rows.loc[1, ["np", "ocf", "rev", "cost"]] *= 1e4  # the second report of a company: nothing before it says so
    write(folder, "statements", rows)
    counted = market(folder, financials=FINANCIALS | {"on_bad": "count"})
    assert len(counted.table("financials")) == 72
    assert "which only later rows say" in counted.notes[0]
    # and what later rows say leaves out nothing: a correction of the future moves no row of the past
    rows.loc[6:11, ["np", "ocf", "rev", "cost"]] *= 1e4
    write(folder, "statements", rows)
    later = market(folder, financials=FINANCIALS | {"on_bad": "count"}).table("financials")
    before = pd.Timestamp("2021-09-01")
    past = counted.table("financials")
    held, then = (rows[rows["announce_date"] < before].reset_index(drop=True) for rows in (later, past))
    pd.testing.assert_frame_equal(held, then)


def test_a_stock_in_two_industries(folder: Path) -> None:
    overlap = "code,ind,a,b\n600000.SH,A,2020-01-01,\n600000.SH,B,2021-06-01,\n600001.SH,A,2020-01-01,2021-01-01\n"
    (folder / "industry.csv").write_text(overlap + "600001.SH,B,2021-01-01,\n")
    made = market(folder, industry=INDUSTRY)
    assert len(made.table("industry")) == 4
    assert made.notes == [
        "industry: 1 rows kept, a stock in two industries on a date (the spell that began later counts), "
        "the first: symbol 600000.SH, industry B, in_date 2021-06-01"
    ]
    with pytest.raises(DataError, match=r"600000.SH, industry B.*two industries on a date"):
        market(folder, industry=INDUSTRY | {"on_bad": "error"}).table("industry")
    (folder / "industry.csv").write_text(overlap + "600001.SH,B,2020-01-01,\n")
    with pytest.raises(DataError, match=r"600001.SH, in_date 2020-01-01: a stock in two industries from one date"):
        market(folder, industry=INDUSTRY).table("industry")
    counted = market(folder, industry=INDUSTRY | {"on_bad": "count"})
    assert set(counted.table("industry")["symbol"]) == {"600000.SH"}


def test_one_basis_a_company_that_of_its_first_announcement(folder: Path) -> None:
    rows = statements().assign(source="parent")
    total = rows[rows["code"] <= SYMBOLS[1]].assign(source="total", np=lambda f: f["np"] * 1.2)
    later = rows["code"].eq(SYMBOLS[1]) & (rows["end"] < "2020-06-01")
    total = total[~later.reindex(total.index)]  # the second company's total figures begin a quarter later
    write(folder, "statements", pd.concat([rows, total]))
    columns = FINANCIALS["columns"] | {"basis": "source"}  # type: ignore[operator]
    with pytest.raises(DataError, match=r"600000.SH \(and 1 more\) has figures of several bases"):
        market(folder, financials=FINANCIALS | {"columns": columns}).table("financials")
    made = market(folder, financials=FINANCIALS | {"columns": columns, "basis": ["total", "parent"]})
    first = made.table("financials").groupby("symbol")["net_profit"].first()
    assert first["600000.SH"] == pytest.approx(1.2e7)
    assert first["600001.SH"] == pytest.approx(1.1e7)
    assert len(made.table("financials")) == 72
    assert made.notes == ["financials: 23 rows of other bases left out; companies by basis total: 1, parent: 5"]


def test_cost_from_a_margin_and_figures_that_the_files_do_not_have(folder: Path) -> None:
    rows = statements().assign(margin=30.0).drop(columns=["cost", "ocf"])
    write(folder, "statements", rows)
    columns = {k: v for k, v in FINANCIALS["columns"].items() if k not in ("cost", "operating_cash_flow")}  # type: ignore[attr-defined]
    columns |= {"gross_margin": "margin"}
    mapping = FINANCIALS | {"columns": columns, "units": {"amount": "ten_thousand_cny", "margin": "percent"}}
    made = market(folder, financials=mapping)
    assert made.table("financials")["cost"].iloc[0] == pytest.approx(7e7)
    assert made.table("financials")["operating_cash_flow"].isna().all()
    assert made.notes == ["financials: operating_cash_flow: not in the files, unknown everywhere"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"on_bad": "drop"}, "on_bad = 'drop': must be one of error, count"),
        ({"basis": "total"}, "basis = 'total': must be a list"),
        ({"basis": ["total"]}, "no column is mapped to basis"),
        ({"columns": {"symbol": "code", "period_end": "end"}}, "column announce_date is not mapped"),
    ],
)
def test_words_of_the_mapping(folder: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        market(folder, financials=FINANCIALS | changes).table("financials")
    with pytest.raises(ConfigError, match="unknown key 'on_bad'"):
        market(folder, st={"path": "prices.csv", "columns": {"symbol": "symbol"}, "on_bad": "count"})


def test_a_market_of_indices_alone(folder: Path) -> None:
    bars = pd.DataFrame({"code": np.repeat(["X1", "X2"], len(DAYS)), "date": np.tile(DAYS, 2)})
    bars.assign(close=100.0, open=99.0, amt=5.0).to_csv(folder / "bars.csv", index=False)
    columns = {"code": "code", "date": "date", "open": "open", "close": "close", "amount": "amt"}
    prices = {"path": "bars.csv", "columns": columns, "units": {"amount": "hundred_million_cny"}}
    benchmark = {"path": "bars.csv", "columns": {"date": "date", "close": "close"}}
    benchmark |= {"where": [{"column": "code", "equals": "X1"}]}
    config = {
        "kind": "files",
        "folder": str(folder),
        "sessions_from": "benchmark",
        "tables": {"benchmark": benchmark},
        "pools": {"industry": {"members": None, "prices": prices}},
    }
    made = FilesMarket(config)
    pool = made.pool("industry")
    assert len(pool.index_prices) == 2 * len(DAYS)
    assert set(pool.index_prices["amount"]) == {5e8}
    assert (len(pool.members), len(made.symbols), made.has("stock_prices"), made.has("stocks")) == (0, 0, False, False)
    assert "stock_prices: none, this market has indices only" in check_market(made)
    assert check_pool(made, "industry") == []
    with pytest.raises(DataError, match="this market has indices only"):
        made.dense("close")
    with pytest.raises(ConfigError, match="stock_prices is missing"):
        FilesMarket(config | {"sessions_from": "stock_prices"})
    with pytest.raises(ConfigError, match="members is missing"):
        FilesMarket(config | {"pools": {"industry": {"prices": prices}}})


def test_how_large_a_figure_usually_is_against_a_plain_loop() -> None:
    rng = np.random.default_rng(4)
    count = 300
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.permutation(count), unit="D")
    values = pd.Series(np.where(rng.random(count) < 0.2, rng.choice([0.0, np.nan], count), rng.lognormal(size=count)))
    frame = pd.DataFrame({"symbol": rng.choice(list("ABCDE"), count), "known": days})
    usual = Usual(frame, values, "known")
    earlier, overall = usual.ratio(True), usual.ratio(False)
    for row in range(count):
        same = (frame["symbol"] == frame["symbol"][row]) & (values > 0)
        before = values[same & (frame["known"] < frame["known"][row])]
        own = values[row] if values[row] > 0 else np.nan
        slow = own / before.median() if len(before) >= EARLIER_ROWS else np.nan
        np.testing.assert_allclose(earlier[row], slow, rtol=1e-12)
        np.testing.assert_allclose(overall[row], own / values[same].median(), rtol=1e-12)


def test_tables_without_rows_have_no_bad_ones() -> None:
    for name, columns in {
        "financials": ["symbol", "period_end", "announce_date", "net_profit", "revenue"],
        "consensus": ["date", "symbol", "fiscal_year", "net_profit"],
        "industry": ["symbol", "industry", "in_date", "out_date"],
    }.items():
        frame = pd.DataFrame({c: pd.Series(dtype="float64") for c in columns})
        for date in {"period_end", "announce_date", "date", "in_date", "out_date"} & set(columns):
            frame[date] = pd.to_datetime(frame[date])
        assert findings(name, frame) == []
