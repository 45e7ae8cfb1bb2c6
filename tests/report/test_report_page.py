"""The page as a whole: what it says, that it is self-contained and small, that text is escaped, that JSON agrees."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.report import Rendered, load, render
from fusion_factor.report import page as page_module
from fusion_factor.report.numbers import shown

SECTIONS = (
    "headline", "picks", "score", "scores", "rotation", "strategy-theme", "strategy-concept", "strategy-industry",
    "industry", "seeds", "factors", "training", "published", "run", "caveats",
)  # fmt: skip


@pytest.fixture(scope="module")
def rendered(written_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(written_run, tmp_path_factory.mktemp("page"), title="A <run> & its figures")


@pytest.fixture(scope="module")
def html(rendered: Rendered) -> str:
    return rendered.html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def markup(html: str) -> str:
    """The page without the charts library."""
    library = html.index("Licensed to the Apache Software Foundation")
    return html[:library]


def test_every_section_is_there_in_order_and_linked(markup: str) -> None:
    assert tuple(re.findall(r'<section id="([^"]+)"', markup)) == SECTIONS
    assert tuple(re.findall(r'<a href="#([^"]+)"', markup)) == SECTIONS


def test_the_page_is_small_and_loads_nothing(rendered: Rendered, html: str) -> None:
    assert rendered.size == len(html.encode()) < page_module.TARGET_BYTES
    assert not re.search(r"""(?:src|href|action|data)\s*=\s*["']?\s*(?:https?:)?//""", html)
    assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", html)
    assert "<link" not in html.replace('<link rel="icon" href="data:,">', "")
    assert not re.search(r"<script[^>]+src", html)
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "EventSource"):
        assert word not in html


def test_text_is_escaped(markup: str) -> None:
    assert "<title>A &lt;run&gt; &amp; its figures</title>" in markup
    assert "<b>not bold</b>" not in markup
    assert "&lt;b&gt;not bold&lt;/b&gt;" in markup


def test_code_names_cannot_end_the_data_script(own_run: Path, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    frame = pd.read_csv(own_run / "evaluate" / "factors.csv")
    frame.loc[0, "factor"] = evil
    frame.to_csv(own_run / "evaluate" / "factors.csv", index=False)
    text = render(own_run, tmp_path / "page").html.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert text.count("</script>") == 3


def test_headline_figures_come_from_the_files(written_run: Path, markup: str) -> None:
    summary = pd.read_csv(written_run / "evaluate" / "summary.csv").set_index(["score", "label"])
    fused = summary.loc[("fused", "published")]
    values = re.findall(r'<div class="tile-value">([^<]+)</div>', markup)
    assert values[0] == shown(fused["rank_ic"], "pct")
    intervals = pd.read_csv(written_run / "evaluate" / "intervals.csv").set_index(["score", "label", "figure"])
    ends = intervals.loc[("fused", "published", "rank_ic")]
    assert f"95% interval {shown(ends['low'], 'pct1')} to {shown(ends['high'], 'pct1')}" in markup
    assert values[1] == shown(summary.loc[("fused", "trained"), "share_of_oracle"], "pct1")
    for position, name in enumerate(("theme", "concept", "industry")):
        metrics = json.loads((written_run / "rotate" / name / "metrics.json").read_text())
        assert values[3 + position] == shown(metrics["annual_excess"], "pct")


def test_the_reading_of_two_sided_costs_is_stated(markup: str, own_run: Path, tmp_path: Path) -> None:
    assert "0.04% a round trip, 0.02% a side (two-sided read as buy and sell together)" in markup
    assert "no cost" in markup
    path = own_run / "rotate" / "theme" / "params.json"
    path.write_text(json.dumps({"cost_rate": 0.0004, "cost_reading": "each_side"}))
    text = render(own_run, tmp_path).html.read_text(encoding="utf-8")
    assert "0.04% on each side (two-sided read as each side)" in text


def test_both_sharpe_readings_are_named(markup: str) -> None:
    assert "Sharpe (annual return / volatility)" in markup
    assert "Sharpe (mean / std of daily returns)" in markup


def test_picks_are_those_of_the_last_signal(written_run: Path, markup: str) -> None:
    signals = pd.read_csv(written_run / "rotate" / "industry" / "signals.csv")
    last = signals[signals["signal"] == signals["signal"].max()]
    picked = last[last["picked"] == 1].sort_values("rank")["code"].tolist()
    part = markup[markup.index('id="picks-industry"') : markup.index('<section id="scores"')]
    rows = part[: part.index("</table>")]
    assert re.findall(r"\((IN\d+)\)", rows) == picked
    assert "pending, not simulated" in part or "pending, not simulated" in markup


def test_json_holds_the_same_figures(rendered: Rendered, written_run: Path) -> None:
    content = json.loads(rendered.json.read_text(encoding="utf-8"))
    sections = {section["id"]: section for section in content["sections"]}
    assert tuple(sections) == SECTIONS
    table = next(block for block in sections["scores"]["blocks"] if block.get("id") == "scores-table")
    summary = pd.read_csv(written_run / "evaluate" / "summary.csv").set_index(["score", "label"])
    hf = next(row for row in table["rows"] if row["score"] == "High frequency")
    assert hf["rank_ic"] == summary.loc[("hf", "published"), "rank_ic"]
    figure = next(block for block in sections["strategy-theme"]["blocks"] if block["type"] == "figure")
    nav = pd.read_csv(written_run / "rotate" / "theme" / "nav.csv")
    assert figure["spec"]["panels"][0]["series"][0]["y"] == [round(value, 4) for value in nav["nav"]]
    assert len(figure["spec"]["dates"][1]) == len(nav) - 1


def test_the_industry_table_sets_ours_above_the_published(rendered: Rendered, written_run: Path) -> None:
    content = json.loads(rendered.json.read_text(encoding="utf-8"))
    blocks = next(section for section in content["sections"] if section["id"] == "industry")["blocks"]
    table = next(block for block in blocks if block.get("id") == "industry-table")
    written = pd.read_csv(written_run / "industry" / "table.csv")
    assert [row["rank_ic"] for row in table["rows"]] == written["rank_ic"].tolist()
    assert [row["source"] for row in table["rows"][:2]] == ["this run", "published"]
    figure = next(block for block in blocks if block.get("id") == "industry-quintiles-composite")
    best = next(one for one in figure["spec"]["panels"][0]["series"] if one["name"] == "Q5 (best)")
    quintiles = pd.read_csv(written_run / "industry" / "quintiles.csv")
    rows = quintiles[(quintiles["factor"] == "composite") & (quintiles["quintile"] == 5)]
    assert best["y"][-1] == pytest.approx(((1 + rows["return"]) / (1 + rows["all"])).prod(), abs=1e-4)


def test_one_colour_for_one_score_everywhere(markup: str, rendered: Rendered) -> None:
    used = set(re.findall(r"var\(--c-([a-z0-9-]+)\)", markup))
    text = rendered.json.read_text(encoding="utf-8")
    used |= set(re.findall(r'"colour":"([a-z0-9-]+)"', text))
    for key in used:
        # a light and a dark value
        assert len(re.findall(rf"--c-{key}: #", markup)) == 2, key


def test_out_may_be_a_file(written_run: Path, tmp_path: Path) -> None:
    result = render(load(written_run), tmp_path / "deep" / "mine.html")
    assert result.html.is_file()
    assert result.json == tmp_path / "deep" / "mine.json"
    assert result.json.is_file()


def test_rendering_twice_gives_the_same_bytes(written_run: Path, rendered: Rendered, tmp_path: Path) -> None:
    again = render(written_run, tmp_path, title="A <run> & its figures")
    assert again.html.read_bytes() == rendered.html.read_bytes()


def test_a_page_too_large_is_thinned_then_refused(
    written_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: Rendered
) -> None:
    monkeypatch.setattr(page_module, "TARGET_BYTES", rendered.size - 2000)
    monkeypatch.setattr(page_module, "POINTS", (2600, 100))
    thin = render(written_run, tmp_path)
    assert thin.points == 100
    assert thin.size < rendered.size
    monkeypatch.setattr(page_module, "LIMIT_BYTES", 1000)
    with pytest.raises(DataError, match="limit 1,000"):
        render(written_run, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_library_ships_with_its_licence() -> None:
    folder = Path(page_module.__file__).parent / "assets" / "echarts"
    assert {path.name for path in folder.iterdir()} >= {"LICENSE", "NOTICE", "LICENSE-d3", "echarts.common.min.js"}
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
