"""The rotate stage: its variants are refused before anything runs, and its files say what they should."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from chain import settings_of

from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import deflated_sharpe
from fusion_factor.pipeline import check_settings
from fusion_factor.stages.rotate_inputs import known_parameters
from fusion_factor.stages.rotate_judgement import overfitting
from fusion_factor.stages.rotate_variants import CHOSEN, variants

STRATEGIES = ("theme", "concept", "industry")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+rotate.variants.topk=[3]", "rotate.variants.topk cannot be varied top_k"),
        ("+rotate.variants.start=['2020-01-03']", "rotate.variants.start cannot be varied"),
        ("rotate.variants.top_k=[5,0]", "rotate.variants.top_k 0 must be >= 1"),
        ("rotate.variants.aggregate=[mean,avg]", "rotate.variants.aggregate avg one of"),
        ("rotate.variants.smooth=4", "rotate.variants.smooth 4 list"),
        ("rotate.combine=some", "rotate.combine some one, all"),
        ("+rotate.variant={top_k:[3]}", "rotate.variant no parameter variants"),
    ],
)
def test_a_bad_variant_is_refused_in_one_line(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        check_settings(settings_of(tmp_path, override))
    message = str(refusal.value)
    assert all(word in message for word in words.split())
    assert "\n" not in message


def names_of(tmp_path: Path, strategy: str, *overrides: str, weights: bool = True) -> list[str]:
    """The variants of a strategy, on a pool with caps and perhaps weights."""
    options = settings_of(tmp_path, *overrides).raw["rotate"]
    params = known_parameters(options["strategies"][strategy])

    def with_aggregate(given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "aggregate": "cap"} if given["aggregate"] == "weight" and not weights else given

    inputs: Any = SimpleNamespace(
        params=with_aggregate(params), with_aggregate=with_aggregate, can_run=lambda given: True
    )
    return list(variants(inputs, options))


def test_one_parameter_at_a_time(tmp_path: Path) -> None:
    found = names_of(tmp_path, "theme")
    assert found[:4] == [CHOSEN, "aggregate=mean", "aggregate=median", "aggregate=cap"]
    assert {"top_k=5", "buffer=5", "cost_reading=each_side", "execute=close"} <= set(found)
    assert "execute=open" not in found
    assert len(found) == 13
    # without weights the configured aggregate is cap, and no variant of its own
    assert "aggregate=cap" not in names_of(tmp_path, "theme", weights=False)


def test_the_sweep_is_a_full_grid(tmp_path: Path) -> None:
    found = names_of(tmp_path, "theme", "rotate=sweep", "rotate.strategies.theme.top_k=10")
    # 3 x 4 x 2 x 2 x 2 x 2 settings, and the configured one, whose aggregate is none of them
    assert len(found) == 193
    assert "aggregate=mean, top_k=20, smooth=3, buffer=5, cost_reading=each_side, execute=close" in found
    check_settings(settings_of(tmp_path, "rotate=sweep"))


def test_a_variant_without_a_spread_was_tried_as_well() -> None:
    rng = np.random.default_rng(4)
    paths = {CHOSEN: rng.normal(0.0002, 0.01, 400), "top_k=99": np.zeros(400), "smooth=2": rng.normal(0, 0.01, 390)}
    about = overfitting(pd.DataFrame({"variant": list(paths)}), paths)
    sharpe = [path.mean() / path.std(ddof=1) if path.any() else 0.0 for path in paths.values()]
    assert about["count"] == 3
    assert about["best_sharpe"] == max(sharpe)
    assert about["expected_maximum"] == deflated_sharpe(paths[CHOSEN], sharpe).expected_maximum > 0
    assert 0.0 <= about["overfitting_probability"] <= 1.0


def test_too_short_or_alone_is_null_and_not_an_error() -> None:
    alone = overfitting(pd.DataFrame({"variant": [CHOSEN]}), {CHOSEN: np.array([0.01, -0.01, 0.02])})
    assert alone["overfitting_probability"] is None
    assert alone["expected_maximum"] == 0.0
    empty = overfitting(pd.DataFrame({"variant": [CHOSEN, "a"]}), {CHOSEN: np.empty(0), "a": np.empty(0)})
    assert empty["overfitting_probability"] is None
    assert np.isnan(empty["best_deflated_probability"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_files_of_a_strategy(tiny_run: Path, strategy: str) -> None:
    folder = tiny_run / "rotate" / strategy
    tables = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}
    content = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    metrics = content["metrics"]

    earned = tables["contribution"]
    assert earned["code"].iloc[-1] == "COST"
    assert earned["value"].sum() == pytest.approx(metrics["total_return"], abs=1e-12)
    assert tables["blocked"].columns.tolist() == ["execution", "code", "side", "reason"]
    trades = tables["trades"]
    assert trades["signal"].nunique() == 1
    assert trades["trade"].to_numpy() == pytest.approx((trades["target"] - trades["held"]).to_numpy(), abs=1e-15)
    assert (trades["target"] > 0).sum() == content["params"]["top_k"]

    readings = tables["readings"].set_index("reading")
    assert readings.index.tolist() == ["none", "round_trip", "each_side"]
    assert readings.loc["none", "annual_cost"] == 0.0
    assert readings.loc["each_side", "annual_cost"] == pytest.approx(
        2 * readings.loc["round_trip", "annual_cost"], rel=1e-3
    )
    assert readings["annual_return"].is_monotonic_decreasing

    table, about = tables["variants"], content["variants"]
    assert about["count"] == len(table) > 10
    assert table["chosen"].tolist() == [1] + [0] * (len(table) - 1)
    for name in ("annual_return", "annual_excess", "excess_sharpe", "mean_turnover", "annual_cost"):
        assert table[name].iloc[0] == metrics[name]
    assert ((table["low"] <= table["annual_excess"]) & (table["annual_excess"] <= table["high"])).all()
    assert about["best"] in set(table["variant"])
    assert 0.0 <= about["best_deflated_probability"] <= 1.0
    assert 0.0 <= about["overfitting_probability"] <= 1.0

    benchmark = tables["nav"]["benchmark"].iloc[-1] ** (252 / metrics["sessions"]) - 1
    assert content["implied"]["benchmark_annual"] == pytest.approx(benchmark, abs=1e-12)
    interval = content["interval"]["annual_excess"]
    assert interval["low"] <= interval["value"] == metrics["annual_excess"] <= interval["high"]
