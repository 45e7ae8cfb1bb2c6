"""Is a score any good: IC and RankIC, layers, decay, splits, intervals.

`evaluate` takes score, price and calendar tables and returns every figure of a factor test; `PriceBook` prepares the
prices once for many scores. `block_bootstrap`, `deflated_sharpe` and `backtest_overfitting` say how far a figure can be
trusted. Scores and prices come in as tables, so anything that writes a score table can be judged.
"""

from fusion_factor.evaluation.cases import CASE_KINDS
from fusion_factor.evaluation.confidence import figure_intervals
from fusion_factor.evaluation.correlation import rank_ic
from fusion_factor.evaluation.factor_evaluation import FactorEvaluation, evaluate
from fusion_factor.evaluation.intervals import Interval, block_bootstrap, block_length
from fusion_factor.evaluation.oracle import OracleShare, share_of_oracle
from fusion_factor.evaluation.overfitting import DeflatedSharpe, Overfitting, backtest_overfitting, deflated_sharpe
from fusion_factor.evaluation.paths import (
    cumulative_rank_ic,
    layer_nav,
    top_monthly_excess,
    top_monthly_hit,
    two_sided_turnover,
)
from fusion_factor.evaluation.prices import PriceBook
from fusion_factor.evaluation.settings import EvaluationSettings

__all__ = [
    "CASE_KINDS",
    "DeflatedSharpe",
    "EvaluationSettings",
    "FactorEvaluation",
    "Interval",
    "OracleShare",
    "Overfitting",
    "PriceBook",
    "backtest_overfitting",
    "block_bootstrap",
    "block_length",
    "cumulative_rank_ic",
    "deflated_sharpe",
    "evaluate",
    "figure_intervals",
    "layer_nav",
    "rank_ic",
    "share_of_oracle",
    "top_monthly_excess",
    "top_monthly_hit",
    "two_sided_turnover",
]
