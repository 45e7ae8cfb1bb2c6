"""Index pools out of vendor files: members from spells or lists, prices from index bars or built from the members."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.spells import cover
from fusion_factor.core.tables import check_table
from fusion_factor.market.baskets import BasketRule, Constituents, basket_prices, parse_rule
from fusion_factor.market.dated import cut_to, intervals_to_spells, join_members, snapshots_to_spells
from fusion_factor.market.mapping import TableMap, choice, find_files, parse_table, refuse_unknown
from fusion_factor.market.reading import read_mapped
from fusion_factor.market.store import Pool

_KEYS = ("members", "prices", "baskets", "note", "names", "min_members", "members_in_market")
_NO_MEMBERS = check_table("members", pd.DataFrame(columns=["code", "symbol", "in_date", "out_date"]))


@dataclass(frozen=True)
class PoolMap:
    """A described pool. `members`: mapped tables, or the name of a table of spells whose labels are the codes
    (industry), or None for a pool of index bars alone.

    Prices come from `prices` (mapped tables) or are built by `baskets`. A code with fewer than `min_members` members of
    the market on every session is left out; `members_in_market` leaves out members that the market has no prices of.
    """

    name: str
    members: tuple[TableMap, ...] | str | None
    prices: tuple[TableMap, ...]
    baskets: BasketRule | None
    note: str
    names: dict[str, str]
    min_members: int
    members_in_market: bool


def parse_pool(name: str, given: Mapping[str, Any], folder: Path) -> PoolMap:
    """The description of one pool. Raises ConfigError for an unknown key, or prices from two places or none.

    Without members there is nothing to aggregate scores over: such a pool is for factors of the index bars.
    """
    where = f"pool {name}"
    refuse_unknown(given, _KEYS, where)
    members = given.get("members")
    if not members and not ("members" in given and given.get("prices")):
        raise ConfigError(f"{where}: members is missing (null, with prices, where there are none)")
    if bool(given.get("prices")) == bool(given.get("baskets")):
        raise ConfigError(f"{where}: needs either `prices` or `baskets`")
    least = given.get("min_members", 1)
    if not isinstance(least, int) or least < 1:
        raise ConfigError(f"{where}: min_members = {least!r}: must be a whole number >= 1")
    return PoolMap(
        name=name,
        members=_members_of(name, members, folder),
        prices=_tables(f"{name}.prices", given.get("prices") or [], folder),
        baskets=parse_rule(given["baskets"], f"{where}.baskets") if given.get("baskets") else None,
        note=str(given.get("note", "")),
        names=read_names(given["names"], folder, f"{where}.names") if given.get("names") else {},
        min_members=least,
        members_in_market=bool(
            choice(given.get("members_in_market", False), (True, False), f"{where}.members_in_market")
        ),
    )


def _members_of(name: str, given: Any, folder: Path) -> tuple[TableMap, ...] | str | None:
    if not given:
        return None
    return given if isinstance(given, str) else _tables(f"{name}.members", given, folder)


def _tables(name: str, given: Any, folder: Path) -> tuple[TableMap, ...]:
    entries: Sequence[Mapping[str, Any]] = [given] if isinstance(given, Mapping) else given
    return tuple(parse_table(name, entry, folder) for entry in entries)


def build_pool(
    pool: PoolMap,
    spells: pd.DataFrame | None,
    sessions: npt.NDArray[np.datetime64],
    symbols: npt.NDArray[Any],
    constituents_of: Callable[[BasketRule], Constituents],
) -> Pool:
    """The pool of a description: the codes that have both members and prices, and a note on what they know too early.

    `spells`: the checked table that `pool.members` names, None when it is mapped. `constituents_of` gives returns and
    weights of all stocks where prices are to be built.
    """
    prices, priced, more = None, None, []  # type: ignore[var-annotated]
    if pool.baskets is None:
        prices, more = mapped_index_prices(pool, sessions)
        priced = set(prices["code"].unique())
        if pool.members is None:
            return Pool(pool.name, prices, _NO_MEMBERS, "; ".join(t for t in (pool.note, *more) if t), pool.names)
    members, remarks = pool_members(pool, spells, sessions, symbols, priced)
    if prices is None and pool.baskets is not None:
        built = basket_prices(members, constituents_of(pool.baskets), pool.baskets)
        prices = check_table("index_prices", built, sessions=sessions)
    assert prices is not None  # mapped or built, says parse_pool
    both = set(prices["code"].unique()) & set(members["code"].unique())
    prices = prices[prices["code"].isin(both)].reset_index(drop=True)
    members = members[members["code"].isin(both)].reset_index(drop=True)
    return Pool(
        pool.name, prices, members, "; ".join(text for text in (pool.note, *remarks, *more) if text), pool.names
    )


def read_names(given: Mapping[str, Any], folder: Path, where: str) -> dict[str, str]:
    """What the codes are called: `path`, and its columns `code` and `name`; the last row of a code counts.

    Raises DataError for a missing file or column.
    """
    refuse_unknown(given, ("path", "code", "name"), where)
    columns = [str(given["code"]), str(given["name"])]
    names: dict[str, str] = {}
    for file in find_files(str(given["path"]), folder, where):
        frame = pd.read_csv(file, dtype=str) if file.suffix != ".parquet" else pd.read_parquet(file)
        for column in columns:
            if column not in frame:
                raise DataError(f"{where}: file {file.name} has no column {column}")
        known = frame[columns].dropna().astype(str)
        names |= dict(zip(known[columns[0]], known[columns[1]], strict=True))
    return names


def pool_members(
    pool: PoolMap,
    spells: pd.DataFrame | None,
    sessions: npt.NDArray[np.datetime64],
    symbols: npt.NDArray[Any],
    priced: Collection[str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """The checked table `members` of a pool, and what must be said about it.

    `spells`: the checked table that `pool.members` names (symbol, label, in_date, out_date), else None. `priced`: the
    codes that have prices, None when they are built. Lists of one code may come from several files; they follow one
    another by date. Spells outside of the market's sessions are dropped.
    """
    remarks: list[str] = []
    if isinstance(pool.members, str):
        if spells is None:
            raise ConfigError(f"pool {pool.name}: members names the table {pool.members}, which is not there")
        label = spells.columns.difference(["symbol", "in_date", "out_date"])[0]
        joined = spells.rename(columns={label: "code"})
    else:
        assert pool.members is not None  # a pool of index bars alone ends before
        joined = _joined(pool, pool.members, sessions, priced, remarks)
    last, first = pd.Timestamp(sessions[-1]), pd.Timestamp(sessions[0])
    joined = joined[(joined["in_date"] <= last) & (joined["out_date"].isna() | (joined["out_date"] > first))]
    known = joined["symbol"].isin(set(symbols))
    if pool.members_in_market:
        if not known.all():
            remarks.append(f"{int((~known).sum())} of {len(joined)} member spells left out: stocks without prices")
        joined, known = joined[known], known[known]
    members = check_table("members", joined)
    counted = _most_members(members[members["symbol"].isin(set(symbols))], sessions)
    kept = [code for code, most in counted.items() if most >= pool.min_members]
    dropped = members["code"].nunique() - len(kept)
    if dropped:
        remarks.append(f"{dropped} codes left out: never {pool.min_members} members in the market")
    if not kept:
        raise DataError(f"pool {pool.name}: no code has {pool.min_members} members in the market")
    return members[members["code"].isin(kept)].reset_index(drop=True), remarks


def _joined(
    pool: PoolMap,
    tables: tuple[TableMap, ...],
    sessions: npt.NDArray[np.datetime64],
    priced: Collection[str] | None,
    remarks: list[str],
) -> pd.DataFrame:
    where = f"pool {pool.name}: members"
    intervals, lists = [], []
    for table in tables:
        frame = read_mapped(table)
        for name in ("code", "symbol"):
            if name not in frame:
                raise ConfigError(f"{where}: column {name} is not mapped")
        frame = frame.astype({"code": object, "symbol": object})
        frame = frame if priced is None else frame[frame["code"].isin(priced)]
        if table.within is not None and table.spells.kind != "intervals":
            raise ConfigError(f"{where}: within is for intervals only, not for {table.spells.kind}")
        if table.spells.kind == "snapshots":
            lists.append(frame.assign(backfill=table.spells.backfill))
        elif table.spells.kind == "intervals":
            spells = intervals_to_spells(frame, table.spells, where)
            intervals.append(spells if table.within is None else within(spells, table, where))
        else:
            raise ConfigError(f"{where}: spells.kind must be intervals or snapshots, not {table.spells.kind}")
    if not lists:
        return join_members(intervals, None)
    dated: set[str] = set().union(*(set(part["code"]) for part in intervals))
    rows = pd.concat(lists, ignore_index=True)
    rows = rows[~rows["code"].isin(dated)].reset_index(drop=True)
    if rows["backfill"].any():
        remarks.append(_backfilled(rows, sessions))
    return join_members(intervals, snapshots_to_spells(rows, where, sessions[0]))


def within(frame: pd.DataFrame, table: TableMap, where: str) -> pd.DataFrame:
    """Spells cut to the times when their symbol is inside the spells of `table.within`."""
    assert table.within is not None  # callers look
    if table.within.spells.kind != "intervals":
        raise ConfigError(f"{where}: within: spells.kind must be intervals, not {table.within.spells.kind}")
    inside = read_mapped(table.within)
    for name in ("symbol", "in_date"):
        if name not in inside:
            raise ConfigError(f"{where}: within: column {name} is not mapped")
    return cut_to(frame, intervals_to_spells(inside, table.within.spells, f"{where}: within"))


def _backfilled(rows: pd.DataFrame, sessions: npt.NDArray[np.datetime64]) -> str:
    """How many codes have their first list carried back from which year."""
    order = rows.sort_values(["code", "date"]).drop_duplicates("code")
    first = order.loc[order["backfill"] & (order["date"] > pd.Timestamp(sessions[0])), ["code", "date"]]
    years = first["date"].dt.year.value_counts().sort_index()
    shown = ", ".join(f"{year}: {count}" for year, count in years.items())
    return (
        f"LOOKS AHEAD: the first list of these codes is carried back before its date (year of that list: codes) {shown}"
    )


def _most_members(members: pd.DataFrame, sessions: npt.NDArray[np.datetime64]) -> dict[str, int]:
    """The largest number of members of each code on any session."""
    most = {}
    for code, spells in members.groupby("code", sort=True):
        names = np.array(sorted(set(spells["symbol"])), dtype=object)
        most[str(code)] = int(cover(spells, sessions, names).sum(axis=1).max(initial=0))
    return most


def mapped_index_prices(pool: PoolMap, sessions: npt.NDArray[np.datetime64]) -> tuple[pd.DataFrame, list[str]]:
    """The checked table `index_prices` of a pool from index bars.

    Vendors' opens and closes that lie outside of [low, high] (by a tick) are clamped into it, and counted.
    """
    joined = pd.concat([read_mapped(table).astype({"code": object}) for table in pool.prices], ignore_index=True)
    first, last = pd.Timestamp(sessions[0]), pd.Timestamp(sessions[-1])
    joined = joined[(joined["date"] >= first) & (joined["date"] <= last)].reset_index(drop=True)
    if joined.empty:
        raise DataError(f"pool {pool.name}: no index price between {sessions[0]} and {sessions[-1]}")
    clamped = clamp(joined)
    remarks = [f"{clamped} index rows with open or close outside of [low, high] clamped"] if clamped else []
    return check_table("index_prices", joined, sessions=sessions), remarks


def clamp(frame: pd.DataFrame) -> int:
    """In place: open and close into [low, high] where those are given. Returns the number of rows changed."""
    if not {"high", "low"} <= set(frame.columns):
        return 0
    low, high = frame["low"].to_numpy(), frame["high"].to_numpy()
    changed = np.zeros(len(frame), dtype=bool)
    for name in ("open", "close"):
        if name in frame:
            values = frame[name].to_numpy()
            with np.errstate(invalid="ignore"):
                outside = ((values < low) | (values > high)) & (low <= high)
            frame[name] = np.where(outside, np.clip(values, np.minimum(low, high), high), values)
            changed |= outside
    return int(changed.sum())
