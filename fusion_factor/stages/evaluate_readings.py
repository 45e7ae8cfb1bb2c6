"""The fused score judged in other ways: neutralised, on returns from other prices, on other universes."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import FactorEvaluation, PriceBook, evaluate
from fusion_factor.market.store import Market
from fusion_factor.stages.evaluate_options import EvaluateOptions, Params, Reading
from fusion_factor.stages.markets import caps_on

log = logging.getLogger("fusion_factor")

COLUMNS = (
    "reading", "label", "universe", "rank_ic", "rank_ic_std", "icir", "positive", "t", "nw_t", "count", "names", "ic",
    "coverage", "top_excess_annual", "top_turnover", "top_month_hit", "long_short_mean",
)  # fmt: skip
OnGrid = Callable[[pd.DataFrame, Mapping[str, Any]], pd.DataFrame]
Summary = Callable[[FactorEvaluation], dict[str, Any]]


class FusedScore:
    """The fused score beside the tables of its market, for everything that only this score is asked.

    `on_grid` keeps the rows of a table that an evaluation with some parameters looks at.
    """

    def __init__(self, table: pd.DataFrame, book: PriceBook, market: Market, on_grid: OnGrid) -> None:
        self.table, self.book, self.market, self.on_grid = table, book, market, on_grid
        self._rows: dict[tuple[Any, ...], pd.DataFrame] = {}
        self._caps: dict[tuple[Any, ...], pd.DataFrame] = {}

    def detailed(self, params: Params, options: EvaluateOptions) -> FactorEvaluation:
        """The evaluation with decay and by year; by size and industry too, where the market knows them."""
        result = evaluate(self.rows(params), self.book, **{**params, **options.details})
        splits = {name: self.market.has(table) for name, table in (("by_size", "caps"), ("by_industry", "industry"))}
        if any(splits.values()):
            metrics = self.judge({**params, **options.splits, **splits}).metrics
            # Few names are in an industry: their dates count from fewer names on than those of the whole.
            result.metrics.update({name: metrics[name] for name in splits})
        return result

    def readings(self, options: EvaluateOptions, start: str, summary: Summary) -> tuple[pd.DataFrame, dict[str, int]]:
        """One row a reading: reading, label, universe, figures; and the readings left out, with their reason."""
        members = self.members(options.universes)
        rows, left_out = [], {}
        for each in options.readings:
            reason = self.missing(each)
            if reason:
                log.info("evaluate: reading %s left out, the market has no %s", each.words, reason)
                left_out[f"reading {each.words}: no {reason}"] = 1
                continue
            result = self.judge({**each.params, "start": start}, members)
            words = {"reading": each.reading, "label": each.label, "universe": each.universe or ""}
            rows.append(words | summary(result))
        return pd.DataFrame(rows, columns=list(COLUMNS)), left_out

    def judge(self, params: Params, members: pd.DataFrame | None = None) -> FactorEvaluation:
        """Evaluate with the market's own tables, those that the parameters need."""
        table = self.rows(params)
        tables: Params = {}
        if "industry" in params.get("neutralise", "none") or params.get("by_industry"):
            tables["industry"] = self.market.table("industry")
        if "size" in params.get("neutralise", "none") or params.get("by_size"):
            tables["caps"] = self.caps(params)
        if params.get("universe") and members is not None:
            tables["members"] = members
        return evaluate(table, self.book, **tables, **params)

    def missing(self, reading: Reading) -> str | None:
        """The table or column that a reading needs and the market does not have."""
        neutral, label = reading.params.get("neutralise", "none"), reading.params.get("label", "close")
        if not self.book.has(label):
            return f"column {label}"
        for word, table in (("industry", "industry"), ("size", "caps")):
            if word in neutral and not self.market.has(table):
                return f"table {table}"
        return None

    def rows(self, params: Params) -> pd.DataFrame:
        """The rows of the score on the dates of a grid, taken out once."""
        key = _grid(params)
        if key not in self._rows:
            self._rows[key] = self.on_grid(self.table, params)
        return self._rows[key]

    def caps(self, params: Params) -> pd.DataFrame:
        """The table `caps` on the dates of a grid, made once."""
        key = _grid(params)
        if key not in self._caps:
            self._caps[key] = caps_on(self.market, self.rows(params)["date"])
        return self._caps[key]

    def members(self, universes: tuple[str, ...]) -> pd.DataFrame | None:
        """Spells of the universes, each from the first pool that has it. Raises ConfigError for a code in no pool."""
        parts: dict[str, pd.DataFrame] = {}
        for pool in self.market.pools if universes else ():
            spells = self.market.pool(pool).members
            for code in set(universes) - set(parts):
                if (spells["code"] == code).any():
                    parts[code] = spells[spells["code"] == code]
        for code in universes:
            if code not in parts:
                pools = ", ".join(self.market.pools) or "no pools"
                raise ConfigError(f"evaluate.universes: {code} has no members in any pool of the market ({pools})")
        return pd.concat(parts.values()) if parts else None


def _grid(params: Params) -> tuple[Any, ...]:
    return tuple(params.get(name) for name in ("grid", "n", "phase", "start"))
