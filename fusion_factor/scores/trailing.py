"""What past labels say of the parts of a score: figures over a trailing window that had ended by each session.

A label of session s reads prices through s + reach, so that the close of session t knows those of s <= t - reach.
Axes: t session, n symbol, k part, w session of the window. Nothing here loops over sessions.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fusion_factor.core.cross_section import name_dots, rank_correlation, zscore

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

LABEL_CLIP = 3.0


def ended(values: FloatArray, window_sessions: int, reach: int) -> FloatArray:
    """Row t: `values` of the sessions t - reach - window + 1 ... t - reach along a new last axis, NaN before the first.

    [T, ...] -> [T, ..., W], a view of a padded copy. Known at the close of t when values[s] is known at s + reach.

    >>> ended(np.array([0.0, 1.0, 2.0, 3.0]), window_sessions=2, reach=1)
    array([[nan, nan],
           [nan,  0.],
           [ 0.,  1.],
           [ 1.,  2.]])
    """
    before = np.full((window_sessions - 1 + reach, *values.shape[1:]), np.nan)
    padded = np.concatenate([before, values])
    view = np.lib.stride_tricks.sliding_window_view(padded, window_sessions, axis=0)
    return np.asarray(view[: len(values)])


def last_ended(there_tkw: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Position of the session on which the last label of each window ended, int64 [T, K]; -1 where there is none.

    there_tkw  which sessions of `ended`'s windows have a value; the last one's label ends at t itself.
    """
    back_tk = np.argmax(there_tkw[..., ::-1], axis=-1)
    return np.where(there_tkw.any(axis=-1), np.arange(len(there_tkw))[:, None] - back_tk, -1)


def rank_ics(parts: Sequence[FloatArray], label_tn: FloatArray, min_names: int) -> FloatArray:
    """RankIC of each part on each session with at least `min_names` names that have both, [T, K]; else NaN."""
    columns = []
    for part_tn in parts:
        enough_t = (np.isfinite(part_tn) & np.isfinite(label_tn)).sum(axis=1) >= min_names
        columns.append(np.where(enough_t, rank_correlation(part_tn, label_tn), np.nan))
    return np.stack(columns, axis=1)


def mean_and_ratio(ic_tkw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean of the known values of each window, and mean over standard deviation (ddof 1); NaN where undefined."""
    there_tkw = np.isfinite(ic_tkw)
    count_tk = there_tkw.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_tk = np.where(there_tkw, ic_tkw, 0.0).sum(axis=-1) / count_tk
        away_tkw = np.where(there_tkw, ic_tkw - mean_tk[..., None], 0.0)
        std_tk = np.sqrt((away_tkw**2).sum(axis=-1) / (count_tk - 1))
        ratio_tk = np.where((count_tk > 1) & (std_tk > 0), mean_tk / std_tk, np.nan)
    return mean_tk, ratio_tk


def shrunk(figure_tk: FloatArray, count_tk: FloatArray, prior_count: float) -> FloatArray:
    """Non-negative strengths [T, K]: each figure's positive part, pulled to the mean of all parts' of the session.

    strength_k = a_k * max(f_k, 0) + (1 - a_k) * mean over parts of max(f, 0), with a_k = n_k / (n_k + prior_count).
    With equal counts the shares are a * f_k / sum f + (1 - a) / K: a straight line from the figures to equal weights.
    A part without a figure (NaN, n_k taken as 0) gets the mean. All 0 where no figure is positive.
    """
    there_tk = np.isfinite(figure_tk)
    positive_tk = np.where(there_tk, np.maximum(figure_tk, 0.0), 0.0)
    common_t = positive_tk.sum(axis=1) / np.maximum(there_tk.sum(axis=1), 1)
    count_tk = np.where(there_tk, count_tk, 0.0)
    own_tk = count_tk / np.maximum(count_tk + prior_count, np.finfo(float).tiny)
    return own_tk * positive_tk + (1.0 - own_tk) * common_t[:, None]


def moments(
    parts: Sequence[FloatArray], lead_tn: FloatArray, label_tn: FloatArray, min_names: int
) -> tuple[FloatArray, FloatArray]:
    """Of each session, over the names with the lead part and a label: x'x / n [T, K, K] and x'y / n [T, K].

    x are the parts, a missing one 0, less their mean over these names; y is the label's z-score clipped to +-3, as in
    training. NaN for a session with fewer than `min_names` such names.
    """
    there_tn = np.isfinite(lead_tn) & np.isfinite(label_tn)
    count_t = there_tn.sum(axis=1)
    n_t = np.maximum(count_t, 1)
    y_tn = np.where(there_tn, np.clip(zscore(label_tn, there_tn), -LABEL_CLIP, LABEL_CLIP), 0.0)
    columns = []
    for part_tn in parts:
        x_tn = np.where(there_tn & np.isfinite(part_tn), part_tn, 0.0)
        columns.append(np.where(there_tn, x_tn - (name_dots(x_tn, there_tn.astype(np.float64)) / n_t)[:, None], 0.0))
    size = len(columns)
    gram_tkk, cross_tk = np.empty((len(y_tn), size, size)), np.empty((len(y_tn), size))
    for i, x_tn in enumerate(columns):
        cross_tk[:, i] = name_dots(x_tn, y_tn) / n_t
        for j in range(i + 1):
            gram_tkk[:, i, j] = gram_tkk[:, j, i] = name_dots(x_tn, columns[j]) / n_t
    few_t = count_t < min_names
    gram_tkk[few_t], cross_tk[few_t] = np.nan, np.nan
    return gram_tkk, cross_tk


def ridge_slopes(
    gram_tkk: FloatArray, cross_tk: FloatArray, count_t: FloatArray, prior_count: float, non_negative: bool
) -> FloatArray:
    """Slopes w [T, K] that minimise w'Gw - 2c'w + a |w - m|^2 with a = prior_count / count.

    G and c are mean moments over `count` cross-sections; m is the slope of the equal-weighted mix, or 0 where that is
    negative, shared out equally: the penalty pulls to equal weights, not to nothing. NaN where there are no moments.
    """
    size = cross_tk.shape[1]
    slopes_tk = np.full(cross_tk.shape, np.nan)
    known_t = count_t > 0
    gram_tkk, cross_tk = gram_tkk[known_t], cross_tk[known_t]
    variance_t, covariance_t = gram_tkk.mean(axis=(1, 2)), cross_tk.mean(axis=1)
    slope_t = np.where(variance_t > 0, covariance_t / np.where(variance_t > 0, variance_t, 1.0), 0.0)
    penalty_t = prior_count / count_t[known_t]
    gram_tkk = gram_tkk + penalty_t[:, None, None] * np.eye(size)
    cross_tk = cross_tk + (penalty_t * np.maximum(slope_t, 0.0) / size)[:, None]
    solve = _best_subset if non_negative else _solve
    slopes_tk[known_t] = solve(gram_tkk, cross_tk)
    return slopes_tk


def _solve(gram_tkk: FloatArray, cross_tk: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(gram_tkk, cross_tk[..., None])[..., 0])


def _best_subset(gram_tkk: FloatArray, cross_tk: FloatArray) -> FloatArray:
    """Least squares with no slope below 0, exactly: the best of all subsets whose own solution has none below 0."""
    size = cross_tk.shape[1]
    best_tk, objective_t = np.zeros_like(cross_tk), np.zeros(len(cross_tk))
    for chosen in (list(each) for count in range(1, size + 1) for each in combinations(range(size), count)):
        slopes_tc = _solve(gram_tkk[:, chosen][:, :, chosen], cross_tk[:, chosen])
        # At its minimum w'Gw - 2c'w is -c'w.
        own_t = -(cross_tk[:, chosen] * slopes_tc).sum(axis=1)
        better_t = (slopes_tc >= 0).all(axis=1) & (own_t < objective_t)
        objective_t = np.where(better_t, own_t, objective_t)
        filled_tk = np.zeros_like(cross_tk)
        filled_tk[:, chosen] = slopes_tc
        best_tk = np.where(better_t[:, None], filled_tk, best_tk)
    return best_tk
