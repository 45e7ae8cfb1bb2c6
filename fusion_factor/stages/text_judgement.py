"""How good the classifiers of the text factor are, out of sample: figures over all scored events."""

from typing import Any

import pandas as pd

from fusion_factor.text import Events, RollingScores, calibration, calibration_error, class_figures
from fusion_factor.text.validation import auc


def described(events: Events, found: RollingScores) -> dict[str, Any]:
    """What was scored: counts, first and last session, how events were told, what was dropped."""
    scored = found.fold_n >= 0
    sessions = events.session_e[scored]
    return {
        "reports": events.reports,
        "events": len(events.table),
        "scored": int(scored.sum()),
        "first": str(sessions.min()),
        "last": str(sessions.max()),
        "how": {str(how): int(count) for how, count in events.table["how"].value_counts().items()},
        "dropped": events.dropped,
        "noted": events.noted,
    }


def figures(events: Events, found: RollingScores, truth: pd.DataFrame | None) -> dict[str, Any]:
    """Figures of one classifier over all events that it scored out of sample.

    rows, auc, accuracy, majority, log_loss: of the three classes, by the edges of each event's own window;
    calibration_error: mean distance of predicted and observed; direction_rows, direction_auc, direction_majority: the
    score against the revision's direction, where it is known. With `truth` also what was recovered of the tone.
    """
    told: dict[str, Any] = dict(class_figures(found.p_nk, found.class_n))
    told["calibration_error"] = calibration_error(calibration(found.p_nk, found.class_n))
    direction = events.table["direction"].to_numpy()
    moved = (found.fold_n >= 0) & (direction != 0)
    up = direction[moved] > 0
    told["direction_rows"] = int(moved.sum())
    told["direction_auc"] = auc(found.score_n[moved], up) if moved.any() else float("nan")
    told["direction_majority"] = float(max(up.mean(), 1 - up.mean())) if moved.any() else float("nan")
    return told if truth is None else told | recovery(events, found, truth)


def recovery(events: Events, found: RollingScores, truth: pd.DataFrame) -> dict[str, float]:
    """Of a simulated market: rank correlations of the score with the tone that the texts were written in.

    tone_found: score against tone; event_known: tone against the true event return, the most that words can tell of
    it; event_found: score against the event return.
    """
    known = events.table[["report_id"]].assign(score=found.score_n).dropna().merge(truth, on="report_id")
    ranks = known[["score", "tone", "event"]].rank()
    return {
        "tone_found": float(ranks["score"].corr(ranks["tone"])),
        "event_known": float(ranks["tone"].corr(ranks["event"])),
        "event_found": float(ranks["score"].corr(ranks["event"])),
    }
