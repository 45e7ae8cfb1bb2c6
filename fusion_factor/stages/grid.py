"""The leaderboard of a grid (`-m`): what Hydra's own sweeper leaves, read from the fits of each of its jobs."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fusion_factor.core.errors import FusionFactorError
from fusion_factor.stages.stage import Workspace
from fusion_factor.stages.sweep_tables import write_leaderboard
from fusion_factor.stages.sweep_trial import figures_in
from fusion_factor.training.sweep import TrialRecord
from fusion_factor.training.validation import mean_rank_ic, rank_ic_by_network, spread_over

log = logging.getLogger("fusion_factor.sweep")


@dataclass(frozen=True)
class GridJob:
    """One job: its number, its overrides, and where its artifacts lie (its own folder or one shared by all)."""

    number: int
    overrides: Sequence[str]
    workspace: Workspace


def write_grid(folder: Path, jobs: Sequence[GridJob]) -> Path | None:
    """`leaderboard.csv` over the jobs that trained: validation RankIC over all of their folds and seeds.

    Returns its path, or None where no job trained. Unlike a study of `sweep`, a grid uses every fold that was
    configured: `label_until` says from when on scores know nothing of the choice.
    """
    varied = _varied(jobs)
    records = []
    for job in jobs:
        if not job.workspace.has("train"):
            continue
        train = job.workspace.folder("train")
        values = {path: value for path, value in _pairs(job.overrides).items() if path in varied}
        try:
            figures = figures_in(train)
        except FusionFactorError as error:
            log.warning("job %d is not on the leaderboard: %s", job.number, error)
            continue
        about = {
            "networks": rank_ic_by_network(figures),
            "seed_std": spread_over("seed", figures),
            "fold_std": spread_over("fold", figures),
            "fits": len(figures),
            "epochs": sum(figure.epochs for figure in figures),
            "label_until": max(figure.label_until for figure in figures),
            "folder": os.path.relpath(train, folder),
        }
        records.append(TrialRecord(job.number, "complete", mean_rank_ic(figures), values, {}, about))
    if not records:
        return None
    write_leaderboard(folder, records)
    return folder / "leaderboard.csv"


def _varied(jobs: Sequence[GridJob]) -> set[str]:
    pairs = [_pairs(job.overrides) for job in jobs]
    return {path for each in pairs for path in each if any(other.get(path) != each[path] for other in pairs)}


def _pairs(overrides: Sequence[str]) -> dict[str, str]:
    return {path: value for path, _, value in (each.partition("=") for each in overrides)}
