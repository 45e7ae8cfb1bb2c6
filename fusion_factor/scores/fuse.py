"""From the raw outputs of networks, seeds and folds to one fused score a stock and session.

Axes: k task, t session, n symbol. Arrays are float64 with NaN where a name has no output.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import mad_clip, residual, zscore
from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import dense
from fusion_factor.scores.settings import FusionConfig

_KEYS = ("date", "symbol", "fold", "seed")


def tasks_of(predictions: pd.DataFrame) -> list[str]:
    """The task columns of a prediction table: everything but date, symbol, fold and seed."""
    return [column for column in predictions.columns if column not in _KEYS]


def ensemble(
    predictions: pd.DataFrame, sessions: np.ndarray, symbols: np.ndarray, *, mix: str = "z"
) -> dict[str, np.ndarray]:
    """Mean over seeds of each task's output, one array [T, N] a task.

    Each seed's output is z-scored per session first (METHOD item 49: a correlation loss leaves the scale free), and a
    name counts only where every seed of its session scored it. `predictions` holds all folds one after the other;
    a (session, symbol, seed) that two folds scored is an error, for then it is not known which one was current.
    """
    seeds = np.sort(predictions["seed"].unique())
    if not len(seeds):
        raise DataError("predictions: the table is empty, nothing to fuse")
    if predictions.duplicated(["date", "symbol", "seed"]).any():
        row = predictions[predictions.duplicated(["date", "symbol", "seed"])].iloc[0]
        raise DataError(f"predictions: {row.symbol} on {row.date:%Y-%m-%d}, seed {row.seed}: scored by two folds")
    by_seed = [predictions[predictions["seed"] == seed] for seed in seeds]
    result = {}
    for task in tasks_of(predictions):
        parts_stn = [dense(part, task, sessions, symbols) for part in by_seed]
        if mix == "z":
            parts_stn = [zscore(part_tn) for part_tn in parts_stn]
        result[task] = np.mean(parts_stn, axis=0)
    return result


def part_scores(networks: Mapping[str, Mapping[str, np.ndarray]], *, mix: str = "z") -> dict[str, np.ndarray]:
    """Every part that can be fused, [T, N]: each network as the mean of its tasks, then each task by its own name.

    networks  name to tasks, as `ensemble` makes them. With `mix` z each task is z-scored per session first (METHOD 61).
    A task named like its network is the network; a task that two networks have has no name of its own.
    """
    scaled = {
        name: {task: zscore(values_tn) if mix == "z" else values_tn for task, values_tn in tasks.items()}
        for name, tasks in networks.items()
    }
    found = {name: np.mean(list(tasks.values()), axis=0) for name, tasks in scaled.items()}
    every = [task for tasks in scaled.values() for task in tasks]
    for tasks in scaled.values():
        found |= {task: tn for task, tn in tasks.items() if every.count(task) == 1 and task not in scaled}
    return found


def chosen_parts(
    parts: Mapping[str, np.ndarray], config: FusionConfig, networks: Sequence[str]
) -> dict[str, np.ndarray]:
    """The parts that are fused, in the order of the sum: the configured ones, else `hf` and `lf`, else `networks`.

    Raises DataError for a part that is not there and when there is nothing to fuse.
    """
    names = config.parts
    if names is None:
        names = [name for name in ("hf", "lf") if name in parts] or [name for name in networks if name in parts]
    for name in names:
        if name not in parts:
            raise DataError(f"fusion: there is no part {name} (there are {', '.join(parts) or 'none'})")
    if not names:
        raise DataError("fusion: neither a high-frequency nor a low-frequency output to fuse, nor another network's")
    return {name: parts[name] for name in names}


def lead_part(names: Iterable[str], tasks_of_lf: Iterable[str] = ()) -> str:
    """The part whose names get a score: `lf`, else the first of its tasks, else the first part."""
    ordered = list(names)
    return next((name for name in ("lf", *tasks_of_lf) if name in ordered), ordered[0])


def fuse(parts: Mapping[str, np.ndarray], weight_tk: np.ndarray, *, lead: str) -> np.ndarray:
    """The weighted sum of the parts over the sum of the weights' absolute values, [T, N] (METHOD items 60, 61).

    parts      name to [T, N], in the order of the sum; missing = NaN.
    weight_tk  [T, K], of the same parts; row t must be known at t.
    lead       a name without this part gets no score; without another one it gets 0 for it (the cross-sectional mean).
               A part alone is its own score.
    """
    if len(parts) == 1:
        return parts[lead]
    terms = [
        weight_tk[:, k, None] * (part_tn if name == lead else np.where(np.isnan(part_tn), 0.0, part_tn))
        for k, (name, part_tn) in enumerate(parts.items())
    ]
    return reduce(np.add, terms) / np.abs(weight_tk).sum(axis=1)[:, None]


def neutral(
    score_tn: np.ndarray, industry_tn: np.ndarray | None, log_cap_tn: np.ndarray | None, *, mad_k: float = 3.0
) -> np.ndarray:
    """`score_neutral`: clipped, freed of industry and size, z-scored, per session (METHOD item 62).

    Never for rotation: after it every industry's mean is 0 by construction (METHOD item 63).
    """
    clipped = mad_clip(score_tn, k=mad_k)
    return zscore(residual(clipped, industry_tn, log_cap_tn))
