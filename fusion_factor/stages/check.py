"""`check`: is the data what it says; findings, counts, dated exclusions from the universe, and a page."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.quality import CHECKS, CheckSettings, QualitySettings, inspect
from fusion_factor.report.quality import render_quality
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Outcome, Stage, Workspace

SHOWN = 3


def check(settings: Settings) -> QualitySettings:
    """The typed settings of the checks. Raises ConfigError for a check that is none, or another universe's min_listed
    than the features'."""
    quality = quality_settings(settings.raw["quality"])
    listed = settings.raw["features"]["min_listed"]
    if quality.min_listed != listed:
        raise ConfigError(f"quality.min_listed: {quality.min_listed}, must be features.min_listed, {listed}")
    return quality


def quality_settings(node: Mapping[str, Any]) -> QualitySettings:
    """The node `quality` as typed values, the settings of each check among them."""
    checks = {name: typed(CheckSettings, values) for name, values in node["checks"].items()}
    quality = replace(typed(QualitySettings, {**node, "checks": {}}), checks=checks)
    quality.resolved(CHECKS)
    return quality


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Look at the whole market; write findings, summary, exclusions and the page."""
    seen = inspect(market_of(settings, workspace), check(settings), progress=True)
    seen.findings.to_csv(folder / "findings.csv", index=False, date_format="%Y-%m-%d")
    write_file(folder / "summary.json", json.dumps(seen.summary, indent=1, ensure_ascii=False) + "\n")
    table = pa.Table.from_pandas(seen.exclusions, preserve_index=False)
    dates = [pa.field(f.name, pa.date32() if pa.types.is_timestamp(f.type) else f.type) for f in table.schema]
    pq.write_table(table.cast(pa.schema(dates)), folder / "exclusions.parquet", compression="zstd")
    render_quality(
        folder, folder / "report.html", title=f"Data quality: {settings.raw['data'].get('name', 'simulated')}"
    )
    counted = {row["check"]: row["found"] for row in seen.summary["checks"] if row["found"]}
    return Outcome(rows={"findings": len(seen.findings), "exclusions": len(seen.exclusions)}, warnings=counted)


def refuse_errors(workspace: Workspace) -> None:
    """Raises DataError, one line, where checks of severity `error` found more than they allow."""
    folder = workspace.folder("quality")
    summary = json.loads((folder / "summary.json").read_text())
    if not summary["above"]:
        return
    rows = {row["check"]: row for row in summary["checks"]}
    told = []
    for name in summary["above"][:SHOWN]:
        if name == "market":
            told.append(summary["refused"])
            continue
        row = rows[name]
        told.append(
            f"{name} ({row['says']}) {row['found']} found, {row['share']:.3%} of {row['looked_at']}, "
            f"allowed {row['allowed']:.3%}, the first on {row['first']}"
        )
    more = len(summary["above"]) - SHOWN
    rest = f"; and {more} more" if more > 0 else ""
    raise DataError(f"data quality: {'; '.join(told)}{rest}; see {folder / 'report.html'} and conf/quality")


STAGE = Stage(
    name="check",
    purpose="looking for flaws in the data",
    artifact="quality",
    needs=("market",),
    config=("quality", "data"),
    rooms=("core", "market", "features", "quality", "report/quality.py", "stages/markets.py"),
    check=check,
    work=work,
    content=("findings.csv", "summary.json", "exclusions.parquet"),
)
