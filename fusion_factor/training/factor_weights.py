"""Factors weighed without a network, on the networks' folds: all alike, or by how well each has ranked so far.

Axes: t session, n symbol, f factor, d sampled date.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fusion_factor.core.cross_section import rank_correlation
from fusion_factor.core.errors import ConfigError
from fusion_factor.features.baseline import signed_factors
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.features.intraday.catalogue import SIGNS
from fusion_factor.training.batches import HighFrequencyInputs
from fusion_factor.training.folds import Fold, Positions
from fusion_factor.training.scoring import score_frame

FloatArray = npt.NDArray[np.float64]

FACTOR_KINDS = ("equal27", "icir27")


def factor_inputs(features: FeatureSet) -> HighFrequencyInputs:
    """Who has the factors and their mean over 20 sessions. ConfigError for features without intraday factors."""
    if features.hf is None or features.factors is None:
        raise ConfigError(f"kinds has {' or '.join(FACTOR_KINDS)}, but the features hold no intraday factors")
    return HighFrequencyInputs(features, 20)


def write_factor_scores(
    features: FeatureSet, folds: Sequence[Fold], kinds: Sequence[str], seed: int, folder: str | Path
) -> list[str]:
    """Write predictions/<kind>.parquet as `run_baselines` does; a word on each fold of each kind comes back.

    equal27  the mean of the factors with a published sign, each by it.
    icir27   every factor times its ICIR: mean over standard deviation (ddof 1) of its RankIC with the label over the
             fold's training and validation dates, so that no label reaches the sessions of use. Its sign is learned
             too; a factor with fewer than two RankICs gets 0.

    A factor is its standardised value averaged over 20 sessions and z-scored, a missing one 0 (`signed_factors`).
    Weights are scaled to a sum of absolute values of 1. Source: METHOD item 66, where the window is not printed.
    """
    inputs, notes = factor_inputs(features), []
    for kind in kinds:
        weight_f = equal_weights(features) if kind == "equal27" else None
        ic_df, dates = (None, None) if weight_f is not None else _rank_ics(features, folds)
        by_fold = []
        for fold in folds:
            if ic_df is not None and dates is not None:
                weight_f = icir_weights(ic_df[np.isin(dates, np.concatenate([fold.train, fold.valid]))])
            assert weight_f is not None
            by_fold.append(weight_f)
            notes.append(f"{kind} fold {fold.index + 1}/{len(folds)}: {np.count_nonzero(weight_f)} factors")
        score_tn = _weighed(features, folds, by_fold)
        _write(kind, score_tn, features, inputs, folds, seed, Path(folder) / "predictions")
    return notes


def equal_weights(features: FeatureSet) -> FloatArray:
    """The same for every factor with a published sign, 0 for others [F]; they sum to 1."""
    assert features.hf is not None
    known_f = np.array([name in SIGNS for name in features.hf.names], dtype=np.float64)
    return known_f / max(known_f.sum(), 1.0)


def icir_weights(ic_df: FloatArray) -> FloatArray:
    """Mean over standard deviation (ddof 1) of the finite RankICs of each factor [F]; absolute values sum to 1."""
    count_f = np.isfinite(ic_df).sum(axis=0)
    there_df = np.where(np.isfinite(ic_df), ic_df, 0.0)
    mean_f = there_df.sum(axis=0) / np.maximum(count_f, 1)
    away_df = np.where(np.isfinite(ic_df), ic_df - mean_f, 0.0)
    std_f = np.sqrt((away_df**2).sum(axis=0) / np.maximum(count_f - 1, 1))
    varies_f = (count_f > 1) & (std_f > 1e-12)
    icir_f = np.where(varies_f, mean_f / np.where(varies_f, std_f, 1.0), 0.0)
    total = np.abs(icir_f).sum()
    return icir_f / total if total > 0 else icir_f


def _all_factors(features: FeatureSet) -> Iterator[FloatArray]:
    """Each factor [T, N] in the panel's order, by its published sign, by +1 where it has none."""
    assert features.hf is not None
    unsigned = {name: 1 for name in features.hf.names if name not in SIGNS}
    return (score_tn for _, _, score_tn in signed_factors(features, unsigned))


def _rank_ics(features: FeatureSet, folds: Sequence[Fold]) -> tuple[FloatArray, Positions]:
    """RankIC of each factor with the label on every date that some fold learns on, and these dates."""
    dates = np.unique(np.concatenate([part for fold in folds for part in (fold.train, fold.valid)]))
    label_dn = np.where(features.has_label[dates], features.label[dates], np.nan)
    return np.stack([rank_correlation(x_tn[dates], label_dn) for x_tn in _all_factors(features)], axis=1), dates


def _weighed(features: FeatureSet, folds: Sequence[Fold], by_fold: Sequence[FloatArray]) -> FloatArray:
    """The sum of the factors by the weights of the fold that uses a session [T, N]; 0 outside of all folds."""
    out_tn = np.zeros(features.has_hf.shape)
    for f, x_tn in enumerate(_all_factors(features)):
        for fold, weight_f in zip(folds, by_fold, strict=True):
            if weight_f[f]:
                out_tn[fold.use] += weight_f[f] * np.nan_to_num(x_tn[fold.use], nan=0.0)
    return out_tn


def _write(
    kind: str,
    score_tn: FloatArray,
    features: FeatureSet,
    inputs: HighFrequencyInputs,
    folds: Sequence[Fold],
    seed: int,
    target: Path,
) -> None:
    rows, symbols, values, numbers = [], [], [], []
    for fold in folds:
        for t in fold.use.tolist():
            names_b = inputs.names(t)
            rows.append(np.full(len(names_b), t, dtype=np.int64))
            symbols.append(names_b)
            values.append(score_tn[t, names_b].astype(np.float32)[:, None])
            numbers.append(np.full(len(names_b), fold.index))
    frame = score_frame(features, (kind,), rows, symbols, values)
    frame.insert(2, "fold", np.concatenate(numbers))
    frame.insert(3, "seed", seed)
    target.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(target / f"{kind}.parquet", index=False)
