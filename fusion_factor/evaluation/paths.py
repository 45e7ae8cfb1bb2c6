"""What a reader draws or quotes: NAV of layers, cumulative RankIC, monthly hit, two-sided turnover."""

import math

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation.factor_evaluation import FactorEvaluation
from fusion_factor.evaluation.statistics import ZERO_STD

ALL_NAMES = "all"


def layer_nav(evaluation: FactorEvaluation) -> pd.DataFrame:
    """NAV of each layer held from label to label: the running product of 1 + layer return, without cost.

    Returns: one row per counted date, index `date` (the NAV is the one reached at the end of that date's label),
        columns 1..L and "all" (equal weight of all names of the date). An empty layer earns nothing.
    Raises: ConfigError where labels overlap as a rule, for then a product counts the same sessions twice.
    """
    if evaluation.spans["overlapping"].any():
        raise ConfigError(
            "horizon is longer than the grid's gap (or there is a single date): returns cannot be chained"
        )
    table = evaluation.layers.pivot(index="date", columns="layer", values="return")
    table[ALL_NAMES] = all_names(evaluation.layers)
    return (1.0 + table.fillna(0.0)).cumprod()


def cumulative_rank_ic(evaluation: FactorEvaluation) -> pd.Series:
    """Running sum of RankIC by grid date; a date without a value adds nothing."""
    return evaluation.ic.set_index("date")["rank_ic"].fillna(0.0).cumsum().rename("cumulative_rank_ic")


def top_monthly_excess(evaluation: FactorEvaluation) -> pd.Series:
    """Excess of the best layer by calendar month of the grid dates: product of (1 + top) / (1 + all) less 1."""
    growth = top_growth(evaluation)
    monthly = growth.groupby(pd.DatetimeIndex(growth.index).to_period("M")).prod() - 1.0
    return monthly.rename("top_excess").rename_axis("month")


def top_growth(evaluation: FactorEvaluation) -> pd.Series:
    """(1 + best layer) / (1 + all names) of each counted date whose best layer is not empty, index `date`."""
    top = evaluation.layers[evaluation.layers["layer"] == evaluation.layers["layer"].max()]
    top = top.set_index("date")["return"].dropna()
    return (1.0 + top) / (1.0 + all_names(evaluation.layers).reindex(top.index))


def top_monthly_hit(evaluation: FactorEvaluation) -> float:
    """Share of calendar months with a positive excess of the best layer; NaN without a month.

    Source: METHOD 71 (85.54% = 71 of 83 months) and 7.2.
    """
    monthly = top_monthly_excess(evaluation)
    return float((monthly > ZERO_STD).mean()) if len(monthly) else math.nan


def two_sided_turnover(evaluation: FactorEvaluation) -> float:
    """Turnover of the best layer as published, bought plus sold, at most 2: twice `top_turnover`; NaN if missing.

    Source: METHOD 73 and 7.2.
    """
    share = evaluation.metrics["top_turnover"]
    return math.nan if share is None else 2.0 * float(share)


def all_names(layers: pd.DataFrame) -> pd.Series:
    """Mean label of all names of each counted date, from any layer that is not empty."""
    means = pd.Series(np.asarray(layers["return"] - layers["excess"]), index=layers["date"])
    return means.groupby(level=0).first()
