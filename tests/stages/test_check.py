"""`check` from the command line: the artifact, its page, and the exit status that stops what comes after."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from fusion_factor.cli import main
from fusion_factor.stages.settings_folder import conf_folder

DAYS = np.busday_offset("2024-03-04", np.arange(20))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in the manner of a vendor: one CSV of daily rows in lots and thousands."""
    monkeypatch.chdir(tmp_path)
    parts = []
    for i in range(3):
        close = np.round(10 + i + 0.05 * (np.arange(len(DAYS)) % 4), 2)
        rows = pd.DataFrame({"ts_code": f"60000{i}.SH", "trade_date": [str(day).replace("-", "") for day in DAYS]})
        rows = rows.assign(open=close, high=close + 0.02, low=close - 0.02, close=close, vol=5000.0)
        parts.append(rows.assign(amount=5000 * 100 * close / 1000))
    (tmp_path / "vendor").mkdir()
    pd.concat(parts).to_csv(tmp_path / "vendor" / "daily.csv", index=False)
    return tmp_path / "vendor"


def words(folder, *more):
    example = OmegaConf.load(conf_folder() / "data" / "files.yaml")
    left_out = [f"data.tables.{name}=null" for name in example.tables if name != "stock_prices"]
    prices = ["data.tables.stock_prices.path=daily.csv", "~data.tables.stock_prices.columns.pre_close"]
    return [
        "check",
        "data=files",
        f"data.folder={folder}",
        *left_out,
        *prices,
        "data.bars=null",
        "data.pools=null",
        *more,
    ]


def change(folder, row, **values):
    frame = pd.read_csv(folder / "daily.csv", dtype={"trade_date": str})
    for column, value in values.items():
        frame.loc[row, column] = value
    frame.to_csv(folder / "daily.csv", index=False)


def test_the_artifact_holds_findings_counts_exclusions_and_a_page(folder, capsys):
    assert main(words(folder)) == 0
    out = folder.parent / "runs" / "default" / "quality"
    assert {path.name for path in out.iterdir()} == {
        "findings.csv", "summary.json", "exclusions.parquet", "report.html", "manifest.json",
    }  # fmt: skip
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["rows"], summary["above"]) == (60, [])
    assert set(pd.read_parquet(out / "exclusions.parquet")["reason"]) == {"young"}
    assert [str(pq.read_schema(out / "exclusions.parquet").field(name).type) for name in ("in_date", "out_date")] == [
        "date32[day]", "date32[day]",
    ]  # fmt: skip
    page = (out / "report.html").read_text()
    assert "no check of severity error" in page.lower()
    assert "<script" not in page
    printed = capsys.readouterr().out
    assert "data quality of 60 rows of 3 stocks, 20 sessions" in printed


def test_an_error_ends_with_status_two_and_one_line_and_leaves_the_page(folder, capsys):
    change(folder, 25, open=0.0)
    assert main(words(folder)) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("fusion-factor: data quality: price_bad (a traded row without a valid price) 1 found")
    assert "allowed 0.010%" in last
    page = (folder.parent / "runs" / "default" / "quality" / "report.html").read_text()
    assert "600001.SH" in page
    # an unchanged market is not looked at again, and still refused
    assert main(words(folder)) == 2
    assert main(words(folder, "quality.checks.price_bad.severity=warning")) == 0


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("quality.checks.jump.limit=-1", "quality.checks.jump.limit"),
        ("+quality.checks.leap={severity: error}", "leap: is no check"),
        ("quality.min_listed=30", "must be features.min_listed"),
        ("quality.calendar=XXXX", "'XXXX' is no exchange calendar"),
        ("+quality.checks.jump.most=3", "most"),
    ],
)
def test_a_wrong_setting_is_one_line(folder, capsys, word, told):
    assert main(words(folder, word)) == 2
    assert told in capsys.readouterr().err.strip().splitlines()[-1]
