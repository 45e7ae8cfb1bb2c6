"""The settings of the features, as plain frozen values; `conf/features/huatai27.yaml` holds the defaults."""

from dataclasses import dataclass, field
from typing import Any

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.bars import BARS_MODES
from fusion_factor.features.intraday.catalogue import PRESETS
from fusion_factor.features.intraday.day import WINDOWS

LABEL_PRICES = ("close", "vwap", "open")
REGRESSORS = ("industry", "cap")


@dataclass(frozen=True)
class LabelConfig:
    """The training label: price[t+end] / price[t+start] - 1 on adjusted prices of the field `price`."""

    start: int = 1
    end: int = 11
    price: str = "close"


@dataclass(frozen=True)
class FeatureConfig:
    """What the features are made of. Counts are sessions unless said.

    preset            list of intraday factors, huatai27 or open27; each in the best tier the data allow.
    extra             own factors: name -> {_target_: "module.function", sign: +1 | -1, ...}; further entries are passed
                      to the function by name. The function takes SessionBars and returns one number a symbol [S].
    mad_k             factors are clipped at median +- mad_k * 1.4826 * MAD before they are neutralised.
    neutralize        regressors taken out of each factor: industry, cap (its logarithm), both or none.
    min_listed        sessions a name must have been listed, the session itself included.
    min_factor_share  share of the factors a name needs at a session for the session to count as one with factors.
    factor_window, min_factor_sessions   of the last 40 sessions, so many must have factors.
    min_daily, min_weekly, min_monthly   bars with trades among the last 40 daily, 20 weekly and 12 monthly bars.
    early, late       minutes of the early window E from the open and of the late one to the close: 30, 60 or 120.
    min_tick_share    share of the sessions with bars that must have trades and orders for the exact level-2 factors to
                      take the place of their proxies.
    max_bad_share     share of bad rows (bars, trades, orders) above which a symbol has no factors at a session, and a
                      session is an error; the counts are in bad_input.csv.
    max_missing_share the same for bars without a row, of symbols that traded; None: they are counted alone, as many
                      vendors write no row for a minute without a trade.
    keep_sessions     keep the finished sessions beside the panels (as much disk as the factors), so that a build after
                      a new or corrected session computes what changed alone.
    bars_mode         weekly and monthly bars: rolling (of 5 and 20 sessions) or calendar (the last one runs).
    workers           threads that read sessions; None: one a core. The result does not depend on it.
    executor          threads of this process; the command `features` also has sessions computed by processes, ray or
                      slurm, `workers` blocks of sessions at a time. The result does not depend on it.
    cluster           for ray and slurm: {start: {...}, job: {...}} as in `train.cluster`.
    """

    preset: str = "huatai27"
    extra: dict[str, Any] = field(default_factory=dict)
    mad_k: float = 3.0
    neutralize: list[str] = field(default_factory=lambda: ["industry", "cap"])
    min_listed: int = 60
    min_factor_share: float = 0.5
    factor_window: int = 40
    min_factor_sessions: int = 20
    daily_window: int = 40
    min_daily: int = 36
    weekly_window: int = 20
    min_weekly: int = 18
    monthly_window: int = 12
    min_monthly: int = 11
    bars_mode: str = "rolling"
    label: LabelConfig = field(default_factory=LabelConfig)
    early: int = 30
    late: int = 30
    min_tick_share: float = 0.9
    max_bad_share: float = 0.05
    max_missing_share: float | None = None
    keep_sessions: bool = True
    workers: int | None = None
    executor: str = "threads"
    cluster: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values outside of their limits; ConfigError names the key, the value and the limit."""
        _one_of("features.preset", self.preset, tuple(PRESETS))
        _one_of("features.label.price", self.label.price, LABEL_PRICES)
        _one_of("features.bars_mode", self.bars_mode, BARS_MODES)
        _one_of("features.executor", self.executor, ("threads", "processes", "ray", "slurm"))
        for name in self.cluster:
            _one_of("features.cluster", name, ("start", "job", "retries"))
        for name in self.neutralize:
            _one_of("features.neutralize", name, REGRESSORS)
        if not self.mad_k > 0:
            raise ConfigError(f"features.mad_k is {self.mad_k}, must be > 0")
        if not 0 < self.min_factor_share <= 1:
            raise ConfigError(f"features.min_factor_share is {self.min_factor_share}, must be > 0 and <= 1")
        for name in ("early", "late"):
            if getattr(self, name) not in WINDOWS:
                choices = ", ".join(map(str, WINDOWS))
                raise ConfigError(f"features.{name} is {getattr(self, name)}, must be one of {choices} minutes")
        if not 0 < self.min_tick_share <= 1:
            raise ConfigError(f"features.min_tick_share is {self.min_tick_share}, must be > 0 and <= 1")
        if not 0 <= self.max_bad_share <= 1:
            raise ConfigError(f"features.max_bad_share is {self.max_bad_share}, must be in 0..1")
        if self.max_missing_share is not None and not 0 <= self.max_missing_share <= 1:
            raise ConfigError(f"features.max_missing_share is {self.max_missing_share}, must be in 0..1 or null")
        if not 0 <= self.label.start < self.label.end:
            raise ConfigError(f"features.label is {self.label.start}..{self.label.end}, needs 0 <= start < end")
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"features.workers is {self.workers}, must be >= 1 or null")
        pairs = (
            ("min_factor_sessions", "factor_window"),
            ("min_daily", "daily_window"),
            ("min_weekly", "weekly_window"),
            ("min_monthly", "monthly_window"),
        )
        for least, window in pairs:
            if not 1 <= getattr(self, least) <= getattr(self, window):
                raise ConfigError(
                    f"features.{least} is {getattr(self, least)}, must be in 1..{window} = {getattr(self, window)}"
                )
        if self.min_listed < 1:
            raise ConfigError(f"features.min_listed is {self.min_listed}, must be >= 1")


def _one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{key} is {value!r}, must be one of {', '.join(choices)}")
