"""Daily prices of vendor files as wide arrays, and back as the table `stock_prices`.

The four faces of a suspension become one: volume 0, amount 0, prices carried. A row that is not there stays not there.

Legend of axes: t session, n symbol.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError

PRICES = ("open", "high", "low", "close")


@dataclass
class PriceGrid:
    """Columns of stock_prices as float64 [T, N]; `there` [T, N] says which rows exist."""

    sessions: npt.NDArray[np.datetime64]
    symbols: npt.NDArray[Any]
    columns: dict[str, npt.NDArray[np.float64]]
    there_tn: npt.NDArray[np.bool_]


def price_grid(frame: pd.DataFrame, sessions: npt.NDArray[np.datetime64]) -> PriceGrid:
    """Rows of stock_prices (symbol categorical) as arrays. Raises DataError for a row twice or on no session."""
    symbol = frame["symbol"].cat.remove_unused_categories()
    symbols = np.asarray(symbol.cat.categories, dtype=object)
    days = frame["date"].to_numpy().astype("datetime64[D]")
    t = np.searchsorted(sessions, days)
    off = sessions[np.minimum(t, len(sessions) - 1)] != days
    if off.any():
        row = int(off.argmax())
        raise DataError(f"stock_prices: symbol {symbol.iloc[row]}, date {days[row]} is not a session")
    cells = t * len(symbols) + symbol.cat.codes.to_numpy()
    there = np.zeros((len(sessions), len(symbols)), dtype=bool)
    there.reshape(-1)[cells] = True
    if int(there.sum()) < len(cells):
        row = int(np.flatnonzero(pd.Series(cells).duplicated().to_numpy())[0])
        raise DataError(f"stock_prices: symbol {symbol.iloc[row]}, date {days[row]}: duplicate key")
    columns = {}
    for name in frame.columns.difference(["symbol", "date"], sort=False):
        wide = np.full(there.shape, np.nan)
        wide.reshape(-1)[cells] = frame[name].to_numpy()
        columns[name] = wide
    return PriceGrid(sessions, symbols, columns, there)


def mark_suspensions(grid: PriceGrid) -> None:
    """In place: an empty volume of a row without a move means no trade; volume 0 takes amount 0 and the last close.

    An empty volume on a row whose prices move stays empty: it is unknown, not 0.
    """
    if "volume" not in grid.columns:
        return
    volume, close = grid.columns["volume"], grid.columns["close"]
    flat = np.ones_like(grid.there_tn)
    for name in PRICES:
        if name in grid.columns:
            values = grid.columns[name]
            flat &= np.isnan(values) | (values == close)
    volume[grid.there_tn & np.isnan(volume) & flat] = 0.0
    still = grid.there_tn & (volume == 0)
    if "amount" in grid.columns:
        grid.columns["amount"][still] = 0.0
    without = still & ~(close > 0)
    if without.any():
        _carry(grid, without)


def _carry(grid: PriceGrid, without: npt.NDArray[np.bool_]) -> None:
    """Rows without a trade and without a price take the symbol's last close."""
    close = grid.columns["close"]
    position = np.where(close > 0, np.arange(len(close))[:, None], -1)
    latest = np.maximum.accumulate(position, axis=0)
    carried = np.where(latest >= 0, np.take_along_axis(close, np.maximum(latest, 0), axis=0), np.nan)
    for name in PRICES:
        if name in grid.columns:
            grid.columns[name][without] = carried[without]


def add_factors(grid: PriceGrid, factors: pd.DataFrame) -> None:
    """In place: the column adj_factor from a table symbol, date, adj_factor; each row holds from its date on.

    A symbol without a row keeps an empty factor. Raises DataError for a symbol and date given twice.
    """
    place = {symbol: n for n, symbol in enumerate(grid.symbols)}
    categories = [place.get(symbol, -1) for symbol in factors["symbol"].cat.categories]
    n = np.array([*categories, -1], dtype=np.int64)[factors["symbol"].cat.codes.to_numpy()]
    days = factors["date"].to_numpy().astype("datetime64[D]")
    order = np.lexsort((days, n))
    n, days, values = n[order], days[order], factors["adj_factor"].to_numpy()[order]
    again = (np.diff(n) == 0) & (days[1:] == days[:-1]) & (n[1:] >= 0)
    if again.any():
        row = int(again.argmax())
        raise DataError(f"adj_factor: symbol {grid.symbols[n[row]]}, date {days[row]}: duplicate key")
    wide = np.full(grid.there_tn.shape, np.nan)
    for symbol in np.unique(n[n >= 0]):
        mine = n == symbol
        latest = np.searchsorted(days[mine], grid.sessions, side="right") - 1
        wide[:, symbol] = np.where(latest >= 0, values[mine][np.maximum(latest, 0)], np.nan)
    grid.columns["adj_factor"] = np.where(grid.there_tn, wide, np.nan)


def filled_factors(grid: PriceGrid) -> npt.NDArray[np.float64]:
    """adj_factor [T, N], empty ones taking the symbol's latest earlier value; all 1 without the column."""
    if "adj_factor" not in grid.columns:
        return np.ones(grid.there_tn.shape)
    factor = grid.columns["adj_factor"]
    latest = np.maximum.accumulate(np.where(np.isfinite(factor), np.arange(len(factor))[:, None], -1), axis=0)
    return np.where(latest >= 0, np.take_along_axis(factor, np.maximum(latest, 0), axis=0), np.nan)


def price_table(grid: PriceGrid) -> pd.DataFrame:
    """The rows of the grid as the table stock_prices, sorted by symbol and date."""
    n, t = np.nonzero(grid.there_tn.T)
    table: dict[str, Any] = {"symbol": grid.symbols[n], "date": grid.sessions[t].astype("datetime64[s]")}
    for name, values in grid.columns.items():
        table[name] = values[t, n]
    return pd.DataFrame(table)


def filled_caps(
    caps: pd.DataFrame, grid: PriceGrid, *, max_sessions: int, scale_by_close: bool
) -> npt.NDArray[np.float64]:
    """Float caps [T, N] in CNY: the latest row dated on or before the session, at most `max_sessions` old.

    With `scale_by_close` the cap moves with the adjusted close since its own session (splits leave it as it is).
    """
    n = pd.Index(grid.symbols).get_indexer(caps["symbol"])
    t = np.searchsorted(grid.sessions, caps["date"].to_numpy().astype("datetime64[D]"))
    order = np.argsort(caps["date"].to_numpy(), kind="stable")
    order = order[(n[order] >= 0) & (t[order] < len(grid.sessions)) & (caps["cap"].to_numpy()[order] > 0)]
    known = np.full(grid.there_tn.shape, np.nan)
    known[t[order], n[order]] = caps["cap"].to_numpy()[order]  # several on one session: the latest stays
    rows = np.arange(len(known))[:, None]
    latest = np.maximum.accumulate(np.where(np.isfinite(known), rows, -1), axis=0)
    fresh = (latest >= 0) & (rows - latest <= max_sessions)
    at = np.maximum(latest, 0)
    caps_tn = np.where(fresh, np.take_along_axis(known, at, axis=0), np.nan)
    if not scale_by_close:
        return caps_tn
    close = grid.columns["close"] * filled_factors(grid)
    seen = np.maximum.accumulate(np.where(close > 0, rows, -1), axis=0)
    carried = np.where(seen >= 0, np.take_along_axis(close, np.maximum(seen, 0), axis=0), np.nan)
    then = np.take_along_axis(carried, at, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = carried / then
    return np.where(np.isfinite(moved), caps_tn * moved, caps_tn)
