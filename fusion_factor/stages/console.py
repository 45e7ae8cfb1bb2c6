"""What a finished command prints on stdout: the figures one looks at first, and where the page lies."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.stages.stage import Workspace

_PERCENT = {"rank_ic", "positive", "share_of_oracle", "annual_return", "annual_excess", "excess_max_drawdown", "ytd"}
_COUNTS = {"count", "names", "found", "symbols"}
_SCORES = ("score", "rank_ic", "icir", "positive", "nw_t", "count", "names", "share_of_oracle")
_HEADS = {
    "rank_ic": "RankIC",
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
}


def result_table(workspace: Workspace) -> str:
    """Scores, strategies and the path of the page, as far as they are there."""
    parts = []
    if workspace.has("evaluate"):
        parts += _score_tables(workspace.folder("evaluate") / "summary.csv")
    if workspace.has("rotate"):
        parts.append(_strategy_table(workspace.folder("rotate")))
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


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    cells = [[_HEADS.get(name, name) for name in columns]]
    cells += [[_cell(name, row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[k]) for line in cells) for k in range(len(columns))]
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
