"""Factor domains: the same factors weighted otherwise in other parts of the market (METHOD 184 and 185).

The idea's name is published, its content is not: these are our readings.

Legend: `_dn` is [D grid dates, N industries], `_fdn` is [F families, D, N], `_df` is [D, F], `_n` is [N].
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import FloatArray, IntArray, relative_between
from fusion_factor.evaluation.correlation import rank_ic
from fusion_factor.evaluation.layers import parts
from fusion_factor.industry.composite import composite
from fusion_factor.industry.data import IndustryData

TERCILES = 3


def group_numbers(codes: Sequence[str], groups: Mapping[str, Sequence[str]]) -> IntArray:
    """Group of each industry, in the order of `groups`; one more group for those that none names. -> [N].

    A name that is not in the pool is left aside: groups are written for a whole classification.
    Raises: ConfigError for an industry in two groups.

    >>> group_numbers(["bank", "coal", "chip"], {"cyclical": ["coal", "steel"], "growth": ["chip"]}).tolist()
    [2, 0, 1]
    """
    found: dict[str, int] = {}
    for number, (group, names) in enumerate(groups.items()):
        for name in names:
            if name in found:
                raise ConfigError(f"groups: {name} is in {list(groups)[found[name]]} and in {group}")
            found[name] = number
    return np.array([found.get(code, len(groups)) for code in codes], np.int64)


def domain_composite(
    family_fdn: FloatArray,
    label_dn: FloatArray,
    group_n: IntArray,
    *,
    months: int = 36,
    min_months: int = 24,
    min_names: int = 10,
    min_group: int = 5,
) -> FloatArray:
    """Mean of the families, weighted within each group by half the pool's and half the group's past RankIC. -> [D, N].

    Args:
        label_dn: return to the next grid date. The weights of date d read the labels of the dates before d, which have
            ended by then.
        group_n: group of each industry. months: dates looked back at. min_months: values that every RankIC needs among
            them, else the group's weights are equal (as they are when none is above 0).
        min_names, min_group: industries that a date's RankIC needs, of the pool and of the group.

    Source: METHOD 184, `domain`.
    """
    families, dates, names = family_fdn.shape
    pool_fd = np.array([rank_ic(each, label_dn, min_names=min_names) for each in family_fdn]).reshape(families, dates)
    out_dn = np.full((dates, names), np.nan)
    for group in np.unique(group_n):
        mine = group_n == group
        group_fd = np.array([rank_ic(each[:, mine], label_dn[:, mine], min_names=min_group) for each in family_fdn])
        weight_df = np.ones((dates, families))
        for date in range(dates):
            past = slice(max(date - months, 0), date)
            weight_df[date] = _weights(pool_fd[:, past], group_fd.reshape(families, dates)[:, past], min_months)
        out_dn[:, mine] = composite(family_fdn[:, :, mine], weight_df)
    return out_dn


def _weights(pool_fm: FloatArray, group_fm: FloatArray, least: int) -> FloatArray:
    """Weights of one date from the past months' RankIC [F, M] of pool and group."""
    counts = np.concatenate([np.isfinite(each).sum(axis=1) for each in (pool_fm, group_fm)])
    if counts.min(initial=least) < least or not pool_fm.shape[1]:
        return np.ones(len(pool_fm))
    weight_f = np.maximum(0.5 * np.nanmean(pool_fm, axis=1) + 0.5 * np.nanmean(group_fm, axis=1), 0.0)
    return weight_f if weight_f.any() else np.ones(len(pool_fm))


def momentum_domain(technical_dn: FloatArray, fundamental_dn: FloatArray, past_dn: FloatArray) -> FloatArray:
    """The technical score in the tercile of the highest past momentum, the fundamental one in the rest. -> [D, N].

    Args:
        past_dn: past momentum, such as `long_momentum`; an industry without it has no value, and neither has one
            without the score of its part.

    Source: METHOD 184, `momdomain`, after SWF4.
    """
    part_dn = parts(past_dn, TERCILES)
    return np.where(part_dn == TERCILES - 1, technical_dn, np.where(part_dn >= 0, fundamental_dn, np.nan))


def long_momentum(data: IndustryData, *, sessions: int = 250, skipped: int = 20) -> FloatArray:
    """Return of the last `sessions` sessions without the last `skipped` ones: 12-1 months. -> [D, N], a fraction."""
    checks.count()("skipped", skipped)
    checks.count(skipped + 1)("sessions", sessions)
    return relative_between(data.close_tn, data.positions_d - sessions, data.positions_d - skipped)
