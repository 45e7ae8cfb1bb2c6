"""From stock scores to index scores: members at the signal, their aggregate, coverage and smoothing (SEMANTICS 2, 3).

Legend: s signal, c index code of the pool, m symbol with a score somewhere, p piece of a membership spell.
Sums run in symbol order, so that nothing depends on the order of the input.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import paper
from fusion_factor.core.spells import segments

__all__ = ["IndexScores", "Members", "index_scores", "smoothed"]

_CEIL_SLACK = 1e-9


class IndexScores(NamedTuple):
    """`raw_sc`: scores before smoothing, NaN where there is none; `coverage_sc`: NaN without members."""

    raw_sc: np.ndarray
    coverage_sc: np.ndarray


class Members:
    """Checked `members` of a pool as disjoint pieces in the order of code and symbol, made once.

    Args:
        members: checked table. sessions: datetime64[D] [T]. codes: pool [C]; symbols: scored symbols [M], both sorted.
    """

    def __init__(self, members: pd.DataFrame, sessions: np.ndarray, codes: np.ndarray, symbols: np.ndarray) -> None:
        members = members[members["code"].isin(set(codes))]
        pieces = segments(members, sessions, ("code", "symbol"))
        self.codes = codes
        self.start, self.out = pieces.start, pieces.out
        self.code = np.searchsorted(codes, members["code"].to_numpy(object)[pieces.row])
        position_of = {symbol: i for i, symbol in enumerate(symbols)}
        symbol = members["symbol"].to_numpy(object)[pieces.row]
        # a member that never has a score points to one more column, which is empty
        self.symbol = np.array([position_of.get(one, len(symbols)) for one in symbol], np.int64)
        weight = members["weight"].to_numpy()[pieces.row] if "weight" in members else np.full(len(symbol), np.nan)
        self.weight = np.where(weight > 0, weight, np.nan)

    def at(self, signal: int) -> np.ndarray:
        """Pieces that cover a session, in the order of code and symbol."""
        return np.flatnonzero((self.start <= signal) & (signal < self.out))


def index_scores(
    members: Members,
    signals: np.ndarray,
    score_sm: np.ndarray,
    *,
    aggregate: str = "mean",
    cap_sm: np.ndarray | None = None,
    top_share: float = 0.3,
    ascending: bool = False,
    min_members: int = 1,
    min_coverage: float = 0.5,
) -> IndexScores:
    """Raw index scores and coverage at signals, [S, C] each.

    Args:
        members: pieces of the pool. signals: session positions [S].
        score_sm: scores in use [S, M], NaN: none. cap_sm: capitalisation at the signals, for aggregate `cap`.
        aggregate: mean, median, weight, cap or top_mean (the best `top_share` of the scored members).
        ascending: whether the lowest scores are the best, for `top_mean`.
        min_members, min_coverage: fewer scored members, or a smaller share of them, give no score.
    """
    n_codes = len(members.codes)
    raw_sc = np.full((len(signals), n_codes), np.nan)
    coverage_sc = raw_sc.copy()
    padded = np.column_stack([score_sm, np.full(len(signals), np.nan)])
    padded_cap = None if cap_sm is None else np.column_stack([cap_sm, np.full(len(signals), np.nan)])
    for i, signal in enumerate(signals):
        here = members.at(signal)
        code, symbol = members.code[here], members.symbol[here]
        x = padded[i, symbol]
        scored = ~np.isnan(x)
        n_members = np.bincount(code, minlength=n_codes)
        n_scored = np.bincount(code[scored], minlength=n_codes)
        coverage = np.divide(n_scored, n_members, out=np.full(n_codes, np.nan), where=n_members > 0)
        if aggregate in ("weight", "cap"):
            weight = members.weight[here] if padded_cap is None else padded_cap[i, symbol]
            scored = scored & ~np.isnan(weight)
            value = _weighted(code[scored], x[scored], weight[scored], n_codes)
        else:
            value = _AGGREGATES[aggregate](code[scored], x[scored], n_codes, top_share, ascending)
        enough = (n_scored >= min_members) & (coverage >= min_coverage)
        raw_sc[i] = np.where(enough, value, np.nan)
        coverage_sc[i] = coverage
    return IndexScores(raw_sc, coverage_sc)


def _weighted(code: np.ndarray, x: np.ndarray, weight: np.ndarray, n_codes: int) -> np.ndarray:
    """sum(w x) / sum(w) of each code; NaN without a member."""
    total = np.bincount(code, weight, n_codes)
    return np.divide(np.bincount(code, weight * x, n_codes), total, out=np.full(n_codes, np.nan), where=total > 0)


def _mean(code: np.ndarray, x: np.ndarray, n_codes: int, top_share: float, ascending: bool) -> np.ndarray:
    count = np.bincount(code, minlength=n_codes)
    return np.divide(np.bincount(code, x, n_codes), count, out=np.full(n_codes, np.nan), where=count > 0)


def _median(code: np.ndarray, x: np.ndarray, n_codes: int, top_share: float, ascending: bool) -> np.ndarray:
    result = np.full(n_codes, np.nan)
    x = x[np.lexsort((x, code))]
    count = np.bincount(code, minlength=n_codes)
    first = np.cumsum(count) - count
    there = count > 0
    low, high = first + (count - 1) // 2, first + count // 2
    result[there] = (x[low[there]] + x[high[there]]) / 2
    return result


def _top_mean(code: np.ndarray, x: np.ndarray, n_codes: int, top_share: float, ascending: bool) -> np.ndarray:
    """Mean of the best members of each code; equal scores (section 12) by symbol, which is the order they come in."""
    count = np.bincount(code, minlength=n_codes)
    first = np.cumsum(count) - count
    taken = np.maximum(np.ceil(top_share * count - _CEIL_SLACK), 1)
    on_paper = np.concatenate([paper(x[f : f + c]) for f, c in zip(first, count, strict=True)]) if x.size else x
    order = np.lexsort((on_paper if ascending else -on_paper, code))
    place = np.empty(len(x), np.int64)
    place[order] = np.arange(len(x)) - first[code]
    best = place < taken[code]
    return _mean(code[best], x[best], n_codes, top_share, ascending)


_Aggregate = Callable[[np.ndarray, np.ndarray, int, float, bool], np.ndarray]
_AGGREGATES: dict[str, _Aggregate] = {"mean": _mean, "median": _median, "top_mean": _top_mean}


def smoothed(raw_sc: np.ndarray, smooth: int) -> np.ndarray:
    """Mean of the raw scores of the last `smooth` signals up to each, missing ones left out; NaN where raw is."""
    if smooth == 1:
        return raw_sc
    there = ~np.isnan(raw_sc)
    filled = np.where(there, raw_sc, 0.0)
    total, count = np.zeros_like(raw_sc), np.zeros(raw_sc.shape, np.int64)
    for lag in range(min(smooth, len(raw_sc))):
        total[lag:] += filled[: len(raw_sc) - lag]
        count[lag:] += there[: len(raw_sc) - lag]
    return np.where(there, total / np.maximum(count, 1), np.nan)
