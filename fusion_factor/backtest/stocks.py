"""A portfolio of stocks by their own scores, with price limits, suspensions and delistings.

Legend: t session, s signal, n symbol of the pool.
"""

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest.accounting import Reasons
from fusion_factor.backtest.benchmark import series_returns
from fusion_factor.backtest.ledger import BUY, Delistings
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.portfolio import Decisions, eligible_names, find_signals, run_portfolio
from fusion_factor.backtest.prepared import Memory, optional_table, required_table, sessions_of
from fusion_factor.backtest.quotes import Flags, Quotes
from fusion_factor.backtest.result import Result
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.limits import PriceLimits, blocked
from fusion_factor.core.sessions import Calendar
from fusion_factor.core.spells import cover
from fusion_factor.core.tables import Grid, adjustment, dense

__all__ = ["StockData", "stock_portfolio"]


class _Pool:
    """Arrays of one pool of symbols, made once for all runs on it."""

    def __init__(self, data: "StockData", symbols: np.ndarray) -> None:
        self.data, self.symbols = data, symbols
        sessions, prices = data.calendar.sessions, data.stock_prices
        self.grid = Grid(prices, sessions, symbols)
        factor = adjustment(prices)
        opens, closes = prices["open"].to_numpy() * factor, prices["close"].to_numpy() * factor
        self.quotes = Quotes(sessions, symbols, self.grid.fill(opens), self.grid.fill(closes))
        self.score_tn = dense(data.scores, "score", sessions, symbols)
        self.delisted_n = self._delisted()
        self.memory = Memory()

    def _delisted(self) -> np.ndarray:
        """First session at or after each delist_date; the number of sessions where there is none."""
        stocks, calendar = self.data.stocks, self.data.calendar
        date = pd.Series(stocks["delist_date"].to_numpy(), index=stocks["symbol"].to_numpy())
        days = date.reindex(self.symbols).to_numpy().astype("datetime64[D]")
        return np.where(np.isnat(days), len(calendar), calendar.first_at_or_after(days))

    @cached_property
    def limits(self) -> PriceLimits:
        data = self.data
        return PriceLimits(data.stocks, data.st, data.calendar.sessions, self.symbols)

    def raw(self, column: str) -> np.ndarray | None:
        """A raw column [T, N], or None where the table has none."""
        if column not in self.data.stock_prices:
            return None
        return self.memory.get(column, lambda: self.grid.fill(self.data.stock_prices[column].to_numpy()))

    def flags(self, execute: str) -> Flags:
        """Flags of section 9 on raw prices, as the simulator asks for them."""
        price_tn, pre_close_tn, volume_tn = self.raw(execute), self.raw("pre_close"), self.raw("volume")
        assert price_tn is not None

        def ask(at: int, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            pre_close = np.full(len(names), np.nan) if pre_close_tn is None else pre_close_tn[at, names]
            upper, lower = self.limits.prices(np.asarray(at), names, pre_close)
            volume = None if volume_tn is None else volume_tn[at, names]
            return blocked(price_tn[at, names], upper, lower, volume)

        return ask

    def reasons(self, execute: str) -> Reasons:
        """Why names could not be traded at a session, as a result asks for it."""
        price_tn, volume_tn = self.quotes.price_tn(execute), self.raw("volume")

        def idle(at: int, names: np.ndarray, price_tn: np.ndarray, otherwise: np.ndarray) -> list[str]:
            suspended = False if volume_tn is None else volume_tn[at, names] == 0
            return np.where(
                np.isnan(price_tn[at, names]), "no price", np.where(suspended, "suspended", otherwise)
            ).tolist()

        return Reasons(
            then=lambda at, names, sides: idle(
                at, names, price_tn, np.where(sides == BUY, "upper limit", "lower limit")
            ),
            known=lambda at, names: idle(at, names, self.quotes.close_tn, np.array("")),
        )

    def universe(self, code: str) -> np.ndarray:
        """Membership [T, N] in one code of `members`."""
        members = self.data.members
        if members is None:
            raise DataError("members: the table is missing, but universe needs it")
        spells = members[members["code"] == code]
        if spells.empty:
            raise ConfigError(f"universe: {code} has no spell in members")
        return self.memory.get(("universe", code), lambda: cover(spells, self.data.calendar.sessions, self.symbols))

    def mean_returns(self, universe: str | None) -> np.ndarray:
        member_tn = None if universe is None else self.universe(universe)
        return self.memory.get(("mean", universe), lambda: self.quotes.mean_returns(member_tn))


class StockData:
    """Tables of stock portfolios, checked and laid out once; `run` simulates one setting, many settings share the rest.

    Args:
        stock_prices, scores, stocks, st, benchmark, members: tables of SEMANTICS 0.
        sessions: table or dates; None: the dates of stock_prices.

    Raises:
        DataError: naming table, key and value.
    """

    def __init__(
        self,
        *,
        stock_prices: pd.DataFrame,
        scores: pd.DataFrame,
        stocks: pd.DataFrame,
        sessions: Any = None,
        st: pd.DataFrame | None = None,
        benchmark: pd.DataFrame | None = None,
        members: pd.DataFrame | None = None,
    ) -> None:
        days = sessions_of(sessions, stock_prices, "stock_prices")
        self.calendar = Calendar(days)
        self.stock_prices = required_table("stock_prices", stock_prices, days)
        self.scores = required_table("scores", scores, days)
        self.stocks = required_table("stocks", stocks, days)
        self.st = optional_table("st", st, days)
        self.benchmark = optional_table("benchmark", benchmark, days)
        self.members = optional_table("members", members, days)
        self._memory = Memory(limit=2)
        self._pool(())

    def _pool(self, codes: tuple[str, ...]) -> _Pool:
        """Arrays of the pool of these symbols; none: all symbols with prices."""

        def lay_out() -> _Pool:
            return _Pool(self, np.array(sorted(codes or self.stock_prices["symbol"].unique()), object))

        return self._memory.get(codes, lay_out)

    def run(self, parameters: Parameters | None = None, **given: Any) -> Result:
        """Simulate one setting: parameters as an object or by name; see `stock_portfolio`."""
        parameters = Parameters.of(given) if parameters is None else parameters
        if parameters.benchmark_kind == "series" and self.benchmark is None:
            raise DataError("benchmark: the table is missing, but benchmark_kind series needs it")
        pool = self._pool(parameters.pool)
        member_tn = None if parameters.universe is None else pool.universe(parameters.universe)
        signals = find_signals(self.calendar, pool.quotes, parameters)
        score_sn = pool.score_tn[signals.at]
        eligible_sn = eligible_names(score_sn, pool.quotes, signals.at, parameters)
        eligible_sn &= pool.delisted_n > signals.at[:, None]
        if member_tn is not None:
            eligible_sn &= member_tn[signals.at]
        return run_portfolio(
            pool.quotes,
            signals,
            Decisions(score_sn, np.ones(score_sn.shape), eligible_sn),
            parameters,
            market_returns=lambda: self._market_returns(pool, parameters),
            memory=pool.memory,
            reasons=pool.reasons(parameters.execute),
            flags=pool.flags(parameters.execute),
            delistings=Delistings(pool.delisted_n, parameters.delist_haircut),
        )

    def _market_returns(self, pool: _Pool, parameters: Parameters) -> np.ndarray:
        if parameters.benchmark_kind == "series":
            assert self.benchmark is not None
            return series_returns(self.benchmark, self.calendar.sessions)
        return pool.mean_returns(parameters.universe)


def stock_portfolio(
    *,
    stock_prices: pd.DataFrame,
    scores: pd.DataFrame,
    stocks: pd.DataFrame,
    sessions: Any = None,
    st: pd.DataFrame | None = None,
    benchmark: pd.DataFrame | None = None,
    members: pd.DataFrame | None = None,
    **parameters: Any,
) -> Result:
    """Hold the best stocks by score, traded under A-share rules (SEMANTICS 1, 4 to 7 and 9).

    Args:
        stock_prices: symbol, date, open, close raw in CNY; optional adj_factor, pre_close, volume.
        scores: date, symbol, score; known after the close of date. Only the score dated the signal counts.
        stocks: symbol, board, list_date, delist_date. st: symbol, in_date, out_date of special treatment.
        sessions: table or dates of all sessions; None: the dates of stock_prices.
        benchmark: date, close, for benchmark_kind series. members: spells of `universe`.
        parameters: fields of `Parameters`; top_k has no default. Set cost_buy and cost_sell for stocks.

    Returns:
        Result, with symbols as codes.

    Raises:
        DataError, ConfigError: naming table, key and value, or the parameter.

    A signal reads tables dated up to its session; prices, limits and volume of the session after decide the trade.

    >>> days = pd.bdate_range("2024-01-01", "2024-01-16")
    >>> closes = [10.0] * 6 + [11.0] * 6
    >>> stock_prices = pd.DataFrame({"symbol": "600000.SH", "date": days, "open": 10.0, "close": closes})
    >>> stocks = pd.DataFrame({"symbol": ["600000.SH"], "board": "main", "list_date": "1999-11-10", "delist_date": ""})
    >>> scores = pd.DataFrame({"date": ["2024-01-05"], "symbol": "600000.SH", "score": 1.0})
    >>> result = stock_portfolio(stock_prices=stock_prices, scores=scores, stocks=stocks, top_k=1,
    ...                          cost_buy=0.0, cost_sell=0.001)
    >>> round(result.metrics["total_return"], 12), result.executions["status"].tolist()
    (0.1, ['done', 'kept'])
    """
    checked = Parameters.of(parameters)
    data = StockData(
        stock_prices=stock_prices,
        scores=scores,
        stocks=stocks,
        sessions=sessions,
        st=st,
        benchmark=benchmark,
        members=members,
    )
    return data.run(checked)
