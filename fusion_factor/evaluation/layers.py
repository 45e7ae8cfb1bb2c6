"""Layers: the names of a date cut by score into L parts, and what each part returned (SEMANTICS 8.7).

Legend: `_dn` is [D dates, N names], `_dl` is [D dates, L layers], `_d` is [D]. Layer L, the last, holds the best.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.cross_section import paper
from fusion_factor.core.labels import FloatArray, IntArray


def parts(values_dn: FloatArray, count: int) -> IntArray:
    """Part 0 .. count - 1 of each name by ascending value, -1 where the value is missing. [D, N] -> [D, N].

    Position p of n names (equal values in symbol order) lies in part floor(p * count / n).
    """
    order = np.argsort(paper(values_dn), axis=1, kind="stable")
    present = np.isfinite(values_dn)
    size_d = present.sum(axis=1, keepdims=True)
    # Missing values sort last, so that positions 0 .. n - 1 are those of the names that are there.
    part_of_position = np.arange(values_dn.shape[1]) * count // np.maximum(size_d, 1)
    out = np.empty(values_dn.shape, dtype=np.int64)
    np.put_along_axis(out, order, part_of_position, axis=1)
    out[~present] = -1
    return out


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of the counted dates.

    Attributes:
        size_dl: names in each layer. return_dl: mean label of its names, NaN for an empty one.
        all_d: mean label of all names of the date. layer_dn: layer 0 .. L - 1 of each name, -1 for none.
    """

    size_dl: IntArray
    return_dl: FloatArray
    all_d: FloatArray
    layer_dn: IntArray

    @classmethod
    def cut(cls, score_dn: FloatArray, label_dn: FloatArray, count: int) -> "Layers":
        """Cut the names with score and label of each date into `count` layers."""
        both = np.isfinite(score_dn) & np.isfinite(label_dn)
        layer_dn = parts(np.where(both, score_dn, np.nan), count)
        date, name = np.nonzero(both)
        cell, label = date * count + layer_dn[date, name], label_dn[date, name]
        cells = len(score_dn) * count
        # bincount adds in the order given: by date, then in symbol order.
        size_dl = np.bincount(cell, minlength=cells).reshape(-1, count)
        sum_dl = np.bincount(cell, weights=label, minlength=cells).reshape(-1, count)
        all_sum = np.bincount(date, weights=label, minlength=len(score_dn))
        return_dl = np.where(size_dl > 0, sum_dl / np.maximum(size_dl, 1), np.nan)
        return cls(size_dl, return_dl, all_sum / np.maximum(both.sum(axis=1), 1), layer_dn)

    @property
    def excess_dl(self) -> FloatArray:
        """Layer return less the mean label of all names of the date."""
        return self.return_dl - self.all_d[:, np.newaxis]

    @property
    def long_short_d(self) -> FloatArray:
        """Best less worst layer, NaN where one is empty."""
        return self.return_dl[:, -1] - self.return_dl[:, 0]

    def top_turnover(self) -> float:
        """Mean share of names in the best layer that were not there at the date before (one-sided); NaN if no pair."""
        top_dn = self.layer_dn == self.return_dl.shape[1] - 1
        size_d = top_dn.sum(axis=1)
        pair = (size_d[1:] > 0) & (size_d[:-1] > 0)
        if not pair.any():
            return float("nan")
        new_d = (top_dn[1:] & ~top_dn[:-1]).sum(axis=1)
        return float((new_d[pair] / size_d[1:][pair]).mean())

    def annual(self, span_d: IntArray, annual_sessions: int) -> list[float]:
        """Yearly rate of each layer held over its labels, one after another; NaN for a layer that is always empty."""
        return [yearly_rate(self.return_dl[:, layer], span_d, annual_sessions) for layer in range(len(self.size_dl.T))]

    def top_excess_annual(self, span_d: IntArray, annual_sessions: int) -> float:
        """Yearly rate of (1 + best layer) / (1 + all names)."""
        return yearly_rate((1.0 + self.return_dl[:, -1]) / (1.0 + self.all_d) - 1.0, span_d, annual_sessions)


def yearly_rate(return_d: FloatArray, span_d: Any, annual_sessions: int) -> float:
    """Compound the returns that are there, and turn the result into a rate per `annual_sessions` sessions held."""
    there = np.isfinite(return_d)
    held = int(np.asarray(span_d)[there].sum())
    if not held:
        return float("nan")
    with np.errstate(over="ignore"):
        end = np.prod(1.0 + return_d[there])
        return float(np.power(end, annual_sessions / held) - 1.0)
