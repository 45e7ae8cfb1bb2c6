"""`rotate`: the theme, concept and industry strategies on the fused score, through the one simulator."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import Parameters, Result, rotate, years
from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.checks import check_pool
from fusion_factor.market.store import Market, Pool
from fusion_factor.scores import read_scores
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace

log = logging.getLogger("fusion_factor")


def check(settings: Settings) -> None:
    """Refuse what `rotate` must not hold."""
    options = settings.raw["rotate"]
    for name in options:
        if name not in ("score", "strategies"):
            raise ConfigError(f"rotate.{name}: is no parameter (known: score, strategies)")
    for name, given in options["strategies"].items():
        if "pool" not in given:
            raise ConfigError(f"rotate.strategies.{name}: pool is missing")
        Parameters.of({key: value for key, value in given.items() if key != "pool" and value is not None})


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Run every strategy of `rotate.strategies` whose pool the market has."""
    market = market_of(settings, workspace)
    options = settings.raw["rotate"]
    scores = read_scores(workspace.folder("scores") / "scores.parquet")
    scores = scores.assign(score=scores[options["score"]])[["date", "symbol", "score"]].dropna()
    rows, warnings = {}, {}
    for name, given in options["strategies"].items():
        if given["pool"] not in market.pools:
            log.warning("rotate: strategy %s left out, the market has no pool %s", name, given["pool"])
            warnings[f"{name}: no pool {given['pool']}"] = 1
            continue
        for warning in check_pool(market, given["pool"]):
            log.warning("%s", warning)
        pool = market.pool(given["pool"])
        params = parameters(given, pool, market, scores)
        result = rotate_pool(pool, market, scores, params)
        write_strategy(folder / name, result, params, pool)
        rows[name] = int(result.metrics["executions"])
        if result.metrics["kept"]:
            warnings[f"{name}: signals without any eligible index"] = int(result.metrics["kept"])
    if not rows:
        raise ConfigError(f"rotate.strategies: none of the pools is in the market (it has {', '.join(market.pools)})")
    return Outcome(rows=rows, warnings=warnings)


def parameters(given: Mapping[str, Any], pool: Pool, market: Market, scores: pd.DataFrame) -> dict[str, Any]:
    """The strategy's parameters in SEMANTICS' names, with what the data decides filled in.

    `start` is no earlier than the first session with a score; `aggregate: weight` falls back to `cap` (METHOD 118b)
    where the pool's members carry no weights.
    """
    params = {name: value for name, value in given.items() if name != "pool" and value is not None}
    first = scores["date"].min().strftime("%Y-%m-%d")
    params["start"] = max(str(params.get("start") or first), first)
    if params.get("aggregate") == "weight" and not has_weights(pool):
        params["aggregate"] = "cap"
    return params


def has_weights(pool: Pool) -> bool:
    """Whether every code's members carry weights; a code without any could never be picked by them."""
    if "weight" not in pool.members:
        return False
    return bool(pool.members["weight"].notna().groupby(pool.members["code"]).any().all())


def rotate_pool(pool: Pool, market: Market, scores: pd.DataFrame, params: Mapping[str, Any]) -> Result:
    """One strategy on one pool."""
    optional = {}
    if params.get("aggregate") == "cap":
        optional["caps"] = caps_on(market, scores["date"])
    if params.get("benchmark_kind") == "series":
        optional["benchmark"] = market.table("benchmark")
    return rotate(
        sessions=pd.DataFrame({"date": with_sessions_ahead(market.sessions)}),
        index_prices=pool.index_prices,
        members=pool.members,
        scores=scores,
        **optional,
        **params,
    )


def caps_on(market: Market, dates: pd.Series) -> pd.DataFrame:
    """The table `caps` on the dates of the scores, as known then: the latest row on or before each."""
    if market.caps_tn is None:
        raise DataError("caps: the market has no such table, and aggregate cap needs it")
    rows = np.flatnonzero(np.isin(market.sessions, dates.to_numpy().astype("datetime64[D]")))
    t, n = np.nonzero(np.isfinite(market.caps_tn[rows]))
    cap = market.caps_tn[rows][t, n]
    return pd.DataFrame(
        {"symbol": market.symbols[n], "date": market.sessions[rows[t]].astype("datetime64[s]"), "cap": cap}
    )


def write_strategy(folder: Path, result: Result, params: Mapping[str, Any], pool: Pool) -> None:
    """The files of SEMANTICS 11, and beside them the parameters, the pool's note and the yearly table."""
    folder.mkdir(parents=True)
    for name in ("nav", "signals", "executions", "holdings"):
        getattr(result, name).to_csv(folder / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    years(result.nav).to_csv(folder / "years.csv", index=False)
    write_file(folder / "metrics.json", json.dumps(result.metrics, indent=1, default=str) + "\n")
    write_file(folder / "params.json", json.dumps({"pool": pool.name, **params}, indent=1, default=str) + "\n")
    if pool.names:
        named = pd.DataFrame({"code": list(pool.names), "name": list(pool.names.values())})
        named[named["code"].isin(pool.index_prices["code"])].to_csv(folder / "names.csv", index=False)
    if pool.note:
        write_file(folder / "note.txt", pool.note + "\n")


STAGE = Stage(
    name="rotate",
    purpose="rotating over the pools of indices",
    artifact="rotate",
    needs=("market", "scores"),
    config=("rotate", "data"),
    rooms=("core", "market", "backtest"),
    check=check,
    work=work,
    content=("*/*.csv", "*/*.json", "*/*.txt"),
)
