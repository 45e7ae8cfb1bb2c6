"""Is the day's data all there? What is missing or short is refused, with the figure and its limit in one line.

A day is held against the sessions before it, not against a list of symbols: what was there yesterday is expected today.
Legend of axes: t session, n symbol, s symbol of the session's bars, b bar.
"""

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError
from fusion_factor.live.settings import LiveSettings
from fusion_factor.market.window import MarketWindow


def check_prices_of(market: MarketWindow, settings: LiveSettings) -> None:
    """The day has a daily price for nearly as many symbols as the sessions before it. DataError when not."""
    there_t = np.isfinite(market.dense("close"))[market.first_row :].sum(axis=1)
    _refuse_few("daily prices", "symbols with a close", there_t, market.last, settings, settings.min_price_share)


def check_bars_of(market: MarketWindow, settings: LiveSettings) -> None:
    """The day has bars, and they reach the end of the session. Nothing to see for a market without bars."""
    if market.bar_minutes is None or not len(market.bar_sessions):
        return
    if market.bar_sessions[-1] != market.last:
        raise DataError(
            f"bars of {market.last}: missing (the last session with bars is {market.bar_sessions[-1]}); "
            "bring them in first"
        )
    volume_sb = market.bars(market.last).volume
    traded_s = (volume_sb > 0).any(axis=1)
    late_s = (volume_sb[:, -(volume_sb.shape[1] // 4) :] > 0).any(axis=1)
    share = late_s.sum() / max(int(traded_s.sum()), 1)
    if share < settings.min_late_share:
        raise DataError(
            f"bars of {market.last}: incomplete, {share:.1%} of {int(traded_s.sum())} symbols that traded did so in "
            f"the session's last quarter, the limit live.min_late_share is {settings.min_late_share:.1%}"
        )


def check_coverage(
    valid_tn: npt.NDArray[np.bool_], sessions: npt.NDArray[np.datetime64], settings: LiveSettings
) -> None:
    """The last row of `valid_tn` (who has intraday factors) is about as full as the rows before it."""
    _refuse_few("bars", "symbols with factors", valid_tn.sum(axis=1), sessions[-1], settings, settings.min_bar_share)


def _refuse_few(
    what: str,
    counted: str,
    there_t: npt.NDArray[np.int64],
    day: np.datetime64,
    settings: LiveSettings,
    least: float,
) -> None:
    before = there_t[-1 - settings.compared_sessions : -1]
    usual = float(np.median(before)) if len(before) else 0.0
    if there_t[-1] == 0:
        raise DataError(f"{what} of {day}: missing, 0 {counted}; bring them in first")
    if there_t[-1] < least * usual:
        raise DataError(
            f"{what} of {day}: incomplete, {there_t[-1]} {counted}, {there_t[-1] / usual:.1%} of the usual {usual:g} "
            f"(median of {len(before)} sessions before), the limit is {least:.1%}"
        )
