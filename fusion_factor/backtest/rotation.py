"""Rotation among indices (or any pool of codes) by the scores of their members.

Legend: t session, s signal, c code of the pool, m symbol with a score somewhere.
"""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest.accounting import Reasons
from fusion_factor.backtest.benchmark import series_returns
from fusion_factor.backtest.index_scores import IndexScores, Members, index_scores, smoothed
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.portfolio import Decisions, Signals, eligible_names, find_signals, run_portfolio
from fusion_factor.backtest.prepared import Memory, optional_table, required_table, sessions_of
from fusion_factor.backtest.quotes import Flags, Quotes
from fusion_factor.backtest.result import Result
from fusion_factor.backtest.stock_scores import StockScores, transform
from fusion_factor.core.errors import DataError
from fusion_factor.core.sessions import Calendar
from fusion_factor.core.tables import Grid, dense

__all__ = ["RotationData", "rotate"]


class _Pool:
    """Arrays of one pool of codes, made once for all runs on it."""

    def __init__(self, data: "RotationData", codes: np.ndarray) -> None:
        sessions, prices = data.calendar.sessions, data.index_prices
        grid = Grid(prices, sessions, codes, key="code")
        self.codes = codes
        self.quotes = Quotes(
            sessions, codes, grid.fill(prices["open"].to_numpy()), grid.fill(prices["close"].to_numpy())
        )
        self.members = Members(data.members, sessions, codes, data.scores.symbols)
        self.without_members = len(codes) - int(np.isin(codes, data.members["code"].unique()).sum())
        self.mean_returns = self.quotes.mean_returns()
        self.memory = Memory(limit=4)
        self.blocked_tc: tuple[np.ndarray, np.ndarray] | None = None
        if data.flags is not None:
            grid = Grid(data.flags, sessions, codes, key="code")
            buy, sell = (grid.fill(data.flags[name].to_numpy()) == 1 for name in ("buy_blocked", "sell_blocked"))
            self.blocked_tc = (buy, sell)

    def flags(self) -> Flags | None:
        """Flags of names at a session, as the simulator asks for them."""
        if self.blocked_tc is None:
            return None
        buy_tc, sell_tc = self.blocked_tc
        return lambda at, names: (buy_tc[at, names], sell_tc[at, names])

    def reasons(self, execute: str) -> Reasons:
        """Why names could not be traded at a session, as a result asks for it."""
        price_tn, idle_tn = self.quotes.price_tn(execute), self.quotes.idle_tn
        return Reasons(
            then=lambda at, names, sides: np.where(np.isnan(price_tn[at, names]), "no price", "flag").tolist(),
            known=lambda at, names: np.where(idle_tn[at, names], "no price", "").tolist(),
        )


class RotationData:
    """Tables of a rotation, checked and laid out once; `run` simulates one setting, many settings share the rest.

    Args:
        index_prices, members, scores, flags, benchmark, caps: tables of SEMANTICS 0.
        sessions: table or dates; None: the dates of index_prices.

    Raises:
        DataError: naming table, key and value.
    """

    def __init__(
        self,
        *,
        index_prices: pd.DataFrame,
        members: pd.DataFrame,
        scores: pd.DataFrame,
        sessions: Any = None,
        flags: pd.DataFrame | None = None,
        benchmark: pd.DataFrame | None = None,
        caps: pd.DataFrame | None = None,
    ) -> None:
        days = sessions_of(sessions, index_prices, "index_prices")
        self.calendar = Calendar(days)
        self.index_prices = required_table("index_prices", index_prices, days)
        self.members = required_table("members", members, days)
        self.scores = StockScores(required_table("scores", scores, days), days)
        self.flags = optional_table("flags", flags, days)
        self.benchmark = optional_table("benchmark", benchmark, days)
        self.caps = optional_table("caps", caps, days)
        self._memory = Memory()
        self._pool(())

    def _pool(self, codes: tuple[str, ...]) -> _Pool:
        """Arrays of the pool of these codes; none: all codes with prices."""

        def lay_out() -> _Pool:
            return _Pool(self, np.array(sorted(codes or self.index_prices["code"].unique()), object))

        return self._memory.get(("pool", codes), lay_out)

    def run(self, parameters: Parameters | None = None, **given: Any) -> Result:
        """Simulate one setting: parameters as an object or by name; see `rotate`."""
        parameters = Parameters.of(given) if parameters is None else parameters
        self._check(parameters)
        pool = self._pool(parameters.pool)
        signals = find_signals(self.calendar, pool.quotes, parameters)
        scores = self._index_scores(pool, signals, parameters)
        score_sc = smoothed(scores.raw_sc, parameters.smooth)
        eligible_sc = eligible_names(score_sc, pool.quotes, signals.at, parameters)
        return run_portfolio(
            pool.quotes,
            signals,
            Decisions(score_sc, scores.coverage_sc, eligible_sc),
            parameters,
            market_returns=lambda: self._market_returns(pool, parameters),
            memory=pool.memory,
            reasons=pool.reasons(parameters.execute),
            flags=pool.flags(),
            counts={"codes_without_members": pool.without_members},
        )

    def score_table(self, parameters: Parameters | None = None, **given: Any) -> pd.DataFrame:
        """The index scores at the signal sessions as an ordinary score table: date, symbol (the code), score.

        Only codes that have a score are listed; `top_k` and what follows the scores does not matter.
        """
        parameters = Parameters.of({"top_k": 1, **given}) if parameters is None else parameters
        self._check(parameters)
        pool = self._pool(parameters.pool)
        signals = find_signals(self.calendar, pool.quotes, parameters)
        score_sc = smoothed(self._index_scores(pool, signals, parameters).raw_sc, parameters.smooth)
        s, c = np.nonzero(~np.isnan(score_sc))
        dates = self.calendar.sessions[signals.at[s]].astype("datetime64[s]")
        return pd.DataFrame({"date": dates, "symbol": pool.codes[c], "score": score_sc[s, c]})

    def _check(self, parameters: Parameters) -> None:
        """Tables and columns that the parameters need; codes outside of a strict pool."""
        if parameters.aggregate == "weight" and "weight" not in self.members:
            raise DataError("members: column weight is missing, but aggregate weight needs it")
        if parameters.aggregate == "cap" and self.caps is None:
            raise DataError("caps: the table is missing, but aggregate cap needs it")
        if parameters.benchmark_kind == "series" and self.benchmark is None:
            raise DataError("benchmark: the table is missing, but benchmark_kind series needs it")
        if not parameters.pool or not parameters.strict_pool:
            return
        for name, date, table in (
            ("index_prices", "date", self.index_prices),
            ("members", "in_date", self.members),
        ):
            outside = ~table["code"].isin(parameters.pool).to_numpy()
            if outside.any():
                row = table.iloc[int(outside.argmax())]
                key = f"code {row['code']}" + (f", symbol {row['symbol']}" if "symbol" in table else "")
                raise DataError(f"{name}: {key}, {date} {row[date]:%Y-%m-%d}: the code is not in pool (strict_pool)")

    def _market_returns(self, pool: _Pool, parameters: Parameters) -> np.ndarray:
        if parameters.benchmark_kind == "series":
            assert self.benchmark is not None
            return series_returns(self.benchmark, self.calendar.sessions)
        return pool.mean_returns

    def _index_scores(self, pool: _Pool, signals: Signals, parameters: Parameters) -> IndexScores:
        """Raw index scores; kept, for they are the longest part of a run and many settings share them."""
        read = (
            parameters.pool,
            signals.at.tobytes(),
            parameters.score_max_age,
            parameters.score_transform,
            parameters.aggregate,
            parameters.top_share,
            parameters.ascending if parameters.aggregate == "top_mean" else None,
            parameters.min_members,
            parameters.min_coverage,
        )
        return self._memory.get(("scores", read), lambda: self._score_indices(pool, signals, parameters))

    def _score_indices(self, pool: _Pool, signals: Signals, parameters: Parameters) -> IndexScores:
        score_sm = transform(self.scores.in_use(signals.at, parameters.score_max_age), parameters.score_transform)
        cap_sm = None
        if parameters.aggregate == "cap":
            assert self.caps is not None
            cap_sm = dense(self.caps, "cap", self.calendar.sessions[signals.at], self.scores.symbols)
            cap_sm = np.where(cap_sm > 0, cap_sm, np.nan)
        return index_scores(
            pool.members,
            signals.at,
            score_sm,
            aggregate=parameters.aggregate,
            cap_sm=cap_sm,
            top_share=parameters.top_share,
            ascending=parameters.ascending,
            min_members=parameters.min_members,
            min_coverage=parameters.min_coverage,
        )


def rotate(
    *,
    index_prices: pd.DataFrame,
    members: pd.DataFrame,
    scores: pd.DataFrame,
    sessions: Any = None,
    flags: pd.DataFrame | None = None,
    benchmark: pd.DataFrame | None = None,
    caps: pd.DataFrame | None = None,
    **parameters: Any,
) -> Result:
    """Rotate among the codes of a pool by the scores of their members (SEMANTICS 1 to 7).

    Args:
        index_prices: code, date, open, close. members: code, symbol, in_date, out_date, weight (optional).
        scores: date, symbol, score; known after the close of date.
        sessions: table or dates of all sessions, also later ones; None: the dates of index_prices.
        flags: code, date, buy_blocked, sell_blocked. benchmark: date, close, for benchmark_kind series.
        caps: symbol, date, cap (CNY), for aggregate cap.
        parameters: fields of `Parameters`; top_k has no default.

    Returns:
        Result: nav, signals, executions, holdings (DataFrames), metrics (dict), years().

    Raises:
        DataError, ConfigError: naming table, key and value, or the parameter.

    A signal reads tables dated up to its session; it is traded at the open (or close) of the session after.

    >>> days = pd.bdate_range("2024-01-01", "2024-01-19")
    >>> index_prices = pd.DataFrame({
    ...     "code": ["A"] * 15 + ["B"] * 15, "date": [*days, *days],
    ...     "open": 10.0, "close": [10.0] * 10 + [11.0] * 5 + [10.0] * 15})
    >>> members = pd.DataFrame({"code": ["A", "B"], "symbol": ["600000.SH", "000001.SZ"],
    ...                         "in_date": "2024-01-01", "out_date": ""})
    >>> scores = pd.DataFrame({"date": ["2024-01-05"] * 2 + ["2024-01-12"] * 2,
    ...                        "symbol": ["600000.SH", "000001.SZ"] * 2, "score": [1.0, 0.0, 0.9, 0.1]})
    >>> result = rotate(index_prices=index_prices, members=members, scores=scores, top_k=1, cost_rate=0.0)
    >>> result.holdings
       execution code  weight
    0 2024-01-08    A     1.0
    1 2024-01-15    A     1.0
    >>> round(result.metrics["total_return"], 12), round(result.metrics["total_excess"], 12)
    (0.1, 0.047619047619)
    """
    checked = Parameters.of(parameters)
    data = RotationData(
        index_prices=index_prices,
        members=members,
        scores=scores,
        sessions=sessions,
        flags=flags,
        benchmark=benchmark,
        caps=caps,
    )
    return data.run(checked)
