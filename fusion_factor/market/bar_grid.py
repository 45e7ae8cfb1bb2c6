"""The compact form of intraday bars: one float32 array [T, F, S, B] that rows are put into piece by piece.

A place that no row has met has a NaN volume: so a bar given twice is noticed without further memory, and so a session's
missing bars are counted when it is taken out.

A bar given twice: rows that say the same are one, and the first stays. Of rows that differ nobody knows which is right,
and to keep one would let the order of a file decide: all of them are left out. Both are counted.

Legend of axes: t session, f field, s symbol, b bar of a session, r row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.level2 import BadRows, Int64Array
from fusion_factor.market.session_bars import SessionBars

FIELDS = ("open", "high", "low", "close", "volume", "amount")
VOLUME = 4
READ_KINDS = ("outside_session", "between_bars", "other_session", "repeated", "conflicting")
"""Why a row of a bar is left out: stamped out of the trading hours; between two bars; dated on another session than its
file; the same as an earlier row of its bar; one of several rows of a bar that differ."""


@dataclass
class BarGrid:
    """values [T, F, S, B] float32, NaN volume where no row is; there [T, S]: the session has rows of the symbol;
    left_out int64 [M, 4]: session, symbol, kind, rows, sorted; after_hours: rows of auctions and after hours that are
    not wanted."""

    sessions: np.ndarray
    symbols: np.ndarray
    fields: tuple[str, ...]
    values_tfsb: np.ndarray
    there_ts: np.ndarray
    left_out: Int64Array = field(default_factory=lambda: np.empty((0, 4), np.int64))
    after_hours: int = 0

    def session(self, t: int, n_bars: int) -> SessionBars:
        """The first `n_bars` bars of the session at position t, of the symbols that have rows."""
        rows = np.flatnonzero(self.there_ts[t])
        arrays: dict[str, Any] = {
            name: np.ascontiguousarray(self.values_tfsb[t, f][rows, :n_bars]) for f, name in enumerate(self.fields)
        }
        never = np.isnan(arrays["volume"])
        missing = never.sum(axis=1) if never.any() else None
        if missing is not None:
            for name in self.fields[VOLUME:]:
                arrays[name][never] = 0.0
        return SessionBars(
            self.sessions[t], self.symbols[rows], **arrays, left_out=self._bad_rows(t, rows), missing=missing
        )

    def _bad_rows(self, t: int, rows: Int64Array) -> BadRows | None:
        begin, end = np.searchsorted(self.left_out[:, 0], [t, t + 1])
        if begin == end:
            return None
        counts = np.zeros((len(self.symbols), len(READ_KINDS)), np.int64)
        counts[self.left_out[begin:end, 1], self.left_out[begin:end, 2]] = self.left_out[begin:end, 3]
        return BadRows(self.symbols[rows], counts[rows], counts[rows].sum(axis=1), READ_KINDS)


def empty_grid(
    sessions: np.ndarray,
    symbols: np.ndarray,
    fields: tuple[str, ...],
    n_bars: int,
    *,
    file: Path | None,
    memory_limit_gb: float,
) -> BarGrid:
    """A grid without bars, in memory or in a new `.npy` file. Raises DataError beyond the limit of memory."""
    shape = (len(sessions), len(fields), len(symbols), n_bars)
    size = np.prod(shape, dtype=float) * 4 / 2**30
    if file is None and size > memory_limit_gb:
        limit = f"the limit is {memory_limit_gb:g}; give `cache`, a folder"
        raise DataError(f"bars: need {size:.1f} GB in memory, {limit}")
    if file is None:
        values = np.empty(shape, np.float32)
    else:
        values = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    values[:] = np.nan
    return BarGrid(sessions, symbols, fields, values, np.zeros((len(sessions), len(symbols)), dtype=bool))


class Filling:
    """Puts rows on their places in a grid and counts those that it leaves out; `finish` when all rows were seen."""

    def __init__(self, grid: BarGrid) -> None:
        self.grid = grid
        _, self._n_fields, self._n_symbols, self._n_bars = grid.values_tfsb.shape
        self._flat = grid.values_tfsb.reshape(-1)  # a view: one index array a field is faster than three
        self._left: list[Int64Array] = []
        self._again: list[tuple[Int64Array, npt.NDArray[np.bool_]]] = []

    def leave_out(self, t: Int64Array, s: Int64Array, kind: str) -> None:
        """Count one row for each of the positions (t, s)."""
        codes = (t * self._n_symbols + s) * len(READ_KINDS) + READ_KINDS.index(kind)
        distinct, counts = np.unique(codes, return_counts=True)
        self._left.append(np.stack([distinct, counts], axis=1))
        self.grid.there_ts[t, s] = True

    def place(self, t: Int64Array, s: Int64Array, b: Int64Array, values_fr: Sequence[np.ndarray]) -> None:
        """Put rows on bar b of symbol s and session t; values_fr: one array a field, volumes without NaN."""
        self.grid.there_ts[t, s] = True
        place = (t * (self._n_fields * self._n_symbols) + s) * self._n_bars + b
        again = ~np.isnan(self._flat[self._at(place, VOLUME)])
        if not np.all(place[1:] > place[:-1]):  # rows in the order of the grid hold no bar twice
            again |= pd.Series(place).duplicated().to_numpy()
        if not again.any():
            self._put(place, values_fr)
            return
        self._put(place[~again], [values[~again] for values in values_fr])
        self._again.append((place[again], self._same(place[again], [values[again] for values in values_fr])))

    def _at(self, place: Int64Array, f: int) -> Int64Array:
        return place + f * self._n_symbols * self._n_bars

    def _put(self, place: Int64Array, values_fr: Sequence[np.ndarray]) -> None:
        for f, values in enumerate(values_fr):
            self._flat[self._at(place, f)] = values

    def _same(self, place: Int64Array, values_fr: Sequence[np.ndarray]) -> npt.NDArray[np.bool_]:
        """Whether rows say what is on their places, to the precision of the grid."""
        same = np.ones(len(place), np.bool_)
        for f, values in enumerate(values_fr):
            there, new = self._flat[self._at(place, f)], values.astype(np.float32)
            same &= (there == new) | (np.isnan(there) & np.isnan(new))
        return same

    def drop_conflicts(self) -> None:
        """Empty the bars whose rows differ, and count the rows of all bars that were given more than once."""
        if not self._again:
            return
        place = np.concatenate([each[0] for each in self._again])
        same = np.concatenate([each[1] for each in self._again])
        bars = np.unique(place[~same])
        differ = np.isin(place, bars)
        for rows, kind in ((place[~differ], "repeated"), (place[differ], "conflicting"), (bars, "conflicting")):
            t, within = np.divmod(rows, self._n_fields * self._n_symbols * self._n_bars)
            self.leave_out(t, within // self._n_bars, kind)
        for f in range(self._n_fields):
            self._flat[self._at(bars, f)] = np.nan
        self._again = []

    def finish(self) -> BarGrid:
        """The grid with its counts."""
        self.drop_conflicts()
        if self._left:
            codes, which = np.unique(np.concatenate(self._left)[:, 0], return_inverse=True)
            rows = np.bincount(which, np.concatenate(self._left)[:, 1]).astype(np.int64)
            at, kind = np.divmod(codes, len(READ_KINDS))
            self.grid.left_out = np.stack([*np.divmod(at, self._n_symbols), kind, rows], axis=1)
        return self.grid
