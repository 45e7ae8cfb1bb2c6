"""The section of the text factor: its figures are those of the files, beside the published ones."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fusion_factor.report import load, markup
from fusion_factor.report.blocks import Table, Tiles
from fusion_factor.report.sections.text_factor import text_factor


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """The two artifacts of a run of three months."""
    text, portfolio = tmp_path / "text", tmp_path / "text_portfolio"
    (portfolio / "factor").mkdir(parents=True)
    text.mkdir()
    judged = {"rows": 900, "auc": 0.61, "accuracy": 0.4, "majority": 0.42, "direction_auc": 0.8}
    judgement = {
        "reports": 1500,
        "events": 1000,
        "scored": 900,
        "inputs": "encoder",
        "dropped": {"first coverage": 500},
    }
    judgement |= {"judged": {"encoder": judged, "words": judged | {"auc": 0.59}}, "how": {"forecast": 1000}}
    (text / "judgement.json").write_text(json.dumps(judgement))
    months = pd.to_datetime(["2023-01-31", "2023-02-28", "2023-03-31"])
    coverage = {"date": months, "reports": [9, 8, 7], "covered": [5, 5, 4], "listed": 50, "share": [0.1, 0.1, 0.08]}
    pd.DataFrame(coverage).to_csv(text / "coverage.csv", index=False)
    bins = {"class": ["up"], "bin": [0], "rows": [90], "lowest": [0.1], "predicted": [0.2], "highest": [0.3]}
    pd.DataFrame(bins | {"observed": [0.25]}).to_csv(text / "calibration.csv", index=False)
    metrics = {"rank_ic": {"mean": 0.031, "count": 3}, "layer_excess_mean": [-0.01, 0.0, 0.01], "monotonicity": 1.0}
    (portfolio / "factor" / "metrics.json").write_text(json.dumps(metrics))
    interval = pd.DataFrame({"figure": ["rank_ic"], "value": [0.031], "low": [-0.01], "high": [0.07], "level": [0.95]})
    interval.to_csv(portfolio / "factor" / "intervals.csv", index=False)
    pd.DataFrame({"inputs": ["text", "words"], "rank_ic": [0.031, 0.02]}).to_csv(portfolio / "beside.csv", index=False)
    nav = pd.DataFrame({"date": months, "nav": [1, 1.1, 1.2], "benchmark": [1, 1.0, 1.1], "relative": [1, 1.1, 1.09]})
    nav.assign(stale=0).to_csv(portfolio / "nav.csv", index=False)
    pd.DataFrame({"year": [2023], "return": [0.2], "excess": [0.09]}).to_csv(portfolio / "years.csv", index=False)
    figures = {"annual_return": 0.2, "annual_excess": 0.09, "sharpe": 1.1, "annual_cost": 0.01, "base": "2023-01-31"}
    (portfolio / "metrics.json").write_text(json.dumps(figures))
    params = {"refine": {"by": "simple", "layers": 10}, "top_k": 25, "cost_buy": 0.001, "cost_sell": 0.002}
    (portfolio / "params.json").write_text(json.dumps(params))
    (portfolio / "interval.json").write_text(json.dumps({"annual_excess": {"low": 0.01, "high": 0.2}, "level": 0.95}))
    return {"text": text, "text_portfolio": portfolio}


def test_the_figures_are_those_of_the_files(folders: dict[str, Path]) -> None:
    (section,) = text_factor(load(folders))
    tiles = next(block for block in section.blocks if isinstance(block, Tiles))
    assert [tile.value for tile in tiles.tiles] == [0.61, 0.4, 0.8, 0.031, 0.09]
    tables = {block.id: block for block in section.blocks if isinstance(block, Table)}
    assert [row["rank_ic"] for row in tables["text-classifiers"].rows] == [0.031, 0.02]
    published = tables["text-published"].rows
    assert published[0]["annual_return"] == 0.2
    assert published[1] == {
        "whose": "published: BERT, to 2025-03-14", "annual_return": 0.4064, "annual_excess": 0.3225,
        "annual_volatility": 0.2877, "max_drawdown": 0.4869, "sharpe": 1.41, "calmar": 0.83,
    }  # fmt: skip
    (year,) = tables["text-years"].rows
    assert (year["return"], year["published_return"], year["published_excess"]) == (0.2, 0.0649, 0.1662)
    drawn = markup.section(section)
    for words in ("0.610", "9.00%", "prices and turnover", "first coverage"):
        assert words in drawn


def test_a_run_without_text_has_no_section_and_one_without_portfolio_says_so(folders: dict[str, Path]) -> None:
    assert text_factor(load({})) == []
    (section,) = text_factor(load({"text": folders["text"]}))
    assert "The portfolio was not run" in markup.section(section)


@pytest.mark.parametrize("piece", ["coverage.csv", "calibration.csv"])
def test_a_missing_table_is_named_and_drawn_around(folders: dict[str, Path], piece: str) -> None:
    (folders["text"] / piece).unlink()
    data = load(folders)
    assert f"text/{piece}" in data.problems
    assert text_factor(data)
