"""A small market in memory: random prices with dividends, halts, special treatment, listings, delistings, and bars."""

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import check_table, dense
from fusion_factor.market.store import Market, SessionBars

N_BARS = 16


class FakeMarket(Market):
    """Tables and bars given as they are. tables: name -> DataFrame; bars: session -> SessionBars."""

    def __init__(self, sessions, tables, bars):
        self._sessions = np.asarray(sessions, "datetime64[D]")
        self._tables = {name: check_table(name, frame) for name, frame in tables.items()}
        self._bars = bars
        self.sessions_read = []

    @property
    def sessions(self):
        return self._sessions

    @property
    def symbols(self):
        return np.array(sorted(set(self._tables["stock_prices"]["symbol"])), dtype=object)

    def has(self, name):
        return name in self._tables

    def table(self, name):
        return self._tables[name]

    def dense(self, column):
        if column not in self._tables["stock_prices"]:
            raise DataError(f"stock_prices has no column {column}")
        return dense(self._tables["stock_prices"], column, self.sessions, self.symbols)

    @property
    def bar_minutes(self):
        return 240 // N_BARS if self._bars else None

    @property
    def bar_sessions(self):
        return np.array(sorted(self._bars), "datetime64[D]")

    def bars(self, session):
        self.sessions_read.append(session)
        return self._bars[session]

    pools = ()
    truth = None

    def pool(self, name):
        raise KeyError(name)

    def fingerprint(self):
        return "fake"


def make_market(n_sessions=290, n_symbols=30, bar_sessions=70, seed=0):
    """A FakeMarket with a bit of everything; the last symbol is listed late."""
    rng = np.random.default_rng(seed)
    sessions = np.busday_offset("2021-03-01", np.arange(n_sessions))
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_symbols)])
    prices = raw_prices(rng, sessions, symbols)
    tables = {"stock_prices": prices, **side_tables(rng, sessions, symbols)}
    by_day = dict(tuple(prices.groupby("date")))
    bars = {day: day_bars(rng, day, by_day[pd.Timestamp(day)]) for day in sessions[-bar_sessions:]}
    return FakeMarket(sessions, tables, bars)


def raw_prices(rng, sessions, symbols):
    """stock_prices: moves within the limits, some dividends, halts both as absent rows and as rows of volume 0."""
    parts = []
    for i, symbol in enumerate(symbols):
        moves = np.clip(rng.normal(0, 0.02, len(sessions)), -0.08, 0.08)
        close = np.round(20 * np.exp(np.cumsum(moves)), 2)
        open_ = np.round(close * (1 + rng.normal(0, 0.005, len(close))), 2)
        high, low = np.maximum(open_, close) + 0.02, np.minimum(open_, close) - 0.02
        volume = 1e4 * np.ceil(rng.lognormal(3, 0.5, len(close)))
        factor = np.cumprod(np.where(rng.random(len(close)) < 0.01, 1.05, 1.0))
        frame = pd.DataFrame({"symbol": symbol, "date": pd.to_datetime(sessions)})
        frame = frame.assign(open=open_, high=high, low=low, close=close, volume=volume)
        frame = frame.assign(amount=volume * (high + low + close + open_) / 4, adj_factor=factor)
        frame.loc[rng.random(len(close)) < 0.03, "amount"] = np.nan
        if i:
            begin = rng.integers(len(close) // 4, len(close) * 3 // 4)
            frame.loc[begin : begin + 7, ["volume", "amount"]] = 0.0
            frame = frame[
                (rng.random(len(close)) > 0.01) & (frame.index >= (0 if i < len(symbols) - 1 else len(close) // 2))
            ]
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def side_tables(rng, sessions, symbols):
    """stocks, st, industry and caps; industries change, some have none, caps are monthly and some are missing."""
    count, half = len(symbols), len(sessions) // 2
    list_date = np.full(count, np.datetime64("2015-01-05"))
    list_date[-1] = sessions[half]
    stocks = pd.DataFrame({"symbol": symbols, "board": "main", "list_date": list_date, "delist_date": pd.NaT})
    stocks.loc[1, "delist_date"] = pd.Timestamp(sessions[len(sessions) * 93 // 100])
    begin, end, again = (sessions[len(sessions) * percent // 100] for percent in (79, 86, 90))
    st = pd.DataFrame({"symbol": symbols[[0, 1]], "in_date": [begin, again], "out_date": [end, pd.NaT]})
    industry = [(s, f"I{i % 4}", sessions[0], sessions[half]) for i, s in enumerate(symbols[:-2])]
    industry += [(s, f"I{(i + i % 3) % 4}", sessions[half], pd.NaT) for i, s in enumerate(symbols[:-2])]
    caps = [(s, day, 1e9 * rng.lognormal(1, 1)) for s in symbols[1:] for day in sessions[5::21]]
    return {
        "stocks": stocks,
        "st": st,
        "industry": pd.DataFrame(industry, columns=["symbol", "industry", "in_date", "out_date"]),
        "caps": pd.DataFrame(caps, columns=["symbol", "date", "cap"]),
    }


def day_bars(rng, day, rows):
    """Bars of a day between its open and its close; a halted name has none."""
    rows = rows[rows["volume"] > 0].sort_values("symbol")
    shape = (len(rows), N_BARS)
    steps = np.linspace(0, 1, N_BARS) * (rows["close"] - rows["open"]).to_numpy()[:, None]
    close = np.round(rows["open"].to_numpy()[:, None] + steps + rng.normal(0, 0.03, shape), 2)
    open_ = np.concatenate(
        [rows["open"].to_numpy()[:, None], close[:, :-1] + rng.choice([0, 0.01], shape)[:, 1:]], axis=1
    )
    high, low = np.maximum(open_, close) + 0.01, np.minimum(open_, close) - 0.01
    share = rng.dirichlet(np.ones(N_BARS), len(rows))
    volume = np.ceil(rows["volume"].to_numpy()[:, None] * share)
    fields = [np.ascontiguousarray(x, np.float32) for x in (open_, high, low, close, volume, volume * close)]
    return SessionBars(np.datetime64(day, "D"), rows["symbol"].to_numpy(dtype=object), *fields)


def scrambled_after(market, last, seed=99):
    """The same market with everything dated after session position `last` replaced: prices, bars, spells, caps."""
    rng = np.random.default_rng(seed)
    other = make_market(len(market.sessions), len(market.symbols), len(market.bar_sessions), seed=seed)
    day = pd.Timestamp(market.sessions[last])
    tables = {}
    for name in ("stock_prices", "caps"):
        old, new = market.table(name), other.table(name)
        tables[name] = pd.concat([old[old["date"] <= day], new[new["date"] > day]], ignore_index=True)
    later = pd.to_datetime(market.sessions[last + 1 :])
    for name, label in (("st", None), ("industry", "I9")):
        old = market.table(name)
        old = old[old["in_date"] <= day].copy()
        old.loc[old["out_date"] > day, "out_date"] = rng.choice(later, int((old["out_date"] > day).sum()))
        new = pd.DataFrame({"symbol": market.symbols[::2], "in_date": rng.choice(later, len(market.symbols[::2]))})
        new["out_date"] = pd.NaT
        tables[name] = pd.concat([old, new if label is None else new.assign(industry=label)], ignore_index=True)
    stocks = market.table("stocks").copy()
    open_end = ~(stocks["delist_date"] <= day)
    stocks.loc[open_end, "delist_date"] = rng.choice(later, int(open_end.sum()))
    tables["stocks"] = stocks
    bars = {d: market.bars(d) if d <= market.sessions[last] else other.bars(d) for d in market.bar_sessions}
    return FakeMarket(market.sessions, tables, bars)
