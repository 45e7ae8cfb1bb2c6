"""Is a score any good: IC, layers and all figures of a score table against later prices (SEMANTICS 8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.labels import NEXT, FloatArray, IntArray
from fusion_factor.evaluation.correlation import autocorrelation, mean_rank_correlation
from fusion_factor.evaluation.figures import Figures
from fusion_factor.evaluation.layers import Layers
from fusion_factor.evaluation.prices import PriceBook
from fusion_factor.evaluation.sample import Sample, draw_sample
from fusion_factor.evaluation.settings import DateLike, EvaluationSettings, Horizon
from fusion_factor.evaluation.splits import by_industry, by_size, by_year
from fusion_factor.evaluation.statistics import default_lags, mean_of, number


@dataclass(frozen=True, eq=False)
class FactorEvaluation:
    """What `evaluate` returns.

    Attributes:
        ic: date, n, ic, rank_ic; every grid date.
        layers: date, layer, n, return, excess; every counted date, every layer (1 the worst score).
        metrics: all figures, ready for JSON (None where missing).
        spans: date, span, overlapping; sessions of each grid date's label (missing: no label), and whether labels
            overlap as a rule, so that returns must not be compounded.
        settings: the parameters.
        reach: grid dates that a label spans, at least 1: 2 for labels of 10 sessions on a grid of every 5.
    """

    ic: pd.DataFrame
    layers: pd.DataFrame
    metrics: dict[str, Any]
    spans: pd.DataFrame = field(repr=False)
    settings: EvaluationSettings = field(repr=False)
    reach: int = field(repr=False)


def evaluate(
    scores: pd.DataFrame,
    stock_prices: pd.DataFrame | PriceBook,
    sessions: Any = None,
    *,
    members: pd.DataFrame | None = None,
    industry: pd.DataFrame | None = None,
    caps: pd.DataFrame | None = None,
    horizon: Horizon = 5,
    label: str = "close",
    label_lag: int = 0,
    grid: str = "weekly",
    start: DateLike | None = None,
    end: DateLike | None = None,
    n: int = 5,
    phase: int = 0,
    signal_dates: Sequence[DateLike] | None = None,
    min_names: int = 10,
    universe: str | None = None,
    neutralise: str = "none",
    nw_lags: int | None = None,
    horizons: Sequence[int] = (),
    layers: int = 10,
    by_year: bool = False,
    by_size: bool = False,
    by_industry: bool = False,
    annual_sessions: int = 252,
) -> FactorEvaluation:
    """Evaluate a score table.

    Args:
        scores: date, symbol, score (higher is better); `date` is the session after whose close the score is known.
        stock_prices: symbol, date, open, close; optional vwap, adj_factor. Or a `PriceBook`, prepared once for many
            scores.
        sessions: the trading calendar: table `sessions`, array of dates or Calendar; not needed with a `PriceBook`.
        members: code, symbol, in_date, out_date; needed by `universe`.
        industry: symbol, industry, in_date, out_date; needed by `neutralise` industry and `by_industry`.
        caps: symbol, date, cap (CNY), the row of the date itself counts; needed by `neutralise` size and `by_size`.
        horizon: sessions of the label's return, or "next": up to the next grid date. Labels look ahead, that is their
            purpose; they may end after `end`.
        label: close (from close s + label_lag; starts at a price that the score has seen), open or vwap (from
            session s + 1 on: can be traded).
        label_lag: sessions before a close label starts; 1 with horizon 5 is the published T+1..T+6.
        grid, start, end, n, phase, signal_dates: the schedule of dates s: weekly, monthly, daily, every_n, explicit.
            `end` defaults to the last session with a valid close.
        min_names: a date counts with at least so many names with score and label.
        universe: a code of `members`; only its members at s count, as the spells tell (a later out_date does not leak).
        neutralise: none, industry, size or industry_size: the least-squares residual at s takes the score's place.
        nw_lags: Newey-West lags; empty: ceil(horizon / median grid gap) - 1, 0 for "next".
        horizons: horizons of `decay`. layers: number of layers.
        by_year, by_size, by_industry: also the figures of these parts.
        annual_sessions: sessions of a year.

    Returns: FactorEvaluation.
    Raises: ConfigError naming the parameter, DataError naming table, key and value.
    Source: METHOD 1.11 items 69 to 71; publishers' definitions where they say so.

    >>> days = pd.bdate_range("2024-01-01", periods=15)
    >>> prices = pd.DataFrame(
    ...     [(f"{i:06d}", day, 10.0, 10.0 * (1 + 0.01 * i) ** t) for i in range(5) for t, day in enumerate(days)],
    ...     columns=["symbol", "date", "open", "close"],
    ... )
    >>> scores = prices[["date", "symbol"]].assign(score=prices["symbol"].astype(int) % 4)
    >>> result = evaluate(scores, prices, days, min_names=5, layers=2)
    >>> result.ic
            date  n       ic   rank_ic
    0 2024-01-05  5  0.22335  0.205196
    1 2024-01-12  5  0.22335  0.205196
    >>> result.metrics["counted"], round(result.metrics["long_short"]["mean"], 4)
    (2, 0.0425)
    """
    settings = EvaluationSettings(
        horizon=horizon,
        label=label,
        label_lag=label_lag,
        grid=grid,
        start=start,
        end=end,
        n=n,
        phase=phase,
        signal_dates=signal_dates,
        min_names=min_names,
        universe=universe,
        neutralise=neutralise,
        nw_lags=nw_lags,
        horizons=horizons,
        layers=layers,
        by_year=by_year,
        by_size=by_size,
        by_industry=by_industry,
        annual_sessions=annual_sessions,
    )
    tables = {"members": members, "industry": industry, "caps": caps}
    return evaluate_sample(draw_sample(scores, as_book(stock_prices, sessions), settings, tables))


def as_book(stock_prices: pd.DataFrame | PriceBook, sessions: Any) -> PriceBook:
    """The prepared prices, prepared now if they are not."""
    if isinstance(stock_prices, PriceBook):
        return stock_prices
    if sessions is None:
        raise DataError("sessions: the table is needed where stock_prices is no PriceBook")
    return PriceBook.of(stock_prices, sessions)


def evaluate_sample(sample: Sample) -> FactorEvaluation:
    """Work out every figure of a sample."""
    settings = sample.settings
    label_dn, span_d = sample.label(settings.horizon)
    figures = Figures.of(sample.score_dn, label_dn, settings.min_names, settings.layers)
    lags = default_lags(settings.horizon, sample.gap) if settings.nw_lags is None else settings.nw_lags
    counted_d = figures.correlations.counted_d
    turnover = figures.layers.top_turnover()
    metrics = {
        **figures.summary(lags),
        "decay": _decay(sample, counted_d),
        "autocorrelation": number(autocorrelation(sample.score_dn, settings.min_names)),
        "coverage": number(_coverage(sample)),
        "top_turnover": number(turnover),
        **_annual(sample, figures.layers, span_d[counted_d]),
        "by_year": by_year(sample, label_dn, lags) if settings.by_year else None,
        "by_size": by_size(sample, label_dn, lags) if settings.by_size else None,
        "by_industry": by_industry(sample, label_dn, lags) if settings.by_industry else None,
    }
    dates = pd.Series(sample.dates_d.astype("datetime64[s]"), name="date")
    return FactorEvaluation(
        pd.DataFrame(
            {
                "date": dates,
                "n": figures.correlations.size_d.astype(np.int64),
                "ic": figures.correlations.ic_d,
                "rank_ic": figures.correlations.rank_ic_d,
            }
        ),
        _layer_frame(dates.to_numpy()[counted_d], figures.layers),
        metrics,
        pd.DataFrame(
            {"date": dates, "span": np.where(span_d > 0, span_d, np.nan), "overlapping": _overlapping(sample)}
        ),
        settings,
        default_lags(settings.horizon, sample.gap) + 1,
    )


def _layer_frame(dates_d: Any, layers: Layers) -> pd.DataFrame:
    dates, count = layers.size_dl.shape
    return pd.DataFrame(
        {
            "date": np.repeat(dates_d, count),
            "layer": np.tile(np.arange(1, count + 1), dates),
            "n": layers.size_dl.ravel().astype(np.int64),
            "return": layers.return_dl.ravel(),
            "excess": layers.excess_dl.ravel(),
        }
    )


def _decay(sample: Sample, counted_d: Any) -> dict[str, float | None]:
    """Mean RankIC of each horizon at the counted dates of the main one."""
    score_dn, least = sample.score_dn[counted_d], sample.settings.min_names
    return {
        str(each): number(mean_rank_correlation(score_dn, sample.label(each)[0][counted_d], least))
        for each in sample.settings.horizons
    }


def _coverage(sample: Sample) -> float:
    """Share of the names with a valid close that have a score as given, mean over the dates."""
    priced_d = sample.close_dn.sum(axis=1)
    scored_d = (sample.close_dn & np.isfinite(sample.raw_dn)).sum(axis=1)
    share: FloatArray = scored_d[priced_d > 0] / priced_d[priced_d > 0]
    return mean_of(share)


def _overlapping(sample: Sample) -> bool:
    """Whether labels overlap as a rule (or nobody can tell): no compounding then."""
    if len(sample.positions_d) < 2:
        return True
    return sample.settings.horizon != NEXT and sample.settings.horizon > sample.gap


def _annual(sample: Sample, layers: Layers, span_d: IntArray) -> dict[str, Any]:
    count, year = sample.settings.layers, sample.settings.annual_sessions
    if _overlapping(sample):
        return {"layer_annual": [None] * count, "top_excess_annual": None}
    return {
        "layer_annual": [number(each) for each in layers.annual(span_d, year)],
        "top_excess_annual": number(layers.top_excess_annual(span_d, year)),
    }
