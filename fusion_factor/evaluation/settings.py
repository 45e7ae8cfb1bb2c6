"""The parameters of a factor evaluation, checked once and then trusted (SEMANTICS 0, 1 and 8)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import LABELS, NEXT
from fusion_factor.core.sessions import SCHEDULES, parameter_date

NEUTRALISE = ("none", "industry", "size", "industry_size")
SWITCHES = ("by_year", "by_size", "by_industry")
DateLike = str | dt.date | np.datetime64
Horizon = int | Literal["next"]


@dataclass(frozen=True)
class EvaluationSettings:
    """Every parameter of `evaluate`, with its default; `evaluate` says what each means.

    Raises ConfigError, naming parameter and value, for anything outside of its choices.
    """

    horizon: Horizon = 5
    label: str = "close"
    label_lag: int = 0
    grid: str = "weekly"
    start: DateLike | None = None
    end: DateLike | None = None
    n: int = 5
    phase: int = 0
    signal_dates: Sequence[DateLike] | None = None
    min_names: int = 10
    universe: str | None = None
    neutralise: str = "none"
    nw_lags: int | None = None
    horizons: Sequence[int] = ()
    layers: int = 10
    by_year: bool = False
    by_size: bool = False
    by_industry: bool = False
    annual_sessions: int = 252

    def __post_init__(self) -> None:
        """Check every value and bring it into its one form (dates datetime64[D], lists tuples, empty None)."""
        self._put("horizon", self.horizon if self.horizon == NEXT else whole("horizon", self.horizon, 1))
        for name in ("n", "min_names", "layers", "annual_sessions"):
            self._put(name, whole(name, getattr(self, name), 1))
        for name in ("label_lag", "phase"):
            self._put(name, whole(name, getattr(self, name), 0))
        self._put("nw_lags", None if is_empty(self.nw_lags) else whole("nw_lags", self.nw_lags, 0))
        for name, choices in (("label", LABELS), ("grid", SCHEDULES), ("neutralise", NEUTRALISE)):
            one_of(name, getattr(self, name), choices)
        for name in SWITCHES:
            self._put(name, switch(name, getattr(self, name)))
        for name in ("start", "end"):
            value = getattr(self, name)
            self._put(name, None if is_empty(value) else parameter_date(name, value))
        self._put("universe", None if is_empty(self.universe) else text("universe", self.universe))
        self._put("horizons", tuple(whole("horizons", each, 1) for each in once("horizons", self.horizons)))
        self._check_dates()
        if self.label_lag and self.label != "close":
            raise ConfigError(f"label_lag {self.label_lag} goes with the label close, not with {self.label}")

    def _check_dates(self) -> None:
        dates = tuple(parameter_date("signal_dates", each) for each in listed("signal_dates", self.signal_dates))
        self._put("signal_dates", tuple(once("signal_dates", dates)) or None)
        if self.grid == "explicit" and self.signal_dates is None:
            raise ConfigError("signal_dates: the grid explicit needs a list of dates, got none")

    @property
    def words(self) -> str:
        """The label's return as people write it, T the date of the score.

        >>> EvaluationSettings(horizon=5, label_lag=1).words, EvaluationSettings(horizon=10, label="open").words
        ('T+1..T+6', 'open T+1..open T+11')
        >>> EvaluationSettings(horizon="next").words
        'T..next date'
        """
        price = "" if self.label == "close" else f"{self.label} "
        start = self.label_lag + (self.label != "close")
        first = f"{price}T+{start}" if start else f"{price}T"
        after = f"+{start}" if start else ""
        if self.horizon == NEXT:
            return f"{first}..{price}next date{after}"
        return f"{first}..{price}T+{start + self.horizon}"

    @property
    def rhythm(self) -> str:
        """How often there is a date.

        >>> EvaluationSettings(grid="every_n", n=5).rhythm, EvaluationSettings().rhythm
        ('every 5 sessions', 'weekly')
        """
        return f"every {self.n} sessions" if self.grid == "every_n" else self.grid

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "EvaluationSettings":
        """From a mapping of parameter names; a name that does not exist is refused."""
        known = [each.name for each in fields(cls)]
        for name, value in params.items():
            if name not in known:
                raise ConfigError(f"unknown parameter {name} = {value!r}; a factor evaluation knows {', '.join(known)}")
        return cls(**params)


def is_empty(value: Any) -> bool:
    """Whether a parameter was left empty."""
    return value is None or (isinstance(value, str) and not value)


def whole(name: str, value: Any, least: int) -> int:
    """An integer of at least `least`; true, 2.5 and "3" are none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < least:
        raise ConfigError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def one_of(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def switch(name: str, value: Any) -> bool:
    """True or false, and no number that stands for it."""
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(f"{name} must be true or false, got {value!r}")
    return bool(value)


def text(name: str, value: Any) -> str:
    """A text; a code written as a number has lost its zeros."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text, got {value!r}")
    return value


def listed(name: str, value: Any) -> list[Any]:
    """The items of a list; empty stands for none."""
    if is_empty(value):
        return []
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        raise ConfigError(f"{name} must be a list, got {value!r}")
    return list(value)


def once(name: str, value: Any) -> list[Any]:
    """The items of a list in which nothing is named twice."""
    items = listed(name, value)
    for position, item in enumerate(items):
        if item in items[:position]:
            raise ConfigError(f"{name}: {item} is there twice")
    return items
