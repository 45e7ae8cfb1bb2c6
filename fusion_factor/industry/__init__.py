"""Industry factors: momentum acceleration, crowding, analysts, reports, and the composite of them.

`industry_factors` takes tables and returns the factors of SEMANTICS 10 with their test. Each factor is also a function
of `IndustryData`, the tables laid out once, and returns an array of grid dates and industries that `data.frame` turns
into a table: `data.frame(momentum_acceleration(data, window=120))`.
"""

from fusion_factor.industry.benchmark import equal_weight_benchmark
from fusion_factor.industry.cases import CASE_KINDS, IndustryFactors, industry_factors
from fusion_factor.industry.composite import composite, family_scores, icir_weights
from fusion_factor.industry.consensus import consensus_change
from fusion_factor.industry.crowding import PublishedCrowding, crowding, published_crowding
from fusion_factor.industry.data import IndustryData, MissingTable
from fusion_factor.industry.domains import domain_composite, group_numbers, long_momentum, momentum_domain
from fusion_factor.industry.events import company_guidance, consensus_change_px
from fusion_factor.industry.exclusion import Exclusion
from fusion_factor.industry.factor_test import FactorTest, check_factor, published_row
from fusion_factor.industry.fundamentals import cash_flow_to_profit, gross_margin_change_yoy, profit_growth_qoq
from fusion_factor.industry.momentum import momentum, momentum_acceleration
from fusion_factor.industry.sentiment import amount_share, turnover_heat
from fusion_factor.industry.settings import IndustrySettings
from fusion_factor.industry.standardise import inverse_normal, winsorised, with_median

__all__ = [
    "CASE_KINDS",
    "Exclusion",
    "FactorTest",
    "IndustryData",
    "IndustryFactors",
    "IndustrySettings",
    "MissingTable",
    "PublishedCrowding",
    "amount_share",
    "cash_flow_to_profit",
    "check_factor",
    "company_guidance",
    "composite",
    "consensus_change",
    "consensus_change_px",
    "crowding",
    "domain_composite",
    "equal_weight_benchmark",
    "family_scores",
    "gross_margin_change_yoy",
    "group_numbers",
    "icir_weights",
    "industry_factors",
    "inverse_normal",
    "long_momentum",
    "momentum",
    "momentum_acceleration",
    "momentum_domain",
    "profit_growth_qoq",
    "published_crowding",
    "published_row",
    "turnover_heat",
    "winsorised",
    "with_median",
]
