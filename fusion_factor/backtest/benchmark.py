"""NAV paths to measure against, from returns of a table or of the pool (SEMANTICS 6).

Legend: t session, d session from the base to the end.
"""

import numpy as np
import pandas as pd

from fusion_factor.core.tables import table_sessions

__all__ = ["compound", "series_returns"]


def compound(return_t: np.ndarray, base: int, end: int) -> np.ndarray:
    """NAV [D] that is 1 at the base and earns each later session's return."""
    return np.cumprod(np.r_[1.0, 1.0 + return_t[base + 1 : end + 1]])


def series_returns(benchmark: pd.DataFrame, sessions: np.ndarray) -> np.ndarray:
    """Session returns [T] of a checked `benchmark` table against its last valid close before.

    A session without a valid close has 0, and so has the first with one.
    """
    close_t = np.full(len(sessions), np.nan)
    close_t[np.searchsorted(sessions, table_sessions(benchmark))] = benchmark["close"].to_numpy()
    valid = np.flatnonzero(close_t > 0)
    return_t = np.zeros(len(sessions))
    return_t[valid[1:]] = close_t[valid[1:]] / close_t[valid[:-1]] - 1.0
    return return_t
