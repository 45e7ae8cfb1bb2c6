"""The `limits` table: upper and lower limit of every price row, and whether open and close stood at them."""

import numpy as np
import pandas as pd

from fusion_factor.core.limits import NO_LIMIT, PriceLimits, blocked
from fusion_factor.core.sessions import Calendar
from fusion_factor.core.tables import check_table, table_sessions

__all__ = ["limits"]


def limits(
    *,
    sessions: pd.DataFrame,
    stocks: pd.DataFrame,
    stock_prices: pd.DataFrame,
    st: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Price limits of A-shares, one row for each row of `stock_prices`, by symbol then date (SEMANTICS 9).

    Args:
        sessions, stocks, stock_prices, st: tables of SEMANTICS 0; raw prices in CNY. Without a column pre_close
            there is no limit; without a column volume a suspension shows by its missing price alone.

    Returns:
        symbol, date, upper, lower (CNY, NaN without a limit), and 0 or 1 in buy_blocked_open, sell_blocked_open,
        buy_blocked_close, sell_blocked_close.

    Raises:
        DataError: naming table, key and value.

    A limit reads the close before and the listing alone; the flags of a session read that session's prices.

    >>> sessions = pd.DataFrame({"date": ["2024-01-02", "2024-01-03"]})
    >>> stocks = pd.DataFrame({"symbol": ["600519.SH"], "board": "main", "list_date": "2001-08-27", "delist_date": ""})
    >>> prices = pd.DataFrame({"symbol": ["600519.SH"], "date": "2024-01-03", "open": [10.5], "close": [10.95],
    ...                        "pre_close": [9.95]})
    >>> table = limits(sessions=sessions, stocks=stocks, stock_prices=prices)
    >>> table[["symbol", "upper", "lower", "buy_blocked_open", "buy_blocked_close"]]
          symbol  upper  lower  buy_blocked_open  buy_blocked_close
    0  600519.SH  10.95   8.96                 0                  1
    """
    days = table_sessions(check_table("sessions", sessions))
    prices = check_table("stock_prices", stock_prices, sessions=days)
    listing = check_table("stocks", stocks)
    special = None if st is None else check_table("st", st)
    n, symbols = pd.factorize(prices["symbol"], sort=True)
    t = Calendar(days).positions(prices["date"])
    rules = PriceLimits(listing, special, days, np.asarray(symbols, object))
    nothing = np.full(len(prices), np.nan)
    pre_close = prices["pre_close"].to_numpy() if "pre_close" in prices else nothing
    volume = prices["volume"].to_numpy() if "volume" in prices else None
    upper, lower = rules.prices(t, n, pre_close)
    table = prices[["symbol", "date"]].copy()
    for side, limit in (("upper", upper), ("lower", lower)):
        table[side] = np.where(limit == NO_LIMIT, np.nan, limit / 100)
    for moment in ("open", "close"):
        buy, sell = blocked(prices[moment].to_numpy(), upper, lower, volume)
        table[f"buy_blocked_{moment}"] = buy.astype(np.int8)
        table[f"sell_blocked_{moment}"] = sell.astype(np.int8)
    return table
