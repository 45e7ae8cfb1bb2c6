"""The weight of each part of a score on each session: given, equal, or learned from labels that have ended.

Axes: t session, n symbol, k part, w session of the window.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.scores.settings import LEARNED, FusionConfig
from fusion_factor.scores.trailing import ended, last_ended, mean_and_ratio, moments, rank_ics, ridge_slopes, shrunk

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The weights of the parts by session, and what they were learned from; row t is known at the close of t.

    weight_tk  [T, K], in any scale per session; not all 0.
    figure_tk  what was learned before shrinking or normalising: mean RankIC, its ratio, or slope; NaN for none.
    count_tk   how many sessions stand behind the figure; 0 for none.
    known_tk   position of the session on which the last label among them ended, <= t; -1 for none.
    """

    method: str
    parts: tuple[str, ...]
    weight_tk: FloatArray
    figure_tk: FloatArray
    count_tk: IntArray
    known_tk: IntArray

    @property
    def share_tk(self) -> FloatArray:
        """The weights as applied: absolute values sum to 1 on each session."""
        return self.weight_tk / np.abs(self.weight_tk).sum(axis=1, keepdims=True)

    def table(self, sessions: np.ndarray, used_t: np.ndarray) -> pd.DataFrame:
        """Long table over the sessions where `used_t`: date, method, part, weight, figure, sessions, label_until."""
        t, k = (each.ravel() for each in np.meshgrid(np.flatnonzero(used_t), np.arange(len(self.parts)), indexing="ij"))
        known = self.known_tk[t, k]
        until = np.where(known >= 0, sessions[known], np.datetime64("NaT"))
        return pd.DataFrame(
            {
                "date": pd.DatetimeIndex(sessions[t]),
                "method": self.method,
                "part": np.asarray(self.parts, dtype=object)[k],
                "weight": self.share_tk[t, k],
                "figure": self.figure_tk[t, k],
                "sessions": self.count_tk[t, k],
                "label_until": pd.DatetimeIndex(until),
            }
        )

    def described(self, used_t: np.ndarray) -> dict[str, dict[str, float]]:
        """By part: the mean, least, most and last weight over the sessions where `used_t`."""
        share_tk = self.share_tk[used_t]
        if not len(share_tk):
            return {}
        columns = {"mean": share_tk.mean(axis=0), "least": share_tk.min(axis=0), "most": share_tk.max(axis=0)}
        columns["last"] = share_tk[-1]
        return {
            part: {name: round(float(values[k]), 6) for name, values in columns.items()}
            for k, part in enumerate(self.parts)
        }


def part_weights(
    parts: Mapping[str, FloatArray],
    config: FusionConfig,
    *,
    lead: str,
    label_tn: FloatArray | None = None,
    reach: int | None = None,
) -> Weights:
    """The weights of `parts` (each [T, N], NaN = none) on every session.

    fixed, equal  as configured; no label is looked at.
    ic, icir      in proportion to the part's mean RankIC over the window (or that over its standard deviation), where
                  positive, pulled to the mean of all parts' with strength P / (n / reach + P): see `trailing.shrunk`.
    stack         in proportion to the slopes of a ridge regression of the label on the parts over the window, each
                  session weighing the same, pulled to equal slopes: see `trailing.ridge_slopes`.
    n counts the sessions that stand behind a figure, P is `shrink_labels`; n / reach is how many of their labels do not
    overlap. So without any past the weights are equal, and they leave that as labels end. Where no part has a positive
    figure they are equal. Learned weights are 0 for a part that nobody has on the session.

    Args:
        lead: the part whose names are scored; the stack is fitted on them.
        label_tn: return after each session, [T, N], NaN = none; looks ahead by `reach`.
        reach: the last session that the label of t looks at, minus t, >= 1. Weights of t use labels of s only where
            s + reach <= t; a reach that is too small looks ahead.

    Raises: ConfigError without a label where it is learned from, or for weights that are not there.
    """
    names = list(parts)
    shape = (len(parts[lead]), len(names))
    if config.method not in LEARNED:
        weight_tk = np.broadcast_to(np.asarray(config.fixed_weights(names)), shape).copy()
        none = np.zeros(shape, dtype=np.int64)
        return _weights(config, names, weight_tk, np.full(shape, np.nan), none, none - 1)
    if label_tn is None or reach is None or reach < 1:
        raise ConfigError(f"method {config.method}: needs a label and its reach (>= 1 session), got reach {reach}")
    if label_tn.shape != parts[lead].shape:
        raise DataError(f"weights: the label is {label_tn.shape}, the parts are {parts[lead].shape}")
    config.check_number_of(names)
    present_tk = np.stack([np.isfinite(part_tn).any(axis=1) for part_tn in parts.values()], axis=1)
    learn = _stacked if config.method == "stack" else _by_figure
    strength_tk, figure_tk, there_tkw = learn(parts, config, lead, label_tn, reach)
    weight_tk = np.where(present_tk, strength_tk, 0.0)
    nothing_t = ~(np.abs(weight_tk).sum(axis=1) > 0)
    equal_tk = np.where(present_tk.any(axis=1, keepdims=True), present_tk, True)
    weight_tk = np.where(nothing_t[:, None], equal_tk, weight_tk)
    return _weights(config, names, weight_tk, figure_tk, there_tkw.sum(axis=-1), last_ended(there_tkw))


def _weights(
    config: FusionConfig,
    names: list[str],
    weight_tk: FloatArray,
    figure_tk: FloatArray,
    count_tk: IntArray,
    known_tk: IntArray,
) -> Weights:
    return Weights(
        method=config.method,
        parts=tuple(names),
        weight_tk=weight_tk,
        figure_tk=figure_tk,
        count_tk=count_tk,
        known_tk=known_tk,
    )


Learned = tuple[FloatArray, FloatArray, np.ndarray[Any, np.dtype[np.bool_]]]
"""Strengths and figures [T, K], and which sessions of each window stand behind them, bool [T, K, W]."""


def _by_figure(
    parts: Mapping[str, FloatArray], config: FusionConfig, lead: str, label_tn: FloatArray, reach: int
) -> Learned:
    ic_tkw = ended(rank_ics(list(parts.values()), label_tn, config.min_names), config.window_sessions, reach)
    there_tkw = np.isfinite(ic_tkw)
    figure_tk = mean_and_ratio(ic_tkw)[1 if config.method == "icir" else 0]
    prior_sessions = config.shrink_labels * reach
    return shrunk(figure_tk, there_tkw.sum(axis=-1), prior_sessions), figure_tk, there_tkw


def _stacked(
    parts: Mapping[str, FloatArray], config: FusionConfig, lead: str, label_tn: FloatArray, reach: int
) -> Learned:
    gram_tkk, cross_tk = moments(list(parts.values()), parts[lead], label_tn, config.min_names)
    gram_tkkw = ended(gram_tkk, config.window_sessions, reach)
    cross_tkw = ended(cross_tk, config.window_sessions, reach)
    there_tkw = np.isfinite(cross_tkw)
    count_t = there_tkw[:, 0].sum(axis=-1)
    divisor_t = np.maximum(count_t, 1)
    gram_tkk = np.nansum(gram_tkkw, axis=-1) / divisor_t[:, None, None]
    cross_tk = np.nansum(cross_tkw, axis=-1) / divisor_t[:, None]
    slopes_tk = ridge_slopes(gram_tkk, cross_tk, count_t, config.shrink_labels * reach, config.non_negative)
    return np.nan_to_num(slopes_tk, nan=0.0), slopes_tk, there_tkw
