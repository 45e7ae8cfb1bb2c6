"""Statements, forecasts, classifications out of vendor files: one basis a company, costs from margins, bad rows out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.table_rules import TABLES
from fusion_factor.market.bad_rows import sift
from fusion_factor.market.mapping import TableMap

_MAY_BE_UNKNOWN = ("net_profit", "operating_cash_flow", "revenue", "cost")


def read_fundamentals(name: str, frame: pd.DataFrame, table: TableMap) -> tuple[pd.DataFrame, list[str]]:
    """The rows of `financials`, `consensus` or `industry` that can be right, in our columns, and what is to be told.

    frame: as read, in our columns and units. Raises ConfigError for a key that is not mapped, DataError for bad rows
    under `on_bad: error`.
    """
    for column in TABLES[name].key:
        if column not in frame:
            raise ConfigError(f"table {name}: column {column} is not mapped")
    told: list[str] = []
    if name == "financials":
        frame, told = one_basis(frame, table.basis)
        frame, unknown = _filled_columns(frame)
        told += unknown
    frame, found = sift(name, frame, table.on_bad)
    return frame, told + found


def one_basis(frame: pd.DataFrame, prefer: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows of one basis of accounts a company, so that no difference is ever taken across two.

    frame: with the column `basis` (text) where the file has several. A company keeps the basis of its first
    announcement, of several on that day the first in `prefer`: what is announced later does not change it. Rows of a
    basis that is not in `prefer` are left out. Raises DataError for a company with two bases and no `prefer`.
    """
    if "basis" not in frame:
        if prefer:
            raise ConfigError("table financials: basis is given, but no column is mapped to basis")
        return frame, []
    if not prefer:
        bases = frame.groupby(frame["symbol"].astype(object))["basis"].nunique()
        if (bases > 1).any():
            raise DataError(
                f"financials: symbol {bases.index[int((bases > 1).argmax())]} (and {int((bases > 1).sum()) - 1} more) "
                "has figures of several bases, which must not be mixed: say which with basis: [...]"
            )
        return frame.drop(columns="basis"), []
    rank = frame["basis"].astype(object).map({word: k for k, word in enumerate(prefer)}).astype(float)
    symbols = frame["symbol"].astype(object)
    known = frame.assign(rank=rank, who=symbols).dropna(subset=["rank"])
    first = known.sort_values(["announce_date", "rank"], kind="stable").drop_duplicates("who").set_index("who")["rank"]
    kept = (rank == symbols.map(first)).to_numpy()
    counts = first.value_counts()
    shown = ", ".join(f"{word}: {int(counts.get(k, 0))}" for k, word in enumerate(prefer))
    told = [f"financials: {int((~kept).sum())} rows of other bases left out; companies by basis {shown}"]
    return frame[kept].drop(columns="basis").reset_index(drop=True), told


def _filled_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Cost from revenue and gross margin where it is not mapped; figures that are not mapped are empty, and told."""
    if "gross_margin" in frame:
        if "cost" in frame or "revenue" not in frame:
            raise ConfigError("table financials: gross_margin makes cost out of revenue: map revenue and no cost")
        frame = frame.assign(cost=frame["revenue"] * (1.0 - frame["gross_margin"])).drop(columns="gross_margin")
    missing = [column for column in _MAY_BE_UNKNOWN if column not in frame]
    told = [f"financials: {', '.join(missing)}: not in the files, unknown everywhere"] if missing else []
    return frame.assign(**{column: np.nan for column in missing}), told
