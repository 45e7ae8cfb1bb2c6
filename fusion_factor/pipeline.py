"""Which stage needs which, the order that follows from it, and the checks before anything runs."""

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from fusion_factor.core.errors import ConfigError
from fusion_factor.stages import (
    check,
    evaluate,
    features,
    industry,
    report,
    rotate,
    scores,
    simulate,
    text,
    text_portfolio,
    train,
)
from fusion_factor.stages.console import quality_table, result_table
from fusion_factor.stages.ingest import ingest_command, ingest_settings
from fusion_factor.stages.live_drift import drift_command
from fusion_factor.stages.live_inputs import live_settings
from fusion_factor.stages.live_picks import picks_command
from fusion_factor.stages.live_score import score_command
from fusion_factor.stages.settings import Settings, read_settings
from fusion_factor.stages.settings_folder import conf_folder
from fusion_factor.stages.stage import Stage, Workspace, check_inputs, run_stage

log = logging.getLogger("fusion_factor")

STAGES: dict[str, Stage] = {
    module.STAGE.name: module.STAGE
    for module in (
        *(simulate, check, features, train, text, scores),
        *(evaluate, rotate, industry, text_portfolio, report),
    )
}


def check_settings(settings: Settings) -> None:
    """Build the typed settings of every stage, so that a bad value is refused before anything runs."""
    for stage in STAGES.values():
        if settings.data["kind"] == "simulated" or stage.name != "simulate":
            stage.check(settings)
    live_settings(settings)
    ingest_settings(settings)


DAILY: dict[str, Callable[[Settings, Workspace], None]] = {
    "score": score_command,
    "picks": picks_command,
    "drift": drift_command,
}
"""Commands of one day: they build upon a run's artifacts and make none."""


def run_daily(command: str, settings: Settings, workspace: Workspace) -> None:
    """Run one of the daily commands, which prints what it found."""
    check_settings(settings)
    DAILY[command](settings, workspace)


def run_pipeline(command: str, settings: Settings, workspace: Workspace) -> None:
    """Run one stage, or with `run` all of them in order; prints what the last one has to show on stdout."""
    mapped = settings.data["kind"] != "simulated"
    if command != "run":
        stages = [STAGES[command]]
        if not stages[0].enabled(settings):
            raise ConfigError(f"{command}: is not part of this run (text.enabled is false)")
    else:
        left_out = {"simulate"} if mapped else set()
        left_out |= set() if settings.raw["quality"]["in_run"] else {"check"}
        stages = [each for each in STAGES.values() if each.enabled(settings) and each.name not in left_out]
    check_settings(settings)
    for stage in stages:
        if command != "run":
            check_inputs(stage, settings, workspace, STAGES)
        run_stage(stage, settings, workspace)
        if stage is check.STAGE:
            if command == "check":
                print(quality_table(workspace), flush=True)
            check.refuse_errors(workspace)
    if command in ("run", "report", "evaluate", "rotate", "industry", "text", "text_portfolio"):
        print(result_table(workspace), flush=True)


def run_ingest(settings: Settings) -> None:
    """Take a delivery into a store, which prints what it did."""
    check_settings(settings)
    ingest_command(settings)


def run_sweep(settings: Settings, words: Sequence[str]) -> None:
    """Work off the study that `settings` describe; each trial adds its own overrides to `words`, the command's."""
    from fusion_factor.stages.sweep import sweep_command  # with it comes all of training, which takes seconds to load

    check_settings(settings)
    sweep_command(settings, words, compose_settings, check_settings)


def compose_settings(words: Sequence[str]) -> Settings:
    """The settings that some overrides give, within a command of Hydra's or without."""
    if GlobalHydra.instance().is_initialized():
        return read_settings(compose("config", list(words)))
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return read_settings(compose("config", list(words)))


CHECKED_JOBS = 1000
"""A larger sweep is checked as far as this; composing one job takes some 40 ms."""


def check_sweep(words: Sequence[str]) -> None:
    """Compose every job of a sweep and build its typed settings. Raises the first job's error."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        for overrides in itertools.islice(sweep_jobs(words), CHECKED_JOBS):
            check_settings(read_settings(compose("config", overrides)))


def sweep_jobs(words: Sequence[str]) -> Iterator[list[str]]:
    """The overrides of each job: one of every choice, as Hydra's own sweeper combines them.

    >>> list(sweep_jobs(["seed=0,1", "name=a"]))
    [['seed=0', 'name=a'], ['seed=1', 'name=a']]
    """
    choices = []
    for override in OverridesParser.create().parse_overrides(list(words)):
        if override.is_sweep_override():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            choices.append([str(override.input_line)])
    return (list(combination) for combination in itertools.product(*choices))
