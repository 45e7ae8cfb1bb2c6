"""Which stocks the text portfolio may hold at each month end, and in what order.

Legend: t session of the market, g month end, n symbol.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.sessions import Calendar, schedule
from fusion_factor.core.tables import dense
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market
from fusion_factor.stages.text_inputs import DailyPrices
from fusion_factor.stages.text_settings import RefineSettings
from fusion_factor.text.refine import combined, refined, simple_factors, top_layer


@dataclass(frozen=True, eq=False)
class Grid:
    """Month ends from the first date of the factor on: `days` [G], their positions `at` [G], the factor [G, N]."""

    days: np.ndarray
    at: np.ndarray
    factor_gn: np.ndarray

    @property
    def most_covered(self) -> int:
        """The largest number of names with a factor at a month end."""
        return int(np.isfinite(self.factor_gn).sum(axis=1).max(initial=0))


def month_ends(market: Market, factor: pd.DataFrame) -> Grid:
    """The last session of each month that the calendar knows to be over. Raises DataError where there is none."""
    calendar = with_sessions_ahead(market.sessions)
    ends = schedule(Calendar(calendar), "monthly", start=factor["date"].min().date(), end=market.sessions[-1])
    if not len(ends):
        raise DataError(f"text_portfolio: no month ends after {factor['date'].min():%Y-%m-%d}, the factor's first date")
    days = calendar[ends]
    at = np.searchsorted(market.sessions, days)
    there = factor[factor["date"].isin(days.astype("datetime64[s]"))]
    return Grid(days, at, dense(there, "score", days, market.symbols))


def portfolio_scores(
    grid: Grid,
    market: Market,
    prices: DailyPrices,
    factor: pd.DataFrame,
    fused: pd.DataFrame | None,
    refine: RefineSettings,
) -> pd.DataFrame:
    """Score table of the names that may be picked: date, symbol, score (the second factor), text (the factor).

    A name must trade at the month end; with `exclude_st` it must not be under special treatment then. A month end on
    which no name of the layer has the second factor gives no rows.
    """
    usable_gn = np.isfinite(prices.raw_tn[grid.at])
    if refine.exclude_st:
        usable_gn &= ~prices.st_tn[grid.at]
    factor_gn = np.where(usable_gn, grid.factor_gn, np.nan)
    enough_g = np.isfinite(factor_gn).sum(axis=1) >= refine.min_covered
    top_gn = top_layer(factor_gn, refine.layers, refine.least_names) & enough_g[:, None]
    second_gn = _second(grid, market, prices, fused, refine, factor_gn, top_gn)
    # without a second factor at all, as before the first fused score, nothing is known of how to choose
    told_g = (np.isfinite(second_gn) & top_gn).any(axis=1)
    score_gn = refined(top_gn & told_g[:, None], second_gn)
    g, n = np.nonzero(np.isfinite(score_gn))
    return pd.DataFrame(
        {
            "date": grid.days[g].astype("datetime64[s]"),
            "symbol": np.asarray(market.symbols, dtype=object)[n],
            "score": score_gn[g, n],
            "text": factor_gn[g, n],
        }
    )


def _second(
    grid: Grid,
    market: Market,
    prices: DailyPrices,
    fused: pd.DataFrame | None,
    refine: RefineSettings,
    factor_gn: np.ndarray,
    top_gn: np.ndarray,
) -> np.ndarray:
    """The second factor at the month ends [G, N]."""
    if refine.by == "text":
        return factor_gn
    if refine.by == "fused":
        assert fused is not None  # read because it is asked for
        there = fused[fused["date"].isin(grid.days.astype("datetime64[s]"))]
        known = there[there["symbol"].isin(set(market.symbols))]
        return dense(known, "score", grid.days, market.symbols)
    made = simple_factors(prices.close_tn, prices.raw_tn, prices.turnover_tn, grid.at)
    used = {name: made[name] for name, sign in refine.factors.items() if sign and name in made}
    if not used:
        raise DataError(
            f"text_portfolio.refine.factors: none of {', '.join(refine.factors)} can be made (no caps or no volumes)"
        )
    return combined(used, refine.factors, top_gn)
