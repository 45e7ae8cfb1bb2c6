"""Level 2: every trade and every order of one session, as flat arrays sorted by symbol and time.

Times are milliseconds after midnight, exchange-local; prices whole cents (0.01 CNY); volumes shares. Exchanges start
their order ids anew each session: an id means nothing outside of its session and symbol.

Legend of axes: s symbol, k kind of bad row.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
BUY, SELL, NO_TAKER = 1, -1, 0

BAD_KINDS = (
    "outside_session",
    "other_session",
    "not_positive",
    "unknown_side",
    "unknown_kind",
    "missing_id",
    "repeated_id",
    "amount",
)
"""Why a row is left out: stamped outside of the trading hours; dated on another session (in a build also: there in an
earlier session with the same order ids); volume or price not positive; a side or kind whose code is not known; a trade
without both order ids; an order id entered twice; an amount that is not price times volume."""


class Trades(NamedTuple):
    """Trades in the exchange's order. time int32 [n] ms; cents int32; volume int64; buy, sell int64: ids of the two
    orders; side int8: BUY when the buyer took, SELL when the seller did, NO_TAKER in an auction."""

    time: Int32Array
    cents: Int32Array
    volume: Int64Array
    buy: Int64Array
    sell: Int64Array
    side: Int8Array


class Orders(NamedTuple):
    """Orders as published, deletions left out. time int32 [m] ms; cents int32: limit price, 0 for a market order;
    volume int64; id int64 (0 where the feed has none); side int8: BUY or SELL."""

    time: Int32Array
    cents: Int32Array
    volume: Int64Array
    id: Int64Array
    side: Int8Array


@dataclass(frozen=True)
class BadRows:
    """Bad rows of a session. counts int64 [S, K] by symbol and kind; rows int64 [S]: rows read; kinds [K] names."""

    symbols: npt.NDArray[Any]
    counts: Int64Array
    rows: Int64Array
    kinds: tuple[str, ...] = BAD_KINDS

    @property
    def share(self) -> npt.NDArray[np.float64]:
        """Bad rows among those read [S]; 0 for a symbol without rows."""
        return self.counts.sum(axis=1) / np.maximum(self.rows, 1)


@dataclass(frozen=True)
class SessionTicks:
    """Trades and orders of one session. Symbol s has the trades trade_first[s] .. trade_first[s+1]-1, likewise orders.

    symbols in byte order [S]; trade_first, order_first int64 [S+1]; resting_only bool [S]: the exchange publishes of an
    order only what comes to rest in the book (Shanghai), so that one which trades at once is seen in its trades alone.
    bad: what was left out. DataError when offsets and arrays do not fit.
    """

    session: np.datetime64
    symbols: npt.NDArray[Any]
    trades: Trades
    trade_first: Int64Array
    orders: Orders
    order_first: Int64Array
    resting_only: npt.NDArray[np.bool_]
    bad: BadRows

    def __post_init__(self) -> None:
        """Offsets must begin at 0, never fall, and end with the arrays."""
        for name, first, rows in (("trades", self.trade_first, self.trades), ("orders", self.order_first, self.orders)):
            lengths = {len(column) for column in rows}
            fits = len(lengths) == 1 and len(first) == len(self.symbols) + 1
            if not fits or first[0] != 0 or first[-1] != lengths.pop() or np.any(np.diff(first) < 0):
                raise DataError(f"ticks of {self.session}: offsets of {name} do not fit the arrays")

    def trades_of(self, s: int) -> Trades:
        """The trades of the symbol at position s, as views."""
        rows = slice(self.trade_first[s], self.trade_first[s + 1])
        return Trades._make(column[rows] for column in self.trades)

    def orders_of(self, s: int) -> Orders:
        """The orders of the symbol at position s, as views."""
        rows = slice(self.order_first[s], self.order_first[s + 1])
        return Orders._make(column[rows] for column in self.orders)


def clock(hours: int, minutes: int, seconds: int = 0) -> int:
    """A time of day in ms after midnight.

    >>> clock(9, 30)
    34200000
    """
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


OPENING_CALL, OPEN, NOON, AFTERNOON, CLOSE = clock(9, 15), clock(9, 30), clock(11, 30), clock(13, 0), clock(15, 0)
CLOSING_CALL = clock(14, 57)
AFTER_HOURS, LAST_AFTER_HOURS = clock(15, 5), clock(15, 31)
_LATE = 60_000  # stamps of the last trades of a half session come some seconds late


def in_session(time: Int32Array) -> npt.NDArray[np.bool_]:
    """Whether stamps (ms) lie in 09:15-11:30 or 13:00-15:00, with a minute's grace at either end."""
    morning = (time >= OPENING_CALL) & (time < NOON + _LATE)
    return morning | ((time >= AFTERNOON) & (time < CLOSE + _LATE))


def after_hours(time: Int32Array) -> npt.NDArray[np.bool_]:
    """Whether stamps lie in the fixed-price trading of 15:05-15:30, which is no part of the bars."""
    return (time >= AFTER_HOURS) & (time < LAST_AFTER_HOURS)
