"""The section on industry factors: the published table, RankIC over time, quintiles, and rotations on the mix."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Figure, Group, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, over_time
from fusion_factor.report.industry_data import ROTATIONS, IndustryResults
from fusion_factor.report.labels import industry_factor_colour, industry_factor_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import Floats, floats, on_dates, running_sum

MAIN = "composite"
SCORES = {"ai": "AI score alone", "composite": "Composite alone", "mix": "Mix of both"}
_COLOURS = {"ai": "fused", "composite": "industry", "mix": "lf"}
_DOTS = "\u00a0…\u00a0"
_ID, _TITLE, _SHORT = "industry", "Industry factors", "Industries"
_EXPLAIN = (
    "Once a month every industry gets a value of each factor; RankIC is its rank correlation with the industries' "
    "returns over the next month. Q1 and Q5 are yearly rates of the worst and the best fifth over the mean of all "
    "industries, without costs. With some thirty industries a RankIC of a single month is mostly luck: the standard "
    "deviation is near 20% even without any skill, so look at the intervals."
)
_FIGURES = (
    ("annual_return", "Annual return", "pct"),
    ("annual_excess", "Annual excess", "pct"),
    ("excess_max_drawdown", "Excess max drawdown", "pct"),
    ("excess_sharpe", "Excess Sharpe", "num2"),
    ("sharpe", "Sharpe", "num2"),
    ("win_rate", "Periods won", "pct1"),
    ("mean_turnover", "Turnover a trade", "pct1"),
)


def industry(data: ReportData) -> Section:
    """Everything that the stage `industry` found; a note where it left everything out or was not run."""
    results = data.industry
    if results is None or results.note:
        reason = results.note if results is not None else "the stage industry was not run"
        return Section(_ID, _TITLE, _SHORT, _EXPLAIN, [Note((f"No industry factors: {reason}.",), "absent")])
    blocks = [_table(results), *_over_time(results), *_quintiles(results), *_side_by_side(results)]
    drawn = [block for block in blocks if block is not None]
    return Section(_ID, _TITLE, _SHORT, _EXPLAIN, drawn or [Note(("Nothing was tested.",), "absent")])


def _table(results: IndustryResults) -> Block | None:
    """The layout of the published table: factor, RankIC, IC_IR, IC > 0, Q1, Q5; published rows below ours."""
    if results.table.empty:
        return None
    rows: list[dict[str, Any]] = []
    strong, colours = [], []
    for record in results.table.to_dict("records"):
        ours = record["source"] != "published"
        row: dict[str, Any] = {
            "factor": industry_factor_label(str(record["factor"])),
            "source": "this run" if ours else "published",
        }
        for key in ("rank_ic", "icir", "positive", "q1", "q5", "rank_ic_std", "nw_t", "month_hit", "count"):
            row[key] = number(record[key])
        for key, kind in (("rank_ic", "pct1"), ("q5", "pct1")):
            ends = [number(record[f"{key}_{end}"]) for end in ("low", "high")]
            row[f"{key}_ends"] = None if None in ends else _DOTS.join(shown(end, kind) for end in ends)
        if ours:
            strong.append(len(rows))
        row["span"] = _span(record) if ours else None
        colours.append(industry_factor_colour(str(record["factor"])) if ours else "")
        rows.append(row)
    columns = (
        Column("factor", "Factor"),
        Column("source", "Whose"),
        Column("rank_ic", "RankIC", "pct"),
        Column("rank_ic_ends", "interval", "text", "block bootstrap over the months"),
        Column("icir", "IC_IR", "pct", "mean / standard deviation of the months, not annualised"),
        Column("positive", "IC > 0", "pct"),
        Column("q1", "Q1 ann.", "pct", "worst fifth over all industries"),
        Column("q5", "Q5 ann.", "pct", "best fifth over all industries"),
        Column("q5_ends", "interval", "text", "block bootstrap over the months"),
        Column("rank_ic_std", "Std of IC", "pct1"),
        Column("nw_t", "t (NW)", "num1"),
        Column("month_hit", "Months won", "pct1", "share of months in which Q5 beats all industries"),
        Column("count", "Months", "int"),
        Column("span", "Years", "text"),
    )
    caption = (
        f"Published: {published.INDUSTRY_SOURCE}; quintile figures there look like excess over the equal-weight "
        "industries. Values are tested with their sign: the best fifth is the one that should win."
    )
    return Table("industry-table", columns, tuple(rows), caption, colours=tuple(colours), strong=tuple(strong))


def _span(record: Mapping[Any, Any]) -> str | None:
    first, last = (shown(record[key], "date") for key in ("start", "end"))
    return f"{first[:4]}{_DOTS}{last[:4]}" if len(first) >= 4 and len(last) >= 4 else None


def _over_time(results: IndustryResults) -> list[Block]:
    """RankIC of every factor, summed up; the composite and the published factors are shown at first."""
    frame = results.ic.dropna(subset=["date"])
    names = [name for name in frame["factor"].dropna().unique() if (frame["factor"] == name).any()]
    if not names:
        return []
    dates = pd.Series(sorted(frame["date"].unique()))
    lines = []
    for name in names:
        values = on_dates(frame[frame["factor"] == name], "rank_ic", dates)
        hidden = name not in published.INDUSTRY
        lines.append(
            Line(
                industry_factor_label(name),
                industry_factor_colour(name),
                running_sum(values),
                hidden=hidden,
                width=_width(name),
            )
        )
    spec = over_time(dates, [Panel("sum of RankIC", "num1", lines, digits=3, zero=True)])
    return [Figure("industry-ic", "Cumulative RankIC of the industry factors (choose in the legend)", spec, 360)]


def _width(name: str) -> float:
    return 2.4 if name == MAIN else 1.8


def _quintiles(results: IndustryResults) -> list[Block]:
    """NAV of the quintiles over that of all industries: of the composite, and of the others behind a click."""
    frame = results.quintiles.dropna(subset=["date"])
    figures = {
        str(name): figure
        for name in frame["factor"].dropna().unique()
        if (figure := _quintile_figure(str(name), frame[frame["factor"] == name])) is not None
    }
    blocks: list[Block] = [figures.pop(MAIN)] if MAIN in figures else []
    if figures:
        blocks.append(Group("Quintiles of every factor", tuple(figures.values())))
    return blocks


def _quintile_figure(name: str, rows: pd.DataFrame) -> Figure | None:
    dates = pd.Series(sorted(rows["date"].unique()))
    lines = []
    for quintile in range(1, 6):
        mine = rows[floats(rows["quintile"]) == quintile]
        if mine.empty:
            continue
        growth = (1.0 + on_dates(mine, "return", dates)) / (1.0 + on_dates(mine, "all", dates))
        path: Floats = np.cumprod(np.where(np.isfinite(growth), growth, 1.0), dtype=np.float64)
        title = f"Q{quintile}" + {1: " (worst)", 5: " (best)"}.get(quintile, "")
        lines.append(Line(title, f"layer{2 * quintile}", path, width=2.2 if quintile in (1, 5) else 1.4))
    if not lines:
        return None
    spec = over_time(dates, [Panel("NAV over all industries", "num2", lines)])
    title = f"{industry_factor_label(name)}: NAV of the quintiles over that of all industries, by month of the signal"
    return Figure(f"industry-quintiles-{name.replace('_', '-')}", title, spec, 300)


def _side_by_side(results: IndustryResults) -> list[Block]:
    """Rotations among the industries on the AI score, the composite and the mix."""
    names = [name for name in ROTATIONS if name in results.rotations]
    if not names:
        return [Note(("No rotation on these scores: the mix was not made in this run.",), "absent")]
    frames = {name: results.rotations[name].nav.dropna(subset=["date"]) for name in names}
    dates = pd.Series(sorted({date for frame in frames.values() for date in frame["date"]}))
    lines = [
        Line(SCORES[name], _COLOURS[name], on_dates(frames[name], "relative", dates), width=2.2)
        for name in names
        if len(frames[name])
    ]
    blocks: list[Block] = []
    if lines:
        title = "Rotation among the industries: relative NAV on the AI score, the composite and the mix"
        blocks.append(Figure("industry-rotation", title, over_time(dates, [Panel("relative NAV", "num2", lines)]), 320))
    return [*blocks, _metrics(results, names)]


def _metrics(results: IndustryResults, names: Sequence[str]) -> Table:
    rows: list[dict[str, Any]] = []
    for key, title, kind in _FIGURES:
        found = {name: number(results.rotations[name].metrics.get(key)) for name in names}
        rows.append({"metric": title, "kind": kind, **found})
        if key == "annual_excess":
            for end, words in (("low", "low end"), ("high", "high end")):
                ends = {name: number(part(results.rotations[name].interval, key).get(end)) for name in names}
                rows.append({"metric": f"Annual excess: {words} of the interval", "kind": "pct", **ends})
    columns = (Column("metric", "Figure"), *(Column(name, SCORES[name], "by_row") for name in names))
    params = results.rotations[names[0]].params
    caption = (
        f"Same rules for all three: {params.get('schedule', 'weekly')}, the best {params.get('top_k', '')} industries, "
        f"trades at the {params.get('execute', '')} of the session after; excess over "
        f"{params.get('benchmark_kind', '')}."
    )
    return Table("industry-rotations", columns, tuple(rows), caption, strong=(1,))
