"""Many factors made one score: z-scores, signs, families, weights from trailing ICIR (SEMANTICS 10.6, METHOD 183).

Legend: `_dn` is [D grid dates, N industries], `_fdn` is [F families, D, N], `_df` is [D, F], `_d` is [D].
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.cross_section import zscore
from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.correlation import rank_ic
from fusion_factor.evaluation.statistics import ratio, std_of
from fusion_factor.industry.standardise import inverse_normal, mean_of_available

SCALES = ("zscore", "inverse_normal")

_LEAST_ICIR = 1e-12


def family_scores(
    factors: Mapping[str, FloatArray],
    families: Mapping[str, Sequence[str]],
    *,
    signs: Mapping[str, int] | None = None,
    clip: float = 3.0,
    scale: str = "zscore",
) -> FloatArray:
    """Mean of each family's available factors, z-scored over industries, clipped and signed. -> [F, D, N].

    Args:
        factors: name to values [D, N]. families: family to its factors. signs: factor to 1 or -1, 1 where not named.
        clip: largest |z-score|. scale: zscore, or inverse_normal, the normal quantiles of ranks (METHOD 182).
    """
    signs = {} if signs is None else signs
    checks.one_of(*SCALES)("scale", scale)
    scaled = inverse_normal if scale == "inverse_normal" else zscore
    scored = {
        name: np.clip(scaled(factors[name]), -clip, clip) * signs.get(name, 1)
        for name in dict.fromkeys(name for family in families.values() for name in family)
    }
    return np.array([mean_of_available([scored[name] for name in family]) for family in families.values()])


def icir_weights(
    family_fdn: FloatArray, label_dn: FloatArray, *, months: int = 24, min_months: int = 12, min_names: int = 10
) -> FloatArray:
    """Weight of each family at each grid date: its ICIR over the labels that have ended, 0 below zero. -> [D, F].

    Args:
        label_dn: return from each grid date to the next one. The label of date k has ended by date k + 1, so that the
            weights of date d read the dates before d alone.
        months: how many grid dates are looked back at. min_months: RankIC values that every family needs among them.
        min_names: industries that a RankIC needs.

    Returns: mean over standard deviation (ddof 1) of RankIC where above 1e-12, else 0; 1 for all families where one
        has too few values or all would be 0.
    """
    families, dates = family_fdn.shape[:2]
    ic_fd = np.array([rank_ic(each, label_dn, min_names=min_names) for each in family_fdn]).reshape(families, dates)
    weight_df = np.ones((dates, families))
    for date in range(dates):
        recent_f = [ic_d[np.isfinite(ic_d)] for ic_d in ic_fd[:, max(date - months, 0) : date]]
        if all(len(ic) >= min_months for ic in recent_f):
            icir_f = np.array([ratio(float(ic.mean()), std_of(ic)) if len(ic) else np.nan for ic in recent_f])
            good_f = icir_f > _LEAST_ICIR
            if good_f.any():
                weight_df[date] = np.where(good_f, icir_f, 0.0)
    return weight_df


def composite(family_fdn: FloatArray, weight_df: FloatArray | None = None, *, min_families: int = 1) -> FloatArray:
    """Weighted mean of each industry's available families. [F, D, N], [D, F] -> [D, N].

    Args:
        weight_df: weights >= 0; None: equal. min_families: available families that a value needs, whatever they weigh.

    Returns: NaN with too few families, or where those available weigh nothing. Missing is not zero.
    """
    families, dates, _ = family_fdn.shape
    weight_df = np.ones((dates, families)) if weight_df is None else weight_df
    total_dn, weight_dn = np.zeros(family_fdn.shape[1:]), np.zeros(family_fdn.shape[1:])
    for family, value_dn in enumerate(family_fdn):
        mine = np.where(np.isfinite(value_dn), weight_df[:, family, np.newaxis], 0.0)
        total_dn += mine * np.nan_to_num(value_dn, nan=0.0)
        weight_dn += mine
    enough = (np.isfinite(family_fdn).sum(axis=0) >= min_families) & (weight_dn > 0)
    return np.where(enough, total_dn / np.where(enough, weight_dn, 1.0), np.nan)
