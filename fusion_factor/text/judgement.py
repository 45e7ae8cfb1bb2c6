"""How good predicted classes and probabilities are: figures beside the majority class, and calibration.

Legend: n row, k class (0 down, 1 flat, 2 up).
"""

import numpy as np
import pandas as pd

from fusion_factor.text.validation import CLASSES, FLAT, UP, FloatArray, IntArray, auc, log_loss, note_score


def class_figures(p_nk: FloatArray, class_n: IntArray) -> dict[str, float]:
    """Figures over the rows that have probabilities and a known class (-1: unknown).

    rows, accuracy (most probable class), majority (share of the most frequent true class), log_loss, auc (score, up
    against down; flat rows left out). NaN where there is nothing to judge.
    """
    judged = (class_n >= 0) & np.isfinite(p_nk).all(axis=1)
    p_nk, class_n = p_nk[judged], class_n[judged]
    empty = not len(class_n)
    return {
        "rows": len(class_n),
        "accuracy": float("nan") if empty else float((p_nk.argmax(axis=1) == class_n).mean()),
        "majority": float("nan") if empty else float(np.bincount(class_n).max() / len(class_n)),
        "log_loss": log_loss(p_nk, class_n),
        "auc": auc_up_down(p_nk, class_n),
    }


def auc_up_down(p_nk: FloatArray, class_n: IntArray) -> float:
    """AUC of the note score, up against down; flat rows are left out."""
    moved = class_n != FLAT
    return auc(note_score(p_nk[moved]), class_n[moved] == UP)


def calibration(p_nk: FloatArray, class_n: IntArray, bins: int = 10) -> pd.DataFrame:
    """Predicted against observed by class and tenth of the predicted probability, out of sample if the rows are.

    Columns: class, bin (0 the least probable), rows, lowest, predicted (mean), highest, observed (share of the class).
    Equal probabilities share a bin, so a bin can be missing. Rows without probability or class (-1) are left out.
    """
    judged = (class_n >= 0) & np.isfinite(p_nk).all(axis=1)
    p_nk, class_n = p_nk[judged], class_n[judged]
    parts = []
    for k, name in enumerate(("down", "flat", "up")[:CLASSES]):
        p_n = p_nk[:, k]
        edges = np.quantile(p_n, np.arange(1, bins) / bins) if len(p_n) else np.zeros(bins - 1)
        frame = pd.DataFrame({"bin": np.searchsorted(edges, p_n, side="right"), "p": p_n, "is": class_n == k})
        table = frame.groupby("bin").agg(
            rows=("p", "size"),
            lowest=("p", "min"),
            predicted=("p", "mean"),
            highest=("p", "max"),
            observed=("is", "mean"),
        )
        table.insert(0, "class", name)
        parts.append(table.reset_index())
    return pd.concat(parts, ignore_index=True)[["class", "bin", "rows", "lowest", "predicted", "highest", "observed"]]


def calibration_error(table: pd.DataFrame) -> float:
    """Mean distance between predicted and observed over the bins of `calibration`, weighed by rows."""
    distance = (table["predicted"] - table["observed"]).abs()
    return float((distance * table["rows"]).sum() / table["rows"].sum()) if len(table) else float("nan")
