"""Which tier of data a market has, and with it the form in which each factor of a preset is made (METHOD 94).

A factor is taken in its best tier that the data allow; a proxy keeps its suffix `_px`, so that no column ever has the
name of an exact factor without being it.
"""

import numpy as np

from fusion_factor.features.intraday.catalogue import resolve
from fusion_factor.market.store import Market


def names_of(preset: str, market: Market, min_tick_share: float) -> tuple[tuple[str, ...], list[str]]:
    """The factors of a preset for a market, and what a reader should know about it.

    Level 2 counts as there when at least `min_tick_share` of the sessions with bars have trades and orders: a column is
    one form for all sessions, and a few days of ticks must not empty it on all others. On sessions without ticks the
    exact factors are missing.
    """
    bars = market.bar_sessions
    ticked = int(np.isin(bars, market.tick_sessions).sum())
    level2 = ticked > 0 and ticked >= min_tick_share * len(bars)
    found = []
    if 0 < ticked < len(bars):
        what = "missing on the others" if level2 else f"below min_tick_share = {min_tick_share:g}: proxies everywhere"
        found.append(f"ticks: {ticked} of {len(bars)} sessions with bars have trades and orders, {what}")
    return resolve(preset, trades=market.bar_trades, level2=level2), found
