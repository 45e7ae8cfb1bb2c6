"""Prices: impossible ones, jumps that nothing explains, steps of the adjustment, closes beyond the limits, stale ones.

Each function takes the `Subject` and the check's limit; values and limits have the unit that its docstring names.
Legend of axes: t session, n symbol.
"""

import numpy as np

from fusion_factor.core.labels import valid_price
from fusion_factor.core.limits import cents
from fusion_factor.quality.flaws import BoolArray, Flaws, FloatArray
from fusion_factor.quality.subject import Subject

PRICES = ("open", "high", "low", "close")
_ROUNDING = 1e-6  # relative; prices that were stored as float32 are this far off


def bad_prices(subject: Subject, limit: float) -> Flaws:
    """Rows with volume whose price is empty, zero, negative or infinite. Value: how many of the row's prices."""
    rows = subject.there if "volume" not in subject.columns else subject["volume"] > 0
    count = sum((~valid_price(subject[name])).astype(np.float64) for name in PRICES if name in subject.columns)
    count_tn = np.asarray(count)
    return subject.cells(rows & (count_tn > limit), count_tn, rows)


def disordered(subject: Subject, limit: float) -> Flaws:
    """Open, close or low above the high, or open or close below the low. Value: by which share of the close."""
    known = [subject[name] for name in PRICES]
    rows = np.logical_and.reduce([valid_price(values) for values in known])
    open_, high, low, close = known
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.maximum(np.maximum(open_, close), low) - high
        below = low - np.minimum(open_, close)
        off_tn = np.maximum(above, below) / close
    return subject.cells(rows & (off_tn > max(limit, _ROUNDING)), off_tn, rows)


def _settled(subject: Subject) -> BoolArray:
    """Rows after a listing's first ones with a valid close and one before."""
    late = subject.row_number > subject.settings.first_sessions
    return subject.there & late & valid_price(subject["close"]) & (subject.close_before > 0)


def jumps(subject: Subject, limit: float) -> Flaws:
    """Adjusted closes beyond +-limit of the row before, after a listing's first rows. Value: the move, as a share.

    A corporate action moves the raw close and adj_factor together and leaves the adjusted close as it is, so that a
    split with a factor is no jump, one without is, and so is a factor that steps alone.
    """
    rows = _settled(subject)
    with np.errstate(invalid="ignore"):
        move_tn = subject["close"] / subject.close_before * subject.step - 1
        return subject.cells(rows & (np.abs(move_tn) > limit), move_tn, rows)


def factor_falls(subject: Subject, limit: float) -> Flaws:
    """Steps down of adj_factor by more than the limit. Value: the step, as a share (-0.1: by a tenth).

    Dividends, bonus shares and rights only raise it; consolidations are rare.
    """
    rows = subject.there & np.isfinite(subject.step)
    fall_tn = subject.step - 1
    with np.errstate(invalid="ignore"):
        return subject.cells(rows & (fall_tn < -max(limit, _ROUNDING)), fall_tn, rows)


def unexplained_steps(subject: Subject, limit: float) -> Flaws:
    """Steps of adj_factor that the prices do not show. Value: the part of the step that the price leaves unexplained.

    With `pre_close` (the reference after rights) the step must be close before / pre_close, to the cent. Without it
    the open (else the close) must have fallen by most of the step, and only steps above `least_step` are looked at: a
    part above 0.5 says that the price looks as if nothing had happened.
    """
    step, before = subject.step, subject.close_before
    with np.errstate(invalid="ignore", divide="ignore"):
        stepped = subject.there & (np.abs(step - 1) > _ROUNDING) & (before > 0)
        part_tn = _part_by_price(subject, step, before)
        large = np.abs(np.log(step)) >= np.log1p(subject.settings.least_step)
        looked_at = stepped & large & subject.traded
        wrong = looked_at & (part_tn > limit)
        if "pre_close" in subject.columns:
            given = valid_price(subject["pre_close"])
            off = np.abs(subject["pre_close"] - before / step)
            part_given = np.where(stepped, off / np.abs(before - before / step), 0.0)
            known = stepped & given
            looked_at = np.where(given, known, looked_at)
            wrong = np.where(given, known & (off > 0.01) & (part_given > limit), wrong)
            part_tn = np.where(given, part_given, part_tn)
    return subject.cells(wrong, part_tn, looked_at)


def _part_by_price(subject: Subject, step: FloatArray, before: FloatArray) -> FloatArray:
    """1 where the price ignores the step, 0 where it follows it wholly, negative where it moves further."""
    price = subject["open"] if "open" in subject.columns else subject["close"]
    return 1 + np.log(price / before) / np.log(step)


def beyond_limits(subject: Subject, limit: float) -> Flaws:
    """Closes beyond the session's price limits by more than `limit` cents. Value: by how many cents.

    The limits are those of board, listing and special treatment (core.limits) on the last traded close, adjusted for
    rights. A reference that is derived from adj_factor may be a cent off on an ex-date.
    """
    if subject.limits is None:
        return subject.cells(np.zeros(subject.there.shape, bool), np.zeros(subject.there.shape), 0)
    low_tn, high_tn = subject.limits
    rows = subject.traded & (high_tn > 0) & (subject.row_number > subject.settings.first_sessions)
    close_tn = cents(subject["close"]).astype(np.float64)
    off_tn = np.maximum(close_tn - high_tn, low_tn - close_tn)
    return subject.cells(rows & (off_tn > limit), off_tn, rows)


def stale(subject: Subject, limit: float) -> Flaws:
    """Sessions with volume whose prices all equal those of the row before, more than `limit` of them in a row.
    Value: how many. Open, high, low and close are compared, as far as they are there."""
    same = np.zeros(subject.there.shape, bool)
    same[1:] = subject.traded[1:] & subject.traded[:-1]
    for name in PRICES:
        if name in subject.columns:
            same[1:] &= subject[name][1:] == subject[name][:-1]
    return subject.spells(same, limit, subject.traded)
