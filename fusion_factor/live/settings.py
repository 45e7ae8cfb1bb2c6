"""The node `live`: the date, and the limits below which a day is refused."""

from dataclasses import dataclass, field, fields
from datetime import date

from fusion_factor.core.errors import ConfigError
from fusion_factor.live.drift import DriftSettings

LATEST = "latest"
_SHARES = ("min_price_share", "min_bar_share", "min_late_share")


@dataclass(frozen=True, kw_only=True)
class LiveSettings:
    """What `score` works on and what it refuses; see conf/live/default.yaml for each value."""

    date: str = LATEST
    compared_sessions: int = 20
    min_price_share: float = 0.9
    min_bar_share: float = 0.9
    min_late_share: float = 0.5
    max_model_age_days: int | None = 250
    history_sessions: int | None = None
    holdings: str | None = None
    drift: DriftSettings = field(default_factory=DriftSettings)

    def __post_init__(self) -> None:
        """Refuse values outside of their limits; ConfigError names key, value and limit."""
        if self.date != LATEST:
            try:
                date.fromisoformat(self.date)
            except ValueError:
                raise ConfigError(f"live.date: {self.date!r} is neither {LATEST} nor a date YYYY-MM-DD") from None
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"live.{name}: {getattr(self, name)} must be in 0..1")
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith(("_sessions", "_days")) and value is not None and value < 1:
                raise ConfigError(f"live.{each.name}: {value} must be >= 1")
