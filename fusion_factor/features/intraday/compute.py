"""From one session's bars to one row of factors a symbol.

Legend of axes: s symbol of the session, j bar, f factor.
"""

from collections.abc import Sequence

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday.catalogue import FACTORS, HUATAI27, KERNEL
from fusion_factor.features.intraday.kernel import session_kernel
from fusion_factor.features.intraday.row import DAYS
from fusion_factor.features.panel import Float32Array, FloatArray
from fusion_factor.market.store import SessionBars

_FIELDS = ("open", "high", "low", "close", "volume", "amount")


def compute_factors(bars: SessionBars, names: Sequence[str] = HUATAI27) -> FloatArray:
    """The named intraday factors of every symbol of a session, float64 [S, F], NaN where a rule of METHOD 90 says so.

    Uses the bars of that session alone, so a row is known at its close. Formulas: docs/factors.md. Raises DataError
    when the bars are not [S, 240], [S, 48] or [S, 16], or trade counts are asked for and not there; ConfigError for a
    name that is not in the catalogue.
    """
    unknown = [name for name in names if name not in KERNEL]
    if unknown:
        raise ConfigError(f"factor {unknown[0]!r} is not made from bars; there are {', '.join(KERNEL)}")
    fields = [_field(bars, name) for name in _FIELDS]
    if fields[0].ndim != 2 or fields[0].shape[1] not in DAYS:
        raise DataError(f"bars of {bars.session}: shape {fields[0].shape}, must be 240, 48 or 16 bars a symbol")
    for name, field in zip(_FIELDS, fields, strict=True):
        if field.shape != fields[0].shape:
            raise DataError(f"bars of {bars.session}: {name} is {field.shape}, open is {fields[0].shape}")
    wants_trades = any(FACTORS[name].tier == "bar+n" for name in names)
    if wants_trades and bars.trades is None:
        raise DataError(f"bars of {bars.session}: no trade counts, which a factor of tier bar+n needs")
    trades = _field(bars, "trades") if wants_trades else fields[4]
    values_sf = np.empty((fields[0].shape[0], len(KERNEL)))
    session_kernel()(*fields, trades, wants_trades, DAYS[fields[0].shape[1]], values_sf)
    if tuple(names) == KERNEL:
        return values_sf
    return np.ascontiguousarray(values_sf[:, [KERNEL.index(name) for name in names]])


def _field(bars: SessionBars, name: str) -> Float32Array:
    return np.require(getattr(bars, name), np.float32, ("C", "W"))
