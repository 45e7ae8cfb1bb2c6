"""Figures over the names of one session, for all sessions at once.

Legend: `_tn` is [T sessions, N names], `_tnf` is [T, N, F factors], `_g` a group. Missing is NaN; an infinite value
counts as missing. Results are float64. Names lie along axis 1 in symbol order, and every sum over names runs in that
order, so that no result depends on the order of a table's rows. `zscore`, `residual` and `name_dots` add one name at a
time: a symbol that has nothing on a session (it is listed later, or was delisted long ago) changes no bit of the rest.
Nothing here looks from one session to another.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bottleneck as bn
import numpy as np
from numba import njit

from fusion_factor.core.ranks import average_ranks, spearman

__all__ = [
    "all_equal",
    "average_ranks",
    "mad_clip",
    "name_dots",
    "paper",
    "pearson",
    "rank_correlation",
    "residual",
    "zscore",
]

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

BLOCK_CELLS = 1_000_000
"""Sessions are worked off in blocks of about so many cells, which keeps intermediate arrays near the processor."""

PAPER_DIGITS = 12
CONSTANT_COVARIATE = 1e-13
"""A covariate that varies within its groups by less than this share of its largest value is constant (rounding)."""


def paper(values: FloatArray) -> FloatArray:
    """Return the values as they are compared: round(v / m, 12), m the largest |v| of the row (SEMANTICS 12).

    Args:
        values: [..., N], compared along the last axis; NaN is left out. A row of zeros gives zeros.

    Values that are equal in exact arithmetic come out equal, in whatever order they were summed.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape[-1] == 0:
        return values.copy()
    largest = np.fmax.reduce(np.abs(values), axis=-1, keepdims=True)
    largest = np.where(largest > 0, largest, 1.0)
    out = values / largest
    return np.round(out, PAPER_DIGITS, out=out)


def all_equal(values: FloatArray, axis: int = -1) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the values along an axis are all equal (see `paper`); true for one or no value. NaN is left out."""
    values = np.asarray(values, dtype=np.float64)
    if values.shape[axis] == 0:
        return np.ones(np.delete(values.shape, axis), dtype=bool)
    # Rounding keeps the order, so that the two ends tell about all between.
    top, bottom = np.fmax.reduce(values, axis=axis), np.fmin.reduce(values, axis=axis)
    largest = np.maximum(np.abs(top), np.abs(bottom))
    largest = np.where(largest > 0, largest, 1.0)
    return ~(np.round(top / largest, PAPER_DIGITS) > np.round(bottom / largest, PAPER_DIGITS))


def pearson(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """Pearson correlation of each row over the names that both sides have. [T, N] twice -> [T].

    NaN where a side is all equal (section 12), or has fewer than two names.
    """
    return _by_rows(_pearson_rows, a_tn, b_tn)


def rank_correlation(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """Pearson correlation of the average ranks over the names that both sides have (Spearman). [T, N] twice -> [T]."""
    return _by_rows(spearman, a_tn, b_tn)


def zscore(values: FloatArray, mask: np.ndarray[Any, Any] | None = None) -> FloatArray:
    """(x - mean) / std with ddof 0 over the names of a session; all 0 where all x are equal.

    Args:
        values: [T, N] or [T, N, F]; each factor has its own missing names.
        mask: [T, N] bool, the names that take part; the others come out NaN. None: all.

    Returns: same shape, float64, NaN where the value is missing or the name is masked.
    """
    values = _finite(values, mask)
    if values.shape[1] == 0:
        return values
    return _blockwise(_zscore_block, values)


def mad_clip(values: FloatArray, k: float = 3.0) -> FloatArray:
    """Clip to median +- k * 1.4826 * median|x - median| of the session; not clipped where that spread is 0 (METHOD 17).

    Args:
        values: [T, N] or [T, N, F]; each factor has its own missing names, which stay NaN.
        k: how many robust standard deviations are kept, > 0.
    """
    values = _finite(values)
    if values.shape[1] == 0:
        return values

    def clip(block: FloatArray) -> FloatArray:
        middle = np.expand_dims(bn.nanmedian(block, axis=1), 1)
        spread = 1.4826 * np.expand_dims(bn.nanmedian(np.abs(block - middle), axis=1), 1)
        reach = np.where(spread > 0, k * spread, np.inf)
        return np.clip(block, middle - reach, middle + reach)

    return _blockwise(clip, values)


def residual(
    values: FloatArray, groups_tn: np.ndarray[Any, Any] | None = None, covariate_tn: FloatArray | None = None
) -> FloatArray:
    """Residual of an ordinary least-squares regression over the names of each session.

    The regressors are one dummy per group (no separate intercept) and the covariate; without groups an intercept
    stands for the dummies. A group of one name, groups without a spread of the covariate and more regressors than names
    are no error: the residual is that of the least-squares fit, unique even where the coefficients are not.

    Args:
        values: [T, N] or [T, N, F]; regressors are shared by the factors, each factor has its own missing names.
        groups_tn: [T, N] integer group of each name, -1 = none; group numbers >= 0 and small.
        covariate_tn: [T, N], NaN = none, for example ln(market value).

    Returns: same shape as values, float64; NaN where the value or a regressor is missing.
    Source: METHOD 18, SEMANTICS 8.3 (which rounds the result afterwards).
    """
    values = np.asarray(values, dtype=np.float64)
    shape = values.shape
    y_tnf = np.ascontiguousarray(values if values.ndim == 3 else values[:, :, np.newaxis])
    if groups_tn is None:
        groups_tn = np.zeros(shape[:2], dtype=np.int64)
    groups_tn = np.ascontiguousarray(groups_tn, dtype=np.int64)
    has_covariate = covariate_tn is not None
    x_tn = np.zeros(shape[:2]) if covariate_tn is None else np.ascontiguousarray(covariate_tn, dtype=np.float64)
    if groups_tn.shape != shape[:2] or x_tn.shape != shape[:2]:
        raise ValueError(f"regressors {groups_tn.shape}, {x_tn.shape} do not fit values {shape}")
    out_tnf = np.empty_like(y_tnf)
    if y_tnf.size:
        _residual_kernel(y_tnf, groups_tn, x_tn, has_covariate, max(int(groups_tn.max()) + 1, 1), out_tnf)
    return out_tnf.reshape(shape)


# --- one block of sessions ---


def _finite(values: FloatArray, mask: np.ndarray[Any, Any] | None = None) -> FloatArray:
    """A copy in float64 with everything that is not finite, or masked, as NaN."""
    values = np.array(values, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    if mask is not None:
        values[~np.asarray(mask, dtype=bool)] = np.nan
    return values


def _blockwise(work: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    """Replace the blocks of sessions of `values` one after another by `work(block)`, in place."""
    rows = max(1, BLOCK_CELLS // max(1, values[0].size)) if len(values) else 1
    for first in range(0, len(values), rows):
        values[first : first + rows] = work(values[first : first + rows])
    return values


def _zscore_block(block: FloatArray) -> FloatArray:
    block_tnf = np.ascontiguousarray(block if block.ndim == 3 else block[:, :, np.newaxis])
    equal_tf = all_equal(block_tnf, axis=1)
    _zscore_kernel(block_tnf, equal_tf)
    return block_tnf.reshape(block.shape)


@njit(cache=True, nogil=True)
def _zscore_kernel(x_tnf, equal_tf):  # type: ignore[no-untyped-def]  # compiled: types are inferred
    """In place, name after name: a name that is missing changes no bit, wherever it stands among the others."""
    names, factors = x_tnf.shape[1:]
    for t in range(len(x_tnf)):
        x_nf = x_tnf[t]
        count_f, mean_f, std_f = np.zeros(factors), np.zeros(factors), np.zeros(factors)
        for n in range(names):
            for f in range(factors):
                if not np.isnan(x_nf[n, f]):
                    count_f[f] += 1.0
                    mean_f[f] += x_nf[n, f]
        for f in range(factors):
            count_f[f] = max(count_f[f], 1.0)
            mean_f[f] /= count_f[f]
        for n in range(names):
            for f in range(factors):
                if not np.isnan(x_nf[n, f]):
                    away = x_nf[n, f] - mean_f[f]
                    std_f[f] += away * away
        for f in range(factors):
            std_f[f] = np.sqrt(std_f[f] / count_f[f])
        for n in range(names):
            for f in range(factors):
                if not np.isnan(x_nf[n, f]):
                    if equal_tf[t, f]:
                        x_nf[n, f] = 0.0
                    else:
                        x_nf[n, f] = (x_nf[n, f] - mean_f[f]) / (std_f[f] if std_f[f] != 0.0 else 1.0)


def name_dots(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """The sum over names of a * b, [T, N] twice -> [T]; name after name, so that zeros in between change no bit."""
    out_t = np.zeros(len(a_tn))
    _dot_kernel(np.ascontiguousarray(a_tn, np.float64), np.ascontiguousarray(b_tn, np.float64), out_t)
    return out_t


@njit(cache=True, nogil=True)
def _dot_kernel(a_tn, b_tn, out_t):  # type: ignore[no-untyped-def]
    for t in range(len(a_tn)):
        total = 0.0
        for n in range(a_tn.shape[1]):
            total += a_tn[t, n] * b_tn[t, n]
        out_t[t] = total


def _by_rows(work: Callable[[FloatArray, FloatArray], FloatArray], a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """Run `work` on blocks of rows in threads (the heavy parts release the interpreter) and join its [T] results."""
    a_tn, b_tn = np.asarray(a_tn, dtype=np.float64), np.asarray(b_tn, dtype=np.float64)
    if a_tn.shape != b_tn.shape:
        raise ValueError(f"the two sides differ in shape: {a_tn.shape} and {b_tn.shape}")
    sessions, names = a_tn.shape
    if names == 0:
        return np.full(sessions, np.nan)
    rows = max(1, BLOCK_CELLS // (2 * names))
    starts = range(0, sessions, rows)
    out = np.full(sessions, np.nan)

    def fill(first: int) -> None:
        out[first : first + rows] = work(a_tn[first : first + rows], b_tn[first : first + rows])

    if len(starts) <= 1:
        for first in starts:
            fill(first)
        return out
    with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
        list(pool.map(fill, starts))
    return out


def _joint(a_tn: FloatArray, b_tn: FloatArray) -> tuple[FloatArray, FloatArray]:
    both = np.isfinite(a_tn) & np.isfinite(b_tn)
    if both.all():
        return a_tn, b_tn
    return np.where(both, a_tn, np.nan), np.where(both, b_tn, np.nan)


def _pearson_rows(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    a_tn, b_tn = _joint(a_tn, b_tn)
    flat = all_equal(a_tn) | all_equal(b_tn)
    return np.where(flat, np.nan, _correlate(_unit(a_tn), _unit(b_tn)))


def _unit(values_tn: FloatArray) -> FloatArray:
    """Scale rows to a largest |v| of 1, so that squares neither overflow nor vanish."""
    largest = np.fmax.reduce(np.abs(values_tn), axis=-1, keepdims=True)
    return values_tn / np.where(largest > 0, largest, 1.0)


def _correlate(a_tn: FloatArray, b_tn: FloatArray) -> FloatArray:
    """Correlation of rows that miss the same names; NaN where a sum of squares is 0."""
    count = np.maximum(np.sum(~np.isnan(a_tn), axis=1, keepdims=True), 1)
    a_tn = np.nan_to_num(a_tn - np.nansum(a_tn, axis=1, keepdims=True) / count, nan=0.0)
    b_tn = np.nan_to_num(b_tn - np.nansum(b_tn, axis=1, keepdims=True) / count, nan=0.0)
    cross = np.einsum("tn,tn->t", a_tn, b_tn)
    scale = np.sqrt(np.einsum("tn,tn->t", a_tn, a_tn)) * np.sqrt(np.einsum("tn,tn->t", b_tn, b_tn))
    return np.clip(np.divide(cross, scale, out=np.full(len(cross), np.nan), where=scale > 0), -1.0, 1.0)


@njit(cache=True, nogil=True)
def _residual_kernel(  # type: ignore[no-untyped-def]  # compiled: types are inferred
    y_tnf, groups_tn, x_tn, has_covariate, group_count, out_tnf
):
    """Frisch-Waugh: take group means out of value and covariate, then the slope of what is left on what is left."""
    for t in range(len(y_tnf)):
        out_nf, groups_n, x_n = out_tnf[t], groups_tn[t], x_tn[t]
        _keep_complete(y_tnf[t], groups_n, x_n, out_nf)
        _take_out_means(out_nf, groups_n, group_count)
        # The mean of what is left after the first mean is its rounding.
        _take_out_means(out_nf, groups_n, group_count)
        if has_covariate:
            _take_out_slope(out_nf, groups_n, x_n, group_count)


@njit(cache=True, nogil=True)
def _keep_complete(y_nf, groups_n, x_n, out_nf):  # type: ignore[no-untyped-def]
    for n in range(len(y_nf)):
        usable = groups_n[n] >= 0 and np.isfinite(x_n[n])
        for f in range(y_nf.shape[1]):
            out_nf[n, f] = y_nf[n, f] if usable and np.isfinite(y_nf[n, f]) else np.nan


@njit(cache=True, nogil=True)
def _take_out_means(out_nf, groups_n, group_count):  # type: ignore[no-untyped-def]
    names, factors = out_nf.shape
    count_gf, mean_gf = np.zeros((group_count, factors)), np.zeros((group_count, factors))
    for n in range(names):
        g = groups_n[n]
        if g >= 0:
            for f in range(factors):
                if not np.isnan(out_nf[n, f]):
                    count_gf[g, f] += 1.0
                    mean_gf[g, f] += out_nf[n, f]
    mean_gf /= np.maximum(count_gf, 1.0)
    for n in range(names):
        g = groups_n[n]
        if g >= 0:
            for f in range(factors):
                out_nf[n, f] -= mean_gf[g, f]


@njit(cache=True, nogil=True)
def _take_out_slope(out_nf, groups_n, x_n, group_count):  # type: ignore[no-untyped-def]
    names, factors = out_nf.shape
    # A name that one factor misses must not count in that factor's mean of the covariate.
    x_nf, top_f = np.full((names, factors), np.nan), np.zeros(factors)
    for n in range(names):
        for f in range(factors):
            if not np.isnan(out_nf[n, f]):
                x_nf[n, f] = x_n[n]
                top_f[f] = max(top_f[f], abs(x_n[n]))
    _take_out_means(x_nf, groups_n, group_count)
    xx_f, xy_f, count_f = np.zeros(factors), np.zeros(factors), np.zeros(factors)
    for n in range(names):
        for f in range(factors):
            if not np.isnan(out_nf[n, f]):
                count_f[f] += 1.0
                xx_f[f] += x_nf[n, f] * x_nf[n, f]
                xy_f[f] += x_nf[n, f] * out_nf[n, f]
    for f in range(factors):
        noise = CONSTANT_COVARIATE * top_f[f]
        # Without a spread within groups the covariate lies in the span of the dummies and explains nothing more.
        xy_f[f] = xy_f[f] / xx_f[f] if xx_f[f] > noise * noise * count_f[f] else 0.0
    for n in range(names):
        for f in range(factors):
            if not np.isnan(out_nf[n, f]):
                out_nf[n, f] -= xy_f[f] * x_nf[n, f]
