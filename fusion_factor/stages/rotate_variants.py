"""Which variants of a strategy are tried: one parameter changed at a time, or every combination."""

import itertools
from collections.abc import Mapping
from typing import Any

from fusion_factor.backtest import Parameters
from fusion_factor.core.errors import ConfigError
from fusion_factor.stages.rotate_inputs import RotationInputs

CHOSEN = "as configured"
COMBINE = ("one", "all")
_VARIED = (
    "aggregate", "top_share", "score_transform", "score_max_age", "min_members", "min_coverage", "smooth", "top_k",
    "buffer", "underfill", "execute", "holding", "cost_rate", "cost_reading", "cost_model", "benchmark_kind",
)  # fmt: skip


def check_variants(params: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Refuse an unknown way to combine, a parameter that cannot be varied, and a value out of its bounds."""
    combine = options.get("combine", "one")
    if combine not in COMBINE:
        raise ConfigError(f"rotate.combine: {combine!r} must be one of {', '.join(COMBINE)}")
    for name, values in (options.get("variants") or {}).items():
        if name not in _VARIED:
            raise ConfigError(f"rotate.variants.{name}: cannot be varied (known: {', '.join(_VARIED)})")
        if not isinstance(values, list):
            raise ConfigError(f"rotate.variants.{name}: {values!r} must be a list")
        for value in values:
            try:
                Parameters.of({**params, name: value})
            except ConfigError as error:
                raise ConfigError(f"rotate.variants.{error}") from None


def variants(inputs: RotationInputs, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name to parameters, the configured setting first; settings that come to the same are one variant."""
    configured, given = inputs.params, options.get("variants") or {}
    names = list(given)
    if options.get("combine", "one") == "one":
        changes = [{name: value} for name in names for value in given[name]]
    else:
        changes = [dict(zip(names, values, strict=True)) for values in itertools.product(*given.values())]
    defaults = {name: getattr(Parameters, name, None) for name in names}
    found: dict[str, dict[str, Any]] = {CHOSEN: {**defaults, **configured}}
    for change in changes:
        params = inputs.with_aggregate({**defaults, **configured, **change})
        differing = [f"{name}={params[name]}" for name in names if params[name] != found[CHOSEN][name]]
        if differing and inputs.can_run(params):
            found[", ".join(differing)] = params
    return found
