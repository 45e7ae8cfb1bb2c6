"""Industry factors: momentum acceleration, crowding, analysts, reports, and the composite of them.

`industry_factors` takes tables and returns the factors of SEMANTICS 10 with their test. Each factor is also a function
of `IndustryData`, the tables laid out once, and returns an array of grid dates and industries that `data.frame` turns
into a table: `data.frame(momentum_acceleration(data, window=120))`.
"""

from fusion_factor.industry.cases import CASE_KINDS, IndustryFactors, industry_factors
from fusion_factor.industry.composite import composite, family_scores, icir_weights
from fusion_factor.industry.consensus import consensus_change
from fusion_factor.industry.crowding import Exclusion, crowding
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.factor_test import FactorTest, check_factor
from fusion_factor.industry.fundamentals import cash_flow_to_profit, gross_margin_change_yoy, profit_growth_qoq
from fusion_factor.industry.momentum import momentum, momentum_acceleration
from fusion_factor.industry.settings import IndustrySettings

__all__ = [
    "CASE_KINDS",
    "Exclusion",
    "FactorTest",
    "IndustryData",
    "IndustryFactors",
    "IndustrySettings",
    "cash_flow_to_profit",
    "check_factor",
    "composite",
    "consensus_change",
    "crowding",
    "family_scores",
    "gross_margin_change_yoy",
    "icir_weights",
    "industry_factors",
    "momentum",
    "momentum_acceleration",
    "profit_growth_qoq",
]
