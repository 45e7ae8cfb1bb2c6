"""What was ordered and what became of it: the plain records of a simulation, from which all tables are made later.

Money is in units of the NAV at the base. Legend: n name of the pool, k name of one record.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["BUY", "NO_NAMES", "NO_VALUES", "SELL", "Delistings", "Execution", "Order", "Path", "Position", "Transfer"]

BUY, SELL = 1, -1

NO_NAMES = np.empty(0, np.int64)
NO_VALUES = np.empty(0)


class Order(NamedTuple):
    """One execution to be done at session `at`: names to hold (`picked_n`, bool [N]), target weight of each, share
    meant to stay in cash. `trade` is false where the signal keeps what is held.
    """

    at: int
    picked_n: np.ndarray
    weight: float
    spare: float
    trade: bool


class Execution(NamedTuple):
    """What became of an order. `buy`, `sell`, `cost`: shares of the value before; `frozen`: number of names.

    Money: `names`, `values` and `cash` right after, together `after`; `names_before`, `values_before` of those who
    could change; `paid`: the cost. `blocked_names`: frozen names that wanted to trade, each with its side, BUY or SELL.
    """

    done: bool
    buy: float = 0.0
    sell: float = 0.0
    cost: float = 0.0
    frozen: int = 0
    names: np.ndarray = NO_NAMES
    values: np.ndarray = NO_VALUES
    cash: float = 0.0
    after: float = 0.0
    paid: float = 0.0
    names_before: np.ndarray = NO_NAMES
    values_before: np.ndarray = NO_VALUES
    blocked_names: np.ndarray = NO_NAMES
    blocked_sides: np.ndarray = NO_NAMES

    @property
    def weights(self) -> np.ndarray:
        """Share of each held name in the value right after."""
        return self.values / self.after

    @property
    def cash_weight(self) -> float:
        """Share of cash in the value right after."""
        return self.cash / self.after


class Delistings(NamedTuple):
    """`session_n`: first session at or after the delist date (len(sessions): never); `haircut`: share that is lost."""

    session_n: np.ndarray
    haircut: float


class Transfer(NamedTuple):
    """Money from names to cash outside of executions: a delisting, or the resets of a stretch of sessions."""

    names: np.ndarray
    amounts: np.ndarray


class Position(NamedTuple):
    """Who is held at a close, what each is worth at its mark, and the cash."""

    names: np.ndarray
    values: np.ndarray
    cash: float


class Path(NamedTuple):
    """`nav_d`, `stale_d` from the base to the end, one `Execution` for each order, transfers, and who is held last."""

    nav_d: np.ndarray
    stale_d: np.ndarray
    executions: list[Execution]
    transfers: list[Transfer]
    last: Position
