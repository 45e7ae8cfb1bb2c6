"""The node `evaluate` is refused before anything runs, with one line that names the key."""

from pathlib import Path
from typing import Any

import pytest
from chain import settings_of

from fusion_factor.core.errors import ConfigError
from fusion_factor.stages.evaluate import check
from fusion_factor.stages.evaluate_options import EvaluateOptions


@pytest.fixture
def node(tmp_path: Path) -> dict[str, Any]:
    """The node as shipped."""
    return dict(settings_of(tmp_path).raw["evaluate"])


def test_the_shipped_readings(node: dict[str, Any]) -> None:
    readings = EvaluateOptions.of(node).readings
    assert [(each.reading, each.label) for each in readings] == [
        *((reading, "close lag 1") for reading in ("raw", "industry", "size", "industry_size")),
        *((reading, label) for reading in ("raw", "industry_size") for label in ("close", "open", "vwap")),
    ]
    assert readings[0].params == {**node["published"], "min_names": node["min_names"], "universe": None}
    assert readings[5].params["label_lag"] == 0


def test_each_reading_is_repeated_for_each_universe(node: dict[str, Any]) -> None:
    node |= {"readings": [{}, {"neutralise": "size", "horizon": 20}], "universes": ["000300.SH", "BK1"]}
    words = [each.words for each in EvaluateOptions.of(node).readings]
    assert words == [
        *("raw, close lag 1", "raw, close lag 1, 000300.SH", "raw, close lag 1, BK1"),
        *(f"size horizon=20, close lag 1{code}" for code in ("", ", 000300.SH", ", BK1")),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"typo": 1}, "evaluate.typo: is no parameter"),
        ({"min_names": 0}, "evaluate: min_names must be an integer >= 1, got 0"),
        ({"published": 5}, "evaluate.published: must be a mapping of parameters, got 5"),
        ({"published": {"horizn": 5}}, "evaluate.published: unknown parameter horizn"),
        ({"published": {"start": "2020-01-01"}}, "evaluate.published.start: cannot be set here"),
        ({"trained": {"label": "high"}}, "evaluate.trained: label must be one of"),
        ({"horizons": [5, 5]}, "evaluate: horizons: 5 is there twice"),
        ({"horizons": [0]}, "evaluate: horizons must be an integer >= 1, got 0"),
        ({"split_min_names": 2.5}, "evaluate.split_min_names must be an integer >= 1, got 2.5"),
        ({"intervals": {"draw": 5}}, "evaluate.intervals.draw: is no parameter"),
        ({"intervals": {"draws": 0}}, "evaluate.intervals: draws must be at least 1"),
        ({"intervals": {"draws": "many"}}, "evaluate.intervals.draws: must be an integer, got 'many'"),
        ({"intervals": {"level": 95}}, "evaluate.intervals: draws must be at least 1 and level between 0 and 1"),
        ({"intervals": {"level": None}}, "evaluate.intervals.level: must be a number, got None"),
        ({"readings": {"neutralise": "size"}}, "evaluate.readings: must be a list"),
        ({"readings": ["size"]}, r"evaluate.readings\[0\]: must be a mapping of parameters, got 'size'"),
        ({"readings": [{}, {"neutralise": "beta"}]}, r"evaluate.readings\[1\]: neutralise must be one of"),
        ({"readings": [{"label": "open", "label_lag": 1}]}, r"evaluate.readings\[0\]: label_lag 1 goes with"),
        ({"readings": [{"min_names": 5}]}, r"evaluate.readings\[0\].min_names: cannot be set here"),
        ({"readings": [{"universe": "x"}]}, r"evaluate.readings\[0\].universe: cannot be set here"),
        ({"readings": [{}, {"neutralise": "none"}]}, r"evaluate.readings\[1\]: raw, close lag 1 is there twice"),
        ({"universes": "000300.SH"}, "evaluate.universes: must be a list, got '000300.SH'"),
        ({"universes": [300]}, "evaluate.universes: must be codes as text, got 300"),
        ({"universes": ["a", "a"]}, "evaluate.universes: a is there twice"),
    ],
)
def test_wrong_keys_and_values(node: dict[str, Any], change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        EvaluateOptions.of(node | change)
    assert "\n" not in str(refused.value)


def test_overrides_of_the_command_line_arrive(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "evaluate.readings=[{label:vwap,neutralise:size}]", "evaluate.universes=[A]")
    assert [each.words for each in check(settings).readings] == ["size, vwap", "size, vwap, A"]
    with pytest.raises(ConfigError, match="no_such"):
        check(settings_of(tmp_path, "+evaluate.no_such=1"))
