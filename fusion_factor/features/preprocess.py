"""Factors to network inputs, each session and factor by itself: clip, neutralise, standardise, fill (METHOD 1.3).

Over the names of the mask alone: clip at median +- k * 1.4826 * MAD; residual of least squares on industry dummies and
ln(cap); z-score (ddof 0); missing values 0. A name without an industry stands in a group of its own kind ("none"); a
name without a cap takes the median of the session's logarithms.

Legend of axes in names: t session, n symbol, f factor, g group.
"""

from dataclasses import dataclass

import bottleneck as bn
import numpy as np
import numpy.typing as npt

from fusion_factor.core.cross_section import mad_clip, residual, zscore
from fusion_factor.core.errors import DataError
from fusion_factor.core.spells import governing
from fusion_factor.features.panel import BoolArray, Float32Array, FloatArray
from fusion_factor.market.store import Market


@dataclass(frozen=True)
class Regressors:
    """What is taken out of the factors: group numbers int32 [T, N] and ln(cap) float64 [T, N]; None: not taken out."""

    group_tn: npt.NDArray[np.int32] | None
    log_cap_tn: FloatArray | None


def regressors(market: Market, neutralize: list[str]) -> tuple[Regressors, list[str]]:
    """The regressors the market has of those asked for, and warnings for those it has not. Row t uses dates <= t."""
    group_tn, log_cap_tn, warnings = None, None, []
    if "industry" in neutralize:
        if market.has("industry"):
            group_tn, names = governing(market.table("industry"), "industry", market.sessions, market.symbols)
            group_tn = np.where(group_tn < 0, len(names), group_tn).astype(np.int32)
        else:
            warnings.append("no table industry: factors are not neutralised by industry")
    if "cap" in neutralize:
        if market.has("caps"):
            log_cap_tn = latest_log_cap(market)
        else:
            warnings.append("no table caps: factors are not neutralised by size")
    return Regressors(group_tn, log_cap_tn), warnings


def latest_log_cap(market: Market) -> FloatArray:
    """ln of the latest cap dated t or before, [T, N] float64; NaN where there is none."""
    caps_tn = market.caps_tn
    if caps_tn is None:
        raise DataError("caps: the table is not there, so size cannot be taken out of the factors")
    return np.log(caps_tn)


def standardise(raw_tnf: FloatArray, mask_tn: BoolArray, taken_out: Regressors, mad_k: float) -> Float32Array:
    """Clip, neutralise, z-score and fill a block of sessions. [T, N, F] -> [T, N, F] float32, missing and masked 0."""
    values = np.where(mask_tn[:, :, None], raw_tnf, np.nan).astype(np.float64)
    values = mad_clip(values, mad_k)
    if taken_out.group_tn is not None or taken_out.log_cap_tn is not None:
        log_cap_tn = taken_out.log_cap_tn
        if log_cap_tn is not None:
            log_cap_tn = fill_with_median(log_cap_tn, mask_tn)
        values = residual(values, taken_out.group_tn, log_cap_tn)
    return np.nan_to_num(zscore(values, mask_tn), nan=0.0).astype(np.float32)


def fill_with_median(values_tn: FloatArray, mask_tn: BoolArray) -> FloatArray:
    """Missing values of the mask's names take the median of the mask's names of the session; 0 where none is known."""
    inside = np.where(mask_tn, values_tn, np.nan)
    median = np.full(len(inside), np.nan)
    some = np.isfinite(inside).any(axis=1)
    median[some] = bn.nanmedian(inside[some], axis=1)
    return np.where(np.isfinite(values_tn), values_tn, np.nan_to_num(median, nan=0.0)[:, None])


def block_of(taken_out: Regressors, rows: slice) -> Regressors:
    """The regressors of some sessions."""
    return Regressors(
        None if taken_out.group_tn is None else taken_out.group_tn[rows],
        None if taken_out.log_cap_tn is None else taken_out.log_cap_tn[rows],
    )
