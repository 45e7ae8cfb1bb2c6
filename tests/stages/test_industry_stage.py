"""The industry stage: what it refuses, what it leaves out, and that its files say what they should."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import settings_of
from industry.tables import INDUSTRIES, SESSIONS, STOCKS, tables

from fusion_factor.core.errors import ConfigError
from fusion_factor.industry import MissingTable
from fusion_factor.market.store import Pool, StoredMarket, write_description, write_pool, write_table
from fusion_factor.pipeline import check_settings
from fusion_factor.report import load
from fusion_factor.report.sections.industry import industry as section
from fusion_factor.scores import read_scores, write_scores
from fusion_factor.stages import industry
from fusion_factor.stages.stage import Workspace, identity

SMALL = [
    "industry.min_names=4", "industry.intervals.draws=50", "industry.mix.aggregate.min_members=1",
    "industry.mix.aggregate.aggregate=mean", "industry.rotate.top_k=2", "industry.composite.weight_months=12",
    "industry.composite.min_weight_months=4", "industry.factors.momentum_acceleration.exclusion.lookback=200",
    "industry.factors.momentum_acceleration.exclusion.min_values=60", "industry.factors.turnover_heat.history=100",
]  # fmt: skip


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+industry.factors.mine={_target_: fusion_factor.industry.no_such}", "industry.factors.mine._target_ no_such"),
        ("+industry.factors.turnover_heat.windw=3", "industry.factors.turnover_heat windw"),
        ("+industry.factors.turnover_heat.sign=2", "industry.factors.turnover_heat.sign 2"),
        ("industry.factors.momentum_acceleration.exclusion.mode=away", "exclude_crowding away long_side"),
        ("industry.families.growth=[profits]", "industry.families.growth profits"),
        ("industry.composite.weighting=best", "industry.composite.weighting best icir"),
        ("industry.composite.technical=[prices]", "industry.composite.technical prices"),
        ("industry.mix.weights={ai: 0, composite: 0}", "industry.mix.weights not all 0"),
        ("industry.rotate.top_k=0", "top_k 0"),
        ("+industry.events.revisions=nowhere.csv", "industry.events.revisions nowhere.csv"),
        ("industry.grid=yearly", "industry.grid yearly monthly"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        check_settings(settings_of(tmp_path, override))
    assert all(word in str(refusal.value) for word in words.split())
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with a market of six industries and a score table of its stocks."""
    root = tmp_path_factory.mktemp("world")
    market, given, rng = root / "market", tables(), np.random.default_rng(0)
    market.mkdir()
    stocks = pd.MultiIndex.from_product([STOCKS, SESSIONS], names=["symbol", "date"]).to_frame(index=False)
    for name, table in {**given, "stock_prices": stocks.assign(open=10.0, close=10.0)}.items():
        if name != "index_prices":
            write_table(market, name, table)
    prices = given["index_prices"].assign(open=given["index_prices"]["close"])
    members = given["industry"].rename(columns={"industry": "code"})
    write_pool(market, Pool("industry", prices, members))
    write_description(market, {"bar_minutes": None})
    scores = pd.MultiIndex.from_product([SESSIONS[300:], STOCKS], names=["date", "symbol"]).to_frame(index=False)
    (root / "scores").mkdir()
    write_scores(scores.assign(score=rng.normal(size=len(scores))), root / "scores" / "scores.parquet")
    for name in ("market", "scores"):
        (root / name / "manifest.json").write_text('{"content": "x"}')
    return root


def _run(world: Path, out: Path, *overrides: str) -> tuple[Path, dict[str, int]]:
    out.mkdir()
    outcome = industry.work(settings_of(world, *SMALL, *overrides), Workspace(world), out)
    return out, dict(outcome.warnings)


@pytest.fixture(scope="module")
def made(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _run(world, tmp_path_factory.mktemp("made") / "industry", "industry.mix.weighting=icir")[0]


def test_factors_without_their_tables_are_left_out_by_name(world: Path, tmp_path: Path) -> None:
    out, warnings = _run(world, tmp_path / "out", "industry.mix.enabled=false")
    assert sorted(name.split(":")[0] for name in warnings) == ["consensus_px", "guidance"]
    assert not (out / "rotation").exists()
    found = set(pd.read_parquet(out / "factors.parquet")["factor"])
    assert {"consensus_fy2_3m", "cash_flow_to_profit", "composite", "composite_domain"} <= found


def test_a_market_without_the_pool_gets_a_note(world: Path, tmp_path: Path) -> None:
    out, warnings = _run(world, tmp_path / "out", "industry.pool=sector")
    assert [path.name for path in out.iterdir()] == ["note.txt"]
    assert "no pool sector" in (out / "note.txt").read_text()
    assert list(warnings) == ["left out: the market has no pool sector"]
    shown = section(load({"industry": out}))
    assert "no pool sector" in shown.blocks[0].lines[0]  # type: ignore[union-attr]


def test_the_table_is_laid_out_as_published(made: Path) -> None:
    table = pd.read_csv(made / "table.csv")
    ours = table[table["source"] == "ours"].set_index("factor")
    paper = table[table["source"] == "published"].set_index("factor")
    assert paper["rank_ic"].to_dict() == {
        "momentum_acceleration": 0.038, "consensus_fy2_3m": 0.0617, "cash_flow_to_profit": 0.049, "composite": 0.0989,
    }  # fmt: skip
    metrics = json.loads((made / "metrics.json").read_text())
    for name, row in ours.iterrows():
        assert row["rank_ic"] == pytest.approx(metrics[name]["rank_ic"]["mean"])
        assert row["rank_ic_low"] <= row["rank_ic"] <= row["rank_ic_high"]
    quintiles = pd.read_csv(made / "quintiles.csv")
    best = quintiles[(quintiles["factor"] == "composite") & (quintiles["quintile"] == 5)]
    growth = (1 + best["return"]) / (1 + best["all"])
    assert ours.loc["composite", "q5"] == pytest.approx(growth.prod() ** (12 / len(growth)) - 1)
    assert ours.loc["composite", "month_hit"] == pytest.approx((growth > 1).mean())


def test_the_composite_is_carried_until_the_next_month_end(made: Path) -> None:
    scores, factors = read_scores(made / "scores.parquet"), pd.read_parquet(made / "factors.parquet")
    wanted = factors[factors["factor"] == "composite"].set_index(["date", "industry"])["value"]
    ends = np.unique(wanted.index.get_level_values("date"))
    latest = ends[np.searchsorted(ends, scores["date"].to_numpy(), side="right") - 1]
    keys = pd.MultiIndex.from_arrays([latest, scores["symbol"]])
    np.testing.assert_array_equal(scores["score"], wanted.reindex(keys))
    assert set(scores["symbol"]) == set(INDUSTRIES)


def test_the_mix_weighs_both_scores(made: Path) -> None:
    tables = {
        name: read_scores(made / f"{name}.parquet").set_index(["date", "symbol"])["score"] for name in ("ai", "mix")
    }
    composite = read_scores(made / "scores.parquet").set_index(["date", "symbol"])["score"]
    weights = pd.read_csv(made / "mix_weights.csv", parse_dates=["date"]).set_index("date")
    assert (weights.iloc[0] == 1).all(), "equal before there is a past"
    assert weights.to_numpy().min() >= 0
    day = tables["ai"].index.get_level_values("date").max()
    parts = {name: _z(one.loc[day]) for name, one in (("ai", tables["ai"]), ("composite", composite))}
    weight = weights[weights.index <= day].iloc[-1]
    wanted = sum(weight[name] * part for name, part in parts.items()) / weight.sum()
    np.testing.assert_allclose(tables["mix"].loc[day], wanted)


def _z(values: pd.Series) -> pd.Series:
    return (values - values.mean()) / values.std(ddof=0)


def test_three_rotations_start_together(made: Path) -> None:
    metrics = {
        name: json.loads((made / "rotation" / name / "metrics.json").read_text()) for name in ("ai", "composite", "mix")
    }
    assert len({one["base"] for one in metrics.values()}) == 1
    assert all(one["executions"] > 10 for one in metrics.values())
    signals = pd.read_csv(made / "rotation" / "mix" / "signals.csv", parse_dates=["signal"])
    mix = read_scores(made / "mix.parquet").set_index(["date", "symbol"])["score"]
    first = signals[signals["signal"] == signals["signal"].min()].dropna(subset=["score"])
    np.testing.assert_allclose(first["score"], mix.loc[first["signal"].iloc[0]].reindex(first["code"]))


def test_the_page_shows_what_was_found(made: Path) -> None:
    data = load({"industry": made})
    assert not any(name.startswith("industry") for name in data.problems)
    blocks = section(data).blocks
    table = next(block for block in blocks if getattr(block, "id", "") == "industry-table")
    assert [row["source"] for row in table.rows[:2]] == ["this run", "published"]
    assert {getattr(block, "id", "") for block in blocks} >= {
        "industry-ic", "industry-quintiles-composite", "industry-rotation", "industry-rotations",
    }  # fmt: skip


@pytest.mark.slow
def test_later_rows_move_no_score(world: Path, tmp_path: Path) -> None:
    """The tables after a session are drawn anew; composite, AI score and mix up to it stay, bit for bit."""
    cut, other = pd.Timestamp("2020-08-14"), tables(1)
    moved = tmp_path / "moved"
    shutil.copytree(world, moved)
    for name, column in (("consensus", "date"), ("financials", "announce_date")):
        was = StoredMarket(world / "market").table(name)
        later = other[name][pd.to_datetime(other[name][column]) > cut]
        write_table(moved / "market", name, pd.concat([was[was[column] <= cut], later]))
    pool = StoredMarket(world / "market").pool("industry")
    later = other["index_prices"].assign(open=1.0)
    prices = pd.concat([pool.index_prices[pool.index_prices["date"] <= cut], later[later["date"] > cut]])
    write_pool(moved / "market", Pool("industry", prices, pool.members))
    scores = read_scores(world / "scores" / "scores.parquet")
    scores.loc[scores["date"] > cut, "score"] *= -1
    write_scores(scores, moved / "scores" / "scores.parquet")
    choice = "industry.mix.weighting=icir"
    before, after = (_run(root, tmp_path / name, choice)[0] for name, root in (("a", world), ("b", moved)))
    for name in ("scores", "ai", "mix"):
        first, second = (read_scores(folder / f"{name}.parquet") for folder in (before, after))
        early = [table[table["date"] <= cut].reset_index(drop=True) for table in (first, second)]
        pd.testing.assert_frame_equal(*early, check_exact=True)
        assert len(early[0]) > 100
        assert not first.equals(second), "scores after the cut move"


def test_a_changed_event_file_makes_the_artifact_old(world: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.csv"
    found = []
    for direction in (1, -1):
        notes.write_text(f"date,symbol,direction\n2020-01-02,000001.SZ,{direction}\n")
        settings = settings_of(world, *SMALL, f"+industry.events.revisions={notes}")
        found.append(identity(industry.STAGE, settings, Workspace(world))["inputs"]["files"])
    assert found[0] != found[1]
    assert industry.STAGE.files(settings_of(world)) == ()


def test_missing_prices_of_the_benchmark_are_named(world: Path) -> None:
    market = StoredMarket(world / "market")
    options = industry.industry_options(settings_of(world, *SMALL))
    data = industry.industry_data(market, market.pool("industry"), options)
    with pytest.raises(MissingTable, match="events revisions"):
        data.event_table("revisions")
