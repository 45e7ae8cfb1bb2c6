"""From the top layer of the text factor to few names, by a second factor (METHOD 4.8).

Legend: g date of the grid, n symbol, t session.
"""

from collections.abc import Mapping

import bottleneck as bn
import numpy as np

from fusion_factor.core.cross_section import zscore
from fusion_factor.core.labels import price_relative, valid_price
from fusion_factor.evaluation.layers import parts

VOLATILITY_SESSIONS, BIAS_LONG = 120, 480
BIAS_SHORT = {"turnover_bias_1m": 20, "turnover_bias_3m": 60}
SIMPLE_FACTORS = ("volatility_6m", "ln_price", *BIAS_SHORT)
"""Those of METHOD 156 that prices, volumes and caps give."""


def top_layer(factor_gn: np.ndarray, layers: int, least: int = 0) -> np.ndarray:
    """The names of the best of `layers` equal layers, bool [G, N]; ties in symbol order.

    least: a smaller layer is filled up with the next best names, as far as there are any; 0: never.
    """
    top_gn = parts(factor_gn, layers) == layers - 1
    if least:
        # with n names n layers are ranks, whatever n is
        order = np.argsort(np.where(np.isfinite(factor_gn), -factor_gn, np.inf), axis=1, kind="stable")
        best = np.zeros(factor_gn.shape, bool)
        np.put_along_axis(best, order[:, :least], True, axis=1)
        few = top_gn.sum(axis=1) < least
        top_gn = np.where(few[:, None], best & np.isfinite(factor_gn), top_gn)
    return top_gn


def simple_factors(
    close_tn: np.ndarray, raw_close_tn: np.ndarray, turnover_tn: np.ndarray | None, at_g: np.ndarray
) -> dict[str, np.ndarray]:
    """Each of `SIMPLE_FACTORS` that can be made, [G, N], known at the sessions `at_g`; NaN where its window has holes.

    Args:
        close_tn: adjusted closes [T, N], NaN where a name did not trade. raw_close_tn: unadjusted closes.
        turnover_tn: value traded over float cap [T, N]; None: without the two turnover biases.
        at_g: positions of the sessions; nothing after them is read.

    volatility_6m: standard deviation (ddof 1) of the session returns of the last 120 sessions, at least half of them
    there. ln_price: ln of the raw close. turnover_bias: mean turnover of the last 20 or 60 sessions over that of the
    last 480, less 1, each mean over at least half of its sessions.
    """
    returns_tn = price_relative(close_tn, -1, 0)
    spread_tn = bn.move_std(returns_tn, VOLATILITY_SESSIONS, min_count=VOLATILITY_SESSIONS // 2, axis=0, ddof=1)
    found = {"volatility_6m": spread_tn[at_g]}
    raw_gn = raw_close_tn[at_g]
    found["ln_price"] = np.log(np.where(valid_price(raw_gn), raw_gn, np.nan))
    if turnover_tn is not None:
        long_gn = bn.move_mean(turnover_tn, BIAS_LONG, min_count=BIAS_LONG // 2, axis=0)[at_g]
        for name, window in BIAS_SHORT.items():
            short_gn = bn.move_mean(turnover_tn, window, min_count=window // 2, axis=0)[at_g]
            with np.errstate(divide="ignore", invalid="ignore"):
                found[name] = np.where(long_gn > 0, short_gn / long_gn - 1.0, np.nan)
    return found


def combined(factors: Mapping[str, np.ndarray], signs: Mapping[str, float], within_gn: np.ndarray) -> np.ndarray:
    """The mean of each name's z-scores times their signs over the names `within_gn`, [G, N]; over those it has."""
    scaled = np.stack([signs[name] * zscore(values_gn, within_gn) for name, values_gn in factors.items()])
    there = np.isfinite(scaled)
    count_gn = there.sum(axis=0)
    total_gn = np.where(there, scaled, 0.0).sum(axis=0)
    return np.where(count_gn > 0, total_gn / np.maximum(count_gn, 1), np.nan)


def refined(top_gn: np.ndarray, second_gn: np.ndarray) -> np.ndarray:
    """Scores [G, N] by which the names of the top layer are picked: the second factor's; NaN outside of the layer.

    A name of the layer without it comes after all others of it, so that the layer still fills the portfolio.
    """
    there_gn = top_gn & np.isfinite(second_gn)
    lowest_g = np.where(there_gn, second_gn, np.inf).min(axis=1, initial=np.inf)
    last_g = np.where(np.isfinite(lowest_g), lowest_g - 1.0, 0.0)
    return np.where(there_gn, second_gn, np.where(top_gn, last_g[:, None], np.nan))
