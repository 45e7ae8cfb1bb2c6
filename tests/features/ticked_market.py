"""A small market with bars and with random trades and orders, whose sessions can be corrected one by one."""

import copy

import numpy as np
from fake_market import FakeMarket, make_market
from fake_ticks import random_ticks

from fusion_factor.core.artifacts import hash_of_arrays


class TickedMarket(FakeMarket):
    """FakeMarket with ticks: session -> SessionTicks; `ticks_read` and `sessions_read` count what is asked for."""

    def __init__(self, market, ticks):
        self.__dict__.update(copy.copy(market.__dict__))
        self.sessions_read, self.ticks_read = [], []
        self._bars, self._ticks = dict(market._bars), dict(ticks)

    @property
    def tick_sessions(self):
        return np.array(sorted(self._ticks), "datetime64[D]")

    def ticks(self, session):
        self.ticks_read.append(session)
        return self._ticks[session]

    def ticks_fingerprint(self, session):
        ticks = self._ticks[session]
        return hash_of_arrays(ticks.symbols, *ticks.trades, *ticks.orders, ticks.bad.counts)

    def bars_fingerprint(self, session):
        bars = self._bars[session]
        return hash_of_arrays(bars.symbols, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.amount)

    def with_ticks(self, session, ticks):
        """The same market with other trades and orders on one session."""
        return TickedMarket(self, self._ticks | {session: ticks})

    def until(self, last):
        """The same market without bars and ticks after position `last` of its bar sessions."""
        days = self.bar_sessions[: last + 1]
        market = copy.copy(self)
        market._bars = {day: self._bars[day] for day in days}
        return TickedMarket(market, {day: ticks for day, ticks in self._ticks.items() if day in market._bars})


def day_ticks(day, seed=0):
    """Trades and orders of one session, for symbols of the FakeMarket."""
    ticks = random_ticks(str(day), seed, n_symbols=6, trades=700)
    symbols = np.array([f"{600000 + i}.SH" for i in range(6)], dtype=object)
    object.__setattr__(ticks, "symbols", symbols)
    object.__setattr__(ticks.bad, "symbols", symbols)
    return ticks


def make_ticked_market(bar_sessions=12, seed=0):
    """A TickedMarket of 8 symbols; the first six have ticks."""
    market = make_market(n_sessions=40, n_symbols=8, bar_sessions=bar_sessions, seed=seed)
    return TickedMarket(market, {day: day_ticks(day, seed) for day in market.bar_sessions})
