"""`report`: one self-contained HTML page of everything that was found."""

from pathlib import Path

from fusion_factor.report import load, render
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace

_READS = ("features", "train", "scores", "evaluate", "rotate", "industry")


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Draw the artifacts of this run."""
    folders = {name: workspace.folder(name) for name in (*_READS, "market") if workspace.has(name)}
    render(load(folders), folder / "report.html", title=f"Fusion Factor: {settings.raw['name']}")
    return Outcome(rows={"bytes": (folder / "report.html").stat().st_size})


STAGE = Stage(
    name="report",
    purpose="drawing report.html",
    artifact="report",
    needs=("scores", "evaluate", "rotate", "industry"),
    config=("name",),
    rooms=("report",),
    check=lambda settings: None,
    work=work,
)
