"""From one session's trades and orders to one row of exact factors a symbol.

Legend of axes: s symbol of the session, f factor.
"""

from collections.abc import Sequence

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday.catalogue import LEVEL2
from fusion_factor.features.level2.kernel import factor_kernel, sample_kernel, statistics_kernel
from fusion_factor.features.level2.threshold import NONE, SAMPLE, FloatArray, OrderStatistics
from fusion_factor.market.level2 import SessionTicks

EARLY_MINUTES = 30


def order_statistics(ticks: SessionTicks, limits: FloatArray | None = None) -> OrderStatistics:
    """What later sessions need of this one to know its big orders; see OrderStatistics.

    limits: float64 [S, 2], lowest and highest price allowed in cents, 0 where there is none; trades of minutes locked
    at one of them do not count (METHOD 93). None: no limits are known.
    """
    values_s3 = np.zeros((len(ticks.symbols), 3))
    sample_sk = np.full((len(ticks.symbols), SAMPLE), NONE)
    if len(ticks.symbols):
        statistics_kernel()(ticks.trades, ticks.trade_first, _limits(ticks, limits), values_s3)
        sample_kernel()(ticks.trades, ticks.trade_first, sample_sk)
    return OrderStatistics(ticks.symbols, values_s3, sample_sk)


def compute_level2(
    ticks: SessionTicks,
    threshold: FloatArray,
    names: Sequence[str] = LEVEL2,
    *,
    limits: FloatArray | None = None,
    early_minutes: int = EARLY_MINUTES,
) -> FloatArray:
    """The named exact factors of every symbol of a session, float64 [S, F], NaN where a rule of METHOD 90 says so.

    threshold: float64 [S] in CNY, from `big_order_threshold` over sessions BEFORE this one (anything later would look
    ahead); NaN: the four factors of big orders are missing. limits: as for `order_statistics`. early_minutes: length of
    the window E from 9:30. A row is known at the session's close. Raises ConfigError for a name that is no level-2
    factor, DataError for a threshold of another length.
    """
    unknown = [name for name in names if name not in LEVEL2]
    if unknown:
        raise ConfigError(f"factor {unknown[0]!r} is no level-2 factor; there are {', '.join(LEVEL2)}")
    if threshold.shape != (len(ticks.symbols),):
        raise DataError(f"ticks of {ticks.session}: threshold is {threshold.shape}, must be ({len(ticks.symbols)},)")
    values_sf = np.full((len(ticks.symbols), len(LEVEL2)), np.nan)
    if len(ticks.symbols):
        factor_kernel()(
            ticks.trades, ticks.trade_first, ticks.orders, ticks.order_first, ticks.resting_only,
            _limits(ticks, limits), np.ascontiguousarray(threshold, np.float64), early_minutes, values_sf,
        )  # fmt: skip
    return values_sf[:, [LEVEL2.index(name) for name in names]]


def _limits(ticks: SessionTicks, limits: FloatArray | None) -> FloatArray:
    shape = (len(ticks.symbols), 2)
    if limits is None:
        return np.zeros(shape)
    if limits.shape != shape:
        raise DataError(f"ticks of {ticks.session}: limits are {limits.shape}, must be {shape}")
    return np.ascontiguousarray(limits, np.float64)
