"""When a market trades, and what becomes of its auctions: the description of a session that bars are read by.

Nothing here knows a file or a factor. `ASHARE` and `US` are the two that come with the package; another exchange is one
more `Hours`, in configuration `09:30-12:00,13:00-16:00`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError

AUCTIONS = ("merge", "drop", "separate")
_LEFT_OUT = {"hours": "ashare", "opening": "merge", "closing": "merge"}
TIMETABLE_KEYS = (*_LEFT_OUT, "early_closes")


@dataclass(frozen=True)
class Hours:
    """Trading hours of a session, in minutes after midnight, exchange-local.

    spans     the trading spans (begin, end), in order; between two is a break. Each is whole half hours long.
    opening   the opening auction: `merge` into the first bar, `drop`, or `separate`, a bar of its own before the first.
    closing   the closing auction where it has a stamp of its own: `merge` into the last bar, `drop`, or `separate`, a
              bar after the last. An auction that a vendor has already put into the last bar stays there.
    auction   from this minute on a stamp before the open is the opening auction.
    earliest, latest   stamps outside of the spans but inside of these are out of hours: counted and left out.
    """

    spans: tuple[tuple[int, int], ...] = ((570, 690), (780, 900))
    opening: str = "merge"
    closing: str = "merge"
    auction: int = 555
    earliest: int = 555
    latest: int = 930

    def __post_init__(self) -> None:
        """ConfigError names the value that cannot be."""
        for key in ("opening", "closing"):
            if getattr(self, key) not in AUCTIONS:
                raise ConfigError(f"hours.{key} is {getattr(self, key)!r}, must be one of {', '.join(AUCTIONS)}")
        edges = [minute for span in self.spans for minute in span]
        if len(self.spans) not in (1, 2) or edges != sorted(set(edges)):
            raise ConfigError(f"hours.spans is {self.spans}, must be one or two spans in order")
        if any((end - begin) % 30 for begin, end in self.spans):
            raise ConfigError(f"hours.spans is {self.spans}, must be whole half hours")

    @property
    def open(self) -> int:
        """The minute at which trading begins."""
        return self.spans[0][0]

    @property
    def close(self) -> int:
        """The minute at which trading ends."""
        return self.spans[-1][1]

    @property
    def minutes(self) -> int:
        """Minutes of continuous trading."""
        return sum(end - begin for begin, end in self.spans)

    @property
    def auction_bars(self) -> int:
        """Bars beside those of continuous trading: 0, 1 or 2."""
        return (self.opening == "separate") + (self.closing == "separate")

    def n_bars(self, step: int) -> int:
        """Bars of a session at `step` minutes a bar, auctions of their own included."""
        return self.minutes // step + self.auction_bars

    def until(self, close: int) -> "Hours":
        """The hours of a session that ends early, at `close` (a half session). ConfigError outside of the spans."""
        kept = tuple((begin, min(end, close)) for begin, end in self.spans if begin < close)
        if close > self.close or not kept:
            raise ConfigError(f"hours: a session cannot close at minute {close}; it trades {describe(self)}")
        return replace(self, spans=kept)


ASHARE = Hours()
US = Hours(spans=((570, 960),), auction=570, earliest=240, latest=1200)
NAMED = {"ashare": ASHARE, "us": US}


def describe(hours: Hours) -> str:
    """`09:30-11:30 and 13:00-15:00`."""
    return " and ".join(f"{clock(begin)}-{clock(end)}" for begin, end in hours.spans)


def clock(minute: int) -> str:
    """`09:30` of 570."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def to_hours(given: str, opening: str = "merge", closing: str = "merge") -> Hours:
    """Hours from configuration: `ashare`, `us`, or spans such as `09:30-12:00,13:00-16:00`.

    ConfigError when it can be neither.

    >>> describe(to_hours("09:30-12:00,13:00-16:00")), to_hours("us").n_bars(1)
    ('09:30-12:00 and 13:00-16:00', 390)
    """
    if given in NAMED:
        return replace(NAMED[given], opening=opening, closing=closing)
    try:
        spans = tuple((to_minute(a), to_minute(b)) for a, b in (span.split("-") for span in given.split(",")))
    except ValueError as error:
        choices = f"{', '.join(NAMED)}, or spans such as 09:30-12:00,13:00-16:00"
        raise ConfigError(f"hours is {given!r}, must be {choices}") from error
    first, last = spans[0][0], spans[-1][1]
    return Hours(spans, opening, closing, auction=first - 15, earliest=first - 15, latest=last + 30)


def to_minute(text: str) -> int:
    """Minutes after midnight of `09:30`; ValueError for anything else."""
    hour, minute = text.strip().split(":")
    if not (0 <= int(hour) < 24 and 0 <= int(minute) < 60):
        raise ValueError(text)
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True)
class Timetable:
    """The hours of every session: `hours`, but for those that close early, by session (datetime64[D])."""

    hours: Hours
    early: Mapping[Any, Hours]

    def on(self, session: np.datetime64) -> Hours:
        """The hours of one session."""
        return self.early.get(session.astype("datetime64[D]"), self.hours)


def to_timetable(given: Mapping[str, Any], where: str) -> Timetable:
    """From the keys hours, opening, closing and early_closes (`{2025-11-28: "13:00"}`); ConfigError names one that
    cannot be, as a key of `where`."""
    hours = to_hours(*(str(given.get(key, value)) for key, value in _LEFT_OUT.items()))
    closes = dict(given.get("early_closes") or {})
    return Timetable(hours, {np.datetime64(str(day), "D"): _early(hours, day, at, where) for day, at in closes.items()})


def _early(hours: Hours, day: object, at: object, where: str) -> Hours:
    if hours.closing == "separate":
        raise ConfigError(f"{where}.early_closes: {day}: a closing auction of its own has no place in a half session")
    try:
        return hours.until(to_minute(str(at)))
    except ValueError as error:
        raise ConfigError(f"{where}.early_closes: {day}: {at!r} is no time such as 13:00") from error
