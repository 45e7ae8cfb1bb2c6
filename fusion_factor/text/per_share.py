"""Forecasts per share made comparable across splits: a split halves them and revises nothing.

Legend: t session, n symbol.
"""

import bottleneck as bn
import numpy as np
import pandas as pd

SMALLEST_SPLIT = 1.08
"""Steps of the adjustment factor below it are dividends, which leave a forecast per share as it is."""


def split_factors(adj_factor_tn: np.ndarray) -> np.ndarray:
    """Shares that one of the first session has become, [T, N], from the steps of the cumulative adjustment factor.

    adj_factor_tn: backward factor, NaN where unknown (the last known one holds on). A step up of at least
    `SMALLEST_SPLIT` is taken as a split, and counts from its own session on.
    """
    factor_tn = bn.push(np.asarray(adj_factor_tn, np.float64), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        step_tn = factor_tn[1:] / factor_tn[:-1]
    step_tn = np.where(step_tn >= SMALLEST_SPLIT, step_tn, 1.0)
    return np.cumprod(np.vstack([np.ones((1, factor_tn.shape[1])), step_tn]), axis=0)


def undiluted(
    reports: pd.DataFrame, adj_factor_tn: np.ndarray, sessions: np.ndarray, symbols: np.ndarray
) -> pd.DataFrame:
    """The reports with forecasts per share as of the first session's shares: times the splits up to the report's date.

    Only splits with an ex-date up to the report's day enter. A forecast that was written per share of after a coming
    split already is not recognised.
    """
    days = reports["date"].to_numpy().astype("datetime64[D]")
    t = np.searchsorted(np.asarray(sessions, "datetime64[D]"), days, "right") - 1
    n = pd.Index(symbols).get_indexer(reports["symbol"])
    known = (t >= 0) & (n >= 0)
    shares = np.ones(len(reports))
    shares[known] = split_factors(adj_factor_tn)[t[known], n[known]]
    columns = [name for name in ("forecast_fy1", "forecast_fy2", "previous_fy1", "previous_fy2") if name in reports]
    return reports.assign(**{name: reports[name].to_numpy(np.float64) * shares for name in columns})
