"""The last two sections: published figures beside ours, and what to keep in mind."""

from collections.abc import Mapping
from typing import Any

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Note, Section, Table
from fusion_factor.report.data import ReportData
from fusion_factor.report.labels import score_colour, score_label, strategy_colour, strategy_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.sections.facts import simulated, summary_row


def beside_published(data: ReportData) -> Section:
    """Ours and published, each pair of rows clearly marked."""
    explain = (
        "What the original reports printed, beside the same figures of this run. Published rows are from real "
        "A-shares with data, stocks and dates that are not ours: "
        "compare orders of magnitude and rankings (fused above LF above HF above equal weights), not digits."
    )
    blocks = [block for block in (_scores(data), _rotations(data), _implied(data)) if block is not None]
    if not blocks:
        blocks = [Note(("Nothing in this run has a published counterpart.",), "absent")]
    return Section("published", "Published figures beside ours", "Published", explain, blocks)


def _scores(data: ReportData) -> Block | None:
    rows: list[dict[str, Any]] = []
    colours: list[str] = []
    keys = ("rank_ic", "rank_ic_std", "icir", "positive", "top_excess_annual", "top_month_hit", "top_turnover")
    for name, paper in published.SCORES.items():
        ours = summary_row(data, name)
        if ours is None:
            continue
        rows.append({"score": score_label(name), "source": "this run"} | {key: number(ours.get(key)) for key in keys})
        rows.append(
            {"score": score_label(name), "source": "published, real A-shares"}
            | {key: getattr(paper, key) for key in keys}
        )
        colours += [score_colour(name), ""]
    if not rows:
        return None
    columns = (
        Column("score", "Score"),
        Column("source", "Whose"),
        Column("rank_ic", "RankIC", "pct"),
        Column("rank_ic_std", "Std", "pct"),
        Column("icir", "ICIR", "num2"),
        Column("positive", "> 0", "pct1"),
        Column("top_excess_annual", "Top excess p.a.", "pct"),
        Column("top_month_hit", "Month hit", "pct1"),
        Column("top_turnover", "Top turnover", "pct1", "one-sided; the published two-sided figure is halved"),
    )
    caption = f"Scores. Published: {published.MODEL_SOURCE}."
    return Table(
        "published-scores", columns, tuple(rows), caption, colours=tuple(colours), strong=tuple(range(0, len(rows), 2))
    )


def _rotations(data: ReportData) -> Block | None:
    rows: list[dict[str, Any]] = []
    colours: list[str] = []
    keys = ("annual_return", "annual_excess", "excess_max_drawdown", "excess_sharpe")
    for name, paper in published.ROTATIONS.items():
        strategy = data.strategies.get(name)
        if strategy is None:
            continue
        label = strategy_label(name)
        rows.append(
            {"strategy": label, "source": "this run"} | {key: number(strategy.metrics.get(key)) for key in keys}
        )
        rows.append(
            {"strategy": label, "source": "published, real indices"} | {key: getattr(paper, key) for key in keys}
        )
        colours += [strategy_colour(name), ""]
    if not rows:
        return None
    columns = (
        Column("strategy", "Strategy"),
        Column("source", "Whose"),
        Column("annual_return", "Annual return", "pct"),
        Column("annual_excess", "Annual excess", "pct"),
        Column("excess_max_drawdown", "Excess max drawdown", "pct"),
        Column("excess_sharpe", "Excess Sharpe", "num2", "published from weekly returns, ours from daily ones"),
    )
    caption = f"Rotations. Published: {published.ROTATION_SOURCE}; their Sharpe is of the excess, from weekly returns."
    return Table(
        "published-rotations",
        columns,
        tuple(rows),
        caption,
        colours=tuple(colours),
        strong=tuple(range(0, len(rows), 2)),
    )


def _implied(data: ReportData) -> Block | None:
    """What the pool itself returned: ours beside the published ones, by the date of the publication."""
    names = [name for name in published.IMPLIED if name in data.strategies and data.strategies[name].implied]
    if not names:
        return None
    rows: list[dict[str, Any]] = []
    for name in names:
        given = data.strategies[name].implied
        span = f"this run, {shown(given.get('start'), 'date')} to {shown(given.get('end'), 'date')}"
        row = next((row for row in rows if row["source"] == span), None)
        if row is None:
            rows.append(row := {"source": span})
        row[name] = number(given.get("benchmark_annual"))
    own = len(rows)
    for day in sorted({day for name in names for day, _ in published.IMPLIED[name]}):
        rows.append({"source": f"published, as of {day}"} | {n: dict(published.IMPLIED[n]).get(day) for n in names})
    columns = (Column("source", "Whose"), *(Column(name, strategy_label(name), "pct") for name in names))
    caption = (
        "Implied annual return of the equal-weighted pool: (1 + annual return) / (1 + annual excess) − 1. "
        f"Published: {published.IMPLIED_SOURCE}. They should be close where pool and dates are the same; "
    )
    caption += "here the pool is simulated, and they need not be." if simulated(data) else "ours may differ in both."
    return Table("published-implied", columns, tuple(rows), caption, strong=tuple(range(own)))


def caveats(data: ReportData) -> Section:
    """What these figures do not say, what is missing, and every warning that a stage counted."""
    explain = "Read these before believing a figure."
    lines = [
        (
            "RankIC and layers start at the close of T+1, a price that nobody can be sure to get, and pay no "
            "costs: they judge the score, not a portfolio."
        ),
        (
            "Names that are halted or at the upper limit on the next session are left out of every test of a score, as "
            "the published tests do; coverage is counted after that. Names without a price at T+6 have no label."
        ),
        "Layers are equal-weighted over all names and cannot be held by large money; turnover there is not charged.",
        (
            "The rotations trade indices at open or close with a cost rate, without slippage, market impact "
            "or a tracking error of the funds that follow them."
        ),
        (
            "Whiskers and t values assume that dates are nearly independent; they say nothing about the "
            "choices made before (networks, factors, parameters)."
        ),
        (
            "Two Sharpe ratios are shown: annual return / volatility (as the reports print it) and mean / "
            "standard deviation of daily returns (as libraries print it). They differ when returns are "
            "volatile."
        ),
        (
            "A pool fixed today and applied to the past has survived: its past figures are too good. Notes on "
            "pools stand at the strategies."
        ),
    ]
    kinds = {str(strategy.params.get("benchmark_kind", "pool_mean")) for strategy in data.strategies.values()}
    if "pool_mean" in kinds:
        lines.append(
            "The benchmark pool_mean rebalances every day for nothing: a measuring stick, not something to invest in."
        )
    if simulated(data):
        lines.insert(
            0,
            "The market is simulated, with a signal planted in it. Figures on it are no forecast for any real market.",
        )
    blocks: list[Block] = [Note(tuple(lines))]
    if data.problems:
        missing = tuple(f"{path}: {reason}" for path, reason in sorted(data.problems.items()))
        blocks.append(Note(missing, "absent", "Pieces that are not on this page"))
    warnings = [
        f"{name}: {text}" for name, manifest in data.manifests.items() for text in _warnings(manifest.get("warnings"))
    ]
    if warnings:
        blocks.append(Note(tuple(warnings), "caution", "Warnings counted by the stages"))
    return Section("caveats", "Caveats", "Caveats", explain, blocks)


def _warnings(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {count}" for key, count in value.items() if count]
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    return [str(value)] if value else []
