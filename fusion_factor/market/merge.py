"""New rows into old tables: what is new is added, what is given again replaces, what a vendor has rebased is joined.

Nothing here reads or writes a file. Frames are checked tables of core.tables.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.table_rules import TABLES
from fusion_factor.market.bar_grid import FIELDS
from fusion_factor.market.session_bars import SessionBars

WHOLE = ("st", "industry")
"""Tables of spells: an end that is told later changes a row, so that only the whole list can replace the old one."""
_SAME = 1e-9


def upsert(name: str, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Rows of both; of rows with one key the new one. Columns of either; a column that one lacks is empty there."""
    key = list(TABLES[name].key)
    if old.empty or new.empty:
        return new if old.empty else old
    joined = pd.concat([old, new], ignore_index=True)
    if "date" in key and new["date"].min() > old["date"].max():
        return joined
    return joined.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True, kind="stable")


def merge_stocks(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """By symbol; a date that the new row does not know stays, stocks that are no longer told of stay."""
    before = old.set_index("symbol").reindex(new["symbol"])
    dates = [name for name in ("list_date", "delist_date") if name in new and name in old]
    filled = {name: new[name].fillna(before[name].reset_index(drop=True)) for name in dates}
    return upsert("stocks", old, new.assign(**filled))


def replace_whole(name: str, old: pd.DataFrame, new: pd.DataFrame, max_lost: float) -> pd.DataFrame:
    """The new list in place of the old one. Raises DataError when it lacks more than `max_lost` of the old rows' keys:
    the delivery is then probably a part of the list."""
    key = list(TABLES[name].key)
    lost = len(old) - len(old.merge(new[key], on=key))
    if len(old) and lost > max_lost * len(old):
        raise DataError(
            f"{name}: {lost} of {len(old)} spells of the store are not in the delivery, at most {max_lost:.0%} may be: "
            "lists of spells must be delivered whole (ingest.max_lost)"
        )
    return new


def rebase_factors(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The old price rows with adj_factor on the new rows' base, and the symbols for which it was another.

    A vendor may change the base of a stock's factors (all history times a constant). On the first session that both
    have, the ratio tells; the old rows before it are multiplied by it, so that no return changes at the joint.
    """
    if "adj_factor" not in old or "adj_factor" not in new:
        return old, []
    first = new.sort_values("date", kind="stable").drop_duplicates("symbol")[["symbol", "date", "adj_factor"]]
    both = old[["symbol", "date", "adj_factor"]].merge(first, on=["symbol", "date"], suffixes=("", "_new"))
    both = both.assign(ratio=both["adj_factor_new"] / both["adj_factor"])
    moved = both[np.isfinite(both["ratio"]) & ((both["ratio"] - 1).abs() > _SAME)].set_index("symbol")
    if moved.empty:
        return old, []
    rows = old["symbol"].isin(moved.index)
    early = old["date"] < old["symbol"].map(moved["date"])
    if not (rows & early).any():
        return old, []
    ratio = old["symbol"].map(moved["ratio"]).where(rows & early, 1.0).to_numpy(np.float64)
    changed = sorted(set(old.loc[rows & early, "symbol"]))
    return old.assign(adj_factor=old["adj_factor"] * ratio), changed


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """The rows of renamed symbols under their new names."""
    if "symbol" not in frame or not names or not frame["symbol"].isin(list(names)).any():
        return frame
    return frame.assign(symbol=frame["symbol"].map(lambda symbol: names.get(symbol, symbol)))


def merge_index_prices(old: pd.DataFrame, new: pd.DataFrame, pool: str) -> pd.DataFrame:
    """Index prices of a pool. Raises DataError where most closes that both have differ and the new rows do not reach
    back to the first: a built index starts at another level then, and cannot be joined."""
    if _agree(old, new):
        return upsert("index_prices", old, new)
    if new["date"].min() <= old["date"].min():
        return new
    raise DataError(
        f"pool {pool}: its closes are not those of the store on most common sessions; an index that is built from "
        "members needs the whole history in the delivery"
    )


def _agree(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    """Whether most common closes are the same; True where none is common."""
    both = old.merge(new, on=["code", "date"], suffixes=("", "_new"))
    same = np.isclose(both["close"], both["close_new"], rtol=1e-6, equal_nan=True)
    return bool(same.mean() >= 0.5) if len(same) else True


def merge_bars(old: SessionBars, new: SessionBars) -> SessionBars:
    """One session's bars: the new ones of each symbol, the old ones of symbols that the new do not have."""
    keep = ~np.isin(old.symbols, new.symbols)
    if not keep.any():
        return new
    symbols = np.concatenate([old.symbols[keep], new.symbols])
    order = np.argsort(symbols.astype(str), kind="stable")

    def joined(name: str) -> np.ndarray | None:
        parts = [getattr(old, name), getattr(new, name)]
        if parts[0] is None and parts[1] is None:
            return None
        shape = old.volume.shape[1]
        filled = [np.full((len(each.symbols), shape), np.nan, np.float32) if part is None else part
                  for each, part in zip((old, new), parts, strict=True)]  # fmt: skip
        return np.ascontiguousarray(np.concatenate([filled[0][keep], filled[1]])[order])

    fields = {name: joined(name) for name in (*FIELDS, "trades")}
    return SessionBars(new.session, symbols[order], **fields)  # type: ignore[arg-type]
