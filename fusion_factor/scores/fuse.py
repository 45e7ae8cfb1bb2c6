"""From the raw outputs of networks, seeds and folds to one fused score a stock and session.

Axes: k task, t session, n symbol. Arrays are float64 with NaN where a name has no output.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import mad_clip, residual, zscore
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.tables import dense

_KEYS = ("date", "symbol", "fold", "seed")


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """How the parts become one score (METHOD items 60 to 62)."""

    hf_weight: float = 1.0
    """Weight of the high-frequency part; the published mix is 1 : 3."""
    lf_weight: float = 3.0
    """Weight of the mean of the low-frequency tasks."""
    mix: str = "z"
    """`z`: parts are z-scored per session before they are mixed; `raw`: mixed as they are."""
    mad_k: float = 3.0
    """Clip of `score_neutral`, in robust standard deviations."""

    def __post_init__(self) -> None:
        for name in ("hf_weight", "lf_weight"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(f"{name}: {getattr(self, name)} is not a finite number >= 0")
        if self.hf_weight + self.lf_weight == 0:
            raise ConfigError("hf_weight and lf_weight: both are 0, one must be > 0")
        if self.mix not in ("z", "raw"):
            raise ConfigError(f"mix: {self.mix!r} is not one of 'z', 'raw'")
        if not self.mad_k > 0:
            raise ConfigError(f"mad_k: {self.mad_k} is not > 0")


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


def fuse(
    hf_tn: np.ndarray | None, lf_ktn: Sequence[np.ndarray] | Mapping[str, np.ndarray], config: FusionConfig
) -> dict[str, np.ndarray]:
    """Columns `hf`, `lf` and `score`, each [T, N] (METHOD items 60, 61).

    `lf` is the mean of the low-frequency tasks. A name without `hf` gets 0 for it (the cross-sectional mean); a name
    without `lf` gets no score, unless there is no low-frequency network at all, when the score is `hf`.
    """
    parts = list(lf_ktn.values()) if isinstance(lf_ktn, Mapping) else list(lf_ktn)
    scaled = [zscore(part) if config.mix == "z" else part for part in parts]
    hf = None if hf_tn is None else (zscore(hf_tn) if config.mix == "z" else hf_tn)
    if not scaled:
        if hf is None:
            raise DataError("fusion: neither a high-frequency nor a low-frequency output to fuse")
        return {"hf": hf, "score": hf}
    lf = np.mean(scaled, axis=0)
    if hf is None:
        return {"lf": lf, "score": lf}
    total = config.hf_weight + config.lf_weight
    score = (config.hf_weight * np.where(np.isnan(hf), 0.0, hf) + config.lf_weight * lf) / total
    return {"hf": hf, "lf": lf, "score": score}


def neutral(
    score_tn: np.ndarray, industry_tn: np.ndarray | None, log_cap_tn: np.ndarray | None, *, mad_k: float = 3.0
) -> np.ndarray:
    """`score_neutral`: clipped, freed of industry and size, z-scored, per session (METHOD item 62).

    Never for rotation: after it every industry's mean is 0 by construction (METHOD item 63).
    """
    clipped = mad_clip(score_tn, k=mad_k)
    return zscore(residual(clipped, industry_tn, log_cap_tn))
