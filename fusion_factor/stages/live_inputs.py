"""What a daily command works on: the artifacts it builds upon, checked, and the market as it stood on the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.artifacts import read_manifest
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features import FeatureConfig
from fusion_factor.live import Fitted, LiveSettings, LiveTable, newest_weights
from fusion_factor.live.settings import LATEST
from fusion_factor.market.store import Market
from fusion_factor.stages.features import feature_config
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.stages.stage import Workspace, first_difference
from fusion_factor.stages.train import network_settings, train_settings

# Of each artifact the nodes that must be those of this command. `data` is none: the market grows every day.
_MUST_AGREE: Mapping[str, tuple[str, ...]] = {
    "features": ("features",),
    "train": ("networks", "seed", "train"),
    "scores": ("scores", "networks"),
}
_WHERE = ("workers", "device", "executor", "cluster")
"""Values of `train` that say where a fit was made and not what it is."""


@dataclass(frozen=True)
class LiveInputs:
    """Settings, market and folders of a daily command."""

    settings: Settings
    workspace: Workspace
    live: LiveSettings
    features: FeatureConfig
    market: Market

    @classmethod
    def of(cls, settings: Settings, workspace: Workspace) -> "LiveInputs":
        """Open them. Raises ConfigError when an artifact was made with other settings than this command's."""
        for artifact, nodes in _MUST_AGREE.items():
            _check_agreement(artifact, nodes, settings, workspace)
        return cls(
            settings, workspace, live_settings(settings), feature_config(settings), market_of(settings, workspace)
        )

    @property
    def day(self) -> np.datetime64:
        """The session that `live.date` means."""
        if self.live.date != LATEST:
            return np.datetime64(self.live.date, "D")
        return self.market.sessions[-1]

    @property
    def table(self) -> LiveTable:
        """The live scores of this run."""
        return LiveTable(self.workspace.own / "live")

    @property
    def session_store(self) -> Path:
        """The folder whose `sessions` hold finished factors: that of the features, so that a later build finds them."""
        return self.workspace.folder("features") if self.workspace.has("features") else self.workspace.own / "live"

    def weights(self, day: np.datetime64) -> list[Fitted]:
        """The weights of every network and seed that are current on the day."""
        options = train_settings(self.settings)
        given = options.checkpoints
        folder = Path(given) if given is not None else self.workspace.folder("train") / "checkpoints"
        seeds = [self.settings.seed + seed for seed in options.seeds]
        return newest_weights(folder, self.networks, seeds, day)

    @property
    def networks(self) -> list[str]:
        """The names of the networks whose inputs the market has: without bars there is no high-frequency one."""
        names = [each.name for each in network_settings(self.settings)]
        names = names if self.market.bar_minutes is not None else [name for name in names if name != "hf"]
        if not names:
            raise ConfigError("networks: there is none to score with")
        return names


def live_settings(settings: Settings) -> LiveSettings:
    """The typed node `live`."""
    return typed(LiveSettings, settings.raw["live"])


def _check_agreement(artifact: str, nodes: tuple[str, ...], settings: Settings, workspace: Workspace) -> None:
    if not workspace.has(artifact):
        return
    folder = workspace.folder(artifact)
    config = (read_manifest(folder) or {}).get("config", {})
    asked, made = ({name: _what(name, node.get(name)) for name in nodes} for node in (settings.raw, config))
    if made != asked:
        raise ConfigError(
            f"{artifact} in {folder} was made with other settings ({first_difference(made, asked)}): give this command "
            "the settings of the run, or run `fusion-factor run` with these first"
        )


def _what(name: str, node: Any) -> Any:
    """A node without what does not matter here."""
    if name != "train" or not isinstance(node, Mapping):
        return node
    return {key: value for key, value in node.items() if key not in _WHERE}


def check_known(market: Market, day: np.datetime64) -> None:
    """DataError when the day is no session of the market."""
    if day not in market.sessions:
        last = market.sessions[-1]
        raise DataError(f"date: {day} is not a session of the market ({market.sessions[0]} to {last})")
