"""A seeded market with known expected returns, for tests, demonstrations and checks of the whole chain."""

from fusion_factor.market.simulated.config import SimulationConfig
from fusion_factor.market.simulated.simulate import sessions_of, simulate

__all__ = ["SimulationConfig", "sessions_of", "simulate"]
