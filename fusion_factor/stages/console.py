"""What a finished command prints on stdout: the figures one looks at first, and where the page lies."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.stages.stage import Workspace

_PERCENT = {
    "rank_ic", "positive", "share_of_oracle", "annual_return", "annual_excess", "excess_max_drawdown", "ytd",
    "rank_ic_low", "rank_ic_high", "q1", "q5", "accuracy", "majority", "annual_volatility", "max_drawdown",
}  # fmt: skip
_COUNTS = {"count", "names", "rows", "found", "symbols"}
_SCORES = ("score", "rank_ic", "icir", "positive", "nw_t", "count", "names", "share_of_oracle")
_INDUSTRY = ("factor", "source", "rank_ic", "rank_ic_low", "rank_ic_high", "icir", "positive", "q1", "q5", "count")
_HEADS = {
    "rank_ic": "RankIC",
    "rank_ic_low": "from",
    "rank_ic_high": "to",
    "icir": "ICIR",
    "positive": "IC>0",
    "nw_t": "t (NW)",
    "count": "dates",
    "share_of_oracle": "of oracle",
    "annual_return": "annual",
    "annual_excess": "excess",
    "excess_max_drawdown": "excess drawdown",
    "excess_sharpe": "excess Sharpe",
    "ytd": "year to date",
    "rows": "events",
    "auc": "AUC",
    "direction_auc": "AUC of direction",
    "tone_found": "tone found",
    "annual_volatility": "volatility",
    "max_drawdown": "drawdown",
    "sharpe": "Sharpe",
    "calmar": "Calmar",
}


def result_table(workspace: Workspace) -> str:
    """Scores, strategies and the path of the page, as far as they are there."""
    parts = []
    if workspace.has("evaluate"):
        parts += _score_tables(workspace.folder("evaluate") / "summary.csv")
    if workspace.has("rotate"):
        parts.append(_strategy_table(workspace.folder("rotate")))
    if workspace.has("industry"):
        parts += _industry_table(workspace.folder("industry") / "table.csv")
    if workspace.has("text"):
        parts.append(_text_table(workspace.folder("text")))
    if workspace.has("text_portfolio"):
        parts.append(_portfolio_table(workspace.folder("text_portfolio")))
    if workspace.has("report"):
        parts.append(f"report: {workspace.folder('report') / 'report.html'}")
    return "\n\n".join(parts)


def quality_table(workspace: Workspace) -> str:
    """The checks that found something, and the path of their page."""
    folder = workspace.folder("quality")
    summary = json.loads((folder / "summary.json").read_text())
    found = [row for row in summary["checks"] if row["found"]]
    rows = [{**row, "of": row["share"], "": "above what is allowed" if row["above"] else ""} for row in found]
    columns = ("check", "severity", "found", "of", "allowed", "symbols", "first", "last", "")
    size = f"{summary['rows']} rows of {summary['symbols']} stocks, {summary['sessions']} sessions"
    return f"data quality of {size}\n{_table(rows, columns)}\n\nreport: {folder / 'report.html'}"


def _score_tables(path: Path) -> list[str]:
    summary = pd.read_csv(path)
    tables = []
    for label, rows in summary.groupby("label", sort=False):
        learnt = " that the networks learn" if label == "trained" else ""
        title = f"scores against the return {rows['target'].iloc[0]}{learnt}, {rows['rhythm'].iloc[0]}"
        columns = [name for name in _SCORES if name in rows and rows[name].notna().any()]
        tables.append(f"{title}\n{_table(_records(rows[columns]), columns)}")
    return tables


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _strategy_table(folder: Path) -> str:
    rows = []
    for path in sorted(folder.glob("*/metrics.json")):
        metrics = json.loads(path.read_text())
        metrics["ytd"] = metrics["ytd_return"]
        rows.append({"strategy": path.parent.name, "from": metrics["base"], "to": metrics["end"], **metrics})
    columns = [
        "strategy",
        "from",
        "to",
        "annual_return",
        "annual_excess",
        "excess_max_drawdown",
        "excess_sharpe",
        "ytd",
    ]
    return f"rotations (excess: over the pool's own equal weight)\n{_table(rows, columns)}"


def _industry_table(path: Path) -> list[str]:
    """The composites and the factors with a published counterpart; nothing where the stage left everything out."""
    if not path.is_file():
        return []
    table = pd.read_csv(path)
    paired = set(table.loc[table["source"] == "published", "factor"])
    rows = table[table["factor"].isin(paired) | table["factor"].str.startswith("composite")]
    title = "industry factors, month to month (Q1, Q5: worst and best fifth over all industries, a year)"
    return [f"{title}\n{_table(_records(rows), _INDUSTRY)}"]


def _text_table(folder: Path) -> str:
    """Each classifier of the text factor, out of sample."""
    told = json.loads((folder / "judgement.json").read_text())
    rows = [{"inputs": name, **figures} for name, figures in told["judged"].items()]
    columns = ["inputs", "rows", "auc", "accuracy", "majority", "direction_auc", "tone_found"]
    known = [name for name in columns if any(row.get(name) is not None for row in rows)]
    title = f"text: {told['events']} events of {told['reports']} reports, scored {told['first']} to {told['last']}"
    return f"{title}\n{_table(rows, known)}"


def _portfolio_table(folder: Path) -> str:
    """The portfolio of the text factor beside the published one (METHOD 6.5)."""
    from fusion_factor.report.published import TEXT_PORTFOLIOS

    ours = json.loads((folder / "metrics.json").read_text())
    rank_ic = json.loads((folder / "factor" / "metrics.json").read_text())["rank_ic"]
    rows = [{"portfolio": f"this run, {ours['base']} to {ours['end']}", **ours}]
    rows += [{"portfolio": f"published: {name}", **figures} for name, figures in TEXT_PORTFOLIOS.items()]
    columns = ["annual_return", "annual_excess", "annual_volatility", "max_drawdown", "sharpe", "calmar"]
    months = f"RankIC of the factor {_cell('rank_ic', rank_ic['mean'])} over {rank_ic['count']} months"
    return f"text portfolio ({months})\n{_table(rows, ['portfolio', *columns])}"


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    cells = [[_HEADS.get(name, name) for name in columns]]
    cells += [[_cell(name, row.get(name)) for name in columns] for row in rows]
    return text_table(cells)


def text_table(cells: Sequence[Sequence[str]]) -> str:
    """Lines of aligned columns, the first to the left, the others to the right."""
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if k == 0 else text.rjust(width)
            for k, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    )


def _cell(name: str, value: Any) -> str:
    if value is None or value != value:
        return "-"
    if isinstance(value, str):
        return value
    if name in _COUNTS:
        return f"{value:.0f}"
    if name in ("of", "allowed"):
        return f"{value:.3%}"
    return f"{value:.2%}" if name in _PERCENT else f"{value:.2f}"
