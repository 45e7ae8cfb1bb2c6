"""Wrong units, found by what tables say together: amount against volume times price, caps against prices, bars against
days.

A ratio that is off by a factor of ten thousand, a thousand or a hundred has one or two likely causes, and the message
names the setting.

Legend of axes: t session, n symbol, s symbol of one session's bars, b bar.
"""

import warnings

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.level2 import SessionTicks
from fusion_factor.market.store import Market, SessionBars

NEIGHBOUR_LIMIT = 50.0
_OFF = 3.0  # a median ratio beyond this, or below its inverse, is a unit and no price
_PLAUSIBLE_CLOSE = (0.5, 500.0)  # CNY, of the median stock
_PLAUSIBLE_SHARES = (1e6, 1e12)
_SAMPLE = 97  # every so many rows are enough for a median


def likely_unit(ratio: float) -> str:
    """What probably happened when amount / (volume * price) is about `ratio` instead of 1."""
    causes = {
        100.0: "volume is in lots (units.volume: lots), or prices were divided by 100 wrongly (units.price: cny)",
        0.01: "prices are in cents (units.price: cents), or volume is in shares (units.volume: shares)",
        1e-3: "amount is in thousands (units.amount: thousand_cny)",
        1e3: "amount is in CNY (units.amount: cny)",
        1e-4: "amount is in ten thousands (units.amount: ten_thousand_cny)",
        1e4: "amount is in CNY (units.amount: cny)",
        0.1: "volume is in lots and amount in thousands (units.volume: lots, units.amount: thousand_cny)",
        1e-5: "prices are in cents and amount in thousands (units.price: cents, units.amount: thousand_cny)",
        1e-8: "amount is in hundred millions (units.amount: hundred_million_cny)",
        1e-6: "amount is in millions (units.amount: million_cny)",
    }
    nearest = min(causes, key=lambda cause: abs(np.log(ratio / cause)))
    return (
        causes[nearest]
        if abs(np.log(ratio / nearest)) < np.log(2.0)
        else "check units.price, units.volume and units.amount"
    )


def _column(market: Market, name: str) -> npt.NDArray[np.float64] | None:
    try:
        return market.dense(name)
    except DataError:
        return None


def _median(values: npt.NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values) & (values > 0)]
    return float(np.median(finite)) if len(finite) else np.nan


def check_price_units(market: Market) -> list[str]:
    """Raises DataError for prices far off their neighbours or off any plausible level, and for amounts that do not fit
    volumes."""
    _check_neighbours(market)
    found: list[str] = []
    checked = False
    volume, amount = _column(market, "volume"), _column(market, "amount")
    if volume is not None and amount is not None:
        found, checked = _check_amounts(market, volume, amount)
    level = _median(market.dense("close").reshape(-1)[::_SAMPLE])
    low, high = _PLAUSIBLE_CLOSE
    if not np.isnan(level) and not low <= level <= high and not checked:
        unit = "cents" if level > high else "cny"
        raise DataError(
            f"stock_prices: the median close is {level:g} CNY, plausible is {low:g} to {high:g}: units.price: {unit}?"
        )
    return found


def _check_neighbours(market: Market) -> None:
    """A close 50 times its neighbour, that no adj_factor explains, is a row in another unit."""
    close, factor = market.dense("close"), _column(market, "adj_factor")
    with np.errstate(invalid="ignore", divide="ignore"):
        step = close[1:] / close[:-1]
        far = (step > NEIGHBOUR_LIMIT) | (step < 1 / NEIGHBOUR_LIMIT)
        far &= np.isfinite(step) & (step > 0)
        if factor is not None and far.any():
            adjusted = step * np.nan_to_num(factor[1:] / factor[:-1], nan=1.0)
            far &= (adjusted > NEIGHBOUR_LIMIT) | (adjusted < 1 / NEIGHBOUR_LIMIT)
    if far.any():
        t, n = divmod(int(far.argmax()), far.shape[1])
        raise DataError(
            f"stock_prices: symbol {market.symbols[n]}, date {market.sessions[t + 1]}: close {close[t + 1, n]:g} "
            f"is {step[t, n]:.3g} times the close before ({close[t, n]:g}), the limit is {NEIGHBOUR_LIMIT:g}; "
            "mixed price units?"
        )


def _check_amounts(
    market: Market, volume: npt.NDArray[np.float64], amount: npt.NDArray[np.float64]
) -> tuple[list[str], bool]:
    """amount / volume must lie near the price: over all, for each symbol, and (counted) row by row."""
    close = market.dense("close")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = amount / (volume * close)
    ratio[~(np.isfinite(ratio) & (ratio > 0))] = np.nan
    overall = _median(ratio.reshape(-1)[::_SAMPLE] if ratio.size > 100 * _SAMPLE else ratio.reshape(-1))
    if np.isnan(overall):
        return ["stock_prices: no row with both volume and amount, their units are not checked"], False
    if not 1 / _OFF < overall < _OFF:
        raise DataError(
            f"stock_prices: amount / (volume * close) is about {overall:.3g}, must be near 1; {likely_unit(overall)}"
        )
    far = (ratio > _OFF) | (ratio < 1 / _OFF)
    _refuse_symbols(market, ratio, far)
    found = []
    if far.any():
        found.append(f"stock_prices: {int(far.sum())} rows whose amount / volume is {_OFF:g} times off their close")
    return found, True


def _refuse_symbols(market: Market, ratio: npt.NDArray[np.float64], far: npt.NDArray[np.bool_]) -> None:
    """A symbol most of whose rows are off is in another unit than the others (STAR volumes in shares among lots)."""
    known = np.isfinite(ratio).sum(axis=0)
    wrong = (far.sum(axis=0) > 0.5 * known) & (known >= 5)
    if wrong.any():
        n = int(wrong.argmax())
        own = float(np.nanmedian(ratio[:, n]))
        raise DataError(
            f"stock_prices: symbol {market.symbols[n]} (and {int(wrong.sum()) - 1} more): amount / (volume * close) "
            f"is about {own:.3g} but near 1 for the others; {likely_unit(own)}"
        )


def check_cap_units(market: Market) -> list[str]:
    """cap / close is a number of shares; a median outside of 1 million to 1,000 billion is a wrong unit."""
    caps = market.table("caps").iloc[::_SAMPLE] if len(market.table("caps")) > 100 * _SAMPLE else market.table("caps")
    n = pd.Index(market.symbols).get_indexer(caps["symbol"])
    t = np.searchsorted(market.sessions, caps["date"].to_numpy().astype("datetime64[D]"), side="right") - 1
    inside = (n >= 0) & (t >= 0)
    close = market.dense("close")[t[inside], n[inside]]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = _median(caps["cap"].to_numpy()[inside] / close)
    low, high = _PLAUSIBLE_SHARES
    if np.isnan(shares) or low <= shares <= high:
        return [] if not np.isnan(shares) else ["caps: no row beside a close, its unit is not checked"]
    unit = "ten_thousand_cny or hundred_million_cny" if shares < low else "cny"
    raise DataError(
        f"caps: cap / close is about {shares:.3g} shares, plausible is {low:g} to {high:g}: units.cap: {unit}?"
    )


def check_bar_units(market: Market, bars: SessionBars) -> list[str]:
    """One session's bars against its daily rows: price level, volume sum, amount against volume."""
    t = int(np.searchsorted(market.sessions, bars.session))
    n = pd.Index(market.symbols).get_indexer(bars.symbols)
    rows = n >= 0
    daily_close, daily_volume = market.dense("close")[t, n[rows]], _column(market, "volume")
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        level = _median(np.nanmedian(bars.close[rows].astype(np.float64), axis=1) / daily_close)
        _refuse_ratio("close", level, bars, "units.price")
        total = bars.volume[rows].sum(axis=1, dtype=np.float64)
        if daily_volume is not None:
            _refuse_ratio("volume", _median(total / daily_volume[t, n[rows]]), bars, "units.volume")
        paid = np.nansum(bars.amount[rows], axis=1, dtype=np.float64)
        _refuse_ratio("amount / (volume * close)", _median(paid / (total * daily_close)), bars, "units.amount")
    crossed = bars.high < bars.low
    if crossed.any():
        s, b = divmod(int(crossed.argmax()), crossed.shape[1])
        raise DataError(
            f"bars: symbol {bars.symbols[s]}, {bars.session}, bar {b}: "
            f"high {bars.high[s, b]:g} is below low {bars.low[s, b]:g}"
        )
    return []


def _refuse_ratio(what: str, ratio: float, bars: SessionBars, setting: str) -> None:
    if not np.isnan(ratio) and not 1 / _OFF < ratio < _OFF:
        raise DataError(
            f"bars: {bars.session}: {what} is about {ratio:.3g} times the daily one, must be near 1; "
            f"check bars.{setting}"
        )


def check_tick_units(ticks: SessionTicks, bars: SessionBars) -> list[str]:
    """One session's trades against its bars: symbols in common, price level, volume sum. Raises DataError for another
    unit; counts symbols that have bars and no trades."""
    place = {str(symbol): s for s, symbol in enumerate(bars.symbols)}
    both = [(s, place[str(symbol)]) for s, symbol in enumerate(ticks.symbols) if str(symbol) in place]
    if not both:
        raise DataError(f"ticks: {ticks.session}: none of {len(ticks.symbols)} symbols has bars")
    level, volume = [], []
    for s, row in both:
        trades = ticks.trades_of(s)
        if len(trades.time):
            level.append(np.median(trades.cents) / 100.0 / np.nanmedian(bars.close[row]))
            volume.append(trades.volume.sum() / max(float(bars.volume[row].sum(dtype=np.float64)), 1.0))
    for what, ratios in (("price", level), ("volume", volume)):
        ratio = float(np.median(ratios)) if ratios else np.nan
        if not np.isnan(ratio) and not 1 / _OFF < ratio < _OFF:
            raise DataError(
                f"ticks: {ticks.session}: {what} is about {ratio:.3g} times that of the bars, must be near 1; "
                f"check ticks.trades.units.{what}"
            )
    missing = len(bars.symbols) - len(both)
    return [f"ticks: {ticks.session}: {missing} of {len(bars.symbols)} symbols with bars have none"] if missing else []


def check_weights(pool: str, members: pd.DataFrame) -> list[str]:
    """Known weights of a code sum to about 1; about 100 means percent."""
    if "weight" not in members or members["weight"].notna().sum() == 0:
        return []
    sums = members[members["weight"] > 0].groupby(["code", "in_date"])["weight"].sum()
    typical = float(sums.median())
    if 0.2 <= typical <= 5:
        return []
    unit = "percent" if typical > 5 else "fraction"
    return [f"pool {pool}: weights sum to about {typical:.3g}, expected is 1: units.weight: {unit}?"]
