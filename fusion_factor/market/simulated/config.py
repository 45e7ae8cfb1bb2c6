"""The parameters of a simulated market and their limits."""

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from fusion_factor.core.errors import ConfigError

FIRST_DATE = date(2010, 1, 4)
LAST_DATE = date(2025, 12, 31)
LIMITS = {
    "n_stocks": (20, 20_000),
    "seed": (0, 2**31 - 1),
    "n_themes": (0, 500),
    "n_concepts": (0, 500),
    "n_industries": (2, 100),
}
TREND_LIMIT = 0.005
MIN_SESSIONS = 30


@dataclass(frozen=True)
class SimulationConfig:
    """What to simulate. Dates are calendar dates (ISO text); the sessions are those of Shanghai between them.

    n_stocks      stocks drawn; those that would list after `end` are left out of every table.
    start, end    first and last date; the tables of daily bars cover all of it.
    bars_from     first date with minute bars. A network on daily bars wants 240 sessions before it.
    seed          with the other counts it decides everything: the same config gives the same bytes, and a later
                  `end` the same past.
    ticks         write trades and orders of the sessions with minute bars too, which add up to the bars exactly; bars
                  of a few lots are then flat, so a market with ticks is another one than without.
    industry_trend  standard deviation of a slow drift of each industry, return a session (0: none). With it momentum
                  pays, and another market is made; 0.002 is strong.
    reports       write analyst reports in Chinese too, whose tone knows part of the event's return; they move no price,
                  and every other table stays the same.
    n_themes, n_concepts, n_industries   indices of the three pools; the industries share out all stocks.
    """

    n_stocks: int = 500
    start: str = "2016-07-01"
    end: str = "2023-12-29"
    bars_from: str = "2020-09-01"
    seed: int = 10
    n_themes: int = 133
    n_concepts: int = 72
    n_industries: int = 32
    ticks: bool = False
    industry_trend: float = 0.0
    reports: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"simulation: {name} is {value!r}, must be an integer in {low}..{high}")
        if not 0.0 <= float(self.industry_trend) <= TREND_LIMIT:
            raise ConfigError(f"simulation: industry_trend is {self.industry_trend!r}, must be in 0..{TREND_LIMIT}")
        dates = {name: _date(name, getattr(self, name)) for name in ("start", "bars_from", "end")}
        for name, value in dates.items():
            if not FIRST_DATE <= value <= LAST_DATE:
                raise ConfigError(f"simulation: {name} is {value}, must be in {FIRST_DATE}..{LAST_DATE}")
        if not dates["start"] <= dates["bars_from"] <= dates["end"]:
            raise ConfigError(
                f"simulation: start {self.start}, bars_from {self.bars_from}, end {self.end} must be in this order"
            )
        if self.n_industries * 2 > self.n_stocks:
            raise ConfigError(
                f"simulation: n_industries is {self.n_industries}, must be at most half of n_stocks ({self.n_stocks})"
            )

    @classmethod
    def of(cls, values: dict[str, Any]) -> "SimulationConfig":
        """From a mapping; unknown names are refused."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise ConfigError(f"simulation: unknown parameter {name}; known are {', '.join(sorted(known))}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The parameters as a plain mapping; what is off or 0 is left out, so that other markets stay as they were."""
        hidden = ("ticks", "industry_trend", "reports")
        return {name: value for name, value in asdict(self).items() if name not in hidden or value}


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise ConfigError(f"simulation: {name} is {text!r}, must be a date like 2023-12-29") from error
