"""Population moments and correlations out of shifted sums, compiled.

Rules shared by all factors (METHOD items 90 and 91): population moments, Pearson correlation, and NaN, never 0, when an
argument does not vary.

Everything is taken in one pass from sums of powers of x - x0, where x0 is one of the values that are summed. That makes
both promises hold. Equal values give sums of exactly 0. And nothing cancels badly: (mean - x0)^2 <= n * variance for a
member x0, so the variance loses at most a factor n + 1 (240 bars: 2.4 of 15.9 digits), the third and fourth moments
n^1.5 and n^2 against the powers of the deviation they are divided by, whatever the level and the scale of x.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Row = npt.NDArray[np.floating[Any]]  # float64, or float32 where bars are summed as they are

# NaN and infinity keep their meaning (no `nnan`, `ninf`): the factors test for them
FAST = {"reassoc", "contract", "arcp", "nsz"}
# not cached one by one: a cached caller would not notice a changed callee; kernel.py caches the whole. Division by zero
# as numpy does it, without a test in each loop, which would keep the loop from being vectorised
compiled = njit(fastmath=FAST, nogil=True, error_model="numpy")


class Pairs(NamedTuple):
    """Sums over n pairs (x, y), each side shifted by one of its own values."""

    n: float
    x: float
    y: float
    xx: float
    yy: float
    xy: float


class Powers(NamedTuple):
    """Sums over n values of the powers of x - x0, x0 one of them."""

    n: float
    x: float
    xx: float
    xxx: float
    xxxx: float


@compiled
def correlation(s: Pairs, least: int) -> float:
    """Pearson correlation; NaN with fewer than `least` pairs or a side that does not vary."""
    if s.n < least or s.n < 2:
        return math.nan
    xx = s.xx - s.x * s.x / s.n
    yy = s.yy - s.y * s.y / s.n
    if not (xx > 0.0 and yy > 0.0):
        return math.nan
    xy = s.xy - s.x * s.y / s.n
    return min(1.0, max(-1.0, xy / math.sqrt(xx * yy)))


@compiled
def skewness(s: Powers, least: int) -> float:
    """m3 / m2^1.5 with population moments; NaN with fewer than `least` values or values that do not vary."""
    if s.n < least or s.n < 2:
        return math.nan
    mean = s.x / s.n
    m2 = s.xx / s.n - mean * mean
    if not m2 > 0.0:
        return math.nan
    m3 = s.xxx / s.n - mean * (3.0 * (s.xx / s.n) - 2.0 * (mean * mean))
    return m3 / (m2 * math.sqrt(m2))


@compiled
def excess_kurtosis(s: Powers, least: int) -> float:
    """m4 / m2^2 - 3 with population moments; NaN with fewer than `least` values or values that do not vary."""
    if s.n < least or s.n < 2:
        return math.nan
    mean = s.x / s.n
    square = mean * mean
    m2 = s.xx / s.n - square
    if not m2 > 0.0:
        return math.nan
    m4 = s.xxxx / s.n - mean * (4.0 * (s.xxx / s.n) - 6.0 * mean * (s.xx / s.n) + 3.0 * mean * square)
    return m4 / (m2 * m2) - 3.0


@compiled
def pairs(x: Row, y: Row) -> Pairs:
    """Sums over the pairs (x_j, y_j) of two rows of one length, which is at least 1."""
    n = x.shape[0]
    x0, y0 = np.float64(x[0]), np.float64(y[0])
    sx, sy, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        dx, dy = np.float64(x[j]) - x0, np.float64(y[j]) - y0
        sx += dx
        sy += dy
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    return Pairs(float(n), sx, sy, xx, yy, xy)


@compiled
def powers(x: Row) -> Powers:
    """Sums of powers over a row, which has at least one value."""
    n = x.shape[0]
    x0 = np.float64(x[0])
    s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        d = np.float64(x[j]) - x0
        square = d * d
        s1 += d
        s2 += square
        s3 += square * d
        s4 += square * square
    return Powers(float(n), s1, s2, s3, s4)
