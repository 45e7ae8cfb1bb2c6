"""Daily bars on adjusted prices, and the weekly and monthly bars that end at each session (METHOD 1.5).

`rolling`: the weekly bar of session t covers the sessions t-4 .. t, the monthly bar t-19 .. t: nothing after t by
construction, and every bar has the same length. `calendar`: row t is the running bar of the week or month that t lies
in, from its first session to t; on the last session of a period that is the whole bar.

Prices are raw prices times the backward adjustment factor of their own session (so a later dividend moves nothing),
volume is shares divided by it, vwap is amount / adjusted volume.

Legend of axes in names: t session, n symbol, f field.
"""

from collections.abc import Callable
from dataclasses import dataclass

import bottleneck as bn
import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import valid_price
from fusion_factor.features.feature_set import FIELDS
from fusion_factor.features.panel import BoolArray, Float32Array, FloatArray, Panel
from fusion_factor.market.checks import column
from fusion_factor.market.store import Market

WEEK, MONTH = 5, 20
LENGTHS = {"daily": 1, "weekly": WEEK, "monthly": MONTH}
BARS_MODES = ("rolling", "calendar")
IntArray = npt.NDArray[np.int64]
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
    return _panel(
        bars, lambda join, x_tn: _rolling(join, x_tn, length), _lagged(bars.open, length - 1), market, new_values, name
    )


def calendar_panel(bars: DailyBars, frequency: str, market: Market, new_values: NewValues) -> Panel:
    """The panel of FIELDS whose row t is the running bar of t's calendar week or month: its sessions up to t.

    Volume and amount are those so far, not scaled to a full period (see `running_volume_scale`). NaN where the bar
    begins before the first trade; a period that the market's first session cuts is taken as it is. Source: METHOD 35.
    """
    first_t = _period_starts(market.sessions, frequency)
    opened = bars.open[first_t]
    return _panel(bars, lambda join, x_tn: _running(join, x_tn, first_t), opened, market, new_values, frequency)


Join = Callable[[np.ufunc, FloatArray], FloatArray]


def _panel(
    bars: DailyBars, joined: Join, opened: FloatArray, market: Market, new_values: NewValues, name: str
) -> Panel:
    """Bars from the sessions that `joined` puts together and the open of the first of them."""
    shape = bars.close.shape
    volume = joined(np.add, bars.volume)
    amount = joined(np.add, bars.amount)
    close = np.where(np.isfinite(volume), bars.close, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        vwap = np.where(volume > 0, amount / volume, close)
    fields = {
        "open": lambda: opened,
        "high": lambda: joined(np.maximum, bars.high),
        "low": lambda: joined(np.minimum, bars.low),
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


def _running(join: np.ufunc, values_tn: FloatArray, first_t: IntArray) -> FloatArray:
    """Join the rows from first_t[t] up to each row t, oldest first; NaN where one is missing."""
    out = values_tn.copy()
    for t in np.flatnonzero(first_t < np.arange(len(first_t))):
        join(out[t - 1], values_tn[t], out=out[t])
    return out


def periods(sessions: npt.NDArray[np.datetime64], frequency: str) -> IntArray:
    """The number of the calendar day, week (from Monday) or month of each session [T], increasing, gaps included."""
    days = np.asarray(sessions, dtype="datetime64[D]")
    if frequency == "daily":
        return days.astype(np.int64)
    if frequency == "weekly":
        return (days.astype(np.int64) + 3) // 7  # day 0 is a Thursday
    return days.astype("datetime64[M]").astype(np.int64)


def _period_starts(sessions: npt.NDArray[np.datetime64], frequency: str) -> IntArray:
    """The row of the first session of each session's period [T]."""
    of_t = periods(sessions, frequency)
    return np.searchsorted(of_t, of_t).astype(np.int64)


def rows_between(frequency: str, mode: str) -> int | None:
    """How many rows of its panel two neighbouring bars of a window are apart; None where it varies."""
    return LENGTHS[frequency] if mode == "rolling" or frequency == "daily" else None


def bar_rows(sessions: npt.NDArray[np.datetime64], frequency: str, mode: str, bars: int) -> IntArray:
    """The rows of a frequency's panel that are the last `bars` bars at each session, oldest first: [T, bars].

    Rolling: t - length * k, k steps back. Calendar: t itself, the running bar, and the last session of each period
    before; a period without sessions has no bar. Less than 0 before the first bar. Every row is <= t.
    """
    steps_k = np.arange(bars - 1, -1, -1)
    apart = rows_between(frequency, mode)
    if apart is not None:
        return np.arange(len(sessions))[:, None] - apart * steps_k
    first_t = _period_starts(sessions, frequency)
    last_p = np.append(np.unique(first_t)[1:], len(sessions)) - 1  # of each period that has sessions
    period_tk = np.searchsorted(last_p, np.arange(len(sessions)))[:, None] - steps_k
    rows_tk = np.where(period_tk >= 0, last_p[np.maximum(period_tk, 0)], -1)
    rows_tk[:, -1] = np.arange(len(sessions))
    return rows_tk


def running_volume_scale(sessions: npt.NDArray[np.datetime64], frequency: str, mode: str) -> FloatArray:
    """What the volume of the running bar is multiplied by at each session [T]: sessions of a full period, 5 or 20, over
    those so far. 1 for rolling bars. The bars before it keep the volume they had. Source: METHOD 35.
    """
    if rows_between(frequency, mode) is not None:
        return np.ones(len(sessions))
    so_far_t = np.arange(len(sessions)) - _period_starts(sessions, frequency) + 1
    return LENGTHS[frequency] / so_far_t
