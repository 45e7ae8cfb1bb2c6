"""The places in a session that the factors speak of, as positions of bars.

A `Day` is made from trading hours, the length of a bar and the length of the early and late windows; the compiled
factors see nothing else of the market. Positions count from 0 and windows are [begin, end).
"""

from typing import NamedTuple

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.hours import ASHARE, Hours

HALF_HOUR = 30
WINDOWS = (30, 60, 120)
STEPS = (1, 5, 15)


class Day(NamedTuple):
    """Where the windows of a session lie, and the least samples, at one bar length.

    n_bars        bars of the session, auctions of their own included.
    first         the first bar of continuous trading: 1 behind an opening auction of its own, else 0.
    half_hour     bars in 30 minutes (30, 6, 2): W_k is [first + (k - 1) half_hour, first + k half_hour).
    half_hours    half hours of the session (8; US 13; 4 in a session that ends at noon).
    noon          the first bar after the break, 0 without one: no pair of neighbours spans it.
    early         end of E for sums and shares; window: of E for a moment ("w"); wide: for a kurtosis ("w+").
    late          the first bar of L, "w". tail: the first bar of the last half hour. Both run to the session's end.
    least_pairs   pairs a correlation needs (10, 8, 6); least_early inside of E (10, 4, 4).
    least_side    bars a side of a split needs (20, 8, 5).
    """

    n_bars: int
    first: int
    half_hour: int
    half_hours: int
    noon: int
    early: int
    window: int
    wide: int
    late: int
    tail: int
    least_pairs: int
    least_early: int
    least_side: int


_LEAST = {1: (10, 10, 20), 5: (8, 4, 8), 15: (6, 4, 5)}


def day_of(n_bars: int, hours: Hours = ASHARE, early: int = 30, late: int = 30) -> Day:
    """The Day of a session with `n_bars` bars, of 1, 5 or 15 minutes: the length that makes them fill the hours.

    early, late: minutes of the early window from the open and of the late one to the close: 30, 60 or 120. Windows of a
    moment have at least 4 bars, those of a kurtosis 60 minutes from 5-minute bars on, whatever is asked for. Fewer
    bars than the hours hold, down to half of them, are a session that ended early; its windows that have no place in it
    are missing. DataError for a number of bars that fits no length; ConfigError for a window.
    """
    for name, minutes in (("early", early), ("late", late)):
        if minutes not in WINDOWS:
            raise ConfigError(f"features.{name} is {minutes}, must be one of {', '.join(map(str, WINDOWS))} minutes")
    step = _step(n_bars, hours)
    first = int(hours.opening == "separate")
    last = int(hours.closing == "separate")
    trading = n_bars - first - last
    half_hour = HALF_HOUR // step
    morning = (hours.spans[0][1] - hours.open) // step
    moment = max(early // step, 4)
    return Day(
        n_bars=n_bars,
        first=first,
        half_hour=half_hour,
        half_hours=trading // half_hour,
        noon=first + morning if len(hours.spans) > 1 and morning < trading else 0,
        early=first + early // step,
        window=first + moment,
        wide=first + (moment if step == 1 else max(early, 2 * HALF_HOUR) // step),
        late=first + trading - max(late // step, 4),
        tail=first + trading - half_hour,
        least_pairs=_LEAST[step][0],
        least_early=_LEAST[step][1],
        least_side=_LEAST[step][2],
    )


def _step(n_bars: int, hours: Hours) -> int:
    """Minutes a bar: the full session where it fits, else one that ended early at a whole half hour."""
    for step in STEPS:
        if n_bars == hours.n_bars(step):
            return step
    for step in STEPS:
        trading = (n_bars - hours.auction_bars) * step
        if 2 * trading >= hours.minutes and trading < hours.minutes and trading % HALF_HOUR == 0:
            return step
    full = ", ".join(str(hours.n_bars(step)) for step in STEPS)
    raise DataError(f"{n_bars} bars a symbol, must be one of {full}, or those of a session that ended early")
