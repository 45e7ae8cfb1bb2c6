"""The page of one strategy and the tear sheet: what they say is what the files say, in words and in report.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion_factor.report import Rendered, all_sections, load, markup, render
from fusion_factor.report.numbers import shown


@pytest.fixture(scope="module")
def rendered(written_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(written_run, tmp_path_factory.mktemp("strategy"))


@pytest.fixture(scope="module")
def sections(rendered: Rendered) -> dict[str, dict[str, Any]]:
    content = json.loads(rendered.json.read_text(encoding="utf-8"))
    return {section["id"]: section for section in content["sections"]}


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield block
        yield from _blocks(block.get("blocks", []))
        if block.get("numbers"):
            yield block["numbers"]


def _block(section: dict[str, Any], id: str) -> dict[str, Any]:
    return next(block for block in _blocks(section["blocks"]) if block.get("id") == id)


def _group(section: dict[str, Any], title: str) -> dict[str, Any]:
    return next(block for block in section["blocks"] if block["type"] == "group" and title in block["title"])


def _part(html: str, id: str) -> str:
    start = html.index(f'<section id="{id}">')
    return html[start : html.index("</section>", start)]


def test_the_answer_stands_before_the_details(sections: dict[str, dict[str, Any]]) -> None:
    kinds = [block["type"] for block in sections["strategy-theme"]["blocks"]]
    assert kinds[:5] == ["tiles", "figure", "heat", "table", "figure"]
    assert set(kinds[kinds.index("group") :]) == {"group"}


def test_tiles_hold_both_sharpe_readings_and_the_interval(rendered: Rendered, written_run: Path) -> None:
    html = _part(rendered.html.read_text(encoding="utf-8"), "strategy-theme")
    metrics = json.loads((written_run / "rotate/theme/metrics.json").read_text())
    interval = json.loads((written_run / "rotate/theme/interval.json").read_text())["annual_excess"]
    assert f"95% interval {shown(interval['low'], 'pct1')} to {shown(interval['high'], 'pct1')}" in html
    assert "Sharpe (annual return / volatility)" in html
    assert f"Sharpe (mean / std of daily returns) {shown(metrics['sharpe_mean'], 'num2')}" in html


def test_an_interval_with_zero_inside_is_named(own_run: Path) -> None:
    path = own_run / "rotate/theme/interval.json"
    path.write_text(json.dumps({"annual_excess": {"value": 0.01, "low": -0.02, "high": 0.04}, "level": 0.9}))
    text = "".join(markup.section(section) for section in all_sections(load(own_run))[:1])
    assert "90% interval −2.0% to 4.0%, zero inside" in text


def test_rolling_year_is_the_change_of_the_relative_nav(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    spec = _block(sections["strategy-theme"], "rolling-theme")["spec"]
    relative = pd.read_csv(written_run / "rotate/theme/nav.csv")["relative"]
    expected = (relative / relative.shift(252) - 1).iloc[252:]
    assert spec["panels"][0]["series"][0]["y"] == pytest.approx(expected.round(4).tolist(), abs=1e-9)
    daily = relative.pct_change().rolling(252).std().iloc[252:] * 252**0.5
    assert spec["panels"][1]["series"][1]["y"] == pytest.approx(daily.round(4).tolist(), abs=1e-9)


def test_holdings_and_ranks_are_those_of_the_files(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    folder = written_run / "rotate/theme"
    held, signals = pd.read_csv(folder / "holdings.csv"), pd.read_csv(folder / "signals.csv")
    names = dict(pd.read_csv(folder / "names.csv")[["name", "code"]].itertuples(index=False))
    spec = _block(sections["strategy-theme"], "held-theme")["spec"]
    for row in spec["rows"][:3]:
        dates = held.loc[held["code"] == names[row["name"]], "execution"]
        assert sum(value > 0 for value in row["y"]) == len(dates)
    most = held["code"].value_counts()
    assert most[names[spec["rows"][0]["name"]]] == most.max()
    spec = _block(sections["strategy-theme"], "ranks-theme")["spec"]
    last = signals[signals["signal"] == signals["signal"].max()].sort_values("rank")
    assert [names[row["name"]] for row in spec["rows"]] == last["code"].tolist()[:30]
    assert [row["y"][-1] for row in spec["rows"]] == list(range(1, 31))
    assert spec["scale"] == {"kind": "rank", "best": 10, "last": 60}


def test_contributions_and_costs_add_up_to_the_total(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    rows = _block(sections["strategy-theme"], "contribution-theme-table")["rows"]
    assert rows[-1]["index"] == "Total return"
    assert sum(row["value"] for row in rows[:-1]) == pytest.approx(rows[-1]["value"], abs=1e-12)
    drawn = _block(sections["strategy-theme"], "contribution-theme")["spec"]
    assert len(drawn["categories"]) == 12 + 1 + 12 + 1
    assert drawn["categories"][12] == "… 36 more"
    assert drawn["categories"][-1] == "Costs"


def test_a_zero_count_of_blocked_orders_is_stated(rendered: Rendered, sections: dict[str, dict[str, Any]]) -> None:
    html = rendered.html.read_text(encoding="utf-8")
    assert "Blocked orders: 0 in 63 executions." in _part(html, "strategy-industry")
    group = _group(sections["strategy-theme"], "Blocked orders")
    assert group["answer"] == "3 in 63 executions"
    assert {row["reason"] for row in group["blocks"][2]["rows"]} == {"no price", "upper limit"}


def test_variants_are_counted_and_put_into_words(rendered: Rendered, sections: dict[str, dict[str, Any]]) -> None:
    html = rendered.html.read_text(encoding="utf-8")
    for words in (
        "12 variants were tried, one parameter changed at a time.",
        "with a probability of 87% its true Sharpe ratio is above",
        "Probability of overfitting: 31%.",
    ):
        assert words in _part(html, "strategy-theme")
    assert "200 variants were tried, all combinations" in _part(html, "strategy-concept")
    assert _group(sections["strategy-concept"], "Variants")["answer"] == "200 tried, probability of overfitting 31%"
    table = _block(sections["strategy-concept"], "variants-concept-table")
    excess = [row["annual_excess"] for row in table["rows"]]
    assert len(excess) == 200
    assert excess == sorted(excess, reverse=True)
    assert [row["variant"] for i, row in enumerate(table["rows"]) if i in table["strong"]] == ["as configured"]
    assert {"top_k", "smooth"} <= {column["key"] for column in table["columns"]}


def test_unknown_overfitting_is_said(own_run: Path) -> None:
    path = own_run / "rotate/theme/variants.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"overfitting_probability": None}))
    text = "".join(markup.section(section) for section in all_sections(load(own_run)))
    assert "Probability of overfitting: not known" in text


def test_cost_readings_mark_the_configured_one(sections: dict[str, dict[str, Any]]) -> None:
    table = _block(sections["strategy-theme"], "costs-theme")
    assert [row["reading"] for row in table["rows"]] == [
        "no cost",
        "the rate pays for a buy and a sell together",
        "the rate is paid on each side",
    ]
    assert table["strong"] == [1]


def test_trades_to_make_add_up(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    group = _group(sections["picks"], "Theme rotation: trades to make on 2024-04-19")
    trades = pd.read_csv(written_run / "rotate/theme/trades.csv")
    bought, cost = trades.loc[trades["trade"] > 0, "trade"].sum(), trades["cost"].sum()
    assert group["answer"].startswith(f"buy {shown(bought, 'pct1')}, ")
    assert group["answer"].endswith(f"cost {shown(cost, 'pct3')}")
    rows = group["blocks"][0]["rows"]
    assert len(rows) == len(trades)
    assert sum(row["trade"] for row in rows) == pytest.approx(trades["trade"].sum(), abs=1e-12)
    assert "Cannot be traded" in {column["title"] for column in group["blocks"][0]["columns"]}


def test_implied_benchmarks_stand_beside_the_published_ones(sections: dict[str, dict[str, Any]]) -> None:
    rows = _block(sections["published"], "published-implied")["rows"]
    assert rows[0]["source"].startswith("this run, 2017-01-03 to ")
    assert {"theme", "concept", "industry"} < set(rows[0])
    day = next(row for row in rows if row["source"] == "published, as of 2025-03-14")
    # (1 + annual return) / (1 + annual excess) - 1 of the printed figures of that day
    for name, annual, excess in (("theme", 0.1678, 0.1269), ("concept", 0.2177, 0.1136), ("industry", 0.2570, 0.2101)):
        assert day[name] == pytest.approx((1 + annual) / (1 + excess) - 1, abs=1e-4)


def test_the_tear_sheet_is_that_of_the_evaluation(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    metrics = json.loads((written_run / "evaluate/fused/metrics.json").read_text())
    sheet = sections["score"]
    tiles = {tile["label"]: tile["value"] for tile in sheet["blocks"][0]["tiles"]}
    assert tiles["RankIC"] == metrics["rank_ic"]["mean"]
    assert tiles["Best − worst layer"] == metrics["long_short"]["mean"]
    assert tiles["Rank autocorrelation"] == metrics["autocorrelation"]
    decay = _block(sheet, "score-decay-table")["rows"]
    assert {str(int(row["horizon"])): row["rank_ic"] for row in decay} == metrics["decay"]
    by_size = _block(sheet, "score-sizes-table")["rows"]
    assert [row["part"] for row in by_size] == ["smallest third", "middle third", "largest third"]
    assert [row["rank_ic"] for row in by_size] == [metrics["by_size"][key]["rank_ic"]["mean"] for key in "123"]
    industries = _block(sheet, "score-industries-table")["rows"]
    assert {row["part"]: row["rank_ic"] for row in industries} == {
        name: part["rank_ic"]["mean"] for name, part in metrics["by_industry"].items()
    }
    assert [row["rank_ic"] for row in industries] == sorted((row["rank_ic"] for row in industries), reverse=True)
    readings = pd.read_csv(written_run / "evaluate/readings.csv")
    assert len(_block(sheet, "score-readings")["rows"]) == len(readings)
    assert _block(sheet, "score-readings")["rows"][-1]["reading"] == "neutral to industry and size"


def test_cumulative_rank_ic_ends_at_the_sum(sections: dict[str, dict[str, Any]], written_run: Path) -> None:
    ic = pd.read_csv(written_run / "evaluate/fused/ic.csv")["rank_ic"]
    path = _block(sections["score"], "score-dates")["spec"]["panels"][1]["series"][0]["y"]
    assert path[-1] == pytest.approx(ic.sum(), abs=1e-3)
