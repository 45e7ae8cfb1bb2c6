"""A tiny market and the stages run on it in this process, for the tests of the whole chain."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from hydra import compose, initialize_config_dir

from fusion_factor.pipeline import STAGES
from fusion_factor.stages.settings import Settings, read_settings
from fusion_factor.stages.settings_folder import conf_folder
from fusion_factor.stages.stage import Workspace, run_stage

TINY = ("debug=tiny", "train.folds.refit_months=1", "train.workers=1", "features.workers=2")


def settings_of(root: Path, *overrides: str) -> Settings:
    """The settings of the tiny market in `root`."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return read_settings(compose("config", [*TINY, f"root={root}", *overrides]))


def run_stages(root: Path, names: Sequence[str], *overrides: str) -> Workspace:
    """Run some stages in order; the workspace that holds their artifacts."""
    settings, workspace = settings_of(root, *overrides), Workspace(root)
    for name in names:
        run_stage(STAGES[name], settings, workspace)
    return workspace


def cut_market(source: Path, target: Path, last: str) -> None:
    """A copy of a market folder as it stood after the close of `last`: no bar, row, spell or end of one dated later."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("bars", "manifest.json"))
    (target / "bars").mkdir()
    for path in (source / "bars").iterdir():
        if path.stem <= last:
            (target / "bars" / path.name).hardlink_to(path)
    day = pd.Timestamp(last)
    for path in [*target.glob("*.parquet"), *target.glob("pools/*/*.parquet")]:
        frame = pd.read_parquet(path)
        for name in {"date", "in_date", "list_date"} & set(frame.columns):
            frame = frame[pd.to_datetime(frame[name]) <= day]
        for name in {"out_date", "delist_date"} & set(frame.columns):
            frame[name] = pd.to_datetime(frame[name]).where(lambda ends: ends <= day)
        frame.reset_index(drop=True).to_parquet(path, index=False)
    manifest = json.loads((source / "manifest.json").read_text())
    (target / "manifest.json").write_text(json.dumps({**manifest, "content": f"cut at {last}"}))
