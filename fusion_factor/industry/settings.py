"""Every parameter of the case kind `industry_factors`, with its default and its limits (SEMANTICS 0, 1 and 10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Self

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.sessions import SCHEDULES
from fusion_factor.industry.exclusion import EXCLUSIONS
from fusion_factor.industry.momentum import CURVES, METHODS, check_window

__all__ = ["COMPOSITE", "FACTORS", "IndustrySettings"]

COMPOSITE = "composite"
FACTORS = (
    "momentum_acceleration",
    "momentum",
    "crowding",
    "consensus_change",
    "cash_flow_to_profit",
    "profit_growth_qoq",
    "gross_margin_change_yoy",
)
"""The factors that a family may hold; `composite` is made of them."""


def _families(name: str, value: Any) -> dict[str, tuple[str, ...]]:
    """Family name to its factors; nothing stands for none."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name}: {value!r} must map family names to lists of factors")
    found = {}
    for family, factors in value.items():
        checks.text(name, family)
        found[family] = checks.list_of(checks.one_of(*FACTORS))(f"{name}: {family}", factors)
        if not found[family]:
            raise ConfigError(f"{name}: {family}: has no factor")
    return found


def _signs(name: str, value: Any) -> dict[str, int]:
    """Factor to 1 or -1; nothing stands for none."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name}: {value!r} must map factors to 1 or -1")
    for factor, sign in value.items():
        checks.one_of(*FACTORS)(name, factor)
        if isinstance(sign, bool) or sign not in (1, -1):
            raise ConfigError(f"{name}: {factor}: {sign!r} must be 1 or -1")
    return {factor: int(sign) for factor, sign in value.items()}


@dataclass(frozen=True, kw_only=True)
class IndustrySettings:
    """Which factors are computed when, how, and whether they are tested.

    Every field is checked when the object is made: ConfigError names the parameter, its value and its limit.

    Time: `start` and `end` bound the grid; a value at a grid date reads rows dated or announced up to it. `test` and
    `weighting` icir read labels, which look ahead; the weights of a date read only labels that have ended by then.

    >>> IndustrySettings(factors=["momentum"]).grid
    'monthly'
    >>> IndustrySettings(factors=["momentum"], months=0)
    Traceback (most recent call last):
        ...
    fusion_factor.core.errors.ConfigError: months: 0 must be >= 1
    """

    factors: Annotated[tuple[str, ...], checks.list_of(checks.one_of(*FACTORS, COMPOSITE))]
    # which industries, when
    pool: Annotated[tuple[str, ...], checks.list_of(checks.text)] = ()
    strict_pool: Annotated[bool, checks.yes_or_no] = True
    grid: Annotated[str, checks.one_of(*SCHEDULES)] = "monthly"
    n: Annotated[int, checks.count()] = 5
    phase: Annotated[int, checks.count(0)] = 0
    signal_dates: Annotated[tuple[np.datetime64, ...], checks.list_of(checks.date)] = ()
    start: Annotated[np.datetime64 | None, checks.or_empty(checks.date)] = None
    end: Annotated[np.datetime64 | None, checks.or_empty(checks.date)] = None
    # momentum
    curve: Annotated[str, checks.one_of(*CURVES)] = "ln"
    window: Annotated[int, checks.count()] = 60
    method: Annotated[str, checks.one_of(*METHODS)] = "difference"
    degree: Annotated[int, checks.count(2)] = 3
    # crowding
    crowding_lookback: Annotated[int, checks.count()] = 250
    min_crowding: Annotated[int, checks.count()] = 60
    exclude_crowding: Annotated[str, checks.one_of(*EXCLUSIONS)] = "none"
    crowding_limit: Annotated[float, checks.share] = 0.8
    penalty: Annotated[float, checks.number] = 1.0
    # analysts and reports
    fy: Annotated[int, checks.count(1, 2)] = 2
    months: Annotated[int, checks.count()] = 3
    roll_month: Annotated[int, checks.count(1, 12)] = 5
    max_age: Annotated[int, checks.count()] = 180
    combine: Annotated[str, checks.one_of("sum", "mean", "median")] = "sum"
    min_members: Annotated[int, checks.count()] = 3
    max_report_age: Annotated[int, checks.count()] = 400
    # composite
    families: Annotated[Mapping[str, tuple[str, ...]], _families] = field(default_factory=dict)
    clip: Annotated[float, checks.above_zero] = 3.0
    signs: Annotated[Mapping[str, int], _signs] = field(default_factory=dict)
    min_families: Annotated[int, checks.count()] = 1
    weighting: Annotated[str, checks.one_of("equal", "icir")] = "equal"
    weight_months: Annotated[int, checks.count()] = 24
    min_weight_months: Annotated[int, checks.count()] = 12
    # test
    test: Annotated[bool, checks.yes_or_no] = False
    min_names: Annotated[int, checks.count()] = 10
    nw_lags: Annotated[int | None, checks.or_empty(checks.count(0))] = 0
    # known everywhere, but nothing here depends on it: annual figures count months
    annual_sessions: Annotated[int, checks.count()] = 252

    def __post_init__(self) -> None:
        checks.check_fields(self)
        if not self.factors:
            raise ConfigError(f"factors: empty, must name at least one of {', '.join((*FACTORS, COMPOSITE))}")
        if self.grid == "explicit" and not self.signal_dates:
            raise ConfigError(
                "signal_dates: empty, but grid explicit needs dates: no signal session between start and end"
            )
        check_window(self.method, self.window, self.degree)
        named = {*self.factors, *(factor for family in self.families.values() for factor in family)}
        if self.combine == "mean" and "cash_flow_to_profit" in named:
            raise ConfigError("combine: 'mean' does not go with cash_flow_to_profit, which needs sum or median")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From names and values, as a configuration file has them; an unknown name is refused."""
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(f"{name}: is no parameter; known are {', '.join(known)}")
        if given.get("factors") is None:
            raise ConfigError(f"factors: missing; a list of {', '.join((*FACTORS, COMPOSITE))}")
        return cls(**given)

    @property
    def all_families(self) -> dict[str, tuple[str, ...]]:
        """The families of the composite; without any, each factor is one."""
        return dict(self.families) or {name: (name,) for name in self.factors if name != COMPOSITE}

    @property
    def computed(self) -> tuple[str, ...]:
        """The factors that must be computed: the named ones, and with the composite those of its families."""
        named = [name for name in self.factors if name != COMPOSITE]
        if COMPOSITE in self.factors:
            named += [factor for family in self.all_families.values() for factor in family]
        return tuple(dict.fromkeys(named))
