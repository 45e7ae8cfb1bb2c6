"""Pools of indices over simulated stocks: dated members with weights, and prices chained from the members' returns.

An index holds fixed weights within a spell. Its close moves by the weighted mean of the members' close-to-close
adjusted returns, its open by that of their close-to-open returns; a suspended member counts with 0. Members are
reviewed on the first session after the second Friday of June and December, from what is known at the close before;
a delisted member leaves on its first session off the market.

Legend of axes: c index, n stock.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.days import Day
from fusion_factor.market.simulated.population import Population, stream

POOL_PREFIX = {"theme": "TH", "concept": "CO", "industry": "IN"}
POOL_STREAM = {"theme": 31, "concept": 32, "industry": 33}
NOTE = "dated members; nothing looks ahead"
LATE_SHARE, LATE_SESSIONS, SEASONING = 0.08, 450.0, 60
BASE = 1000.0
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Snapshot:
    """What an index pool sees of one session, [N]: adjusted returns, who is on the market, caps, amounts."""

    close_return: FloatArray
    open_return: FloatArray
    listed: npt.NDArray[np.bool_]
    st: npt.NDArray[np.bool_]
    cap: FloatArray
    amount: FloatArray


def is_review(sessions: npt.NDArray[np.datetime64], t: int) -> bool:
    """Whether session t is the first after the second Friday of June or December."""
    if t == 0:
        return True
    month = sessions[t].astype("datetime64[M]")
    if int(month.astype(int)) % 12 not in (5, 11):
        return False
    first = month.astype("datetime64[D]")
    friday = np.busday_offset(first, 1, roll="forward", weekmask="Fri")
    return bool(sessions[t] > friday >= sessions[t - 1])


class IndexPool:
    """One pool, walked session by session; `index_prices` and `members` give its tables."""

    def __init__(self, kind: str, count: int, config: SimulationConfig, stocks: Population) -> None:
        self.kind, self.config, self.stocks = kind, config, stocks
        self.codes = np.array([f"{POOL_PREFIX[kind]}{i + 1:03d}" for i in range(count)], dtype=object)
        rng = stream(config.seed, POOL_STREAM[kind])
        late = rng.random(count) < (LATE_SHARE if kind != "industry" else 0.0)
        self.inception = np.where(late, (40 + rng.exponential(LATE_SESSIONS, count)).astype(int), 0)
        self.size = rng.integers(14, 41, count)
        self.affinity = self._affinities(rng)
        self.level = np.full(count, BASE)
        self.weight = np.zeros((count, len(stocks.symbols)))
        self.reviewed = np.zeros(count, bool)
        self.started = np.zeros(count, bool)
        self._rows: list[tuple[Any, ...]] = []
        self._open_spells: dict[tuple[int, int], tuple[Any, float]] = {}
        self._spells: list[tuple[Any, ...]] = []

    def _affinities(self, rng: np.random.Generator) -> FloatArray:
        """How much a stock belongs to an index [C, N]: a theme draws on a few industries and on chance."""
        count, n = len(self.codes), len(self.stocks.symbols)
        own = rng.gumbel(0.0, 1.0, (count, n))
        if self.kind == "industry":
            return own
        liking = rng.gumbel(0.0, 1.3, (count, self.config.n_industries))
        return own + liking[:, self.stocks.industry]

    def step(self, t: int, session: np.datetime64, review: bool, now: Snapshot, before: Snapshot | None) -> None:
        """Take session t: members as of its open (known at the close before), then its prices."""
        starting = (self.inception == t) | ((~self.reviewed) & (self.inception < t))
        due = np.flatnonzero(starting | (review & self.reviewed))
        known = before if before is not None else now
        for n in np.flatnonzero(self.weight.any(axis=0) & ~now.listed):
            self._remove(int(n), session)
        for c in due:
            self._review(int(c), t, session, known, now.listed)
        self._price(t, session, now)

    def _review(self, c: int, t: int, session: np.datetime64, known: Snapshot, stays: npt.NDArray[np.bool_]) -> None:
        """New members and weights; a stock that leaves the market today (announced long ago) does not come in."""
        seasoned = known.listed & stays & ((t - self.stocks.listed_from >= SEASONING) | ~self.stocks.new_listing)
        if self.kind == "industry":
            chosen = np.flatnonzero(seasoned & (self.stocks.industry == c))
        else:
            noise = stream(self.config.seed, POOL_STREAM[self.kind], t, c).gumbel(0.0, 0.35, len(seasoned))
            rank = np.where(seasoned & ~known.st, self.affinity[c] + noise, -np.inf)
            size = min(int(self.size[c]), max(len(seasoned) // 3, 2))
            chosen = np.argsort(-rank, kind="stable")[:size]
            chosen = np.sort(chosen[np.isfinite(rank[chosen])])
        weight = np.zeros(self.weight.shape[1])
        if len(chosen):
            root = np.sqrt(known.cap[chosen])
            weight[chosen] = np.maximum(np.round(root / root.sum(), 6), 1e-6)
        self._change(c, weight, session)
        self.reviewed[c] = bool(len(chosen))

    def _change(self, c: int, weight: FloatArray, session: np.datetime64) -> None:
        for n in np.flatnonzero(weight != self.weight[c]):
            self._end(c, int(n), session)
            if weight[n] > 0.0:
                self._open_spells[c, int(n)] = (session, float(weight[n]))
        self.weight[c] = weight

    def _remove(self, n: int, session: np.datetime64) -> None:
        for c in np.flatnonzero(self.weight[:, n]):
            self._end(int(c), n, session)
        self.weight[:, n] = 0.0

    def _end(self, c: int, n: int, session: np.datetime64) -> None:
        if (c, n) in self._open_spells:
            since, weight = self._open_spells.pop((c, n))
            self._spells.append((self.codes[c], self.stocks.symbols[n], since, session, weight))

    def _price(self, t: int, session: np.datetime64, now: Snapshot) -> None:
        total = self.weight.sum(axis=1)
        live = self.reviewed & (total > 0.0)
        safe = np.where(live, total, 1.0)
        opened = self.level * (1.0 + np.where(live, self.weight @ now.open_return / safe, 0.0))
        close = self.level * (1.0 + np.where(live, self.weight @ now.close_return / safe, 0.0))
        amount = (self.weight > 0.0) @ now.amount
        fresh = live & ~self.started
        opened, close = np.where(fresh, BASE, opened), np.where(fresh, BASE, close)
        self.level, self.started = close, self.started | live
        self._rows.append((session, live, opened, close, amount))

    def index_prices(self) -> pd.DataFrame:
        """Table index_prices: code, date, open, close, amount, from each index's inception."""
        parts = []
        for session, live, opened, close, amount in self._rows:
            keep = np.flatnonzero(live)
            parts.append(
                pd.DataFrame(
                    {
                        "code": self.codes[keep],
                        "date": session,
                        "open": opened[keep],
                        "close": close[keep],
                        "amount": amount[keep],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def members(self) -> pd.DataFrame:
        """Table members: code, symbol, in_date, out_date (empty while it lasts), weight."""
        still = [
            (self.codes[c], self.stocks.symbols[n], since, np.datetime64("NaT"), weight)
            for (c, n), (since, weight) in self._open_spells.items()
        ]
        frame = pd.DataFrame(self._spells + still, columns=["code", "symbol", "in_date", "out_date", "weight"])
        for column in ("in_date", "out_date"):
            frame[column] = pd.to_datetime(frame[column])
        return frame.sort_values(["code", "symbol", "in_date"], ignore_index=True)


def snapshot(day: Day, before: Day | None, stocks: Population) -> Snapshot:
    """The adjusted returns of a session [N]: 0 for a stock that does not trade or has no close before."""
    listed = stocks.on(day.t)
    n = len(stocks.symbols)
    close_return, open_return = np.zeros(n), np.zeros(n)
    if before is not None:
        old = np.zeros(n, bool)
        old[day.trading] = stocks.listed_from[day.trading] < day.t
        reference = before.daily[3, old] * before.adj_factor[old]
        close_return[old] = day.daily[3, old] * day.adj_factor[old] / reference - 1.0
        open_return[old] = day.daily[0, old] * day.adj_factor[old] / reference - 1.0
    cap = np.where(listed, day.daily[3] / 100.0 * day.shares, 0.0)
    return Snapshot(close_return, open_return, listed, stocks.st[day.t], cap, day.amount.astype(np.float64))
