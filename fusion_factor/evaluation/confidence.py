"""Confidence intervals of an evaluation's two figures that everybody quotes: RankIC and excess of the best layer."""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.factor_evaluation import FactorEvaluation
from fusion_factor.evaluation.intervals import Interval, block_bootstrap, block_length
from fusion_factor.evaluation.paths import top_growth


def figure_intervals(
    evaluation: FactorEvaluation, *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Block-bootstrap intervals over the grid dates.

    Args:
        evaluation: what `evaluate` returned.
        draws, level, seed: as for `block_bootstrap`. Blocks are `block_length` long, and no shorter than a label.

    Returns: figure, value, low, high, level, draws, block (grid dates). One row `rank_ic`: mean RankIC; and one
        `top_excess`: the yearly rate `top_excess_annual`. A figure that the evaluation does not have has no row.
    Raises: ConfigError as `block_bootstrap` does.
    """
    choices: dict[str, Any] = {"draws": draws, "level": level, "seed": seed}
    rows = []
    rank_ic = evaluation.ic["rank_ic"].dropna().to_numpy()
    if len(rank_ic):
        block = _block(rank_ic, evaluation.reach)
        rows.append(_row("rank_ic", block_bootstrap(rank_ic, block=block, **choices), block, choices))
    if evaluation.metrics["top_excess_annual"] is not None:
        growth = top_growth(evaluation)
        span = evaluation.spans.set_index("date")["span"].reindex(growth.index).mean()
        if (growth > 0).all():
            rate = np.log(growth.to_numpy()) * evaluation.settings.annual_sessions / span
            block = _block(rate, evaluation.reach)
            # The rate compounds: its logarithm is a mean, and draws keep their order under the exponential.
            ends = block_bootstrap(rate, block=block, **choices)
            rows.append(_row("top_excess", Interval(*np.expm1(ends).tolist()), block, choices))
    return pd.DataFrame(rows, columns=["figure", *Interval._fields, "level", "draws", "block"])


def _block(values: FloatArray, reach: int) -> int:
    return min(max(block_length(values), reach), len(values))


def _row(figure: str, interval: Interval, block: int, choices: dict[str, Any]) -> dict[str, Any]:
    return {
        "figure": figure,
        **interval._asdict(),
        "level": choices["level"],
        "draws": choices["draws"],
        "block": block,
    }
