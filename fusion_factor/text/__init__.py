"""Analyst reports as a factor: which of them revise an opinion, what their text says, and the score a stock gets of it.

`find_events` finds the revisions in the table `reports`, `abnormal_returns` what followed; `encode` turns texts into
vectors, `rolling_scores` learns from past events and scores later ones; `text_factor` makes of the scores one number a
stock and date. Names are loaded when they are first used, for torch takes seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion_factor.text.classifier import ClassifierSettings
    from fusion_factor.text.encoder_settings import EncoderSettings
    from fusion_factor.text.encoding import encode
    from fusion_factor.text.event_settings import EventSettings
    from fusion_factor.text.events import Events, find_events
    from fusion_factor.text.factor import FactorSettings, coverage, text_factor
    from fusion_factor.text.fine_tuning import FineTuneSettings, fine_tune
    from fusion_factor.text.judgement import calibration, calibration_error, class_figures
    from fusion_factor.text.labels import EventLabels, abnormal_returns, mean_index
    from fusion_factor.text.per_share import undiluted
    from fusion_factor.text.rolling import RollingScores, RollingSettings, rolling_scores
    from fusion_factor.text.text_checks import text_faults
    from fusion_factor.text.words import WordCounts, WordSettings

__all__ = [
    "ClassifierSettings",
    "EncoderSettings",
    "EventLabels",
    "EventSettings",
    "Events",
    "FactorSettings",
    "FineTuneSettings",
    "RollingScores",
    "RollingSettings",
    "WordCounts",
    "WordSettings",
    "abnormal_returns",
    "calibration",
    "calibration_error",
    "class_figures",
    "coverage",
    "encode",
    "find_events",
    "fine_tune",
    "mean_index",
    "rolling_scores",
    "text_factor",
    "text_faults",
    "undiluted",
]

_HOMES = {
    "classifier": ("ClassifierSettings",),
    "encoder_settings": ("EncoderSettings",),
    "encoding": ("encode",),
    "event_settings": ("EventSettings",),
    "events": ("Events", "find_events"),
    "factor": ("FactorSettings", "coverage", "text_factor"),
    "fine_tuning": ("FineTuneSettings", "fine_tune"),
    "judgement": ("calibration", "calibration_error", "class_figures"),
    "labels": ("EventLabels", "abnormal_returns", "mean_index"),
    "per_share": ("undiluted",),
    "rolling": ("RollingScores", "RollingSettings", "rolling_scores"),
    "text_checks": ("text_faults",),
    "words": ("WordCounts", "WordSettings"),
}


def __getattr__(name: str) -> Any:
    """Load a public name from its file."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
