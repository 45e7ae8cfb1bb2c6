"""A slow drift of each industry, off unless the config asks for it: with it, what has risen lately goes on rising.

The drift is a stationary Gaussian AR(1) process a industry, of standard deviation `industry_trend` (log return a
session). As it fades, the sessions just past say more of those to come than the ones before them: that is what
momentum acceleration looks for. Every step has a random stream of its own, beside those of the other effects.
"""

import math

import numpy as np
import numpy.typing as npt

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.population import stream

HALF_LIFE = 40.0
DECAY = 0.5 ** (1.0 / HALF_LIFE)
_STREAM = 41


class IndustryTrend:
    """The hidden drift of the next session, `drift` [I]; `step(t)` moves it on after session t."""

    def __init__(self, config: SimulationConfig) -> None:
        self._seed, self._size = config.seed, float(config.industry_trend)
        self._state = stream(self._seed, _STREAM).standard_normal(config.n_industries)

    @property
    def drift(self) -> npt.NDArray[np.float64]:
        """Log return of the next session that the trend adds [I]."""
        return self._size * self._state

    def step(self, t: int) -> None:
        """The state after the close of session t."""
        shock = stream(self._seed, _STREAM, t + 1).standard_normal(len(self._state))
        self._state = DECAY * self._state + math.sqrt(1.0 - DECAY * DECAY) * shock

    def expected(self, first: int, stop: int) -> npt.NDArray[np.float64]:
        """Expected sum of the drifts whose states lie first..stop-1 sessions ahead [I], given the state now."""
        return self.drift * sum(DECAY**ahead for ahead in range(first, stop))
