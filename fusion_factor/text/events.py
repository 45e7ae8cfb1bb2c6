"""From the table `reports` to events: reports that revise a forecast or rating, each with the session that may use it.

An event is known at the close of its session. What makes a report an event is looked up in earlier reports only, and
of several copies the earliest stays, so that an event never depends on what was published after it.

Legend: r report, e event; sessions are datetime64[D] [T], increasing.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.core.tables import check_table
from fusion_factor.text.event_settings import EventSettings, seconds_of
from fusion_factor.text.revisions import (
    Revision,
    authors,
    forecast_revision,
    holds,
    rating_revision,
    stated_revision,
    word_revision,
)
from fusion_factor.text.text_checks import FAULTS, text_faults

__all__ = ["Events", "find_events"]

_COLUMNS = (
    "report_id",
    "symbol",
    "date",
    "session",
    "direction",
    "how",
    "title",
    "abstract",
    "text",
    "broker",
    "analyst",
)
_NOT_CHINESE = re.compile(r"[^\u3400-\u9fff]+")
_IDLE = re.compile(r"[\s　。，,.:：;；!！?？()（）\-—_《》“”\"']+")
_MIDNIGHT = 24 * 3600


@dataclass(frozen=True)
class Events:
    """Events, and what became of the reports that are none.

    table     one row an event, sorted by (session, symbol, report_id): report_id, symbol, date (publication), session
              (after whose close it counts), direction (1 up, -1 down, 0 unknown), how (stated, forecast, rating,
              words), title, abstract, text, broker, analyst. Dates are datetime64[s].
    reports   rows of the table of reports.
    dropped   reason to number of reports; with the events they add up to `reports`.
    noted     what was changed of events that stayed, to number.
    """

    table: pd.DataFrame
    reports: int
    dropped: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)

    @property
    def session_e(self) -> np.ndarray:
        """datetime64[D] [E]."""
        return self.table["session"].to_numpy().astype("datetime64[D]")

    @property
    def group_e(self) -> np.ndarray:
        """A code of each event's stock and publication date [E]: events that share a label."""
        keys = [pd.factorize(self.table[name])[0] for name in ("symbol", "date")]
        return pd.MultiIndex.from_arrays(keys).factorize()[0]


def find_events(
    reports: pd.DataFrame,
    sessions: np.ndarray,
    settings: EventSettings | None = None,
    *,
    symbols: Collection[str] | None = None,
) -> Events:
    """The events among reports (METHOD 4.2).

    Args:
        reports: table `reports`, rows in any order: report_id, date, symbol, broker, analyst, title, abstract; optional
            time (HH:MM or HH:MM:SS, exchange-local), forecast_fy1, forecast_fy2, previous_fy1, previous_fy2 (of the
            same fiscal years, before this report), fiscal_year (of forecast_fy1), rating, attention (holds 首 or
            `initiate` on a first coverage), forecast_action (`up`, `down`, `mixed`: what the source itself says).
        sessions: datetime64[D] [T], of the market's calendar.
        settings: tolerances and words; None: the defaults.
        symbols: symbols of the market; reports on others are skipped and counted. None: all are known.

    Returns:
        Events. A report before the close of its session counts from that session; one at or after the close, without a
        time, or on a day without trading counts from the next session.

    Raises:
        DataError: naming report and value, for a duplicate report_id, an empty date or symbol, an unreadable time, a
            forecast_action of another word. Reports that can be read but not used are dropped and counted.

    >>> reports = pd.DataFrame({"report_id": ["1", "2"], "date": ["2024-01-02", "2024-01-04"], "symbol": "600519.SH",
    ...     "broker": "甲", "analyst": "乙", "title": ["公司点评", "公司更新"], "abstract": "需求回暖",
    ...     "forecast_fy1": [1.0, 1.2]})
    >>> sessions = np.arange("2024-01-02", "2024-01-10", dtype="datetime64[D]")
    >>> found = find_events(reports, sessions)
    >>> found.table[["report_id", "session", "direction", "how"]].values.tolist()
    [['2', Timestamp('2024-01-05 00:00:00'), 1, 'forecast']]
    >>> found.dropped
    {'no previous report to compare with, no word of a revision': 1}
    """
    settings = settings or EventSettings()
    table = _in_order(check_table("reports", reports))
    days = np.asarray(sessions, "datetime64[D]")
    text_r, noted_r = _texts(table, settings)
    fate = _Fate(len(table))
    if symbols is not None:
        fate.drop(~table["symbol"].isin(list(symbols)).to_numpy(), "symbol is not in the market")
    fate.drop(_repeated(table, fate.alive, settings), "the same report again")
    evidence = _evidence(table, text_r, fate.alive, settings)
    fate.drop(_first_coverage(table, text_r, settings), "first coverage")
    fate.drop(~evidence.compared, "no previous report to compare with, no word of a revision")
    fate.drop(~evidence.changed, "nothing changed")
    faults = _faults(text_r, fate.alive, settings.min_chinese)
    for fault in FAULTS[1:]:
        fate.drop(faults == fault, f"text {fault}" if fault != "empty" else "no text")
    at, problem = _session_positions(table, days, settings.close_seconds)
    for reason in ("before the first session", "after the last session"):
        fate.drop(problem == reason, reason)
    kept = fate.alive
    found = table.assign(text=text_r, direction=evidence.direction, how=evidence.how)[kept]
    found = found.assign(session=days[at[kept]].astype("datetime64[s]"))
    found = found.sort_values(["session", "symbol", "report_id"], ignore_index=True)[list(_COLUMNS)]
    noted = {f"text cut to {settings.max_characters} characters": int((noted_r & kept).sum())}
    return Events(found, len(table), fate.counts, {reason: count for reason, count in noted.items() if count})


class _Fate:
    """Which reports are still there, and why the others went: each for the first reason only."""

    def __init__(self, count: int) -> None:
        self.alive = np.ones(count, bool)
        self.counts: dict[str, int] = {}

    def drop(self, wrong: np.ndarray, reason: str) -> None:
        gone = int((wrong & self.alive).sum())
        if gone:
            self.counts[reason] = gone
        self.alive = self.alive & ~wrong


@dataclass(frozen=True)
class _Evidence:
    changed: np.ndarray
    direction: np.ndarray
    compared: np.ndarray
    how: np.ndarray


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by publication: date, time (one without a time after those of its day), report_id."""
    return table.assign(second=_seconds(table)).sort_values(["date", "second", "report_id"], ignore_index=True)


def _seconds(table: pd.DataFrame) -> np.ndarray:
    """Seconds after midnight of each report [R]; of one without a time those of the day's end."""
    if "time" not in table:
        return np.full(len(table), _MIDNIGHT)
    codes, clocks = pd.factorize(table["time"])
    seconds = np.array([seconds_of(str(clock)) for clock in clocks], np.int64)
    if (seconds < 0).any():
        wrong = int(np.argmax(seconds < 0))
        row = table.iloc[int(np.argmax(codes == wrong))]
        raise DataError(f"reports: report_id {row['report_id']}: time {clocks[wrong]} is not HH:MM or HH:MM:SS")
    return np.append(seconds, _MIDNIGHT)[codes]


def _texts(table: pd.DataFrame, settings: EventSettings) -> tuple[np.ndarray, np.ndarray]:
    """Title, full stop, abstract of each report (METHOD 127), cut where it is too long; and whether it was cut."""
    parts = [table[name].fillna("").astype(str).str.strip().to_numpy(object) for name in ("title", "abstract")]
    whole = [
        f"{title}。{abstract}" if title and abstract else title or abstract
        for title, abstract in zip(*parts, strict=True)
    ]
    cut_r = np.array([len(text) > settings.max_characters for text in whole], bool)
    return np.array([text[: settings.max_characters] for text in whole], object), cut_r


def _repeated(table: pd.DataFrame, alive_r: np.ndarray, settings: EventSettings) -> np.ndarray:
    """Reports that repeat one of the same broker on the same stock from a few days before: same title, same numbers."""
    title = table["title"].fillna("").astype(str)
    bare = title.map({name: _IDLE.sub("", name) for name in title.unique()})
    bare = bare.where(bare != "", table["abstract"].fillna("").astype(str))
    keys: list[Any] = [pd.factorize(table["symbol"])[0], pd.factorize(table["broker"])[0], pd.factorize(bare)[0]]
    keys += [pd.factorize(table[name])[0] for name in ("forecast_fy1", "forecast_fy2", "rating") if name in table]
    group_r = pd.MultiIndex.from_arrays(keys).factorize()[0]
    day_r = table["date"].to_numpy().astype("datetime64[D]")
    rows = np.flatnonzero(alive_r)
    rows = rows[np.argsort(group_r[rows], kind="stable")]
    near = (day_r[rows[1:]] - day_r[rows[:-1]]).astype(np.int64) <= settings.reissue_days
    again = np.zeros(len(table), bool)
    again[rows[1:][near & (group_r[rows[1:]] == group_r[rows[:-1]])]] = True
    return again


def _evidence(table: pd.DataFrame, text_r: np.ndarray, alive_r: np.ndarray, settings: EventSettings) -> _Evidence:
    """What each report revised, the strongest kind of evidence first: its source's word, numbers, rating, its words.

    Dropped reports take no part: a copy is nobody's previous report.
    """
    group_r = authors(table, settings.previous_of)
    # dropped rows get groups of their own
    group_r = np.where(alive_r, group_r, len(table) + np.arange(len(table)))
    kinds = {
        "stated": stated_revision(table),
        "forecast": forecast_revision(table, group_r, settings),
        "rating": rating_revision(table, group_r, settings),
    }
    compared = np.logical_or.reduce([kind.compared for kind in kinds.values()])
    words = word_revision(text_r, settings)
    used = {"fallback": ~compared, "always": np.ones(len(table), bool), "never": np.zeros(len(table), bool)}[
        settings.words
    ]
    kinds["words"] = Revision(words.changed & used, words.direction, words.changed & used)
    changed = np.zeros(len(table), bool)
    direction = np.zeros(len(table), np.int64)
    how = np.full(len(table), "", object)
    for name, kind in kinds.items():
        new = kind.changed & ~changed
        direction[new], how[new] = kind.direction[new], name
        changed |= kind.changed
    return _Evidence(changed, direction, compared | kinds["words"].compared, how)


def _first_coverage(table: pd.DataFrame, text_r: np.ndarray, settings: EventSettings) -> np.ndarray:
    """Reports that open a coverage: by `attention`, or by a word of title or abstract (METHOD 125)."""
    first_r = holds(text_r, settings.first_words)
    if "attention" in table:
        attention = table["attention"].fillna("").astype(str)
        first_r |= attention.str.contains("首|initiate", case=False).to_numpy(bool)
    return first_r


def _faults(text_r: np.ndarray, asked_r: np.ndarray, min_chinese: int) -> np.ndarray:
    """What is wrong with the texts asked for [R], one of FAULTS; too few Chinese characters are not Chinese."""
    found = np.full(len(text_r), "", object)
    found[asked_r] = text_faults(text_r[asked_r])
    for r in np.flatnonzero(asked_r & (found == "")):
        if len(_NOT_CHINESE.sub("", text_r[r])) < min_chinese:
            found[r] = "not Chinese"
    return found


def _session_positions(table: pd.DataFrame, days: np.ndarray, close: int) -> tuple[np.ndarray, np.ndarray]:
    """Position of the session after whose close each report counts [R], and why there is none (else empty) [R]."""
    if not len(days):
        raise DataError("sessions: there is none")
    date_r = table["date"].to_numpy().astype("datetime64[D]")
    at_or_after, after = (np.searchsorted(days, date_r, side) for side in ("left", "right"))
    trades = after > at_or_after
    before_close = table["second"].to_numpy() < close
    at = np.where(trades & before_close, at_or_after, after)
    problem = np.where(
        date_r < days[0], "before the first session", np.where(at >= len(days), "after the last session", "")
    )
    return np.minimum(at, len(days) - 1), problem
