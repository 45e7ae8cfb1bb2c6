"""The weights that are current on a date, and how far back their networks read."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureConfig
from fusion_factor.features.recent import daily_sessions
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import find_class

_SESSIONS_A_BAR = {"daily_bars": 1, "weekly_bars": 5, "monthly_bars": 20}
_SESSIONS_A_CALENDAR_BAR = {"daily_bars": 1, "weekly_bars": 5, "monthly_bars": 23}
_WINDOW = "window_sessions"


@dataclass(frozen=True)
class Fitted:
    """The weights of one network and seed: since when they may be used, their fold, and the file they came from."""

    network: str
    seed: int
    path: Path
    checkpoint: Checkpoint

    @property
    def first_use(self) -> np.datetime64:
        """The first session that they may score."""
        return np.datetime64(self.checkpoint.about["first_use"], "D")

    @property
    def fold(self) -> int:
        """The number of their fold."""
        return int(self.checkpoint.about["fold"])

    def described(self) -> dict[str, Any]:
        """For a manifest."""
        about = self.checkpoint.about
        told = {"network": self.network, "seed": self.seed, "file": f"{self.path.parent.name}/{self.path.name}"}
        return told | {name: about.get(name) for name in ("fold", "first_use", "label_until", "job")}


def newest_weights(folder: Path, networks: Sequence[str], seeds: Sequence[int], day: np.datetime64) -> list[Fitted]:
    """Of each network and seed the weights whose first use is the latest on `day` or before.

    folder: as training leaves it, `<network>/foldNN_seedS.ckpt`. Raises ConfigError where a network or seed has none,
    and when seeds would mix folds (an unfinished training).
    """
    found = []
    for name in networks:
        for seed in seeds:
            known = [
                Fitted(name, seed, path, Checkpoint.read(path)) for path in sorted((folder / name).glob("*.ckpt"))
                if path.stem.endswith(f"_seed{seed}")
            ]  # fmt: skip
            usable = [each for each in known if each.first_use <= day]
            if not usable:
                there = min((str(each.first_use) for each in known), default="none")
                raise ConfigError(
                    f"weights in {folder}: none of network {name}, seed {seed} with a first use on or before {day} "
                    f"(the earliest: {there}); run `fusion-factor train` first"
                )
            found.append(max(usable, key=lambda each: each.first_use))
        own = [each for each in found if each.network == name]
        for each in own:
            if each.first_use != own[0].first_use:
                raise ConfigError(
                    f"weights in {folder}: network {name} was first used on {own[0].first_use} with seed "
                    f"{own[0].seed}, on {each.first_use} with seed {each.seed}; finish the training first"
                )
    return found


def check_age(weights: Sequence[Fitted], day: np.datetime64, most_days: int | None) -> int:
    """Calendar days from the oldest weights' first use to `day`. ConfigError above `most_days`."""
    oldest = min(weights, key=lambda each: each.first_use)
    age = int((day - oldest.first_use).astype(int))
    if most_days is not None and age > most_days:
        raise ConfigError(
            f"weights of network {oldest.network} were first used on {oldest.first_use}, {age} days before {day}, the "
            f"limit live.max_model_age_days is {most_days}: run `fusion-factor run` to add the new fold"
        )
    return age


def rows_read(weights: Sequence[Fitted], config: FeatureConfig) -> tuple[int, int]:
    """How many sessions of standardised factors, and of daily bars, the day's inputs and masks look at."""
    per_bar = _SESSIONS_A_BAR if config.bars_mode == "rolling" else _SESSIONS_A_CALENDAR_BAR
    hf_rows, daily_rows = 1, daily_sessions(config)
    for each in weights:
        for name, value in _lengths(each.checkpoint.about["network"]["inputs"]):
            if name == _WINDOW:
                hf_rows = max(hf_rows, value)
            else:
                # one bar more: the oldest begins before its own last session
                daily_rows = max(daily_rows, (value + 1) * per_bar[name])
    # who is listed long enough, and has factors often enough, is asked at the oldest row of the factors too
    factor_rows = hf_rows + config.factor_window - 1
    return hf_rows, max(daily_rows, factor_rows + config.min_listed)


def _lengths(spec: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The window lengths that inputs are made with, given or by default, in themselves and in the mappings in them."""
    given = dict(spec)
    if "_target_" in spec:
        parameters = inspect.signature(find_class(str(spec["_target_"]), object)).parameters
        given = {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty} | given
    found = [(name, int(value)) for name, value in given.items() if name in (_WINDOW, *_SESSIONS_A_BAR)]
    for value in given.values():
        if isinstance(value, Mapping):
            found += _lengths(value)
    # a mapping without a class (the halves of joint inputs) may leave lengths to their defaults, which are these
    return found or [(_WINDOW, 40), ("daily_bars", 40), ("weekly_bars", 20), ("monthly_bars", 12)]
