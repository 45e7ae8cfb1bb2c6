"""What analysts expect of simulated companies: forecasts of net profit for the fiscal years not reported yet.

They learn from the statements and lag behind them: each month they move less than half of the way to what was last
reported. Beside, they hear some of their industry's hidden news of the coming quarter (`news`) and revise step by step.
They hope for growth, less of it the nearer the year's end, and follow the larger companies only. A year is dropped once
the company has reported it, and the next one comes in: the years roll company by company.

Legend of axes: m month, n stock, i industry, q quarter.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.news import DAY, IndustryNews
from fusion_factor.market.simulated.population import Population, stream
from fusion_factor.market.simulated.statements import Statements

Array = npt.NDArray[np.float64]
MONTHS_BEFORE = 9  # forecasts from before the first session on
HEARS, HEARD_FROM, HEARD_TO = 0.4, 18, 80  # correlation with the news of these sessions after the month's first day
OPINION, FADING, LEARNING = 0.03, 0.97, 0.45
GROWTH, HOPE, USUAL_MARGIN = 0.06, 0.02, 0.08
COVERED, SKIPPED, THIRD_YEAR = 0.7, 0.08, 0.7
TEN_THOUSAND, LEAST = 1e4, 0.02
_STREAM = 52


def consensus_table(
    config: SimulationConfig,
    stocks: Population,
    sessions: npt.NDArray[np.datetime64],
    made: Statements,
    news: IndustryNews,
) -> pd.DataFrame:
    """Table `consensus`: a snapshot a month and covered stock, on days of its own from the 6th to the 25th."""
    desk = _Desk(config, stocks, made)
    parts = []
    first, last = (int(day.astype("datetime64[M]").astype(int)) for day in (sessions[0], sessions[-1]))
    for month in range(first - MONTHS_BEFORE, last + 1):
        begin = np.datetime64(month, "M").astype("datetime64[D]")
        rng = stream(config.seed, _STREAM, month)
        # by the month's first day: where a day after the last session lies, only a later end knows
        heard = news.coming(news.position(begin), HEARD_FROM, HEARD_TO)
        parts += desk.month(rng, begin, heard)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    off = np.append(sessions, np.datetime64("9999-12-31"))[np.minimum(stocks.listed_until, len(sessions))]
    who = columns.pop("stock")
    kept = (columns["date"] <= sessions[-1]) & (columns["date"] < off[who])
    kept &= (columns["date"] >= stocks.list_date[who]) | ~stocks.new_listing[who]
    frame = pd.DataFrame({name: values[kept] for name, values in columns.items()})
    frame.insert(1, "symbol", stocks.symbols[who[kept]])
    return frame


class _Desk:
    """The analysts' view of each company: base [N], what they believe it earns a year; opinion [I] of its industry."""

    def __init__(self, config: SimulationConfig, stocks: Population, made: Statements) -> None:
        rng = stream(config.seed, _STREAM)
        self.made, self.industry = made, stocks.industry
        n = len(stocks.symbols)
        size = np.log(stocks.shares * stocks.price)
        rank = np.argsort(np.argsort(size + rng.normal(0.0, 0.8, n))) / n
        self.covered, self.third = rank >= 1.0 - COVERED, rng.random(n) < THIRD_YEAR
        self.growth = rng.normal(GROWTH, 0.03, n)
        self.year_profit = _trailing_year(made.figures["net_profit"])
        self.year_revenue = _trailing_year(made.figures["revenue"])
        self.base = np.full(n, np.nan)
        self.opinion, self.own = np.zeros(config.n_industries), rng.normal(0.0, 0.1, n)

    def month(self, rng: np.random.Generator, begin: np.datetime64, heard: Array) -> list[dict[str, Any]]:
        """The snapshots of the month that begins on `begin`, one part a fiscal year ahead."""
        n, count = len(self.base), len(heard)
        self.opinion = FADING * self.opinion + OPINION * (
            HEARS * heard + np.sqrt(1.0 - HEARS * HEARS) * rng.standard_normal(count)
        )
        self.own = 0.9 * self.own + rng.normal(0.0, 0.03, n)
        noise = rng.normal(0.0, 0.01, (3, n))
        days = begin + (5 + np.floor(20.0 * rng.random(n)).astype(np.int64)) * DAY
        shown = self.covered & (rng.random(n) >= SKIPPED)
        # a stock's snapshot uses what was reported before its day
        latest = (self.made.announced < days[None, :]).sum(axis=0) - 1
        reported = np.maximum(latest, 0), np.arange(n)
        known = np.where(latest >= 3, self.year_profit[reported], np.nan)
        self.base = np.where(np.isnan(self.base), known, self.base + LEARNING * (known - self.base))
        size = USUAL_MARGIN * self.year_revenue[reported]
        number = self.made.number[reported[0]]
        open_year = 1970 + (number + 1) // 4  # the year after the last one reported in full
        parts = []
        for k in range(3):
            ahead = (4 * (open_year + k - 1970) + 3 - number) / 4.0  # years from the last report to the year's end
            view = self.opinion[self.industry] * (0.7 + 0.3 * ahead) + self.own + noise[k] + HOPE * ahead
            value = self.base + np.abs(self.base) * self.growth * ahead + size * view
            least = LEAST * size
            value = np.where(np.abs(value) < least, np.where(value < 0, -least, least), value)
            rows = shown & np.isfinite(value) & (self.third | (k < 2))
            who = np.flatnonzero(rows)
            rounded = np.round(value[who] / TEN_THOUSAND) * TEN_THOUSAND
            parts.append({"date": days[who], "stock": who, "fiscal_year": open_year[who] + k, "net_profit": rounded})
        return parts


def _trailing_year(quarter_qn: Array) -> Array:
    """Sums of four quarters [Q, N]; NaN in the first three."""
    total = np.full_like(quarter_qn, np.nan)
    for q in range(3, len(quarter_qn)):
        total[q] = quarter_qn[q - 3 : q + 1].sum(axis=0)
    return total
