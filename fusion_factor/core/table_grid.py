"""Checked tables as wide arrays, and the adjustment factor of price rows.

Legend: t session, n symbol (or index code).
"""

import numpy as np
import pandas as pd

__all__ = ["Grid", "adjustment", "dense", "table_sessions"]


def table_sessions(frame: pd.DataFrame) -> np.ndarray:
    """The dates of a checked table as datetime64[D] (of `sessions`: the sessions)."""
    return frame["date"].to_numpy().astype("datetime64[D]")


class Grid:
    """Where the rows of a checked table lie in a [T, N] array; made once, used for each of its columns.

    Rows with a date outside of `sessions` or a name outside of `names` lie nowhere.
    """

    def __init__(self, frame: pd.DataFrame, sessions: np.ndarray, names: np.ndarray, *, key: str = "symbol") -> None:
        self.shape = (len(sessions), len(names))
        days = table_sessions(frame)
        t = np.searchsorted(sessions, days)
        codes, uniques = pd.factorize(frame[key])
        position_of = {name: i for i, name in enumerate(names)}
        n = np.array([position_of.get(name, -1) for name in uniques], np.int64)[codes] if len(codes) else codes
        on_session = np.asarray(sessions, "datetime64[D]")[np.minimum(t, len(sessions) - 1)] == days
        inside = on_session & (n >= 0) if len(sessions) else np.zeros(len(days), bool)
        self._rows = slice(None) if inside.all() else np.flatnonzero(inside)
        self._cells = (t * self.shape[1] + n)[self._rows]

    def fill(self, values: np.ndarray) -> np.ndarray:
        """float64 [T, N] of a column's values; NaN where the table has no row."""
        dense_tn = np.full(self.shape, np.nan)
        dense_tn.reshape(-1)[self._cells] = np.asarray(values, np.float64)[self._rows]
        return dense_tn


def dense(
    frame: pd.DataFrame, column: str, sessions: np.ndarray, symbols: np.ndarray, *, key: str = "symbol"
) -> np.ndarray:
    """One column of a checked table as float64 [T, N]; NaN where there is no row (see `Grid` for several columns)."""
    return Grid(frame, sessions, symbols, key=key).fill(frame[column].to_numpy())


def adjustment(stock_prices: pd.DataFrame) -> np.ndarray:
    """Adjustment factor of each row of checked `stock_prices`, float64 [n].

    Without the column it is 1; an empty field takes the symbol's latest earlier factor, and is NaN where there is
    none (the row's adjusted prices are then not valid). Nothing later than the row is looked at.
    """
    if "adj_factor" not in stock_prices.columns:
        return np.ones(len(stock_prices))
    factor = stock_prices["adj_factor"]
    if not factor.isna().any():
        return factor.to_numpy()
    return factor.groupby(stock_prices["symbol"], sort=False).ffill().to_numpy()
