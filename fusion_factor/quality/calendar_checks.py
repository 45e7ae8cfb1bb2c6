"""The market's sessions against an exchange calendar: a cross-check, the data's own sessions count."""

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import ConfigError
from fusion_factor.quality.flaws import Flaws
from fusion_factor.quality.subject import Subject

Days = npt.NDArray[np.datetime64]


def exchange_sessions(
    code: str, first: np.datetime64, last: np.datetime64
) -> tuple[Days, np.datetime64, np.datetime64]:
    """Sessions of the exchange from `first` to `last`, and the part of that span which the calendar package knows.

    Raises ConfigError for a code that it does not know.
    """
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName

    try:
        known = exchange_calendars.get_calendar(code)
    except InvalidCalendarName as error:
        raise ConfigError(f"quality.calendar: {code!r} is no exchange calendar") from error
    begin, end = known.bound_min(), known.bound_max()
    first = first if begin is None else max(first, np.datetime64(begin, "D"))
    last = last if end is None else min(last, np.datetime64(end, "D"))
    own_first, own_last = (np.datetime64(day, "D") for day in (known.first_session, known.last_session))
    if first < own_first or last > own_last:
        known = exchange_calendars.get_calendar(code, start=str(min(first, own_first)), end=str(max(last, own_last)))
    days = known.sessions.to_numpy().astype("datetime64[D]")
    return days[(days >= first) & (days <= last)], first, last


def _both(subject: Subject) -> tuple[Days, Days]:
    """The market's and the exchange's sessions within the span that both know."""
    code, ours = subject.settings.calendar, subject.sessions
    if code is None:
        return ours[:0], ours[:0]
    theirs, first, last = exchange_sessions(code, ours[0], ours[-1])
    return ours[(ours >= first) & (ours <= last)], theirs


def _days(days: Days, looked_at: int) -> Flaws:
    return Flaws(days, np.full(len(days), "", object), np.ones(len(days)), looked_at, len(days))


def extra_sessions(subject: Subject, limit: float) -> Flaws:
    """Sessions of the data on which the exchange is closed. Value: 1."""
    ours, theirs = _both(subject)
    return _days(np.setdiff1d(ours, theirs), len(ours))


def missing_sessions(subject: Subject, limit: float) -> Flaws:
    """Sessions of the exchange, between the data's first and last, that the data does not have. Value: 1."""
    ours, theirs = _both(subject)
    return _days(np.setdiff1d(theirs, ours), len(theirs))
