"""What each report changed: its forecasts and rating against the previous ones, its own statement, its words.

Every function looks from a report to earlier ones only. Arrays are over the rows of a table sorted by `order`
(publication); legend: r report, d direction (1 up, -1 down, 0 unknown), k whether anything could be compared.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.text.event_settings import EventSettings

STATED = {"up": 1, "down": -1, "mixed": 0}
_SEPARATORS = re.compile(r"[/、,，;；\s]+")


class Revision(NamedTuple):
    """Of one kind of evidence: `changed` [R], `direction` [R], and `compared` [R], whether there was a previous one."""

    changed: np.ndarray
    direction: np.ndarray
    compared: np.ndarray


def authors(table: pd.DataFrame, previous_of: str) -> np.ndarray:
    """A code of each report's stock and broker, and of its analysts in any order where they count [R].

    A report without a broker is nobody's: it has a code of its own.
    """
    broker = pd.factorize(table["broker"])[0]
    parts = [pd.factorize(table["symbol"])[0], np.where(broker < 0, -1 - np.arange(len(table)), broker)]
    if previous_of == "analyst":
        codes, names = pd.factorize(table["analyst"])
        same = pd.factorize(
            np.array(["/".join(sorted(_SEPARATORS.split(str(name).strip()))) for name in names], object)
        )
        parts.append(np.append(same[0], -1)[codes])
    return pd.MultiIndex.from_arrays(parts).factorize()[0]


def previous(group_r: np.ndarray, day_r: np.ndarray, known_r: np.ndarray, most_days: int) -> np.ndarray:
    """Position of the latest earlier report of the same group that is known, -1 where there is none recent enough [R].

    group_r     codes; rows in order of publication.
    day_r       datetime64[D]; known_r: whether the report tells the value at all; others are passed over.
    most_days   an older report does not count.
    """
    found = np.full(len(group_r), -1)
    rows = np.flatnonzero(known_r)
    rows = rows[np.argsort(group_r[rows], kind="stable")]  # within a group still by publication
    before, after = rows[:-1], rows[1:]
    recent = (day_r[after] - day_r[before]).astype(np.int64) <= most_days
    linked = (group_r[before] == group_r[after]) & recent
    found[after[linked]] = before[linked]
    return found


def forecast_revision(table: pd.DataFrame, group_r: np.ndarray, settings: EventSettings) -> Revision:
    """Whether a forecast differs from the one before: the report's own `previous_fy*`, else the group's last report.

    Where `fiscal_year` (of forecast_fy1) is known on both sides, the same fiscal year is compared: FY1 now with FY2
    then, when a year has passed. The nearer year decides the direction.
    """
    now = np.stack([_numbers(table, f"forecast_fy{k}") for k in (1, 2)])
    given = np.stack([_numbers(table, f"previous_fy{k}") for k in (1, 2)])
    year_r = _numbers(table, "fiscal_year")
    at = previous(group_r, _days(table), np.isfinite(now).any(axis=0), settings.previous_days)
    linked = at >= 0
    before = np.where(linked, now[:, at], np.nan)
    ahead_r = np.where(linked, year_r - year_r[at], 0.0)
    ahead_r = np.where(np.isfinite(ahead_r), ahead_r, 0.0)
    rolled = np.stack([np.where(ahead_r == 1, before[1], np.nan), np.full(len(at), np.nan)])
    before = np.where(ahead_r == 0, before, rolled)
    before = np.where(np.isfinite(given).any(axis=0), given, before)
    difference = now - before
    moved = np.abs(difference) > settings.tolerance * np.abs(before)
    sign = np.where(moved, np.sign(np.nan_to_num(difference)), 0.0)
    nearer = np.where(sign[0] != 0, sign[0], sign[1])
    return Revision(moved.any(axis=0), nearer.astype(np.int64), np.isfinite(difference).any(axis=0))


def rating_revision(table: pd.DataFrame, group_r: np.ndarray, settings: EventSettings) -> Revision:
    """Whether the rating's level differs from the group's last one; words without a level are compared as they are."""
    none = np.zeros(len(table), bool)
    if "rating" not in table or not settings.ratings:
        return Revision(none, none.astype(np.int64), none)
    codes, words = pd.factorize(table["rating"])
    levels = settings.rating_levels
    # a word without a level of its own gets one beyond all others, so that only itself equals it
    named = [levels.get(str(word), 1000 + k) for k, word in enumerate(words)]
    level_r = np.append(np.array(named, np.int64), -1)[codes]
    at = previous(group_r, _days(table), codes >= 0, settings.previous_days)
    compared = at >= 0
    before_r = level_r[at]
    changed = compared & (level_r != before_r)
    ordered = changed & (level_r < 1000) & (before_r < 1000)
    return Revision(changed, np.where(ordered, np.sign(level_r - before_r), 0), compared)


def stated_revision(table: pd.DataFrame) -> Revision:
    """What the source says the report did to its forecast: `up`, `down`, `mixed`; empty where it says nothing."""
    if "forecast_action" not in table:
        none = np.zeros(len(table), bool)
        return Revision(none, none.astype(np.int64), none)
    codes, words = pd.factorize(table["forecast_action"])
    for word in words:
        if word not in STATED:
            row = table.iloc[int(np.flatnonzero(codes == list(words).index(word))[0])]
            raise DataError(
                f"reports: report_id {row['report_id']}: forecast_action {word} must be one of {', '.join(STATED)}"
            )
    direction = np.append(np.array([STATED[str(word)] for word in words], np.int64), 0)[codes]
    return Revision(codes >= 0, direction, codes >= 0)


def word_revision(text_r: np.ndarray, settings: EventSettings) -> Revision:
    """Whether the text holds a word of a revision; both directions together are a change without a direction."""
    up, down = (holds(text_r, words) for words in (settings.up_words, settings.down_words))
    return Revision(up | down, up.astype(np.int64) - down.astype(np.int64), np.ones(len(text_r), bool))


def holds(text_r: np.ndarray, words: list[str]) -> np.ndarray:
    """Whether each text holds one of the words [R]; none does where there are no words."""
    if not words:
        return np.zeros(len(text_r), bool)
    pattern = re.compile("|".join(re.escape(word) for word in words))
    return np.array([pattern.search(text) is not None for text in text_r], bool)


def _numbers(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(np.float64) if name in table else np.full(len(table), np.nan)


def _days(table: pd.DataFrame) -> np.ndarray:
    return table["date"].to_numpy().astype("datetime64[D]")
