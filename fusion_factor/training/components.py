"""From a mapping with `_target_` to an object: how networks, inputs and losses are found by name."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from fusion_factor.core.errors import ConfigError

T = TypeVar("T")


def find_class(target: str, kind: type[T]) -> type[T]:
    """The class at a dotted path; ConfigError when it is not there or is no subclass of `kind`."""
    module_name, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"_target_ {target!r} cannot be imported: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, kind)):
        raise ConfigError(f"_target_ {target!r} must be a class derived from {kind.__name__}")
    return found


def build(spec: Mapping[str, Any], kind: type[T], *positional: Any, **more: Any) -> T:
    """An instance of the class that `spec["_target_"]` names, from the other entries of `spec` as arguments.

    Raises ConfigError for an unknown class or arguments that it does not take.
    """
    found = find_class(str(spec["_target_"]), kind)
    arguments = {key: value for key, value in spec.items() if key != "_target_"}
    try:
        inspect.signature(found).bind(*positional, **arguments, **more)
    except TypeError as error:
        raise ConfigError(f"{spec['_target_']}: {error}") from error
    return found(*positional, **arguments, **more)
