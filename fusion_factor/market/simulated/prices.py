"""One session of a simulated market, before its minutes: ex-rights reference, limits, targets for open and close.

Prices are int64 cents. Legend of axes: n stock.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusion_factor.core.limits import NO_LIMIT, PriceLimits
from fusion_factor.market.simulated.population import Population

FREE_RISE = 100
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def ex_rights(close_n: IntArray, dividend_n: FloatArray, split_n: FloatArray) -> IntArray:
    """The reference price after a dividend (share of the price) and a split, in whole cents, at least 1."""
    paid = np.floor(close_n * dividend_n + 0.5)
    return np.maximum(np.floor((close_n - paid) / split_n + 0.5), 1).astype(np.int64)


@dataclass(frozen=True)
class Limits:
    """Lowest and highest price allowed [N], in cents; `free` marks names without a limit today."""

    low: IntArray
    high: IntArray
    free: npt.NDArray[np.bool_]


class LimitBook:
    """The price limits of core.limits for the stocks of a population."""

    def __init__(self, stocks: Population, sessions: npt.NDArray[np.datetime64]) -> None:
        self._all = np.arange(len(stocks.symbols))
        self._limits = PriceLimits(stocks.stocks_table(sessions), stocks.st_table(sessions), sessions, stocks.symbols)

    def on(self, t: int, pre_close_n: IntArray) -> Limits:
        """The limits of session t on the ex-rights references, in cents."""
        high, low = self._limits.prices(np.full(len(self._all), t), self._all, pre_close_n / 100.0)
        free = high == NO_LIMIT
        return Limits(np.where(free, 1, low), np.where(free, pre_close_n * FREE_RISE, high), free)


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
