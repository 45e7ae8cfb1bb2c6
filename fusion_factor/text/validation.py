"""Cross-validation in which notes on one event never stand on both sides, and how good predicted probabilities are.

Several notes on one stock on one day share their label: one of them in training and another in validation would let a
classifier recognise the event instead of its tone (METHOD item 150).

Legend: n row, k class (0 down, 1 flat, 2 up).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.ranks import average_ranks

Matrix = np.ndarray[Any, np.dtype[np.float32]]
FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Parts = list[tuple[IntArray, IntArray]]
Predict = Callable[[Matrix], FloatArray]

DOWN, FLAT, UP = 0, 1, 2
CLASSES = 3
WAYS = ("shuffled", "blocks")
CLIP = 1e-6
"""Probabilities are clipped to [CLIP, 1 - CLIP] before their logits are taken (METHOD item 151)."""


def cross_validation(
    group_n: IntArray,
    session_n: Days,
    label_end_n: Days,
    stock_n: IntArray | None = None,
    *,
    parts: int = 5,
    way: str = "shuffled",
    seed: int = 42,
) -> Parts:
    """(training rows, validation rows) of each part; rows of one group are on one side, and training is purged.

    Args:
        group_n: code of the event, (stock, date). stock_n: code of the stock, for the purge of `shuffled`.
        session_n, label_end_n: first and last session that a row's label looks at.
        parts: how many; fewer groups give fewer parts. seed: of the shuffle.
        way: `shuffled`: groups dealt out at random, as published; a training row whose label overlaps one of the same
            stock in validation is left out. `blocks`: groups in the order of their first session, cut into blocks; a
            training row whose label overlaps any in validation is left out.

    A part that leaves a side without rows is left out.
    """
    if way not in WAYS:
        raise ConfigError(f"way is {way!r}, must be one of {', '.join(WAYS)}")
    groups, group_i = np.unique(group_n, return_inverse=True)
    if way == "shuffled":
        order = np.random.default_rng(seed).permutation(len(groups))
    else:
        first_g = np.full(len(groups), np.iinfo(np.int64).max)
        np.minimum.at(first_g, group_i, session_n.astype(np.int64))
        order = np.argsort(first_g, kind="stable")
    part_g = np.empty(len(groups), dtype=np.int64)
    part_g[order] = np.arange(len(groups)) * parts // max(len(groups), 1)
    if way == "blocks":
        stock_n = np.zeros(len(group_n), dtype=np.int64)
    found = []
    for part in range(parts):
        valid_n = part_g[group_i] == part
        train, valid = np.flatnonzero(~valid_n), np.flatnonzero(valid_n)
        if stock_n is not None:
            train = train[~_overlaps(train, valid, session_n, label_end_n, stock_n)]
        if len(train) and len(valid):
            found.append((train, valid))
    return found


def _overlaps(train: IntArray, valid: IntArray, first_n: Days, last_n: Days, stock_n: IntArray) -> np.ndarray:
    """Whether [first, last] of each training row meets that of a validation row of the same stock.

    Counted, not compared pair by pair: rows that began by our end, less rows that ended before our beginning.
    """
    span = np.int64(1) << np.int64(32)
    begin_n = stock_n * span + first_n.astype("datetime64[D]").astype(np.int64)
    end_n = stock_n * span + last_n.astype("datetime64[D]").astype(np.int64)
    begun = np.searchsorted(np.sort(begin_n[valid]), end_n[train], side="right")
    ended = np.searchsorted(np.sort(end_n[valid]), begin_n[train], side="left")
    return begun > ended


def note_score(p_nk: FloatArray) -> FloatArray:
    """logit(p_up) - logit(p_down) of probabilities [N, 3], clipped to [1e-6, 1 - 1e-6]; NaN stays. METHOD item 151."""
    clipped = np.clip(p_nk, CLIP, 1 - CLIP)
    logit = np.log(clipped / (1 - clipped))
    return logit[:, UP] - logit[:, DOWN]


def auc(score_n: FloatArray, positive_n: np.ndarray) -> float:
    """Chance that a positive row has the higher score than a negative one, ties half; NaN without one of either."""
    positive = np.asarray(positive_n, dtype=bool)
    ones, others = int(positive.sum()), int((~positive).sum())
    if not ones or not others:
        return float("nan")
    rank_n = average_ranks(np.asarray(score_n, dtype=np.float64)[None])[0]
    return float((rank_n[positive].sum() - ones * (ones + 1) / 2) / (ones * others))


def log_loss(p_nk: FloatArray, class_n: IntArray) -> float:
    """Mean of -ln(probability of the true class), probabilities clipped below at 1e-6; NaN without rows."""
    if not len(class_n):
        return float("nan")
    return float(-np.log(np.maximum(p_nk[np.arange(len(class_n)), class_n], CLIP)).mean())
