"""Dated membership: which name is covered on which session, and which spell governs it.

A spell covers session d when in_date <= d and (out_date is empty or d < out_date). Where several spells of one key
cover a session, the one with the latest in_date counts. Everything at a session is a function of spells with
in_date <= that session (out_date is data of the table as it stands, and may be known only later in real life).

Legend: t session, n symbol; positions are indices into the sessions, `out` positions are exclusive.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Segments", "cover", "governing", "segments", "spell_bounds"]


def spell_bounds(spells: pd.DataFrame, sessions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First covered position and first position no longer covered, of each spell; int64 [n] each."""
    days = np.asarray(sessions, "datetime64[D]")
    start = np.searchsorted(days, spells["in_date"].to_numpy().astype("datetime64[D]"))
    out_date = spells["out_date"].to_numpy().astype("datetime64[D]")
    # NaT (still in) sorts last, hence len(sessions)
    out = np.searchsorted(days, out_date)
    return start.astype(np.int64), np.where(np.isnat(out_date), len(days), out).astype(np.int64)


def _name_positions(spells: pd.DataFrame, names: np.ndarray, key: str) -> np.ndarray:
    position_of = {name: i for i, name in enumerate(names)}
    return np.array([position_of.get(name, -1) for name in spells[key]], np.int64)


def cover(spells: pd.DataFrame, sessions: np.ndarray, symbols: np.ndarray, *, key: str = "symbol") -> np.ndarray:
    """Whether any spell of the name covers the session.

    Args:
        spells: checked `st`, `industry` or the `members` of one code.
        sessions: datetime64[D] [T]. symbols: names [N]; spells of other names are left out.
        key: the column that holds the names.

    Returns:
        bool [T, N].
    """
    n = _name_positions(spells, symbols, key)
    start, out = spell_bounds(spells, sessions)
    inside = n >= 0
    steps_tn = np.zeros((len(sessions) + 1, len(symbols)), np.int16)
    np.add.at(steps_tn, (start[inside], n[inside]), 1)
    np.add.at(steps_tn, (out[inside], n[inside]), -1)
    return np.cumsum(steps_tn[:-1], axis=0, dtype=np.int16) > 0


def governing(
    spells: pd.DataFrame, column: str, sessions: np.ndarray, symbols: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The label of each symbol's governing spell, such as its industry at each session.

    Args:
        spells: checked table with symbol, in_date, out_date and `column` (text).
        column: the label column. sessions: datetime64[D] [T]. symbols: names [N].

    Returns:
        codes int32 [T, N] (-1: none) and labels (object, ascending): labels[codes[t, n]].
    """
    text = spells[column]
    labels = np.array(sorted(set(text.dropna())), object)
    code_of = {label: i for i, label in enumerate(labels)}
    n = _name_positions(spells, symbols, "symbol")
    start, out = spell_bounds(spells, sessions)
    codes_nt = np.full((len(symbols), len(sessions)), -1, np.int32)
    values = text.to_numpy(dtype=object)
    # painted in order of in_date, so that the latest stands where several cover
    for i in np.argsort(spells["in_date"].to_numpy(), kind="stable"):
        if n[i] >= 0:
            codes_nt[n[i], start[i] : out[i]] = code_of.get(values[i], -1)
    return np.ascontiguousarray(codes_nt.T), labels


class Segments(NamedTuple):
    """Disjoint pieces of spells: piece i is `row` [i] of the table on positions start[i] <= t < out[i]."""

    row: np.ndarray
    start: np.ndarray
    out: np.ndarray


def segments(spells: pd.DataFrame, sessions: np.ndarray, keys: tuple[str, ...]) -> Segments:
    """Cut spells into pieces such that at most one piece of a key covers a session: the governing one's.

    Args:
        spells: checked table, sorted by keys and in_date (as `check_table` returns it).
        sessions: datetime64[D] [T]. keys: the columns that make the key, without in_date.

    Returns:
        Pieces that cover at least one session, in the order of keys, then time.
    """
    start, out = spell_bounds(spells, sessions)
    group = spells.groupby(list(keys), sort=False).ngroup().to_numpy()
    row = np.flatnonzero(out > start)
    group, start, out = group[row], start[row], out[row]
    same = group[1:] == group[:-1] if row.size else np.zeros(0, bool)
    tangled = np.unique(group[1:][same & (start[1:] < out[:-1])]) if row.size else group
    # an early long spell may reach beyond its neighbour, so all spells of a group with any overlap are cut
    if not tangled.size:
        return Segments(row, start, out)
    simple = ~np.isin(group, tangled)
    pieces = [(row[simple], start[simple], out[simple])]
    for one in tangled:
        mine = np.flatnonzero(group == one)
        pieces.append(_cut(row[mine], start[mine], out[mine]))
    merged = Segments(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
    order = np.lexsort((merged.start, _ranks(group, row, merged.row)))
    return Segments(*(part[order] for part in merged))


def _ranks(group: np.ndarray, row: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return group[np.searchsorted(row, wanted)]


def _cut(row: np.ndarray, start: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of one key's spells (by ascending in_date): the later spell stands where both cover."""
    edges = np.unique(np.r_[start, out])
    owner = np.full(len(edges) - 1, -1)
    for i, (begin, stop) in enumerate(zip(start, out, strict=True)):
        owner[np.searchsorted(edges, begin) : np.searchsorted(edges, stop)] = i
    kept = np.flatnonzero(owner >= 0)
    return row[owner[kept]], edges[kept], edges[kept + 1]
