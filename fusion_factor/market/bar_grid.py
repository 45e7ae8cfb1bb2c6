"""The compact form of intraday bars: one float32 array [T, F, S, B] that rows are put into piece by piece.

A place that no row has met yet has a NaN volume, which is how a bar given twice is noticed without further memory; at
the end such bars get volume and amount 0 and keep NaN prices.

Legend of axes: t session, f field, s symbol, b bar of a session.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.hours import ASHARE, Hours
from fusion_factor.market.stamps import bar_positions

FIELDS = ("open", "high", "low", "close", "volume", "amount")
_VOLUME, _AMOUNT = 4, 5


@dataclass
class BarGrid:
    """values [T, F, S, B] float32; there [T, S]: the session has rows of the symbol; after_hours: rows left out."""

    sessions: np.ndarray
    symbols: np.ndarray
    fields: tuple[str, ...]
    values_tfsb: np.ndarray
    there_ts: np.ndarray
    after_hours: int = 0


def empty_grid(
    sessions: np.ndarray,
    symbols: np.ndarray,
    fields: tuple[str, ...],
    n_bars: int,
    *,
    file: Path | None,
    memory_limit_gb: float,
) -> BarGrid:
    """A grid without bars, in memory or in a new `.npy` file. Raises DataError beyond the limit of memory."""
    shape = (len(sessions), len(fields), len(symbols), n_bars)
    size = np.prod(shape, dtype=float) * 4 / 2**30
    if file is None and size > memory_limit_gb:
        limit = f"the limit is {memory_limit_gb:g}; give `cache`, a folder"
        raise DataError(f"bars: need {size:.1f} GB in memory, {limit}")
    if file is None:
        values = np.empty(shape, np.float32)
    else:
        values = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    values[:] = np.nan
    return BarGrid(sessions, symbols, fields, values, np.zeros((len(sessions), len(symbols)), dtype=bool))


def fill_grid(
    pieces: Iterable[pd.DataFrame], grid: BarGrid, minutes: int, label: str, where: str, hours: Hours = ASHARE
) -> None:
    """Put rows (symbol, day, minute, fields) on their places; auction rows join their bar when all others are there.

    `minutes` a bar; `label`: `end` or `start`; `hours`: the session, and what becomes of its auctions. Raises
    DataError for a stamp that cannot be and for a bar given twice.
    """
    auctions = []
    for piece in pieces:
        bar, auction = bar_positions(piece["minute"].to_numpy(), minutes, label, where, hours)
        kept = bar >= 0
        grid.after_hours += int((~kept).sum())
        piece = piece.assign(bar=bar)
        auctions.append(piece[kept & auction])
        _place_rows(piece[kept & ~auction], grid, where)
    late = pd.concat(auctions, ignore_index=True)
    if len(late):
        _join_auctions(late, grid, where)
    for values_fsb in grid.values_tfsb:  # session by session, so that a mapped file is never wholly in memory
        never = np.isnan(values_fsb[_VOLUME])
        for f in range(_VOLUME, len(grid.fields)):
            values_fsb[f][never] = 0.0


def _place_rows(piece: pd.DataFrame, grid: BarGrid, where: str) -> None:
    t, s = _axes(piece, grid)
    b = piece["bar"].to_numpy()
    met = ~np.isnan(grid.values_tfsb[t, _VOLUME, s, b])
    flat = (t * len(grid.symbols) + s) * grid.values_tfsb.shape[3] + b
    if met.any() or len(np.unique(flat)) < len(flat):
        again = int(np.flatnonzero(met | pd.Series(flat).duplicated().to_numpy())[0])
        symbol, day = grid.symbols[s[again]], grid.sessions[t[again]]
        raise DataError(f"{where}: symbol {symbol}, {day}, bar {b[again]} is there twice")
    grid.there_ts[t, s] = True
    for f, name in enumerate(grid.fields):
        grid.values_tfsb[t, f, s, b] = _cleaned(piece, name)


def _axes(piece: pd.DataFrame, grid: BarGrid) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the rows on the session and symbol axes."""
    symbol = piece["symbol"].astype("category")
    lookup = np.searchsorted(grid.symbols, np.asarray(symbol.cat.categories, dtype=object))
    t = np.searchsorted(grid.sessions, piece["day"].to_numpy().astype("datetime64[D]"))
    return t, lookup[symbol.cat.codes.to_numpy()]


def _cleaned(piece: pd.DataFrame, name: str) -> np.ndarray:
    """Numbers of a field; an empty volume is 0, and a bar without volume has amount 0."""
    values = piece[name].to_numpy(np.float64)
    if name in ("volume", "trades"):
        return np.nan_to_num(values, nan=0.0)
    if name == "amount":
        return np.where(np.nan_to_num(piece["volume"].to_numpy(np.float64), nan=0.0) == 0, 0.0, values)
    return values


def _join_auctions(late: pd.DataFrame, grid: BarGrid, where: str) -> None:
    """Opening rows give their bar its open, closing rows its close; the other fields are joined."""
    twice = late.duplicated(["symbol", "day", "minute"])
    if twice.any():
        row = late[twice].iloc[0]
        raise DataError(f"{where}: symbol {row['symbol']}, {row['day'].date()}, minute {row['minute']} is there twice")
    # of several opening rows the earliest comes last, so that its open stays; of closing rows the latest
    order = np.argsort(late["minute"].to_numpy() * np.where(late["bar"] == 0, -1, 1), kind="stable")
    late = late.iloc[order]
    turn = late.groupby(["symbol", "day", "bar"], observed=True).cumcount().to_numpy()
    for k in range(int(turn.max()) + 1):  # in one turn every bar is met at most once
        _join_turn(late[turn == k], grid)


def _join_turn(late: pd.DataFrame, grid: BarGrid) -> None:
    t, s = _axes(late, grid)
    b, values = late["bar"].to_numpy(), grid.values_tfsb
    grid.there_ts[t, s] = True
    traded = np.nan_to_num(late["volume"].to_numpy(np.float64), nan=0.0) > 0
    unmet = np.isnan(values[t, _VOLUME, s, b])
    for f, name in enumerate(grid.fields):
        old, new = values[t, f, s, b], _cleaned(late, name).astype(np.float32)
        if name in ("open", "close"):
            own_side = (b == 0) == (name == "open")
            joined = np.where(traded & np.isfinite(new) & (own_side | ~np.isfinite(old)), new, old)
        elif name in ("high", "low"):
            joined = np.where(traded, (np.fmax if name == "high" else np.fmin)(old, new), old)
        else:
            joined = np.where(unmet, 0.0, old) + new
        values[t, f, s, b] = joined
