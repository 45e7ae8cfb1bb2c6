"""A market without any flaw, and a way to plant one: 8 stocks, 150 sessions of Shanghai, bars of the last five."""

from functools import cached_property

import exchange_calendars
import numpy as np
import pandas as pd

from fusion_factor.core.tables import check_table, dense
from fusion_factor.market.store import Market, Pool, SessionBars

SESSIONS = (
    exchange_calendars.get_calendar("XSHG", start="2020-06-01", end="2021-12-31")
    .sessions.to_numpy()
    .astype("datetime64[D]")[:150]
)
SYMBOLS = [f"{600000 + i}.SH" for i in range(8)]
EX_DATE = 70
"""Session on which stock 2 goes ex: ten shares become twelve."""
N_BARS, BAR_SESSIONS = 16, 5


class PlainMarket(Market):
    """Tables, bars and one pool as they are given; stock_prices may break the rules that a reader would check."""

    def __init__(self, sessions, tables, bars, members=None):
        self._sessions = np.asarray(sessions, "datetime64[D]")
        self._tables, self._bars, self._members = tables, bars, members

    @property
    def sessions(self):
        return self._sessions

    @cached_property
    def symbols(self):
        return np.array(sorted(set(self._tables["stock_prices"]["symbol"])), dtype=object)

    def has(self, name):
        return name in self._tables

    def table(self, name):
        return check_table(name, self._tables[name])

    def dense(self, column):
        from fusion_factor.core.errors import DataError

        if column not in self._tables["stock_prices"]:
            raise DataError(f"stock_prices has no column {column}")
        return dense(self._tables["stock_prices"], column, self.sessions, self.symbols)

    @property
    def bar_minutes(self):
        return 15 if self._bars else None

    @property
    def bar_sessions(self):
        return np.array(sorted(self._bars), "datetime64[D]")

    def bars(self, session):
        return self._bars[session]

    @property
    def pools(self):
        return () if self._members is None else ("theme",)

    def pool(self, name):
        rows = pd.DataFrame({"code": "T1", "date": pd.to_datetime(self._sessions), "open": 100.0, "close": 100.0})
        return Pool(name, check_table("index_prices", rows), check_table("members", self._members))

    truth = None

    def fingerprint(self):
        return "plain"


class Clean:
    """The parts of a clean market, to be changed before `market()` puts them together."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.sessions = SESSIONS
        self.prices = pd.concat([stock(rng, i) for i in range(len(SYMBOLS))], ignore_index=True)
        self.stocks = pd.DataFrame({"symbol": SYMBOLS, "board": "main"})
        self.stocks["list_date"] = pd.Timestamp("2015-01-05")
        self.stocks["delist_date"] = pd.Series(pd.NaT, index=self.stocks.index, dtype="datetime64[s]")
        self.members = pd.DataFrame({"code": "T1", "symbol": SYMBOLS, "in_date": pd.Timestamp("2020-06-15")})
        self.members["out_date"] = pd.Series(pd.NaT, index=self.members.index, dtype="datetime64[s]")
        self.st = pd.DataFrame({"symbol": SYMBOLS[5:6], "in_date": [at(30)], "out_date": [at(60)]})
        self.bars = {day: day_bars(rng, day, self.prices) for day in SESSIONS[-BAR_SESSIONS:]}

    def row(self, i, t):
        """Index of the row of stock i at session t."""
        rows = self.prices.index[(self.prices["symbol"] == SYMBOLS[i]) & (self.prices["date"] == at(t))]
        return rows[0]

    def set(self, i, t, **values):
        for column, value in values.items():
            self.prices.loc[self.row(i, t), column] = value

    def get(self, i, t, column):
        return float(self.prices.loc[self.row(i, t), column])

    def drop(self, i, sessions):
        self.prices = self.prices.drop(index=[self.row(i, t) for t in sessions])

    def market(self):
        tables = {"stock_prices": self.prices, "stocks": self.stocks, "st": self.st}
        return PlainMarket(self.sessions, tables, self.bars, self.members)


def at(t):
    return pd.Timestamp(SESSIONS[t])


def stock(rng, i):
    """Daily rows of one stock: moves of at most 4 %, amounts at the middle of the range, a halt in stock 1."""
    close = np.round((10 + 3 * i) * np.exp(np.cumsum(np.clip(rng.normal(0, 0.01, len(SESSIONS)), -0.02, 0.02))), 2)
    factor = np.ones(len(SESSIONS))
    if i == 2:
        factor[EX_DATE:] = 1.2
        close = np.round(close / factor, 2)
    open_ = np.round(close * (1 + rng.normal(0, 0.002, len(close))), 2)
    high, low = np.maximum(open_, close) + 0.03, np.minimum(open_, close) - 0.03
    volume = 100.0 * np.ceil(rng.lognormal(8, 0.3, len(close)))
    frame = pd.DataFrame({"symbol": SYMBOLS[i], "date": pd.to_datetime(SESSIONS), "open": open_, "high": high})
    frame = frame.assign(low=low, close=close, volume=volume, amount=volume * (high + low) / 2, adj_factor=factor)
    if i == 1:
        for name in ("open", "high", "low", "close"):
            frame.loc[50:54, name] = close[49]
        frame.loc[50:54, ["volume", "amount"]] = 0.0
    return frame


def day_bars(rng, day, prices):
    """Sixteen bars of each stock that end at the day's close and add up to its volume and amount."""
    rows = prices[prices["date"] == pd.Timestamp(day)].sort_values("symbol")
    close, volume = rows["close"].to_numpy(), rows["volume"].to_numpy()
    close_sb = np.repeat(close[:, None], N_BARS, axis=1)
    volume_sb = np.floor(np.repeat(volume[:, None] / N_BARS, N_BARS, axis=1))
    volume_sb[:, 0] += volume - volume_sb.sum(axis=1)
    amount_sb = volume_sb * (rows["amount"].to_numpy() / volume)[:, None]
    fields = [np.ascontiguousarray(x, np.float32) for x in (*[close_sb] * 4, volume_sb, amount_sb)]
    return SessionBars(np.datetime64(day, "D"), rows["symbol"].to_numpy(dtype=object), *fields)
