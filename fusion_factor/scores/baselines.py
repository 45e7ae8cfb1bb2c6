"""Scores that need no network, to hold the networks against."""

import numpy as np

from fusion_factor.core.labels import price_relative


def reversal(close_tn: np.ndarray, has_inputs_tn: np.ndarray, *, window: int = 20) -> np.ndarray:
    """Minus the return of the last `window` sessions, [T, N], over the names that have inputs; known at t.

    `close_tn` is the adjusted close, in any unit; a name without a valid close `window` sessions ago has no score.
    """
    past_tn = price_relative(close_tn, -window, 0)
    return np.where(has_inputs_tn, -past_tn, np.nan)
