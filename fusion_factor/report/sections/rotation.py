"""Sections on the rotations: all of them side by side, then one section for each strategy."""

from typing import Any

import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Heat, Note, Section, Table
from fusion_factor.report.data import ReportData, StrategyData
from fusion_factor.report.figures import Line, Panel, over_time
from fusion_factor.report.labels import STRATEGIES, ordered, strategy_colour, strategy_label
from fusion_factor.report.numbers import number
from fusion_factor.report.reshape import below_peak, floats, monthly_changes, on_dates

FULL_HEAT = 0.08
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
    columns = (*_metric_columns(names), Column("meaning", "What it is", "soft"))
    return Table("rotation-metrics", columns, tuple(rows), strong=(1,))


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


def each_strategy(data: ReportData) -> list[Section]:
    """One section a strategy: NAV, relative NAV, drawdowns, months, years."""
    return [_section(data.strategies[name]) for name in ordered(data.strategies, STRATEGIES)]


def _section(strategy: StrategyData) -> Section:
    label = strategy_label(strategy.name)
    benchmark = strategy.params.get("benchmark_kind", "pool_mean")
    explain = (
        f"Top: NAV of the strategy and of its benchmark ({benchmark}). Middle: relative NAV. "
        "Bottom: how far each stands below its highest point so far (drawdown)."
    )
    blocks: list[Block] = []
    if strategy.note:
        blocks.append(Note((strategy.note,), "caution", "About this pool"))
    blocks.append(_nav(strategy) if len(strategy.nav) else Note(("There is no NAV to draw.",), "absent"))
    if len(strategy.nav):
        rows = monthly_changes(strategy.nav["date"], floats(strategy.nav["relative"]))
        caption = (
            "Excess by month: change of the relative NAV from month end to month end (blue above, orange "
            "below the benchmark)."
        )
        blocks.append(Heat(f"months-{strategy.name}", caption, tuple(rows), FULL_HEAT))
    blocks.append(_years(strategy) if len(strategy.years) else Note(("There is no table by year.",), "absent"))
    blocks.append(_recent(strategy))
    return Section(f"strategy-{strategy.name}", label, label.split()[0], explain, blocks)


def _nav(strategy: StrategyData) -> Figure:
    frame = strategy.nav
    nav, benchmark, relative = (floats(frame[name]) for name in ("nav", "benchmark", "relative"))
    falls = below_peak(nav), below_peak(relative)
    colour = strategy_colour(strategy.name)
    label = strategy_label(strategy.name)
    panels = [
        Panel("NAV", "num2", [Line(label, colour, nav, width=2.2), Line("Benchmark", "benchmark", benchmark)], 3),
        Panel("relative", "num2", [Line("Relative NAV", "relative", relative, width=2.0)], 2),
        Panel(
            "drawdown",
            "pct1",
            [
                Line("Drawdown of NAV", colour, falls[0], "area", faint=True, width=1.0),
                Line("Drawdown of relative NAV", "relative", falls[1], "line", width=1.6),
            ],
            2,
            zero=True,
        ),
    ]
    spec = over_time(frame["date"], panels, zoom=True)
    return Figure(f"nav-{strategy.name}", f"{label}: NAV, relative NAV, drawdowns", spec, 600)


def _years(strategy: StrategyData) -> Table:
    keys = ("return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown")
    titles = ("Return", "Benchmark", "Excess", "Max drawdown", "Excess max drawdown")
    columns = (
        Column("year", "Year", "year"),
        *(Column(key, title, "pct") for key, title in zip(keys, titles, strict=True)),
    )
    rows = tuple(
        {"year": number(row["year"])} | {key: number(row[key]) for key in keys} for _, row in strategy.years.iterrows()
    )
    return Table(
        f"years-{strategy.name}", columns, rows, "By calendar year; the first and the last may be part of a year."
    )


def _recent(strategy: StrategyData) -> Table:
    """The last executions: what was traded and paid, and whether anything could not be traded."""
    columns = (
        Column("signal", "Signal", "date"),
        Column("execution", "Execution", "date"),
        Column("status", "Status"),
        Column("buy", "Bought", "pct1"),
        Column("sell", "Sold", "pct1"),
        Column("cost", "Cost", "pct3"),
        Column("frozen", "Not tradable", "int"),
    )
    rows = []
    for _, row in strategy.executions.tail(12).iloc[::-1].iterrows():
        numbers = {key: number(row[key]) for key in ("buy", "sell", "cost", "frozen")}
        dates = {key: row[key] if pd.notna(row[key]) else None for key in ("signal", "execution")}
        rows.append(dates | {"status": row["status"]} | numbers)
    return Table(f"executions-{strategy.name}", columns, tuple(rows), folded="The last twelve executions")
