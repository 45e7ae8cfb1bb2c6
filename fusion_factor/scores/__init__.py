"""From network outputs to the score table: fuse, neutralise, stitch folds, export; and scores that need no network."""

from fusion_factor.scores.baselines import reversal
from fusion_factor.scores.fuse import chosen_parts, ensemble, fuse, lead_part, neutral, part_scores, tasks_of
from fusion_factor.scores.settings import METHODS, FusionConfig
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
    write_weights,
)
from fusion_factor.scores.weights import Weights, part_weights

__all__ = [
    "FORMS",
    "METHODS",
    "FusionConfig",
    "Weights",
    "alphalens",
    "check_scores",
    "chosen_parts",
    "ensemble",
    "export",
    "fuse",
    "lead_part",
    "neutral",
    "part_scores",
    "part_weights",
    "qlib",
    "read_scores",
    "reversal",
    "score_table",
    "tasks_of",
    "wide",
    "write_scores",
    "write_weights",
]
