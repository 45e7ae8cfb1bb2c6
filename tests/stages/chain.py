"""A tiny market and the stages run on it in this process, for the tests of the whole chain."""

from collections.abc import Sequence
from pathlib import Path

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
