"""Sentiment from prices and amounts: how hot the trade in an industry runs, and how much of all trade it draws.

Legend: `_tn` is [T sessions, N industries], `_dn` is [D grid dates, N], `_w` a place in a window, oldest first. A value
at a date is a function of amounts up to it.
Source: S2 names the dimension (technical and sentiment); the formulas are ours.
"""

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.industry.data import IndustryData

_LEAST_SHARE = 0.5


def turnover_heat(data: IndustryData, *, window: int = 20, history: int = 250) -> FloatArray:
    """Mean amount of the last `window` sessions over that of the last `history` ones. -> [D, N], a ratio.

    Sign: above 1 where an industry is traded more than usual; no sign is claimed for returns.

    Returns: NaN where an amount of the window is missing, or more than half of the history.
    Raises: DataError without amounts, ConfigError for a parameter.
    """
    recent_dn, usual_dn = _recent_and_usual(data.amount_tn, data.positions_d, window, history)
    return np.divide(recent_dn, usual_dn, out=np.full_like(recent_dn, np.nan), where=usual_dn > 0)


def amount_share(data: IndustryData, *, window: int = 20, history: int = 250) -> FloatArray:
    """Share of the amounts of all industries, mean of `window` sessions, over its own usual one, less 1. -> [D, N].

    Sign: above 0 where an industry draws more of the trade than in the last `history` sessions. A share belongs to an
    industry's size, so that only its change can be compared between industries.

    Returns: NaN where an amount of the window is missing, or more than half of the history.
    Raises: DataError without amounts, ConfigError for a parameter.
    """
    total_t1 = np.nansum(data.amount_tn, axis=1, keepdims=True)
    share_tn = np.divide(data.amount_tn, total_t1, out=np.full_like(data.amount_tn, np.nan), where=total_t1 > 0)
    recent_dn, usual_dn = _recent_and_usual(share_tn, data.positions_d, window, history)
    return np.divide(recent_dn, usual_dn, out=np.full_like(recent_dn, np.nan), where=usual_dn > 0) - 1.0


def _recent_and_usual(
    values_tn: FloatArray, positions_d: IntArray, window: int, history: int
) -> tuple[FloatArray, FloatArray]:
    checks.count()("window", window)
    checks.count(window)("history", history)
    recent_dn = _mean(values_tn, positions_d, window, window)
    return recent_dn, _mean(values_tn, positions_d, history, int(np.ceil(history * _LEAST_SHARE)))


def _mean(values_tn: FloatArray, positions_d: IntArray, window: int, least: int) -> FloatArray:
    """Mean of the values of the last `window` sessions, NaN with fewer than `least` of them. -> [D, N]."""
    at_dw = positions_d[:, np.newaxis] + np.arange(1 - window, 1)
    windows_dwn = np.where((at_dw >= 0)[:, :, np.newaxis], values_tn[np.maximum(at_dw, 0)], np.nan)
    count_dn = np.isfinite(windows_dwn).sum(axis=1)
    total_dn = np.nansum(windows_dwn, axis=1)
    return np.where(count_dn >= least, total_dn / np.maximum(count_dn, 1), np.nan)
