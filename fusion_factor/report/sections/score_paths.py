"""All scores over time and by layer: blocks of the section that compares scores."""

from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Group, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, bars, over_time
from fusion_factor.report.labels import BASELINES, SCORES, ordered, score_colour, score_label
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import moving_mean, on_dates, running_sum
from fusion_factor.report.sections.facts import main_score

SMOOTHED = 12
HIDDEN_AT_FIRST = ("fused_neutral", "lf_daily", "lf_weekly", "lf_monthly", "lightgbm", "oracle")


def over_dates(data: ReportData) -> list[Block]:
    """RankIC of every score summed up over time, and behind a click smoothed and by calendar year."""
    names = [name for name in ordered(data.scores, SCORES) if len(data.scores[name].ic)]
    if not names:
        return []
    dates = pd.Series(sorted({date for name in names for date in data.scores[name].ic["date"].dropna()}))
    values = {name: on_dates(data.scores[name].ic, "rank_ic", dates) for name in names}
    main = main_score(data)
    main = main if main in values else names[0]
    first = {main, *(name for name in ("hf", "lf") if name in names)}
    smooth = [
        Line(
            score_label(name),
            score_colour(name),
            moving_mean(values[name], SMOOTHED),
            hidden=name not in first,
            dash=_dash(name),
        )
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
    summed = over_time(dates, [Panel("sum of RankIC", "num0", sums, digits=3, zero=True)])
    title = "Cumulative RankIC of every score (choose in the legend)"
    blocks: list[Block] = [Figure("scores-sum", title, summed, 360)]
    title = f"RankIC, mean of the last {SMOOTHED} dates"
    spec = over_time(dates, [Panel("RankIC", "pct1", smooth, zero=True)])
    blocks.append(Group("RankIC over time, smoothed", (Figure("scores-dates", title, spec, 300),)))
    by_year = _by_year(data, names)
    if by_year is not None:
        blocks.append(Group("RankIC by calendar year", (by_year,)))
    return blocks


def _dash(name: str) -> str:
    return "dashed" if name in BASELINES else "dotted" if name.startswith("lf_") or name == "oracle" else ""


def _by_year(data: ReportData, names: list[str]) -> Table | None:
    """RankIC by calendar year, where the evaluation made that split."""
    splits = {name: part(data.scores[name].metrics, "by_year") for name in names}
    years = sorted({year for split in splits.values() for year in split})
    if not years:
        return None
    rows = []
    kept = [name for name in names if splits[name]]
    for name in kept:
        row: dict[str, Any] = {"score": score_label(name)}
        for year in years:
            row[year] = number(part(part(splits[name], year), "rank_ic").get("mean"))
        rows.append(row)
    columns = (Column("score", "Score"), *(Column(year, year, "pct") for year in years))
    return Table("rankic-years", columns, tuple(rows), colours=tuple(score_colour(name) for name in kept))


def layers(data: ReportData) -> list[Block]:
    """The layers of every score side by side."""
    names = [name for name in ordered(data.scores, SCORES) if _excess(data, name)]
    if not names:
        return []
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
    axis = f"layer (1 = lowest score, {most} = highest)"
    spec = bars([str(layer + 1) for layer in range(most)], "pct2", series, axis=axis, prefix="Layer ")
    numbers = _layer_table(data, names, most)
    title = "Mean excess of each layer a holding period"
    return [Group("Layers of every score", (Figure("layers-excess", title, spec, 320, numbers=numbers),))]


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
