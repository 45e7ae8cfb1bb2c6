"""Every parameter: its default, its limits, and a message that names it."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fusion_factor.backtest import Parameters
from fusion_factor.core.errors import ConfigError

WHOLE = ["top_k", "min_history", "n", "min_members", "smooth", "annual_sessions"]
WHOLE_FROM_0 = ["phase", "score_max_age", "buffer"]
SHARES = ["top_share", "min_coverage", "delist_haircut"]
WORDS = [
    "schedule",
    "score_transform",
    "aggregate",
    "underfill",
    "empty",
    "execute",
    "blocked",
    "cost_reading",
    "cost_model",
    "holding",
    "benchmark_kind",
]
SWITCHES = ["strict_pool", "require_price", "ascending"]

BAD: list[tuple[str, Any]] = [
    *((name, value) for name in WHOLE for value in (0, -1, 2.5, 3.0, True, "3", None, float("nan"), [1])),
    *((name, value) for name in WHOLE_FROM_0 for value in (-1, 0.5, 1.0, False, "0", None)),
    *((name, value) for name in SHARES for value in (-0.1, 1.1, "0.5", True, None, float("nan"), float("inf"))),
    *((name, value) for name in WORDS for value in ("", "unknown", None, 1, ["open"], True)),
    *((name, value) for name in SWITCHES for value in (0, 1, "true", None)),
    *((name, value) for name in ("cost_rate", "cost_buy", "cost_sell") for value in (-0.1, "0", True, float("inf"))),
    ("cost_rate", None),
    ("cost_rate", 1.0),
    ("cost_buy", 0.5),
    ("cost_sell", 0.7),
    ("pool", "801010"),
    ("pool", ["801010", "801010"]),
    ("pool", [801010]),
    ("pool", [""]),
    ("pool", {"801010": 1}),
    ("universe", 300),
    *((name, value) for name in ("start", "end") for value in ("2024-02-30", "2024/01/01", 20240101, "today")),
    ("signal_dates", ["2024-01-02", "2024-01-02"]),
    ("signal_dates", ["2024-01-32"]),
    ("signal_dates", "2024-01-02"),
    ("signal_dates", [None]),
    ("topk", 3),
    ("horizon", 5),
    ("kind", "rotation"),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=str)
def test_a_bad_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigError) as refusal:
        Parameters.of({"top_k": 3} | {name: value})
    message = str(refusal.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    if isinstance(value, str) and value:
        assert value in message or name == "kind" or "known" in message


def test_bad_dates_are_named_in_the_message() -> None:
    with pytest.raises(ConfigError, match="signal_dates: 2024-01-02 is there twice"):
        Parameters.of({"top_k": 1, "signal_dates": ["2024-01-02", "2024-01-03", "2024-01-02"]})


def test_every_parameter_is_tested() -> None:
    tested = {name for name, _ in BAD}
    assert tested >= {one.name for one in fields(Parameters)}


def test_what_must_be_given() -> None:
    with pytest.raises(ConfigError, match="top_k"):
        Parameters.of({})
    with pytest.raises(ConfigError, match="signal_dates"):
        Parameters.of({"top_k": 1, "schedule": "explicit"})


def test_defaults_are_the_published_ones() -> None:
    found = Parameters(top_k=10)
    assert (found.schedule, found.execute, found.aggregate, found.benchmark_kind) == (
        "weekly",
        "open",
        "mean",
        "pool_mean",
    )
    assert (found.buy_rate, found.sell_rate) == (0.0002, 0.0002)
    assert (found.min_coverage, found.top_share, found.annual_sessions) == (0.5, 0.3, 252)


def test_rates_per_side() -> None:
    each = Parameters(top_k=1, cost_rate=0.002, cost_reading="each_side", cost_sell=0.003)
    assert (each.buy_rate, each.sell_rate) == (0.002, 0.003)
    assert Parameters(top_k=1, cost_rate=0.98).sell_rate == 0.49
    with pytest.raises(ConfigError, match=r"cost_rate: 0.5 gives 0.5 per side"):
        Parameters(top_k=1, cost_rate=0.5, cost_reading="each_side")
    # a rate that is not used is not bound
    assert Parameters(top_k=1, cost_rate=5.0, cost_buy=0.0, cost_sell=0.49).sell_rate == 0.49
    with pytest.raises(ConfigError, match="cost_rate"):
        Parameters(top_k=1, cost_rate=5.0, cost_buy=0.0)


def test_empty_values_and_numbers_of_numpy_are_taken() -> None:
    found = Parameters.of(
        {
            "top_k": np.int64(3),
            "start": "",
            "end": None,
            "cost_buy": "",
            "universe": "",
            "pool": None,
            "min_coverage": 1,
        }
    )
    assert (found.top_k, found.start, found.end, found.cost_buy, found.universe, found.pool) == (3,) + (None,) * 4 + (
        (),
    )
    assert type(found.top_k) is int
    assert found.min_coverage == 1.0
