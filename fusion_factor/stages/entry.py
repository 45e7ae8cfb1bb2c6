"""Hydra composes; the result becomes typed settings once; the pipeline runs. Only this file starts Hydra."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from fusion_factor.stages.settings import read_settings
from fusion_factor.stages.settings_folder import conf_folder


def hydra_entry(stage: str, words: Sequence[str]) -> None:
    """Run `stage` with Hydra's command line `words` (overrides, -m, --cfg ...)."""
    sys.argv = [f"fusion-factor {stage}", *words]

    @hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
    def job(config: DictConfig) -> None:
        from fusion_factor.pipeline import run_pipeline
        from fusion_factor.stages.stage import Workspace

        settings = read_settings(config)
        hydra_config = HydraConfig.get()
        own = Path(hydra_config.runtime.output_dir) if hydra_config.mode == RunMode.MULTIRUN else None
        logging.captureWarnings(True)
        run_pipeline(stage, settings, Workspace(Path(settings.root), own))

    job()
