"""Section 1: which sessions are signal sessions, and their execution sessions."""

from datetime import date
from itertools import pairwise
from typing import Any

from .parameters import is_empty
from .refusal import BadInput
from .tables import is_date

NO_SIGNAL = "no signal session between start and end"


def week_of(day: str) -> tuple[int, int]:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return year, week


def month_of(day: str) -> str:
    return day[:7]


def session_after(sessions: list[str], day: str) -> str | None:
    """The next session after `day`, or None when `sessions` ends there."""
    later = [session for session in sessions if session > day]
    return later[0] if later else None


def last_of_periods(sessions: list[str], period_of: Any) -> list[str]:
    """The last session of each period; a period counts only once a later session lies in a later period."""
    found = []
    for day, following in pairwise(sessions):
        if period_of(day) != period_of(following):
            found.append(day)
    return found


def unbounded(settings: dict[str, Any], sessions: list[str], start: str) -> list[str]:
    """The signal sessions of the schedule, before `start` and `end` cut them."""
    schedule = settings["schedule"]
    if schedule == "weekly":
        return last_of_periods(sessions, week_of)
    if schedule == "monthly":
        return last_of_periods(sessions, month_of)
    if schedule == "daily":
        return list(sessions)
    if schedule == "every_n":
        counted = [day for day in sessions if day >= start]
        n, phase = settings["n"], settings["phase"]
        return [day for index, day in enumerate(counted) if index >= phase and (index - phase) % n == 0]
    for day in settings["signal_dates"]:
        if not is_date(day) or day not in sessions:
            raise BadInput(f"signal_dates: {day} is not a session")
    return sorted(settings["signal_dates"])


def bounds(settings: dict[str, Any], sessions: list[str], closes: dict[str, dict[str, float]]) -> tuple[list[str], str]:
    """Return the signal sessions between `start` and `end`, and `end` as a session; `closes` are the valid ones."""
    last_closes = [max(days) for days in closes.values() if days]
    if not sessions or not last_closes:
        raise BadInput(NO_SIGNAL)
    start = sessions[0] if is_empty(settings["start"]) else settings["start"]
    end = max(last_closes) if is_empty(settings["end"]) else settings["end"]
    up_to_end = [day for day in sessions if day <= end]
    signals = [day for day in unbounded(settings, sessions, start) if start <= day <= end]
    if not signals or not up_to_end:
        raise BadInput(NO_SIGNAL)
    return signals, up_to_end[-1]
