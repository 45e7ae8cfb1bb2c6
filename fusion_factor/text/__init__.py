"""Analyst reports as a factor: which reports revise an opinion, what their text says, and the score a stock gets of it.

`find_events` finds the revisions in the table `reports`, `abnormal_returns` their labels, `text_factor` makes of the
scores of events one number a stock and date.
"""

from fusion_factor.text.event_settings import EventSettings
from fusion_factor.text.events import Events, find_events
from fusion_factor.text.factor import FactorSettings, coverage, text_factor
from fusion_factor.text.labels import EventLabels, abnormal_returns, mean_index

__all__ = [
    "EventLabels",
    "EventSettings",
    "Events",
    "FactorSettings",
    "abnormal_returns",
    "coverage",
    "find_events",
    "mean_index",
    "text_factor",
]
