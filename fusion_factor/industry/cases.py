"""The case kind `industry_factors` (SEMANTICS 10 and 11): parameters and tables in, factors and their test out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.labels import FloatArray
from fusion_factor.industry.composite import composite, family_scores, icir_weights
from fusion_factor.industry.consensus import consensus_change
from fusion_factor.industry.crowding import crowding
from fusion_factor.industry.data import TABLES, IndustryData, MissingTable
from fusion_factor.industry.exclusion import Exclusion
from fusion_factor.industry.factor_test import check_factor
from fusion_factor.industry.fundamentals import cash_flow_to_profit, gross_margin_change_yoy, profit_growth_qoq
from fusion_factor.industry.momentum import momentum, momentum_acceleration
from fusion_factor.industry.settings import COMPOSITE, IndustrySettings

Files = dict[str, pd.DataFrame | dict[str, Any]]

_NEEDS = {
    "momentum_acceleration": ("index_prices", "benchmark"),
    "momentum": ("index_prices", "benchmark"),
    "crowding": ("index_prices",),
    "consensus_change": ("industry", "consensus"),
    "cash_flow_to_profit": ("industry", "financials"),
    "profit_growth_qoq": ("industry", "financials"),
    "gross_margin_change_yoy": ("industry", "financials"),
}
_POOL_AND_GRID = ("pool", "strict_pool", "grid", "start", "end", "n", "phase", "signal_dates")
_CHANGED_BY_EXCLUSION = ("momentum_acceleration", "momentum")


@dataclass(frozen=True, eq=False)
class IndustryFactors:
    """What `industry_factors` returns.

    Attributes:
        factors: date, industry, factor, value; every grid date, factor and industry, NaN where there is none.
        ic: date, factor, n, rank_ic. quintiles: date, factor, quintile, return. metrics: factor to its figures.
            Empty without `test`.
    """

    factors: pd.DataFrame
    ic: pd.DataFrame = field(default_factory=pd.DataFrame)
    quintiles: pd.DataFrame = field(default_factory=pd.DataFrame)
    metrics: dict[str, Any] = field(default_factory=dict)

    def wide(self, factor: str) -> pd.DataFrame:
        """One factor as a table: index `date`, one column an industry."""
        return self.factors[self.factors["factor"] == factor].pivot(index="date", columns="industry", values="value")


def industry_factors(
    *,
    sessions: Any,
    index_prices: pd.DataFrame | None = None,
    benchmark: pd.DataFrame | None = None,
    industry: pd.DataFrame | None = None,
    consensus: pd.DataFrame | None = None,
    financials: pd.DataFrame | None = None,
    **parameters: Any,
) -> IndustryFactors:
    """Compute industry factors at the dates of a grid, and test them where asked for (SEMANTICS 10).

    Args:
        sessions: table, array of dates or Calendar. index_prices: code (the industry), date, open, close, amount.
        benchmark: date, close. industry: symbol, industry, in_date, out_date.
        consensus: date, symbol, fiscal_year, net_profit (CNY). financials: symbol, period_end, announce_date,
            net_profit, operating_cash_flow, revenue, cost (CNY, cumulative within the fiscal year).
        parameters: fields of `IndustrySettings`; factors has no default.

    A table is needed only where a factor reads it. A value at a date reads rows dated or announced up to it.
    Raises: ConfigError naming the parameter, DataError naming table, key and value.

    >>> days = pd.bdate_range("2024-01-01", "2024-03-29")
    >>> path = 100 * 1.001 ** np.arange(len(days))
    >>> prices = pd.concat([
    ...     pd.DataFrame({"code": "bank", "date": days, "open": path, "close": path}),
    ...     pd.DataFrame({"code": "coal", "date": days, "open": path, "close": path**1.5})])
    >>> market = pd.DataFrame({"date": days, "close": path})
    >>> found = industry_factors(sessions=days, index_prices=prices, benchmark=market, factors=["momentum"], window=20)
    >>> found.wide("momentum").round(4).to_dict("list")
    {'bank': [0.0, 0.0], 'coal': [0.01, 0.01]}
    """
    tables = dict(zip(TABLES, (index_prices, benchmark, industry, consensus, financials), strict=True))
    settings = IndustrySettings.of(parameters)
    return _computed(settings, sessions, {name: table for name, table in tables.items() if table is not None})


def _computed(settings: IndustrySettings, sessions: Any, tables: Mapping[str, Any]) -> IndustryFactors:
    for name, reason in _needed(settings):
        if name not in tables:
            raise MissingTable(f"{name}: the table is not there, but {reason} needs it")
    given: dict[str, Any] = {name: getattr(settings, name) for name in _POOL_AND_GRID}
    data = IndustryData(sessions=sessions, **given, **tables)
    values = {name: _value(name, data, settings) for name in settings.computed}
    if COMPOSITE in settings.factors:
        values[COMPOSITE] = _composite(values, data, settings)
    named = {name: values[name] for name in sorted(settings.factors)}
    factors = _factor_rows(named, data)
    return _tested(factors, named, data, settings) if settings.test else IndustryFactors(factors)


def _needed(settings: IndustrySettings) -> list[tuple[str, str]]:
    """Tables that the parameters need, and what needs them."""
    needed = [(table, name) for name in settings.computed for table in _NEEDS[name]]
    if settings.test:
        needed.append(("index_prices", "test"))
    if COMPOSITE in settings.factors and settings.weighting == "icir":
        needed.append(("index_prices", "weighting icir"))
    return needed


def _value(name: str, data: IndustryData, settings: IndustrySettings) -> FloatArray:
    """One factor with the parameters of the settings. -> [D, N]."""
    if name == "crowding":
        return crowding(data, lookback=settings.crowding_lookback, min_values=settings.min_crowding)
    if name in _CHANGED_BY_EXCLUSION:
        exclusion = Exclusion(
            mode=settings.exclude_crowding,
            limit=settings.crowding_limit,
            penalty=settings.penalty,
            lookback=settings.crowding_lookback,
            min_values=settings.min_crowding,
        )
        if name == "momentum":
            return momentum(data, window=settings.window, curve=settings.curve, exclusion=exclusion)
        return momentum_acceleration(
            data,
            window=settings.window,
            method=settings.method,
            curve=settings.curve,
            degree=settings.degree,
            exclusion=exclusion,
        )
    if name == "consensus_change":
        given = ("fy", "months", "roll_month", "max_age", "combine", "min_members")
        return consensus_change(data, **{each: getattr(settings, each) for each in given})
    reports: dict[str, Any] = {"min_members": settings.min_members, "max_report_age": settings.max_report_age}
    if name == "cash_flow_to_profit":
        return cash_flow_to_profit(data, combine=settings.combine, **reports)
    return {"profit_growth_qoq": profit_growth_qoq, "gross_margin_change_yoy": gross_margin_change_yoy}[name](
        data, **reports
    )


def _composite(values: Mapping[str, FloatArray], data: IndustryData, settings: IndustrySettings) -> FloatArray:
    families = settings.all_families
    if not families:
        return np.full((len(data.dates_d), len(data.codes)), np.nan)
    family_fdn = family_scores(values, families, signs=settings.signs, clip=settings.clip)
    weight_df = None
    if settings.weighting == "icir":
        weight_df = icir_weights(
            family_fdn,
            data.label_dn,
            months=settings.weight_months,
            min_months=settings.min_weight_months,
            min_names=settings.min_names,
        )
    return composite(family_fdn, weight_df, min_families=settings.min_families)


def _factor_rows(values: Mapping[str, FloatArray], data: IndustryData) -> pd.DataFrame:
    """Long table by date, factor, industry."""
    dates, industries, factors = len(data.dates_d), len(data.codes), len(values)
    return pd.DataFrame(
        {
            "date": np.repeat(data.dates_d.astype("datetime64[s]"), factors * industries),
            "industry": np.tile(data.codes, dates * factors),
            "factor": np.tile(np.repeat(np.array(list(values), object), industries), dates),
            "value": np.stack(list(values.values()), axis=1).ravel(),
        }
    )


def _tested(
    factors: pd.DataFrame, values: Mapping[str, FloatArray], data: IndustryData, settings: IndustrySettings
) -> IndustryFactors:
    tests = {
        name: check_factor(
            value_dn,
            data.label_dn,
            data.dates_d,
            min_names=settings.min_names,
            nw_lags=settings.nw_lags or 0,
            monthly=settings.grid == "monthly",
        )
        for name, value_dn in values.items()
    }
    return IndustryFactors(
        factors,
        _stacked({name: test.ic for name, test in tests.items()}),
        _stacked({name: test.quintiles for name, test in tests.items()}),
        {name: test.metrics for name, test in tests.items()},
    )


def _stacked(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of all factors under one another, by date, then factor; their own order within."""
    long = pd.concat([part.assign(factor=name) for name, part in parts.items()], ignore_index=True)
    columns = ["date", "factor", *(column for column in long.columns if column not in ("date", "factor"))]
    return long.sort_values(["date", "factor"], kind="stable", ignore_index=True)[columns]


def industry_case(params: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Files:
    """Work a case of kind `industry_factors`.

    Args:
        params: parameters by name, without `kind` or with it. tables: sessions and what the factors need, unchecked.

    Returns: factors.csv, and with `test` ic.csv, quintiles.csv and metrics.json.
    Raises: ConfigError for a parameter, DataError for a table.
    """
    params = dict(params)
    kind = params.pop("kind", "industry_factors")
    if kind != "industry_factors":
        raise ConfigError(f"kind must be industry_factors here, got {kind!r}")
    settings = IndustrySettings.of(params)
    if "sessions" not in tables:
        raise DataError("sessions: the table is missing, but kind industry_factors needs it")
    found = _computed(settings, tables["sessions"], {name: tables[name] for name in TABLES if name in tables})
    files: Files = {"factors.csv": found.factors}
    if settings.test:
        files |= {"ic.csv": found.ic, "quintiles.csv": found.quintiles, "metrics.json": found.metrics}
    return files


CASE_KINDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, pd.DataFrame]], Files]] = {
    "industry_factors": industry_case
}
