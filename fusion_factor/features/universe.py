"""Who is in the universe, who has inputs, and who has a label: the masks, each [T, N].

`universe`, `has_hf` and `has_lf` at row t are functions of tables dated <= t. `has_label` and the label look ahead by
the label's end; they decide what enters a loss or an evaluation, never who gets a score.

Legend of axes in names: t session, n symbol.
"""

import numpy as np
import numpy.typing as npt

from fusion_factor.core.labels import price_relative, valid_price
from fusion_factor.core.limits import PriceLimits, blocked
from fusion_factor.core.spells import cover
from fusion_factor.features.bars import DailyBars, adjustment, bar_rows, rows_between
from fusion_factor.features.config import FeatureConfig
from fusion_factor.features.panel import BoolArray, FloatArray, Panel
from fusion_factor.market.checks import column
from fusion_factor.market.store import Market

IntArray = npt.NDArray[np.int64]


def universe(market: Market, bars: DailyBars, min_listed: int) -> BoolArray:
    """Listed for `min_listed` sessions, not under special treatment, not delisted, and traded at t. Known at t."""
    keep = bars.traded & (sessions_listed(market, bars) >= min_listed)
    if market.has("st"):
        keep &= ~cover(market.table("st"), market.sessions, market.symbols)
    return keep & ~delisted(market)


def sessions_listed(market: Market, bars: DailyBars) -> IntArray:
    """Number of sessions from listing to t, t included; 0 before.

    Counted from `list_date` where it is known (weekdays before the market's first session count as sessions), else from
    the first session with a trade.
    """
    count = len(market.sessions)
    first_trade = np.where(bars.traded.any(axis=0), bars.traded.argmax(axis=0), count)
    listed = _stock_dates(market, "list_date")
    known = ~np.isnat(listed)
    start = np.where(known, np.searchsorted(market.sessions, listed), first_trade)
    if count:
        early = known & (listed < market.sessions[0])
        start[early] = -np.busday_count(listed[early], market.sessions[0])
    return np.maximum(np.arange(count)[:, None] - start + 1, 0)


def delisted(market: Market) -> BoolArray:
    """Whether the symbol's `delist_date` is at t or before."""
    dates = _stock_dates(market, "delist_date")
    start = np.where(np.isnat(dates), len(market.sessions), np.searchsorted(market.sessions, dates))
    return np.arange(len(market.sessions))[:, None] >= start


def _stock_dates(market: Market, column: str) -> npt.NDArray[np.datetime64]:
    """A date column of `stocks` on the market's symbols [N], NaT where it is not known."""
    dates = np.full(len(market.symbols), np.datetime64("NaT"), dtype="datetime64[D]")
    if market.has("stocks"):
        stocks = market.table("stocks")
        by_symbol = dict(zip(stocks["symbol"], stocks[column].to_numpy().astype("datetime64[D]"), strict=True))
        for n, symbol in enumerate(market.symbols):
            dates[n] = by_symbol.get(symbol, dates[n])
    return dates


def recent_count(flags_tn: BoolArray, window: int, step: int = 1) -> IntArray:
    """How many of the rows t, t-step, ..., t-(window-1)*step are set; rows before the first are not set."""
    out = np.zeros(flags_tn.shape, np.int64)
    for k in range(window):
        lag = k * step
        out[lag:] += flags_tn[: len(flags_tn) - lag] if lag < len(flags_tn) else 0
    return out


def has_low_frequency(
    universe_tn: BoolArray, daily: Panel, weekly: Panel, monthly: Panel, config: FeatureConfig
) -> BoolArray:
    """In the universe with enough daily, weekly and monthly bars that have trades (METHOD item 36). Known at t."""
    keep = universe_tn.copy()
    for name, panel, window, least in (
        ("daily", daily, config.daily_window, config.min_daily),
        ("weekly", weekly, config.weekly_window, config.min_weekly),
        ("monthly", monthly, config.monthly_window, config.min_monthly),
    ):
        keep &= bars_with_trades(panel, name, config.bars_mode, window) >= least
    return keep


def bars_with_trades(panel: Panel, frequency: str, mode: str, bars: int) -> IntArray:
    """How many of the last `bars` bars at each session have trades; bars before the first have none."""
    apart = rows_between(frequency, mode)
    if apart is not None:
        return recent_count(panel.valid, bars, apart)
    rows_tk = bar_rows(panel.sessions, frequency, mode, bars)
    out = np.zeros(panel.valid.shape, np.int64)
    for rows_t in rows_tk.T:
        out += panel.valid[rows_t] & (rows_t >= 0)[:, None]
    return out


def has_high_frequency(universe_tn: BoolArray, factors: Panel, config: FeatureConfig) -> BoolArray:
    """In the universe, with factors at t and at enough of the last sessions; known at t.

    `factors.valid` says at which sessions a name has factors: at least `min_factor_share` of them.
    """
    recent = recent_count(factors.valid, config.factor_window)
    return universe_tn & factors.valid & (recent >= config.min_factor_sessions)


def labels(
    market: Market, bars: DailyBars, universe_tn: BoolArray, config: FeatureConfig
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """The label [T, N] float64, `can_buy` and `has_label`. The first and the last look ahead to t + end, `can_buy` to
    t + start.

    Label: price[t+end] / price[t+start] - 1 on adjusted prices. It is missing when the name does not trade at t+start
    or is delisted at t+end or before. A name halted at t+end is marked at its last close, as a holder's account would.
    can_buy: in the universe at t, and can be bought at t+start. has_label: can_buy, and the label is there.
    """
    start, end = config.label.start, config.label.end
    price_tn = getattr(bars, config.label.price)
    label_tn = price_relative(price_tn, start, end)
    can_start = _ahead(bars.traded, start)
    gone = _ahead(delisted(market), end, beyond=True)
    label_tn = np.where(can_start & ~gone, label_tn, np.nan)
    can_buy = universe_tn & _ahead(buyable(market, bars, config.label.price), start)
    return label_tn, can_buy, can_buy & np.isfinite(label_tn)


def buyable(market: Market, bars: DailyBars, price: str) -> BoolArray:
    """Whether a name can be bought at the session at the price field: it trades, the price is below the upper limit
    (for symbols whose board is known), and the session was not one single price above the close before."""
    factor = np.where(bars.traded, adjustment(market), np.nan)
    pre_close = raw_pre_close(market, bars, factor)
    locked = (bars.high == bars.low) & (bars.close / factor > pre_close * (1 + 1e-9))
    can = bars.traded & ~locked
    limits = _limits(market)
    if limits is None:
        return can
    count, names = can.shape
    for t in range(count):
        upper, lower = limits.prices(np.full(names, t), np.arange(names), pre_close[t])
        raw_price = getattr(bars, price)[t] / factor[t]
        can[t] &= ~blocked(np.round(raw_price, 4), upper, lower)[0]
    return can


def _limits(market: Market) -> PriceLimits | None:
    """The dated price limits of the market's symbols; None where their boards are not known."""
    if not market.has("stocks"):
        return None
    st = market.table("st") if market.has("st") else None
    return PriceLimits(market.table("stocks"), st, market.sessions, market.symbols)


def limit_prices(market: Market, bars: DailyBars) -> tuple[FloatArray, FloatArray] | None:
    """Lowest and highest price allowed at each session, float64 [T, N] each, in cents, 0 where there is no limit.

    None where boards are not known. Known before the open of t: from the close before, adjusted for rights.
    """
    limits = _limits(market)
    if limits is None:
        return None
    factor = np.where(bars.traded, adjustment(market), np.nan)
    pre_close = raw_pre_close(market, bars, factor)
    low_tn, high_tn = np.zeros(pre_close.shape), np.zeros(pre_close.shape)
    for t in range(len(pre_close)):
        upper, lower = limits.prices(np.full(pre_close.shape[1], t), np.arange(pre_close.shape[1]), pre_close[t])
        low_tn[t], high_tn[t] = np.maximum(lower, 0), np.maximum(upper, 0)
    return low_tn, high_tn


def raw_pre_close(market: Market, bars: DailyBars, factor_tn: FloatArray) -> FloatArray:
    """The raw close before, adjusted for rights: the column `pre_close` where it is there, else the last traded close
    times the change of the adjustment factor, rounded to cents."""
    before = np.full(bars.close.shape, np.nan)
    before[1:] = bars.close[:-1]
    derived = np.round(before / factor_tn, 2)
    given = column(market, "pre_close")
    if given is None:
        return derived
    return np.where(valid_price(given), given, derived)


def _ahead(flags_tn: BoolArray, sessions: int, beyond: bool = False) -> BoolArray:
    """The row `sessions` after each row; `beyond` where there is none."""
    out = np.full(flags_tn.shape, beyond)
    if sessions < len(flags_tn):
        out[: len(flags_tn) - sessions] = flags_tn[sessions:]
    return out
