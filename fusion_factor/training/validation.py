"""The validation RankIC of fits: what hyper-parameters are chosen by. Nothing here looks at sessions of use.

Axes: b stock, k task.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.networks import correlation
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.device import choose_device, exact_arithmetic
from fusion_factor.training.fit import FitJob, open_inputs
from fusion_factor.training.module import average_ranks
from fusion_factor.training.samples import Samples
from fusion_factor.training.scoring import load_network

SERIES_COLUMNS = ("network", "fold", "seed", "position", "date", "rank_ic")


@dataclass(frozen=True)
class FitFigure:
    """One fit: its validation RankIC (mean over sessions and tasks) in the epoch whose weights were kept.

    valid        first and last validation date and their count.
    label_until  the last session whose price a validation label knows.
    """

    network: str
    fold: int
    seed: int
    rank_ic: float
    best_epoch: int
    epochs: int
    valid: tuple[str, str, int]
    label_until: str


def figure_of(about: Mapping[str, Any]) -> FitFigure:
    """The figure of a fit from what its checkpoint tells `about` itself.

    Raises DataError when the history holds no validation RankIC of the epoch kept.
    """
    epoch = about["best_epoch"]
    kept = [row["rank_ic"] for row in about["history"] if row["split"] == "valid" and row["epoch"] == epoch]
    if not kept:
        raise DataError(
            f"network {about['network']['name']} fold {about['fold']} seed {about['seed']}: the history holds no "
            f"validation RankIC of epoch {epoch}"
        )
    return FitFigure(
        network=about["network"]["name"],
        fold=about["fold"],
        seed=about["seed"],
        rank_ic=statistics.fmean(kept),
        best_epoch=epoch,
        epochs=1 + max(row["epoch"] for row in about["history"]),
        valid=(about["valid"][0], about["valid"][1], about["valid"][2]),
        label_until=about["label_until"],
    )


def rank_ic_by_network(figures: Sequence[FitFigure]) -> dict[str, float]:
    """Of each network the mean validation RankIC over its folds and seeds."""
    names = list(dict.fromkeys(figure.network for figure in figures))
    return {name: statistics.fmean(each.rank_ic for each in figures if each.network == name) for name in names}


def mean_rank_ic(figures: Sequence[FitFigure]) -> float:
    """Mean over folds and seeds, then over networks, so that one refitted more often does not weigh more.

    NaN without figures, and where one of them is.
    """
    return statistics.fmean(rank_ic_by_network(figures).values()) if figures else math.nan


def spread_over(part: str, figures: Sequence[FitFigure]) -> float | None:
    """Standard deviation (ddof 1) over `seed` or `fold` of `mean_rank_ic` within it; None where there is but one."""
    values = sorted({getattr(figure, part) for figure in figures})
    if len(values) < 2:
        return None
    return statistics.stdev(mean_rank_ic([each for each in figures if getattr(each, part) == v]) for v in values)


def validation_series(jobs: Sequence[FitJob]) -> pd.DataFrame:
    """RankIC of finished fits on each of their validation sessions, mean over tasks.

    The mean over a fit's sessions is the figure that its history tells (`figure_of`), up to rounding.

    Returns: SERIES_COLUMNS, by network in order of appearance, fold, seed, date; `position` counts the sessions of the
        features. Raises what `Checkpoint.read` raises.
    """
    rows = []
    networks = list(dict.fromkeys(job.network.name for job in jobs))
    for job in sorted(jobs, key=lambda each: (networks.index(each.network.name), each.fold.index, each.seed)):
        rows += _series_of(job)
    return pd.DataFrame(rows, columns=list(SERIES_COLUMNS))


def _device_here(device: str) -> str:
    """The fits' device; the CPU where they ran on other machines and this one has no such device."""
    try:
        return choose_device(device)
    except ConfigError:
        return "cpu"


def _series_of(job: FitJob) -> list[tuple[Any, ...]]:
    with exact_arithmetic(job.threads), torch.inference_mode():
        features, inputs = open_inputs(job.features, job.fingerprint, job.network, _device_here(job.device))
        network = load_network(Checkpoint.read(job.checkpoint)).to(inputs.device).eval()
        samples = Samples(inputs, features, job.settings, job.seed)
        rows = []
        for t in job.fold.valid.tolist():
            if not samples.enough(t):
                continue
            windows, label_b = samples.whole(t)
            ranks_bc = average_ranks(torch.cat([network(windows), label_b[:, None]], dim=1))
            rank_ic = float(correlation(ranks_bc[:, :-1], ranks_bc[:, -1:]).double().mean())
            rows.append((job.network.name, job.fold.index, job.seed, t, str(features.sessions[t]), rank_ic))
        return rows
