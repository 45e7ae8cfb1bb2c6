"""Sections on scores over time: RankIC by date and summed up, ten layers and how their excess compounds."""

from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, bars, over_time
from fusion_factor.report.labels import BASELINES, SCORES, ordered, score_colour, score_label
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reshape import layer_paths, moving_mean, on_dates, running_sum
from fusion_factor.report.sections.opening import main_score
from fusion_factor.report.sections.scores import absent

SMOOTHED = 12
HIDDEN_AT_FIRST = ("fused_neutral", "lf_daily", "lf_weekly", "lf_monthly", "lightgbm", "oracle")


def over_dates(data: ReportData) -> Section:
    """RankIC date by date for the main score, smoothed for all, and summed up over time."""
    explain = (
        "Above, the RankIC of every date for the main score (bars) and its mean over the last twelve dates "
        "(lines; choose scores in the legend). "
        "Below, RankIC summed up over time: a straight rise is a steady signal, a flat stretch is a time in "
        "which the score did not work."
    )
    names = [name for name in ordered(data.scores, SCORES) if len(data.scores[name].ic)]
    title = "RankIC over time"
    if not names:
        return Section("rankic", title, "Over time", explain, [absent(data, "There is no RankIC by date", "evaluate")])
    dates = pd.Series(sorted({date for name in names for date in data.scores[name].ic["date"].dropna()}))
    values = {name: on_dates(data.scores[name].ic, "rank_ic", dates) for name in names}
    main = main_score(data)
    main = main if main in values else names[0]
    each = [Line(f"{score_label(main)}, each date", score_colour(main), values[main], "bar", faint=True)]
    each += [
        Line(score_label(name), score_colour(name), moving_mean(values[name], SMOOTHED), hidden=name != main, width=2.2)
        for name in names
    ]
    sums = [
        Line(
            score_label(name),
            score_colour(name),
            running_sum(values[name]),
            hidden=name in HIDDEN_AT_FIRST and name != main,
            dash=_dash(name),
        )
        for name in names
    ]
    blocks: list[Block] = [
        Figure(
            "rankic-dates",
            f"RankIC by date, and mean of the last {SMOOTHED} dates",
            over_time(dates, [Panel("RankIC", "pct1", each, zero=True)]),
            300,
        ),
        Figure(
            "rankic-sum",
            "Cumulative RankIC",
            over_time(dates, [Panel("sum of RankIC", "num0", sums, digits=3, zero=True)]),
            360,
        ),
    ]
    by_year = _by_year(data, names)
    if by_year is not None:
        blocks.append(by_year)
    return Section("rankic", title, "Over time", explain, blocks)


def _dash(name: str) -> str:
    return "dashed" if name in BASELINES else "dotted" if name.startswith("lf_") or name == "oracle" else ""


def _by_year(data: ReportData, names: list[str]) -> Table | None:
    """RankIC by calendar year, where the evaluation made that split."""
    splits = {name: data.scores[name].metrics.get("by_year") or {} for name in names}
    years = sorted({year for split in splits.values() for year in split})
    if not years:
        return None
    rows = []
    kept = [name for name in names if splits[name]]
    for name in kept:
        row: dict[str, Any] = {"score": score_label(name)}
        for year in years:
            row[year] = number((splits[name].get(year, {}).get("rank_ic") or {}).get("mean"))
        rows.append(row)
    columns = (Column("score", "Score"), *(Column(year, year, "pct") for year in years))
    return Table(
        "rankic-years",
        columns,
        tuple(rows),
        "RankIC by calendar year.",
        colours=tuple(score_colour(name) for name in kept),
    )


def layers(data: ReportData) -> Section:
    """Ten layers: annual or mean excess of each, and how each layer's excess compounds."""
    explain = (
        "At each date stocks are sorted by score into ten equal layers, layer 10 the best. A good score shows "
        "a staircase from left to right. "
        "Excess is the layer's return less the mean of all names, equal weights, no costs: a test of the "
        "score, not a portfolio one could buy."
    )
    names = [name for name in ordered(data.scores, SCORES) if _excess(data, name)]
    if not names:
        return Section("layers", "Ten layers", "Layers", explain, [absent(data, "There are no layers", "evaluate")])
    main = main_score(data)
    main = main if main in names else names[0]
    shown_first = {main, "hf", "lf", "ew27"}
    most = max(len(_excess(data, name)) for name in names)
    series = [
        {
            "name": score_label(name),
            "colour": score_colour(name),
            "y": rounded(_excess(data, name), 6),
            "hidden": name not in shown_first,
        }
        for name in names
    ]
    spec = bars(
        [str(layer + 1) for layer in range(most)], "pct2", series, axis="layer (1 = lowest score, 10 = highest)"
    )
    blocks: list[Block] = [
        Figure(
            "layers-excess",
            "Mean excess of each layer a holding period",
            spec,
            320,
            numbers=_layer_table(data, names, most),
        )
    ]
    blocks.append(_layer_growth(data, main))
    return Section("layers", "Ten layers", "Layers", explain, blocks)


def _excess(data: ReportData, name: str) -> list[Any]:
    """Mean excess by layer, as the evaluation wrote it; nothing where it wrote something else."""
    values = data.scores[name].metrics.get("layer_excess_mean")
    return values if isinstance(values, list) else []


def _layer_table(data: ReportData, names: list[str], most: int) -> Table:
    rows = []
    for name in names:
        values = _excess(data, name)
        rows.append(
            {"score": score_label(name)}
            | {str(layer + 1): number(value) for layer, value in enumerate(values)}
            | {"monotonicity": number(data.scores[name].metrics.get("monotonicity"))}
        )
    columns = (
        Column("score", "Score"),
        *(Column(str(layer + 1), str(layer + 1), "pct") for layer in range(most)),
        Column(
            "monotonicity",
            "Monotonicity",
            "num2",
            "rank correlation of layer number and layer mean: 1 is a perfect staircase",
        ),
    )
    return Table("layers-table", columns, tuple(rows), colours=tuple(score_colour(name) for name in names))


def _layer_growth(data: ReportData, name: str) -> Block:
    score = data.scores[name]
    overlapping = all(value is None for value in score.metrics.get("layer_annual") or [None])
    dates, paths = layer_paths(score.layers)
    if overlapping or not paths:
        return Note(
            ("Growth of the layers is not drawn: their holding periods overlap, or there are no layer returns.",),
            "absent",
        )
    last = max(paths)
    lines = [
        Line(
            f"Layer {layer}",
            f"layer{round(1 + 9 * (layer - 1) / max(last - 1, 1))}",
            path,
            width=2.6 if layer in (1, last) else 1.3,
        )
        for layer, path in sorted(paths.items(), reverse=True)
    ]
    title = f"{score_label(name)}: growth of each layer relative to all names (1 = start)"
    return Figure("layers-growth", title, over_time(dates, [Panel("relative growth", "num2", lines)]), 360)
