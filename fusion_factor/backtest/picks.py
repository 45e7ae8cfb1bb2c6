"""Who is eligible, in which order, and who is picked at each signal (SEMANTICS 4).

Legend: s signal, c name of the pool in ascending byte order (index code or symbol).
"""

from typing import NamedTuple

import numpy as np

from fusion_factor.core.cross_section import paper

__all__ = ["Picks", "pick", "ranks"]


class Picks(NamedTuple):
    """`rank_sc`: 1 is the best, 0 for names not eligible; `picked_sc`: bool; `traded_s`: whether the execution trades.

    `weight_s`: target weight of each pick; `spare_s`: share that `underfill: cash` leaves in cash.
    """

    rank_sc: np.ndarray
    picked_sc: np.ndarray
    traded_s: np.ndarray
    weight_s: np.ndarray
    spare_s: np.ndarray


def ranks(score_sc: np.ndarray, eligible_sc: np.ndarray, ascending: bool = False) -> np.ndarray:
    """Rank of each eligible name, int64 [S, C], 1 the best, 0 where not eligible; equal scores by code."""
    order_sc = _best_first(score_sc, eligible_sc, ascending)
    rank_sc = np.empty(score_sc.shape, np.int64)
    places = np.broadcast_to(np.arange(1, score_sc.shape[1] + 1), score_sc.shape)
    np.put_along_axis(rank_sc, order_sc, places, axis=1)
    return np.where(eligible_sc, rank_sc, 0)


def _best_first(score_sc: np.ndarray, eligible_sc: np.ndarray, ascending: bool) -> np.ndarray:
    on_paper = paper(np.where(eligible_sc, score_sc, np.nan))
    # NaN sorts last; a stable sort keeps the order of codes among equals
    return np.argsort(on_paper if ascending else -on_paper, axis=1, kind="stable")


def pick(
    score_sc: np.ndarray,
    eligible_sc: np.ndarray,
    top_k: int,
    *,
    ascending: bool = False,
    buffer: int = 0,
    underfill: str = "equal",
    empty: str = "keep",
) -> Picks:
    """Choose the names of every signal.

    Args:
        score_sc, eligible_sc: [S, C], signals in time order; an eligible name has a score.
        top_k: how many. buffer: names of the previous non-empty list stay while their rank is <= top_k + buffer.
        underfill: with fewer than top_k eligible names `equal` (1/n each), `cash` (1/top_k each, the rest in cash) or
            `skip` (no trade, the list counts as not made). empty: with none, `keep` (no trade) or `cash` (sell all).
    """
    rank_sc = ranks(score_sc, eligible_sc, ascending)
    n_eligible = eligible_sc.sum(axis=1)
    picked_sc = eligible_sc & (rank_sc <= top_k)
    short = n_eligible < top_k
    if underfill == "skip":
        picked_sc[short] = False
    if buffer:
        _hold_on(picked_sc, rank_sc, top_k, buffer)
    traded_s = np.any(picked_sc, axis=1)
    if empty == "cash":
        traded_s |= n_eligible == 0
    n_picked = picked_sc.sum(axis=1)
    divisor = np.where(short & (underfill == "cash"), float(top_k), np.maximum(n_picked, 1))
    spare_s = np.where(n_picked > 0, (divisor - n_picked) / divisor, 0.0)
    return Picks(rank_sc, picked_sc, traded_s, 1.0 / divisor, spare_s)


def _hold_on(picked_sc: np.ndarray, rank_sc: np.ndarray, top_k: int, buffer: int) -> None:
    """Replace each full list by: names of the list before within the buffer, then the best others. In place."""
    previous = np.zeros(picked_sc.shape[1], bool)
    for i, rank in enumerate(rank_sc):
        if not picked_sc[i].any():
            continue
        stays = np.flatnonzero(previous & (rank > 0) & (rank <= top_k + buffer))
        # names that stay come before all others, best rank first within both
        later = np.full(len(rank), np.iinfo(np.int64).max)
        ranked = np.flatnonzero(rank > 0)
        later[ranked] = rank[ranked] + len(rank)
        later[stays] = rank[stays]
        chosen = np.argsort(later, kind="stable")[: min(top_k, len(ranked))]
        picked_sc[i] = False
        picked_sc[i, chosen] = True
        previous = picked_sc[i]
