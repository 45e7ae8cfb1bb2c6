"""Batches of pieces of about the same length, so that little is computed on padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_STEP = 16


@dataclass(frozen=True, eq=False)
class Batch:
    """`rows` of the pieces, in a block of `height` rows and `width` tokens; rows that are left over are padding."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    height: int
    width: int


def length_batches(lengths: Sequence[int], batch_tokens: int, most_tokens: int) -> Iterator[Batch]:
    """Longest first, so that what does not fit in memory shows at once; padded to the longest of the batch."""
    length = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-length, kind="stable")
    first = 0
    while first < len(order):
        width = int(length[order[first]])
        height = min(max(1, batch_tokens // width), len(order) - first)
        yield Batch(order[first : first + height], height, width)
        first += height


def fixed_batches(lengths: Sequence[int], batch_tokens: int, most_tokens: int) -> Iterator[Batch]:
    """A piece is always padded to the same width, in a block of the same height, whatever else there is to do.

    Widths are multiples of 16, at most `most_tokens`; the last block of a width is filled up with padding.
    """
    length = np.asarray(lengths, dtype=np.int64)
    width_n = np.minimum(-(-length // _STEP) * _STEP, most_tokens)
    for width in np.unique(width_n)[::-1].tolist():
        rows = np.flatnonzero(width_n == width)
        height = max(1, batch_tokens // width)
        for first in range(0, len(rows), height):
            yield Batch(rows[first : first + height], height, width)
