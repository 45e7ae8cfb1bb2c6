"""Sections on the scores: all of them compared, RankIC over time, ten layers."""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, bars, over_time
from fusion_factor.report.labels import BASELINES, MEANINGS, SCORES, ordered, score_colour, score_label
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reshape import Floats, floats, layer_paths, moving_mean, running_sum, standard_error
from fusion_factor.report.sections.opening import main_score, summary_row

SMOOTHED = 12
HIDDEN_AT_FIRST = ("fused_neutral", "lf_daily", "lf_weekly", "lf_monthly", "lightgbm", "oracle")
_COMPARED = (
    Column("score", "Score"),
    Column("rank_ic", "RankIC", "pct", "mean rank correlation with the return T+1..T+6"),
    Column("two_se", "± 2 s.e.", "pct", "two standard errors of that mean (Newey-West)"),
    Column("rank_ic_std", "Std", "pct", "standard deviation over the dates"),
    Column("icir", "ICIR", "num2", "mean / standard deviation, not annualised"),
    Column("positive", "> 0", "pct1", "share of dates with a positive RankIC"),
    Column("nw_t", "t (NW)", "num2", "mean / Newey-West standard error"),
    Column("ic", "IC", "pct", "the same with Pearson correlation of the values"),
    Column("top_excess_annual", "Top excess p.a.", "pct", "best layer over the mean of all names, a year, no cost"),
    Column("top_month_hit", "Month hit", "pct1", "share of months in which the best layer beats all names"),
    Column("top_turnover", "Top turnover", "pct1", "share of the best layer that is new at each date, one-sided"),
    Column("long_short_mean", "Best − worst", "pct", "best layer less worst layer, mean a date"),
    Column("coverage", "Coverage", "pct1", "names with a score / names with a price"),
    Column("count", "Dates", "int"),
)


def _names(data: ReportData, label: str = "published") -> list[str]:
    frame = data.summary
    return ordered(frame.loc[frame["label"] == label, "score"].astype(str), SCORES) if len(frame) else []


def compared(data: ReportData) -> Section:
    """HF, LF and fused against simple baselines: a chart with whiskers, the table, and the oracle's measure."""
    explain = (
        "Each score is judged on the same dates and stocks: its RankIC with the return of the five sessions T+1..T+6 (bought at the close after the signal, "
        "every five sessions, so that labels do not overlap). Whiskers are two standard errors: scores whose whiskers overlap widely are not clearly different."
    )
    names = _names(data)
    blocks: list[Block] = []
    if not names:
        blocks.append(_absent(data, "There is no comparison of scores", "evaluate/summary.csv"))
        return Section("scores", "Scores compared", "Scores", explain, blocks)
    rows = [_compared_row(data, name) for name in names]
    blocks.append(_whiskers("scores-rankic", "Mean RankIC of each score, T+1..T+6", names, rows))
    table = Table(
        "scores-table", _COMPARED, tuple(rows), sortable=True,
        colours=tuple(score_colour(name) for name in names), strong=_strong(names, main_score(data)),
    )  # fmt: skip
    blocks.append(table)
    meanings = tuple(f"{score_label(name)}: {MEANINGS[name]}" for name in names if name in MEANINGS)
    if meanings:
        blocks.append(Note(meanings, heading="The scores"))
    blocks.append(_missing_scores(names))
    blocks.append(_oracle(data))
    return Section("scores", "Scores compared", "Scores", explain, [block for block in blocks if block is not None])


def _strong(names: list[str], main: str | None) -> tuple[int, ...]:
    return (names.index(main),) if main in names else ()


def _compared_row(data: ReportData, name: str) -> dict[str, Any]:
    row = summary_row(data, name)
    assert row is not None
    error = standard_error(row)
    out: dict[str, Any] = {column.key: number(row.get(column.key)) for column in _COMPARED}
    return out | {"score": score_label(name), "two_se": None if error is None else 2 * error}


def _whiskers(id: str, title: str, names: list[str], rows: list[dict[str, Any]]) -> Figure:
    means = np.array([row["rank_ic"] if row["rank_ic"] is not None else np.nan for row in rows], dtype=float)
    two = np.array([row["two_se"] if row["two_se"] is not None else np.nan for row in rows], dtype=float)
    series = {
        "name": "RankIC",
        "colours": [score_colour(name) for name in names],
        "y": rounded(means, 5),
        "low": rounded(means - two, 5),
        "high": rounded(means + two, 5),
    }
    spec = bars([score_label(name) for name in names], "pct", [series], flat=True)
    return Figure(id, title, spec, height=70 + 30 * len(names))


def _missing_scores(names: list[str]) -> Block | None:
    parts = [name for name in ("fused", "hf", "lf", *BASELINES[:3]) if name not in names]
    if not parts:
        return None
    why = "HF needs intraday bars." if "hf" in parts else "They were not part of this evaluation."
    return Note((f"Not in this run: {', '.join(score_label(name) for name in parts)}. {why}",), "absent")


def _oracle(data: ReportData) -> Block:
    names = _names(data, "oracle")
    if "oracle" not in names:
        text = "No oracle: only a simulated market knows the signal it was made with, so here nobody can say which share of it a score recovers."
        return Note((text,), "absent")
    best = summary_row(data, "oracle", "oracle")
    rows = []
    for name in names:
        row = summary_row(data, name, "oracle")
        if row is not None:
            share = 1.0 if name == "oracle" else number(row["share_of_oracle"])
            rows.append({"score": score_label(name), "rank_ic": number(row["rank_ic"]), "icir": number(row["icir"]), "share": share})
    limit = number(best["rank_ic"]) if best is not None else None
    columns = (
        Column("score", "Score"),
        Column("rank_ic", "RankIC T+1..T+11", "pct"),
        Column("icir", "ICIR", "num2"),
        Column("share", "Share of the oracle", "pct1", "RankIC of the score / RankIC of the oracle"),
    )
    caption = (
        "Against the oracle: the simulated market was built with a known signal, and the oracle is that signal itself, judged on the training label T+1..T+11. "
        f"Its RankIC of {'—' if limit is None else f'{100 * limit:.2f}%'} is the most that any score can reach; the share says how much of it each score recovers."
    )
    return Table("oracle", columns, tuple(rows), caption, colours=tuple(score_colour(name) for name in names))


def _absent(data: ReportData, what: str, path: str) -> Note:
    reason = next((why for name, why in data.problems.items() if name.startswith(path)), "")
    return Note((f"{what}: {path}{': ' + reason if reason else ' holds nothing'}.",), "absent")


def over_dates(data: ReportData) -> Section:
    """RankIC date by date for the main score, smoothed for all, and summed up over time."""
    explain = (
        "Above, the RankIC of every date for the main score (bars) and its mean over the last twelve dates (lines; choose scores in the legend). "
        "Below, RankIC summed up over time: a straight rise is a steady signal, a flat stretch is a time in which the score did not work."
    )
    names = [name for name in ordered(data.scores, SCORES) if len(data.scores[name].ic)]
    title = "RankIC over time"
    if not names:
        return Section("rankic", title, "Over time", explain, [_absent(data, "There is no RankIC by date", "evaluate")])
    dates = pd.Series(sorted({date for name in names for date in data.scores[name].ic["date"].dropna()}))
    values = {name: _aligned(data.scores[name].ic, dates) for name in names}
    main = main_score(data)
    main = main if main in values else names[0]
    each = [Line(f"{score_label(main)}, each date", score_colour(main), values[main], "bar", faint=True)]
    each += [
        Line(score_label(name), score_colour(name), moving_mean(values[name], SMOOTHED), hidden=name != main, width=2.2)
        for name in names
    ]
    sums = [
        Line(score_label(name), score_colour(name), running_sum(values[name]), hidden=name in HIDDEN_AT_FIRST and name != main, dash=_dash(name))
        for name in names
    ]
    blocks: list[Block] = [
        Figure("rankic-dates", f"RankIC by date, and mean of the last {SMOOTHED} dates", over_time(dates, [Panel("RankIC", "pct1", each, zero=True)]), 300),
        Figure("rankic-sum", "Cumulative RankIC", over_time(dates, [Panel("sum of RankIC", "num0", sums, digits=3, zero=True)]), 360),
    ]
    by_year = _by_year(data, names)
    if by_year is not None:
        blocks.append(by_year)
    return Section("rankic", title, "Over time", explain, blocks)


def _dash(name: str) -> str:
    return "dashed" if name in BASELINES else "dotted" if name.startswith("lf_") or name == "oracle" else ""


def _aligned(ic: pd.DataFrame, dates: pd.Series) -> Floats:
    series = pd.Series(floats(ic["rank_ic"]), index=pd.DatetimeIndex(ic["date"]))
    return series[~series.index.duplicated()].reindex(pd.DatetimeIndex(dates)).to_numpy(dtype=np.float64)


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
    return Table("rankic-years", columns, tuple(rows), "RankIC by calendar year.", colours=tuple(score_colour(name) for name in kept))


def layers(data: ReportData) -> Section:
    """Ten layers: annual or mean excess of each, and how each layer's excess compounds."""
    explain = (
        "At each date stocks are sorted by score into ten equal layers, layer 10 the best. A good score shows a staircase from left to right. "
        "Excess is the layer's return less the mean of all names, equal weights, no costs: a test of the score, not a portfolio one could buy."
    )
    names = [name for name in ordered(data.scores, SCORES) if data.scores[name].metrics.get("layer_excess_mean")]
    if not names:
        return Section("layers", "Ten layers", "Layers", explain, [_absent(data, "There are no layers", "evaluate")])
    main = main_score(data)
    main = main if main in names else names[0]
    shown_first = {main, "hf", "lf", "ew27"}
    most = max(len(data.scores[name].metrics["layer_excess_mean"]) for name in names)
    series = [
        {
            "name": score_label(name),
            "colour": score_colour(name),
            "y": rounded(data.scores[name].metrics["layer_excess_mean"], 6),
            "hidden": name not in shown_first,
        }
        for name in names
    ]
    spec = bars([str(layer + 1) for layer in range(most)], "pct2", series, axis="layer (1 = lowest score, 10 = highest)")
    blocks: list[Block] = [Figure("layers-excess", "Mean excess of each layer a holding period", spec, 320, numbers=_layer_table(data, names, most))]
    blocks.append(_layer_growth(data, main))
    return Section("layers", "Ten layers", "Layers", explain, blocks)


def _layer_table(data: ReportData, names: list[str], most: int) -> Table:
    rows = []
    for name in names:
        values = data.scores[name].metrics["layer_excess_mean"]
        rows.append(
            {"score": score_label(name)}
            | {str(layer + 1): number(value) for layer, value in enumerate(values)}
            | {"monotonicity": number(data.scores[name].metrics.get("monotonicity"))}
        )
    columns = (
        Column("score", "Score"),
        *(Column(str(layer + 1), str(layer + 1), "pct") for layer in range(most)),
        Column("monotonicity", "Monotonicity", "num2", "rank correlation of layer number and layer mean: 1 is a perfect staircase"),
    )
    return Table("layers-table", columns, tuple(rows), colours=tuple(score_colour(name) for name in names))


def _layer_growth(data: ReportData, name: str) -> Block:
    score = data.scores[name]
    overlapping = all(value is None for value in score.metrics.get("layer_annual") or [None])
    if overlapping or not len(score.layers):
        return Note(("Growth of the layers is not drawn: their holding periods overlap, or there are no layer returns.",), "absent")
    dates, paths = layer_paths(score.layers)
    last = max(paths)
    lines = [
        Line(f"Layer {layer}", f"layer{round(1 + 9 * (layer - 1) / max(last - 1, 1))}", path, width=2.6 if layer in (1, last) else 1.3)
        for layer, path in sorted(paths.items(), reverse=True)
    ]
    title = f"{score_label(name)}: growth of each layer relative to all names (1 = start)"
    return Figure("layers-growth", title, over_time(dates, [Panel("relative growth", "num2", lines)]), 360)
