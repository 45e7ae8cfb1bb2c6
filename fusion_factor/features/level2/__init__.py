"""The 12 exact factors from trades and orders (METHOD 2.4 and 2.5), and the big-order threshold from past sessions."""

from fusion_factor.features.level2.compute import compute_level2, order_statistics
from fusion_factor.features.level2.threshold import LOOK_BACK, OrderStatistics, big_order_threshold, repeated_share

__all__ = [
    "LOOK_BACK",
    "OrderStatistics",
    "big_order_threshold",
    "compute_level2",
    "order_statistics",
    "repeated_share",
]
