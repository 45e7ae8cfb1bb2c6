"""The hidden news of each industry, which prices and businesses both follow; businesses feel it first.

News of session t is the industry's own part of that session's return, in units of its usual size. Orders, costs and
payments of the companies feel the news of coming weeks and months, with noise; analysts hear some of it. Both become
known by statements and forecasts only, so a score may use them from their dates on. Nothing but the simulator reads
this: to a market's tables the news of a coming session is as unknown as its return.

The news of a session depends on the seed and the session's position alone, so it is known beyond the last session and
a market with a later end has the same statements. Before the first session there is no return, only news.

Legend of axes: t session, i industry.
"""

import math

import numpy as np
import numpy.typing as npt

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.days import INDUSTRY_SHARE, CommonDraws, session_stream
from fusion_factor.market.simulated.population import SIGMA, Population, stream
from fusion_factor.market.simulated.trend import IndustryTrend

SESSIONS_A_YEAR = 243
DAY = np.timedelta64(1, "D")
_STREAM = 42
_USUAL = SIGMA * math.sqrt(INDUSTRY_SHARE)  # of an industry's return a session


class IndustryNews:
    """News of all sessions from `back` before the first to `ahead` after the last one."""

    def __init__(
        self,
        config: SimulationConfig,
        stocks: Population,
        sessions: npt.NDArray[np.datetime64],
        *,
        back: int,
        ahead: int,
    ) -> None:
        self._sessions, self._back = sessions, back
        past = stream(config.seed, _STREAM).standard_normal((back, config.n_industries))[::-1]
        count = len(sessions) + ahead
        news = np.stack(
            [CommonDraws.of(session_stream(config.seed, t), stocks, config.n_industries).industry for t in range(count)]
        )
        if config.industry_trend:
            trend = IndustryTrend(config)
            for t in range(count):
                news[t] += trend.drift / _USUAL
                trend.step(t)
        self._summed = np.cumsum(np.concatenate([np.zeros((1, config.n_industries)), past, news]), axis=0)

    def position(self, day: np.datetime64) -> int:
        """The last session on the date or before; negative, by the calendar, where it lies before the first session."""
        if day >= self._sessions[0]:
            return int(np.searchsorted(self._sessions, day, side="right")) - 1
        return -round(float((self._sessions[0] - day) / DAY) * SESSIONS_A_YEAR / 365.0) - 1

    def coming(self, t: int, first: int, last: int) -> npt.NDArray[np.float64]:
        """Sum of the news of sessions t+first..t+last over the root of their number [I]: about unit variance.

        Positions outside of what is kept are left out.
        """
        low, high = (min(max(t + k + self._back, 0), len(self._summed) - 1) for k in (first, last + 1))
        return (self._summed[high] - self._summed[low]) / math.sqrt(last - first + 1)
