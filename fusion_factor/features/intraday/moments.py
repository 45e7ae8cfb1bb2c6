"""Population moments and correlations of short float64 rows, compiled.

Rules shared by all factors (METHOD items 90 and 91): population moments, Pearson correlation, and NaN, never 0, when an
argument does not vary. Values are shifted by their first one before they are summed, so that a row of equal numbers
has a variance of exactly 0 whatever the order of the sums.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Row = npt.NDArray[np.float64]

# NaN and infinity keep their meaning (no `nnan`, `ninf`): the factors test for them
FAST = {"reassoc", "contract", "arcp", "nsz"}
# not cached one by one: a cached caller would not notice a changed callee; kernel.py caches the whole
compiled = njit(fastmath=FAST, nogil=True)


@compiled
def correlation(x: Row, y: Row, least: int) -> float:
    """Pearson correlation of two rows of the same length; NaN with fewer than `least` pairs or a constant row."""
    n = x.shape[0]
    if n < least or n < 2:
        return math.nan
    x0, y0 = x[0], y[0]
    sum_x = 0.0
    sum_y = 0.0
    for j in range(n):
        sum_x += x[j] - x0
        sum_y += y[j] - y0
    mean_x, mean_y = sum_x / n, sum_y / n
    xx = 0.0
    yy = 0.0
    xy = 0.0
    for j in range(n):
        dx = (x[j] - x0) - mean_x
        dy = (y[j] - y0) - mean_y
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    if not (xx > 0.0 and yy > 0.0):
        return math.nan
    return min(1.0, max(-1.0, xy / (math.sqrt(xx) * math.sqrt(yy))))


@compiled
def skewness(x: Row, least: int) -> float:
    """m3 / m2^1.5 with population moments; NaN with fewer than `least` values or a constant row."""
    n = x.shape[0]
    if n < least or n < 2:
        return math.nan
    x0 = x[0]
    total = 0.0
    for j in range(n):
        total += x[j] - x0
    mean = total / n
    m2 = 0.0
    m3 = 0.0
    for j in range(n):
        d = (x[j] - x0) - mean
        m2 += d * d
        m3 += d * d * d
    if not m2 > 0.0:
        return math.nan
    m2 /= n
    return m3 / n / (m2 * math.sqrt(m2))


@compiled
def excess_kurtosis(x: Row, least: int) -> float:
    """m4 / m2^2 - 3 with population moments; NaN with fewer than `least` values or a constant row."""
    n = x.shape[0]
    if n < least or n < 2:
        return math.nan
    x0 = x[0]
    total = 0.0
    for j in range(n):
        total += x[j] - x0
    mean = total / n
    m2 = 0.0
    m4 = 0.0
    for j in range(n):
        d = (x[j] - x0) - mean
        m2 += d * d
        m4 += d * d * d * d
    if not m2 > 0.0:
        return math.nan
    m2 /= n
    return m4 / n / (m2 * m2) - 3.0


@compiled
def kth_largest(x: Row, k: int) -> float:
    """The k-th largest of a row of numbers >= 0, 1 <= k <= len(x).

    Halves the interval of the bit patterns (which have the order of the numbers) and counts: no branch depends on a
    single value, so this is several times faster than a quickselect.
    """
    bits = x.view(np.int64)
    low, high = bits[0], bits[0]
    for j in range(bits.shape[0]):
        low = min(low, bits[j])
        high = max(high, bits[j])
    high += 1
    while high - low > 1:
        middle = low + (high - low) // 2
        count = 0
        for j in range(bits.shape[0]):
            count += bits[j] >= middle
        if count == k:
            edge = math.inf
            for j in range(bits.shape[0]):
                edge = min(edge, x[j] if bits[j] >= middle else math.inf)
            return edge
        if count > k:
            low = middle
        else:
            high = middle
    for j in range(bits.shape[0]):
        if bits[j] == low:
            return x[j]
    return 0.0
