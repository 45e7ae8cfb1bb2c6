"""The benchmark of an excess curve where no index is given: the industries themselves, equally weighted (METHOD 178).

Legend: `_tn` is [T sessions, N industries], `_t` is [T].
"""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.labels import FloatArray, valid_price
from fusion_factor.core.tables import check_table, dense
from fusion_factor.evaluation.prices import as_calendar

BASE = 1000.0


def equal_weight_benchmark(index_prices: pd.DataFrame, sessions: Any) -> pd.DataFrame:
    """Path of all codes at equal weight, rebalanced at every close: a table `benchmark` (date, close).

    A code counts on a session with valid closes there and on the session before; a session without any earns 0. The
    path at a session is a function of closes up to it.

    >>> days = pd.bdate_range("2024-01-01", periods=3)
    >>> one = pd.DataFrame({"code": "a", "date": days, "open": 1.0, "close": [10.0, 11.0, 11.0]})
    >>> two = pd.DataFrame({"code": "b", "date": days, "open": 1.0, "close": [10.0, 10.0, 12.0]})
    >>> equal_weight_benchmark(pd.concat([one, two]), days)["close"].round(6).tolist()
    [1000.0, 1050.0, 1155.0]
    """
    days = as_calendar(sessions).sessions
    prices = check_table("index_prices", index_prices, sessions=days)
    codes = np.array(sorted(prices["code"].unique()), object)
    close_tn = dense(prices, "close", days, codes, key="code")
    return pd.DataFrame(
        {"date": days.astype("datetime64[s]"), "close": BASE * np.cumprod(1.0 + _mean_returns(close_tn))}
    )


def _mean_returns(close_tn: FloatArray) -> FloatArray:
    close_tn = np.where(valid_price(close_tn), close_tn, np.nan)
    returns_tn = close_tn[1:] / close_tn[:-1] - 1.0
    count_t = np.isfinite(returns_tn).sum(axis=1)
    mean_t = np.nansum(returns_tn, axis=1) / np.maximum(count_t, 1)
    return np.concatenate([[0.0], mean_t])
