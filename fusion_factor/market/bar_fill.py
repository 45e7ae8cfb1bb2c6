"""Rows of vendor files, with their stamps, put into a grid of bars: places, auctions, and what is left out.

Legend of axes: t session, f field, s symbol, b bar of a session, r row, m minute after midnight.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fusion_factor.market.bar_grid import VOLUME, BarGrid, Filling
from fusion_factor.market.hours import ASHARE, Hours
from fusion_factor.market.level2 import Int64Array
from fusion_factor.market.stamps import BETWEEN, OUTSIDE, bar_places


def fill_grid(pieces: Iterable[pd.DataFrame], grid: BarGrid, minutes: int, label: str, hours: Hours = ASHARE) -> None:
    """Put rows (symbol, day, minute, fields) on their places; auction rows join their bar when all others are there.

    `minutes` a bar; `label`: `end` or `start`; `hours`: the session, and what becomes of its auctions. Rows of no bar
    or of no session of the grid, and rows of a bar given twice, are left out and counted in `grid.left_out`.
    """
    place_m, auction_m = bar_places(minutes, label, hours)
    filling, auctions = Filling(grid), []
    for piece in pieces:
        minute = piece["minute"].to_numpy()
        t, s = _axes(piece, grid)
        b = place_m[minute]
        ours = t >= 0
        if not ours.all():
            filling.leave_out(np.zeros_like(s[~ours]), s[~ours], "other_session")
        for kind, code in (("outside_session", OUTSIDE), ("between_bars", BETWEEN)):
            wrong = ours & (b == code)
            if wrong.any():
                filling.leave_out(t[wrong], s[wrong], kind)
        grid.after_hours += int((b == -1).sum())
        kept = ours & (b >= 0)
        late = kept & auction_m[minute]
        if late.any():
            auctions.append(piece[late].assign(bar=b[late]))
            kept &= ~late
        if not kept.all():
            piece, t, s, b = piece[kept], t[kept], s[kept], b[kept]
        filling.place(t, s, b, [_cleaned(piece, name) for name in grid.fields])
    filling.drop_conflicts()
    if auctions:
        _join_auctions(_once(pd.concat(auctions, ignore_index=True), filling), grid)
    filling.finish()


def _axes(piece: pd.DataFrame, grid: BarGrid) -> tuple[Int64Array, Int64Array]:
    """Positions of the rows on the session and symbol axes; session -1: none of the grid's."""
    symbol = piece["symbol"].astype("category")
    lookup = np.searchsorted(grid.symbols, np.asarray(symbol.cat.categories, dtype=object))
    days = piece["day"].to_numpy().astype("datetime64[D]")
    if len(grid.sessions) == 1:
        t = np.where(days == grid.sessions[0], 0, -1)
    else:
        t = np.searchsorted(grid.sessions, days)
    return t, lookup[symbol.cat.codes.to_numpy()]


def _cleaned(piece: pd.DataFrame, name: str) -> np.ndarray:
    """Numbers of a field; an empty volume is 0, and a bar without volume has amount 0."""
    values = piece[name].to_numpy(np.float64)
    if name in ("volume", "trades"):
        return np.nan_to_num(values, nan=0.0)
    if name == "amount":
        return np.where(np.nan_to_num(piece["volume"].to_numpy(np.float64), nan=0.0) == 0, 0.0, values)
    return values


def _once(late: pd.DataFrame, filling: Filling) -> pd.DataFrame:
    """Auction rows without those given twice: of the same ones the first stays, of differing ones none."""
    key = ["symbol", "day", "minute"]
    if not late.duplicated(key).any():
        return late
    same = late.duplicated([*key, *filling.grid.fields]).to_numpy()
    stamp = late.groupby(key, observed=True).ngroup().to_numpy()
    counts = np.bincount(stamp[~same])
    differ = counts[stamp] > 1
    for rows, kind in ((late[same & ~differ], "repeated"), (late[differ], "conflicting")):
        filling.leave_out(*_axes(rows, filling.grid), kind)
    return late[~same & ~differ]


def _join_auctions(late: pd.DataFrame, grid: BarGrid) -> None:
    """Opening rows give their bar its open, closing rows its close; the other fields are joined."""
    # of several opening rows the earliest comes last, so that its open stays; of closing rows the latest
    order = np.argsort(late["minute"].to_numpy() * np.where(late["bar"] == 0, -1, 1), kind="stable")
    late = late.iloc[order]
    turn = late.groupby(["symbol", "day", "bar"], observed=True).cumcount().to_numpy()
    for k in range(int(turn.max(initial=-1)) + 1):  # in one turn every bar is met at most once
        _join_turn(late[turn == k], grid)


def _join_turn(late: pd.DataFrame, grid: BarGrid) -> None:
    t, s = _axes(late, grid)
    b, values = late["bar"].to_numpy(), grid.values_tfsb
    grid.there_ts[t, s] = True
    traded = np.nan_to_num(late["volume"].to_numpy(np.float64), nan=0.0) > 0
    unmet = np.isnan(values[t, VOLUME, s, b])
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
