"""The node `industry`, typed: which factors, which families, how they are combined, tested, mixed and traded."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.sessions import SCHEDULES
from fusion_factor.industry import Exclusion, IndustryData
from fusion_factor.stages.rotate_inputs import known_parameters
from fusion_factor.stages.settings import Settings, typed

BENCHMARKS = ("pool_mean", "series")
MEMBERS = ("industry", "pool")
WEIGHTINGS = ("equal", "icir", "domain", "momdomain")
SCALES = ("zscore", "inverse_normal")
COMPOSITE = "composite"


@dataclass(frozen=True, kw_only=True)
class CompositeOptions:
    """How factors become one score; `also` names further weightings that are tested beside it."""

    scale: str = "inverse_normal"
    clip: float = 3.0
    min_families: int = 1
    weighting: str = "equal"
    also: list[str] = field(default_factory=list)
    weight_months: int = 24
    min_weight_months: int = 12
    domain_months: int = 36
    min_domain_months: int = 24
    min_group: int = 5
    technical: list[str] = field(default_factory=list)
    """Families that momdomain uses in the tercile of the highest momentum; the others are for the rest."""


@dataclass(frozen=True, kw_only=True)
class MixOptions:
    """The AI score of the industries and the composite made one."""

    enabled: bool = True
    score: str = "score"
    aggregate: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=lambda: {"ai": 1.0, "composite": 1.0})
    weighting: str = "fixed"


@dataclass(frozen=True, kw_only=True)
class IndustryOptions:
    """The node `industry`; conf/industry/default.yaml says what each value means."""

    pool: str = "industry"
    benchmark: str = "pool_mean"
    members: str = "industry"
    grid: str = "monthly"
    start: str | None = None
    end: str | None = None
    min_names: int = 10
    nw_lags: int = 3
    events: dict[str, str] = field(default_factory=dict)
    factors: dict[str, Any] = field(default_factory=dict)
    families: dict[str, list[str]] = field(default_factory=dict)
    composite: CompositeOptions = field(default_factory=CompositeOptions)
    groups: dict[str, list[str]] = field(default_factory=dict)
    intervals: dict[str, Any] = field(default_factory=dict)
    mix: MixOptions = field(default_factory=MixOptions)
    rotate: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("benchmark", self.benchmark, BENCHMARKS),
            ("members", self.members, MEMBERS),
            ("grid", self.grid, SCHEDULES[:3]),
            ("composite.scale", self.composite.scale, SCALES),
            ("composite.weighting", self.composite.weighting, WEIGHTINGS),
            *(("composite.also", each, WEIGHTINGS) for each in self.composite.also),
            ("mix.weighting", self.mix.weighting, ("fixed", "icir")),
        ):
            if value not in choices:
                raise ConfigError(f"industry.{name}: {value!r} must be one of {', '.join(choices)}")
        self._check_families()
        self._check_mix()
        for name, path in self.events.items():
            if not Path(path).is_file():
                raise ConfigError(f"industry.events.{name}: there is no file {path}")

    def _check_families(self) -> None:
        for family, names in self.families.items():
            for name in names:
                if name not in self.factors:
                    raise ConfigError(f"industry.families.{family}: {name} is none of industry.factors")
        for family in self.composite.technical:
            if family not in self.families:
                raise ConfigError(f"industry.composite.technical: {family} is none of industry.families")
        if COMPOSITE in self.factors:
            raise ConfigError(f"industry.factors.{COMPOSITE}: the name is taken, choose another")

    def _check_mix(self) -> None:
        if set(self.mix.weights) != {"ai", COMPOSITE}:
            raise ConfigError(f"industry.mix.weights: must name ai and composite, got {', '.join(self.mix.weights)}")
        low, total = min(self.mix.weights.values()), sum(self.mix.weights.values())
        if low < 0 or not 0 < total < np.inf:
            raise ConfigError(f"industry.mix.weights: {dict(self.mix.weights)} must be >= 0 and not all 0")


@dataclass(frozen=True)
class NamedFactor:
    """A factor of the configuration: its sign, and what to call with the data."""

    name: str
    sign: int
    function: Callable[..., Any]
    arguments: Mapping[str, Any]

    def __call__(self, data: IndustryData) -> np.ndarray:
        """The factor with its sign, [D, N]: higher is better. Raises ConfigError for another shape."""
        values_dn = np.asarray(self.function(data, **self.arguments), np.float64)
        wanted = (len(data.dates_d), len(data.codes))
        if values_dn.shape != wanted:
            raise ConfigError(f"industry.factors.{self.name}: shape {values_dn.shape}, must be {wanted}")
        return self.sign * np.where(np.isfinite(values_dn), values_dn, np.nan)


def named_factors(options: IndustryOptions) -> list[NamedFactor]:
    """The factors by `_target_`; ConfigError for one that cannot be imported, or does not take its arguments."""
    return [_named_factor(name, dict(entry or {})) for name, entry in options.factors.items()]


def _named_factor(name: str, entry: dict[str, Any]) -> NamedFactor:
    where = f"industry.factors.{name}"
    target, sign = str(entry.pop("_target_", "")), entry.pop("sign", 1)
    if sign not in (-1, 1):
        raise ConfigError(f"{where}.sign: {sign!r} must be 1 or -1")
    module, _, function = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{where}._target_: cannot import {target!r} ({error})") from error
    if isinstance(entry.get("exclusion"), Mapping):
        try:
            entry["exclusion"] = Exclusion(**entry["exclusion"])
        except TypeError as error:
            raise ConfigError(f"{where}.exclusion: {str(error).partition('() ')[2]}") from None
    try:
        inspect.signature(found).bind(None, **entry)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from None
    return NamedFactor(name, int(sign), found, entry)


def files_read(settings: Settings) -> tuple[str, ...]:
    """The event tables, and the modules of factors that are not ours."""
    options = typed(IndustryOptions, settings.raw["industry"])
    modules = {inspect.getsourcefile(factor.function) for factor in named_factors(options) if not _is_ours(factor)}
    return (*options.events.values(), *sorted(path for path in modules if path))


def _is_ours(factor: NamedFactor) -> bool:
    return str(factor.function.__module__).startswith("fusion_factor.")


def industry_options(settings: Settings) -> IndustryOptions:
    """The typed node `industry`. Raises ConfigError for what it must not hold."""
    from fusion_factor.backtest import Parameters

    options = typed(IndustryOptions, settings.raw["industry"])
    named_factors(options)
    Parameters.of(known_parameters(options.rotate))
    Parameters.of({"top_k": 1, **known_parameters(options.mix.aggregate)})
    return options
