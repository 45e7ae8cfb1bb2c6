"""What the stages of the text factor read from a market, as arrays.

Axes: t session, n symbol.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import valid_price
from fusion_factor.core.spells import cover
from fusion_factor.features.bars import adjustment
from fusion_factor.market.store import Market
from fusion_factor.text import mean_index


@dataclass(frozen=True)
class DailyPrices:
    """Closes of a market, looked at once."""

    market: Market

    @cached_property
    def factor_tn(self) -> np.ndarray:
        """Backward adjustment factor."""
        return adjustment(self.market)

    @cached_property
    def raw_tn(self) -> np.ndarray:
        """Raw closes, NaN where a stock does not trade."""
        close_tn = self.market.dense("close")
        traded_tn = valid_price(close_tn)
        try:
            volume_tn = self.market.dense("volume")
        except DataError:
            return np.where(traded_tn, close_tn, np.nan)
        # an empty volume is not 0: whether the stock traded is then told by the price alone
        return np.where(traded_tn & ~(volume_tn == 0), close_tn, np.nan)

    @cached_property
    def close_tn(self) -> np.ndarray:
        """Adjusted closes, NaN where a stock does not trade."""
        return self.raw_tn * self.factor_tn

    @cached_property
    def turnover_tn(self) -> np.ndarray | None:
        """Value traded over float cap; None without caps or volumes."""
        caps_tn = self.market.caps_tn
        if caps_tn is None:
            return None
        try:
            volume_tn = self.market.dense("volume")
        except DataError:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(caps_tn > 0, volume_tn * self.raw_tn / caps_tn, np.nan)

    @cached_property
    def st_tn(self) -> np.ndarray:
        """Whether a stock is under special treatment, as known on the session."""
        market = self.market
        if not market.has("st"):
            return np.zeros((len(market.sessions), len(market.symbols)), bool)
        return cover(market.table("st"), market.sessions, market.symbols)


def reports_of(market: Market) -> pd.DataFrame:
    """The table of reports. Raises DataError where the market has none."""
    if not market.has("reports"):
        raise DataError(
            "reports: the market has no such table (simulated: data.reports=true; files: data.tables.reports)"
        )
    return market.table("reports")


def benchmark_path(market: Market, prices: DailyPrices, kind: str) -> np.ndarray:
    """Closes of the benchmark on the market's sessions [T]: of its table, or of the mean of all names."""
    if kind == "mean" or (kind == "auto" and not market.has("benchmark")):
        return mean_index(prices.close_tn)
    if not market.has("benchmark"):
        raise DataError("benchmark: the market has no such table, and text.label.benchmark is table")
    table = market.table("benchmark")
    at = np.searchsorted(market.sessions, table["date"].to_numpy().astype("datetime64[D]"))
    path_t = np.full(len(market.sessions), np.nan)
    path_t[at] = table["close"].to_numpy()
    return path_t
