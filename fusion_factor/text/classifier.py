"""Which classifier, and which of its candidates: grouped, purged cross-validation on the training rows, then one fit.

Legend: n row, d input, k class (0 down, 1 flat, 2 up).
"""

import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.text.judgement import auc_up_down
from fusion_factor.text.validation import (
    CLASSES,
    WAYS,
    FloatArray,
    IntArray,
    Matrix,
    Parts,
    Predict,
    log_loss,
)  # fmt: skip

KINDS = ("softmax", "xgboost")
CHOOSE_BY = ("log_loss", "auc")
Candidate = Mapping[str, float]


@dataclass(frozen=True)
class ClassifierSettings:
    """Which classifier, over which grid, chosen how.

    kind               softmax: our torch head; xgboost: boosted trees (extra `xgboost`), METHOD item 149.
    penalties          L2 of the softmax to choose from. hidden_units: 0 is linear, else one tanh layer.
    iterations         of the softmax's L-BFGS at most.
    learning_rates, depths, subsamples   grid of the trees; `rounds` trees a class, all else as the library has it.
    parts, way, seed   of the cross-validation, see `cross_validation`; the seed is the trees' too.
    choose_by          log_loss of the three classes, or auc of up against down; the mean over the parts.
    threads            of torch or XGBoost; 1 makes results independent of the machine's load.
    """

    kind: str = "softmax"
    penalties: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    hidden_units: int = 0
    iterations: int = 60
    learning_rates: tuple[float, ...] = (0.025, 0.05, 0.075)
    depths: tuple[int, ...] = (3, 5)
    subsamples: tuple[float, ...] = (0.8, 0.85, 0.9, 0.95)
    rounds: int = 100
    parts: int = 5
    way: str = "shuffled"
    seed: int = 42
    choose_by: str = "log_loss"
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        _one_of("kind", self.kind, KINDS)
        _one_of("way", self.way, WAYS)
        _one_of("choose_by", self.choose_by, CHOOSE_BY)
        for name in ("penalties", "learning_rates", "depths", "subsamples"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise ConfigError(f"{name} is {list(values)}, must be > 0 and at least one")
        if max(self.subsamples) > 1 or max(self.learning_rates) > 1:
            raise ConfigError("subsamples and learning_rates must be in (0, 1]")
        for name, least in (("hidden_units", 0), ("iterations", 1), ("rounds", 1), ("parts", 2), ("threads", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be >= {least}")

    def candidates(self) -> list[dict[str, float]]:
        """Every point of the grid, as arguments."""
        if self.kind == "softmax":
            return [{"penalty": each} for each in self.penalties]
        grid = itertools.product(self.learning_rates, self.depths, self.subsamples)
        return [{"learning_rate": rate, "max_depth": depth, "subsample": share} for rate, depth, share in grid]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted classifier.

    predict  rows [N, D] to probabilities [N, 3]; a class that the training rows lack has 0.
    chosen   the candidate taken. log_loss, auc: its means over the validation parts, NaN when nothing was to choose.
    """

    predict: Predict
    chosen: Candidate
    log_loss: float
    auc: float


def choose_and_fit(x_nd: Matrix, class_n: IntArray, parts: Parts, settings: ClassifierSettings) -> Fitted:
    """Take the candidate with the best mean over `parts` of the rows, and fit it on all rows.

    Raises ConfigError when the rows hold one class only, or XGBoost is asked for and not installed.
    """
    candidates = settings.candidates()
    figures = np.full((len(candidates), max(len(parts), 1), 2), np.nan)
    for p, (train, valid) in enumerate(parts):
        if len(np.unique(class_n[train])) < 2:
            continue
        x_train, x_valid = x_nd[train], x_nd[valid]
        for c, candidate in enumerate(candidates):
            p_nk = fit(x_train, class_n[train], candidate, settings)(x_valid)
            figures[c, p] = log_loss(p_nk, class_n[valid]), auc_up_down(p_nk, class_n[valid])
    mean_c2 = _means(figures)
    cost_c = mean_c2[:, 0] if settings.choose_by == "log_loss" else -mean_c2[:, 1]
    best = int(np.nanargmin(cost_c)) if np.isfinite(cost_c).any() else 0
    predict = fit(x_nd, class_n, candidates[best], settings)
    return Fitted(predict, candidates[best], float(mean_c2[best, 0]), float(mean_c2[best, 1]))


def fit(x_nd: Matrix, class_n: IntArray, candidate: Candidate, settings: ClassifierSettings) -> Predict:
    """One candidate on all given rows: probabilities of the three classes for any rows."""
    present, dense_n = np.unique(class_n, return_inverse=True)
    if len(present) < 2:
        raise ConfigError(f"{len(class_n)} training rows hold {len(present)} class, at least 2 are needed")
    if settings.kind == "softmax":
        predict = _fit_softmax(x_nd, dense_n, len(present), candidate, settings)
    else:
        predict = _fit_trees(x_nd, dense_n, len(present), candidate, settings)

    def all_classes(rows_nd: Matrix) -> FloatArray:
        out = np.zeros((len(rows_nd), CLASSES))
        if len(rows_nd):
            out[:, present] = predict(rows_nd)
        return out

    return all_classes


def _fit_softmax(
    x_nd: Matrix, dense_n: IntArray, classes: int, candidate: Candidate, settings: ClassifierSettings
) -> Predict:
    from fusion_factor.text.softmax_head import fit_softmax
    from fusion_factor.training.device import exact_arithmetic

    with exact_arithmetic(settings.threads):
        return fit_softmax(
            x_nd,
            dense_n,
            classes,
            penalty=candidate["penalty"],
            hidden_units=settings.hidden_units,
            iterations=settings.iterations,
            seed=settings.seed,
        )


def _fit_trees(
    x_nd: Matrix, dense_n: IntArray, classes: int, candidate: Candidate, settings: ClassifierSettings
) -> Predict:
    xgboost = _xgboost()
    options = {
        "objective": "multi:softprob",
        "num_class": classes,
        "seed": settings.seed,
        "nthread": settings.threads,
        "tree_method": "hist",
        **candidate,
    }
    booster = xgboost.train(options, xgboost.DMatrix(x_nd, label=dense_n), settings.rounds)
    return lambda rows_nd: booster.predict(xgboost.DMatrix(rows_nd)).astype(np.float64)


def _xgboost() -> Any:
    try:
        return importlib.import_module("xgboost")
    except ImportError as error:
        raise ConfigError("kind is xgboost, but it is not installed: pip install 'fusion-factor[xgboost]'") from error


def _means(figures: np.ndarray) -> FloatArray:
    """Means over the parts that have a figure; NaN where none has. [C, P, 2] -> [C, 2]."""
    known = np.isfinite(figures)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, figures, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}, must be one of {', '.join(choices)}")
