"""From network outputs to the score table: fuse, neutralise, stitch folds, export; and scores that need no network."""

from fusion_factor.scores.baselines import reversal
from fusion_factor.scores.fuse import FusionConfig, ensemble, fuse, neutral, tasks_of
from fusion_factor.scores.table import (
    FORMS,
    alphalens,
    check_scores,
    export,
    qlib,
    read_scores,
    score_table,
    wide,
    write_scores,
)

__all__ = [
    "FORMS",
    "FusionConfig",
    "alphalens",
    "check_scores",
    "ensemble",
    "export",
    "fuse",
    "neutral",
    "qlib",
    "read_scores",
    "reversal",
    "score_table",
    "tasks_of",
    "wide",
    "write_scores",
]
