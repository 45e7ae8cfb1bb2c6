"""What plain methods make of the same folds, dates, masks and labels: ridge regression and boosted trees.

Axes: b chosen symbol, s statistic.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.factor_weights import FACTOR_KINDS, factor_inputs, write_factor_scores
from fusion_factor.training.folds import Fold, Positions
from fusion_factor.training.progress import log
from fusion_factor.training.samples import Samples, folds_for
from fusion_factor.training.scoring import score_frame
from fusion_factor.training.settings import FitSettings, FoldSettings
from fusion_factor.training.statistics import StatisticsInputs

FloatArray = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Score = Callable[[Matrix], FloatArray]
CrossSection = Callable[[int], tuple[Matrix, FloatArray]]

KINDS = ("ridge", "lightgbm", *FACTOR_KINDS)


@dataclass(frozen=True)
class BaselineSettings:
    """Which plain scorers, on what, and how.

    kinds             ridge, lightgbm on statistics of the windows; equal27, icir27: the intraday factors weighed alike
                      or by their trailing ICIR, see `factor_weights`.
    sources           of the statistics, see StatisticsInputs; None: all that the features hold.
    ridge_alphas      added to the diagonal of the mean cross-sectional correlation matrix; the best on the
                      validation dates is taken.
    lightgbm_*        trees stop after `lightgbm_patience_rounds` without a better validation error; at most
                      `lightgbm_max_rows` rows are trained on, drawn evenly over the dates by the seed.
    """

    kinds: tuple[str, ...] = ("ridge",)
    sources: tuple[str, ...] | None = None
    ridge_alphas: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
    lightgbm_rounds: int = 500
    lightgbm_patience_rounds: int = 30
    lightgbm_learning_rate: float = 0.05
    lightgbm_leaves: int = 31
    lightgbm_max_rows: int = 500_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse unknown kinds and values outside of their limits."""
        if not set(self.kinds) <= set(KINDS):
            raise ConfigError(f"kinds is {list(self.kinds)}, must be some of {', '.join(KINDS)}")
        if not self.ridge_alphas or min(self.ridge_alphas) <= 0:
            raise ConfigError(f"ridge_alphas is {list(self.ridge_alphas)}, must be > 0 and at least one")
        for name in ("rounds", "patience_rounds", "leaves", "max_rows"):
            value = getattr(self, f"lightgbm_{name}")
            if value < 2:
                raise ConfigError(f"lightgbm_{name} is {value}, must be >= 2")
        if not 0 < self.lightgbm_learning_rate <= 1:
            raise ConfigError(f"lightgbm_learning_rate is {self.lightgbm_learning_rate}, must be in (0, 1]")


def run_baselines(
    features: FeatureSet,
    folds: FoldSettings,
    fit_settings: FitSettings,
    settings: BaselineSettings,
    folder: str | Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write predictions/<kind>.parquet: date, symbol, fold, seed and one column named like the kind.

    From `fit_settings` come the label, its shuffling and `min_names`. Raises ConfigError as the folds do, and when
    LightGBM is asked for and is not installed.
    """
    if not settings.kinds:
        return
    say = progress or log.info
    weighed = [kind for kind in settings.kinds if kind in FACTOR_KINDS]
    if weighed:
        plan = folds_for(features, factor_inputs(features), folds, fit_settings.min_names)
        for note in write_factor_scores(features, plan, weighed, settings.seed, folder):
            say(note)
    fitters = {kind: _fitter(kind, settings) for kind in settings.kinds if kind not in FACTOR_KINDS}
    if not fitters:
        return
    inputs = StatisticsInputs(features, settings.sources)
    samples = Samples(inputs, features, fit_settings, settings.seed)
    frames: dict[str, list[pd.DataFrame]] = {kind: [] for kind in fitters}
    plan = folds_for(features, inputs, folds, fit_settings.min_names)
    for fold in plan:
        for kind, fitter in fitters.items():
            score, note = fitter.fit(fold, lambda t: _cross_section(samples, t))
            frames[kind].append(_score_fold(kind, score, fold, inputs, features, settings.seed))
            say(f"{kind} fold {fold.index + 1}/{len(plan)}: {note}")
    target = Path(folder) / "predictions"
    target.mkdir(parents=True, exist_ok=True)
    for kind, parts in frames.items():
        pd.concat(parts, ignore_index=True).to_parquet(target / f"{kind}.parquet", index=False)


class Fitter(ABC):
    """One plain method; `fit` may keep what later folds need again."""

    def __init__(self, settings: BaselineSettings) -> None:
        self.settings = settings

    @abstractmethod
    def fit(self, fold: Fold, cross_section: CrossSection) -> tuple[Score, str]:
        """Learn on fold.train, choose on fold.valid; the scorer, and a word on what was chosen."""


class Ridge(Fitter):
    """Least squares with a penalty, by normal equations; each date weighs the same, like in the networks' loss."""

    def __init__(self, settings: BaselineSettings) -> None:
        super().__init__(settings)
        self._moments: dict[int, tuple[FloatArray, FloatArray]] = {}

    def fit(self, fold: Fold, cross_section: CrossSection) -> tuple[Score, str]:
        """The penalty with the best mean IC over the validation dates."""
        moments = [self._moments_of(int(t), cross_section) for t in fold.train]
        gram_ss = np.mean([gram for gram, _ in moments], axis=0)
        cross_s = np.mean([cross for _, cross in moments], axis=0)
        diagonal = np.eye(len(cross_s))
        weights_as = np.stack([np.linalg.solve(gram_ss + a * diagonal, cross_s) for a in self.settings.ridge_alphas])
        ic_a = np.mean([_correlations(weights_as, *cross_section(int(t))) for t in fold.valid], axis=0)
        best = int(np.argmax(ic_a))
        note = f"penalty {self.settings.ridge_alphas[best]:g}, validation IC {ic_a[best]:.4f}"
        return lambda x_bs: x_bs @ weights_as[best], note

    def _moments_of(self, t: int, cross_section: CrossSection) -> tuple[FloatArray, FloatArray]:
        if t not in self._moments:
            x_bs, label_b = cross_section(t)
            wide_bs = x_bs.astype(np.float64)
            self._moments[t] = (wide_bs.T @ wide_bs / len(label_b), wide_bs.T @ label_b / len(label_b))
        return self._moments[t]


class BoostedTrees(Fitter):
    """LightGBM on the label's squared error; one thread, so that the same seed gives the same trees."""

    def fit(self, fold: Fold, cross_section: CrossSection) -> tuple[Score, str]:
        """Rounds are chosen by the validation error."""
        lightgbm = _lightgbm()
        options = self.settings
        train = lightgbm.Dataset(*self._rows(fold.train, cross_section))
        valid = lightgbm.Dataset(*self._rows(fold.valid, cross_section), reference=train)
        parameters = {
            "objective": "regression",
            "learning_rate": options.lightgbm_learning_rate,
            "num_leaves": options.lightgbm_leaves,
            "seed": options.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        stop = lightgbm.early_stopping(options.lightgbm_patience_rounds, verbose=False)
        booster = lightgbm.train(parameters, train, options.lightgbm_rounds, valid_sets=[valid], callbacks=[stop])
        return booster.predict, f"{booster.best_iteration} rounds"

    def _rows(self, positions: Positions, cross_section: CrossSection) -> tuple[Matrix, FloatArray]:
        share = max(2, self.settings.lightgbm_max_rows // len(positions))
        matrices, labels = [], []
        for t in positions.tolist():
            x_bs, label_b = cross_section(t)
            if len(label_b) > share:
                chosen = np.random.default_rng([self.settings.seed, t]).choice(len(label_b), share, replace=False)
                x_bs, label_b = x_bs[np.sort(chosen)], label_b[np.sort(chosen)]
            matrices.append(x_bs)
            labels.append(label_b)
        return np.concatenate(matrices), np.concatenate(labels)


def _fitter(kind: str, settings: BaselineSettings) -> Fitter:
    if kind == "ridge":
        return Ridge(settings)
    _lightgbm()
    return BoostedTrees(settings)


def _lightgbm() -> Any:
    try:
        return importlib.import_module("lightgbm")
    except ImportError as error:
        raise ConfigError(
            "kinds has lightgbm, but it is not installed: pip install 'fusion-factor[lightgbm]'"
        ) from error


def _cross_section(samples: Samples, t: int) -> tuple[Matrix, FloatArray]:
    (x_b1s,), label_b = samples.whole(t)
    return x_b1s[:, 0].numpy(), label_b.double().numpy()


def _correlations(weights_as: FloatArray, x_bs: Matrix, label_b: FloatArray) -> FloatArray:
    """IC of each row of weights on one date; 0 where a score or the label is constant."""
    scores_ba = x_bs @ weights_as.T
    scores_ba = scores_ba - scores_ba.mean(axis=0)
    label_b = label_b - label_b.mean()
    scale_a = np.sqrt((scores_ba**2).sum(axis=0) * (label_b**2).sum())
    return np.where(scale_a > 0, label_b @ scores_ba / np.where(scale_a > 0, scale_a, 1.0), 0.0)


def _score_fold(
    kind: str, score: Score, fold: Fold, inputs: StatisticsInputs, features: FeatureSet, seed: int
) -> pd.DataFrame:
    rows, symbols, values = [], [], []
    for t in fold.use.tolist():
        (x_b1s,), names_b = inputs.at(t)
        if not len(names_b):
            continue
        rows.append(np.full(len(names_b), t, dtype=np.int64))
        symbols.append(names_b)
        values.append(np.asarray(score(x_b1s[:, 0].numpy()), dtype=np.float32)[:, None])
    frame = score_frame(features, (kind,), rows, symbols, values)
    frame.insert(2, "fold", fold.index)
    frame.insert(3, "seed", seed)
    return frame
