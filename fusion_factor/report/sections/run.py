"""What was run to get the figures: data, dates, rules, folds, code."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Folded, Note, Section, Table, Timeline, plain
from fusion_factor.report.data import ReportData
from fusion_factor.report.labels import STRATEGIES, ordered, strategy_colour, strategy_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.sections.facts import main_score, simulated


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
