"""The stocks of each industry at each grid date, and figures over them.

Legend: `_p` is [P pairs], a pair being a grid date and a stock that is in an industry of the pool there, in the order
of date, then symbol; a cell is a grid date and an industry, numbered date * N + industry. `_dn` is [D dates, N].
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.core.spells import governing


@dataclass(frozen=True, eq=False)
class Members:
    """Pairs of grid date and stock.

    Attributes:
        symbols: [S] names, ascending. shape: grid dates D and industries N.
        date_p, symbol_p, cell_p: position of the date in the grid, of the symbol, and the cell.
        day_p: the date as days since 1970.
    """

    symbols: np.ndarray
    shape: tuple[int, int]
    date_p: IntArray
    symbol_p: IntArray
    cell_p: IntArray
    day_p: IntArray

    @classmethod
    def of(cls, industry: pd.DataFrame, dates_d: np.ndarray, codes: np.ndarray) -> "Members":
        """From the checked table `industry`; a stock whose governing spell names no code of the pool is left out."""
        symbols = np.array(sorted(industry["symbol"].unique()), object)
        code_ds, labels = governing(industry, "industry", dates_d, symbols)
        number_of = {code: n for n, code in enumerate(codes)}
        # one more for -1, no spell
        industry_of = np.array([*(number_of.get(label, -1) for label in labels), -1], np.int64)
        industry_ds = industry_of[code_ds]
        date_p, symbol_p = np.nonzero(industry_ds >= 0)
        cell_p = date_p * len(codes) + industry_ds[date_p, symbol_p]
        day_p = dates_d.astype("datetime64[D]").astype(np.int64)[date_p]
        return cls(symbols, (len(dates_d), len(codes)), date_p, symbol_p, cell_p, day_p)

    def numbers(self, symbols: pd.Series) -> IntArray:
        """Number of each symbol of a table's column; -1 for one that is never in an industry."""
        codes, uniques = pd.factorize(symbols)
        number_of = {symbol: s for s, symbol in enumerate(self.symbols)}
        return np.array([number_of.get(symbol, -1) for symbol in uniques], np.int64)[codes]

    def count(self, kept_p: np.ndarray) -> IntArray:
        """Number of pairs kept in each cell. [P] bool -> [D, N]."""
        return np.bincount(self.cell_p[kept_p], minlength=self._cells).reshape(self.shape).astype(np.int64)

    def sum(self, values_p: FloatArray, kept_p: np.ndarray) -> FloatArray:
        """Sum over the pairs kept in each cell, in symbol order (0 for none). -> [D, N]."""
        total = np.bincount(self.cell_p[kept_p], values_p[kept_p], self._cells).astype(np.float64)
        return total.reshape(self.shape)

    def mean(self, values_p: FloatArray, kept_p: np.ndarray) -> FloatArray:
        """Mean over the pairs kept in each cell; NaN for none. -> [D, N]."""
        return quotient(self.sum(values_p, kept_p), self.count(kept_p).astype(np.float64))

    def median(self, values_p: FloatArray, kept_p: np.ndarray) -> FloatArray:
        """Median over the pairs kept in each cell; NaN for none. -> [D, N]."""
        values, cell = values_p[kept_p], self.cell_p[kept_p]
        values = values[np.lexsort((values, cell))]
        size = np.bincount(cell, minlength=self._cells)
        first, out = np.cumsum(size) - size, np.full(self._cells, np.nan)
        some = size > 0
        low, high = first + (size - 1) // 2, first + size // 2
        out[some] = (values[low[some]] + values[high[some]]) / 2
        return out.reshape(self.shape)

    def most_common(self, label_p: IntArray, kept_p: np.ndarray) -> IntArray:
        """Most common label >= 0 of each cell's kept pairs, the largest of several; -1 for none. -> [D, N]."""
        out = np.full(self._cells, -1, np.int64)
        if kept_p.any():
            span = int(label_p[kept_p].max()) + 1
            both, count = np.unique(self.cell_p[kept_p] * span + label_p[kept_p], return_counts=True)
            cell, label = both // span, both % span
            order = np.lexsort((label, count, cell))
            # the last of a cell stands
            out[cell[order]] = label[order]
        return out.reshape(self.shape)

    def spread(self, values_dn: np.ndarray) -> np.ndarray:
        """Each pair's value of its cell. [D, N] -> [P]."""
        return values_dn.reshape(-1)[self.cell_p]

    @property
    def _cells(self) -> int:
        return self.shape[0] * self.shape[1]


def quotient(above: FloatArray, below: FloatArray) -> FloatArray:
    """Quotient, NaN where the denominator is 0 or missing."""
    there = np.isfinite(below) & (below != 0)
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=there)
