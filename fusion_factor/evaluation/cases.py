"""The case kind `factor_eval` (SEMANTICS 11): parameters and tables in, the three result files out."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.evaluation.factor_evaluation import evaluate_sample
from fusion_factor.evaluation.prices import PriceBook
from fusion_factor.evaluation.sample import draw_sample
from fusion_factor.evaluation.settings import EvaluationSettings

REQUIRED = ("sessions", "scores", "stock_prices")
Files = dict[str, pd.DataFrame | dict[str, Any]]


def factor_eval(params: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Files:
    """Evaluate the case's scores.

    Args:
        params: the parameters of `evaluate` by name; a key `kind`, if there, must be factor_eval.
        tables: sessions, scores, stock_prices; optional members, industry, caps. Others are left aside.

    Returns: ic.csv and layers.csv as DataFrames, metrics.json as a dict with None for missing.
    Raises: ConfigError for a parameter, DataError for a table.
    """
    params = dict(params)
    kind = params.pop("kind", "factor_eval")
    if kind != "factor_eval":
        raise ConfigError(f"kind must be factor_eval here, got {kind!r}")
    settings = EvaluationSettings.of(params)
    for name in REQUIRED:
        if name not in tables:
            raise DataError(f"{name}: the table is not there, but factor_eval needs it")
    result = evaluate_sample(
        draw_sample(tables["scores"], PriceBook.of(tables["stock_prices"], tables["sessions"]), settings, tables)
    )
    return {"ic.csv": result.ic, "layers.csv": result.layers, "metrics.json": result.metrics}


CASE_KINDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, pd.DataFrame]], Files]] = {"factor_eval": factor_eval}
