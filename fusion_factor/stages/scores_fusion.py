"""From the prediction tables of the train artifact to one fused score, by whatever weights: the work of `scores`.

Axes: t session, n symbol.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import zscore
from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureSet
from fusion_factor.scores import (
    FusionConfig,
    Weights,
    chosen_parts,
    ensemble,
    fuse,
    lead_part,
    part_scores,
    part_weights,
)
from fusion_factor.scores.settings import LEARNED
from fusion_factor.stages.settings import Settings

Wide = dict[str, np.ndarray]

TEXT = "text"
"""The part that the text factor is, where the run has one."""


@dataclass(frozen=True)
class Fused:
    """A score [T, N] and the weights that made it."""

    score_tn: np.ndarray
    weights: Weights


@dataclass(frozen=True)
class Fusion:
    """The parts of one score, ready to be weighted.

    networks  each network's raw tasks, [T, N], ensembled over seeds.
    every     all parts by name; parts: those that are fused, in the order of the sum.
    lead      the part whose names get a score.
    further   parts that no network made, such as the text factor, [T, N]; a name without one counts as its mean.
    """

    predictions: Mapping[str, pd.DataFrame]
    features: FeatureSet
    networks: Mapping[str, Wide]
    every: Wide
    parts: Wide
    lead: str
    further: Wide = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        predictions: Mapping[str, pd.DataFrame],
        features: FeatureSet,
        config: FusionConfig,
        names: Sequence[str],
        further: Mapping[str, np.ndarray] | None = None,
    ) -> "Fusion":
        """The parts that `config` names; `names` are the networks of the configuration.

        Where `config` names none, `further` ones are fused as well.
        """
        axes = (features.sessions, features.symbols)
        default = [name for name in ("hf", "lf") if name in predictions] or [
            name for name in names if name in predictions
        ]
        read = default if config.parts is None else list(predictions)
        networks = {name: ensemble(predictions[name], *axes, mix=config.mix) for name in read}
        every = part_scores(networks, mix=config.mix)
        scaled = {name: zscore(part_tn) if config.mix == "z" else part_tn for name, part_tn in (further or {}).items()}
        parts = chosen_parts(every | scaled, config, names)
        if config.parts is None:
            parts |= scaled
        lead = lead_part(parts, networks.get("lf", {}))
        return cls(predictions, features, networks, every | scaled, parts, lead, scaled)

    def weighted(self, config: FusionConfig) -> Fused:
        """The parts by the weights of `config`, which are made of the features' label as it became known."""
        features = self.features
        label_tn = None
        if config.method in LEARNED:
            label_tn = np.where(features.has_label, features.label, np.nan)
        weights = part_weights(self.parts, config, lead=self.lead, label_tn=label_tn, reach=features.reach)
        return Fused(fuse(self.parts, weights.weight_tk, lead=self.lead), weights)

    @cached_property
    def sources(self) -> dict[str, str]:
        """Of each part, the network or method that it comes from."""
        owner = {task: name for name, tasks in self.networks.items() for task in tasks}
        alone = {*self.networks, *self.further}
        return {part: part if part in alone else owner[part] for part in self.parts}

    @property
    def columns(self) -> Wide:
        """Columns of the score table: `hf` and `lf` where they are parts, whole or by task; then further parts."""
        wanted = [name for name in ("hf", "lf") if name in self.sources.values()]
        return {name: self.every[name] for name in dict.fromkeys((*wanted, *self.parts))}

    @property
    def tasks(self) -> Wide:
        """The tasks of `lf` as they are, for they are judged by themselves."""
        return self.networks["lf"] if "lf" in self.sources.values() else {}

    @property
    def folds_tn(self) -> np.ndarray:
        """The fold that scored each session, repeated over the names [T, N]; -1 where no network leads."""
        if self.lead in self.further:
            return np.full(self.parts[self.lead].shape, -1)
        by_date = self.predictions[self.sources[self.lead]].drop_duplicates("date").set_index("date")["fold"]
        fold_t = by_date.reindex(pd.DatetimeIndex(self.features.sessions)).fillna(-1).to_numpy(np.int64)
        return np.broadcast_to(fold_t[:, None], self.parts[self.lead].shape)

    def warnings(self, score_tn: np.ndarray) -> dict[str, int]:
        """Names that have a part and no score, counted by part."""
        told = {}
        for name, part_tn in self.parts.items():
            if name in self.further:
                continue
            alone = int((np.isfinite(part_tn) & ~np.isfinite(score_tn)).sum())
            if alone:
                told[f"names with {name} and no {self.lead}, left without a score"] = alone
        return told

    def described(self, config: FusionConfig, fused: Fused, scored_t: np.ndarray) -> dict[str, Any]:
        """What the manifest says of the fusion: method, parts, weights as applied, and what was known."""
        told: dict[str, Any] = {
            "method": config.method,
            "parts": list(self.parts),
            "lead": self.lead,
            "mix": config.mix,
            "weights": fused.weights.described(scored_t),
            "file": "weights.parquet",
        }
        if config.method in LEARNED:
            told |= {
                "window_sessions": config.window_sessions,
                "label_reach_sessions": self.features.reach,
                "shrink_labels": config.shrink_labels,
                "sessions_before_any_label": int((fused.weights.known_tk[scored_t] < 0).all(axis=1).sum()),
            }
        return told


def read_predictions(folder: Path) -> dict[str, pd.DataFrame]:
    """The prediction tables of the train artifact by network or baseline."""
    return {path.stem: pd.read_parquet(path) for path in sorted((folder / "predictions").glob("*.parquet"))}


def network_names(settings: Settings) -> list[str]:
    """The names of the networks of the configuration."""
    return [str(value["name"]) for value in settings.raw["networks"].values() if value is not None]


def check_parts(config: FusionConfig, settings: Settings) -> None:
    """Refuse a part, and the weight of a part, that no network, task or plain method is called."""
    known = {*network_names(settings), *settings.raw["train"]["baselines"]["kinds"]}
    known |= {TEXT} if settings.raw["text"]["enabled"] else set()
    asked = [("parts", name) for name in config.parts or ()]
    # The default weights are those of hf and lf, also where one of them is left out.
    asked += [(f"weights.{name}", name) for name in config.weights if name not in ("hf", "lf")]
    if all(name in known for _, name in asked):
        return
    known |= set(_tasks(settings))
    for where, name in asked:
        if name not in known:
            raise ConfigError(
                f"scores.fuse.{where}: {name} is no network, task or plain method (known: {', '.join(sorted(known))})"
            )


def _tasks(settings: Settings) -> list[str]:
    """The tasks of every network; the networks are built for that, so it is only asked when it matters."""
    from torch import nn

    from fusion_factor.training.components import build

    found: list[str] = []
    for value in settings.raw["networks"].values():
        if value is not None:
            found += getattr(build(value["network"], nn.Module), "tasks", ())  # type: ignore[type-abstract]
    return found
