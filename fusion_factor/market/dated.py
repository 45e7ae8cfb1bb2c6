"""Rows of different conventions as spells: in_date inclusive, out_date exclusive, empty while it lasts.

`intervals` have both dates; `snapshots` are lists valid from their date to the next list of the same code; `runs` are
one row a session for as long as something holds. What a spell says at a session depends on rows dated up to that
session only, except under `backfill`, which says so.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.mapping import SpellRule


def to_spells(frame: pd.DataFrame, rule: SpellRule, sessions: np.ndarray, where: str) -> pd.DataFrame:
    """Rows of `st` or `industry` under one convention as spells, with the columns in_date and out_date.

    Snapshots of an industry are lists of all symbols: one that is missing from the next list has left.
    """
    if rule.kind == "snapshots":
        rows = frame.assign(code="", backfill=rule.backfill)
        return snapshots_to_spells(rows, where, sessions[0]).drop(columns="code")
    if rule.kind == "runs":
        return runs_to_spells(frame, sessions, where)
    return intervals_to_spells(frame, rule, where)


def intervals_to_spells(frame: pd.DataFrame, rule: SpellRule, where: str) -> pd.DataFrame:
    """Inclusive out_dates become exclusive; with `valid_from`, spells are cut to start there."""
    if "in_date" not in frame:
        raise DataError(f"{where}: spells need the column in_date")
    spells = frame if "out_date" in frame else frame.assign(out_date=np.datetime64("NaT", "s"))
    if rule.out_date == "inclusive":
        spells = spells.assign(out_date=spells["out_date"] + pd.Timedelta(days=1))
    if rule.valid_from is None:
        return spells.reset_index(drop=True)
    start = pd.Timestamp(rule.valid_from)
    spells = spells[spells["out_date"].isna() | (spells["out_date"] > start)]
    return spells.assign(in_date=spells["in_date"].where(spells["in_date"] >= start, start)).reset_index(drop=True)


def snapshots_to_spells(frame: pd.DataFrame, where: str, first_session: np.datetime64) -> pd.DataFrame:
    """Each list of a code holds from its date until the code's next list; the last one holds on.

    frame: code, symbol, date, backfill (bool), perhaps weight. Where the first list of a code says backfill, it is
    moved back to `first_session`; that looks ahead: the list was not known then.
    """
    if "date" not in frame:
        raise DataError(f"{where}: snapshots need the column date")
    if frame["date"].isna().any():
        raise DataError(f"{where}: a snapshot row has no date")
    days = frame["date"].to_numpy().astype("datetime64[s]")
    rows = frame.assign(date=days)
    lists = rows.groupby(["code", "date"], sort=True)["backfill"].any().reset_index()
    lists["out_date"] = lists.groupby("code", sort=False)["date"].shift(-1)
    first = pd.Timestamp(first_session)
    early = lists["backfill"] & ~lists["code"].duplicated()
    lists["in_date"] = lists["date"].where(~early, lists["date"].where(lists["date"] <= first, first))
    merged = rows.drop(columns="backfill").merge(lists.drop(columns="backfill"), on=["code", "date"], how="left")
    return merged.drop(columns="date")


def cut_to(frame: pd.DataFrame, inside: pd.DataFrame) -> pd.DataFrame:
    """Spells [in_date, out_date) cut to the times when their symbol is in a spell of `inside`, one row a piece.

    frame: symbol, in_date, out_date and whatever else; inside: the same three columns. Spells of `inside` that touch or
    overlap are joined first, so that they cut nothing.
    """
    last = pd.Timestamp("2262-01-01")
    ordered = inside.assign(symbol=inside["symbol"].astype(object), out_date=inside["out_date"].fillna(last))
    ordered = ordered.sort_values(["symbol", "in_date"], kind="stable")
    reach = ordered.groupby("symbol")["out_date"].cummax().shift()
    new = ordered["symbol"].ne(ordered["symbol"].shift()) | (ordered["in_date"] > reach)
    joined = ordered.groupby(new.cumsum()).agg(
        symbol=("symbol", "first"), begin=("in_date", "min"), stop=("out_date", "max")
    )
    pairs = frame.assign(symbol=frame["symbol"].astype(object)).merge(joined, on="symbol")
    start = pairs["in_date"].where(pairs["in_date"] >= pairs["begin"], pairs["begin"])
    out = pairs["out_date"].fillna(last)
    out = out.where(out <= pairs["stop"], pairs["stop"])
    pairs = pairs.assign(in_date=start, out_date=out.where(out < last)).drop(columns=["begin", "stop"])
    return pairs[(start < out).to_numpy()].reset_index(drop=True)


def runs_to_spells(frame: pd.DataFrame, sessions: np.ndarray, where: str) -> pd.DataFrame:
    """One row a session while something holds, as spells; a session without a row ends the spell.

    The spell's out_date is the session after its last row, empty when that is the last session of all.
    """
    days = frame["date"].to_numpy().astype("datetime64[D]")
    inside = (days >= sessions[0]) & (days <= sessions[-1])
    names, days = frame["symbol"].astype("category")[inside], days[inside]
    position = np.searchsorted(sessions, days)
    wrong = sessions[np.minimum(position, len(sessions) - 1)] != days
    if wrong.any():
        raise DataError(f"{where}: {days[np.flatnonzero(wrong)[0]]} is not a session")
    codes = names.cat.codes.to_numpy()
    flat = np.unique(codes.astype(np.int64) * (len(sessions) + 1) + position)
    starts = np.flatnonzero(np.r_[True, np.diff(flat) != 1]) if len(flat) else np.empty(0, np.int64)
    stops = np.r_[starts[1:], len(flat)] - 1 if len(flat) else starts
    who, first = np.divmod(flat[starts], len(sessions) + 1)
    after = flat[stops] % (len(sessions) + 1) + 1
    padded = np.append(sessions, np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "symbol": np.asarray(names.cat.categories, dtype=object)[who],
            "in_date": sessions[first].astype("datetime64[s]"),
            "out_date": padded[after].astype("datetime64[s]"),
        }
    )


def join_members(intervals: Sequence[pd.DataFrame], snapshots: pd.DataFrame | None) -> pd.DataFrame:
    """Members from several sources: a code that has dated intervals does not use its lists."""
    parts = [part for part in intervals if len(part)]
    if snapshots is not None and len(snapshots):
        dated = set().union(*(set(part["code"]) for part in parts)) if parts else set()
        parts.append(snapshots[~snapshots["code"].isin(dated)])
    if not parts:
        raise DataError("members: no row is left")
    joined = pd.concat([part.astype({"code": object, "symbol": object}) for part in parts], ignore_index=True)
    return joined.sort_values(["code", "symbol", "in_date"], ignore_index=True)
