"""The little reshaping that drawing needs: running sums, running extremes, month ends. No statistic is decided here.

Legend: arrays are float64 with NaN for missing, a path is a NAV-like array that starts near 1, dates are sorted.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fusion_factor.report.numbers import number

Floats = NDArray[np.float64]


def floats(values: pd.Series) -> Floats:
    """A column as float64, missing and unreadable values as NaN."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def running_sum(values: Floats) -> Floats:
    """Cumulative sum; a missing value adds nothing."""
    return np.nancumsum(values)


def moving_mean(values: Floats, window: int) -> Floats:
    """Mean of the last `window` values, where all of them are there: smooths a line."""
    return pd.Series(values).rolling(window, min_periods=window).mean().to_numpy(dtype=np.float64)


def below_peak(path: Floats) -> Floats:
    """How far a path stands below its running maximum: 0 at a peak, -0.2 when a fifth is lost."""
    if len(path) == 0:
        return path
    peak = np.fmax.accumulate(path)
    return path / np.where(peak > 0, peak, np.nan) - 1.0


def trailing_change(path: Floats, window: int) -> Floats:
    """What a path gained over the last `window` steps; NaN before there are so many."""
    out = np.full(len(path), np.nan)
    if len(path) > window:
        before = path[:-window]
        out[window:] = path[window:] / np.where(before > 0, before, np.nan) - 1.0
    return out


def trailing_volatility(path: Floats, window: int, annual_sessions: int = 252) -> Floats:
    """Standard deviation (ddof 1) of a path's last `window` session returns, times the root of a year's sessions."""
    returns = np.full(len(path), np.nan)
    returns[1:] = path[1:] / np.where(path[:-1] > 0, path[:-1], np.nan) - 1.0
    spread = pd.Series(returns).rolling(window, min_periods=window).std()
    return spread.to_numpy(dtype=np.float64) * annual_sessions**0.5


def standard_error(row: pd.Series) -> float | None:
    """The standard error behind a mean RankIC, from the row: mean / nw_t, else mean / t, else std / sqrt(count)."""
    mean = number(row.get("rank_ic"))
    for name in ("nw_t", "t"):
        ratio = number(row.get(name))
        if mean is not None and ratio is not None and abs(ratio) > 1e-9 and abs(mean) > 1e-12:
            return abs(mean / ratio)
    std, count = number(row.get("rank_ic_std")), number(row.get("count"))
    return std / count**0.5 if std is not None and count else None


def on_dates(frame: pd.DataFrame, column: str, dates: pd.Series) -> Floats:
    """A column of a dated table at `dates`, NaN where it has no row; of a doubled date the first row counts."""
    series = pd.Series(floats(frame[column]), index=pd.DatetimeIndex(frame["date"]))
    aligned = series[~series.index.duplicated()].reindex(pd.DatetimeIndex(dates))
    return floats(aligned)


def layer_paths(layers: pd.DataFrame) -> tuple[pd.Series, dict[int, Floats]]:
    """Dates and, for each layer, the running product of (1 + layer) / (1 + all names), which compounds its excess.

    The mean return of all names is the layer's return minus its excess. A date on which a layer is empty moves nothing.
    """
    returns, excess = floats(layers["return"]), floats(layers["excess"])
    frame = pd.DataFrame(
        {"date": layers["date"], "layer": floats(layers["layer"]), "ratio": (1.0 + returns) / (1.0 + returns - excess)}
    )
    wide = frame.dropna(subset=["date", "layer"]).groupby(["date", "layer"])["ratio"].mean().unstack().sort_index()
    paths = {int(layer): wide[layer].fillna(1.0).cumprod().to_numpy() for layer in wide.columns}
    return pd.Series(wide.index), paths


def monthly_changes(dates: pd.Series, path: Floats) -> list[tuple[int, tuple[float | None, ...], float | None]]:
    """Rows (year, twelve month changes, the year's change): from month end to month end, the first from the base."""
    days = pd.DatetimeIndex(dates)
    frame = pd.DataFrame({"year": days.year, "month": days.month, "path": path}).dropna()
    if frame.empty:
        return []
    by_month, by_year = frame.groupby(["year", "month"])["path"], frame.groupby("year")["path"]
    base = float(frame["path"].iloc[0])
    monthly, yearly = _changes(by_month.last(), base), _changes(by_year.last(), base)
    # a month or a year that holds nothing but the base has no return
    if by_month.size().iloc[0] == 1:
        monthly.iloc[0] = np.nan
    if by_year.size().iloc[0] == 1:
        yearly = yearly.iloc[1:]
    years = [int(year) for year in yearly.index.to_numpy()]
    return [
        (year, tuple(number(monthly.get((year, month))) for month in range(1, 13)), number(yearly.loc[year]))
        for year in years
    ]


def monthly_means(dates: pd.Series, values: Floats) -> list[tuple[int, tuple[float | None, ...], float | None]]:
    """Rows (year, twelve month means, the year's mean) of a figure by date; missing values are left out."""
    days = pd.DatetimeIndex(dates)
    frame = pd.DataFrame({"year": days.year, "month": days.month, "value": values}).dropna()
    monthly = frame.groupby(["year", "month"])["value"].mean()
    yearly = frame.groupby("year")["value"].mean()
    return [
        (int(year), tuple(number(monthly.get((year, month))) for month in range(1, 13)), number(yearly.loc[year]))
        for year in yearly.index.to_numpy()
    ]


def long_short_sum(layers: pd.DataFrame) -> tuple[pd.Series, Floats]:
    """Dates, and the running sum of the highest layer's return less the lowest's; a date without them adds nothing."""
    frame = pd.DataFrame({"date": layers["date"], "layer": floats(layers["layer"]), "return": floats(layers["return"])})
    wide = frame.dropna(subset=["date", "layer"]).groupby(["date", "layer"])["return"].mean().unstack().sort_index()
    if wide.shape[1] < 2:
        return pd.Series(wide.index), np.zeros(len(wide))
    gap = wide[wide.columns.max()] - wide[wide.columns.min()]
    return pd.Series(wide.index), running_sum(floats(gap))


def cells(frame: pd.DataFrame, date: str, value: str, names: Sequence[str]) -> tuple[pd.Series, dict[str, Floats]]:
    """Dates of a long table with a column `code`, and for each of `names` its values on them (NaN where none)."""
    known = frame.dropna(subset=[date, "code"])
    days = pd.DatetimeIndex(sorted(known[date].unique()))
    known = known[known["code"].astype(str).isin(set(names))]
    series = pd.Series(floats(known[value]), index=[known["code"].astype(str), pd.DatetimeIndex(known[date])])
    series = series[~series.index.duplicated()]
    asked = pd.MultiIndex.from_product([list(names), days])
    values = floats(series.reindex(asked)).reshape(len(names), len(days))
    return pd.Series(days), dict(zip(names, values, strict=True))


def _changes(ends: pd.Series, base: float) -> pd.Series:
    before = ends.shift(1)
    before.iloc[0] = base
    return ends / before.where(before > 0) - 1.0


def kept_rows(count: int, most: int) -> NDArray[np.int64]:
    """Positions to draw when a line has more points than `most`: evenly spread, first and last among them."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.int64))
