"""Search spaces as data: for each path of the configuration what it may be, and how that is said as an override."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusion_factor.core.errors import ConfigError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS_WITH_MEANING = ("null", "true", "false", "nan", "inf")
_PATH = re.compile(r"(\+\+?)?[A-Za-z_][A-Za-z0-9_./@-]*")


@dataclass(frozen=True)
class FloatRange:
    """Any number from low to high, both included; `log`: equal ratios are equally likely; `step`: only every step."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def corners(self) -> list[str]:
        """The override texts of the ends."""
        return [override_text(self.low), override_text(self.high)]

    def suggest(self, trial: Any, path: str) -> str:
        """Let an Optuna trial draw a value; its override text."""
        return override_text(trial.suggest_float(path, self.low, self.high, log=self.log, step=self.step))


@dataclass(frozen=True)
class IntRange:
    """Any integer from low to high, both included, in steps; see FloatRange for `log`."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def corners(self) -> list[str]:
        """The override texts of the ends."""
        return [override_text(self.low), override_text(self.high)]

    def suggest(self, trial: Any, path: str) -> str:
        """Let an Optuna trial draw a value; its override text."""
        return override_text(trial.suggest_int(path, self.low, self.high, log=self.log, step=self.step))


@dataclass(frozen=True)
class Choice:
    """One of several values of any kind, here as their override texts."""

    texts: tuple[str, ...]

    def corners(self) -> list[str]:
        """All of them."""
        return list(self.texts)

    def suggest(self, trial: Any, path: str) -> str:
        """Let an Optuna trial draw a value; its override text."""
        return str(trial.suggest_categorical(path, self.texts))


Parameter = FloatRange | IntRange | Choice
Space = Mapping[str, Parameter]


def read_space(given: Mapping[str, Any]) -> dict[str, Parameter]:
    """The typed search space.

    Args:
        given: path of the configuration (as in an override, `+` and `++` too) to one of
            {type: float, low, high, log, step}, {type: int, low, high, log, step}, {type: choice, values: [...]}.

    Raises: ConfigError that names the path, for an empty space, an unknown type or key, and bounds that make no sense.

    >>> read_space({"train.fit.learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}})
    {'train.fit.learning_rate': FloatRange(low=0.0001, high=0.01, log=True, step=None)}
    """
    if not given:
        raise ConfigError("sweep.space: is empty, at least one path is needed (sweep=NAME takes a ready one)")
    return {path: _parameter(path, spec) for path, spec in given.items()}


def override_text(value: Any) -> str:
    """A plain value as the right side of a Hydra override.

    >>> override_text([1, None, "a b", {"k": True}])
    "[1,null,'a b',{k:true}]"
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{override_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(override_text, value)) + "]"
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_WITH_MEANING:
            return value
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)


def _parameter(path: str, spec: Any) -> Parameter:
    name = f"sweep.space.{path}"
    if not _PATH.fullmatch(path):
        raise ConfigError(f"{name}: is no path of the configuration")
    if not isinstance(spec, Mapping) or "type" not in spec:
        raise ConfigError(f"{name}: {spec!r} must be a mapping with type: float, int or choice")
    kind, rest = spec["type"], {key: value for key, value in spec.items() if key != "type"}
    if kind == "choice":
        return _choice(name, rest)
    if kind not in ("float", "int"):
        raise ConfigError(f"{name}: type {kind!r} must be one of float, int, choice")
    return _range(name, kind, rest)


def _choice(name: str, spec: Mapping[str, Any]) -> Choice:
    _known(name, spec, ("values",))
    values = spec.get("values")
    if not isinstance(values, list) or not values:
        raise ConfigError(f"{name}: values {values!r} must be a list with at least one value")
    texts = tuple(override_text(value) for value in values)
    if len(set(texts)) != len(texts):
        raise ConfigError(f"{name}: values {values!r} must differ from each other")
    return Choice(texts)


def _range(name: str, kind: str, spec: Mapping[str, Any]) -> FloatRange | IntRange:
    _known(name, spec, ("low", "high", "log", "step"))
    numbers = {}
    for key in ("low", "high", "step"):
        value = spec.get(key)
        if value is None and key == "step":
            continue
        if isinstance(value, bool) or not isinstance(value, int if kind == "int" else int | float):
            raise ConfigError(f"{name}: {key} {value!r} must be {'an integer' if kind == 'int' else 'a number'}")
        if not math.isfinite(value):
            raise ConfigError(f"{name}: {key} {value!r} must be finite")
        numbers[key] = value
    low, high, step, log = numbers["low"], numbers["high"], numbers.get("step"), spec.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{name}: log {log!r} must be true or false")
    if low >= high:
        raise ConfigError(f"{name}: low {low} must be below high {high}")
    if log and low <= 0:
        raise ConfigError(f"{name}: low {low} must be > 0 with log")
    if step is not None and (step <= 0 or log):
        raise ConfigError(f"{name}: step {step} must be > 0, and cannot be had together with log")
    if step is not None and not _is_whole((high - low) / step):
        raise ConfigError(f"{name}: high {high} is not low {low} plus a multiple of step {step}")
    if kind == "int":
        return IntRange(int(low), int(high), log, int(step or 1))
    return FloatRange(float(low), float(high), log, None if step is None else float(step))


def _is_whole(ratio: float) -> bool:
    return abs(ratio - round(ratio)) < 1e-9 * max(1.0, abs(ratio))


def _known(name: str, spec: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for key in spec:
        if key not in names:
            raise ConfigError(f"{name}: {key} is unknown (known: type, {', '.join(names)})")
