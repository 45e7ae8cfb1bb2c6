"""Every parameter of a rotation or stock portfolio, with its default and its limits (SEMANTICS 1 to 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Self

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.sessions import SCHEDULES

__all__ = ["Parameters"]

_LARGEST_RATE = 0.5


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What is decided when, from which scores, and how it is traded.

    Every field is checked when the object is made: ConfigError names the parameter, its value and its limit.

    Time: `start` and `end` bound the signal sessions; a signal reads tables dated up to its session, and is executed
    on the session after. `score_max_age` and `smooth` look back only.

    >>> Parameters(top_k=3).execute
    'open'
    >>> Parameters(top_k=0)
    Traceback (most recent call last):
        ...
    fusion_factor.core.errors.ConfigError: top_k: 0 must be >= 1
    """

    # what may be picked
    top_k: Annotated[int, checks.count()]
    pool: Annotated[tuple[str, ...], checks.list_of(checks.text)] = ()
    strict_pool: Annotated[bool, checks.yes_or_no] = True
    universe: Annotated[str | None, checks.or_empty(checks.text)] = None
    require_price: Annotated[bool, checks.yes_or_no] = True
    min_history: Annotated[int, checks.count()] = 1
    # when
    schedule: Annotated[str, checks.one_of(*SCHEDULES)] = "weekly"
    n: Annotated[int, checks.count()] = 5
    phase: Annotated[int, checks.count(0)] = 0
    signal_dates: Annotated[tuple[np.datetime64, ...], checks.list_of(checks.date)] = ()
    start: Annotated[np.datetime64 | None, checks.or_empty(checks.date)] = None
    end: Annotated[np.datetime64 | None, checks.or_empty(checks.date)] = None
    # from stock scores to index scores
    score_max_age: Annotated[int, checks.count(0)] = 0
    score_transform: Annotated[str, checks.one_of("none", "rank", "zscore")] = "none"
    aggregate: Annotated[str, checks.one_of("mean", "median", "weight", "cap", "top_mean")] = "mean"
    top_share: Annotated[float, checks.share] = 0.3
    min_members: Annotated[int, checks.count()] = 1
    min_coverage: Annotated[float, checks.share] = 0.5
    smooth: Annotated[int, checks.count()] = 1
    # picks
    ascending: Annotated[bool, checks.yes_or_no] = False
    buffer: Annotated[int, checks.count(0)] = 0
    underfill: Annotated[str, checks.one_of("equal", "cash", "skip")] = "equal"
    empty: Annotated[str, checks.one_of("keep", "cash")] = "keep"
    # execution
    execute: Annotated[str, checks.one_of("open", "close")] = "open"
    blocked: Annotated[str, checks.one_of("redistribute", "cash")] = "redistribute"
    cost_rate: Annotated[float, checks.number] = 0.0004
    cost_reading: Annotated[str, checks.one_of("round_trip", "each_side")] = "round_trip"
    cost_buy: Annotated[float | None, checks.or_empty(checks.rate)] = None
    cost_sell: Annotated[float | None, checks.or_empty(checks.rate)] = None
    cost_model: Annotated[str, checks.one_of("simple", "exact")] = "simple"
    # holding and measuring
    holding: Annotated[str, checks.one_of("drift", "daily_reset")] = "drift"
    delist_haircut: Annotated[float, checks.share] = 0.0
    benchmark_kind: Annotated[str, checks.one_of("pool_mean", "pool_held", "series", "cash")] = "pool_mean"
    annual_sessions: Annotated[int, checks.count()] = 252

    def __post_init__(self) -> None:
        checks.check_fields(self)
        if self.schedule == "explicit" and not self.signal_dates:
            raise ConfigError(
                "signal_dates: empty, but schedule explicit needs dates: no signal session between start and end"
            )
        self._check_rates()

    def _check_rates(self) -> None:
        """`cost_rate` is bound only where it is used: not when both sides have their own rate."""
        if self.cost_buy is None or self.cost_sell is None:
            checks.rate("cost_rate", self.cost_rate)
            if self._common_rate >= _LARGEST_RATE:
                limit = (
                    f"gives {self._common_rate:g} per side under {self.cost_reading}, must be below {_LARGEST_RATE:g}"
                )
                raise ConfigError(f"cost_rate: {self.cost_rate:g} {limit}")
        for name, value in (("cost_buy", self.cost_buy), ("cost_sell", self.cost_sell)):
            if value is not None and value >= _LARGEST_RATE:
                raise ConfigError(f"{name}: {value:g} must be below {_LARGEST_RATE:g}")

    @property
    def _common_rate(self) -> float:
        return self.cost_rate / 2 if self.cost_reading == "round_trip" else self.cost_rate

    @property
    def buy_rate(self) -> float:
        """Cost of a purchase as a fraction of its value."""
        return self._common_rate if self.cost_buy is None else self.cost_buy

    @property
    def sell_rate(self) -> float:
        """Cost of a sale as a fraction of its value."""
        return self._common_rate if self.cost_sell is None else self.cost_sell

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From names and values, as a configuration file has them; an unknown name is refused."""
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(f"{name}: is no parameter; known are {', '.join(known)}")
        if given.get("top_k") is None:
            raise ConfigError("top_k: missing; it has no default and must be an integer >= 1")
        return cls(**given)
