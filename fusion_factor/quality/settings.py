"""How severe each kind of flaw is and how much of it is allowed; `conf/quality/default.yaml` states the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion_factor.core.errors import ConfigError

SEVERITIES = ("error", "warning", "off")


@dataclass(frozen=True)
class CheckSettings:
    """One check. limit: beyond which value a cell is a finding, in the check's own unit. allowed: share of the cells
    looked at that may be found before an `error` stops the work."""

    severity: str = "warning"
    limit: float = 0.0
    allowed: float = 0.0


@dataclass(frozen=True)
class QualitySettings:
    """What is looked at, and how strictly.

    calendar        code of exchange_calendars that the sessions are compared with (the data's own sessions win);
                    None: not compared.
    min_listed      sessions a stock must have been listed to be in the universe, the session itself included.
    first_sessions  rows of a new listing that no jump and no price limit is looked for in.
    least_step      steps of adj_factor below this share are too small to be told from the market's move.
    bar_every       every so many-th session with bars is compared with the daily rows, the last one always.
    listed          findings a check at most in findings.csv, the first ones; the summary counts all.
    in_run          whether the command `run` checks the data before it goes on.
    checks          name of a check to its CheckSettings; checks that are not named keep those of the catalogue.
    """

    calendar: str | None = "XSHG"
    min_listed: int = 60
    first_sessions: int = 10
    least_step: float = 0.05
    bar_every: int = 1
    listed: int = 2000
    in_run: bool = True
    checks: dict[str, CheckSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("min_listed", 1), ("first_sessions", 0), ("bar_every", 1), ("listed", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"quality.{name}: {getattr(self, name)}, must be >= {least}")
        if not 0 < self.least_step < 1:
            raise ConfigError(f"quality.least_step: {self.least_step}, must be between 0 and 1")

    def resolved(self, catalogue: Mapping[str, Any]) -> dict[str, CheckSettings]:
        """The settings of every check of `catalogue` (name to something with `usual`). Raises ConfigError for a name
        that is no check, a severity that is none, a negative limit or a share outside of 0..1."""
        for name, given in self.checks.items():
            where = f"quality.checks.{name}"
            if name not in catalogue:
                raise ConfigError(f"{where}: is no check (known: {', '.join(catalogue)})")
            if given.severity not in SEVERITIES:
                raise ConfigError(f"{where}.severity: {given.severity!r}, must be one of {', '.join(SEVERITIES)}")
            if not given.limit >= 0:
                raise ConfigError(f"{where}.limit: {given.limit}, must be >= 0")
            if not 0 <= given.allowed <= 1:
                raise ConfigError(f"{where}.allowed: {given.allowed}, must be a share from 0 to 1")
        return {name: self.checks.get(name, check.usual) for name, check in catalogue.items()}
