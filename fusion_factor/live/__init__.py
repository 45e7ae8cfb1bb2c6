"""Floor between scores and stages: one day after its close. Which weights are current, whether the day's data is
complete, the day's predictions from the last sessions alone, and the table that only ever grows.

A room of its own, for it belongs to none below: it knows markets, features and weights together (training knows no
market, features no weights) and it is the one place with a memory across runs. It judges and keeps; what a score or a
feature is stays where it is defined, so that a day's numbers cannot differ from those of a whole run.
"""

from fusion_factor.live.complete import check_bars_of, check_coverage, check_prices_of
from fusion_factor.live.settings import LiveSettings
from fusion_factor.live.table import LiveTable
from fusion_factor.live.weights import Fitted, check_age, newest_weights, rows_read

__all__ = [
    "Fitted",
    "LiveSettings",
    "LiveTable",
    "check_age",
    "check_bars_of",
    "check_coverage",
    "check_prices_of",
    "newest_weights",
    "rows_read",
]
