"""Rows of different conventions as spells: in_date inclusive, out_date exclusive, empty while it lasts.

`intervals` have both dates; `snapshots` are lists valid from their date to the next list of the same code; `runs` are one row
a session for as long as something holds. What a spell says at a session depends on rows dated up to that session only,
except under `backfill`, which says so.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.mapping import SpellRule

_DAY = np.timedelta64(1, "D")


def to_spells(frame: pd.DataFrame, rule: SpellRule, sessions: np.ndarray, where: str, key: str = "symbol") -> pd.DataFrame:
    """Rows under one convention as spells, with the columns in_date and out_date."""
    if rule.kind == "snapshots":
        return snapshots_to_spells(frame, where, backfill_to=sessions[0] if rule.backfill else None)
    if rule.kind == "runs":
        return runs_to_spells(frame, sessions, where, key)
    return intervals_to_spells(frame, rule, where)


def intervals_to_spells(frame: pd.DataFrame, rule: SpellRule, where: str) -> pd.DataFrame:
    """Inclusive out_dates become exclusive; with `valid_from`, spells are cut to start there."""
    if "in_date" not in frame:
        raise DataError(f"{where}: spells need the column in_date")
    spells = frame if "out_date" in frame else frame.assign(out_date=pd.NaT)
    if rule.out_date == "inclusive":
        spells = spells.assign(out_date=spells["out_date"] + pd.Timedelta(days=1))
    if rule.valid_from is None:
        return spells.reset_index(drop=True)
    start = pd.Timestamp(rule.valid_from)
    spells = spells[spells["out_date"].isna() | (spells["out_date"] > start)]
    return spells.assign(in_date=spells["in_date"].clip(lower=start)).reset_index(drop=True)


def snapshots_to_spells(frame: pd.DataFrame, where: str, *, backfill_to: np.datetime64 | None = None) -> pd.DataFrame:
    """Each list of a code holds from its date until the code's next list; the last one holds on.

    frame: code, symbol, date, perhaps weight. `backfill_to` moves the first list of every code back to that date, which looks
    ahead: the list was not known then.
    """
    if "date" not in frame:
        raise DataError(f"{where}: snapshots need the column date")
    if frame["date"].isna().any():
        raise DataError(f"{where}: a snapshot row has no date")
    code = frame["code"].astype(str).to_numpy(dtype=object)
    dates = frame["date"].to_numpy().astype("datetime64[D]")
    lists = pd.DataFrame({"code": code, "date": dates}).drop_duplicates().sort_values(["code", "date"])
    following = lists.groupby("code", sort=False)["date"].shift(-1)
    first = ~lists["code"].duplicated()
    starts = lists["date"].copy()
    if backfill_to is not None:
        starts[first] = np.minimum(starts[first], pd.Timestamp(backfill_to))
    ends = pd.DataFrame({"code": lists["code"], "date": lists["date"], "in_date": starts, "out_date": following})
    merged = frame.assign(code=code, date=dates.astype("datetime64[s]")).merge(
        ends.assign(date=ends["date"].astype("datetime64[s]")), on=["code", "date"], how="left"
    )
    return merged.drop(columns="date")


def runs_to_spells(frame: pd.DataFrame, sessions: np.ndarray, where: str, key: str = "symbol") -> pd.DataFrame:
    """One row a session while something holds, as spells; a session without a row ends the spell.

    The spell's out_date is the session after its last row, empty when that is the last session of all.
    """
    days = frame["date"].to_numpy().astype("datetime64[D]")
    inside = (days >= sessions[0]) & (days <= sessions[-1])
    names, days = frame[key].astype("category")[inside], days[inside]
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
            key: np.asarray(names.cat.categories, dtype=object)[who],
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
