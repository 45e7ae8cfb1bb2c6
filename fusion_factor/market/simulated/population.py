"""The stocks of a simulated market: what they are, and what happens to them on which session.

Everything here is drawn from the seed and from calendar dates, never from the end of the simulation, one random
stream a stock: a market with a later end has the same past.

Legend of axes: t session, n stock.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated.config import SimulationConfig

DAY = np.timedelta64(1, "D")
BOARD_OPENS = {"main": "1995-01-03", "chinext": "2009-10-30", "star": "2019-07-22"}
# board, exchange, first code, share of the stocks
PLACES = (
    ("main", "SH", 600000, 0.38),
    ("main", "SZ", 1, 0.27),
    ("chinext", "SZ", 300001, 0.22),
    ("star", "SH", 688001, 0.13),
)
NEW_LISTING_SHARE, NEW_LISTING_DAYS = 0.14, 900.0
SUSPENSION_GAP, ST_GAP, DELISTING_GAP = 420.0, 14_000.0, 40_000.0
DELISTING_ST = 120
SIGMA = 0.0205  # of a stock, log return a session, in the middle
_STREAM = {"stocks": 1, "events": 2}


@dataclass(frozen=True)
class Population:
    """Static draws [N] and dated events of every stock, in byte order of symbols.

    `listed_from` and `listed_until` are session positions (inclusive, exclusive; the latter may lie after the last).
    `new_listing` marks stocks that list within the simulation. Dated arrays are [T, N]: suspended, st, dividend (share
    of the price), split (shares after for one before).
    """

    symbols: npt.NDArray[Any]
    board: npt.NDArray[Any]
    list_date: npt.NDArray[np.datetime64]
    listed_from: npt.NDArray[np.int64]
    listed_until: npt.NDArray[np.int64]
    new_listing: npt.NDArray[np.bool_]
    industry: npt.NDArray[np.int64]
    beta: npt.NDArray[np.float64]
    sigma: npt.NDArray[np.float64]
    log_turnover: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    price: npt.NDArray[np.float64]
    suspended: npt.NDArray[np.bool_]
    st: npt.NDArray[np.bool_]
    dividend: npt.NDArray[np.float64]
    split: npt.NDArray[np.float64]

    def on(self, t: int) -> npt.NDArray[np.bool_]:
        """Which stocks are listed on session t [N]."""
        return (self.listed_from <= t) & (t < self.listed_until)

    def stocks_table(self, sessions: npt.NDArray[np.datetime64]) -> pd.DataFrame:
        """Table `stocks`, one row a stock [N]; delist_date is empty where it lies after the last session."""
        last = len(sessions) - 1
        off = np.where(self.listed_until <= last, sessions[np.minimum(self.listed_until, last)], np.datetime64("NaT"))
        columns = {"symbol": self.symbols, "board": self.board, "list_date": self.list_date, "delist_date": off}
        return pd.DataFrame(columns)

    def st_table(self, sessions: npt.NDArray[np.datetime64]) -> pd.DataFrame:
        """Table `st`: spells on the market; out_date is empty while a spell lasts (or up to the delisting)."""
        rows = []
        for n in np.flatnonzero(self.st.any(axis=0)):
            marked = np.zeros(len(sessions) + 2, dtype=np.int64)
            stop = min(int(self.listed_until[n]), len(sessions))
            marked[1 : stop + 1] = self.st[:stop, n]
            edges = np.diff(marked)
            for a, b in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
                out = sessions[b] if b < len(sessions) else np.datetime64("NaT")
                rows.append((self.symbols[n], sessions[a], out))
        frame = pd.DataFrame(rows, columns=["symbol", "in_date", "out_date"])
        return frame.astype({"in_date": "datetime64[s]", "out_date": "datetime64[s]", "symbol": "str"})


def stream(seed: int, *words: int) -> np.random.Generator:
    """A random stream of its own for each tuple of words."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, *words))))


def draw_population(config: SimulationConfig, sessions: npt.NDArray[np.datetime64]) -> Population:
    """Draw the stocks of a config on its sessions; those that list after the last session are never on the market."""
    rng = stream(config.seed, _STREAM["stocks"])
    n = config.n_stocks
    symbols, board, number = _codes(n, rng)
    list_date, new = _list_dates(board, sessions[0], rng)
    listed_from = np.where(new, np.searchsorted(sessions, list_date), 0)
    log_size = rng.normal(0.0, 1.0, n)
    static: dict[str, Any] = {
        "industry": _industries(config, rng),
        "beta": rng.normal(1.0, 0.18, n).clip(0.4, 1.6),
        "sigma": SIGMA * np.exp(rng.normal(0.0, 0.10, n)),
        "log_turnover": np.log(0.005) + rng.normal(0.0, 0.5, n) - 0.25 * log_size - 3.8 * (rng.random(n) < 0.03),
        "price": np.exp(rng.normal(np.log(18.0), 0.5, n)).clip(5.0, 160.0),
    }
    static["shares"] = np.round(np.exp(np.log(9e9) + log_size) / static["price"] / 1e4) * 1e4
    events = _events(config.seed, number, listed_from, sessions)
    static |= {"symbols": symbols, "board": board, "list_date": list_date, "new_listing": new}
    static |= {"listed_from": listed_from} | events
    order = np.argsort(symbols.astype(str), kind="stable")
    return Population(**{name: value[..., order] for name, value in static.items()})


def _codes(n: int, rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Symbols, boards and running numbers of n stocks."""
    place = np.sort(rng.choice(len(PLACES), size=n, p=[share for *_, share in PLACES]))
    symbols, boards = [], []
    for k, (board, exchange, first, _) in enumerate(PLACES):
        count = int((place == k).sum())
        symbols += [f"{first + i:06d}.{exchange}" for i in range(count)]
        boards += [board] * count
    return np.array(symbols, dtype=object), np.array(boards, dtype=object), np.arange(n)


def _list_dates(
    board: npt.NDArray[Any], start: np.datetime64, rng: np.random.Generator
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.bool_]]:
    """List dates, and which of them lie at or after the start of the simulation."""
    n = len(board)
    opens = np.array([BOARD_OPENS[name] for name in board], dtype="datetime64[D]")
    later = np.maximum(opens, start)
    new = (rng.random(n) < NEW_LISTING_SHARE) | (opens >= start)
    before = opens + (rng.random(n) * np.maximum((start - opens).astype(np.int64), 1)).astype(np.int64) * DAY
    after = later + (20 + rng.exponential(NEW_LISTING_DAYS, n)).astype(np.int64) * DAY
    return np.where(new, after, before), new


def _industries(config: SimulationConfig, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """An industry a stock: uneven sizes, each with at least two stocks."""
    sizes = rng.gamma(4.0, 1.0, config.n_industries) + 2.5
    free = config.n_stocks - 2 * config.n_industries
    drawn = np.concatenate(
        [
            np.repeat(np.arange(config.n_industries), 2),
            rng.choice(config.n_industries, size=free, p=sizes / sizes.sum()),
        ]
    )
    return rng.permutation(drawn)


def _events(
    seed: int, number: npt.NDArray[np.int64], listed_from: npt.NDArray[np.int64], sessions: npt.NDArray[np.datetime64]
) -> dict[str, npt.NDArray[Any]]:
    """Dated events of every stock."""
    shape = (len(sessions), len(number))
    suspended, st = np.zeros(shape, bool), np.zeros(shape, bool)
    dividend, split = np.zeros(shape), np.ones(shape)
    until = np.empty(len(number), dtype=np.int64)
    for n in number:
        rng = stream(seed, _STREAM["events"], int(n))
        first = int(listed_from[n])
        until[n] = first + 200 + int(rng.exponential(DELISTING_GAP))
        _mark_spells(suspended[:, n], rng, first + 30, SUSPENSION_GAP, _suspension_length)
        _mark_spells(st[:, n], rng, first + 150, ST_GAP, lambda r: int(r.integers(120, 400)))
        st[max(until[n] - DELISTING_ST, 0) : until[n], n] = True
        st[until[n] :, n] = False
        _mark_ex_dates(dividend[:, n], split[:, n], rng, sessions)
    return {"suspended": suspended, "st": st, "dividend": dividend, "split": split, "listed_until": until}


def _suspension_length(rng: np.random.Generator) -> int:
    kind = rng.random()
    if kind < 0.7:
        return int(rng.integers(1, 6))
    return int(rng.integers(6, 26)) if kind < 0.95 else int(rng.integers(26, 91))


def _mark_spells(column: npt.NDArray[np.bool_], rng: np.random.Generator, first: int, gap: float, length: Any) -> None:
    """Mark spells from a stream of gaps and lengths, as far as the sessions go."""
    at = first + int(rng.exponential(gap))
    while at < len(column):
        stop = at + length(rng)
        column[at:stop] = True
        at = stop + 1 + int(rng.exponential(gap))


def _mark_ex_dates(
    dividend: npt.NDArray[np.float64],
    split: npt.NDArray[np.float64],
    rng: np.random.Generator,
    sessions: npt.NDArray[np.datetime64],
) -> None:
    """One ex-date a year, May to July: most pay a dividend, some split."""
    first_year = int(str(sessions[0])[:4])
    for year in range(first_year, int(str(sessions[-1])[:4]) + 1):
        day = np.datetime64(f"{year}-05-10") + int(rng.integers(0, 80)) * DAY
        pays, splits = rng.random() < 0.75, rng.random() < 0.12
        share, ratio = 0.002 + rng.exponential(0.012), 1.0 + rng.integers(2, 11) / 10.0
        t = int(np.searchsorted(sessions, day))
        if not sessions[0] <= day <= sessions[-1] or t >= len(sessions):
            continue
        dividend[t] = min(share, 0.06) if pays else 0.0
        split[t] = ratio if splits else 1.0
