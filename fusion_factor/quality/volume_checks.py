"""Volume and amount: moves without trades, trades without numbers, amounts that no price explains.

Each function takes the `Subject` and the check's limit; values and limits have the unit that its docstring names.
Legend of axes: t session, n symbol.
"""

import numpy as np

from fusion_factor.core.labels import valid_price
from fusion_factor.quality.flaws import Flaws
from fusion_factor.quality.price_checks import PRICES
from fusion_factor.quality.subject import Subject


def moves_without_volume(subject: Subject, limit: float) -> Flaws:
    """Rows of volume 0 whose prices differ among each other or from the close before. Value: the largest difference,
    as a share of the close before; on a session whose adj_factor steps the close may follow the step."""
    rows = subject.there & (subject["volume"] == 0) & (subject.close_before > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        carried = subject.close_before / np.where(np.isfinite(subject.step), subject.step, 1.0)
        moved = np.zeros(rows.shape)
        for name in PRICES:
            if name in subject.columns:
                given = np.where(valid_price(subject[name]), subject[name], subject.close_before)
                nearest = np.minimum(np.abs(given - subject.close_before), np.abs(given - np.round(carried, 2)))
                moved = np.maximum(moved, nearest / subject.close_before)
        return subject.cells(rows & (moved > limit), moved, rows)


def empty_volumes(subject: Subject, limit: float) -> Flaws:
    """Rows with a close but without a volume. Value: 1."""
    rows = subject.there & valid_price(subject["close"])
    wrong = rows & ~np.isfinite(subject["volume"])
    return subject.cells(wrong & (limit < 1), wrong.astype(np.float64), rows)


def empty_amounts(subject: Subject, limit: float) -> Flaws:
    """Rows with volume but without an amount. Value: the volume in shares."""
    wrong = subject.traded & ~(subject["amount"] > 0)
    return subject.cells(wrong & (subject["volume"] > limit), subject["volume"], subject.traded)


def odd_vwaps(subject: Subject, limit: float) -> Flaws:
    """Amount / volume outside of the session's low and high by more than the limit. Value: by which share of the bound
    (negative: below the low). Without highs and lows, how far it is from the close."""
    rows = subject.traded & (subject["amount"] > 0)
    low = subject["low"] if "low" in subject.columns else subject["close"]
    high = subject["high"] if "high" in subject.columns else subject["close"]
    rows &= valid_price(low) & valid_price(high)
    with np.errstate(invalid="ignore", divide="ignore"):
        vwap = subject["amount"] / subject["volume"]
        off_tn = np.where(vwap > high, vwap / high - 1, np.where(vwap < low, vwap / low - 1, 0.0))
    return subject.cells(rows & (np.abs(off_tn) > limit), off_tn, rows)
