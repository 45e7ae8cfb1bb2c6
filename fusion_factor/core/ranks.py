"""Average ranks of every session's names, and their correlation: one sort of whole numbers, no sort of positions.

A value is compared as round(v / m, 12), m the largest |v| of its row (SEMANTICS 12), so that it stands for a whole
number of at most 41 bits. The name's position takes the bits below: sorting these numbers sorts values and names at
once, with the fastest sort there is. Ranks are doubled while they are summed, so that they are whole and sums exact.

Legend: `_tn` is [T sessions, N names], `_n` one session. A value that is not finite counts as missing.
"""

from typing import Any

import numpy as np
from numba import njit

from fusion_factor.core.errors import DataError

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

STEPS = 1e12
"""Values are compared in steps of this share of the row's largest one: 12 digits."""
_MISSING = np.iinfo(np.int64).max
_VALUE_BITS = 41  # of 2e12, the number of steps from -1 to 1
_MOST_NAMES = 1 << (63 - _VALUE_BITS)


def average_ranks(values_tn: FloatArray) -> FloatArray:
    """Ranks from 1 (lowest) within each row; values that compare as equal share their mean rank; missing is NaN."""
    values_tn = np.ascontiguousarray(values_tn, dtype=np.float64)
    ranks_tn = _doubled_ranks(values_tn, values_tn)
    return np.where(ranks_tn > 0, ranks_tn / 2, np.nan)


def spearman(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """Correlation of the average ranks of both sides over the names that both have. [T, N] twice -> [T].

    NaN where a side is all equal or has fewer than two names.
    """
    a_tn, b_tn = np.ascontiguousarray(a_tn, dtype=np.float64), np.ascontiguousarray(b_tn, dtype=np.float64)
    out_t = np.full(len(a_tn), np.nan)
    _correlate(_doubled_ranks(a_tn, b_tn), _doubled_ranks(b_tn, a_tn), out_t)
    return out_t


def _doubled_ranks(values_tn: FloatArray, other_tn: FloatArray) -> Any:
    """Twice the average rank among the names that both sides have, int64 [T, N]; 0 for the others."""
    names = values_tn.shape[1]
    if names > _MOST_NAMES:
        raise DataError(f"{names} names in one cross-section, at most {_MOST_NAMES} can be ranked")
    bits = max(names - 1, 1).bit_length()
    keys_tn = np.empty(values_tn.shape, dtype=np.int64)
    _keys(values_tn, other_tn, bits, keys_tn)
    keys_tn.sort(axis=1)
    ranks_tn = np.zeros(values_tn.shape, dtype=np.int64)
    _ranks_of_sorted(keys_tn, bits, ranks_tn)
    return ranks_tn


@njit(cache=True, nogil=True)
def _keys(values_tn, other_tn, bits, out_tn):  # type: ignore[no-untyped-def]  # compiled: types are inferred
    for t in range(len(values_tn)):
        values_n, other_n, out_n = values_tn[t], other_tn[t], out_tn[t]
        largest = 0.0
        for n in range(len(values_n)):
            if np.isfinite(values_n[n]) and np.isfinite(other_n[n]):
                largest = max(largest, abs(values_n[n]))
        if largest == 0.0:
            largest = 1.0
        for n in range(len(values_n)):
            if np.isfinite(values_n[n]) and np.isfinite(other_n[n]):
                out_n[n] = (np.int64(np.rint(values_n[n] / largest * STEPS) + STEPS) << bits) | n
            else:
                out_n[n] = _MISSING


@njit(cache=True, nogil=True)
def _ranks_of_sorted(keys_tn, bits, out_tn):  # type: ignore[no-untyped-def]
    position = (1 << bits) - 1
    for t in range(len(keys_tn)):
        keys_n, out_n = keys_tn[t], out_tn[t]
        first, names = 0, len(keys_n)
        while first < names and keys_n[first] != _MISSING:
            value, after = keys_n[first] >> bits, first + 1
            while after < names and keys_n[after] >> bits == value:
                after += 1
            # Ranks first + 1 .. after: the doubled mean is the sum of both ends.
            for k in range(first, after):
                out_n[keys_n[k] & position] = first + 1 + after
            first = after


@njit(cache=True, nogil=True)
def _correlate(a_tn, b_tn, out_t):  # type: ignore[no-untyped-def]
    for t in range(len(a_tn)):
        a_n, b_n = a_tn[t], b_tn[t]
        centre = 1
        for n in range(len(a_n)):
            centre += a_n[n] > 0
        aa, bb, ab = 0, 0, 0
        for n in range(len(a_n)):
            there = a_n[n] > 0
            a, b = (a_n[n] - centre) * there, (b_n[n] - centre) * there
            aa += a * a
            bb += b * b
            ab += a * b
        if aa > 0 and bb > 0:
            out_t[t] = min(max(ab / (np.sqrt(float(aa)) * np.sqrt(float(bb))), -1.0), 1.0)
