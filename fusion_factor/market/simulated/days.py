"""The walk through the sessions: states, returns, prices, minutes; one `Day` a session, nothing kept but the last.

Every random number of session t comes from a stream of its own, so the walk does not depend on threads, on what is
written, or on where it ends. Legend of axes: q state, n stock, s stock that trades, b minute, f open, high, low, close.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.market.simulated import mechanism, minutes
from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.population import Population, stream
from fusion_factor.market.simulated.prices import LimitBook, ex_rights, targets_of
from fusion_factor.market.simulated.ticks import settle
from fusion_factor.market.simulated.trend import IndustryTrend

INDUSTRY_SHARE = 0.12
GAP_NOISE, GAP_SHARE = 0.45, 0.55
VOLUME_GAIN = {"volume": 0.4}
VOLUME_NOISE, VOLUME_MOVE = 0.04, 0.05
JUMP_RATE, NEWS_RATE = 0.006, 0.0003
_STREAM_FIRST, _STREAM_DAY, _STREAM_MINUTES, _STREAM_TICKS = 11, 12, 13, 14


@dataclass(frozen=True)
class CommonDraws:
    """What a session's stream gives first: shocks of the market, of the states [Q, N] and of the industries [I].

    They depend on the seed and the session's position alone, so that those of sessions not walked can be known too.
    """

    volatility: float
    market: float
    states: npt.NDArray[np.float64]
    industry: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rng: np.random.Generator, stocks: Population, n_industries: int) -> "CommonDraws":
        volatility, market = float(rng.standard_normal()), float(rng.standard_t(5))
        states = mechanism.state_shocks(rng, stocks.industry, n_industries)
        return cls(volatility, market, states, rng.standard_normal(n_industries))


def session_stream(seed: int, t: int) -> np.random.Generator:
    """The stream of session t, at its beginning."""
    return stream(seed, _STREAM_DAY, t)


@dataclass(frozen=True)
class Day:
    """One session. [N] arrays are over all stocks of the population; `trading` are the positions of those that trade.

    Prices are cents; `daily` is int64 [4, N] (only the columns `trading` mean anything); adj_factor, shares, oracle
    are [N]. Minutes: cents int32 [4, S, 240], volume and amount int64 [S, 240].
    """

    t: int
    trading: npt.NDArray[np.int64]
    daily: npt.NDArray[np.int64]
    volume: npt.NDArray[np.int64]
    amount: npt.NDArray[np.int64]
    pre_close: npt.NDArray[np.int64]
    adj_factor: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    oracle: npt.NDArray[np.float64]
    minute_cents: npt.NDArray[np.int32]
    minute_volume: npt.NDArray[np.int64]
    minute_amount: npt.NDArray[np.int64]


class MarketWalk:
    """Holds what one session hands to the next: states, closes, factors, shares, pending ex-rights."""

    def __init__(self, config: SimulationConfig, stocks: Population, sessions: npt.NDArray[np.datetime64]) -> None:
        self.config, self.stocks, self.sessions = config, stocks, sessions
        n = len(stocks.symbols)
        rng = stream(config.seed, _STREAM_FIRST)
        self.states = mechanism.first_states(rng, stocks.industry, config.n_industries)
        self.close = np.floor(stocks.price * 100.0 + 0.5).astype(np.int64)
        self.adj_factor, self.shares = np.ones(n), stocks.shares.copy()
        self.dividend, self.split = np.zeros(n), np.ones(n)
        self.limits = LimitBook(stocks, sessions)
        self.market_volatility = 1.0
        self.profiles = np.stack(minutes.profiles())
        self.trend = IndustryTrend(config) if config.industry_trend else None

    def days(self) -> Iterator[Day]:
        """All sessions in order."""
        for t in range(len(self.sessions)):
            yield self._day(t)

    def _day(self, t: int) -> Day:
        rng = session_stream(self.config.seed, t)
        stocks = self.stocks
        listed = stocks.on(t)
        trades = listed & ~stocks.suspended[t]
        draws = self._draw_returns(rng, t)
        self._take_ex_rights(t, listed, trades)
        pre_close = ex_rights(self.close, np.where(trades, self.dividend, 0.0), np.where(trades, self.split, 1.0))
        changed = trades & (pre_close != self.close)
        self.adj_factor = np.where(changed, self.adj_factor * (self.close / pre_close), self.adj_factor)
        self.shares = np.where(trades, np.round(self.shares * self.split), self.shares)
        self.dividend[trades], self.split[trades] = 0.0, 1.0
        limits = self.limits.on(t, pre_close)
        targets = targets_of(pre_close, draws["gap"], draws["return"], limits)
        trading = np.flatnonzero(trades)
        cents, minute_volume, minute_amount = self._minutes(t, trading, draws, targets, limits)
        daily = np.empty((4, len(trading)), dtype=np.int64)
        volume, amount = np.empty(len(trading), np.int64), np.empty(len(trading), np.int64)
        minutes.daily_of(cents, minute_volume, minute_amount, daily, volume, amount)
        wide = np.repeat(self.close[None, :], 4, axis=0)
        wide[:, trading] = daily
        self.close = np.where(listed, wide[3], self.close)
        self.states = mechanism.next_states(self.states, draws["shocks"], np.where(trades, draws["path"], 0.0))
        oracle = mechanism.oracle(self.states)
        if self.trend is not None:
            self.trend.step(t)
            oracle += self.trend.expected(mechanism.LABEL_START, mechanism.LABEL_END)[stocks.industry]
        wide_volume, wide_amount = np.zeros((2, len(stocks.symbols)), dtype=np.int64)
        wide_volume[trading], wide_amount[trading] = volume, amount
        return Day(
            t, trading, wide, wide_volume, wide_amount, pre_close, self.adj_factor, self.shares,
            oracle, cents, minute_volume, minute_amount,
        )  # fmt: skip

    def tick_seeds(self, day: Day) -> npt.NDArray[np.uint64]:
        """The random streams of a session's trades and orders, one a stock that trades [S]."""
        rng = stream(self.config.seed, _STREAM_TICKS, day.t)
        return rng.integers(0, 2**63, len(self.stocks.symbols), dtype=np.uint64)[day.trading]

    def _take_ex_rights(self, t: int, listed: npt.NDArray[np.bool_], trades: npt.NDArray[np.bool_]) -> None:
        """An ex-date on a suspended session waits for the first session that trades; none before the listing."""
        due = listed & (self.stocks.listed_from < t)
        self.dividend = np.where(due, np.maximum(self.dividend, self.stocks.dividend[t]), 0.0)
        self.split = np.where(due, self.split * self.stocks.split[t], 1.0)

    def _draw_returns(self, rng: np.random.Generator, t: int) -> dict[str, Any]:
        """Log return, gap and shocks of the session: drift, market, industry, own, jumps."""
        stocks, config = self.stocks, self.config
        n = len(stocks.symbols)
        drawn = CommonDraws.of(rng, stocks, config.n_industries)
        self.market_volatility = np.exp(0.97 * np.log(self.market_volatility) + 0.07 * drawn.volatility - 0.0005)
        market = 0.009 * self.market_volatility * drawn.market * 0.775 + 0.0002
        common = drawn.industry[stocks.industry]
        path = np.sqrt(INDUSTRY_SHARE) * common + np.sqrt(1.0 - INDUSTRY_SHARE) * rng.standard_normal(n)
        jump = (rng.random(n) < JUMP_RATE) * rng.standard_t(4, n) * 0.03
        news = (rng.random(n) < NEWS_RATE) * rng.choice([-1.0, 1.0], n) * rng.uniform(0.1, 0.3, n)
        noise = rng.standard_normal((3, n))
        news += self._first_sessions(t, noise[2])
        moved = mechanism.expected_drift(self.states, 0) + stocks.beta * market + stocks.sigma * path + jump
        if self.trend is not None:
            moved += self.trend.drift[stocks.industry]
        gap = GAP_SHARE * moved + GAP_NOISE * stocks.sigma * noise[0] + news
        return {
            "return": moved + news,
            "gap": gap,
            "path": path,
            "shocks": drawn.states,
            "market": market,
            "volume_noise": noise[1],
            "size": np.abs(moved) / stocks.sigma,
        }

    def _first_sessions(self, t: int, noise_n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """New listings: wide first sessions where there is no limit, a run of limit-ups where there is one."""
        age = t - self.stocks.listed_from
        run = self.stocks.new_listing & (age >= 0) & (age < 3)
        return np.where(run, 0.25 + 0.1 * noise_n, 0.0)

    def _minutes(self, t: int, trading: npt.NDArray[np.int64], draws: dict[str, Any], targets: Any, limits: Any) -> Any:
        """Fill the minutes of the stocks that trade."""
        stocks = self.stocks
        log_volume = np.log(self.shares) + stocks.log_turnover + VOLUME_NOISE * draws["volume_noise"]
        log_volume += VOLUME_MOVE * (np.minimum(draws["size"], 4.0) - 0.8) + 4.0 * abs(draws["market"])
        for name, gain in VOLUME_GAIN.items():
            log_volume += gain * self.states[mechanism.POSITION[name]]
        log_volume -= 2.5 * targets.locked
        seeds = stream(self.config.seed, _STREAM_MINUTES, t).integers(0, 2**63, len(stocks.symbols), dtype=np.uint64)
        shape = np.stack([self.states[mechanism.POSITION[k]] for k in ("middle", "down", "sticky", "burst")])
        count = len(trading)
        cents = np.empty((4, count, minutes.MINUTES), dtype=np.int32)
        volume = np.empty((count, minutes.MINUTES), dtype=np.int64)
        amount = np.empty((count, minutes.MINUTES), dtype=np.int64)
        minutes.fill_session(
            seeds[trading], targets.open[trading], targets.close[trading], limits.low[trading], limits.high[trading],
            0.85 * stocks.sigma[trading], np.maximum(np.exp(log_volume[trading]) / 100.0, 1.0),
            targets.locked[trading], np.ascontiguousarray(shape[:, trading]), self.profiles, cents, volume, amount,
        )  # fmt: skip
        if self.config.ticks:
            settle(cents, volume, amount)
        return cents, volume, amount
