"""Missing, empty and broken pieces: the page is written all the same and says what is not there."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from synthetic_run import write_run

from fusion_factor.core.errors import DataError
from fusion_factor.report import ReportData, all_sections, as_json, load, markup, render

PIECES = (
    "scores", "evaluate", "rotate", "train", "scores/scores.parquet", "evaluate/summary.csv", "evaluate/seeds.csv",
    "evaluate/factors.csv", "evaluate/fused", "evaluate/fused/ic.csv", "evaluate/fused/layers.csv",
    "evaluate/fused/metrics.json", "rotate/theme", "rotate/theme/nav.csv", "rotate/theme/signals.csv",
    "rotate/theme/executions.csv", "rotate/theme/years.csv", "rotate/theme/metrics.json", "rotate/theme/params.json",
    "rotate/theme/names.csv", "train/history", "train/folds.json", "industry", "industry/table.csv", "industry/ic.csv",
    "industry/quintiles.csv", "industry/rotation", "industry/rotation/mix/nav.csv",
    "industry/rotation/mix/metrics.json",
)  # fmt: skip
LATER = (
    "evaluate/intervals.csv", "evaluate/readings.csv", "rotate/*/blocked.csv", "rotate/*/contribution.csv",
    "rotate/*/trades.csv", "rotate/*/readings.csv", "rotate/*/variants.csv", "rotate/*/variants.json",
    "rotate/*/implied.json", "rotate/*/interval.json",
)  # fmt: skip
TABLES = (*(piece for piece in PIECES if piece.endswith(".csv")), "train/history/hf.csv")


def _drawn(run: Path) -> str:
    """All sections as HTML, without the library and without writing a file."""
    sections = all_sections(load(run))
    assert json.loads(as_json(sections, "title"))["sections"]
    return "".join(markup.section(section) for section in sections)


def _page(run: Path, out: Path) -> str:
    return render(run, out).html.read_text(encoding="utf-8")


@pytest.mark.parametrize("piece", PIECES)
def test_without_one_piece(own_run: Path, piece: str) -> None:
    path = own_run / piece
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert '<section id="caveats">' in _drawn(own_run)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["header", "nothing", "garbage", "other columns"])
def test_with_one_table_empty_or_broken(own_run: Path, table: str, kind: str) -> None:
    path = own_run / table
    header = path.read_text(encoding="utf-8").splitlines()[0]
    texts = {"header": header + "\n", "nothing": "", "garbage": "\x00\x01,,\n1,2,3,4\n", "other columns": "a,b\n1,2\n"}
    path.write_text(texts[kind], encoding="utf-8")
    assert '<section id="caveats">' in _drawn(own_run)


def _later(run: Path) -> list[Path]:
    return [path for pattern in LATER for path in run.glob(pattern)]


def test_an_older_run_says_what_it_did_not_write(own_run: Path) -> None:
    for path in _later(own_run):
        path.unlink()
    metrics = json.loads((own_run / "evaluate/fused/metrics.json").read_text())
    for key in ("by_year", "by_size", "by_industry", "decay"):
        metrics[key] = None
    (own_run / "evaluate/fused/metrics.json").write_text(json.dumps(metrics))
    text = _drawn(own_run)
    for words in (
        "± ",
        "This run wrote no trades to make",
        "Not in this run: blocked orders (blocked.csv), contribution by index (contribution.csv), trades to make",
        "Not in this evaluation: decay by horizon, figures by year, figures by size, figures by industry.",
    ):
        assert words in text
    assert "Blocked orders" not in text
    # what an older run never wrote is said where it would stand, not listed as a fault
    assert "blocked.csv: " not in text


@pytest.mark.parametrize("kind", ["header", "nothing", "garbage", "other columns"])
def test_with_all_later_tables_empty_or_broken(own_run: Path, kind: str) -> None:
    for path in _later(own_run):
        header = path.read_text(encoding="utf-8").splitlines()[0]
        texts = {
            "header": header + "\n",
            "nothing": "",
            "garbage": "\x00\x01,,\n1,2,3,4\n",
            "other columns": "a,b\n1,2\n",
        }
        path.write_text("{}" if path.suffix == ".json" else texts[kind], encoding="utf-8")
    text = _drawn(own_run)
    assert '<section id="caveats">' in text
    if kind == "header":
        assert "Blocked orders: 0 in" in text
        assert "no trades to make, no signal is pending" in text
    if kind == "nothing":
        assert "rotate/theme/blocked.csv: it could not be read" in text


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"annual_excess": 1, "count": "x", "best": null, "level": "a"}'])
def test_with_all_later_json_strange(own_run: Path, text: str) -> None:
    for path in _later(own_run):
        if path.suffix == ".json":
            path.write_text(text, encoding="utf-8")
    assert '<section id="caveats">' in _drawn(own_run)


@pytest.mark.parametrize("split", [3, [], {"2020": None}, {"1": {"rank_ic": 3}}, {"1": {"rank_ic": {"mean": None}}}])
def test_with_strange_splits(own_run: Path, split: object) -> None:
    path = own_run / "evaluate/fused/metrics.json"
    metrics = json.loads(path.read_text())
    for key in ("by_year", "by_size", "by_industry", "decay", "rank_ic", "long_short"):
        metrics[key] = split
    path.write_text(json.dumps(metrics))
    assert '<section id="caveats">' in _drawn(own_run)


@pytest.mark.parametrize("name", ["evaluate/hf/metrics.json", "train/folds.json", "scores/manifest.json"])
@pytest.mark.parametrize("text", ["{", "[]", "3", '{"layer_excess_mean": [null, null], "config": 3}', "[1, 2]"])
def test_with_strange_json(own_run: Path, name: str, text: str) -> None:
    (own_run / name).write_text(text)
    assert '<section id="caveats">' in _drawn(own_run)


def test_an_empty_folder_gives_a_page_of_reasons(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    text = _page(run, tmp_path / "out")
    for words in (
        "neither scores nor rotations",
        "No rotation was run",
        "no training curves",
        "no single-factor table",
    ):
        assert words in text
    assert "evaluate/summary.csv: the file is not there" in text


def test_empty_data_needs_no_folder(tmp_path: Path) -> None:
    assert render(ReportData(), tmp_path).size > 0


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        load(tmp_path / "nowhere")


def test_without_intraday_bars_and_oracle(tmp_path: Path) -> None:
    names = ("fused", "lf", "lf_daily", "lf_weekly", "lf_monthly", "reversal20", "ridge")
    run = write_run(tmp_path / "run", sessions=200, scores=names)
    (run / "evaluate" / "factors.csv").unlink()
    for stage in ("scores", "evaluate", "rotate", "train", "industry"):
        (run / stage / "manifest.json").write_text("{}")
    text = _page(run, tmp_path / "out")
    assert "HF needs intraday bars" in text
    assert "No oracle: only a simulated market knows" in text
    assert "Share of the oracle recovered" not in text
    assert "Simulated market" not in text


def test_one_strategy_only(own_run: Path, tmp_path: Path) -> None:
    for name in ("theme", "concept"):
        shutil.rmtree(own_run / "rotate" / name)
    text = _page(own_run, tmp_path / "out")
    assert 'id="strategy-industry"' in text
    assert 'id="strategy-theme"' not in text
    assert "Theme rotation" not in text


def test_unknown_scores_and_strategies_are_shown_by_their_names(own_run: Path, tmp_path: Path) -> None:
    (own_run / "evaluate" / "hf").rename(own_run / "evaluate" / "my_score")
    (own_run / "rotate" / "theme").rename(own_run / "rotate" / "my_pool")
    path = own_run / "evaluate" / "summary.csv"
    frame = pd.read_csv(path).replace({"score": {"hf": "my_score"}})
    frame.to_csv(path, index=False)
    text = _page(own_run, tmp_path / "out")
    assert "my_score" in text
    assert "My pool" in text


def test_kept_and_unmade_picks(own_run: Path, tmp_path: Path) -> None:
    folder = own_run / "rotate" / "theme"
    signals = pd.read_csv(folder / "signals.csv")
    last = signals["signal"].max()
    signals.loc[signals["signal"] == last, ["picked", "rank", "eligible"]] = [0, None, 0]
    signals.to_csv(folder / "signals.csv", index=False)
    executions = pd.read_csv(own_run / "rotate" / "concept" / "executions.csv")
    executions.loc[executions.index[-1], "status"] = "kept"
    executions.to_csv(own_run / "rotate" / "concept" / "executions.csv", index=False)
    text = _page(own_run, tmp_path / "out")
    assert f'The signal of <span class="nb">{last}</span> picks nothing' in text
    assert "but no trade was made" in text


def test_overlapping_layers_are_not_compounded(own_run: Path, tmp_path: Path) -> None:
    path = own_run / "evaluate" / "fused" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["layer_annual"] = [None] * 10
    path.write_text(json.dumps(metrics))
    assert "their holding periods overlap" in _page(own_run, tmp_path / "out")


def test_problems_name_the_file(own_run: Path) -> None:
    (own_run / "evaluate" / "seeds.csv").unlink()
    (own_run / "train" / "folds.json").write_text("{")
    problems = load(own_run).problems
    assert problems["evaluate/seeds.csv"] == "the file is not there"
    assert problems["train/folds.json"].startswith("it could not be read")


def test_stage_folders_may_lie_anywhere(own_run: Path, tmp_path: Path) -> None:
    whole = load(own_run)
    folders = {}
    for stage in ("scores", "evaluate", "rotate", "train", "industry"):
        folders[stage] = (own_run / stage).rename(tmp_path / f"{stage}-1f3a")
    apart = load(folders)
    assert "".join(map(markup.section, all_sections(apart))) == "".join(map(markup.section, all_sections(whole)))
    (folders["evaluate"] / "seeds.csv").unlink()
    assert set(load({"evaluate": folders["evaluate"]}).problems) >= {"evaluate/seeds.csv", "scores/scores.parquet"}


def test_folds_by_network(own_run: Path) -> None:
    whole = load(own_run)
    nested = [
        {"fold": fold["index"]}
        | {part: {"first": fold[f"{part}_start"], "last": fold[f"{part}_end"]} for part in ("train", "valid", "use")}
        for fold in whole.folds
    ]
    (own_run / "train" / "folds.json").write_text(json.dumps({"hf": nested, "lf": nested}))
    # both networks share their folds, which are drawn once
    assert "".join(map(markup.section, all_sections(load(own_run)))) == "".join(
        map(markup.section, all_sections(whole))
    )
    (own_run / "train" / "folds.json").write_text(json.dumps({"hf": nested[1:], "lf": [{**nested[1], "train": {}}]}))
    text = _drawn(own_run)
    assert "<b>HF 1</b>" in text
    assert "<b>LF 1</b>" in text
