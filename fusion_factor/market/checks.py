"""Is this market what it says? Cheap checks before anything long starts: errors stop, oddities are counted and told.

`check_market` looks at the daily prices, the tables, the pools, three sessions of bars and one of ticks of any
`Market`. What a single table may hold is checked by core.tables already; here it is about what tables say together:
units, neighbours, dates, coverage.

Legend of axes: t session, n symbol, s symbol of one session's bars, b bar.
"""

import warnings
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.fundamental_checks import check_fundamentals
from fusion_factor.market.store import Market
from fusion_factor.market.symbols import check_one_style, style_of
from fusion_factor.market.unit_checks import (
    check_bar_units,
    check_cap_units,
    check_price_units,
    check_tick_units,
    check_weights,
)

MOVE_LIMIT = (
    0.215  # no board allows more in a session from 2020-08-24 on but bse (30 %) and the first sessions of a listing
)
FIRST_SESSIONS = 10
SHOWN = 5


def check_market(market: Market, *, today: date | None = None) -> list[str]:
    """Raise DataError on what must stop the work; return the warnings, each with its count.

    `today`: no price may be dated later (default: the machine's date). Reads the daily prices, each table that is
    there, three sessions of bars and one of ticks; pools are checked by `check_pool` when they are used.
    """
    check_sessions(market.sessions, today)
    found = [f"known of this data: {note}" for note in getattr(market, "notes", ())]
    if getattr(market, "indices_only", False):
        return [*found, "stock_prices: none, this market has indices only", *check_fundamentals(market)]
    check_universe(market)
    found += check_prices(market)
    found += check_price_units(market)
    found += check_moves(market)
    found += check_factors(market)
    found += check_tables(market)
    found += check_fundamentals(market)
    found += check_bars(market)
    found += check_ticks(market)
    return found


def check_sessions(sessions: npt.NDArray[np.datetime64], today: date | None = None) -> None:
    """Sessions exist, increase, and none lies in the future."""
    if len(sessions) == 0:
        raise DataError("sessions: 0 sessions, at least 1 is needed")
    steps = np.diff(sessions) <= np.timedelta64(0, "D")
    if steps.any():
        raise DataError(
            f"sessions: {sessions[int(steps.argmax()) + 1]} does not come after the one before it; must increase"
        )
    limit = np.datetime64(today or date.today(), "D")
    if sessions[-1] > limit:
        raise DataError(f"sessions: {sessions[-1]} lies in the future, the limit is {limit}")


def check_universe(market: Market) -> None:
    """There are symbols, in one style, with valid closes."""
    if len(market.symbols) == 0:
        raise DataError("stock_prices: 0 symbols, at least 1 is needed (do the filters leave anything?)")
    check_one_style(market.symbols, "stock_prices")
    if not np.any(market.dense("close") > 0):
        raise DataError(
            f"stock_prices: no valid close among {len(market.symbols)} symbols and {len(market.sessions)} sessions"
        )


def column(market: Market, name: str) -> npt.NDArray[np.float64] | None:
    """A column of stock_prices [T, N], None where the market has none."""
    try:
        return market.dense(name)
    except DataError:
        return None


def first_place(wrong_tn: npt.NDArray[np.bool_], market: Market) -> tuple[int, int, str]:
    """Session and symbol position of the first True, and the words for it."""
    t, n = divmod(int(wrong_tn.argmax()), wrong_tn.shape[1])
    return t, n, f"symbol {market.symbols[n]}, date {market.sessions[t]}"


def check_prices(market: Market) -> list[str]:
    """No negative or infinite value, high not below low; closes outside of [low, high] are counted."""
    known = {name: column(market, name) for name in ("open", "high", "low", "close", "volume", "amount", "adj_factor")}
    columns = {name: values for name, values in known.items() if values is not None}
    for name, values in columns.items():
        low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
        if low < 0 or (np.isinf(high) and high > 0 and np.isinf(values).any()) or (name == "adj_factor" and low <= 0):
            bad = (values < 0) | np.isinf(values) | ((values <= 0) if name == "adj_factor" else False)
            t, n, where = first_place(bad, market)
            limit = "> 0" if name == "adj_factor" else ">= 0"
            raise DataError(f"stock_prices: {where}: {name} {values[t, n]:g}, must be finite and {limit}")
    if "high" not in columns or "low" not in columns:
        return []
    crossed = columns["high"] < columns["low"]
    if crossed.any():
        t, n, where = first_place(crossed, market)
        raise DataError(f"stock_prices: {where}: high {columns['high'][t, n]:g} is below low {columns['low'][t, n]:g}")
    outside = np.zeros_like(crossed)
    for name in ("open", "close"):
        outside |= (columns[name] > columns["high"]) | (columns[name] < columns["low"])
    return _counted(outside, market, "rows with open or close outside of [low, high]")


def _counted(wrong: npt.NDArray[np.bool_], market: Market, what: str) -> list[str]:
    if not wrong.any():
        return []
    return [f"stock_prices: {int(wrong.sum())} {what}, the first: {first_place(wrong, market)[2]}"]


def check_moves(market: Market) -> list[str]:
    """Adjusted moves beyond every price limit, after a symbol's first rows: counted and shown.

    They may be real (a restructured company is listed anew) and are left as they are.
    """
    close = market.dense("close")
    factor = column(market, "adj_factor")
    adjusted = close if factor is None else close * factor
    valid = adjusted > 0
    rank = np.cumsum(valid, axis=0, dtype=np.int32)
    with np.errstate(invalid="ignore", divide="ignore"):
        move = adjusted[1:] / adjusted[:-1] - 1.0
        beyond = (np.abs(move) > MOVE_LIMIT) & (rank[1:] > FIRST_SESSIONS)
    found = []
    if beyond.any():
        t, n = np.nonzero(beyond)
        order = np.argsort(-np.abs(np.log1p(move[t, n])), kind="stable")[:SHOWN]
        shown = ", ".join(f"{market.symbols[n[i]]} {market.sessions[t[i] + 1]} {move[t[i], n[i]]:+.0%}" for i in order)
        found.append(
            f"stock_prices: {len(t)} adjusted moves beyond +-{MOVE_LIMIT:.1%}, kept as they are, the largest: {shown}"
        )
    return found


def check_factors(market: Market) -> list[str]:
    """Factors that fall, and symbols with prices but without any factor: counted."""
    factor = column(market, "adj_factor")
    if factor is None:
        return []
    with np.errstate(invalid="ignore"):
        falls = np.vstack([np.zeros((1, factor.shape[1]), dtype=bool), factor[1:] < factor[:-1] * (1 - 1e-6)])
    found = _counted(falls, market, "steps down of adj_factor")
    empty = (market.dense("close") > 0).any(axis=0) & ~np.isfinite(factor).any(axis=0)
    if empty.any():
        first = market.symbols[int(empty.argmax())]
        found.append(f"stock_prices: {int(empty.sum())} symbols without any adj_factor, the first: {first}")
    return found


def check_tables(market: Market) -> list[str]:
    """Symbols and dates of the other tables fit the prices: one style, a common universe, no spell that starts too
    late."""
    found = []
    known = set(market.symbols)
    for name in ("stocks", "st", "industry", "caps", "financials", "consensus"):
        if not market.has(name):
            continue
        table = market.table(name)
        symbols = np.asarray(pd.unique(table["symbol"]), dtype=object)
        found += _coverage(name, symbols, known)
        for dates in ("in_date", "date", "announce_date"):
            if dates in table:
                late = int((table[dates] > pd.Timestamp(market.sessions[-1])).sum())
                if late:
                    found.append(
                        f"{name}: {late} rows with {dates} after the last session {market.sessions[-1]}, never used"
                    )
    if market.has("caps"):
        found += check_cap_units(market)
    if market.has("benchmark"):
        missing = len(market.sessions) - len(market.table("benchmark"))
        if missing > 0:
            found.append(f"benchmark: no row on {missing} of {len(market.sessions)} sessions")
    return found


def _coverage(name: str, symbols: npt.NDArray[Any], known: set[str]) -> list[str]:
    common = sum(symbol in known for symbol in symbols)
    if len(symbols) and not common:
        styles = {style_of(str(symbol)) for symbol in symbols}, {style_of(str(symbol)) for symbol in known}
        raise DataError(
            f"{name}: none of its {len(symbols)} symbols ({symbols[0]}, ...) is in stock_prices ({min(known)}, ...); "
            f"styles {', '.join(sorted(styles[0]))} and {', '.join(sorted(styles[1]))}"
        )
    if name in ("stocks", "industry", "caps") and common < len(known):
        return [f"{name}: no row for {len(known) - common} of {len(known)} symbols"]
    return []


def check_bars(market: Market) -> list[str]:
    """Bar sessions are sessions; on the first, middle and last of them the bars agree with the daily rows in symbols
    and units."""
    if market.bar_minutes is None or len(market.bar_sessions) == 0:
        return [] if market.bar_minutes is None else ["bars: no session of the market has bars"]
    days = market.bar_sessions
    off = ~np.isin(days, market.sessions)
    if off.any():
        raise DataError(f"bars: {days[int(off.argmax())]} is not a session")
    found = []
    for day in dict.fromkeys([days[0], days[len(days) // 2], days[-1]]):
        bars = market.bars(day)
        common = np.isin(bars.symbols, market.symbols)
        if not common.any():
            raise DataError(
                f"bars: {day}: none of {len(bars.symbols)} symbols ({bars.symbols[0]}, ...) is in stock_prices"
            )
        if not common.all():
            found.append(f"bars: {day}: {int((~common).sum())} of {len(bars.symbols)} symbols are not in stock_prices")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # rows that are all NaN
            found += check_bar_units(market, bars)
    return found


def check_ticks(market: Market) -> list[str]:
    """Sessions with trades and orders are sessions; on the last that has bars too they agree in symbols and units."""
    days = market.tick_sessions
    off = ~np.isin(days, market.sessions)
    if off.any():
        raise DataError(f"ticks: {days[int(off.argmax())]} is not a session")
    common = days[np.isin(days, market.bar_sessions)]
    if len(days) and not len(common):
        return ["ticks: no session with trades and orders has bars, they are not used"]
    return check_tick_units(market.ticks(common[-1]), market.bars(common[-1])) if len(common) else []


def check_pool(market: Market, name: str) -> list[str]:
    """The pool's note, its weights' units and its jumps. Raises DataError when its members and the market share no
    symbol."""
    pool = market.pool(name)
    found = [f"pool {name}: {pool.note}"] if pool.note else []
    found += _coverage(
        f"pool {name}: members", np.asarray(pd.unique(pool.members["symbol"]), dtype=object), set(market.symbols)
    )
    found += check_weights(name, pool.members)
    prices = pool.index_prices
    same = prices["code"].eq(prices["code"].shift())
    move = (prices["close"] / prices["close"].shift() - 1).where(same)
    beyond = move.abs() > MOVE_LIMIT
    if beyond.any():
        at = int(np.nanargmax(move.abs()))
        largest = f"{prices['code'].iloc[at]} {prices['date'].iloc[at]:%Y-%m-%d} {move.iloc[at]:+.0%}"
        found.append(f"pool {name}: {int(beyond.sum())} index moves beyond +-{MOVE_LIMIT:.1%}, the largest: {largest}")
    return found
