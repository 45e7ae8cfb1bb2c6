"""What a build counts of bad input: by session, table, symbol and kind, with a limit above which it is an error.

A symbol with too many bad rows at a session has no factors there; a session with too many of them is an error, named
with its worst symbol. Counts are kept with the finished sessions, so that a resumed build tells of all of them.

Missing bars are counted beside them: a symbol that lacks many has a line of its own, the others of a session share one
line under the symbol `others`, for a few minutes without a trade are ordinary and would bury the rest.

Legend of axes: s symbol of one session.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError
from fusion_factor.market.bar_rows import MISSING
from fusion_factor.market.level2 import BadRows

FILE = "bad_input.csv"
OTHERS = "others"
COLUMNS = ("session", "table", "symbol", "kind", "bad", "rows")
Line = tuple[str, str, str, str, int, int]


def lines_of(session: np.datetime64, table: str, bad: BadRows) -> list[Line]:
    """One line for each symbol and kind that has bad rows."""
    found = []
    for s, k in zip(*np.nonzero(bad.counts), strict=True):
        symbol, count, rows = str(bad.symbols[s]), int(bad.counts[s, k]), int(bad.rows[s])
        found.append((str(session), table, symbol, bad.kinds[k], count, rows))
    return found


def missing_lines(session: np.datetime64, missing: BadRows, above: float) -> list[Line]:
    """A line for each symbol that lacks a larger share of its bars than `above`, one for the others together."""
    count, many = missing.counts[:, 0], missing.share > above
    lines = lines_of(session, "bars", replace(missing, counts=missing.counts * many[:, None]))
    few = (count > 0) & ~many
    if few.any():
        lines.append(
            (str(session), "bars", OTHERS, missing.kinds[0], int(count[few].sum()), int(missing.rows[few].sum()))
        )
    return lines


class TooMuchBad(DataError):
    """A session is refused for its bad rows; `lines` are what it would have added to the report."""

    def __init__(self, message: str, lines: Sequence[Line] = ()) -> None:
        super().__init__(message)
        self.lines = list(lines)


def with_repeated(bad: BadRows, trade_first: npt.NDArray[np.int64], share: npt.NDArray[np.float64]) -> BadRows:
    """The same with trades that an earlier session has too, as the kind `other_session`.

    trade_first int64 [S+1]: offsets of the symbols' trades; share [S]: how many of them are repeated.
    """
    counts = bad.counts.copy()
    counts[:, bad.kinds.index("other_session")] += np.round(share * np.diff(trade_first)).astype(np.int64)
    return replace(bad, counts=counts)


def refused_symbols(
    session: np.datetime64, table: str, bad: BadRows, limit: float, key: str = "max_bad_share"
) -> npt.NDArray[np.bool_]:
    """bool [S]: symbols whose share of bad rows is above the limit, `features.KEY`. Raises TooMuchBad when the whole
    session's is."""
    count, rows = int(bad.counts.sum()), int(bad.rows.sum())
    if count > limit * max(rows, 1):
        s, k = np.unravel_index(int(bad.counts.argmax()), bad.counts.shape)
        what = "bars are missing" if key == "max_missing_share" else "rows are bad"
        message = (
            f"{table} of {session}: {count} of {rows} {what} ({count / max(rows, 1):.1%}), the limit "
            f"features.{key} is {limit:.1%}; most: symbol {bad.symbols[s]}, {bad.kinds[k]} {bad.counts[s, k]}"
        )
        raise TooMuchBad(message, lines_of(session, table, bad))
    return bad.share > limit


def as_arrays(lines: Iterable[Line]) -> dict[str, npt.NDArray[Any]]:
    """Lines as plain arrays, to be kept with a session."""
    listed = list(lines)
    return {
        "bad_text": np.array([line[:4] for line in listed], np.str_).reshape(len(listed), 4),
        "bad_count": np.array([line[4:] for line in listed], np.int64).reshape(len(listed), 2),
    }


def as_lines(arrays: dict[str, npt.NDArray[Any]]) -> list[Line]:
    """What `as_arrays` made of them."""
    pairs = zip(arrays["bad_text"].tolist(), arrays["bad_count"].tolist(), strict=True)
    return [(text[0], text[1], text[2], text[3], bad, rows) for text, (bad, rows) in pairs]


def write_report(folder: Path, lines: list[Line]) -> list[str]:
    """Write `bad_input.csv` (nothing without bad rows) and say in one sentence a table what it holds."""
    (folder / FILE).unlink(missing_ok=True)
    if not lines:
        return []
    with (folder / FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(sorted(lines))
    said = []
    for table in sorted({line[1] for line in lines}):
        mine = [line for line in lines if line[1] == table]
        bad = [line for line in mine if line[3] not in MISSING]
        missing = [line for line in mine if line[3] in MISSING]
        kinds: Counter[str] = Counter()
        for line in bad:
            kinds[line[3]] += line[4]
        shown = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        if bad:
            sessions, symbols = len({line[0] for line in bad}), len({line[2] for line in bad})
            said.append(f"{table}: bad rows in {sessions} sessions and {symbols} symbols ({shown}), listed in {FILE}")
        if missing:
            sessions, count = len({line[0] for line in missing}), sum(line[4] for line in missing)
            said.append(f"{table}: {count} missing (minutes without a row) in {sessions} sessions, listed in {FILE}")
    return said
