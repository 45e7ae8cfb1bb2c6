"""The parameters of training as frozen dataclasses: units in names, limits checked when they are made."""

from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from fusion_factor.core.errors import ConfigError


def _require(ok: bool, name: str, value: object, limit: str) -> None:
    if not ok:
        raise ConfigError(f"{name} is {value!r}, must be {limit}")


def _is_date(text: str | None) -> bool:
    try:
        return text is None or bool(date.fromisoformat(text))
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class FoldSettings:
    """When models are refitted, on which sessions they learn and which they score. Source: METHOD 1.7 and 1.8.

    first_use             first date that is scored (ISO); the first session on or after it starts fold 0.
    end                   last date that is scored; None: the last session there is.
    train_start           first date a sample may have; the grid of sampled sessions is counted from it.
    train_years           None: the training window grows (from train_start); else only the years before first use.
    refit_months          a new fold starts at calendar months 1, 1 + refit_months, ...; divides 12.
    sample_step_sessions  one cross-section every so many sessions; sample_phase_sessions shifts the grid.
    valid_share           the later part of the sampled dates, for early stopping.
    min_train_dates, min_valid_dates   fewer sampled dates than these are refused.
    """

    first_use: str
    end: str | None = None
    train_start: str = "2013-01-01"
    train_years: int | None = None
    refit_months: int = 6
    sample_step_sessions: int = 5
    sample_phase_sessions: int = 0
    valid_share: float = 0.2
    min_train_dates: int = 20
    min_valid_dates: int = 4

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name in ("first_use", "end", "train_start"):
            value = getattr(self, name)
            _require(_is_date(value) and (name == "end" or value is not None), name, value, "a date YYYY-MM-DD")
        _require(self.train_years is None or self.train_years >= 1, "train_years", self.train_years, ">= 1 or null")
        _require(self.refit_months in (1, 2, 3, 4, 6, 12), "refit_months", self.refit_months, "1, 2, 3, 4, 6 or 12")
        _require(self.sample_step_sessions >= 1, "sample_step_sessions", self.sample_step_sessions, ">= 1")
        phase = self.sample_phase_sessions
        _require(0 <= phase < self.sample_step_sessions, "sample_phase_sessions", phase, ">= 0 and below the step")
        _require(0 < self.valid_share < 1, "valid_share", self.valid_share, "between 0 and 1")
        _require(self.min_train_dates >= 1, "min_train_dates", self.min_train_dates, ">= 1")
        _require(self.min_valid_dates >= 1, "min_valid_dates", self.min_valid_dates, ">= 1")


@dataclass(frozen=True)
class FitSettings:
    """How one network is fitted. Source: METHOD items 14, 40, 41, 44, 48.

    clip_value         gradients are clipped to +- this value; None: not at all.
    patience_epochs    stop after so many epochs without a better mean validation objective.
    min_names          a date with fewer labelled names is not trained or validated on.
    names_per_batch    None: all labelled names of the date; else a subset drawn by (seed, epoch, date). Inputs are
                       standardised over all names either way, validation and scoring use all names.
    batch_mode         `date`: a training batch is one date; `shuffle`: about `rows_per_batch` rows (a name, a date) of
                       all training dates, mixed anew each epoch by (seed, epoch). Validation is by date in both.
    label_clip         the label's z-score is clipped to +- this value.
    shuffle_labels     None; else a seed: labels are permuted within each date, for training and for choosing the
                       epoch alike (choosing by true labels would leak signal into a null test).
    """

    learning_rate: float = 0.005
    weight_decay: float = 0.0
    max_epochs: int = 100
    patience_epochs: int = 10
    clip_value: float | None = 3.0
    min_names: int = 200
    names_per_batch: int | None = None
    batch_mode: str = "date"
    rows_per_batch: int = 5000
    label_clip: float = 3.0
    shuffle_labels: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        _require(0 < self.learning_rate < 1, "learning_rate", self.learning_rate, "between 0 and 1")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, ">= 0")
        _require(self.max_epochs >= 1, "max_epochs", self.max_epochs, ">= 1")
        _require(self.patience_epochs >= 1, "patience_epochs", self.patience_epochs, ">= 1")
        _require(self.clip_value is None or self.clip_value > 0, "clip_value", self.clip_value, "> 0 or null")
        _require(self.min_names >= 2, "min_names", self.min_names, ">= 2")
        few = self.names_per_batch is not None and self.names_per_batch < self.min_names
        _require(not few, "names_per_batch", self.names_per_batch, f">= min_names ({self.min_names}) or null")
        _require(self.batch_mode in ("date", "shuffle"), "batch_mode", self.batch_mode, "date or shuffle")
        both = self.batch_mode == "shuffle" and self.names_per_batch is not None
        _require(not both, "names_per_batch", self.names_per_batch, "null when batch_mode is shuffle")
        _require(self.rows_per_batch >= 2, "rows_per_batch", self.rows_per_batch, ">= 2")
        _require(self.label_clip > 0, "label_clip", self.label_clip, "> 0")
        _require(self.shuffle_labels is None or self.shuffle_labels >= 0, "shuffle_labels", self.shuffle_labels, ">= 0")


@dataclass(frozen=True)
class NetworkSettings:
    """One network: its name and, each as `_target_` and arguments, its module, its inputs and its loss.

    folds and fit override single values of FoldSettings and FitSettings for this network: its data may start later
    than the others', or its cross-sections be smaller.
    """

    name: str
    network: dict[str, Any]
    inputs: dict[str, Any]
    loss: dict[str, Any] = field(default_factory=lambda: {"_target_": "fusion_factor.networks.CorrelationLoss"})
    folds: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unusable name, parts that name no class, and overrides of values that do not exist."""
        _require(self.name.isidentifier(), "network name", self.name, "letters, digits and _")
        for part in ("network", "inputs", "loss"):
            spec = getattr(self, part)
            _require("_target_" in spec, f"network {self.name}: {part}", dict(spec), "a mapping with _target_")
        for part, kind in (("folds", FoldSettings), ("fit", FitSettings)):
            known = [each.name for each in fields(kind)]
            for name in getattr(self, part):
                _require(name in known, f"network {self.name}: {part}", name, f"one of {', '.join(known)}")

    def own_folds(self, folds: FoldSettings) -> FoldSettings:
        """The fold settings of this network."""
        return replace(folds, **self.folds)

    def own_fit(self, fit: FitSettings) -> FitSettings:
        """The fit settings of this network."""
        return replace(fit, **self.fit)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON-like values, for hashes and checkpoints."""
        parts = {part: dict(getattr(self, part)) for part in ("network", "inputs", "loss")}
        return {"name": self.name, **parts}
