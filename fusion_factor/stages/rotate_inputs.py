"""What one strategy of the rotate stage runs on: its parameters, and the tables of its pool prepared once."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from fusion_factor.backtest import Parameters, RotationData
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market, Pool
from fusion_factor.stages.markets import caps_on


def check_strategy(name: str, given: Mapping[str, Any]) -> None:
    """Refuse a strategy without a pool or with a parameter that is unknown or out of its bounds."""
    if "pool" not in given:
        raise ConfigError(f"rotate.strategies.{name}: pool is missing")
    Parameters.of(known_parameters(given))


def known_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """The strategy's parameters in SEMANTICS' names; empty ones are left to their defaults."""
    return {name: value for name, value in given.items() if name != "pool" and value is not None}


class RotationInputs:
    """One strategy's parameters and prepared tables.

    `params`: with what the data decides filled in. `start` is no earlier than the first session with a score;
    `aggregate: weight` falls back to `cap` (METHOD 118b) where the pool's members carry no weights.
    """

    def __init__(self, market: Market, pool: Pool, scores: pd.DataFrame, given: Mapping[str, Any]) -> None:
        self.market, self.pool, self._scores = market, pool, scores
        params = known_parameters(given)
        first = scores["date"].min().strftime("%Y-%m-%d")
        params["start"] = max(str(params.get("start") or first), first)
        self.params = self.with_aggregate(params)
        if not self.can_run(self.params):
            raise DataError("caps: the market has no such table, and aggregate cap needs it")

    def with_aggregate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with an aggregate that the pool's members allow."""
        by_weight = params.get("aggregate") == "weight" and not has_weights(self.pool)
        return {**params, "aggregate": "cap"} if by_weight else dict(params)

    def can_run(self, params: Mapping[str, Any]) -> bool:
        """Whether the tables that the parameters need are there."""
        return params.get("aggregate") != "cap" or self.market.caps_tn is not None

    @cached_property
    def data(self) -> RotationData:
        """The tables, checked and laid out once for all settings."""
        optional = {}
        if self.market.caps_tn is not None:
            optional["caps"] = caps_on(self.market, self._scores["date"])
        if self.params.get("benchmark_kind") == "series":
            optional["benchmark"] = self.market.table("benchmark")
        return RotationData(
            sessions=pd.DataFrame({"date": with_sessions_ahead(self.market.sessions)}),
            index_prices=self.pool.index_prices,
            members=self.pool.members,
            scores=self._scores,
            **optional,
        )


def has_weights(pool: Pool) -> bool:
    """Whether every code's members carry weights; a code without any could never be picked by them."""
    if "weight" not in pool.members:
        return False
    return bool(pool.members["weight"].notna().groupby(pool.members["code"]).any().all())
