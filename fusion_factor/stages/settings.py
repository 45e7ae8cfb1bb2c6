"""The whole configuration as typed, frozen values. A misspelt name or a wrong type ends here, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, OmegaConf

from fusion_factor.core.errors import ConfigError

T = TypeVar("T")

NODES = (
    "name", "root", "seed", "traceback", "data", "features", "networks", "train", "text", "scores", "evaluate",
    "rotate", "industry", "text_portfolio", "sweep", "live", "quality", "ingest",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Resolved settings of one command.

    `raw` is the resolved tree as plain dicts, by which artifacts are recognised; the stages turn its nodes into the
    typed configs of their rooms with `typed`.
    """

    root: str
    seed: int
    data: Mapping[str, Any]
    raw: Mapping[str, Any]


def typed(kind: type[T], values: Mapping[str, Any]) -> T:
    """An instance of the dataclass `kind` from plain values; unknown names and wrong types are refused by OmegaConf."""
    schema = OmegaConf.structured(kind)
    _thaw(schema)
    return cast(T, OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.create(dict(values)))))


def _thaw(node: DictConfig) -> None:
    """Frozen dataclasses make read-only nodes; the schema itself must take the values."""
    OmegaConf.set_readonly(node, False)
    for name in node:
        child = node._get_node(name)
        if isinstance(child, DictConfig) and not child._is_none():
            _thaw(child)


def read_settings(config: DictConfig) -> Settings:
    """Resolve the composed tree. Raises OmegaConf's error for an interpolation that leads nowhere."""
    raw = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    for name in raw:
        if name not in NODES:
            raise ConfigError(f"{name}: is no part of the configuration (known: {', '.join(NODES)})")
    seed = raw["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed: {seed!r} is not an integer >= 0")
    # A network that is left out (null) may still be named by values that another file sets for it.
    networks = raw["networks"] or {}
    raw["networks"] = {name: value for name, value in networks.items() if value is not None and "network" in value}
    return Settings(root=str(raw["root"]), seed=seed, data=raw["data"], raw=raw)
