"""Who earned what and which orders were blocked: tables made from the records of a simulation when asked for.

Money is in units of the NAV at the base.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.backtest.ledger import BUY, SELL, Path

__all__ = ["COST", "SIDES", "Reasons", "blocked_table", "contribution_table"]

COST = "COST"
SIDES = {BUY: "buy", SELL: "sell", 0: ""}


class Reasons(NamedTuple):
    """Why names cannot be traded, asked for only when a table is. Text of each name, one of `REASONS` or empty.

    `then`: (session, names, sides) of names that were frozen at an execution. `known`: (session, names) as far as it
    is known after the session's close.
    """

    then: Callable[[int, np.ndarray, np.ndarray], list[str]]
    known: Callable[[int, np.ndarray], list[str]]


def contribution_table(names: np.ndarray, path: Path) -> pd.DataFrame:
    """Profit of each name that was ever held: value at the end - bought + sold; then `COST`, minus all costs.

    Args:
        names: [N]. path: records of the run; money that a delisting or a daily reset moved counts as sold or bought.

    Returns:
        code, value, by code; the values sum to the total return but for rounding.
    """
    moved = [(one.names_before, one.values_before) for one in path.executions]
    moved += [(one.names, -one.values) for one in path.executions]
    moved += [(one.names, one.amounts) for one in path.transfers]
    moved.append((path.last.names, path.last.values))
    who, amount = (np.concatenate(parts) for parts in zip(*moved, strict=True))
    profit_n = np.bincount(who, amount, len(names))
    held = np.unique(np.concatenate([path.last.names, *(one.names for one in path.executions)]))
    paid = sum(one.paid for one in path.executions)
    return pd.DataFrame(
        {
            "code": pd.Series([*names[held], COST], dtype=str),
            "value": np.append(profit_n[held], 0.0 - paid),
        }
    )


def blocked_table(names: np.ndarray, sessions: np.ndarray, dates: np.ndarray, path: Path, why: Reasons) -> pd.DataFrame:
    """Every name that wanted to trade at an execution and could not: execution, code, side, reason.

    Args:
        names: [N]. sessions, dates: of each execution, as position and as date. why: asked for the reasons.
    """
    rows: list[tuple[np.datetime64, str, str, str]] = []
    for at, date, one in zip(sessions, dates, path.executions, strict=False):
        if not one.blocked_names.size:
            continue
        reasons = why.then(int(at), one.blocked_names, one.blocked_sides)
        sides = [SIDES[side] for side in one.blocked_sides.tolist()]
        rows += [(date, *row) for row in zip(names[one.blocked_names], sides, reasons, strict=True)]
    table = pd.DataFrame(rows, columns=["execution", "code", "side", "reason"])
    text = dict.fromkeys(["code", "side", "reason"], "str")
    return table.astype({"execution": "datetime64[s]", **text})
