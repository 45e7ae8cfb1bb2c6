"""What the section on industry factors draws: the artifact of the stage `industry`. No figure is computed here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.report.reading import Reader, empty_table

TABLE_COLUMNS = (
    "factor", "source", "rank_ic", "rank_ic_low", "rank_ic_high", "rank_ic_std", "icir", "positive", "nw_t", "count",
    "q1", "q1_low", "q1_high", "q5", "q5_low", "q5_high", "month_hit", "start", "end",
)  # fmt: skip
IC_COLUMNS = ("date", "factor", "n", "rank_ic")
QUINTILE_COLUMNS = ("date", "factor", "quintile", "return", "all")
NAV_COLUMNS = ("date", "nav", "benchmark", "relative", "stale")
ROTATIONS = ("ai", "composite", "mix")


@dataclass(frozen=True)
class IndustryRotation:
    """One rotation among the industries: its path, metrics, parameters and intervals."""

    nav: pd.DataFrame = field(default_factory=lambda: empty_table(NAV_COLUMNS))
    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    interval: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IndustryResults:
    """The table as published, RankIC and quintile returns by date and factor, and the rotations.

    `note` says why there is nothing, where the stage left everything out.
    """

    table: pd.DataFrame = field(default_factory=lambda: empty_table(TABLE_COLUMNS))
    ic: pd.DataFrame = field(default_factory=lambda: empty_table(IC_COLUMNS))
    quintiles: pd.DataFrame = field(default_factory=lambda: empty_table(QUINTILE_COLUMNS))
    rotations: Mapping[str, IndustryRotation] = field(default_factory=dict)
    note: str = ""


def industry_results(reader: Reader, folder: Path) -> IndustryResults | None:
    """The artifact `industry`, None where the run has none."""
    if not folder.is_dir():
        return None
    note = folder / "note.txt"
    if note.is_file():
        return IndustryResults(note=note.read_text(encoding="utf-8").strip())
    return IndustryResults(
        reader.table(folder / "table.csv", TABLE_COLUMNS),
        reader.table(folder / "ic.csv", IC_COLUMNS),
        reader.table(folder / "quintiles.csv", QUINTILE_COLUMNS),
        {name: _rotation(reader, folder / "rotation" / name) for name in ROTATIONS if _is_there(folder, name)},
    )


def _is_there(folder: Path, name: str) -> bool:
    return (folder / "rotation" / name / "nav.csv").is_file()


def _rotation(reader: Reader, folder: Path) -> IndustryRotation:
    return IndustryRotation(
        reader.table(folder / "nav.csv", NAV_COLUMNS),
        reader.mapping(folder / "metrics.json"),
        reader.mapping(folder / "params.json"),
        reader.mapping(folder / "interval.json", optional=True),
    )
