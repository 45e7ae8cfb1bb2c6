"""Intraday factors: one small compiled function a factor, one pass over a session's bars for all of them."""

from fusion_factor.features.intraday.catalogue import CATALOGUE, HUATAI27, PRESETS, SIGNS, Factor, resolve
from fusion_factor.features.intraday.compute import compute_factors

__all__ = ["CATALOGUE", "HUATAI27", "PRESETS", "SIGNS", "Factor", "compute_factors", "resolve"]
