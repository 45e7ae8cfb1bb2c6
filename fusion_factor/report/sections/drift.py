"""Live against backtest: every check with its limits, and what moved in each factor."""

from collections.abc import Mapping
from typing import Any

from fusion_factor.report.blocks import Block, Column, Note, Section, Table
from fusion_factor.report.numbers import number

TITLE = "Drift of the live scores"


def drift(content: Mapping[str, Any]) -> Section:
    """The section of `live/drift.json`."""
    explain = (
        "The scores of live days and their inputs against the backtest and the sessions that the weights were fitted "
        "on. PSI is the population stability index: 0 for the same distribution. Dispersion is the spread of the raw "
        "predictions over that of the same weights in the run."
    )
    crossed = content.get("crossed") or 0
    first, last, sessions = (content.get(name) for name in ("first", "date", "sessions"))
    words = f"{sessions} live sessions, {first} to {last}: "
    words += f"{crossed} limits are crossed." if crossed else "no limit is crossed."
    blocks: list[Block] = [Note((words,), "caution" if crossed else "plain"), _checks(content), _factors(content)]
    return Section("drift", TITLE, "Drift", explain, blocks)


def _checks(content: Mapping[str, Any]) -> Table:
    columns = (
        Column("name", "What"),
        Column("value", "Value", "num3"),
        Column("low", "At least", "num3"),
        Column("high", "At most", "num3"),
        Column("state", "", "mark"),
        Column("words", "Of what"),
    )
    rows = []
    for each in content.get("checks") or []:
        state = "crossed" if each.get("crossed") else "not known" if each.get("value") is None else "ok"
        figures = {key: number(each.get(key)) for key in ("value", "low", "high")}
        rows.append({"name": each.get("name"), "state": state, "words": each.get("words"), **figures})
    return Table("drift-checks", columns, tuple(rows))


def _factors(content: Mapping[str, Any]) -> Table:
    columns = (
        Column("factor", "Factor"),
        Column("psi", "PSI", "num3"),
        Column("missing_now", "Missing live", "pct1"),
        Column("missing_then", "Missing in training", "pct1"),
    )
    given = sorted(content.get("factors") or [], key=lambda row: -(row.get("psi") or 0.0))
    rows = tuple({**row, **{key: number(row.get(key)) for key in list(row) if key != "factor"}} for row in given)
    return Table("drift-factors", columns, rows, "Each factor against the training span", sortable=True)
