"""The AI score of the industries and the composite: mixed, and rotated on side by side.

Legend: `_tn` is [T sessions, N industries], `_dn` is [D grid dates, N], `_df` is [D, 2], `_f` the two scores.
"""

import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import RotationData
from fusion_factor.core.cross_section import zscore
from fusion_factor.core.labels import FloatArray
from fusion_factor.core.tables import dense
from fusion_factor.industry import IndustryData, composite, icir_weights
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market, Pool
from fusion_factor.scores import read_scores, score_table, write_scores
from fusion_factor.stages.industry_options import IndustryOptions
from fusion_factor.stages.rotate_files import write_strategy
from fusion_factor.stages.rotate_inputs import RotationInputs, known_parameters
from fusion_factor.stages.stage import Workspace

log = logging.getLogger("fusion_factor")

PARTS = ("ai", "composite")


class IndexRotation(RotationInputs):
    """A rotation on scores of the codes themselves: each code is its own single member."""

    @cached_property
    def data(self) -> RotationData:
        """The pool's prices and the codes' scores; stocks and their market values are not read."""
        benchmark = self.market.table("benchmark") if self.params.get("benchmark_kind") == "series" else None
        return RotationData(
            sessions=pd.DataFrame({"date": with_sessions_ahead(self.market.sessions)}),
            index_prices=self.pool.index_prices,
            members=self.pool.members,
            scores=self._scores,
            benchmark=benchmark,
        )


def write_mix(
    folder: Path,
    composite_dn: FloatArray,
    data: IndustryData,
    market: Market,
    pool: Pool,
    options: IndustryOptions,
    workspace: Workspace,
) -> dict[str, int]:
    """`ai.parquet`, `mix.parquet`, `mix_weights.csv`, and a folder of `rotation/` for each of the three scores.

    Returns: what was left out, with the reason.
    """
    sessions = market.sessions
    ai = ai_scores(market, pool, options, workspace)
    ai_tn = dense(ai, "score", sessions, data.codes)
    both_ftn = np.array([zscore(ai_tn), zscore(carried(composite_dn, data, sessions))])
    there_t = np.isfinite(both_ftn).any(axis=2).all(axis=0)
    if not there_t.any():
        log.warning("industry: no mix, AI score and composite have no session in common")
        return {"mix: AI score and composite have no session in common": 1}
    weight_df = mix_weights(both_ftn[:, data.positions_d], data, options)
    mix_tn = composite(both_ftn, _carried_weights(weight_df, data, len(sessions)))
    start = sessions[int(there_t.argmax())]
    tables = {
        "ai": ai,
        "composite": score_table({"score": both_ftn[1]}, sessions, data.codes),
        "mix": score_table({"score": mix_tn}, sessions, data.codes),
    }
    for name in ("ai", "mix"):
        write_scores(tables[name], folder / f"{name}.parquet")
    weights = pd.DataFrame({"date": data.dates_d.astype("datetime64[s]"), **dict(zip(PARTS, weight_df.T, strict=True))})
    weights.to_csv(folder / "mix_weights.csv", index=False, date_format="%Y-%m-%d")
    for name, table in tables.items():
        rotate_on(folder / "rotation" / name, table[table["date"] >= pd.Timestamp(start)], market, pool, options)
    return {}


def ai_scores(market: Market, pool: Pool, options: IndustryOptions, workspace: Workspace) -> pd.DataFrame:
    """The fused stock score aggregated over each industry's members, at every session: date, symbol, score."""
    fused = read_scores(workspace.folder("scores") / "scores.parquet")
    fused = fused.assign(score=fused[options.mix.score])[["date", "symbol", "score"]].dropna()
    given = {"pool": pool.name, "top_k": 1, "schedule": "daily", **known_parameters(options.mix.aggregate)}
    inputs = RotationInputs(market, pool, fused, given)
    return inputs.data.score_table(**inputs.params)


def mix_weights(both_fdn: FloatArray, data: IndustryData, options: IndustryOptions) -> FloatArray:
    """Weights of AI score and composite at each grid date: fixed, or their trailing ICIR. -> [D, 2]."""
    if options.mix.weighting == "icir":
        months = {"months": options.composite.weight_months, "min_months": options.composite.min_weight_months}
        return icir_weights(both_fdn, data.label_dn, min_names=options.min_names, **months)
    return np.tile([options.mix.weights[name] for name in PARTS], (len(data.dates_d), 1))


def carried(values_dn: FloatArray, data: IndustryData, sessions: Any) -> FloatArray:
    """Values of the grid dates on every session until the next one. [D, N] -> [T, N]; NaN before the first."""
    date_t = np.searchsorted(data.positions_d, np.arange(len(sessions)), side="right") - 1
    return np.where((date_t >= 0)[:, np.newaxis], values_dn[np.maximum(date_t, 0)], np.nan)


def _carried_weights(weight_df: FloatArray, data: IndustryData, count: int) -> FloatArray:
    """Weights on every session; before the first grid date those of the first. [D, 2] -> [T, 2]."""
    date_t = np.searchsorted(data.positions_d, np.arange(count), side="right") - 1
    return weight_df[np.maximum(date_t, 0)]


def rotate_on(folder: Path, scores: pd.DataFrame, market: Market, pool: Pool, options: IndustryOptions) -> None:
    """One rotation among the industries by their own scores, with the same files as the stage rotate writes."""
    inputs = IndexRotation(market, own_members(pool), scores, own_parameters(options.rotate))
    folder.parent.mkdir(exist_ok=True)
    write_strategy(folder, inputs.data.run(**inputs.params), inputs)


def own_members(pool: Pool) -> Pool:
    """The pool with each code as its own single member."""
    codes = np.array(sorted(pool.index_prices["code"].unique()), object)
    first = pool.index_prices["date"].min()
    members = pd.DataFrame({"code": codes, "symbol": codes, "in_date": first, "out_date": pd.NaT})
    return Pool(pool.name, pool.index_prices, members, pool.note, pool.names)


def own_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a rotation in which no aggregation is left to do."""
    return {**given, "pool": "", "aggregate": "mean", "min_members": 1, "min_coverage": 0.0}
