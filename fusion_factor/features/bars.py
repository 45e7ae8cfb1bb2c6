"""Daily bars on adjusted prices, and the weekly and monthly bars that end at each session (METHOD 1.5, rolling).

The weekly bar of session t covers the sessions t-4 .. t, the monthly bar t-19 .. t: nothing after t by construction,
and every bar has the same length. Prices are raw prices times the backward adjustment factor of their own session (so a
later dividend moves nothing), volume is shares divided by it, vwap is amount / adjusted volume.

Legend of axes in names: t session, n symbol, f field.
"""

from collections.abc import Callable
from dataclasses import dataclass

import bottleneck as bn
import numpy as np

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import valid_price
from fusion_factor.features.feature_set import FIELDS
from fusion_factor.features.panel import BoolArray, Float32Array, FloatArray, Panel
from fusion_factor.market.checks import column
from fusion_factor.market.store import Market

WEEK, MONTH = 5, 20
NewValues = Callable[[str, tuple[int, int, int]], Float32Array]


@dataclass(frozen=True)
class DailyBars:
    """Adjusted daily bars [T, N] float64.

    open, high, low, close, vwap in CNY times the adjustment factor; volume in shares divided by it; amount in CNY.
    traded: the session had volume and a valid close. A session without trade carries the last traded close in all five
    prices, with volume and amount 0; before the first trade all is NaN. An amount that is not known stands as volume
    times the typical price (o + h + l + c) / 4, so that vwap is the typical price there.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    vwap: FloatArray
    volume: FloatArray
    amount: FloatArray
    traded: BoolArray


def adjustment(market: Market) -> FloatArray:
    """Backward adjustment factor [T, N]: 1 without such a column; an empty field takes the latest earlier value."""
    factor = column(market, "adj_factor")
    if factor is None:
        return np.ones((len(market.sessions), len(market.symbols)))
    return bn.push(factor.astype(np.float64), axis=0)


def daily_bars(market: Market) -> DailyBars:
    """The market's adjusted daily bars; DataError when `stock_prices` has no volume."""
    raw_volume = column(market, "volume")
    if raw_volume is None:
        raise DataError("stock_prices: column volume is not there; a session without it cannot be told from a halt")
    close, factor = market.dense("close"), adjustment(market)
    traded = valid_price(close) & (raw_volume > 0) & np.isfinite(raw_volume) & (factor > 0)
    factor = np.where(traded, factor, np.nan)
    last = bn.push(close * factor, axis=0)

    def price(name: str, fallback: FloatArray) -> FloatArray:
        raw = column(market, name)
        if raw is None:
            return fallback
        adjusted = raw * factor
        return np.where(traded, np.where(valid_price(adjusted), adjusted, fallback), last)

    open_ = price("open", last)
    high = np.maximum(price("high", open_), np.maximum(open_, last))
    low = np.minimum(price("low", open_), np.minimum(open_, last))
    known = np.isfinite(last)
    volume = np.where(traded, raw_volume / factor, np.where(known, 0.0, np.nan))
    typical = (open_ + high + low + last) / 4
    known_amount = column(market, "amount")
    amount = volume * typical
    if known_amount is not None:
        amount = np.where(valid_price(known_amount), known_amount, amount)
    amount = np.where(traded, amount, np.where(known, 0.0, np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        vwap = np.where(traded, amount / volume, last)
    return DailyBars(open_, high, low, last, vwap, volume, amount, traded)


def rolling_panel(bars: DailyBars, length: int, market: Market, new_values: NewValues, name: str) -> Panel:
    """The panel of FIELDS whose row t is the bar of the sessions t-length+1 .. t (length 1: the daily bars).

    NaN where the bar begins before the first trade or the first session. `valid`: the bar has trades.
    `new_values(name, shape)` gives the array to fill, in memory or on disk.
    """
    shape = bars.close.shape
    volume = _rolling(np.add, bars.volume, length)
    amount = _rolling(np.add, bars.amount, length)
    close = np.where(np.isfinite(volume), bars.close, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        vwap = np.where(volume > 0, amount / volume, close)
    fields = {
        "open": lambda: _lagged(bars.open, length - 1),
        "high": lambda: _rolling(np.maximum, bars.high, length),
        "low": lambda: _rolling(np.minimum, bars.low, length),
        "close": lambda: close,
        "vwap": lambda: vwap,
        "volume": lambda: volume,
    }
    values_tnf = new_values(name, (*shape, len(FIELDS)))
    for f, field in enumerate(FIELDS):
        values_tnf[:, :, f] = fields[field]()
    return Panel(values_tnf, volume > 0, market.sessions, market.symbols, FIELDS)


def _lagged(values_tn: FloatArray, sessions: int) -> FloatArray:
    """The row `sessions` before each row; NaN where there is none."""
    if sessions == 0:
        return values_tn
    out = np.full(values_tn.shape, np.nan)
    out[sessions:] = values_tn[:-sessions]
    return out


def _rolling(join: np.ufunc, values_tn: FloatArray, length: int) -> FloatArray:
    """Join the last `length` rows up to each row, oldest first; NaN where one is missing. Sums the rows themselves, not
    differences of running sums, so that a row's bits depend on its own sessions alone."""
    out = np.full(values_tn.shape, np.nan)
    last = len(values_tn) - length + 1
    if last <= 0:
        return out
    joined = values_tn[:last].copy()
    for k in range(1, length):
        join(joined, values_tn[k : k + last], out=joined)
    out[length - 1 :] = joined
    return out
