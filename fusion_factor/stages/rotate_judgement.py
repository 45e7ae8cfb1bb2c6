"""The variants of one strategy, judged together with their number: the best of many is no result."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import Result
from fusion_factor.core.progress import Progress
from fusion_factor.evaluation import DeflatedSharpe, backtest_overfitting, block_length, deflated_sharpe
from fusion_factor.stages.rotate_files import annual_interval, write_json
from fusion_factor.stages.rotate_inputs import RotationInputs
from fusion_factor.stages.rotate_variants import CHOSEN, variants

_DRAWS = 1000
_BLOCKS = 16
_NOTE = (
    "The variants resemble each other, so the expected maximum is too large rather than too small; variants that were "
    "tried elsewhere are not counted."
)


def write_variants(folder: Path, chosen: Result, inputs: RotationInputs, options: Mapping[str, Any]) -> None:
    """`variants.csv` and `variants.json`; every variant runs on the same prepared data."""
    settings = variants(inputs, options)
    block, varied = block_length(chosen.path.excess), list(options.get("variants") or {})
    rows, excess = [], {}
    with Progress(f"variants of {folder.name}", len(settings), unit="variant") as progress:
        for name, params in settings.items():
            result = inputs.data.run(**params)
            excess[name] = result.path.excess
            rows.append(_row(name, params, result, block, varied))
            progress.step()
    table = pd.DataFrame(rows)
    table.to_csv(folder / "variants.csv", index=False)
    write_json(folder / "variants.json", {**overfitting(table, excess), "combine": options.get("combine", "one")})


def _row(name: str, params: Mapping[str, Any], result: Result, block: int, varied: Sequence[str]) -> dict[str, Any]:
    metrics = result.metrics
    interval = annual_interval(result.path.excess, metrics["annual_excess"], params, block, _DRAWS)
    return {
        "variant": name,
        "chosen": int(name == CHOSEN),
        **{parameter: params[parameter] for parameter in varied},
        "annual_return": metrics["annual_return"],
        "annual_excess": metrics["annual_excess"],
        "low": interval["low"],
        "high": interval["high"],
        **{
            figure: metrics[figure]
            for figure in ("excess_sharpe", "excess_max_drawdown", "mean_turnover", "annual_cost")
        },
    }


def overfitting(table: pd.DataFrame, excess: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """How much of the best variant's excess Sharpe ratio luck alone would give among so many.

    Sharpe ratios are those of session excess returns, mean / std, not annualised, 0 without a spread (a variant that
    holds the whole pool was tried as well); all variants end at the same session.
    """
    sharpe = {name: _sharpe(returns) for name, returns in excess.items()}
    best = max(sharpe, key=lambda name: (sharpe[name], name == CHOSEN))
    common = min(len(returns) for returns in excess.values())
    probability = None
    if len(excess) > 1 and common >= 2 * _BLOCKS:
        returns_tv = np.column_stack([returns[len(returns) - common :] for returns in excess.values()])
        probability = backtest_overfitting(returns_tv, blocks=_BLOCKS).probability
    nothing = DeflatedSharpe(np.nan, np.nan, np.nan)
    deflated = deflated_sharpe(excess[best], list(sharpe.values())) if len(excess[best]) > 1 else nothing
    return {
        "count": len(table),
        "best": best,
        "best_deflated_probability": deflated.probability,
        "best_sharpe": deflated.sharpe,
        "expected_maximum": deflated.expected_maximum,
        "overfitting_probability": probability,
        "note": _NOTE,
    }


def _sharpe(returns: np.ndarray) -> float:
    std = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return float(returns.mean()) / std if std > 1e-12 else 0.0
