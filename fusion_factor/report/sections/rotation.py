"""The section that sets all rotations side by side."""

from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, over_time
from fusion_factor.report.labels import STRATEGIES, ordered, strategy_colour, strategy_label
from fusion_factor.report.numbers import number
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import on_dates

_FIGURES = (
    ("annual_return", "Annual return", "pct", "growth a year, 252 sessions"),
    ("annual_excess", "Annual excess", "pct", "growth of the relative NAV a year"),
    ("excess_max_drawdown", "Excess max drawdown", "pct", "largest fall of the relative NAV from its peak"),
    ("excess_sharpe", "Excess Sharpe", "num2", "annual excess / volatility of daily excess returns"),
    ("annual_volatility", "Volatility", "pct", "of daily returns, a year"),
    ("sharpe", "Sharpe (annual return / volatility)", "num2", "the published reading"),
    ("sharpe_mean", "Sharpe (mean / std of daily returns)", "num2", "the reading of most libraries, risk-free rate 0"),
    ("max_drawdown", "Max drawdown", "pct", "largest fall of the NAV from its peak"),
    ("calmar", "Calmar", "num2", "annual return / max drawdown"),
    ("ytd_return", "Return this year", "pct", "since the last session of the year before"),
    ("ytd_excess", "Excess this year", "pct", "since the last session of the year before"),
    ("win_rate", "Periods won", "pct1", "share of holding periods in which the relative NAV rises"),
    ("mean_turnover", "Turnover a trade", "pct1", "mean of buys and sells at each execution, one-sided"),
    ("annual_cost", "Cost a year", "pct", "costs paid, as a share of value"),
)
_DOUBTS = (
    ("interval", "low", "Annual excess: low end of the interval", "pct", "block bootstrap over sessions"),
    ("interval", "high", "Annual excess: high end of the interval", "pct", "where zero lies inside, it may be luck"),
    ("trials", "count", "Variants tried", "int", "the more were tried, the better the best looks by luck alone"),
    (
        "trials",
        "overfitting_probability",
        "Probability of overfitting",
        "pct0",
        "the best of one half is not above the median in the other; 50%: no skill",
    ),
)
_MORE = (
    ("total_return", "Total return", "pct"),
    ("total_excess", "Total excess", "pct"),
    ("excess_volatility", "Excess volatility", "pct"),
    ("drawdown_peak", "Drawdown from", "date"),
    ("drawdown_trough", "Drawdown to", "date"),
    ("drawdown_recovery", "Recovered", "date"),
    ("signals", "Signals", "int"),
    ("executions", "Executions", "int"),
    ("kept", "Kept without a trade", "int"),
    ("pending", "Pending", "int"),
    ("codes_without_price", "Codes without a price", "int"),
    ("codes_without_members", "Codes without members", "int"),
)


def strategies(data: ReportData) -> Section:
    """Relative NAV of all strategies in one chart, and their metrics side by side."""
    explain = (
        "Each strategy ranks the indices of its pool by the fused score of their members once a week, holds "
        "the best at equal weight, and trades at the next session, after costs. "
        "Relative NAV is NAV divided by the benchmark's: it rises when the strategy beats its own pool. Every "
        "excess figure is measured on it."
    )
    names = ordered(data.strategies, STRATEGIES)
    if not names:
        note = Note(("No rotation was run (the folder rotate holds no strategy).",), "absent")
        return Section("rotation", "Rotation strategies", "Rotations", explain, [note])
    blocks: list[Block] = []
    drawn = [name for name in names if len(data.strategies[name].nav)]
    if drawn:
        blocks.append(_together(data, drawn))
    blocks += [_metrics(data, names), _more_metrics(data, names)]
    return Section("rotation", "Rotation strategies", "Rotations", explain, blocks)


def _together(data: ReportData, names: list[str]) -> Figure:
    frames = {name: data.strategies[name].nav for name in names}
    dates = pd.Series(sorted({date for frame in frames.values() for date in frame["date"].dropna()}))
    lines = []
    for name in names:
        values = on_dates(frames[name], "relative", dates)
        lines.append(Line(strategy_label(name), strategy_colour(name), values, width=2.2))
    spec = over_time(dates, [Panel("relative NAV", "num2", lines)])
    return Figure("rotation-relative", "Relative NAV of the strategies (1 = each one's start)", spec, 320)


def _metrics(data: ReportData, names: list[str]) -> Table:
    """Metrics as rows, strategies as columns: three columns fit a phone."""
    rows: list[dict[str, Any]] = []
    for key, title, kind, hint in _FIGURES:
        row: dict[str, Any] = {"metric": title, "meaning": hint, "kind": kind}
        rows.append(row | {name: number(data.strategies[name].metrics.get(key)) for name in names})
        rows += _doubts(data, names, "interval") if key == "annual_excess" else []
    rows += _doubts(data, names, "trials")
    columns = (*_metric_columns(names), Column("meaning", "What it is", "soft"))
    return Table("rotation-metrics", columns, tuple(rows), strong=(1,))


def _doubts(data: ReportData, names: list[str], piece: str) -> list[dict[str, Any]]:
    """Rows on how sure the excess is; none where no strategy has them."""
    rows: list[dict[str, Any]] = []
    for where, key, title, kind, hint in _DOUBTS:
        if where != piece:
            continue
        given = {name: getattr(data.strategies[name], piece) for name in names}
        found = {
            name: number((part(of, "annual_excess") if piece == "interval" else of).get(key))
            for name, of in given.items()
        }
        if any(value is not None for value in found.values()):
            rows.append({"metric": title, "meaning": hint, "kind": kind, **found})
    return rows


def _metric_columns(names: list[str]) -> list[Column]:
    return [Column("metric", "Figure"), *(Column(name, strategy_label(name), "by_row") for name in names)]


def _more_metrics(data: ReportData, names: list[str]) -> Table:
    rows: list[dict[str, Any]] = []
    for key, title, kind in _MORE:
        values = {name: data.strategies[name].metrics.get(key) for name in names}
        shown_values = values if kind == "date" else {name: number(value) for name, value in values.items()}
        rows.append({"metric": title, "kind": kind, **shown_values})
    return Table(
        "rotation-more", tuple(_metric_columns(names)), tuple(rows), folded="More figures, counts, drawdown dates"
    )
