"""The largest k values of a row by selection, not by sorting, compiled.

Works on the bit patterns of float32 numbers >= 0, which as integers have the order of the numbers. A pass over the row
counts the values that reach a threshold and finds the two values next to it; the threshold goes where a straight line
between the counts at both ends of the bracket says the k-th value lies, and the bracket's ends are always values of the
row. So a pass is a plain loop without branches, and about four passes decide, whatever the distribution.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.features.intraday.moments import compiled

Bits = npt.NDArray[np.int32]
_TOP = np.int32(2**31 - 1)
_NONE = np.int32(0)
_ONE = np.int32(0x3F800000)  # the bits of 1.0


class Cut(NamedTuple):
    """A choice of the largest values: all whose bits are > `above`, and the first `ties` of those equal to it."""

    above: np.int32
    ties: np.int32


class Spread(NamedTuple):
    """Bit patterns of the positive values of a row: the least, the greatest, how many, their mean and deviation."""

    low: np.int32
    high: np.int32
    n: np.int32
    mean: float
    deviation: float


@compiled
def value_of(bits: np.int32) -> float:
    """The positive float32 number of a bit pattern."""
    return math.ldexp(np.float64((bits & 0x7FFFFF) | 0x800000), int(bits >> 23) - 150)


@compiled
def spread(bits: Bits) -> Spread:
    """The extent of a row's positive values; at least one must be."""
    low, high, n = _TOP, _NONE, _NONE
    total, squares = np.float32(0.0), np.float32(0.0)  # for a guess alone
    for j in range(bits.shape[0]):
        there = bits[j] > 0
        low = min(low, bits[j] if there else _TOP)
        high = max(high, bits[j])
        n = np.int32(n + there)
        x = np.float32(np.int32(bits[j] - _ONE)) if there else np.float32(0.0)
        total += x
        squares += x * x
    mean = np.float64(total) / n
    return Spread(low, high, n, _ONE + mean, math.sqrt(max(0.0, np.float64(squares) / n - mean * mean)))


@compiled
def cut_largest(bits: Bits, k: int, extent: Spread, deviations: float) -> Cut:
    """The k largest of a row, 1 <= k <= extent.n; among equals the earlier ones.

    extent: `spread` of the row. deviations: where the k-th is expected, in deviations from the mean of the bits; it
    changes the time, not the result.
    """
    # n_low >= k values are >= low, n_high < k values are >= high
    low, high = np.int64(extent.low), np.int64(extent.high) + 1
    n_low, n_high = np.int64(extent.n), np.int64(0)
    trial = np.int64(extent.mean + deviations * extent.deviation)
    while n_low > k and high - low > 1:
        threshold = np.int32(min(high - 1, max(low + 1, trial)))
        count, above, below = _NONE, _TOP, _NONE
        for j in range(bits.shape[0]):
            reaches = bits[j] >= threshold
            count = np.int32(count + reaches)
            above = min(above, bits[j] if reaches else _TOP)
            below = max(below, _NONE if reaches else bits[j])
        if count >= k:
            low, n_low = np.int64(above), np.int64(count)
        else:
            high, n_high = np.int64(below) + 1, np.int64(count)
        share = (n_low - k + 0.5) / (n_low - n_high + 1.0)
        trial = low + np.int64((high - low) * share)
    if n_low > k:
        return Cut(np.int32(low), np.int32(k - n_high))
    return Cut(np.int32(low - 1), _NONE)
