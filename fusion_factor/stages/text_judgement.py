"""How good the classifier of the text factor is, out of sample: figures of events, by fold and in all."""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.text import Events, RollingScores
from fusion_factor.text.classifier import auc_up_down
from fusion_factor.text.validation import DOWN, UP, auc

BINS = 10


def judgement(events: Events, found: RollingScores) -> dict[str, Any]:
    """Figures over all scored events.

    auc: up against down by the edges of each event's own window; accuracy and majority of the three classes, the
    majority class by the test events themselves; auc_direction, accuracy_direction: the score against the revision's
    direction, where it is known; means over the events.
    """
    class_n, p_nk = found.class_n, found.p_nk
    known = (found.fold_n >= 0) & (class_n >= 0)
    told: dict[str, Any] = {
        "events": len(events.table),
        "scored": int((found.fold_n >= 0).sum()),
        "judged": int(known.sum()),
        "first": str(events.session_e[found.fold_n >= 0].min()),
        "last": str(events.session_e[found.fold_n >= 0].max()),
        "how": {str(how): int(count) for how, count in events.table["how"].value_counts().items()},
        "dropped": events.dropped,
    }
    if known.any():
        told |= {
            "auc": auc_up_down(p_nk[known], class_n[known]),
            "accuracy": float((p_nk[known].argmax(axis=1) == class_n[known]).mean()),
            "majority": float(np.bincount(class_n[known]).max() / known.sum()),
        }
    direction = events.table["direction"].to_numpy()
    moved = (found.fold_n >= 0) & (direction != 0)
    if moved.any():
        up, score = direction[moved] > 0, found.score_n[moved]
        told |= {
            "judged_direction": int(moved.sum()),
            "auc_direction": auc(score, up),
            "majority_direction": float(max(up.mean(), 1 - up.mean())),
        }
    return told


def calibration(found: RollingScores) -> pd.DataFrame:
    """What was said and what came: class, bin, n, predicted (mean), observed (share), by tenths of the probability."""
    known = (found.fold_n >= 0) & (found.class_n >= 0)
    rows = []
    for name, k in (("down", DOWN), ("up", UP)):
        said, came = found.p_nk[known, k], found.class_n[known] == k
        order = np.argsort(said, kind="stable")
        for index, part in enumerate(np.array_split(order, BINS)):
            if len(part):
                figures = {"n": len(part), "predicted": said[part].mean(), "observed": came[part].mean()}
                rows.append({"class": name, "bin": index + 1, **figures})
    return pd.DataFrame(rows, columns=["class", "bin", "n", "predicted", "observed"])


def recovery(events: Events, found: RollingScores, truth: pd.DataFrame) -> dict[str, Any]:
    """Of a simulated market: rank correlations of the score with the tone that the texts were written in.

    tone_found: score against tone; event_known: tone against the true event return, the most that the words can tell
    of it; event_found: score against the event return.
    """
    known = events.table[["report_id"]].assign(score=found.score_n).dropna().merge(truth, on="report_id")
    ranks = known[["score", "tone", "event"]].rank()
    return {
        "tone_found": float(ranks["score"].corr(ranks["tone"])),
        "event_known": float(ranks["tone"].corr(ranks["event"])),
        "event_found": float(ranks["score"].corr(ranks["event"])),
    }
