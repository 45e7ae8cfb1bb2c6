"""The one label function: what a name returned between two session offsets.

Legend: `_tn` is [T sessions, N names], `_dn` is [D grid dates, N names]. Prices are adjusted (price times adj_factor),
any unit, float64. A label at session s reads prices after s: it belongs to losses and evaluations, never to inputs.
The last session it reads is s + reach.
"""

from typing import Any, Literal

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

LABELS = ("close", "open", "vwap")
NEXT: Literal["next"] = "next"


def valid_price(price_tn: FloatArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether a price is valid: finite and > 0."""
    price_tn = np.asarray(price_tn)
    return np.isfinite(price_tn) & (price_tn > 0)


def relative_between(price_tn: FloatArray, start_d: IntArray, end_d: IntArray) -> FloatArray:
    """Return price[end] / price[start] - 1 for pairs of session positions. [T, N], [D], [D] -> [D, N].

    NaN where a price is not valid or a position lies outside of [0, T).
    """
    price_tn = np.asarray(price_tn, dtype=np.float64)
    sessions, names = price_tn.shape
    start_d, end_d = np.asarray(start_d), np.asarray(end_d)
    inside = (start_d >= 0) & (end_d >= 0) & (start_d < sessions) & (end_d < sessions)
    out_dn = np.full((len(start_d), names), np.nan)
    first, last = price_tn[start_d[inside]], price_tn[end_d[inside]]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = last / first - 1.0
    out_dn[inside] = np.where(valid_price(first) & valid_price(last) & np.isfinite(relative), relative, np.nan)
    return out_dn


def price_relative(price_tn: FloatArray, start: int, end: int) -> FloatArray:
    """Return price[t + end] / price[t + start] - 1 at every session t. [T, N] -> [T, N] float64.

    Args:
        price_tn: adjusted prices, missing = NaN.
        start, end: offsets in sessions. Positive offsets look ahead: row t is known only after session
            t + max(start, end).

    NaN where either price is not valid (finite, > 0) or lies outside of the sessions.
    """
    position = np.arange(len(price_tn))
    return relative_between(price_tn, position + start, position + end)


def offsets(kind: str, span: int, lag: int = 0) -> tuple[int, int]:
    """Offsets (start, end) of the label's two prices from s (SEMANTICS 8.1).

    `close` with label lag g: (g, g + span). `open` and `vwap`: (1, 1 + span), the first prices that can be traded after
    s; they know no lag.
    """
    if kind not in LABELS:
        raise ValueError(f"label {kind!r} is none of {LABELS}")
    if kind != "close" and lag:
        raise ValueError(f"a label lag ({lag}) belongs to the label close, not {kind}")
    first = lag if kind == "close" else 1
    return first, first + span


def reach(kind: str, span: int, lag: int = 0) -> int:
    """Last session whose price the label at s reads, minus s: what a purge between folds has to keep clear."""
    return offsets(kind, span, lag)[1]


def label(price_tn: FloatArray, kind: str, horizon: int, lag: int = 0) -> FloatArray:
    """Label of every session and name. [T, N] adjusted prices of the field that `kind` names -> [T, N] float64.

    Args:
        price_tn: adjusted `close`, `open` or `vwap`, as `kind` says.
        kind: close, open or vwap.
        horizon: span h in sessions, >= 1.
        lag: sessions g that the score waits before the label starts (`close` only); g = 1, h = 5 is the published
            T+1..T+6.

    The published training label, T+1..T+11 on closes, is label(close_tn, "close", 10, lag=1), of reach 11.
    Looks ahead by `reach(kind, horizon, lag)` sessions.
    """
    return price_relative(price_tn, *offsets(kind, horizon, lag))


def grid_label(
    price_tn: FloatArray, positions_d: IntArray, kind: str, horizon: int | Literal["next"], lag: int = 0
) -> tuple[FloatArray, IntArray]:
    """Labels at the dates of a grid, and their spans. [T, N], [D] -> [D, N] float64, [D] int (-1: no label).

    Args:
        positions_d: session positions of the grid dates, increasing.
        horizon: span in sessions, or "next": up to the next grid date (the last has no label).
    """
    positions_d = np.asarray(positions_d, dtype=np.int64)
    if horizon != NEXT:
        start, end = offsets(kind, horizon, lag)
        return relative_between(price_tn, positions_d + start, positions_d + end), np.full(len(positions_d), horizon)
    start, end = offsets(kind, 0, lag)
    following = np.append(positions_d[1:], -1) if len(positions_d) else positions_d
    spans = np.where(following >= 0, following - positions_d, -1)
    # A start outside of the sessions stands for "no label" at the last date.
    begin = np.where(following >= 0, positions_d + start, -1)
    return relative_between(price_tn, begin, following + end), spans
