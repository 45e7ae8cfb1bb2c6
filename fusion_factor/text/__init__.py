"""Floor 3: what analysts write as a stock score: events, encoders, the classifier on rolling windows, the factor.

`encode` turns texts into vectors; `rolling_scores` learns from past events what follows such texts and scores later
ones. Names are loaded when they are first used, for torch takes seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion_factor.text.classifier import ClassifierSettings
    from fusion_factor.text.encoder_settings import EncoderSettings
    from fusion_factor.text.encoding import encode
    from fusion_factor.text.fine_tuning import FineTuneSettings, fine_tune
    from fusion_factor.text.judgement import calibration, calibration_error, class_figures
    from fusion_factor.text.rolling import RollingScores, RollingSettings, rolling_scores
    from fusion_factor.text.text_checks import text_faults
    from fusion_factor.text.words import WordCounts, WordSettings

__all__ = [
    "ClassifierSettings",
    "EncoderSettings",
    "FineTuneSettings",
    "RollingScores",
    "RollingSettings",
    "WordCounts",
    "WordSettings",
    "calibration",
    "calibration_error",
    "class_figures",
    "encode",
    "fine_tune",
    "rolling_scores",
    "text_faults",
]

_HOMES = {
    "classifier": ("ClassifierSettings",),
    "encoder_settings": ("EncoderSettings",),
    "encoding": ("encode",),
    "fine_tuning": ("FineTuneSettings", "fine_tune"),
    "judgement": ("calibration", "calibration_error", "class_figures"),
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
