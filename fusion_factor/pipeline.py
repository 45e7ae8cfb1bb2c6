"""Which stage needs which, and the order that follows from it."""

import logging

from fusion_factor.stages import evaluate, features, report, rotate, scores, simulate, train
from fusion_factor.stages.console import result_table
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Stage, Workspace, check_inputs, run_stage

log = logging.getLogger("fusion_factor")

STAGES: dict[str, Stage] = {
    module.STAGE.name: module.STAGE for module in (simulate, features, train, scores, evaluate, rotate, report)
}


def check_settings(settings: Settings) -> None:
    """Build the typed settings of every stage, so that a bad value is refused before anything runs."""
    for stage in STAGES.values():
        if settings.data["kind"] == "simulated" or stage.name != "simulate":
            stage.check(settings)


def run_pipeline(command: str, settings: Settings, workspace: Workspace) -> None:
    """Run one stage, or with `run` all of them in order; prints what the last one has to show on stdout."""
    mapped = settings.data["kind"] != "simulated"
    if command != "run":
        stages = [STAGES[command]]
    else:
        stages = [stage for stage in STAGES.values() if not (mapped and stage.name == "simulate")]
    check_settings(settings)
    for stage in stages:
        if command != "run":
            check_inputs(stage, settings, workspace, STAGES)
        run_stage(stage, settings, workspace)
    if command in ("run", "report", "evaluate", "rotate"):
        print(result_table(workspace), flush=True)
