"""The files of one strategy: the result's tables, what it earned and why, and how sure its figures are."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import Parameters, Result, years
from fusion_factor.core.artifacts import write_file
from fusion_factor.evaluation import block_bootstrap, block_length
from fusion_factor.stages.rotate_inputs import RotationInputs

DRAWS, LEVEL = 2000, 0.95
READINGS = ("none", "round_trip", "each_side")
_TABLES = ("nav", "signals", "executions", "holdings", "blocked", "contribution", "trades")
_FIGURES = ("annual_return", "annual_excess", "excess_sharpe", "excess_max_drawdown", "annual_cost")
_USUAL_RATE = 0.0004  # of METHOD 113, for strategies that are published without a cost


def write_strategy(folder: Path, result: Result, inputs: RotationInputs) -> None:
    """The tables of the result, and beside them parameters, years, intervals and the reading of costs."""
    folder.mkdir(parents=True)
    pool, params = inputs.pool, inputs.params
    for name in _TABLES:
        getattr(result, name).to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    years(result.nav).to_csv(folder / "years.csv", index=False)
    cost_readings(inputs).to_csv(folder / "readings.csv", index=False)
    write_json(folder / "metrics.json", result.metrics)
    write_json(folder / "params.json", {"pool": pool.name, **params})
    write_json(folder / "implied.json", implied(result.metrics))
    write_json(folder / "interval.json", intervals(result, params))
    if pool.names:
        named = pd.DataFrame({"code": list(pool.names), "name": list(pool.names.values())})
        named[named["code"].isin(pool.index_prices["code"])].to_csv(folder / "names.csv", index=False)
    if pool.note:
        write_file(folder / "note.txt", pool.note + "\n")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One JSON file; what is not finite is null."""
    write_file(path, json.dumps(_plain(content), indent=1, default=str) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cost_readings(inputs: RotationInputs) -> pd.DataFrame:
    """The strategy without costs and under both readings of its rate (of the usual one where it has none)."""
    rate = inputs.params.get("cost_rate") or _USUAL_RATE
    rows = []
    for reading in READINGS:
        given = {"cost_rate": 0.0} if reading == "none" else {"cost_rate": rate, "cost_reading": reading}
        found = inputs.data.run(**{**inputs.params, "cost_buy": None, "cost_sell": None, **given}).metrics
        rows.append({"reading": reading, "cost_rate": given["cost_rate"], **{name: found[name] for name in _FIGURES}})
    return pd.DataFrame(rows)


def implied(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Annual return of the benchmark that annual return and annual excess imply (METHOD 3.4)."""
    annual, excess = metrics["annual_return"], metrics["annual_excess"]
    known = annual is not None and excess is not None and excess > -1
    benchmark = (1 + annual) / (1 + excess) - 1 if known else None
    return {"start": metrics["base"], "end": metrics["end"], "benchmark_annual": benchmark}


def intervals(result: Result, params: Mapping[str, Any]) -> dict[str, Any]:
    """Confidence intervals of annual excess and annual return, by one block of sessions."""
    block = block_length(result.path.excess)
    paths = {"annual_excess": result.path.excess, "annual_return": result.path.returns}
    found = {name: annual_interval(path, result.metrics[name], params, block) for name, path in paths.items()}
    return {**found, "level": LEVEL, "draws": DRAWS, "block": block}


def annual_interval(
    returns: np.ndarray, value: float | None, params: Mapping[str, Any], block: int, draws: int = DRAWS
) -> dict[str, Any]:
    """An annual rate with the interval that resampled blocks of its session returns give; null after a total loss.

    The rate rises with the mean log return, so that the interval of the one is that of the other.
    """
    if value is None or not len(returns) or (returns <= -1).any():
        return {"value": value, "low": None, "high": None}
    found = block_bootstrap(np.log1p(returns), block=block, draws=draws, level=LEVEL)
    year = params.get("annual_sessions", Parameters.annual_sessions)
    return {"value": value, "low": math.expm1(year * found.low), "high": math.expm1(year * found.high)}
