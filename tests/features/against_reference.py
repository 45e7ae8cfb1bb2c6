"""Compare the compiled intraday factors with their slow definitions, over all rows of a session's bars."""

import warnings

import numpy as np
import reference_intraday

from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.catalogue import KERNEL

FIELDS = ("open", "high", "low", "close", "volume", "amount", "trades")


def referenced(bars, session=None):
    """All factors of the kernel by their definitions, [S, F]."""
    fields = [getattr(bars, name) for name in FIELDS[:6]]
    fields.append(np.zeros_like(bars.volume) if bars.trades is None else bars.trades)
    rows = [reference_intraday.factors([field[i] for field in fields], session) for i in range(len(bars.symbols))]
    return np.array([[row.get(name, np.nan) for name in KERNEL] for row in rows])


def assert_equals_reference(bars, session=None, tolerance=1e-9, **options):
    """Missing in the same places, and equal to `tolerance` of a factor's size over the rows. Returns the reference."""
    expected = referenced(bars, session)
    names = [name for name in KERNEL if bars.trades is not None or name not in KERNEL[-3:]]
    expected = expected[:, : len(names)]
    got = compute_factors(bars, names, **options)
    differ = np.argwhere(np.isnan(got) != np.isnan(expected))
    assert not len(differ), [(i, names[f], got[i, f], expected[i, f]) for i, f in differ[:5]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a factor may be missing in all rows
        size = np.maximum(np.nanstd(expected, axis=0), np.nanmax(np.abs(expected), axis=0))
        worst = np.nan_to_num(np.nanmax(np.abs(got - expected) / np.where(size > 0, size, 1.0), axis=0))
    assert worst.max() < tolerance, {n: w for n, w in zip(names, worst, strict=True) if not w < tolerance}
    return expected
