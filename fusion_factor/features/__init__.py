"""Bars to features: intraday factors, rolling bars, masks and label, stored as panels on the market's own axes."""

from fusion_factor.features.baseline import signed_factors, signed_mean
from fusion_factor.features.build import build
from fusion_factor.features.config import FeatureConfig, LabelConfig
from fusion_factor.features.feature_set import FIELDS, FeatureSet
from fusion_factor.features.panel import Panel

__all__ = ["FIELDS", "FeatureConfig", "FeatureSet", "LabelConfig", "Panel", "build", "signed_factors", "signed_mean"]
