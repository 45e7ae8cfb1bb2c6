"""Is a score any good: IC and RankIC, layers, decay, splits, intervals.

`evaluate` takes score, price and calendar tables and returns every figure of a factor test; `PriceBook` prepares the
prices once for many scores. Scores and prices come in as tables, so anything that writes a score table can be judged.
"""

from fusion_factor.evaluation.cases import CASE_KINDS
from fusion_factor.evaluation.evaluate import FactorEvaluation, evaluate
from fusion_factor.evaluation.prices import PriceBook
from fusion_factor.evaluation.settings import EvaluationSettings

__all__ = [
    "CASE_KINDS",
    "EvaluationSettings",
    "FactorEvaluation",
    "PriceBook",
    "evaluate",
]
