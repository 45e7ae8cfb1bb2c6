"""Quarterly statements of simulated companies: what they earn, when they say so, and what they correct later.

The demand, the gross margin and the payments of an industry feel its hidden news of the months after the quarter
(`news`), each with noise of its own; companies differ around them, and some lose money. A statement is cumulative
within the calendar year and becomes known on its `announce_date`: the first quarter and the year by 30 April, the half
by 31 August, three quarters by 31 October, a few later. One in twenty is wrong at first: a later version of the same
period corrects it.

Every random number has a stream of its quarter, the first one of the company: a later end changes no row.

Legend of axes: q quarter, n stock, i industry.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.news import DAY, IndustryNews
from fusion_factor.market.simulated.population import Population, stream

Array = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
QUARTERS_BEFORE = 14  # statements from three years before the first session on, so that a year ago is known
FEELS = {"demand": (15, 140), "margin": (15, 140), "payment": (15, 265)}  # sessions after the quarter's end
HEARD = {"demand": 0.55, "margin": 0.85, "payment": 0.75}  # correlation with that news
DEMAND, MARGIN, PAYMENT = 0.05, 0.010, 0.035
FADING = 0.96
SEASON = np.array([0.92, 1.0, 1.0, 1.08])
PAID_LATE = np.array([-0.06, -0.01, 0.0, 0.07])  # of revenue: customers pay before the year ends
DEADLINE, SOONEST = np.array([30, 62, 31, 120]), np.array([13, 30, 14, 45])  # days after the quarter's end
LATE_SHARE, RESTATED_SHARE, EMPTY_SHARE, IMPAIRED_SHARE = 0.012, 0.05, 0.006, 0.02
LEAST_PROFIT = 5e-4
_STREAM = 51


@dataclass(frozen=True)
class Statements:
    """Single-quarter figures as known at last, [Q, N] in CNY, and the first `announced` date of each quarter's report.

    `ends` are the quarters' ends [Q], `number` counts quarters since 1970. `there` marks statements that exist.
    """

    ends: Dates
    number: npt.NDArray[np.int64]
    announced: Dates
    there: npt.NDArray[np.bool_]
    figures: dict[str, Array]

    def cumulative(self, name: str) -> Array:
        """Sums within the calendar year [Q, N]."""
        total = np.zeros_like(self.figures[name])
        for q, quarter in enumerate(self.figures[name]):
            total[q] = quarter if self.number[q] % 4 == 0 or q == 0 else total[q - 1] + quarter
        return total


def quarter_ends(first: np.datetime64, last: np.datetime64) -> tuple[Dates, npt.NDArray[np.int64]]:
    """The quarters from a first quarter of the year, QUARTERS_BEFORE or up to three more before `first`, to `last`."""
    begin = int(first.astype("datetime64[M]").astype(int)) // 3 - QUARTERS_BEFORE
    begin -= begin % 4
    number = np.arange(begin, int(last.astype("datetime64[M]").astype(int)) // 3 + 1, dtype=np.int64)
    ends: Dates = np.asarray((number * 3 + 3).astype("datetime64[M]").astype("datetime64[D]") - DAY, "datetime64[D]")
    return ends[ends <= last], number[ends <= last]


def draw_statements(config: SimulationConfig, stocks: Population, sessions: Dates, news: IndustryNews) -> Statements:
    """The statements of all quarters that ended by the last session."""
    ends, number = quarter_ends(sessions[0], sessions[-1])
    shape = (len(ends), len(stocks.symbols))
    figures = {name: np.zeros(shape) for name in ("revenue", "cost", "net_profit", "operating_cash_flow")}
    announced = np.empty(shape, dtype="datetime64[D]")
    company = Companies(config, stocks)
    for q in range(len(ends)):
        rng = stream(config.seed, _STREAM, int(number[q]))
        felt = {name: _felt(rng, news, news.position(ends[q]), name, config.n_industries) for name in FEELS}
        made = company.quarter(rng, int(number[q]) % 4, felt)
        for name, values in made.items():
            figures[name][q] = values
        announced[q] = ends[q] + _lags(rng, int(number[q]) % 4, shape[1]) * DAY
    announced = np.maximum.accumulate(announced, axis=0)  # no report before the one of the period before
    announced = np.maximum(announced, np.where(stocks.new_listing, stocks.list_date, announced[0])[None, :])
    young = ends[:, None] < stocks.list_date[None, :] - 3 * 365 * DAY
    return Statements(ends, number, announced, ~(young & stocks.new_listing), figures)


def _felt(rng: np.random.Generator, news: IndustryNews, t: int, name: str, n_industries: int) -> Array:
    heard = HEARD[name]
    return heard * news.coming(t, *FEELS[name]) + np.sqrt(1.0 - heard * heard) * rng.standard_normal(n_industries)


def _lags(rng: np.random.Generator, quarter: int, n: int) -> npt.NDArray[np.int64]:
    """Days from a quarter's end to its announcement [N]: most come late, a few beyond the deadline."""
    span = DEADLINE[quarter] - SOONEST[quarter]
    usual = DEADLINE[quarter] - np.floor(span * rng.random(n) ** 1.7).astype(np.int64)
    return np.where(rng.random(n) < LATE_SHARE, DEADLINE[quarter] + rng.integers(3, 60, n), usual)


class Companies:
    """What a company is [N], and the levels that one quarter hands to the next."""

    def __init__(self, config: SimulationConfig, stocks: Population) -> None:
        rng = stream(config.seed, _STREAM)
        n = len(stocks.symbols)
        self.industry = stocks.industry
        sales = np.exp(rng.normal(np.log(0.5), 0.5, n))  # of the market value, a year
        self.revenue = stocks.shares * stocks.price * sales / 4.0
        self.gross = rng.normal(0.28, 0.08, n).clip(0.08, 0.6)
        self.net = rng.normal(0.085, 0.05, n)
        self.trend = rng.normal(0.015, 0.01, n)
        self.demand = np.zeros(config.n_industries)
        self.own, self.strain = rng.normal(0.0, 0.1, n), rng.normal(0.0, 0.02, n)

    def quarter(self, rng: np.random.Generator, quarter: int, felt: dict[str, Array]) -> dict[str, Array]:
        """Figures of the next quarter [N], CNY."""
        n = len(self.revenue)
        self.demand = FADING * self.demand + DEMAND * felt["demand"]
        self.own = 0.95 * self.own + rng.normal(0.0, 0.05, n)
        self.strain = 0.85 * self.strain + 0.012 * rng.standard_t(4, n)
        self.revenue = self.revenue * np.exp(self.trend)
        revenue = self.revenue * SEASON[quarter] * np.exp(self.demand[self.industry] + self.own)
        gross = (self.gross + MARGIN * felt["margin"][self.industry] + rng.normal(0.0, 0.008, n)).clip(-0.2, 0.9)
        net = self.net + 0.7 * (gross - self.gross) + 0.12 * self.demand[self.industry] + self.strain
        impaired = (rng.random(n) < IMPAIRED_SHARE) & (quarter == 3)
        profit = revenue * (net - impaired * rng.uniform(0.1, 0.5, n))
        paid = PAYMENT * felt["payment"][self.industry] + PAID_LATE[quarter] + rng.normal(0.0, 0.04, n)
        cash = revenue * (net + 0.01 + paid)
        return {
            "revenue": revenue,
            "cost": revenue * (1.0 - gross),
            "net_profit": profit,
            "operating_cash_flow": cash,
        }


def financials_table(config: SimulationConfig, stocks: Population, sessions: Dates, made: Statements) -> pd.DataFrame:
    """Table `financials`: every version announced by the last session, and before the company left the market."""
    first = {name: made.cumulative(name) for name in made.figures}
    least = LEAST_PROFIT * first["revenue"]  # nobody reports that almost nothing was earned
    profit = first["net_profit"]
    first["net_profit"] = np.where(np.abs(profit) < least, np.where(profit < 0, -least, least), profit)
    parts = []
    for q in range(len(made.ends)):
        rng = stream(config.seed, _STREAM, int(made.number[q]), 1)
        parts += _versions(rng, made, q, {name: values[q] for name, values in first.items()})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    off = np.append(sessions, np.datetime64("9999-12-31"))[np.minimum(stocks.listed_until, len(sessions))]
    kept = (columns["announce_date"] <= sessions[-1]) & (columns["announce_date"] < off[columns["stock"]])
    kept &= stocks.list_date[columns["stock"]] <= sessions[-1]
    frame = pd.DataFrame({name: values[kept] for name, values in columns.items() if name != "stock"})
    frame.insert(0, "symbol", stocks.symbols[columns["stock"][kept]])
    return frame


def _versions(rng: np.random.Generator, made: Statements, q: int, figures: dict[str, Array]) -> list[dict[str, Any]]:
    """The first version of each statement of a quarter, and the later one of those that were wrong at first."""
    n = made.there.shape[1]
    wrong = rng.random(n) < RESTATED_SHARE
    error = {name: np.where(wrong, 1.0 + rng.normal(0.0, 0.08, n), 1.0) for name in figures}
    empty = {name: rng.random(n) < EMPTY_SHARE for name in figures}
    later = made.announced[q] + rng.integers(25, 320, n) * DAY
    parts = []
    for rows, dates, factor in ((made.there[q], made.announced[q], error), (made.there[q] & wrong, later, None)):
        who = np.flatnonzero(rows)
        part: dict[str, Any] = {"stock": who, "period_end": np.repeat(made.ends[q], len(who))}
        part["announce_date"] = dates[who]
        for name, values in figures.items():
            told = values if factor is None else np.where(empty[name], np.nan, values * factor[name])
            part[name] = np.round(told[who], 2)
        parts.append(part)
    return parts
