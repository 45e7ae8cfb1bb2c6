"""A user's own intraday factor: one function and one line of configuration.

def closing_jump(bars: SessionBars) -> np.ndarray:            # in any module that can be imported
    return bars.close[:, -1] / bars.close[:, -2] - 1

features.extra: {closing_jump: {_target_: my_factors.closing_jump, sign: -1}}
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday.catalogue import NAMES
from fusion_factor.features.panel import FloatArray
from fusion_factor.market.store import SessionBars


@dataclass(frozen=True)
class OwnFactor:
    """A factor by function: name, sign (for equal-weight baselines), and what to call with SessionBars."""

    name: str
    sign: int
    function: Callable[..., Any]
    options: Mapping[str, Any]

    def __call__(self, bars: SessionBars) -> FloatArray:
        """The factor of one session, float64 [S]; what is not finite is missing. DataError for another shape."""
        values_s = np.array(self.function(bars, **self.options), dtype=np.float64)
        if values_s.shape != (len(bars.symbols),):
            raise DataError(
                f"factor {self.name} at {bars.session}: shape {values_s.shape}, must be ({len(bars.symbols)},)"
            )
        values_s[~np.isfinite(values_s)] = np.nan
        return values_s


def own_factors(extra: Mapping[str, Any]) -> tuple[OwnFactor, ...]:
    """The factors of `features.extra`; ConfigError when a name is taken, or a function cannot be imported."""
    return tuple(_own_factor(name, dict(entry or {})) for name, entry in extra.items())


def _own_factor(name: str, entry: dict[str, Any]) -> OwnFactor:
    if name in NAMES:
        raise ConfigError(f"features.extra.{name}: the catalogue has a factor of this name; choose another")
    target, sign = entry.pop("_target_", None), entry.pop("sign", None)
    if sign not in (-1, 1):
        raise ConfigError(f"features.extra.{name}.sign is {sign}, must be 1 or -1")
    module, _, function = str(target or "").rpartition(".")
    if not module:
        raise ConfigError(f"features.extra.{name}._target_ is {target!r}, must be module.function")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"features.extra.{name}._target_: cannot import {target} ({error})") from error
    if not callable(found):
        raise ConfigError(f"features.extra.{name}._target_: {target} is not a function")
    return OwnFactor(name, int(sign), found, entry)
