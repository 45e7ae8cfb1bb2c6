"""`industry`: factors of the industries, their test as published, their composite, and its mix with the AI score."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import write_file
from fusion_factor.industry import (
    FactorTest,
    IndustryData,
    MissingTable,
    check_factor,
    composite,
    domain_composite,
    equal_weight_benchmark,
    family_scores,
    group_numbers,
    icir_weights,
    long_momentum,
    momentum_domain,
)
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market, Pool
from fusion_factor.scores import score_table, write_scores
from fusion_factor.stages.industry_mix import carried, write_mix
from fusion_factor.stages.industry_options import (
    COMPOSITE,
    IndustryOptions,
    files_read,
    industry_options,
    named_factors,
)
from fusion_factor.stages.industry_table import write_table
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace

log = logging.getLogger("fusion_factor")

Values = dict[str, np.ndarray]


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Compute and test every factor that the market has the tables for; a market without any gets a note alone."""
    options = industry_options(settings)
    market = market_of(settings, workspace)
    if options.pool not in market.pools:
        return _skipped(folder, f"the market has no pool {options.pool}")
    pool = market.pool(options.pool)
    data = industry_data(market, pool, options)
    factors, left_out = computed(options, data)
    if not factors:
        return _skipped(folder, "the market has no table that a factor needs", left_out)
    family_fdn, families = scaled_families(factors, data, options)
    values = factors | composites(family_fdn, families, data, options)
    tests = {
        name: check_factor(
            value_dn,
            data.label_dn,
            data.dates_d,
            min_names=options.min_names,
            nw_lags=options.nw_lags,
            monthly=options.grid == "monthly",
        )
        for name, value_dn in values.items()
    }
    write_tests(folder, tests)
    long_factors(values, data).to_parquet(folder / "factors.parquet", index=False)
    write_table(folder / "table.csv", tests, options)
    parts = dict(zip(families, family_fdn, strict=True))
    columns = {
        name: carried(each, data, market.sessions) for name, each in ({"score": values[COMPOSITE]} | parts).items()
    }
    write_scores(score_table(columns, market.sessions, data.codes), folder / "scores.parquet")
    if options.mix.enabled:
        left_out |= write_mix(folder, values[COMPOSITE], data, market, pool, options, workspace)
    return Outcome(rows={"factors": len(factors), "dates": len(data.dates_d)}, warnings=left_out)


def industry_data(market: Market, pool: Pool, options: IndustryOptions) -> IndustryData:
    """The tables that the factors read; the industries are the pool's codes."""
    sessions = pd.DataFrame({"date": with_sessions_ahead(market.sessions)})
    given: dict[str, Any] = {name: market.table(name) for name in ("consensus", "financials") if market.has(name)}
    if options.members == "pool":
        spells = pool.members.rename(columns={"code": "industry"})
        given["industry"] = spells[["symbol", "industry", "in_date", "out_date"]]
    elif market.has("industry"):
        given["industry"] = market.table("industry")
    if options.benchmark == "pool_mean":
        given["benchmark"] = equal_weight_benchmark(pool.index_prices, sessions)
    elif market.has("benchmark"):
        given["benchmark"] = market.table("benchmark")
    return IndustryData(
        sessions=sessions,
        index_prices=pool.index_prices,
        events={name: _read_events(path) for name, path in options.events.items()},
        grid=options.grid,
        start=options.start,
        end=options.end,
        **given,
    )


def computed(options: IndustryOptions, data: IndustryData) -> tuple[Values, dict[str, int]]:
    """Every factor that the tables allow, with its sign; and those left out, with the reason."""
    values, left_out = {}, {}
    for factor in named_factors(options):
        try:
            values[factor.name] = factor(data)
        except MissingTable as missing:
            log.warning("industry: factor %s left out: %s", factor.name, missing)
            left_out[f"{factor.name}: {missing}"] = 1
    return values, left_out


def scaled_families(factors: Values, data: IndustryData, options: IndustryOptions) -> tuple[np.ndarray, list[str]]:
    """Score of each family that has a factor, [F, D, N], and the families' names."""
    wanted = options.families or {name: [name] for name in factors}
    there = {family: [name for name in names if name in factors] for family, names in wanted.items()}
    there = {family: names for family, names in there.items() if names}
    if not there:
        return np.empty((0, len(data.dates_d), len(data.codes))), []
    return family_scores(factors, there, clip=options.composite.clip, scale=options.composite.scale), list(there)


def composites(family_fdn: np.ndarray, families: list[str], data: IndustryData, options: IndustryOptions) -> Values:
    """The composite, and as `composite_<weighting>` those that are tested beside it. [D, N] each."""
    chosen = options.composite
    names = {COMPOSITE: chosen.weighting} | {f"{COMPOSITE}_{each}": each for each in chosen.also}
    return {name: combined(weighting, family_fdn, families, data, options) for name, weighting in names.items()}


def combined(
    weighting: str, family_fdn: np.ndarray, families: list[str], data: IndustryData, options: IndustryOptions
) -> np.ndarray:
    """The families made one score by a weighting. [F, D, N] -> [D, N]; empty without a family."""
    chosen = options.composite
    if not families:
        return np.full((len(data.dates_d), len(data.codes)), np.nan)
    if weighting == "domain":
        return domain_composite(
            family_fdn,
            data.label_dn,
            group_numbers(list(data.codes), options.groups),
            months=chosen.domain_months,
            min_months=chosen.min_domain_months,
            min_names=options.min_names,
            min_group=chosen.min_group,
        )
    if weighting == "momdomain":
        technical = np.isin(families, chosen.technical)
        parts = [composite(family_fdn[mine], min_families=1) for mine in (technical, ~technical)]
        return momentum_domain(parts[0], parts[1], long_momentum(data))
    weight_df = None
    if weighting == "icir":
        weight_df = icir_weights(
            family_fdn,
            data.label_dn,
            months=chosen.weight_months,
            min_months=chosen.min_weight_months,
            min_names=options.min_names,
        )
    return composite(family_fdn, weight_df, min_families=chosen.min_families)


def write_tests(folder: Path, tests: dict[str, FactorTest]) -> None:
    """`ic.csv`, `quintiles.csv`, `metrics.json`: as the case kind writes them, and the return of all names beside."""
    ic = pd.concat([test.ic.assign(factor=name) for name, test in tests.items()])
    ic[["date", "factor", "n", "rank_ic"]].to_csv(folder / "ic.csv", index=False, date_format="%Y-%m-%d")
    parts = [
        test.quintiles.assign(factor=name, all=test.quintiles["date"].map(test.all_names))
        for name, test in tests.items()
    ]
    quintiles = pd.concat(parts)[["date", "factor", "quintile", "return", "all"]]
    quintiles.to_csv(folder / "quintiles.csv", index=False, date_format="%Y-%m-%d")
    metrics = {name: test.metrics for name, test in tests.items()}
    write_file(folder / "metrics.json", json.dumps(metrics, indent=1) + "\n")


def long_factors(values: Values, data: IndustryData) -> pd.DataFrame:
    """date, industry, factor, value; only values that are there."""
    parts = []
    for name, value_dn in values.items():
        d, n = np.nonzero(np.isfinite(value_dn))
        dates = data.dates_d[d].astype("datetime64[s]")
        parts.append(pd.DataFrame({"date": dates, "industry": data.codes[n], "factor": name, "value": value_dn[d, n]}))
    return pd.concat(parts, ignore_index=True).sort_values(["date", "factor", "industry"], ignore_index=True)


def _read_events(path: str) -> pd.DataFrame:
    return pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, dtype={"symbol": str})


def _skipped(folder: Path, reason: str, left_out: dict[str, int] | None = None) -> Outcome:
    log.warning("industry: left out, %s", reason)
    write_file(folder / "note.txt", f"left out: {reason}\n")
    return Outcome(rows={"factors": 0}, warnings={f"left out: {reason}": 1, **(left_out or {})})


STAGE = Stage(
    name="industry",
    purpose="testing the industry factors and mixing them with the score",
    artifact="industry",
    needs=("market",),
    needs_by=lambda settings: ("scores",) if settings.raw["industry"]["mix"]["enabled"] else (),
    config=("industry", "data"),
    files=files_read,
    rooms=(
        *("core", "market", "industry", "evaluation", "backtest", "scores"),
        *(f"stages/{name}.py" for name in ("industry_options", "industry_mix", "industry_table")),
        *(f"stages/{name}.py" for name in ("markets", "rotate_files", "rotate_inputs")),
    ),
    check=industry_options,
    work=work,
    content=("*.csv", "*.json", "*.parquet", "*.txt", "rotation/*/*"),
)
