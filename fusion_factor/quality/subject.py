"""The market under inspection: its daily rows as arrays, read once, and what several checks derive from them.

Legend of axes: t session, n symbol.
"""

from functools import cached_property
from typing import Any

import bottleneck as bn
import numpy as np
import numpy.typing as npt

from fusion_factor.core.labels import valid_price
from fusion_factor.features.bars import DailyBars, adjustment, daily_bars
from fusion_factor.features.universe import limit_prices
from fusion_factor.market.checks import column
from fusion_factor.market.store import Market
from fusion_factor.quality.flaws import BoolArray, Flaws, FloatArray, IntArray, cell_flaws, spell_flaws
from fusion_factor.quality.settings import QualitySettings

COLUMNS = ("open", "high", "low", "close", "volume", "amount", "adj_factor", "pre_close")


class Subject:
    """A market and the settings it is looked at with. Arrays are [T, N] on the market's sessions and symbols."""

    def __init__(self, market: Market, settings: QualitySettings) -> None:
        self.market = market
        self.settings = settings
        self.sessions: npt.NDArray[np.datetime64] = market.sessions
        self.symbols: npt.NDArray[Any] = np.asarray(market.symbols, dtype=object)
        names = () if getattr(market, "indices_only", False) else COLUMNS
        known = {name: column(market, name) for name in names}
        self.columns: dict[str, FloatArray] = {name: values for name, values in known.items() if values is not None}

    def __getitem__(self, name: str) -> FloatArray:
        return self.columns[name]

    @cached_property
    def there(self) -> BoolArray:
        """Whether there is a row: any of its fields is known."""
        known = np.zeros((len(self.sessions), len(self.symbols)), bool)
        for values in self.columns.values():
            known |= np.isfinite(values)
        return known

    @cached_property
    def traded(self) -> BoolArray:
        """A row with a valid close and volume; without the column volume, with a valid close."""
        valid = valid_price(self["close"])
        return valid & (self["volume"] > 0) if "volume" in self.columns else valid

    @cached_property
    def first_row(self) -> IntArray:
        """Session of each symbol's first row [N]."""
        return np.argmax(self.there, axis=0)

    @cached_property
    def last_row(self) -> IntArray:
        """Session of each symbol's last row [N]; looks over the whole span."""
        return len(self.sessions) - 1 - np.argmax(self.there[::-1], axis=0)

    @cached_property
    def row_number(self) -> IntArray:
        """How many rows the symbol has had up to the session, this one included."""
        return np.cumsum(self.there, axis=0, dtype=np.int64)

    @cached_property
    def factor(self) -> FloatArray:
        """adj_factor, an empty one taking the latest earlier value; 1 without the column."""
        return adjustment(self.market)

    def before(self, values_tn: FloatArray) -> FloatArray:
        """The latest known value before each session; NaN where there is none."""
        out = np.full(values_tn.shape, np.nan)
        out[1:] = bn.push(values_tn, axis=0)[:-1]
        return out

    @cached_property
    def close_before(self) -> FloatArray:
        """The raw close of the symbol's latest row before the session, carried through suspensions."""
        return self.before(np.where(valid_price(self["close"]), self["close"], np.nan))

    @cached_property
    def step(self) -> FloatArray:
        """adj_factor against that of the latest row before: 1 where it stands still, NaN on a first row."""
        known = np.where(self.there, self.factor, np.nan)
        return known / self.before(known)

    @cached_property
    def bars(self) -> DailyBars:
        """The adjusted bars that the features see. Needs the column volume."""
        return daily_bars(self.market)

    @cached_property
    def limits(self) -> tuple[FloatArray, FloatArray] | None:
        """Lowest and highest price allowed, in cents, 0 where there is none; None where boards are not known."""
        return limit_prices(self.market, self.bars)

    @cached_property
    def delisted_from(self) -> npt.NDArray[np.datetime64]:
        """`delist_date` of each symbol [N], the first day off the market; NaT where there is none."""
        dates = np.full(len(self.symbols), np.datetime64("NaT"), "datetime64[D]")
        if self.market.has("stocks"):
            stocks = self.market.table("stocks").set_index("symbol")["delist_date"]
            dates = stocks.reindex(self.symbols).to_numpy().astype("datetime64[D]")
        return dates

    def cells(self, wrong_tn: BoolArray, values_tn: FloatArray, among: BoolArray | int) -> Flaws:
        """One finding a wrong cell; `among` are the cells looked at, or how many."""
        count = among if isinstance(among, int) else int(among.sum())
        return cell_flaws(self.sessions, self.symbols, wrong_tn, values_tn, count)

    def spells(self, mask_tn: BoolArray, longer_than: float, among: BoolArray) -> Flaws:
        """One finding a run of more than `longer_than` sessions."""
        return spell_flaws(self.sessions, self.symbols, mask_tn, longer_than, int(among.sum()))
