"""From a mapping with `_target_` to an object: how networks, inputs and losses are found by name."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
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


def class_paths(spec: Mapping[str, Any]) -> Iterator[str]:
    """The dotted paths of the classes that a mapping names, in itself and in the mappings in it."""
    for key, value in spec.items():
        if isinstance(value, Mapping):
            yield from class_paths(value)
        elif key in ("_target_", "encoder") and "." in str(value):
            yield str(value)


def build(spec: Mapping[str, Any], kind: type[T], *positional: Any, **more: Any) -> T:
    """An instance of the class that `spec["_target_"]` names, from the other entries of `spec` as arguments.

    Raises ConfigError for an unknown class, arguments that it does not take, or values that it refuses (ValueError).
    """
    found = find_class(str(spec["_target_"]), kind)
    arguments = {key: value for key, value in spec.items() if key != "_target_"}
    try:
        inspect.signature(found).bind(*positional, **arguments, **more)
    except TypeError as error:
        raise ConfigError(f"{spec['_target_']}: {error}") from error
    try:
        return found(*positional, **arguments, **more)
    except ValueError as error:
        raise ConfigError(f"{spec['_target_']}: {error}") from error
