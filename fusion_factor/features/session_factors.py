"""One session from bars, and trades and orders, to factors; and the keys under which the result is found again.

A key is a hash of all that the session's numbers come from: its own bars and ticks, the factors, their settings and
code, and, where big orders are told from small ones, the ticks of the sessions that the threshold looks back to. So a
new session changes no other, and a corrected one changes itself and those that look back at it.

Legend of axes in names: t session, n symbol of the market, s symbol of one session's data, f factor.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.artifacts import fingerprint, hash_of, hash_of_arrays
from fusion_factor.core.errors import DataError
from fusion_factor.features.bad_input import Line, lines_of, missing_lines, refused_symbols, with_repeated
from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.catalogue import LEVEL2
from fusion_factor.features.intraday.kernel import SOURCE
from fusion_factor.features.level2 import (
    LOOK_BACK,
    OrderStatistics,
    big_order_threshold,
    compute_level2,
    order_statistics,
    repeated_share,
)
from fusion_factor.features.level2.kernel import SOURCE as LEVEL2_SOURCE
from fusion_factor.features.own_factors import OwnFactor
from fusion_factor.features.panel import Float32Array, FloatArray
from fusion_factor.market.bar_rows import bad_bars, missing_bars
from fusion_factor.market.level2 import SessionTicks
from fusion_factor.market.session_bars import SessionBars
from fusion_factor.market.store import Market

Past = Callable[[int], OrderStatistics]
LimitPrices = tuple[FloatArray, FloatArray]


class SessionFactors:
    """Computes sessions of a market; holds nothing but the market and what to compute.

    names: factors of the catalogue, of any tier; own: the user's, after them. limits: lowest and highest price allowed
    in cents, float64 [T, N] each, 0 for none; None: not known. max_bad_share, max_missing_share: see
    FeatureConfig. options: passed to `compute_factors` by name.
    """

    def __init__(
        self,
        market: Market,
        names: Sequence[str],
        own: Sequence[OwnFactor],
        limits: LimitPrices | None = None,
        max_bad_share: float = 0.05,
        options: Mapping[str, Any] | None = None,
        max_missing_share: float | None = None,
    ) -> None:
        self.market, self.own, self.limits = market, tuple(own), limits
        self.names = (*names, *(factor.name for factor in own))
        self._level2 = tuple(name for name in names if name in LEVEL2)
        self._bars = tuple(name for name in names if name not in LEVEL2)
        self._columns = [self.names.index(name) for name in (*self._bars, *self._level2)]
        self._max_bad_share, self._options = max_bad_share, dict(options or {})
        self._max_missing_share = max_missing_share
        self._row_of = {str(symbol): n for n, symbol in enumerate(market.symbols)}
        self._ticked = {str(day) for day in market.tick_sessions} if self._level2 else set()
        code = [SOURCE, LEVEL2_SOURCE, [_mark(each) for each in own]]
        self._made_with = [self.names, code, max_bad_share, max_missing_share, self._options]
        self._ticks_key = cache(self._own_ticks_key)

    def has_ticks(self, t: int) -> bool:
        """Whether trades and orders of the session are there and wanted."""
        return str(self.market.sessions[t]) in self._ticked

    def looks_back(self, t: int) -> list[int]:
        """The sessions with ticks whose orders the threshold of session t is made of, all before t."""
        return [u for u in range(max(0, t - LOOK_BACK), t) if self.has_ticks(u)] if self.has_ticks(t) else []

    def key(self, t: int) -> str:
        """What session t's factors are found by."""
        ticked = [u for u in (*self.looks_back(t), t) if self.has_ticks(u)]
        seen = [[str(self.market.sessions[u]), self._ticks_key(u)] for u in ticked]
        return hash_of([self.market.bars_fingerprint(self.market.sessions[t]), seen, self._made_with])

    def statistics_key(self, t: int) -> str:
        """What session t's order statistics are found by: its own ticks, limits and the code."""
        return self._ticks_key(t)

    def _own_ticks_key(self, t: int) -> str:
        ticks = self.market.ticks_fingerprint(self.market.sessions[t])
        seen: list[object] = [ticks, LEVEL2_SOURCE, self._max_bad_share]
        if self.limits is not None:
            low_n, high_n = self.limits[0][t], self.limits[1][t]
            # symbols without a limit today do not count, so that a later listing changes no earlier session
            known = (low_n > 0) | (high_n > 0)
            seen.append(hash_of_arrays(np.asarray(self.market.symbols)[known], low_n[known], high_n[known]))
        return hash_of(seen)

    def statistics(self, t: int) -> OrderStatistics:
        """The order statistics of session t from its ticks; see `_statistics_of`."""
        return self._statistics_of(self.market.ticks(self.market.sessions[t]), t)

    def _statistics_of(self, ticks: SessionTicks, t: int) -> OrderStatistics:
        """What later sessions learn of this one: nothing where too many rows of a symbol are bad, an error where too
        many of the session are."""
        refused = refused_symbols(ticks.session, "ticks", ticks.bad, self._max_bad_share)
        made = order_statistics(ticks, self._limits_of(ticks, t))
        made.values[refused] = 0.0
        return made

    def compute(
        self, t: int, past: Past, found: Callable[[OrderStatistics], None]
    ) -> tuple[Float32Array, np.ndarray, list[Line]]:
        """Factors [S, F] float32 of session t, their symbols [S], and the bad rows that were met.

        past: the statistics of an earlier session; found: takes those of this one, before any of the past is asked for.
        Raises DataError for a session whose share of bad rows is above the limit.
        """
        session = self.market.sessions[t]
        bars = self.market.bars(session)
        self._refuse_twice(bars.symbols, session)
        refused, lines = self._bad_bars(bars)
        parts = [compute_factors(bars, self._bars, **self._options)] if self._bars else []
        values_sf = np.full((len(bars.symbols), len(self.names)), np.nan)
        values_sf[:, self._columns[: len(self._bars)]] = parts[0] if parts else 0.0
        for k, factor in enumerate(self.own):
            values_sf[:, len(self._bars) + len(self._level2) + k] = factor(bars)
        # factors of ticks stay: they do not come from the bars
        values_sf[refused] = np.nan
        if self.has_ticks(t):
            lines += self._add_level2(t, bars.symbols, values_sf, past, found)
        return values_sf.astype(np.float32), bars.symbols, lines

    def _bad_bars(self, bars: SessionBars) -> tuple[np.ndarray, list[Line]]:
        """Symbols without factors for their bad or missing bars, bool [S], and what is to be told of the session."""
        bad, missing = bad_bars(bars), missing_bars(bars)
        limit = self._max_missing_share
        listed_above = self._max_bad_share if limit is None else min(limit, self._max_bad_share)
        lines = lines_of(bars.session, "bars", bad) + missing_lines(bars.session, missing, listed_above)
        refused = refused_symbols(bars.session, "bars", bad, self._max_bad_share)
        if limit is not None:
            refused |= refused_symbols(bars.session, "bars", missing, limit, "max_missing_share")
        return refused, lines

    def _add_level2(
        self, t: int, symbols: np.ndarray, values_sf: FloatArray, past: Past, found: Callable[[OrderStatistics], None]
    ) -> list[Line]:
        """Put the exact factors into their columns, for the symbols that have bars."""
        session = self.market.sessions[t]
        ticks = self.market.ticks(session)
        limits = self._limits_of(ticks, t)
        today = self._statistics_of(ticks, t)
        found(today)
        before = [past(u) for u in self.looks_back(t)]
        bad = with_repeated(ticks.bad, ticks.trade_first, repeated_share(today, before))
        refused = refused_symbols(session, "ticks", bad, self._max_bad_share)
        threshold = big_order_threshold(before, ticks.symbols)
        early = int(self._options.get("early", 30))
        exact_sf = compute_level2(ticks, threshold, self._level2, limits=limits, early_minutes=early)
        exact_sf[refused] = np.nan
        place = {str(symbol): s for s, symbol in enumerate(ticks.symbols)}
        s = np.array([place.get(str(symbol), -1) for symbol in symbols], np.int64)
        columns = np.array(self._columns[len(self._bars) :])
        values_sf[np.flatnonzero(s >= 0)[:, None], columns] = exact_sf[s[s >= 0]]
        return lines_of(session, "ticks", bad)

    def _limits_of(self, ticks: SessionTicks, t: int) -> FloatArray | None:
        """The limits of the session's symbols [S, 2], in cents."""
        if self.limits is None:
            return None
        n = np.array([self._row_of.get(str(symbol), -1) for symbol in ticks.symbols], np.int64)
        pair = np.stack([self.limits[0][t][n], self.limits[1][t][n]], axis=1)
        return np.where((n >= 0)[:, None], pair, 0.0)

    def _refuse_twice(self, symbols: np.ndarray, session: np.datetime64) -> None:
        if len({str(symbol) for symbol in symbols}) != len(symbols):
            raise DataError(f"bars of {session}: a symbol is there twice")

    def on_market(self, symbols: np.ndarray, values_sf: Float32Array) -> Float32Array:
        """A session's factors on the market's symbols [N, F], NaN where it has none."""
        n = np.array([self._row_of.get(str(symbol), -1) for symbol in symbols], np.int64)
        values_nf = np.full((len(self._row_of), len(self.names)), np.nan, np.float32)
        values_nf[n[n >= 0]] = values_sf[n >= 0]
        return values_nf


def _mark(factor: OwnFactor) -> list[object]:
    """What tells one own factor from another, its source file included."""
    try:
        source = inspect.getsourcefile(inspect.unwrap(factor.function))
    except TypeError:
        source = None
    return [factor.name, dict(factor.options), fingerprint(source) if source and Path(source).is_file() else None]
