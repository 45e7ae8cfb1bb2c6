"""`report`: one self-contained HTML page of everything that was found."""

from pathlib import Path

from fusion_factor.report import load, render
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.stages.text_settings import text_enabled

_TEXT = ("text", "text_portfolio")
_READS = ("features", "train", "text", "scores", "evaluate", "rotate", "industry", "text_portfolio")


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Draw the artifacts of this run."""
    read = [name for name in (*_READS, "market") if name not in _TEXT or text_enabled(settings)]
    folders = {name: workspace.folder(name) for name in read if workspace.has(name)}
    if (workspace.own / "live" / "drift.json").is_file():
        folders["live"] = workspace.own / "live"
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
    needs_by=lambda settings: _TEXT if text_enabled(settings) else (),
)
