"""One session of a simulated market, before its minutes: ex-rights reference, limits, targets for open and close.

Prices are int64 cents. Legend of axes: n stock.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusion_factor.market.simulated.population import Population

CHINEXT_REFORM = np.datetime64("2020-08-24")
REGISTRATION_REFORM = np.datetime64("2023-04-10")
FREE_SESSIONS = 5
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """Lowest and highest price allowed [N], in cents; `free` marks names without a limit today."""

    low: IntArray
    high: IntArray
    free: npt.NDArray[np.bool_]


def ex_rights(close_n: IntArray, dividend_n: FloatArray, split_n: FloatArray) -> IntArray:
    """The reference price after a dividend (share of the price) and a split, in whole cents, at least 1."""
    paid = np.floor(close_n * dividend_n + 0.5)
    return np.maximum(np.floor((close_n - paid) / split_n + 0.5), 1).astype(np.int64)


def limits_of(pre_close_n: IntArray, stocks: Population, t: int, session: np.datetime64) -> Limits:
    """The price limits of session t, rounded half up to the cent in integer arithmetic.

    A first session is taken by `stocks.new_listing`; the rules by board and date are those of core.limits.
    """
    percent = np.full(len(pre_close_n), 10, dtype=np.int64)
    reformed = (stocks.board == "star") | ((stocks.board == "chinext") & (session >= CHINEXT_REFORM))
    percent[stocks.st[t]] = 5
    percent[reformed] = 20
    age = t - stocks.listed_from
    registered = (
        (stocks.board == "star")
        | ((stocks.board == "chinext") & (stocks.list_date >= CHINEXT_REFORM))
        | ((stocks.board == "main") & (stocks.list_date >= REGISTRATION_REFORM))
    )
    free = stocks.new_listing & registered & (age < FREE_SESSIONS)
    up, down = 100 + percent, 100 - percent
    first = stocks.new_listing & ~registered & (age == 0)
    up[first], down[first] = 144, 64
    high, low = (pre_close_n * up + 50) // 100, (pre_close_n * down + 50) // 100
    return Limits(np.where(free, 1, low), np.where(free, pre_close_n * 100, high), free)


@dataclass(frozen=True)
class Targets:
    """What a session aims at [N]: open and close in cents, within the limits; `locked` trades at one price."""

    open: IntArray
    close: IntArray
    locked: npt.NDArray[np.bool_]


def targets_of(pre_close_n: IntArray, gap_n: FloatArray, return_n: FloatArray, limits: Limits) -> Targets:
    """Open and close from the log gap and the log return of the session.

    A gap beyond the limit by a hundredth or more means that nobody sells: the session has one price.
    """
    raw_open = pre_close_n * np.exp(gap_n)
    locked = ~limits.free & ((raw_open > limits.high * 1.01) | (raw_open < limits.low * 0.99))
    opened = np.clip(np.floor(raw_open + 0.5).astype(np.int64), limits.low, limits.high)
    close = np.clip(np.floor(pre_close_n * np.exp(return_n) + 0.5).astype(np.int64), limits.low, limits.high)
    return Targets(np.maximum(opened, 1), np.maximum(np.where(locked, opened, close), 1), locked)
