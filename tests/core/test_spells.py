"""Spells against a slow reading of the rule: who covers, and which spell governs."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.core.spells import cover, governing, segments
from fusion_factor.core.tables import check_table

FIRST = date(2024, 1, 1)
# every second day is a session, so that spells begin and end between sessions too
SESSIONS = np.array([FIRST + timedelta(days=2 * number) for number in range(10)], "datetime64[D]")
SYMBOLS = np.array(["a", "b", "c"], object)


@st.composite
def industries(draw: st.DrawFn) -> pd.DataFrame:
    keys = st.tuples(st.sampled_from("abx"), st.integers(-5, 25))
    rows = []
    for symbol, start in draw(st.lists(keys, unique=True, max_size=8)):
        length = draw(st.none() | st.integers(1, 20))
        begin = FIRST + timedelta(days=start)
        end = "" if length is None else (begin + timedelta(days=length)).isoformat()
        rows.append((symbol, draw(st.sampled_from(["steel", "banks", ""])), begin.isoformat(), end))
    frame = pd.DataFrame(rows, columns=["symbol", "industry", "in_date", "out_date"], dtype=str)
    return check_table("industry", frame)


def slow_governor(spells: pd.DataFrame, symbol: str, day: np.datetime64) -> int | None:
    """Row of the covering spell with the latest in_date."""
    found = None
    for row in spells.itertuples():
        begin, end = np.datetime64(row.in_date, "D"), row.out_date
        covers = begin <= day and (pd.isna(end) or day < np.datetime64(end, "D"))
        if row.symbol == symbol and covers and (found is None or row.in_date > spells.in_date[found]):
            found = row.Index
    return found


@settings(deadline=None, max_examples=25)
@given(industries())
def test_cover_governing_and_segments_agree_with_the_rule(spells: pd.DataFrame) -> None:
    covered = cover(spells, SESSIONS, SYMBOLS)
    codes, labels = governing(spells, "industry", SESSIONS, SYMBOLS)
    pieces = segments(spells, SESSIONS, ("symbol",))
    for t, day in enumerate(SESSIONS):
        for n, symbol in enumerate(SYMBOLS):
            row = slow_governor(spells, symbol, day)
            assert covered[t, n] == (row is not None)
            label = None if row is None or pd.isna(spells.industry[row]) else spells.industry[row]
            assert (labels[codes[t, n]] if codes[t, n] >= 0 else None) == label
            inside = (pieces.start <= t) & (t < pieces.out) & (spells.symbol.to_numpy()[pieces.row] == symbol)
            assert pieces.row[inside].tolist() == ([] if row is None else [row])
    assert codes.dtype == np.int32


@settings(deadline=None, max_examples=25)
@given(industries())
def test_pieces_come_in_the_order_of_keys(spells: pd.DataFrame) -> None:
    pieces = segments(spells, SESSIONS, ("symbol",))
    order = list(zip(spells.symbol.to_numpy()[pieces.row], pieces.start, strict=True))
    assert order == sorted(order)


def test_a_later_spell_stands_and_the_earlier_one_comes_back() -> None:
    rows = [("a", "steel", "2024-01-01", ""), ("a", "banks", "2024-01-05", "2024-01-09")]
    spells = check_table("industry", pd.DataFrame(rows, columns=["symbol", "industry", "in_date", "out_date"]))
    codes, labels = governing(spells, "industry", SESSIONS, SYMBOLS)
    assert labels[codes[:6, 0]].tolist() == ["steel", "steel", "banks", "banks", "steel", "steel"]
