"""Reports in a user's own files: mapped as they are, and what is wrong in them ends in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market import open_market
from fusion_factor.text import find_events

PRICES = "code,day,open,close\n600519.SH,2024-01-02,10,11\n600519.SH,2024-01-03,11,12\n600519.SH,2024-01-04,12,12\n"
HEAD = "编号,日期,时刻,代码,机构,作者,标题,摘要,预测\n"
ROWS = [
    "2,2024-01-03,09:10,600519.SH,甲证券,张三,业绩更新,需求回暖,1.3\n",
    "1,2024-01-02,,600519.SH,甲证券,张三,季报点评,经营平稳,1.0\n",  # dates out of order
    "3,2024-01-03,,000001.SZ,乙证券,李四,,上调盈利预测,\n",  # a stock without prices, no title
]
COLUMNS = {
    "report_id": "编号", "date": "日期", "time": "时刻", "symbol": "代码", "broker": "机构", "analyst": "作者",
    "title": "标题", "abstract": "摘要", "forecast_fy1": "预测",
}  # fmt: skip


def market(folder: Path, rows: list[str], written: str = "utf8", **given: Any) -> Any:
    """A market of one stock and the given rows of reports."""
    (folder / "prices.csv").write_text(PRICES)
    (folder / "reports.csv").write_bytes((HEAD + "".join(rows)).encode(written))
    prices = {"path": "prices.csv", "columns": {"symbol": "code", "date": "day", "open": "open", "close": "close"}}
    reports = {"path": "reports.csv", "columns": COLUMNS, **given}
    return open_market({"kind": "files", "folder": str(folder), "tables": {"stock_prices": prices, "reports": reports}})


def test_reports_are_read_as_they_are_and_become_events(tmp_path: Path) -> None:
    made = market(tmp_path, ROWS)
    table = made.table("reports")
    assert table["report_id"].tolist() == ["1", "2", "3"]
    assert table["time"].isna().tolist() == [True, False, True]
    assert table["title"].tolist()[:2] == ["季报点评", "业绩更新"]
    np.testing.assert_array_equal(table["forecast_fy1"], [1.0, 1.3, np.nan])
    found = find_events(table, made.sessions, symbols=made.symbols)
    assert found.table[["report_id", "direction", "how"]].to_numpy().tolist() == [["2", 1, "forecast"]]
    assert str(found.table["session"][0].date()) == "2024-01-03"
    assert found.dropped["symbol is not in the market"] == 1


def test_a_file_of_another_encoding_is_read_with_it_and_refused_without(tmp_path: Path) -> None:
    assert market(tmp_path, ROWS, "gbk", encoding="gbk").table("reports")["title"][0] == "季报点评"
    with pytest.raises(DataError, match=r"table reports: file reports\.csv"):
        market(tmp_path, ROWS, "gbk").table("reports")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("9,2024-13-03,,600519.SH,甲,张,标题,摘要,\n", "2024-13-03"),
        ("9,,,600519.SH,甲,张,标题,摘要,\n", "report_id 9: date is empty"),
        ("9,2024-01-03,,茅台,甲,张,标题,摘要,\n", "茅台"),
        ("9,2024-01-03,,,甲,张,标题,摘要,\n", "empty symbol in row 1"),
        ("9,2024-01-03,,600519.SH,甲,张,标题,摘要,many\n", "many"),
        ("9,2024-01-03,,600519.SH,甲,张,标题,摘要,1\n" * 2, "report_id 9: duplicate key"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        market(tmp_path, [row]).table("reports")


def test_a_very_long_abstract_is_cut_and_counted(tmp_path: Path) -> None:
    rows = [f"5,2024-01-02,09:00,600519.SH,甲,张,点评,{'上调' * 50_000},\n"]
    made = market(tmp_path, rows)
    found = find_events(made.table("reports"), made.sessions, symbols=made.symbols)
    assert found.noted == {"text cut to 5000 characters": 1}


def test_unknown_columns_and_an_empty_list_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="table reports: column mood is unknown"):
        market(tmp_path, ROWS, columns={**COLUMNS, "mood": "标题"})
    with pytest.raises(ConfigError, match="table reports: path is an empty list"):
        market(tmp_path, ROWS, path=[])


def test_several_files_are_read_one_below_the_other(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(HEAD + ROWS[2], encoding="utf8")
    made = market(tmp_path, ROWS[:2], path=["reports.csv", "more.csv"])
    assert made.table("reports")["report_id"].tolist() == ["1", "2", "3"]


@pytest.mark.shared_data
def test_the_real_reports_are_mapped(shared_data: Path) -> None:
    """The reports alone: their prices take a minute to read."""
    from hydra import compose, initialize_config_dir

    from fusion_factor.stages.settings import read_settings
    from fusion_factor.stages.settings_folder import conf_folder

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        data = read_settings(compose("config", ["data=ashare_reports", f"data.folder={shared_data}"])).data
    table = open_market(data)._read("reports")  # type: ignore[attr-defined]
    days = pd.DatetimeIndex(table["date"])
    assert len(table) == 61_469
    assert table["report_id"].is_unique
    assert (str(days.min().date()), str(days.max().date())) == ("2008-01-02", "2025-01-21")
    assert table["forecast_action"].value_counts().to_dict() == {"up": 3928, "down": 2239, "mixed": 171}
