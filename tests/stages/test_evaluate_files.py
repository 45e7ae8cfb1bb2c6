"""What the evaluate stage writes for the fused score, against direct calls of the room."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from chain import run_stages, settings_of

from fusion_factor.core.artifacts import read_manifest
from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import PriceBook, evaluate
from fusion_factor.features import FeatureSet
from fusion_factor.market.store import StoredMarket
from fusion_factor.stages.evaluate import keep_tradable, score_tables, tradable

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run that a test may change."""
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))


def fused(root: Path) -> tuple[pd.DataFrame, PriceBook, StoredMarket]:
    """The fused score of the names that could be bought, and the market."""
    features, market = FeatureSet.load(root / "features"), StoredMarket(root / "market")
    table = keep_tradable("fused", score_tables(root / "scores")["fused"], features, tradable(features))
    return table, PriceBook.of(market.table("stock_prices"), market.sessions), market


def test_the_fused_score_has_every_split(tiny_run: Path) -> None:
    node = settings_of(tiny_run).raw["evaluate"]
    metrics = json.loads((tiny_run / "evaluate" / "fused" / "metrics.json").read_text())
    table, book, market = fused(tiny_run)
    params = {**node["published"], "start": str(table["date"].min().date())}
    whole = evaluate(table, book, **params, min_names=node["min_names"], horizons=node["horizons"], by_year=True)
    assert list(metrics["decay"]) == [str(each) for each in node["horizons"]]
    for name in ("decay", "rank_ic", "by_year"):
        assert metrics[name] == whole.metrics[name], name
    parts = evaluate(
        table,
        book,
        **params,
        industry=market.table("industry"),
        caps=market.table("caps"),
        min_names=node["split_min_names"],
        by_size=True,
        by_industry=True,
    )
    assert parts.metrics["by_industry"]
    for name in ("by_size", "by_industry"):
        assert metrics[name] == parts.metrics[name], name


def test_intervals_hold_the_figures_of_the_comparison(tiny_run: Path) -> None:
    summary = pd.read_csv(tiny_run / "evaluate" / "summary.csv").set_index(["score", "label"])
    intervals = pd.read_csv(tiny_run / "evaluate" / "intervals.csv")
    assert list(intervals) == ["score", "label", "figure", "value", "low", "high", "level", "draws", "block"]
    columns = {"rank_ic": "rank_ic", "top_excess": "top_excess_annual"}
    assert len(intervals) == sum(summary[column].notna().sum() for column in columns.values())
    for row in intervals.itertuples():
        assert row.value == pytest.approx(summary.loc[(row.score, row.label), columns[row.figure]], rel=1e-9)
        assert row.low <= row.value <= row.high
        assert row.block >= (2 if row.label == "trained" else 1)


def test_readings_of_the_whole_market_and_of_a_universe(copy: Path) -> None:
    _, _, market = fused(copy)
    code = str(market.pool("theme").members["code"].iloc[0])
    run_stages(copy, ["evaluate"], f"evaluate.universes=['{code}']", "evaluate.min_names=5")
    readings = pd.read_csv(copy / "evaluate" / "readings.csv", dtype={"universe": str}).fillna({"universe": ""})
    summary = pd.read_csv(copy / "evaluate" / "summary.csv")
    assert list(readings.columns[:3]) == ["reading", "label", "universe"]
    assert list(readings.columns[3:]) == [
        each for each in summary.columns[2:] if each not in ("target", "rhythm", "share_of_oracle")
    ]
    assert len(readings) == 20
    published = summary[(summary["score"] == "fused") & (summary["label"] == "published")].iloc[0]
    assert readings["rank_ic"].iloc[0] == published["rank_ic"]
    inside, whole = readings[readings["universe"] == code], readings[readings["universe"] == ""]
    assert (inside["names"].to_numpy() < whole["names"].to_numpy()).all()
    assert whole["rank_ic"].nunique() == len(whole)


def test_a_universe_of_no_pool_and_readings_without_their_table(copy: Path) -> None:
    with pytest.raises(ConfigError, match=r"evaluate\.universes: NOWHERE has no members in any pool"):
        run_stages(copy, ["evaluate"], "evaluate.universes=[NOWHERE]")
    (copy / "market" / "caps.parquet").unlink()
    run_stages(copy, ["evaluate"], "evaluate.split_min_names=11")
    readings = pd.read_csv(copy / "evaluate" / "readings.csv")
    assert sorted(readings["reading"].unique()) == ["industry", "raw"]
    manifest = read_manifest(copy / "evaluate")
    assert manifest is not None
    assert manifest["warnings"]["reading size, close lag 1: no table caps"] == 1
    metrics = json.loads((copy / "evaluate" / "fused" / "metrics.json").read_text())
    assert metrics["by_size"] is None
    assert metrics["by_industry"]
