"""Rows of fundamentals and classifications that cannot be right, found by what the rows of one table say together.

`core.tables` checks types, keys and quarter ends. Here are the mistakes that would make a score know too much, or count
one company ten thousand times: a report announced before its period ended, two versions with one date, a forecast for
a year long past, a figure in another unit than its neighbours, a stock in two industries at once. `sift` either
refuses the first of them or leaves the rows out and says how many.

A unit is judged by the company's own other rows. Under `count` a row is left out only for what rows before it say, so
that nothing later decides what was known; one that only later rows give away is kept and told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bottleneck as bn
import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import DataError

Rows = npt.NDArray[np.bool_]
EARLIER_ROWS = 4  # of a company, that can judge the unit of a row after them
UNIT_LIMIT = 2000.0  # a figure so many times its company's median, or below its inverse, is in another unit
_TEN_THOUSANDTH = (1 / 30_000, 1 / 3_000)  # of the company's median profit: probably written in ten thousand CNY
_LONG_PAST, _FAR_AHEAD = 1, 6  # years between a forecast's date and its fiscal year


@dataclass(frozen=True)
class Finding:
    """Rows of a table [R] that share a mistake; `words` describe one row.

    `kept`: told, but not left out. `doubt`: there is a small chance that the rows are right.
    """

    what: str
    rows: Rows
    words: Callable[[int], str]
    kept: bool = False
    doubt: bool = False

    @property
    def first(self) -> str:
        return self.words(int(self.rows.argmax()))

    @property
    def count(self) -> int:
        return int(self.rows.sum())


def sift(name: str, frame: pd.DataFrame, on_bad: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows of `financials`, `consensus` or `industry` that can be right, and what was found, with counts.

    frame: rows with our columns, typed, not yet checked for duplicate keys. on_bad: `error`, `count`, or empty: as
    `error`, but what would only be told is told. Raises DataError for the first mistake, naming the row.
    """
    left_out, told = np.zeros(len(frame), dtype=bool), []
    for finding in findings(name, frame.reset_index(drop=True)):
        if on_bad == "error" or (not on_bad and not finding.kept):
            does = "report" if finding.kept else "leave out"
            raise DataError(
                f"{name}: {finding.first}: {finding.what} ({finding.count} rows; on_bad: count would {does} them)"
            )
        does = "kept" if finding.kept else "left out"
        told.append(f"{name}: {finding.count} rows {does}, {finding.what}, the first: {finding.first}")
        if not finding.kept:
            left_out |= finding.rows
    return frame.loc[~left_out].reset_index(drop=True), told


def findings(name: str, frame: pd.DataFrame) -> list[Finding]:
    """All mistakes in a table that some row has."""
    return [finding for finding in _FINDERS[name](frame) if finding.rows.any()]


def _words(frame: pd.DataFrame, *columns: str) -> Callable[[int], str]:
    def shown(value: Any) -> str:
        if isinstance(value, pd.Timestamp):
            return f"{value:%Y-%m-%d}"
        return f"{value:g}" if isinstance(value, float) else str(value)

    return lambda row: ", ".join(f"{c} {shown(frame[c].iloc[row])}" for c in columns if c in frame)


def _key_twice(frame: pd.DataFrame, key: list[str], values: list[str]) -> list[Finding]:
    """Repeats of a row (all but the first), and rows of one key that contradict each other (all of them)."""
    there = [column for column in values if column in frame]
    same = frame.duplicated([*key, *there], keep="first").to_numpy()
    conflict = frame[~same].duplicated(key, keep=False).reindex(frame.index, fill_value=False).to_numpy()
    words = _words(frame, *key)
    contradicted = conflict | (same & _keys_of(frame, key, conflict))
    return [
        Finding("two versions with one date that differ", contradicted, words),
        Finding("the same row twice", same & ~contradicted, words),
    ]


def _keys_of(frame: pd.DataFrame, key: list[str], chosen: Rows) -> Rows:
    if not chosen.any():
        return np.zeros(len(frame), dtype=bool)
    keys = pd.MultiIndex.from_frame(frame[key].astype({key[0]: object}))
    return np.asarray(keys.isin(keys[chosen]))


def bad_financials(frame: pd.DataFrame) -> list[Finding]:
    """Announced not after the period's end; two versions with one date; figures in another unit."""
    key = ["symbol", "period_end", "announce_date"]
    early = (frame["announce_date"] <= frame["period_end"]).to_numpy()
    money = [name for name in ("revenue", "net_profit", "operating_cash_flow", "cost") if name in frame]
    found = [Finding("announced before its period was over", early, _words(frame, *key))]
    found += _key_twice(frame, key, money)
    years = frame["period_end"].dt.month / 12.0
    size = {name: Usual(frame, frame[name].abs() / years, "announce_date") for name in money}
    for name in money:

        def wrong(earlier: bool, name: str = name) -> Rows:
            own = size[name].ratio(earlier)
            if name == "revenue":
                return (own > UNIT_LIMIT) | (own < 1 / UNIT_LIMIT)
            # profits and cash flows are small at times and never large, and sales say how large
            to_sales = size["revenue"].ratio(earlier, size[name].values) if "revenue" in size else own
            large = np.where(np.isnan(to_sales), own, to_sales) > UNIT_LIMIT
            low, high = _TEN_THOUSANDTH
            return large | ((own > low) & (own < high)) if name == "net_profit" else large

        found += _in_another_unit(frame, name, key, wrong)
    return found


def bad_consensus(frame: pd.DataFrame) -> list[Finding]:
    """A fiscal year long past or far ahead; two forecasts with one date; a profit in another unit."""
    key = ["date", "symbol", "fiscal_year"]
    ahead = frame["fiscal_year"].to_numpy(dtype=np.float64) - frame["date"].dt.year.to_numpy()
    words = _words(frame, *key)
    found = [
        Finding(f"a forecast for a year long past (more than {_LONG_PAST} before)", ahead < -_LONG_PAST, words),
        Finding(f"a forecast for a year more than {_FAR_AHEAD} ahead", ahead > _FAR_AHEAD, words),
        *_key_twice(frame, key, ["net_profit"]),
    ]
    size = Usual(frame, frame["net_profit"].abs(), "date")

    def wrong(earlier: bool) -> Rows:
        own = size.ratio(earlier)
        return (own > UNIT_LIMIT) | (own < 1 / UNIT_LIMIT)

    return found + _in_another_unit(frame, "net_profit", key, wrong)


class Usual:
    """How large a figure usually is at its company: the median of its other rows, of those before it, or of all."""

    def __init__(self, frame: pd.DataFrame, values: pd.Series, known: str) -> None:
        self.values = values.where(values > 0).to_numpy(dtype=np.float64)
        self._usual = np.full((2, len(frame)), np.nan)
        if len(frame) == 0:
            return
        codes = pd.factorize(frame["symbol"].astype(object))[0]
        order = np.lexsort((frame[known].to_numpy(), codes))
        who = codes[order]
        place = np.arange(len(who)) - np.flatnonzero(np.r_[True, np.diff(who) != 0])[who]  # among the company's rows
        wide = np.full((who[-1] + 1, max(int(place.max()) + 2, EARLIER_ROWS)), np.nan)
        wide[who, place + 1] = self.values[order]  # a column later: what a row may look at ends before it
        before = bn.move_median(wide, window=wide.shape[1], min_count=EARLIER_ROWS, axis=1)
        self._usual[1, order] = before[who, place]
        self._usual[0, order] = bn.nanmedian(wide, axis=1)[who]

    def ratio(self, earlier: bool, values: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Each row's figure (or `values`) over what is usual, NaN where it is not known."""
        return np.asarray((self.values if values is None else values) / self._usual[int(earlier)])


def _in_another_unit(frame: pd.DataFrame, name: str, key: list[str], wrong: Callable[[bool], Rows]) -> list[Finding]:
    words, what = _words(frame, *key, name), f"{name} is in another unit than the company's other rows"
    at_once, at_last = wrong(True), wrong(False)
    return [
        Finding(what, at_once, words, doubt=True),
        Finding(f"{what} (which only later rows say)", at_last & ~at_once, words, kept=True, doubt=True),
    ]


def bad_industry(frame: pd.DataFrame) -> list[Finding]:
    """Two industries from one date; spells of different industries that overlap (the later one counts: kept)."""
    found = _key_twice(frame, ["symbol", "in_date"], ["industry", "out_date"])
    renamed = {"two versions with one date that differ": "a stock in two industries from one date"}
    found = [Finding(renamed.get(f.what, f.what), f.rows, f.words) for f in found]
    ordered = frame.sort_values(["symbol", "in_date"], kind="stable")
    out = ordered["out_date"].fillna(pd.Timestamp.max.floor("D")) if "out_date" in ordered else None
    overlap = np.zeros(len(frame), dtype=bool)
    if out is not None and len(frame) > 1:
        # the latest end among the stock's earlier spells, not only of the one before
        reach = out.groupby(ordered["symbol"].astype(object)).cummax().shift()
        same = ordered["symbol"].astype(object).eq(ordered["symbol"].astype(object).shift())
        later = same & (reach > ordered["in_date"]) & (ordered["in_date"] > ordered["in_date"].shift())
        differs = ordered["industry"].astype(object).ne(ordered["industry"].astype(object).shift())
        overlap[ordered.index[(later & differs).to_numpy()]] = True
    what = "a stock in two industries on a date (the spell that began later counts)"
    return [*found, Finding(what, overlap, _words(frame, "symbol", "industry", "in_date"), kept=True)]


_FINDERS: dict[str, Callable[[pd.DataFrame], list[Finding]]] = {
    "financials": bad_financials,
    "consensus": bad_consensus,
    "industry": bad_industry,
}
SIFTED = tuple(_FINDERS)
