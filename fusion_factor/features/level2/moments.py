"""Population moments and correlations of long float64 rows, compiled.

Two passes, mean first: the rows are the orders of a session, a hundred thousand of them with sizes over five orders of
magnitude, where sums of powers taken in one pass would lose too many digits. NaN, never 0, when an argument does not
vary (METHOD 90); values are shifted by their first one, so that equal values have a variance of exactly 0.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Row = npt.NDArray[np.float64]
# NaN and infinity keep their meaning (no `nnan`, `ninf`)
FAST = {"reassoc", "contract", "arcp", "nsz"}
# not cached one by one: kernel.py caches the whole, by the source of all
compiled = njit(fastmath=FAST, nogil=True)
inlined = njit(fastmath=FAST, nogil=True, inline="always")


@compiled
def mean_above(x: Row) -> float:
    """The mean of x - x[0]."""
    total = 0.0
    for i in range(x.shape[0]):
        total += x[i] - x[0]
    return total / x.shape[0]


@compiled
def skewness(x: Row) -> float:
    """m3 / m2^1.5; NaN for fewer than two values or equal ones."""
    n = x.shape[0]
    if n < 2:
        return math.nan
    mean = mean_above(x)
    m2, m3 = 0.0, 0.0
    for i in range(n):
        d = (x[i] - x[0]) - mean
        m2 += d * d
        m3 += d * d * d
    m2, m3 = m2 / n, m3 / n
    return m3 / (m2 * math.sqrt(m2)) if m2 > 0.0 else math.nan


@compiled
def excess_kurtosis(x: Row) -> float:
    """m4 / m2^2 - 3; NaN for fewer than two values or equal ones."""
    n = x.shape[0]
    if n < 2:
        return math.nan
    mean = mean_above(x)
    m2, m4 = 0.0, 0.0
    for i in range(n):
        square = ((x[i] - x[0]) - mean) ** 2
        m2 += square
        m4 += square * square
    m2, m4 = m2 / n, m4 / n
    return m4 / (m2 * m2) - 3.0 if m2 > 0.0 else math.nan


@compiled
def correlation(x: Row, y: Row, least: int) -> float:
    """Pearson correlation; NaN for fewer than `least` pairs or a side of equal values."""
    n = x.shape[0]
    if n < max(least, 2):
        return math.nan
    mean_x, mean_y = mean_above(x), mean_above(y)
    xx, yy, xy = 0.0, 0.0, 0.0
    for i in range(n):
        dx, dy = (x[i] - x[0]) - mean_x, (y[i] - y[0]) - mean_y
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    if not (xx > 0.0 and yy > 0.0):
        return math.nan
    return min(1.0, max(-1.0, xy / (math.sqrt(xx) * math.sqrt(yy))))
