"""The nodes `text` and `text_portfolio` of the configuration, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion_factor.backtest import Parameters
from fusion_factor.core.errors import ConfigError
from fusion_factor.stages.settings import Settings, typed
from fusion_factor.text import EncoderSettings, EventSettings, FactorSettings, RollingSettings, WordSettings
from fusion_factor.text.labels import SPANS
from fusion_factor.text.refine import SIMPLE_FACTORS

BENCHMARKS = ("auto", "table", "mean")
INPUTS = ("encoder", "words")
BESIDE = ("hashed", "words")
SECOND = ("fused", "simple", "text")


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """What an event's text is taught to tell; see `fusion_factor.text.abnormal_returns`."""

    span: str = "around"
    hold: int = 5
    benchmark: str = "auto"
    """`table`: the market's table benchmark; `mean`: the mean of all names; `auto`: the table where there is one."""

    def __post_init__(self) -> None:
        for name, choices in (("span", SPANS), ("benchmark", BENCHMARKS)):
            if getattr(self, name) not in choices:
                raise ConfigError(f"text.label.{name}: {getattr(self, name)!r} is not one of {', '.join(choices)}")
        if self.hold < 1:
            raise ConfigError(f"text.label.hold: {self.hold} is not >= 1")


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """The node `text`."""

    enabled: bool = False
    events: EventSettings = field(default_factory=EventSettings)
    per_share: bool = False
    """Whether forecasts are per share: splits are then taken out before they are compared."""
    label: LabelSettings = field(default_factory=LabelSettings)
    inputs: str = "encoder"
    """What the classifier reads: vectors of the `encoder`, or counts of `words`, the published baseline."""
    beside: list[str] = field(default_factory=list)
    """Further inputs to judge beside: `words`, `hashed` (character n-grams)."""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    words: WordSettings = field(default_factory=WordSettings)
    cache: str | None = None
    """Folder of stored vectors, shared by all runs; null: none."""
    rolling: RollingSettings = field(default_factory=RollingSettings)
    factor: FactorSettings = field(default_factory=FactorSettings)

    def __post_init__(self) -> None:
        if self.inputs not in INPUTS:
            raise ConfigError(f"text.inputs: {self.inputs!r} is not one of {', '.join(INPUTS)}")
        if len(set(self.beside)) != len(self.beside) or not set(self.beside) <= set(BESIDE):
            raise ConfigError(f"text.beside: {list(self.beside)} must be different ones of {', '.join(BESIDE)}")
        if self.inputs in self.beside:
            raise ConfigError(f"text.beside: {self.inputs} is text.inputs already")


@dataclass(frozen=True, kw_only=True)
class RefineSettings:
    """Which names of the top layer are held."""

    layers: int = 10
    by: str = "fused"
    """The second factor: `fused`, the fused score; `simple`, the mean of `factors`; `text`, the text factor itself."""
    factors: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SIMPLE_FACTORS, -1.0))
    """Of `simple`: name to sign; 0 leaves the factor out."""
    least_names: int = 0
    """A top layer with fewer names is filled up with the next best ones; 0: never."""
    min_covered: int = 30
    """A month end with fewer covered names gives no signal."""
    exclude_st: bool = True

    def __post_init__(self) -> None:
        if self.by not in SECOND:
            raise ConfigError(f"text_portfolio.refine.by: {self.by!r} is not one of {', '.join(SECOND)}")
        if not any(self.factors.values()):
            raise ConfigError("text_portfolio.refine.factors: none has a sign other than 0, one must")
        for name in self.factors:
            if name not in SIMPLE_FACTORS:
                raise ConfigError(f"text_portfolio.refine.factors: {name} is not one of {', '.join(SIMPLE_FACTORS)}")
        for name, least in (("layers", 2), ("least_names", 0), ("min_covered", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"text_portfolio.refine.{name}: {getattr(self, name)} is not >= {least}")


@dataclass(frozen=True, kw_only=True)
class TextPortfolioSettings:
    """The node `text_portfolio`."""

    refine: RefineSettings = field(default_factory=RefineSettings)
    portfolio: dict[str, Any] = field(default_factory=dict)
    """Parameters of the backtest room; `benchmark_kind` empty: the market's benchmark where there is one."""
    gone_after: int = 120
    """A held stock without any price for so many sessions is taken as gone, at its last close (prices that stop)."""
    min_names: int = 20
    """A month with fewer covered names does not count in the evaluation."""

    def __post_init__(self) -> None:
        parameters(self.portfolio, "cash")
        if self.gone_after < 1:
            raise ConfigError(f"text_portfolio.gone_after: {self.gone_after} is not >= 1")


def parameters(given: Mapping[str, Any], benchmark_kind: str) -> Parameters:
    """The portfolio's parameters, with what the data decides filled in. Raises ConfigError naming the parameter."""
    known = {name: value for name, value in given.items() if value is not None}
    return Parameters.of({"schedule": "monthly", "benchmark_kind": benchmark_kind, **known})


def text_settings(settings: Settings) -> TextSettings:
    """The typed node `text`."""
    return typed(TextSettings, settings.raw["text"])


def portfolio_settings(settings: Settings) -> TextPortfolioSettings:
    """The typed node `text_portfolio`."""
    return typed(TextPortfolioSettings, settings.raw["text_portfolio"])


def text_enabled(settings: Settings) -> bool:
    """Whether this run has a text factor."""
    return bool(settings.raw["text"]["enabled"])


def refined_by_fused(settings: Settings) -> bool:
    """Whether the portfolio needs the fused score."""
    return bool(settings.raw["text_portfolio"]["refine"]["by"] == "fused")
