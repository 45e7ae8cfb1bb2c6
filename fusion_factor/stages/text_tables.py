"""The tables that a stock portfolio is simulated on, from any market: what is missing is derived from what was known.

Legend: t session, n symbol.
"""

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.store import Market
from fusion_factor.stages.text_inputs import DailyPrices


def stock_tables(market: Market, prices: DailyPrices, gone_after: int) -> dict[str, pd.DataFrame]:
    """Tables stock_prices (with pre_close), stocks, and st and benchmark where the market has them.

    gone_after: prices of a stock that stop without a delist_date make it delisted so many sessions after the last one.
    Nobody could have known on the last session; by then everybody does.
    """
    if not market.has("stocks"):
        raise DataError("stocks: the market has no such table, and boards do not follow from its symbols")
    found = {"stock_prices": with_pre_close(market, prices), "stocks": with_ends(market, prices, gone_after)}
    return found | {name: market.table(name) for name in ("st", "benchmark") if market.has(name)}


def with_pre_close(market: Market, prices: DailyPrices) -> pd.DataFrame:
    """`stock_prices` with the column pre_close: where it is missing, the last close before, adjusted for rights and
    rounded to cents, by which the exchange sets the day's limits."""
    table = market.table("stock_prices")
    if "pre_close" in table and table["pre_close"].notna().all():
        return table
    close_tn, factor_tn = market.dense("close"), prices.factor_tn
    adjusted_tn = close_tn * factor_tn
    before_tn = np.full(close_tn.shape, np.nan)
    last_n = np.full(close_tn.shape[1], np.nan)
    for t in range(len(close_tn)):
        before_tn[t] = last_n / factor_tn[t]
        last_n = np.where(np.isfinite(adjusted_tn[t]), adjusted_tn[t], last_n)
    at = np.searchsorted(market.sessions, table["date"].to_numpy().astype("datetime64[D]"))
    n = pd.Index(market.symbols).get_indexer(table["symbol"])
    derived = np.round(before_tn[at, n], 2)
    given = table["pre_close"].to_numpy() if "pre_close" in table else np.full(len(table), np.nan)
    return table.assign(pre_close=np.where(np.isfinite(given), given, derived))


def with_ends(market: Market, prices: DailyPrices, gone_after: int) -> pd.DataFrame:
    """`stocks` with a delist_date for names whose prices stopped more than `gone_after` sessions before the end."""
    stocks = market.table("stocks")
    there_tn = np.isfinite(market.dense("close"))
    last_n = len(there_tn) - 1 - there_tn[::-1].argmax(axis=0)
    any_n = np.asarray(there_tn.any(axis=0))
    gone_n = last_n + gone_after
    ended = {
        symbol: market.sessions[t]
        for symbol, t, any_price in zip(market.symbols, gone_n, any_n, strict=True)
        if any_price and t < len(there_tn)
    }
    end = stocks["symbol"].map(ended).astype("datetime64[s]")
    return stocks.assign(delist_date=stocks["delist_date"].where(stocks["delist_date"].notna(), end))
