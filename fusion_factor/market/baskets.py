"""Index prices built from constituents: chain-linked, weighted, with the membership of each session and nothing later.

For industries and concepts no free index with opens exists, so the index is made from its members:

    close[t] = close[t-1] * sum(w_i[t-1] C_i[t] / C_i[t-1]) / sum(w_i[t-1]),   open[t] the same with O_i[t]

over the members of session t, C and O adjusted prices, w the float cap at the close before, or 1. A carried close of a
suspended stock counts with return 0; a stock without a row is left out until it is back (its jump counts then, if it
was away no longer than `max_carry`). Index level 1000 stands at the close before the first session (METHOD items 107,
117).

Legend of axes: n symbol, t session. Sums run over the symbols one after the other, in byte order, so that later rows
of the data cannot move even the last bit of an earlier price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.spells import segments
from fusion_factor.market.mapping import choice, refuse_unknown

Array = npt.NDArray[np.float64]
BASE = 1000.0
SELLABLE_AFTER = 15  # sessions; a weekly strategy trades within them even around a holiday week


@dataclass(frozen=True)
class BasketRule:
    """`weights`: cap (float cap of the previous session) or equal (rebalanced each session).

    `min_members`: fewest members with a return for a price that session; `min_history`: sessions since its first row
    that a newly listed stock waits; `max_carry`: sessions after which a missing stock's last close is forgotten;
    `max_move`: one member's return of one session is clipped to +- this (None: not), for relistings after a
    restructuring.
    """

    weights: str = "cap"
    min_members: int = 1
    min_history: int = 60
    max_carry: int = 70
    max_move: float | None = None


def parse_rule(given: Mapping[str, Any], where: str) -> BasketRule:
    """The rule of a config. Raises ConfigError naming the parameter, its value and the limit."""
    refuse_unknown(given, tuple(BasketRule.__dataclass_fields__), where)
    rule = BasketRule(**dict(given))
    choice(rule.weights, ("cap", "equal"), f"{where}.weights")
    for name, least in (("min_members", 1), ("min_history", 0), ("max_carry", 1)):
        if not isinstance(getattr(rule, name), int) or getattr(rule, name) < least:
            raise ConfigError(f"{where}.{name} = {getattr(rule, name)!r}: must be a whole number >= {least}")
    if rule.max_move is not None and not rule.max_move > 0:
        raise ConfigError(f"{where}.max_move = {rule.max_move!r}: must be > 0 or null")
    return rule


@dataclass(frozen=True)
class Constituents:
    """What one session returns and weighs, float64 [N, T]; NaN return: left out that session."""

    symbols: npt.NDArray[Any]
    sessions: npt.NDArray[np.datetime64]
    return_nt: Array
    open_return_nt: Array
    weight_nt: Array
    amount_nt: Array


def constituents(
    symbols: npt.NDArray[Any],
    sessions: npt.NDArray[np.datetime64],
    open_tn: Array,
    close_tn: Array,
    rule: BasketRule,
    *,
    cap_tn: Array | None = None,
    amount_tn: Array | None = None,
) -> Constituents:
    """Returns and weights of all stocks from adjusted opens and closes [T, N] (NaN: no row) and float caps [T, N] in
    CNY.

    Everything at session t is a function of prices dated <= t and caps dated <= t-1. Raises ConfigError when weights
    are `cap` and there are no caps.
    """
    if rule.weights == "cap" and cap_tn is None:
        raise ConfigError("baskets.weights is cap, but the data has no table caps")
    close_nt, open_nt = np.ascontiguousarray(close_tn.T), np.ascontiguousarray(open_tn.T)
    valid = np.isfinite(close_nt) & (close_nt > 0)
    previous_nt, age_nt = _previous_close(close_nt, valid)
    first = np.where(valid.any(axis=1), valid.argmax(axis=1), close_nt.shape[1])
    waits = np.where(first > 0, rule.min_history, 0)
    seasoned = np.arange(close_nt.shape[1])[None, :] - first[:, None] >= waits[:, None]
    counted = valid & (age_nt <= rule.max_carry) & seasoned
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where(counted, close_nt / previous_nt - 1.0, np.nan)
        opened = np.where(np.isfinite(open_nt) & (open_nt > 0), open_nt / previous_nt - 1.0, 0.0)
    if rule.max_move is not None:
        moved, opened = np.clip(moved, -rule.max_move, rule.max_move), np.clip(opened, -rule.max_move, rule.max_move)
    weight = np.ones_like(close_nt) if rule.weights == "equal" or cap_tn is None else _one_later(cap_tn)
    weight = np.where(np.isfinite(moved) & (weight > 0), weight, 0.0)
    amount = np.zeros_like(close_nt) if amount_tn is None else np.nan_to_num(np.ascontiguousarray(amount_tn.T))
    return Constituents(symbols, sessions, np.nan_to_num(moved), np.nan_to_num(opened), weight, amount)


def _previous_close(close_nt: Array, valid: npt.NDArray[np.bool_]) -> tuple[Array, npt.NDArray[np.int64]]:
    """The last valid close before each session, and how many sessions ago it was (a huge number when never)."""
    n_sessions = close_nt.shape[1]
    position = np.where(valid, np.arange(n_sessions)[None, :], -1)
    latest = np.full_like(position, -1)
    latest[:, 1:] = np.maximum.accumulate(position, axis=1)[:, :-1]
    previous = np.take_along_axis(close_nt, np.maximum(latest, 0), axis=1)
    age = np.where(latest >= 0, np.arange(n_sessions)[None, :] - latest, np.iinfo(np.int64).max)
    return np.where(latest >= 0, previous, np.nan), age


def _one_later(cap_tn: Array) -> Array:
    shifted = np.full((cap_tn.shape[1], cap_tn.shape[0]), np.nan)
    shifted[:, 1:] = cap_tn.T[:, :-1]
    return shifted


def basket_prices(members: pd.DataFrame, stocks: Constituents, rule: BasketRule) -> pd.DataFrame:
    """Index prices of every code of `members` (checked table): code, date, open, close, amount (CNY; members' sum).

    A session with fewer than `min_members` counted members has no row; the chain goes on from the last level.
    """
    pieces = segments(members, stocks.sessions, ("code", "symbol"))
    row_symbol = pd.Index(stocks.symbols).get_indexer(members["symbol"])[pieces.row]
    row_code = members["code"].to_numpy(dtype=object)[pieces.row]
    frames = []
    for code in sorted(set(row_code)):
        mine = np.flatnonzero((row_code == code) & (row_symbol >= 0))
        frames.append(_one_basket(code, row_symbol[mine], pieces.start[mine], pieces.out[mine], stocks, rule))
    empty = pd.DataFrame({"code": [], "date": [], "open": [], "close": [], "amount": []})
    return pd.concat(frames, ignore_index=True) if frames else empty


def _one_basket(
    code: str,
    symbol: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    out: npt.NDArray[np.int64],
    stocks: Constituents,
    rule: BasketRule,
) -> pd.DataFrame:
    names = np.unique(symbol)
    inside = np.zeros((len(names), len(stocks.sessions)), dtype=bool)
    for row, begin, stop in zip(np.searchsorted(names, symbol), start, out, strict=True):
        inside[row, begin:stop] = True
    weight = np.where(inside, stocks.weight_nt[names], 0.0)
    total = _sum(weight)
    enough = (weight > 0).sum(axis=0) >= rule.min_members
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.where(enough, _sum(weight * stocks.return_nt[names]) / total, 0.0)
        opened = np.where(enough, _sum(weight * stocks.open_return_nt[names]) / total, 0.0)
    priced = enough | _just_ended(enough)
    close = BASE * np.cumprod(1.0 + moved)
    before = np.concatenate([[BASE], close[:-1]])
    amount = _sum(np.where(inside, stocks.amount_nt[names], 0.0))
    return pd.DataFrame(
        {
            "code": code,
            "date": stocks.sessions[priced].astype("datetime64[s]"),
            "open": (before * (1.0 + opened))[priced],
            "close": close[priced],
            "amount": amount[priced],
        }
    )


def _just_ended(enough: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The first sessions without enough members: the level stands still there, so that a holder can sell at it.

    Without them a code that ends (a class of an old classification) would stay in a portfolio for ever.
    """
    t = np.arange(len(enough))
    latest = np.maximum.accumulate(np.where(enough, t, -1))
    return (latest >= 0) & ~enough & (t - latest <= SELLABLE_AFTER)


def _sum(values_nt: Array) -> Array:
    """Sum over symbols one after the other: zeros of later members in between change no bit (a pairwise sum would)."""
    total = np.zeros(values_nt.shape[1])
    for row in values_nt:
        total += row
    return total
