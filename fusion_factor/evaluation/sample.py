"""What is evaluated: scores and labels of the grid dates on one axis of names.

Legend: `_tn` is [T sessions, N names], `_dn` is [D grid dates, N names], `_d` is [D].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.cross_section import residual
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.labels import FloatArray, IntArray, grid_label
from fusion_factor.core.sessions import schedule
from fusion_factor.core.spells import cover, governing
from fusion_factor.core.tables import check_table, dense
from fusion_factor.evaluation.prices import NO_SIGNAL, PriceBook
from fusion_factor.evaluation.settings import EvaluationSettings, Horizon

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
RESIDUAL_DIGITS = 12
OPTIONAL_TABLES = ("members", "industry", "caps")


@dataclass(frozen=True, eq=False)
class Sample:
    """Scores on the grid dates and everything that the figures need of these dates.

    Attributes:
        positions_d: session positions of the grid dates; dates_d the dates.
        symbols: [N] names, ascending: those of the prices and those of the scores.
        raw_dn: scores as given within the universe; score_dn the scores after neutralising.
        tables: the checked optional tables that were given.
    """

    settings: EvaluationSettings
    book: PriceBook
    positions_d: IntArray
    symbols: np.ndarray[Any, Any]
    universe_dn: BoolArray
    raw_dn: FloatArray
    score_dn: FloatArray
    tables: dict[str, pd.DataFrame]

    @property
    def dates_d(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """The grid dates, datetime64[D]."""
        return self.book.calendar.sessions[self.positions_d]

    @property
    def gap(self) -> float:
        """Median number of sessions between consecutive grid dates; infinite for a single date."""
        return float(np.median(np.diff(self.positions_d))) if len(self.positions_d) > 1 else np.inf

    def label(self, horizon: Horizon) -> tuple[FloatArray, IntArray]:
        """Labels [D, N] of names in the universe, and their spans [D] (-1: none). They look ahead."""
        kind, lag = self.settings.label, self.settings.label_lag
        label_dn, span_d = grid_label(self.book.adjusted(kind), self.positions_d, kind, horizon, lag)
        return np.where(self.universe_dn, self._on_axis(label_dn), np.nan), span_d

    @cached_property
    def close_dn(self) -> BoolArray:
        """Names in the universe with a valid close on the date."""
        return np.isfinite(self._on_axis(self.book.adjusted("close")[self.positions_d])) & self.universe_dn

    @cached_property
    def cap_dn(self) -> FloatArray:
        """Market value on the date itself (CNY); NaN where there is no valid one."""
        cap_dn = dense(self.tables["caps"], "cap", self.dates_d, self.symbols)
        return np.where(cap_dn > 0, cap_dn, np.nan)

    @cached_property
    def industry_dn(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Industry codes [D, N] (-1: none) and their names."""
        return governing(self.tables["industry"], "industry", self.dates_d, self.symbols)

    def _on_axis(self, values: FloatArray) -> FloatArray:
        return on_axis(values, self.book.symbols, self.symbols)


def on_axis(values: FloatArray, symbols: np.ndarray[Any, Any], axis: np.ndarray[Any, Any]) -> FloatArray:
    """Columns of `symbols` set on a wider axis of names; NaN for the others. Both ascending."""
    if len(symbols) == len(axis):
        return values
    out = np.full((len(values), len(axis)), np.nan)
    out[:, np.searchsorted(axis, symbols)] = values
    return out


def draw_sample(
    scores: pd.DataFrame, book: PriceBook, settings: EvaluationSettings, tables: Mapping[str, pd.DataFrame | None]
) -> Sample:
    """Lay scores on the grid and the axis of names, keep the universe, neutralise.

    Raises: DataError for a table that breaks its rules or that a parameter needs, ConfigError for a grid without dates.
    """
    checked = _checked(tables, settings)
    if not book.has(settings.label):
        raise DataError(f"stock_prices: the label {settings.label} needs the column {settings.label}")
    scores = check_table("scores", scores, sessions=book.calendar.sessions)
    positions_d = grid_positions(book, settings)
    dates_d = book.calendar.sessions[positions_d]
    symbols = np.array(sorted({*book.symbols, *scores["symbol"].unique()}), dtype=object)
    universe_dn = np.ones((len(dates_d), len(symbols)), dtype=bool)
    if settings.universe is not None:
        spells = checked["members"]
        universe_dn = cover(spells[spells["code"] == settings.universe], dates_d, symbols)
    raw_dn = np.where(universe_dn, dense(scores, "score", dates_d, symbols), np.nan)
    sample = Sample(settings, book, positions_d, symbols, universe_dn, raw_dn, raw_dn, checked)
    if settings.neutralise == "none":
        return sample
    neutral_dn = neutralised(
        raw_dn,
        sample.industry_dn[0] if "industry" in settings.neutralise else None,
        np.log(sample.cap_dn) if "size" in settings.neutralise else None,
    )
    return Sample(settings, book, positions_d, symbols, universe_dn, raw_dn, neutral_dn, checked)


def grid_positions(book: PriceBook, settings: EvaluationSettings) -> IntArray:
    """Session positions of the grid dates, at least one."""
    positions_d = schedule(
        book.calendar,
        settings.grid,
        start=settings.start,
        end=book.last_close if settings.end is None else settings.end,
        n=settings.n,
        phase=settings.phase,
        signal_dates=settings.signal_dates,
    )
    if not len(positions_d):
        given = f"grid {settings.grid}, start {settings.start or 'empty'}, end {settings.end or 'empty'}"
        raise ConfigError(f"{NO_SIGNAL}: {given}")
    return positions_d


def neutralised(score_dn: FloatArray, group_dn: Any | None, size_dn: FloatArray | None) -> FloatArray:
    """Residual of the score on groups and size at each date, rounded to 12 digits of the date's largest |score|.

    Names without one of the regressors drop out (SEMANTICS 8.3). Rounding makes residuals equal that are equal in exact
    arithmetic, such as the zeros of groups of one name.
    """
    has_all = np.isfinite(score_dn)
    if group_dn is not None:
        has_all &= group_dn >= 0
    if size_dn is not None:
        has_all &= np.isfinite(size_dn)
    score_dn = np.where(has_all, score_dn, np.nan)
    largest = np.fmax.reduce(np.abs(score_dn), axis=1, keepdims=True, initial=0.0)
    scaled = score_dn / np.where(largest > 0, largest, 1.0)
    return np.round(residual(scaled, group_dn, size_dn), RESIDUAL_DIGITS) * largest


def _checked(tables: Mapping[str, pd.DataFrame | None], settings: EvaluationSettings) -> dict[str, pd.DataFrame]:
    given = {name: tables.get(name) for name in OPTIONAL_TABLES}
    checked = {name: check_table(name, table) for name, table in given.items() if table is not None}
    needs = {
        "members": settings.universe is not None and f"universe {settings.universe}",
        "industry": ("industry" in settings.neutralise and f"neutralise {settings.neutralise}")
        or (settings.by_industry and "by_industry"),
        "caps": ("size" in settings.neutralise and f"neutralise {settings.neutralise}")
        or (settings.by_size and "by_size"),
    }
    for name, reason in needs.items():
        if reason and name not in checked:
            raise DataError(f"{name}: the table is not there, but {reason} needs it")
    if settings.universe is not None and not (checked["members"]["code"] == settings.universe).any():
        raise ConfigError(f"universe {settings.universe!r} has no spell in the table members")
    return checked
