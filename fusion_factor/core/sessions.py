"""The trading calendar: sessions by position, and the schedules that say when a decision is taken.

Legend: positions are indices into `Calendar.sessions`, int64.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.column_types import is_date_text
from fusion_factor.core.errors import ConfigError, DataError

__all__ = ["SCHEDULES", "Calendar", "parameter_date", "schedule"]

SCHEDULES = ("weekly", "monthly", "daily", "every_n", "explicit")

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday, three days after a Monday


class Calendar:
    """Strictly increasing sessions, and where a date stands among them.

    >>> calendar = Calendar(np.array(["2024-01-02", "2024-01-03", "2024-01-05"], "datetime64[D]"))
    >>> calendar.position("2024-01-05"), len(calendar)
    (2, 3)
    """

    def __init__(self, sessions: Any) -> None:
        days = np.asarray(sessions).astype("datetime64[D]")
        if days.ndim != 1 or not days.size:
            raise DataError("sessions: has no rows")
        steps = np.diff(days)
        if np.isnat(days).any() or (steps <= np.timedelta64(0, "D")).any():
            wrong = int((steps <= np.timedelta64(0, "D")).argmax()) + 1
            raise DataError(f"sessions: date {days[wrong]}: dates must be strictly increasing")
        self.sessions: np.ndarray = days

    def __len__(self) -> int:
        return len(self.sessions)

    def position(self, date: Any) -> int:
        """Position of a session; DataError if the date is none."""
        return int(self.positions([date])[0])

    def positions(self, dates: Any) -> np.ndarray:
        """Positions of sessions, int64; DataError naming the first date that is no session."""
        days = _days(dates)
        found = np.searchsorted(self.sessions, days)
        wrong = self.sessions[np.minimum(found, len(self) - 1)] != days
        if wrong.any():
            raise DataError(f"sessions: {days[int(wrong.argmax())]} is not a session")
        return found.astype(np.int64)

    def first_at_or_after(self, dates: Any) -> np.ndarray:
        """Position of the first session >= each date; len(self) where there is none or the date is NaT."""
        return np.searchsorted(self.sessions, _days(dates)).astype(np.int64)

    def last_at_or_before(self, date: Any) -> int:
        """Position of the last session <= date; -1 where there is none."""
        return int(np.searchsorted(self.sessions, np.datetime64(date, "D"), side="right")) - 1


def _days(dates: Any) -> np.ndarray:
    values = dates.to_numpy() if isinstance(dates, pd.Series | pd.Index) else np.asarray(dates)
    return values.astype("datetime64[D]")


def parameter_date(parameter: str, value: object) -> np.datetime64:
    """The day that a parameter's value means: text YYYY-MM-DD, a date, or a datetime at midnight.

    Raises:
        ConfigError: naming the parameter and the value.
    """
    if isinstance(value, str) and is_date_text(value):
        return np.datetime64(value, "D")
    if isinstance(value, datetime.datetime | np.datetime64) and not pd.isna(value):
        day = np.datetime64(value).astype("datetime64[D]")
        if day == np.datetime64(value):
            return day
    elif isinstance(value, datetime.date):
        return np.datetime64(value, "D")
    raise ConfigError(f"{parameter}: {value!r} is not a date YYYY-MM-DD")


def schedule(
    calendar: Calendar,
    kind: str,
    *,
    start: Any = None,
    end: Any = None,
    n: int = 5,
    phase: int = 0,
    signal_dates: Sequence[Any] | None = None,
) -> np.ndarray:
    """Positions of the signal sessions of a schedule, increasing.

    Args:
        calendar: all known sessions; a week or month counts only when the calendar goes on into a later one.
        kind: weekly and monthly (the last session of each ISO week or calendar month), daily, every_n (from the
            first session >= start those with index >= phase and (index - phase) divisible by n), explicit.
        start, end: inclusive bounds (date, or None for the calendar's first and last session).
        n, phase: of every_n.
        signal_dates: of explicit; each a session, none twice.

    Returns:
        int64 positions; may be empty.

    Raises:
        ConfigError: naming the parameter and the value.

    A signal is taken after its session's close and looks at nothing later; that its week is over is known from the
    calendar, which exchanges publish in advance.

    >>> days = np.arange("2024-01-01", "2024-01-17", dtype="datetime64[D]")
    >>> calendar = Calendar(days[np.is_busday(days)])
    >>> calendar.sessions[schedule(calendar, "weekly")].astype(str).tolist()
    ['2024-01-05', '2024-01-12']
    """
    sessions = calendar.sessions
    first = 0 if start is None else int(calendar.first_at_or_after(parameter_date("start", start)))
    last = len(calendar) - 1 if end is None else calendar.last_at_or_before(parameter_date("end", end))
    if kind == "weekly":
        found = _period_ends((sessions.astype(np.int64) + _EPOCH_WEEKDAY) // 7)
    elif kind == "monthly":
        found = _period_ends(sessions.astype("datetime64[M]").astype(np.int64))
    elif kind == "daily":
        found = np.arange(len(calendar))
    elif kind == "every_n":
        found = np.array(range(first + phase, len(calendar), n), np.int64)
    elif kind == "explicit":
        found = _explicit(calendar, signal_dates)
    else:
        raise ConfigError(f"schedule: {kind!r} must be one of {', '.join(SCHEDULES)}")
    return found[(found >= first) & (found <= last)].astype(np.int64)


def _period_ends(period: np.ndarray) -> np.ndarray:
    """Last position of each period but the calendar's last, of which nobody knows that it is over."""
    return np.flatnonzero(np.diff(period))


def _explicit(calendar: Calendar, signal_dates: Sequence[Any] | None) -> np.ndarray:
    if signal_dates is None:
        raise ConfigError("signal_dates: missing, but schedule explicit needs it")
    days = np.array([parameter_date("signal_dates", value) for value in signal_dates], "datetime64[D]")
    unique, count = np.unique(days, return_counts=True)
    if (count > 1).any():
        raise ConfigError(f"signal_dates: {unique[int((count > 1).argmax())]} is there twice")
    try:
        return calendar.positions(unique)
    except DataError as error:
        raise ConfigError(f"signal_dates: {str(error).removeprefix('sessions: ')}") from None
