"""Bad rows of a session's bars, counted by symbol: what a vendor's file may hold and a factor must not read silently.

Legend of axes: s symbol of one session's bars, b bar.
"""

import math

import numpy as np
from numba import njit

from fusion_factor.market.level2 import BadRows
from fusion_factor.market.session_bars import SessionBars

MISSING = ("missing",)
"""A bar that no row was given for, of a symbol that traded in the session. Where nobody trades in a minute many vendors
write no row, so a missing bar is no bad row."""
BAR_KINDS = ("not_positive", "crossed", "amount")
"""A negative or infinite number, or a price that is not positive, on a bar with volume; high below low, or open or
close outside of them; an amount whose price (amount / volume) lies outside of them by more than the tolerance."""
_ROUNDING = 1e-6


def bad_bars(bars: SessionBars, tolerance: float = 0.01) -> BadRows:
    """The bad bars of each symbol, each under its first reason, and the rows that the reader left out; rows are the
    bars with volume and those left out.

    tolerance: share of the price by which amount / volume may lie outside of [low, high]. An amount that is not known
    (NaN) is not bad.
    """
    counts = np.zeros((len(bars.symbols), len(BAR_KINDS)), np.int64)
    rows = np.zeros(len(bars.symbols), np.int64)
    _count(bars.open, bars.high, bars.low, bars.close, bars.volume, bars.amount, tolerance, counts, rows)
    left = bars.left_out
    if left is None:
        return BadRows(bars.symbols, counts, rows, BAR_KINDS)
    counts = np.concatenate([left.counts, counts], axis=1)
    return BadRows(bars.symbols, counts, rows + left.rows, (*left.kinds, *BAR_KINDS))


def missing_bars(bars: SessionBars) -> BadRows:
    """The missing bars of each symbol that traded; rows are the bars that it should have."""
    traded = np.any(bars.volume > 0, axis=1)
    missing = np.zeros(len(traded), np.int64) if bars.missing is None else bars.missing
    return BadRows(bars.symbols, np.where(traded, missing, 0)[:, None], traded * bars.volume.shape[1], MISSING)


@njit(nogil=True, cache=True)
def _count(o_sb, h_sb, l_sb, c_sb, v_sb, a_sb, tolerance, counts_sk, rows_s):  # type: ignore[no-untyped-def]
    for s in range(v_sb.shape[0]):
        for b in range(v_sb.shape[1]):
            v = v_sb[s, b]
            if v == 0.0:
                continue
            o, h, low, c, a = o_sb[s, b], h_sb[s, b], l_sb[s, b], c_sb[s, b], a_sb[s, b]
            rows_s[s] += 1
            total = o + h + low + c + v
            if not (v > 0.0 and o > 0.0 and h > 0.0 and low > 0.0 and c > 0.0 and total < math.inf) or a < 0.0:
                counts_sk[s, 0] += 1
            elif max(o, c, low) > h * (1.0 + _ROUNDING) or min(o, c) < low * (1.0 - _ROUNDING):
                counts_sk[s, 1] += 1
            elif a > v * h * (1.0 + tolerance) or a < v * low * (1.0 - tolerance):
                counts_sk[s, 2] += 1
