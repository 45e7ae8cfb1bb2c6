"""What a check found, as parallel arrays: where, and how far off.

Legend of axes: t session, n symbol, k finding, e spell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Flaws:
    """Findings of one check.

    days_k: datetime64[D]; symbols_k: texts, empty where a finding concerns no single stock; values_k: what was
    measured, in the check's own unit; details_k: more words, or None. cells: how many of the `looked_at` cells are
    concerned (a finding may be a spell of many sessions).
    """

    days_k: npt.NDArray[np.datetime64]
    symbols_k: npt.NDArray[Any]
    values_k: FloatArray
    looked_at: int
    cells: int
    details_k: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.days_k)

    @property
    def share(self) -> float:
        """Concerned cells among those looked at; 0 where none was."""
        return self.cells / self.looked_at if self.looked_at else 0.0


def cell_flaws(
    sessions: npt.NDArray[np.datetime64],
    symbols: npt.NDArray[Any],
    wrong_tn: BoolArray,
    values_tn: FloatArray,
    looked_at: int,
) -> Flaws:
    """One finding a wrong cell, in order of session and symbol."""
    t, n = np.nonzero(wrong_tn)
    return Flaws(sessions[t], symbols[n], values_tn[t, n].astype(np.float64), looked_at, len(t))


def spells(mask_tn: BoolArray) -> tuple[IntArray, IntArray, IntArray]:
    """Unbroken runs of True down the sessions: first session, symbol and length of each [E], by symbol, then session.

    >>> [part.tolist() for part in spells(np.array([[True, False], [True, True], [False, True]]))]
    [[0, 1], [0, 1], [2, 2]]
    """
    padded_nt = np.zeros((mask_tn.shape[1], len(mask_tn) + 2), np.int8)
    padded_nt[:, 1:-1] = mask_tn.T
    steps_nt = np.diff(padded_nt, axis=1)
    n, start = np.nonzero(steps_nt == 1)
    end = np.nonzero(steps_nt == -1)[1]
    return start, n, end - start


def spell_flaws(
    sessions: npt.NDArray[np.datetime64],
    symbols: npt.NDArray[Any],
    mask_tn: BoolArray,
    longer_than: float,
    looked_at: int,
) -> Flaws:
    """One finding a run of more than `longer_than` sessions, dated its first; the value is its length in sessions."""
    start, n, length = spells(mask_tn)
    long = length > longer_than
    start, n, length = start[long], n[long], length[long]
    order = np.lexsort((n, start))
    return Flaws(
        sessions[start[order]], symbols[n[order]], length[order].astype(np.float64), looked_at, int(length.sum())
    )
