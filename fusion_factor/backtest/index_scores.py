"""From stock scores to index scores: members at the signal, their aggregate, coverage and smoothing (SEMANTICS 2, 3).

Legend: s signal, c index code of the pool, m symbol with a score somewhere, p piece of a membership spell (a member).
Sums run in symbol order, so that nothing depends on the order of the input.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import paper
from fusion_factor.core.spells import segments

__all__ = ["IndexScores", "Members", "index_scores", "smoothed"]

_CEIL_SLACK = 1e-9
_BLOCK_CELLS = 100_000


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

    def at(self, signal: int) -> "_There":
        """The members on a session."""
        here = np.flatnonzero((self.start <= signal) & (signal < self.out))
        later = np.concatenate([self.start[self.start > signal], self.out[self.out > signal]])
        until = int(later.min()) if later.size else np.iinfo(np.int64).max
        size = np.bincount(self.code[here], minlength=len(self.codes))
        return _There(until, self.code[here], self.symbol[here], self.weight[here], size)

    def stretches(self, signals: np.ndarray) -> Iterator[tuple[slice, "_There"]]:
        """Signals between which no membership changes, cut into blocks of about `_BLOCK_CELLS` members."""
        first = 0
        while first < len(signals):
            there = self.at(int(signals[first]))
            stop = int(np.searchsorted(signals, there.until))
            rows = max(_BLOCK_CELLS // max(len(there.code), 1), 1)
            yield from ((slice(at, min(at + rows, stop)), there) for at in range(first, stop, rows))
            first = stop


class _There(NamedTuple):
    """The members from one session on, before `until`, in the order of code and symbol; `size`: how many by code."""

    until: int
    code: np.ndarray
    symbol: np.ndarray
    weight: np.ndarray
    size: np.ndarray

    def sum_of(self, values_sp: np.ndarray) -> np.ndarray:
        """Sum [S, C] of the members' values [S, P] for each code, in symbol order."""
        total_sc = np.zeros((len(values_sp), len(self.size)), values_sp.dtype)
        codes = np.flatnonzero(self.size)
        if codes.size:
            first = (np.cumsum(self.size) - self.size)[codes]
            total_sc[:, codes] = np.add.reduceat(values_sp, first, axis=1)
        return total_sc

    def number_of(self, marked_sp: np.ndarray) -> np.ndarray:
        """Number [S, C] of marked members of each code."""
        if marked_sp.all():
            return np.broadcast_to(self.size, (len(marked_sp), len(self.size)))
        return self.sum_of(marked_sp.astype(np.int64))


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
    nobody = np.full((len(signals), 1), np.nan)
    padded = np.hstack([score_sm, nobody])
    padded_cap = None if cap_sm is None else np.hstack([cap_sm, nobody])
    for rows, there in members.stretches(signals):
        x = padded[rows].take(there.symbol, axis=1)
        scored = ~np.isnan(x)
        n_scored = there.number_of(scored)
        coverage = np.divide(n_scored, there.size, out=np.full(n_scored.shape, np.nan), where=there.size > 0)
        if aggregate == "mean":
            value = _quotient(there.sum_of(_kept(x, scored)), n_scored)
        elif aggregate in ("weight", "cap"):
            weight = there.weight if padded_cap is None else padded_cap[rows].take(there.symbol, axis=1)
            usable = scored & ~np.isnan(weight)
            weight = _kept(np.broadcast_to(weight, x.shape), usable)
            value = _quotient(there.sum_of(weight * _kept(x, usable)), there.sum_of(weight))
        elif aggregate == "median":
            value = np.array([_median(there.code[s], v[s], n) for v, s, n in zip(x, scored, n_scored, strict=True)])
        else:
            value = np.array(
                [
                    _top_mean(there.code[s], v[s], n, top_share, ascending)
                    for v, s, n in zip(x, scored, n_scored, strict=True)
                ]
            )
        enough = (n_scored >= min_members) & (coverage >= min_coverage)
        raw_sc[rows] = np.where(enough, value, np.nan)
        coverage_sc[rows] = coverage
    return IndexScores(raw_sc, coverage_sc)


def _kept(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values, 0 where they are not wanted."""
    return values if wanted.all() else np.where(wanted, values, 0.0)


def _quotient(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def _median(code: np.ndarray, x: np.ndarray, count: np.ndarray) -> np.ndarray:
    result = np.full(len(count), np.nan)
    x = x[np.lexsort((x, code))]
    first = np.cumsum(count) - count
    there = count > 0
    low, high = first + (count - 1) // 2, first + count // 2
    result[there] = (x[low[there]] + x[high[there]]) / 2
    return result


def _top_mean(code: np.ndarray, x: np.ndarray, count: np.ndarray, top_share: float, ascending: bool) -> np.ndarray:
    """Mean of the best members of each code; equal scores (section 12) by symbol, which is the order they come in."""
    first = np.cumsum(count) - count
    taken = np.maximum(np.ceil(top_share * count - _CEIL_SLACK), 1).astype(np.int64)
    # one row for each code, for `paper` compares the values of one index
    places = np.arange(len(x)) - first[code]
    wide = np.full((len(count), int(count.max(initial=0))), np.nan)
    wide[code, places] = x
    on_paper = paper(wide)[code, places]
    order = np.lexsort((on_paper if ascending else -on_paper, code))
    place = np.empty(len(x), np.int64)
    place[order] = places
    best = place < taken[code]
    return _quotient(np.bincount(code[best], x[best], len(count)), np.minimum(taken, count))


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
