"""The analyst reports of a simulated market: when they come, what they know, and how they say it.

An occasion is a stock and a session on which one or more analysts write. Its tone is a sum of known parts:

    tone = EVENT_SHARE * event + DRIFT_SHARE * drift + the rest noise, of variance 1 in all

`event` is the abnormal return around the publication date (from the close of the session before to the close of the
one after, less the mean of the market), `drift` that of the DRIFT_SESSIONS sessions after it, each in units of the
stock's usual size. Each report adds noise of its own. Reports move no price and draw from streams of their own, so
that a market with them is otherwise the same market to the bit.

A report knows the returns of coming sessions in part; that is what makes it worth reading. It is for the simulator
alone: to the tables of the market the tone is unknown, `report_truth` holds it for measuring what was recovered.

Legend of axes: t session, n stock.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated import report_words as words
from fusion_factor.market.simulated.population import DAY, Population, stream

EVENT_SHARE, DRIFT_SHARE = 0.5, 0.25
OWN_NOISE = 0.4
"""Standard deviation of what a single report adds to its occasion's tone; the tone is scaled back to variance 1."""
DRIFT_SESSIONS = 20
OCCASIONS_A_YEAR = 7.0
SEASON = {1: 0.8, 2: 0.5, 3: 1.2, 4: 2.0, 7: 1.2, 8: 2.0, 10: 1.8}
SAME_DAY = 0.6
UNMOVED, WITHOUT_NUMBERS, REISSUED, WEEKEND = 0.25, 0.15, 0.06, 0.04
_STREAM = 61
_CLOCKS = ((7, 9, 0.35), (10, 14, 0.25), (15, 22, 0.4))
COLUMNS = (
    "report_id", "date", "time", "symbol", "broker", "analyst", "title", "abstract", "forecast_fy1", "forecast_fy2",
    "fiscal_year", "rating", "attention",
)  # fmt: skip


@dataclass
class _Desk:
    """An analyst's last word on a stock: forecast in 100 million CNY of two fiscal years, and the rating."""

    broker: str
    analyst: str
    rating: int
    profit: float = 0.0
    growth: float = 0.0
    year: int = 0


def event_return(log_close_tn: npt.NDArray[np.float64], first: int, last: int, n: int) -> float:
    """Return of stock n less the mean of all names, from the close of one session to that of another; 0 if unknown."""
    move_n = np.expm1(log_close_tn[last] - log_close_tn[first])
    known = np.isfinite(move_n)
    return float(move_n[n] - move_n[known].mean()) if known[n] else 0.0


def draw_reports(
    seed: int,
    stocks: Population,
    sessions: npt.NDArray[np.datetime64],
    close_tn: npt.NDArray[np.float64],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `reports` and `report_truth` (report_id, tone, event, drift) of all stocks.

    close_tn: adjusted closes [T, N], NaN where a stock does not trade. The last occasion lies so far before the last
    session that its returns are known; with a later end come more reports, and the same ones before.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        log_close_tn = np.log(close_tn)
    rows: list[dict[str, Any]] = []
    for n in range(len(stocks.symbols)):
        rows += _Stock(seed, n, stocks, sessions, log_close_tn).reports()
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "tone", "event", "drift"])
    frame = frame.sort_values("report_id", ignore_index=True)
    return frame[list(COLUMNS)], frame[["report_id", "tone", "event", "drift"]]


class _Stock:
    """One stock's occasions in the order of time, from one random stream."""

    def __init__(
        self,
        seed: int,
        n: int,
        stocks: Population,
        sessions: npt.NDArray[np.datetime64],
        log_close_tn: npt.NDArray[np.float64],
    ) -> None:
        self.rng = stream(seed, _STREAM, n)
        self.n, self.sessions, self.log_close_tn = n, sessions, log_close_tn
        self.symbol, self.sigma = str(stocks.symbols[n]), float(stocks.sigma[n])
        self.first, self.until = int(stocks.listed_from[n]), int(stocks.listed_until[n])
        self.name = words.company(self.rng)
        size = np.log(stocks.shares[n] * stocks.price[n] / 9e9)
        self.rate = OCCASIONS_A_YEAR * float(np.exp(0.3 * size + 0.5 * self.rng.standard_normal()))
        self.profit = float(np.exp(self.rng.normal(1.0, 1.0)))
        count = 2 + int(self.rng.integers(4))
        brokers = self.rng.permutation(len(words.BROKERS))[:count]
        self.desks = [
            _Desk(words.BROKERS[k], words.analyst(self.rng), int(self.rng.integers(3))) for k in brokers.tolist()
        ]
        self.count = 0

    def reports(self) -> list[dict[str, Any]]:
        """Rows of all its reports; an occasion comes about `rate` times a year, more often after results."""
        rows: list[dict[str, Any]] = []
        last = min(len(self.sessions) - DRIFT_SESSIONS - 2, self.until)
        for t in range(self.first + 1, last):
            month = int(self.sessions[t].astype("datetime64[M]").astype(int) % 12) + 1
            if self.rng.random() < self.rate / 243.0 * SEASON.get(month, 0.7):
                rows += self._occasion(t)
        return rows

    def _occasion(self, t: int) -> list[dict[str, Any]]:
        rng, sessions = self.rng, self.sessions
        next_day = sessions[t] + DAY
        weekend = bool(rng.random() < WEEKEND) and bool(sessions[t + 1] > next_day)
        # a report of a day without trading has the session before and the one after around it
        first, after = (t, t + 1) if weekend else (t - 1, t + 1)
        event = event_return(self.log_close_tn, first, after, self.n) / (self.sigma * np.sqrt(after - first))
        drift = event_return(self.log_close_tn, after, after + DRIFT_SESSIONS, self.n)
        drift /= self.sigma * np.sqrt(DRIFT_SESSIONS)
        event, drift = float(np.clip(event, -3, 3)), float(np.clip(drift, -3, 3))
        noise = np.sqrt(1.0 - EVENT_SHARE**2 - DRIFT_SHARE**2) * rng.standard_normal()
        common = EVENT_SHARE * event + DRIFT_SHARE * drift + noise
        writers = rng.permutation(len(self.desks))[: 1 + int(rng.poisson(SAME_DAY))]
        rows: list[dict[str, Any]] = []
        for k in writers.tolist():
            tone = (common + OWN_NOISE * rng.standard_normal()) / np.sqrt(1.0 + OWN_NOISE**2)
            row = self._report(self.desks[k], next_day if weekend else sessions[t], float(tone))
            row |= {"tone": tone, "event": event, "drift": drift}
            rows += [row, *self._again(row)]
        return rows

    def _report(self, desk: _Desk, day: np.datetime64, tone: float) -> dict[str, Any]:
        rng = self.rng
        change = 0.06 * (0.75 * tone + 0.65 * float(rng.standard_normal()))
        change = 0.0 if rng.random() < UNMOVED else change
        year = int(str(day)[:4])
        opens = desk.year == 0
        if opens:
            desk.profit, desk.growth = self.profit * float(np.exp(rng.normal(0, 0.1))), float(rng.normal(0.15, 0.08))
            change = 0.0
        elif year > desk.year:
            desk.profit *= (1.0 + desk.growth) ** (year - desk.year)
        desk.year = year
        desk.profit *= 1.0 + change
        if rng.random() < 0.06 and not opens:
            desk.rating = int(np.clip(desk.rating - np.sign(tone), 0, len(words.RATINGS) - 1))
        now = (round(desk.profit, 4), round(desk.profit * (1.0 + desk.growth), 4))
        told = rng.random() >= WITHOUT_NUMBERS
        saying = words.forecast_words(rng, year, now, change, opens) if told or rng.random() < 0.5 else ""
        rating = words.RATINGS[desk.rating]
        return {
            "report_id": self._next_id(),
            "date": day,
            "time": self._clock(),
            "symbol": self.symbol,
            "broker": desk.broker,
            "analyst": desk.analyst,
            "title": words.title(rng, self.name, self.symbol[:6], tone),
            "abstract": words.body(rng, tone, saying, rating if told else ""),
            "forecast_fy1": now[0] if told else np.nan,
            "forecast_fy2": now[1] if told else np.nan,
            "fiscal_year": float(year) if told else np.nan,
            "rating": rating if told else None,
            "attention": "首次" if opens else "维持",
        }

    def _again(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Now and then the same report is published once more a few days later."""
        if self.rng.random() >= REISSUED:
            return []
        day = row["date"] + int(self.rng.integers(0, 6)) * DAY
        return [row | {"report_id": self._next_id(), "date": day, "time": self._clock()}]

    def _next_id(self) -> str:
        self.count += 1
        return f"{self.symbol[:6]}-{self.count:05d}"

    def _clock(self) -> str | None:
        """A time of day; three of ten reports have none."""
        rng = self.rng
        if rng.random() < 0.3:
            return None
        kind = int(np.searchsorted(np.cumsum([share for *_, share in _CLOCKS]), rng.random()))
        low, high, _ = _CLOCKS[min(kind, len(_CLOCKS) - 1)]
        return f"{int(rng.integers(low, high + 1)):02d}:{int(rng.integers(60)):02d}"
