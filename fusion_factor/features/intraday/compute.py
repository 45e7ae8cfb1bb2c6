"""From one session's bars to one row of factors a symbol.

Legend of axes: s symbol of the session, j bar, f factor.
"""

from collections.abc import Sequence

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday.catalogue import FACTORS, HUATAI27, KERNEL
from fusion_factor.features.intraday.day import Day, day_of
from fusion_factor.features.intraday.kernel import session_kernel
from fusion_factor.features.panel import Float32Array, FloatArray
from fusion_factor.market.hours import ASHARE, Hours
from fusion_factor.market.store import SessionBars

_FIELDS = ("open", "high", "low", "close", "volume", "amount")


def compute_factors(
    bars: SessionBars,
    names: Sequence[str] = HUATAI27,
    *,
    hours: Hours = ASHARE,
    early: int = 30,
    late: int = 30,
) -> FloatArray:
    """The named intraday factors of every symbol of a session, float64 [S, F], NaN where a rule of METHOD 90 says so.

    Uses the bars of that session alone, so a row is known at its close. Formulas: docs/factors.md.

    hours: when the market trades, and which auctions are bars of their own; the bars fill them at 1, 5 or 15 minutes a
    bar, or end early (a half session). early, late: minutes of the early and of the late window, 30, 60 or 120.
    Raises DataError when the number of bars fits none of these, or trade counts are asked for and not there;
    ConfigError for a name that is not made from bars.
    """
    unknown = [name for name in names if name not in KERNEL]
    if unknown:
        raise ConfigError(f"factor {unknown[0]!r} is not made from bars; there are {', '.join(KERNEL)}")
    fields = [_field(bars, name) for name in _FIELDS]
    for name, field in zip(_FIELDS, fields, strict=True):
        if field.ndim != 2 or field.shape != fields[0].shape:
            raise DataError(f"bars of {bars.session}: {name} is {field.shape}, open is {fields[0].shape}")
    try:
        day = day_of(fields[0].shape[1], hours, early, late)
    except DataError as error:
        raise DataError(f"bars of {bars.session}: {error}") from None
    wants_trades = any(FACTORS[name].tier == "bar+n" for name in names)
    if wants_trades and bars.trades is None:
        raise DataError(f"bars of {bars.session}: no trade counts, which a factor of tier bar+n needs")
    wants_open = any(FACTORS[name].group == "open" for name in names)
    trades = _field(bars, "trades") if wants_trades else fields[4]
    values_sf = _computed(fields, trades, wants_trades, wants_open, day)
    if tuple(names) == KERNEL:
        return values_sf
    return np.ascontiguousarray(values_sf[:, [KERNEL.index(name) for name in names]])


def _computed(fields: list[Float32Array], trades: Float32Array, wants_trades: bool, wants_open: bool, day: Day):  # type: ignore[no-untyped-def]
    values_sf = np.empty((fields[0].shape[0], len(KERNEL)))
    session_kernel(wants_trades, wants_open)(*fields, trades, day, values_sf)
    return values_sf


def _field(bars: SessionBars, name: str) -> Float32Array:
    return np.require(getattr(bars, name), np.float32, ("C", "W"))
