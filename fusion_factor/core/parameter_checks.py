"""Checks of single parameters: each returns the value in its own form, or refuses it by name, value and limit."""

import dataclasses
import math
import numbers
from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.sessions import parameter_date

Check = Callable[[str, Any], Any]


def one_of(*choices: str) -> Check:
    """One of the given words."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ConfigError(f"{name}: {value!r} must be one of {', '.join(choices)}")
        return value

    return check


def count(at_least: int = 1, at_most: int | None = None) -> Check:
    """An integer within its bounds; neither a boolean nor 3.0 is one."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ConfigError(f"{name}: {value!r} must be an integer >= {at_least}")
        number = int(value)
        if number < at_least:
            raise ConfigError(f"{name}: {number} must be >= {at_least}")
        if at_most is not None and number > at_most:
            raise ConfigError(f"{name}: {number} must be <= {at_most}")
        return number

    return check


def number(name: str, value: Any) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ConfigError(f"{name}: {value!r} must be a finite number")
    return float(value)


def share(name: str, value: Any) -> float:
    """A number in [0, 1]."""
    result = number(name, value)
    if not 0.0 <= result <= 1.0:
        raise ConfigError(f"{name}: {value!r} must be in [0, 1]")
    return result


def above_zero(name: str, value: Any) -> float:
    """A finite number > 0."""
    result = number(name, value)
    if result <= 0.0:
        raise ConfigError(f"{name}: {value!r} must be > 0")
    return result


def rate(name: str, value: Any) -> float:
    """A finite number >= 0."""
    result = number(name, value)
    if result < 0.0:
        raise ConfigError(f"{name}: {value!r} must be >= 0")
    return result


def yes_or_no(name: str, value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name}: {value!r} must be true or false")
    return value


def or_empty(inner: Check) -> Check:
    """Nothing (None or empty text) or what the inner check accepts."""

    def check(name: str, value: Any) -> Any:
        return None if value is None or value == "" else inner(name, value)

    return check


def text(name: str, value: Any) -> str:
    """A non-empty text."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{name}: {value!r} must be text")
    return value


def list_of(inner: Check) -> Check:
    """A list of distinct values; nothing counts as the empty list."""

    def check(name: str, value: Any) -> tuple[Any, ...]:
        if value is None:
            return ()
        if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__"):
            raise ConfigError(f"{name}: {value!r} must be a list")
        items = tuple(inner(name, item) for item in value)
        if len(set(items)) < len(items):
            twice = next(item for i, item in enumerate(items) if item in items[:i])
            raise ConfigError(f"{name}: {twice} is there twice")
        return items

    return check


date: Check = parameter_date


def check_fields(parameters: Any) -> None:
    """Run the check in each field's annotation (`Annotated[type, check]`) and keep what it returns.

    For the `__post_init__` of a frozen dataclass. Raises ConfigError naming the field, its value and its limit.
    """
    for name, check in _annotated(parameters.__class__).items():
        object.__setattr__(parameters, name, check(name, getattr(parameters, name)))


@cache
def _annotated(kind: Any) -> dict[str, Check]:
    """Field name to the check in its annotation."""
    hints = get_type_hints(kind, include_extras=True)
    return {one.name: hints[one.name].__metadata__[0] for one in dataclasses.fields(kind)}
