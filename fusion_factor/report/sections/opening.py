"""The first two sections: the figures that matter most, and what was run to get them."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Folded, Note, Section, Table, Tile, Tiles, Timeline, plain
from fusion_factor.report.data import PUBLISHED, TRAINED, ReportData, StrategyData
from fusion_factor.report.labels import STRATEGIES, ordered, score_colour, score_label, strategy_colour, strategy_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.reshape import standard_error

HEADLINE_SCORES = ("fused", "fused_neutral", "lf", "hf")


def summary_row(data: ReportData, score: str, label: str = PUBLISHED) -> pd.Series | None:
    """The row of summary.csv for a score and a label, None where there is none."""
    frame = data.summary
    rows = frame[(frame["score"] == score) & (frame["label"] == label)] if len(frame) else frame
    return rows.iloc[0] if len(rows) else None


def main_score(data: ReportData) -> str | None:
    """The score that the page is about: fused where there is one, else the best known, else the first."""
    names = set(data.scores) | set(data.summary["score"].dropna().astype(str))
    return next((name for name in HEADLINE_SCORES if name in names), min(names, default=None))


def simulated(data: ReportData) -> bool:
    """Whether the market is simulated: some stage's config says so, or an oracle was evaluated."""
    if "oracle" in data.scores or summary_row(data, "oracle") is not None:
        return True
    configs = [manifest.get("config") for manifest in data.manifests.values()]
    kinds = [config.get("data", {}) for config in configs if isinstance(config, Mapping)]
    return any(isinstance(kind, Mapping) and kind.get("kind") == "simulated" for kind in kinds)


def headline(data: ReportData) -> Section:
    """A few big numbers: RankIC with its interval, share of the oracle, the rotations' annual excess."""
    tiles = [*_score_tiles(data)]
    for name in ordered(data.strategies, STRATEGIES):
        tiles.append(_strategy_tile(data.strategies[name]))
    blocks: list[Block] = (
        [Tiles(tuple(tiles))] if tiles else [_absent("There are neither scores nor rotations to sum up.")]
    )
    if simulated(data):
        text = "Simulated market: these figures show that the chain works and how much of a planted signal it finds. "
        blocks.append(Note((text + "They say nothing about real markets.",), "caution"))
    notes = data_notes(data)
    if notes:
        blocks.append(Note(notes, "caution", "Known of this data"))
    explain = (
        "RankIC is the rank correlation, over the scored stocks of one date that can be bought on the next session, "
        "between the score and the return that follows; around it, two standard errors. Annual excess is the yearly "
        "growth of a strategy relative to its benchmark, after the costs of its rules."
    )
    return Section("headline", "Headline", "Headline", explain, blocks)


def data_notes(data: ReportData) -> tuple[str, ...]:
    """What the data's own description says that a reader of results must know."""
    for manifest in data.manifests.values():
        config = manifest.get("config")
        described = config.get("data") if isinstance(config, Mapping) else None
        if isinstance(described, Mapping) and described.get("notes"):
            return tuple(str(note) for note in described["notes"])
    return ()


def _score_tiles(data: ReportData) -> list[Tile]:
    tiles: list[Tile] = []
    score = main_score(data)
    row = summary_row(data, score) if score else None
    if score and row is not None:
        error = standard_error(row)
        spread = f"± {shown(2 * error, 'pct')} (2 s.e.)" if error is not None else "no interval"
        below = f"{spread} · {shown(row['count'], 'int')} dates · ICIR {shown(row['icir'], 'num2')}"
        tiles.append(Tile(f"{score_label(score)}: RankIC", number(row["rank_ic"]), "pct", below, score_colour(score)))
    oracle = summary_row(data, score, TRAINED) if score else None
    if score and oracle is not None and number(oracle["share_of_oracle"]) is not None:
        best = summary_row(data, "oracle", TRAINED)
        limit = f"oracle {shown(best['rank_ic'], 'pct')}, " if best is not None else ""
        below = f"{limit}score {shown(oracle['rank_ic'], 'pct')}, both on T+1..T+11"
        share = number(oracle["share_of_oracle"])
        tiles.append(Tile("Share of the oracle recovered", share, "pct1", below, "oracle"))
    if score and row is not None and number(row["top_excess_annual"]) is not None:
        below = f"over all names, before costs · turnover {shown(row['top_turnover'], 'pct1')} a date"
        tiles.append(
            Tile("Top layer: annual excess", number(row["top_excess_annual"]), "pct", below, score_colour(score))
        )
    return tiles


def _strategy_tile(strategy: StrategyData) -> Tile:
    metrics = strategy.metrics
    below = (
        f"excess drawdown {shown(metrics.get('excess_max_drawdown'), 'pct1')} · "
        f"excess Sharpe {shown(metrics.get('excess_sharpe'), 'num2')}"
    )
    ahead = " (pool looks ahead)" if "LOOKS AHEAD" in strategy.note else ""
    label = f"{strategy_label(strategy.name)}: annual excess{ahead}"
    return Tile(label, number(metrics.get("annual_excess")), "pct", below, strategy_colour(strategy.name))


def _absent(text: str) -> Note:
    return Note((text,), "absent")


def what_was_run(data: ReportData) -> Section:
    """Dates, universe, costs and their reading, folds, stages with their versions."""
    blocks: list[Block] = [_facts(data)]
    blocks.append(_rules(data) if data.strategies else _absent("No rotation was run, so there are no costs to state."))
    if data.folds:
        blocks.append(_folds(data))
    blocks.append(
        _stages(data)
        if data.manifests
        else _absent("No stage left a manifest: configuration and versions are unknown.")
    )
    for name, manifest in data.manifests.items():
        if manifest.get("config"):
            text = json.dumps(plain(manifest["config"]), indent=2, ensure_ascii=False)
            blocks.append(Folded(f"Configuration of the stage {name}", text))
    explain = "Which data, which dates, which rules and which code these figures come from."
    return Section("run", "What was run", "Run", explain, blocks)


def _facts(data: ReportData) -> Table:
    rows: list[dict[str, str]] = []

    def fact(name: str, value: str) -> None:
        rows.append({"what": name, "value": value})

    fact("Market", "simulated" if simulated(data) else "as configured (see the stages below)")
    if data.table is not None:
        table = data.table
        size = f"{table.sessions:,} sessions, {table.symbols:,} stocks, {table.rows:,} rows"
        fact("Scores", f"{table.first} to {table.last}, {size}")
    score = main_score(data)
    ic = data.scores[score].ic if score and score in data.scores else pd.DataFrame()
    if len(ic):
        names = pd.to_numeric(ic["n"], errors="coerce")
        names = names[names > 0]  # the last dates have no label yet
        fact(
            "Evaluation dates",
            f"{shown(ic['date'].min(), 'date')} to {shown(ic['date'].max(), 'date')}, {len(ic):,} dates",
        )
        fact("Stocks a date", f"{shown(names.min(), 'int')} to {shown(names.max(), 'int')} with score and label")
    if data.folds:
        fits = len({(fold.get("use_start"), fold.get("use_end")) for fold in data.folds})
        fact("Folds", "one walk-forward fit" if fits == 1 else f"{fits} walk-forward fits")
    seeds = {str(seed) for seed in data.history["seed"].dropna().unique()} if len(data.history) else set()
    if seeds:
        fact("Seeds", f"{len(seeds)} a fit")
    return Table("run-facts", (Column("what", "What"), Column("value", "Value", "long")), tuple(rows))


def _reading(params: Mapping[str, Any]) -> str:
    """In words, what the cost rate means: the published 'two-sided' can be read in two ways."""
    buy, sell = number(params.get("cost_buy")), number(params.get("cost_sell"))
    if buy is not None and sell is not None:
        return f"buys {shown(buy, 'pct3')}, sells {shown(sell, 'pct3')}"
    rate = number(params.get("cost_rate"))
    if rate is None:
        return "not stated"
    if rate == 0:
        return "no cost"
    if params.get("cost_reading", "round_trip") == "each_side":
        return f"{shown(rate, 'pct')} on each side (two-sided read as each side)"
    return (
        f"{shown(rate, 'pct')} a round trip, {shown(rate / 2, 'pct')} a side (two-sided read as buy and sell together)"
    )


def _rules(data: ReportData) -> Table:
    rows = []
    names = ordered(data.strategies, STRATEGIES)
    for name in names:
        strategy = data.strategies[name]
        params, metrics = strategy.params, strategy.metrics
        rows.append(
            {
                "strategy": strategy_label(name),
                "from": metrics.get("base"),
                "to": metrics.get("end"),
                "schedule": params.get("schedule", "weekly"),
                "top": params.get("top_k"),
                "codes": strategy.signals["code"].nunique() or None,
                "fill": f"{params.get('execute', 'open')} of the next session",
                "aggregate": params.get("aggregate", "mean"),
                "cost": _reading(params),
                "benchmark": params.get("benchmark_kind", "pool_mean"),
            }
        )
    columns = (
        Column("strategy", "Strategy"),
        Column("from", "From", "date"),
        Column("to", "To", "date"),
        Column("schedule", "Signals"),
        Column("top", "Picks", "int"),
        Column("codes", "Pool", "int"),
        Column("fill", "Filled at", "long"),
        Column("aggregate", "Index score"),
        Column("cost", "Costs", "long"),
        Column("benchmark", "Benchmark"),
    )
    caption = (
        "Rules of the rotations. pool_held: the whole pool bought at equal weight at the same signals; "
        "pool_mean: its mean return, rebalanced daily."
    )
    return Table("run-rules", columns, tuple(rows), caption, colours=tuple(strategy_colour(name) for name in names))


def _folds(data: ReportData) -> Timeline:
    rows: list[tuple[str, tuple[tuple[str, str, str, str], ...]]] = []
    # networks with the same folds are drawn once
    told = [{key: value for key, value in fold.items() if key != "network"} for fold in data.folds]
    apart = len({str(dates) for dates in told}) > len({str(fold.get("index")) for fold in data.folds})
    for position, fold in enumerate(data.folds):
        if told[position] in told[:position]:
            continue
        spans = [
            (kind, label, shown(fold.get(f"{kind}_start"), "date"), shown(fold.get(f"{kind}_end"), "date"))
            for kind, label in (("train", "training"), ("valid", "validation"), ("use", "use"))
        ]
        label = f"{str(fold.get('network')).upper()} " if apart else "Fold "
        rows.append((f"{label}{fold.get('index', len(rows))}", tuple(spans)))
    caption = (
        "Walk-forward folds: each model is trained and validated on the past, then scores the dates of its "
        "use. The gaps are the purge: labels must end before the next part begins."
    )
    return Timeline("folds", caption, tuple(rows))


def _stages(data: ReportData) -> Table:
    rows = []
    for name, manifest in data.manifests.items():
        versions = manifest.get("versions")
        listed = ", ".join(f"{key} {value}" for key, value in versions.items()) if isinstance(versions, Mapping) else ""
        rows.append(
            {
                "stage": manifest.get("stage", name),
                "start": str(manifest.get("start") or "")[:19].replace("T", " "),
                "end": str(manifest.get("end") or "")[:19].replace("T", " "),
                "device": manifest.get("device"),
                "seed": _text(manifest.get("seed")),
                "rows": _text(manifest.get("rows")),
                "commit": str(manifest.get("commit") or "")[:10],
                "warnings": _text(manifest.get("warnings")),
                "versions": listed,
            }
        )
    titles = ("Stage", "Started", "Ended", "Device", "Seed", "Rows", "Commit", "Warnings", "Versions")
    keys = ("stage", "start", "end", "device", "seed", "rows", "commit", "warnings", "versions")
    columns = tuple(
        Column(key, title, "long" if key in ("versions", "warnings") else "text")
        for key, title in zip(keys, titles, strict=True)
    )
    return Table("run-stages", columns, tuple(rows), folded="Stages, code and versions")


def _text(value: Any) -> str:
    """A manifest field of any shape in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(item) for item in value)
    return "" if value is None else str(value)
