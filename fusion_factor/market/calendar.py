"""The sessions that come after the data, so that the newest signal has an execution session to wait for."""

import logging

import numpy as np

from fusion_factor.market.store import SessionArray

log = logging.getLogger("fusion_factor")

EXCHANGE = "XSHG"
DAYS_AHEAD = 25
"""Calendar days: more than the longest closure (Spring Festival, National Day) and a week behind it."""


def with_sessions_ahead(sessions: SessionArray, days: int = DAYS_AHEAD) -> SessionArray:
    """The sessions, and those of the exchange calendar in the `days` after the last one.

    The calendar of the past is the data's own; the exchange's is used for the future alone. Where the calendar package
    does not reach (it ends with the last published year), the sessions are returned as they are, with a warning: the
    last week's signal then waits for the first session of the next week.
    """
    import exchange_calendars

    last = sessions[-1]
    until = last + np.timedelta64(days, "D")
    try:
        calendar = exchange_calendars.get_calendar(EXCHANGE, start=str(last), end=str(until))
    except ValueError as error:
        log.warning("calendar %s does not reach %s: no sessions after %s (%s)", EXCHANGE, until, last, error)
        return sessions
    ahead = calendar.sessions.to_numpy().astype("datetime64[D]")
    return np.concatenate([sessions, ahead[ahead > last]])
