"""How crowded the trade in an industry is (SEMANTICS 10.2; METHOD 180 beside it).

Legend: `_tn` is [T sessions, N industries], `_dn` is [D grid dates, N]; `_q` is a place in the lookback, `_w` one in
the short window. Everything at a date is a function of closes and amounts up to it.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.cross_section import paper, pearson
from fusion_factor.core.labels import FloatArray, IntArray, valid_price
from fusion_factor.evaluation.statistics import ZERO_STD
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.standardise import mean_of_available

SHORT_WINDOW = 20
LONG_WINDOW = 60

_BLOCK_CELLS = 2_000_000


def crowding(data: IndustryData, *, lookback: int = 250, min_values: int = 60) -> FloatArray:
    """Mean percentile of an industry's amount share, volatility and price-amount correlation. -> [D, N] in (0, 1).

    Sign: near 1 where all three stand high in the industry's own history, a crowded trade.

    Args:
        data: with index_prices and their amounts (any unit, the same for all).
        lookback: sessions of history, the grid date's included. min_values: values that a percentile needs.

    Returns: NaN where no component has a percentile.
    Raises: DataError without a column amount.
    Source: SEMANTICS 10.2.
    """
    checks.count()("crowding_lookback", lookback)
    checks.count()("min_crowding", min_values)
    return mean_of_available(
        [
            own_percentile(part_tn, data.positions_d, lookback=lookback, min_values=min_values)
            for part_tn in crowding_components(data.close_tn, data.amount_tn)
        ]
    )


class PublishedCrowding(NamedTuple):
    """`mean_dn`: mean of the available percentiles [D, N]; `percentiles_kdn`: each of the four [4, D, N]."""

    mean_dn: FloatArray
    percentiles_kdn: FloatArray


def published_crowding(data: IndustryData, *, lookback: int = 750, min_values: int = 250) -> PublishedCrowding:
    """Percentiles of amount, amount share, volatility and distance to the 60-session mean in an industry's history.

    An option beside SEMANTICS' `crowding`. The 20-session mean amount stands in for the turnover that the source means:
    an index has no free-float value, and a percentile in its own history forgives a constant.

    Args:
        data: with index_prices and their amounts. lookback, min_values: as for `crowding`.

    Source: METHOD 180, after a published pattern of four measures.
    """
    checks.count()("lookback", lookback)
    checks.count()("min_values", min_values)
    close_tn = data.close_tn
    measures = (
        _trailing_mean(data.amount_tn, SHORT_WINDOW),
        mean_share(data.amount_tn, SHORT_WINDOW),
        _return_std(close_tn),
        close_tn / _trailing_mean(close_tn, LONG_WINDOW) - 1.0,
    )
    ranks = [own_percentile(each, data.positions_d, lookback=lookback, min_values=min_values) for each in measures]
    return PublishedCrowding(mean_of_available(ranks), np.array(ranks))


def crowding_components(close_tn: FloatArray, amount_tn: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Over the last 20 sessions: mean share of all amounts, std of returns, correlation of close and amount. [T, N].

    A value needs every session of its window: 20 amounts, 21 closes, 20 closes and amounts.
    """
    close_tn = np.where(valid_price(close_tn), close_tn, np.nan)
    return (
        mean_share(amount_tn, SHORT_WINDOW),
        _return_std(close_tn),
        _close_amount_correlation(close_tn, amount_tn),
    )


def mean_share(amount_tn: FloatArray, window: int) -> FloatArray:
    """Share of the amounts of all industries that have one, mean over `window` sessions. [T, N] -> [T, N]."""
    total_t1 = np.nansum(amount_tn, axis=1, keepdims=True)
    share_tn = np.divide(amount_tn, total_t1, out=np.full_like(amount_tn, np.nan), where=total_t1 > 0)
    return _trailing_mean(share_tn, window)


def own_percentile(values_tn: FloatArray, positions_d: IntArray, *, lookback: int, min_values: int) -> FloatArray:
    """Percentile rank of each name's value among its own of the last `lookback` sessions. [T, N], [D] -> [D, N].

    (Number smaller + half the number equal, itself included) over the number of values, compared as in SEMANTICS 12;
    NaN without a value at the date or with fewer than `min_values` values.
    """
    history_tn = np.concatenate([np.full((lookback - 1, values_tn.shape[1]), np.nan), values_tn])
    # window of the session at position t: rows t .. t + lookback - 1 of the longer history
    windows_tnq = sliding_window_view(history_tn, lookback, axis=0)
    out_dn = np.full((len(positions_d), values_tn.shape[1]), np.nan)
    step = max(1, _BLOCK_CELLS // max(1, lookback * values_tn.shape[1]))
    for first in range(0, len(positions_d), step):
        window_dnq = paper(windows_tnq[positions_d[first : first + step]])
        last_dn1 = window_dnq[:, :, -1:]
        count_dn = np.isfinite(window_dnq).sum(axis=2)
        below_dn = (window_dnq < last_dn1).sum(axis=2) + 0.5 * (window_dnq == last_dn1).sum(axis=2)
        enough = (count_dn >= min_values) & np.isfinite(last_dn1[:, :, 0])
        out_dn[first : first + step] = np.where(enough, below_dn / np.maximum(count_dn, 1), np.nan)
    return out_dn


def _trailing_mean(values_tn: FloatArray, window: int) -> FloatArray:
    """Mean of the last `window` sessions, NaN where one is missing."""
    out_tn = np.full_like(values_tn, np.nan)
    if len(out_tn) >= window:
        out_tn[window - 1 :] = sliding_window_view(values_tn, window, axis=0).mean(axis=2)
    return out_tn


def _return_std(close_tn: FloatArray) -> FloatArray:
    out_tn = np.full_like(close_tn, np.nan)
    if len(close_tn) > SHORT_WINDOW:
        returns_tn = close_tn[1:] / close_tn[:-1] - 1.0
        std_tn = sliding_window_view(returns_tn, SHORT_WINDOW, axis=0).std(axis=2, ddof=1)
        out_tn[SHORT_WINDOW:] = np.where(std_tn < ZERO_STD, 0.0, std_tn)
    return out_tn


def _close_amount_correlation(close_tn: FloatArray, amount_tn: FloatArray) -> FloatArray:
    out_tn = np.full_like(close_tn, np.nan)
    if len(close_tn) >= SHORT_WINDOW:
        complete_tn = np.where(np.isfinite(amount_tn), close_tn, np.nan)
        closes = sliding_window_view(complete_tn, SHORT_WINDOW, axis=0)
        amounts = sliding_window_view(amount_tn, SHORT_WINDOW, axis=0)
        full = np.isfinite(closes).all(axis=2)
        out_tn[SHORT_WINDOW - 1 :][full] = pearson(closes[full], amounts[full])
    return out_tn
