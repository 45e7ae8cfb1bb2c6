"""Search spaces: what is refused, and that override texts mean what they say."""

import math
import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from fusion_factor.core.errors import ConfigError
from fusion_factor.training.search_space import Choice, FloatRange, IntRange, override_text, read_space


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (3, "must be a mapping"),
        ({"low": 1}, "must be a mapping with type"),
        ({"type": "real", "low": 0, "high": 1}, "must be one of float, int, choice"),
        ({"type": "float", "low": 1.0, "high": 0.5}, "low 1.0 must be below high 0.5"),
        ({"type": "float", "low": 0.0, "high": 1.0, "log": True}, "must be > 0 with log"),
        ({"type": "float", "low": 0.1, "high": 1.0, "log": True, "step": 0.1}, "together with log"),
        ({"type": "float", "low": 0.0, "high": 1.0, "step": 0.3}, "multiple of step"),
        ({"type": "float", "low": "a", "high": 1.0}, "low 'a' must be a number"),
        ({"type": "float", "high": 1.0}, "low None must be a number"),
        ({"type": "float", "low": 0.0, "high": math.inf}, "finite"),
        ({"type": "float", "low": 0.0, "high": 1.0, "logarithmic": True}, "logarithmic is unknown"),
        ({"type": "float", "low": 0.1, "high": 1.0, "log": "yes"}, "log 'yes'"),
        ({"type": "int", "low": 1, "high": 2.5}, "high 2.5 must be an integer"),
        ({"type": "int", "low": True, "high": 3}, "low True must be an integer"),
        ({"type": "int", "low": 1, "high": 4, "step": 2}, "multiple of step"),
        ({"type": "choice", "values": []}, "at least one value"),
        ({"type": "choice", "values": [1, 1]}, "differ"),
        ({"type": "choice", "values": "abc"}, "must be a list"),
        ({"type": "choice", "low": 1, "values": [1]}, "low is unknown"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_path(spec: object, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"sweep\.space\.a\.b: .*{re.escape(told)}"):
        read_space({"a.b": spec})


def test_an_empty_space_and_a_path_that_is_none_are_refused() -> None:
    with pytest.raises(ConfigError, match="is empty"):
        read_space({})
    with pytest.raises(ConfigError, match="no path"):
        read_space({"a b=": {"type": "choice", "values": [1]}})


def test_parameters_are_read() -> None:
    space = read_space(
        {
            "++x": {"type": "float", "low": 0, "high": 1, "step": 0.25},
            "y": {"type": "int", "low": 10, "high": 60, "step": 10},
            "network@networks.lf": {"type": "choice", "values": ["lf", "lstm"]},
        }
    )
    assert space == {
        "++x": FloatRange(0.0, 1.0, False, 0.25),
        "y": IntRange(10, 60, False, 10),
        "network@networks.lf": Choice(("lf", "lstm")),
    }
    assert space["y"].corners() == ["10", "60"]


@pytest.mark.parametrize(
    "value",
    [
        0.005,
        1e-05,
        1e22,
        -3,
        True,
        None,
        "plain",
        "a b",
        "it's",
        "null",
        "nan",
        "1",
        "",
        [1, [2.5, "x y"]],
        {"k": [True, None]},
    ],
)
def test_an_override_text_is_read_back_as_the_value(value: object) -> None:
    (override,) = OverridesParser.create().parse_overrides([f"a.b={override_text(value)}"])
    found = override.value()
    assert found == value
    assert type(found) is type(value)
