"""The page of the data-quality artifact: what was checked, what was found where, who is not in the universe and why."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.report.blocks import Block, Column, Group, Note, Section, Table, Tile, Tiles
from fusion_factor.report.page import write_page

SHOWN = 200


def render_quality(folder: str | Path, out: str | Path, title: str = "Data quality") -> None:
    """Write the page of the artifact `folder` (findings.csv, summary.json) to the file `out`.

    Self-contained, without charts; the first 200 findings of each check are on it. Raises DataError for a folder
    without these files.
    """
    place = Path(folder)
    if not (place / "summary.json").is_file() or not (place / "findings.csv").is_file():
        raise DataError(f"{place}: summary.json and findings.csv are not there")
    summary = json.loads((place / "summary.json").read_text())
    findings = pd.read_csv(place / "findings.csv", dtype={"symbol": str, "session": str, "detail": str})
    sections = [_overview(summary), _found(summary, findings), _universe(summary), _known(summary)]
    subtitle = (
        f"{summary['symbols']:,} stocks, {summary['sessions']:,} sessions, {summary['first']} to {summary['last']}"
    )
    write_page([part for part in sections if part.blocks], out, title, subtitle)


def _overview(summary: dict[str, Any]) -> Section:
    above = summary["above"]
    verdict = (
        Note((f"Above what is allowed: {', '.join(above)}.",), "caution")
        if above
        else Note(("No check of severity error found more than it allows.",))
    )
    refused = [Note((summary["refused"],), "caution", "The market is refused")] if summary["refused"] else []
    tiles = Tiles(
        (
            Tile("Rows", summary["rows"], "int", f"{summary['bar_sessions']:,} sessions with intraday bars"),
            Tile("Errors", summary["errors"], "int", f"{len(above)} checks above what is allowed"),
            Tile("Warnings", summary["warnings"], "int", "counted, they stop nothing"),
        )
    )
    columns = (
        Column("check", "Check"),
        Column("says", "A finding is", "long"),
        Column("severity", "Severity"),
        Column("found", "Found", "int"),
        Column("share", "Share of cells", "pct3", "concerned cells among those looked at"),
        Column("allowed", "Allowed", "pct3"),
        Column("symbols", "Stocks", "int"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
        Column("mark", "", "mark"),
    )
    rows = [{**row, "mark": _mark(row)} for row in summary["checks"]]
    strong = tuple(i for i, row in enumerate(rows) if row["above"])
    table = Table("checks", columns, tuple(rows), strong=strong)
    explain = "Each check looks at every stock and session that it can be made for."
    return Section("checks", "What was found", "Checks", explain, (tiles, *refused, verdict, table))


def _mark(row: dict[str, Any]) -> str:
    if row["skipped"]:
        return f"not made: {row['skipped']}"
    return "above what is allowed" if row["above"] else ""


def _found(summary: dict[str, Any], findings: pd.DataFrame) -> Section:
    groups: list[Block] = []
    for row in summary["checks"]:
        if row["found"]:
            mine = findings[findings["check"] == row["check"]]
            answer = f"{row['found']:,} found, {row['symbols']:,} stocks"
            groups.append(Group(f"{row['check']}: {row['says']}", (_by_year(row), _listed(row, mine)), answer))
    explain = f"By year, and the first {SHOWN} of each check; findings.csv lists more, summary.json counts all."
    return Section("findings", "Where", "Findings", explain, groups)


def _by_year(row: dict[str, Any]) -> Table:
    columns = (Column("year", "Year", "text"), Column("count", "Found", "int"))
    rows = tuple({"year": year, "count": count} for year, count in row["by_year"].items())
    return Table(f"years-{row['check']}", columns, rows)


def _listed(row: dict[str, Any], findings: pd.DataFrame) -> Table:
    unit = f" ({row['unit']})" if row["unit"] else ""
    columns = (
        Column("session", "Session", "date"),
        Column("symbol", "Symbol"),
        Column("value", f"Value{unit}", "num3"),
        Column("limit", "Limit", "num3"),
        *((Column("detail", "Where", "long"),) if findings["detail"].notna().any() else ()),
    )
    rows = tuple({str(key): value for key, value in each.items()} for each in findings.head(SHOWN).to_dict("records"))
    return Table(f"found-{row['check']}", columns, rows)


def _universe(summary: dict[str, Any]) -> Section:
    columns = (
        Column("reason", "Reason"),
        Column("says", "Stock is", "long"),
        Column("spells", "Spells", "int"),
        Column("sessions", "Stock-sessions", "int"),
        Column("symbols", "Stocks", "int"),
    )
    table = Table("excluded", columns, tuple(summary["excluded"]))
    explain = "Every exclusion with its dates is a row of exclusions.parquet; several reasons may hold at once."
    blocks = (table,) if any(row["spells"] for row in summary["excluded"]) else ()
    return Section("universe", "Who is not in the universe, and why", "Universe", explain, blocks)


def _known(summary: dict[str, Any]) -> Section:
    blocks = (Note(tuple(summary["notes"])),) if summary["notes"] else ()
    return Section("notes", "What else is known of this data", "Notes", "Told before any work starts.", blocks)
