"""What was known when: the latest row of a symbol and a label (a fiscal year, a quarter) on or before a day.

Legend: `_r` is [R rows of the table], `_p` is [P questions]; days are whole numbers, days since 1970. An answer is a
function of rows dated up to the day asked for.
"""

import numpy as np

from fusion_factor.core.labels import IntArray

NONE = -1


class Known:
    """Rows by symbol, label and day, laid out once for many questions.

    Args:
        symbol_r: symbol number of each row, >= 0. label_r: any whole number, such as a year. day_r: when it was known.

    >>> known = Known(np.array([0, 0, 1]), np.array([2021, 2021, 2021]), np.array([10, 20, 15]))
    >>> known.row(np.array([0, 0, 1]), np.array([2021, 2021, 2021]), np.array([19, 20, 14])).tolist()
    [0, 1, -1]
    """

    def __init__(self, symbol_r: IntArray, label_r: IntArray, day_r: IntArray) -> None:
        self._empty = not len(symbol_r)
        if self._empty:
            return
        self._labels, self._days = _Range(label_r), _Range(day_r)
        group_r = symbol_r * self._labels.size + self._labels.place(label_r)
        key_r = group_r * self._days.size + self._days.place(day_r)
        self._order = np.argsort(key_r, kind="stable")
        self._key, self._group = key_r[self._order], group_r[self._order]

    def row(self, symbol_p: IntArray, label_p: IntArray, day_p: IntArray) -> IntArray:
        """Row of the table that was the latest known on the day; -1 where there was none. [P] -> [P]."""
        if self._empty:
            return np.full(np.shape(symbol_p), NONE, np.int64)
        group_p = symbol_p * self._labels.size + self._labels.place(label_p)
        # a day before all rows stands at -1, which is below every key of the group
        day_p = np.clip(day_p - self._days.first, -1, self._days.size - 1)
        found = np.searchsorted(self._key, group_p * self._days.size + day_p, side="right") - 1
        right = (found >= 0) & (self._group[found] == group_p) & self._labels.inside(label_p)
        return np.where(right, self._order[found], NONE)


class _Range:
    """Whole numbers counted from their least."""

    def __init__(self, values: IntArray) -> None:
        self.first = int(values.min())
        self.size = int(values.max()) - self.first + 1

    def place(self, values: IntArray) -> IntArray:
        return np.asarray(values, np.int64) - self.first

    def inside(self, values: IntArray) -> np.ndarray:
        place = self.place(values)
        return (place >= 0) & (place < self.size)


def taken(values_r: np.ndarray, row_p: IntArray) -> np.ndarray:
    """Values of the rows asked for, NaN where there is none (row -1)."""
    if not len(values_r):
        return np.full(np.shape(row_p), np.nan)
    return np.where(row_p >= 0, np.asarray(values_r, np.float64)[row_p], np.nan)
