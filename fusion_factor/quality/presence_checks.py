"""Who is there when: holes, late starts, stocks that stop, long halts, and dead stocks that still trade or are members.

Each function takes the `Subject` and the check's limit; values are sessions.
Legend of axes: t session, n symbol, k finding.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.spells import spell_bounds
from fusion_factor.quality.flaws import Flaws, IntArray
from fusion_factor.quality.subject import Subject

GONE = 60
"""Sessions without a row up to the market's last after which a stock without a delist_date counts as gone."""


def _positions(subject: Subject) -> IntArray:
    return np.arange(len(subject.sessions))[:, None]


def _dead_from(subject: Subject) -> IntArray:
    """First session off the market by delist_date [N]; the number of sessions where there is none."""
    dates = subject.delisted_from
    return np.where(np.isnat(dates), len(subject.sessions), np.searchsorted(subject.sessions, dates))


def holes(subject: Subject, limit: float) -> Flaws:
    """Sessions without a row between a stock's first and last row, more than `limit` in a row: no suspension tells of
    them. Value: how many sessions."""
    t = _positions(subject)
    inside = (t >= subject.first_row) & (t <= subject.last_row) & (t < _dead_from(subject))
    return subject.spells(inside & ~subject.there, limit, inside)


def late_starts(subject: Subject, limit: float) -> Flaws:
    """Stocks whose first row comes more than `limit` sessions after their list_date. Value: sessions between.

    A list_date before the market's first session counts as that session: whoever was listed must have a row there.
    """
    listed = np.full(len(subject.symbols), np.datetime64("NaT"), "datetime64[D]")
    if subject.market.has("stocks"):
        dates = subject.market.table("stocks").set_index("symbol")["list_date"]
        listed = dates.reindex(subject.symbols).to_numpy().astype("datetime64[D]")
    known = ~np.isnat(listed)
    late = np.where(known, subject.first_row - np.searchsorted(subject.sessions, listed), 0)
    n = np.flatnonzero(late > limit)
    return _by_symbol(subject, np.searchsorted(subject.sessions, listed[n]), n, late[n], int(known.sum()))


def stops(subject: Subject, limit: float) -> Flaws:
    """Stocks whose rows end more than `limit` sessions before the market's last, without a delist_date that says so.
    Value: sessions without a row."""
    ends = np.minimum(len(subject.sessions), _dead_from(subject))
    missing = np.maximum(ends - 1 - subject.last_row, 0)
    n = np.flatnonzero(missing > limit)
    return _by_symbol(subject, subject.last_row[n] + 1, n, missing[n], len(subject.symbols))


def long_halts(subject: Subject, limit: float) -> Flaws:
    """Rows of volume 0, more than `limit` in a row. Value: how many sessions."""
    return subject.spells(subject.there & (subject["volume"] == 0), limit, subject.there)


def dead_trades(subject: Subject, limit: float) -> Flaws:
    """Rows with trades on or after the stock's delist_date. Value: sessions since, the date itself being 1."""
    since = _positions(subject) - _dead_from(subject) + 1
    wrong = subject.traded & (since > limit) & (since > 0)
    return subject.cells(wrong, since.astype(np.float64), subject.traded)


def dead_members(subject: Subject, limit: float) -> Flaws:
    """Members of an index on or after their delist_date, or after their last row where none follows for `GONE`
    sessions. Value: sessions of membership beyond; one finding a spell, dated the first such session."""
    count = len(subject.sessions)
    stopped = np.where(subject.last_row + GONE < count, subject.last_row + 1, count)
    gone = np.minimum(_dead_from(subject), stopped)
    place = {symbol: n for n, symbol in enumerate(subject.symbols)}
    found: list[tuple[int, str, int, str]] = []
    looked_at = 0
    for name in subject.market.pools:
        members = subject.market.pool(name).members
        n = np.array([place.get(symbol, -1) for symbol in members["symbol"]], np.int64)
        start, out = spell_bounds(members, subject.sessions)
        looked_at += int(np.maximum(out - start, 0)[n >= 0].sum())
        first = np.maximum(start, gone[n])
        beyond = np.where(n >= 0, out - first, 0)
        codes = members["code"].to_numpy(dtype=object)
        for row in np.flatnonzero(beyond > limit):
            found.append((int(first[row]), subject.symbols[n[row]], int(beyond[row]), f"{name}/{codes[row]}"))
    found.sort()
    t, symbols, values, details = zip(*found, strict=True) if found else ((), (), (), ())
    days = subject.sessions[np.array(t, np.int64)]
    return Flaws(
        days, np.array(symbols, object), np.array(values, float), looked_at, sum(values), np.array(details, object)
    )


def _by_symbol(subject: Subject, t: IntArray, n: IntArray, values: npt.NDArray[Any], looked_at: int) -> Flaws:
    """One finding a symbol, in order of session."""
    order = np.lexsort((n, t))
    days, symbols = subject.sessions[t[order]], subject.symbols[n[order]]
    return Flaws(days, symbols, values[order].astype(np.float64), looked_at, len(n))
