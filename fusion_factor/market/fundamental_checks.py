"""Fundamentals and classifications against each other and against market values: what a single table cannot show.

Mistakes within one table are `bad_rows`' business: a mapped market has refused or counted them on reading, and any
other market is looked at here.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.bad_rows import SIFTED, findings
from fusion_factor.market.store import Market

PRICE_TO_EARNINGS = (0.5, 2_000.0)  # of the company in the middle: market value over a year's profit or loss
FORECAST_TO_REPORTED = 30.0
_FEWEST = 5  # companies that can show a unit


def check_fundamentals(market: Market) -> list[str]:
    """Raise DataError for mistakes in `financials`, `consensus` and `industry`, and for profits in a unit that market
    values or the other table contradict; return what is only to be told."""
    told: list[str] = []
    if not getattr(market, "sifted", False):
        for name in SIFTED:
            if market.has(name):
                told += _told(name, market.table(name))
    reported = _year_profits(market.table("financials")) if market.has("financials") else None
    expected = _forecasts(market.table("consensus")) if market.has("consensus") else None
    if market.has("caps"):
        caps = market.table("caps").groupby("symbol")["cap"].median()
        for name, profit in (("financials", reported), ("consensus", expected)):
            if profit is not None:
                told += _check_level(name, caps, profit)
    if reported is not None and expected is not None:
        _check_together(reported, expected)
    return told


def _told(name: str, frame: pd.DataFrame) -> list[str]:
    told = []
    for finding in findings(name, frame):
        if not (finding.kept or finding.doubt):
            raise DataError(f"{name}: {finding.first}: {finding.what} ({finding.count} rows)")
        told.append(f"{name}: {finding.count} rows, {finding.what}, the first: {finding.first}")
    return told


def _year_profits(financials: pd.DataFrame) -> pd.Series:
    """The median size of each company's profit or loss of a full year, CNY."""
    years = financials[financials["period_end"].dt.month == 12]
    return years["net_profit"].abs().groupby(years["symbol"]).median()


def _forecasts(consensus: pd.DataFrame) -> pd.Series:
    """The median size of each company's forecasts, CNY."""
    return consensus["net_profit"].abs().groupby(consensus["symbol"]).median()


def _ratio(left: pd.Series, right: pd.Series) -> npt.NDArray[np.float64]:
    both = pd.concat([left, right], axis=1, join="inner").to_numpy(dtype=np.float64)
    both = both[np.isfinite(both).all(axis=1) & (both > 0).all(axis=1)]
    return both[:, 0] / both[:, 1]


def _check_level(name: str, caps: pd.Series, profit: pd.Series) -> list[str]:
    ratio = _ratio(caps, profit)
    if len(ratio) < _FEWEST:
        return [f"{name}: {len(ratio)} companies with a market value, the unit of net_profit is not checked"]
    middle, (low, high) = float(np.median(ratio)), PRICE_TO_EARNINGS
    if not low <= middle <= high:
        unit = "ten_thousand_cny or hundred_million_cny" if middle > high else "cny"
        raise DataError(
            f"{name}: market value / yearly net_profit is about {middle:.3g}, plausible is {low:g} to {high:g}: "
            f"units.amount: {unit}?"
        )
    return []


def _check_together(reported: pd.Series, expected: pd.Series) -> None:
    ratio = _ratio(expected, reported)
    middle = float(np.median(ratio)) if len(ratio) >= _FEWEST else 1.0
    if not 1 / FORECAST_TO_REPORTED <= middle <= FORECAST_TO_REPORTED:
        raise DataError(
            f"consensus: its net_profit is about {middle:.3g} times the yearly one of financials, must be near 1: "
            "check units.amount of both"
        )
