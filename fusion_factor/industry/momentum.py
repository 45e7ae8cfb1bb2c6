"""Momentum of an industry against the benchmark, and its acceleration (SEMANTICS 10.1, METHOD 178 and 179).

Legend: `_tn` is [T sessions, N industries], `_dn` is [D grid dates, N], `_t` and `_d` likewise; `_w` is a place in the
window, oldest first. Every method is a weighted sum over the window of the excess curve, so that a value is a function
of the closes of the window alone, which ends at the grid date.
"""

from collections.abc import Iterator

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.evaluation.statistics import ZERO_STD
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.exclusion import Exclusion

CURVES = ("ln", "ratio")
METHODS = ("difference", "quadratic", "slope_difference", "savgol")

_BLOCK_CELLS = 2_000_000
"""Grid dates are worked off in blocks whose windows have about so many cells."""


def momentum_acceleration(
    data: IndustryData,
    *,
    window: int = 60,
    method: str = "difference",
    curve: str = "ln",
    degree: int = 3,
    risk_scaled: bool = False,
    exclusion: Exclusion | None = None,
) -> FloatArray:
    """Second derivative of the excess curve at its end, per session^2. -> [D, N].

    Sign: above 0 where the industry gains on the benchmark ever faster.

    Args:
        data: with index_prices and benchmark.
        window: sessions w. method: difference (x(t) - 2 x(t-w) + x(t-2w)) / w^2; quadratic, twice the leading
            coefficient of a parabola through w sessions; slope_difference, least-squares slope of the last w sessions
            less that of the w before, over w; savgol, second derivative at the end of a polynomial of `degree` through
            w sessions (the one-sided filter, which knows nothing later).
        curve: ln, log of the industry's path less that of the benchmark's; ratio, their quotient.
        risk_scaled: divide by the standard deviation (ddof 1) of the curve's daily changes in the window (METHOD 179);
            none where that is zero. Off in SEMANTICS.
        exclusion: what is done about crowded industries; None: nothing.

    Returns: NaN where a close of the window is missing or the window begins before the first session.
    Raises: ConfigError for a window too short for its method.
    Source: S2 names it (rate of change of the price trend); the formulas are SEMANTICS 10.1.
    """
    checks.one_of(*METHODS)("method", method)
    checks.count(2)("degree", degree)
    check_window(method, window, degree)
    value_dn = _of_windows(data, _weights(method, window, degree), curve, risk_scaled)
    return value_dn if exclusion is None else exclusion.apply(value_dn, data)


def momentum(
    data: IndustryData, *, window: int = 60, curve: str = "ln", exclusion: Exclusion | None = None
) -> FloatArray:
    """Gain of the excess curve over `window` sessions, x(t) - x(t - w); arguments as `momentum_acceleration`."""
    checks.count()("window", window)
    weight_w = np.zeros(window + 1)
    weight_w[0], weight_w[-1] = -1.0, 1.0
    value_dn = _of_windows(data, weight_w, curve)
    return value_dn if exclusion is None else exclusion.apply(value_dn, data)


def check_window(method: str, window: int, degree: int) -> None:
    """Refuse a window too short for its method (ConfigError)."""
    checks.count()("window", window)
    if method == "savgol" and degree >= window:
        raise ConfigError(f"degree: {degree} must be below window {window} for the method savgol")
    least = {"quadratic": 3, "slope_difference": 2}.get(method, 1)
    if window < least:
        raise ConfigError(f"window: {window} must be >= {least} for the method {method}")


def _of_windows(data: IndustryData, weight_w: FloatArray, curve: str, risk_scaled: bool = False) -> FloatArray:
    """Weighted sum of each window's excess curve, over the spread of its daily changes where asked for. -> [D, N]."""
    checks.one_of(*CURVES)("curve", curve)
    value_dn = np.full((len(data.positions_d), len(data.codes)), np.nan)
    for rows, curve_dwn in _curves(data, len(weight_w), curve):
        # Session by session; a hole anywhere, also under a weight of 0, gives NaN.
        value = (curve_dwn * weight_w[:, np.newaxis]).sum(axis=1)
        if risk_scaled:
            spread = _spread(curve_dwn)
            value = np.divide(value, spread, out=np.full_like(value, np.nan), where=spread > ZERO_STD)
        value_dn[rows] = value
    return value_dn


def _spread(curve_dwn: FloatArray) -> FloatArray:
    """Standard deviation of daily changes; NaN for fewer than two. [D, W, N] -> [D, N]."""
    changes_dwn = np.diff(curve_dwn, axis=1)
    if changes_dwn.shape[1] < 2:
        return np.full((len(changes_dwn), changes_dwn.shape[2]), np.nan)
    return changes_dwn.std(axis=1, ddof=1)


def _weights(method: str, window: int, degree: int) -> FloatArray:
    """Weights of the window's sessions, oldest first, whose sum with the curve is the acceleration."""
    if method == "difference":
        weight_w = np.zeros(2 * window + 1)
        weight_w[[0, window, 2 * window]] = np.array([1.0, -2.0, 1.0]) / window**2
        return weight_w
    if method == "slope_difference":
        away = np.arange(window) - (window - 1) / 2
        slope = away / (away @ away)
        return np.concatenate([-slope, slope]) / window
    return _second_derivative(window, 2 if method == "quadratic" else degree)


def _second_derivative(window: int, degree: int) -> FloatArray:
    """Weights of the second derivative at the last point of the least-squares polynomial through all points."""
    # On [-1, 1] and in Legendre's basis the fit is well conditioned; P_k''(1) = (k - 1) k (k + 1) (k + 2) / 8.
    points_w = np.linspace(-1.0, 1.0, window)
    q_wk, r_kk = np.linalg.qr(np.polynomial.legendre.legvander(points_w, degree))
    k = np.arange(degree + 1.0)
    at_end_k = (k - 1) * k * (k + 1) * (k + 2) / 8
    return q_wk @ np.linalg.solve(r_kk.T, at_end_k) * (2.0 / (window - 1)) ** 2


def _curves(data: IndustryData, length: int, curve: str) -> Iterator[tuple[IntArray, FloatArray]]:
    """Excess curves [D, W, N] of the windows that lie within the sessions, in blocks: rows of the grid, curves.

    The curve of a window starts at its first session with 0 (of `ratio`: 1, taken off, which changes no figure).
    """
    inside = np.flatnonzero(data.positions_d >= length - 1)
    step = max(1, _BLOCK_CELLS // max(1, length * len(data.codes)))
    for first in range(0, len(inside), step):
        rows = inside[first : first + step]
        at_dw = data.positions_d[rows, np.newaxis] + np.arange(1 - length, 1)
        path_dwn, market_dw = data.close_tn[at_dw], data.benchmark_t[at_dw]
        path_dwn = path_dwn / path_dwn[:, :1]
        market_dwn = (market_dw / market_dw[:, :1])[:, :, np.newaxis]
        yield rows, np.log(path_dwn) - np.log(market_dwn) if curve == "ln" else path_dwn / market_dwn - 1.0
