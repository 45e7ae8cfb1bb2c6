"""The intraday bars of one session, as every reader hands them on.

Legend of axes: s symbol of one session's bars, b bar of a session.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.market.level2 import BadRows, Int64Array

PRICE_FIELDS = ("open", "high", "low", "close")


@dataclass(frozen=True)
class SessionBars:
    """The intraday bars of one session: float32 [S, B] arrays, C-contiguous, symbols in byte order.

    Prices are raw CNY, volume is shares, amount is CNY; B is 240, 48 or 16, or what other hours hold. A bar without a
    trade has volume 0 and a carried (or NaN) price. The opening auction is in the first bar, the closing auction in the
    last, unless the hours say otherwise. left_out: rows that the reader left out, of the same symbols; None: none.
    missing int64 [S]: bars that no row was given for, they are empty here; None: none.
    """

    session: np.datetime64
    symbols: npt.NDArray[Any]
    open: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    close: npt.NDArray[np.float32]
    volume: npt.NDArray[np.float32]
    amount: npt.NDArray[np.float32]
    trades: npt.NDArray[np.float32] | None = None
    left_out: BadRows | None = None
    missing: Int64Array | None = None
