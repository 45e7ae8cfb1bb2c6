"""The node `evaluate` of the configuration: checked once, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import EvaluationSettings, block_bootstrap

LABELS = ("published", "trained")
KEYS = (*LABELS, "min_names", "horizons", "split_min_names", "intervals", "readings", "universes")
DECIDED_HERE = ("min_names", "start", "universe", "horizons", "by_year", "by_size", "by_industry")
"""Parameters of an evaluation that a label or a reading cannot have: other keys of the node, or the scores, decide."""
Params = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """One other way to judge the fused score: its words in `readings.csv`, and the parameters."""

    reading: str
    label: str
    universe: str | None
    params: Params

    @property
    def words(self) -> str:
        """For the log."""
        return ", ".join(each for each in (self.reading, self.label, self.universe) if each)


@dataclass(frozen=True)
class EvaluateOptions:
    """The node, with `min_names` put into the parameters of each label and reading.

    Attributes:
        labels: parameters of `evaluate` by name of the label.
        details: parameters of the fused score beside those of `published`; splits: those within a third or an industry.
        intervals: draws, level, seed.
    """

    labels: dict[str, Params]
    details: Params
    splits: Params
    intervals: Params
    readings: tuple[Reading, ...]
    universes: tuple[str, ...]

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> "EvaluateOptions":
        """Check the node. Raises ConfigError naming the key and what is wrong with it."""
        for name in node:
            if name not in KEYS:
                raise ConfigError(f"evaluate.{name}: is no parameter (known: {', '.join(KEYS)})")
        names = {"min_names": node["min_names"]}
        _settings("evaluate", names)
        labels = {label: {**_mapping(f"evaluate.{label}", node[label]), **names} for label in LABELS}
        for label, params in labels.items():
            _settings(f"evaluate.{label}", params)
        details = {"horizons": node["horizons"], "by_year": True}
        _settings("evaluate", details)
        try:
            splits = {"min_names": EvaluationSettings(min_names=node["split_min_names"]).min_names}
        except ConfigError as error:
            raise ConfigError(f"evaluate.split_{error}") from None
        universes = _universes(node["universes"])
        return cls(
            labels,
            details,
            splits,
            _intervals(node["intervals"]),
            _readings(node["readings"], labels["published"], universes),
            universes,
        )


def _settings(where: str, params: Mapping[str, Any]) -> None:
    try:
        EvaluationSettings.of(params)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _mapping(where: str, value: Any) -> Params:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: must be a mapping of parameters, got {value!r}")
    for name in DECIDED_HERE:
        if name in value:
            raise ConfigError(f"{where}.{name}: cannot be set here (other keys of evaluate, or the scores, decide it)")
    return dict(value)


def _listed(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: must be a list, got {value!r}")
    return list(value)


def _intervals(value: Any) -> Params:
    given = _mapping("evaluate.intervals", value)
    known = ("draws", "level", "seed")
    for name, each in given.items():
        if name not in known:
            raise ConfigError(f"evaluate.intervals.{name}: is no parameter (known: {', '.join(known)})")
        kind = int | float if name == "level" else int
        if isinstance(each, bool) or not isinstance(each, kind):
            raise ConfigError(
                f"evaluate.intervals.{name}: must be a{'n integer' if kind is int else ' number'}, got {each!r}"
            )
    try:
        block_bootstrap([], **given)
    except ConfigError as error:
        raise ConfigError(f"evaluate.intervals: {error}") from None
    return given


def _universes(value: Any) -> tuple[str, ...]:
    codes = _listed("evaluate.universes", value)
    for position, code in enumerate(codes):
        if not isinstance(code, str) or not code:
            raise ConfigError(f"evaluate.universes: must be codes as text, got {code!r}")
        if code in codes[:position]:
            raise ConfigError(f"evaluate.universes: {code} is there twice")
    return tuple(codes)


def _readings(value: Any, published: Params, universes: tuple[str, ...]) -> tuple[Reading, ...]:
    """Every reading for all names and for each universe; words that are there twice are refused."""
    out: list[Reading] = []
    for position, given in enumerate(_listed("evaluate.readings", value)):
        where = f"evaluate.readings[{position}]"
        override = _mapping(where, given)
        if override.get("label", "close") != "close":
            override.setdefault("label_lag", 0)
        params = published | override
        _settings(where, params)
        for universe in (None, *universes):
            one = Reading(_reading(override), _label(params), universe, params | {"universe": universe})
            if any(one.words == other.words for other in out):
                raise ConfigError(f"{where}: {one.words} is there twice")
            out.append(one)
    return tuple(out)


def _reading(override: Params) -> str:
    neutral = override.get("neutralise", "none")
    others = [f"{name}={value}" for name, value in override.items() if name not in ("neutralise", "label", "label_lag")]
    return " ".join(["raw" if neutral == "none" else neutral, *others])


def _label(params: Params) -> str:
    lag = params.get("label_lag", 0)
    return f"{params.get('label', 'close')} lag {lag}" if lag else str(params.get("label", "close"))
