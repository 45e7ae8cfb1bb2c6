"""The abnormal return that a report's text is taught to tell (METHOD 4.3).

Legend: t session, n symbol, e event. Prices are adjusted, in any unit, float64.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import valid_price
from fusion_factor.text.events import Events

SPANS = ("around", "after")


@dataclass(frozen=True)
class EventLabels:
    """`ar` [E] float64, NaN where unknown; `label_end` [E] datetime64[D], the session whose close ends it, NaT where
    that lies beyond the last session."""

    ar: np.ndarray
    label_end: np.ndarray


def abnormal_returns(
    events: Events,
    close_tn: np.ndarray,
    benchmark_t: np.ndarray,
    sessions: np.ndarray,
    symbols: np.ndarray,
    *,
    span: str = "around",
    hold: int = 5,
) -> EventLabels:
    """The stock's return less the benchmark's over the sessions of each event.

    Args:
        events: of `find_events`.
        close_tn: adjusted closes [T, N]; NaN where the stock did not trade (such an end gives no label).
        benchmark_t: closes of the benchmark [T].
        sessions, symbols: axes of both.
        span: `around`, as published: from the close of the last session before the publication date to the close of the
            first session after it, whatever the time of day. It contains the reaction, and part of it lies before the
            event's session: it teaches what a text means, and is never what a portfolio earns. `after`: from the close
            of the event's session over `hold` sessions, which could be traded.

    Returns:
        EventLabels. The label of an event may train a model from the close of `label_end` on, never earlier.

    Raises: ConfigError for another span, or a hold below 1.
    """
    if span not in SPANS:
        raise ConfigError(f"label.span: {span!r} is not one of {', '.join(SPANS)}")
    if hold < 1:
        raise ConfigError(f"label.hold: {hold} is not >= 1")
    days = np.asarray(sessions, "datetime64[D]")
    if span == "around":
        date_e = events.table["date"].to_numpy().astype("datetime64[D]")
        first_e, last_e = np.searchsorted(days, date_e, "left") - 1, np.searchsorted(days, date_e, "right")
    else:
        first_e = np.searchsorted(days, events.session_e)
        last_e = first_e + hold
    n_e = pd.Index(symbols).get_indexer(events.table["symbol"])
    inside = (first_e >= 0) & (last_e < len(days))
    known = inside & (n_e >= 0)
    ar = np.full(len(events.table), np.nan)
    first, last, n = first_e[known], last_e[known], n_e[known]
    ar[known] = _ratio(close_tn[last, n], close_tn[first, n]) - _ratio(benchmark_t[last], benchmark_t[first])
    label_end = np.full(len(events.table), np.datetime64("NaT"), "datetime64[D]")
    label_end[last_e < len(days)] = days[last_e[last_e < len(days)]]
    return EventLabels(ar, label_end)


def _ratio(end: np.ndarray, start: np.ndarray) -> np.ndarray:
    both = valid_price(end) & valid_price(start)
    return np.divide(end, start, out=np.full(len(end), np.nan), where=both)


def mean_index(close_tn: np.ndarray) -> np.ndarray:
    """A benchmark for a market without one: the path of the mean session return of all names, 1 at the first session.

    close_tn: adjusted closes [T, N]. A name counts on a session when it has a valid close then and the session before.
    """
    both = valid_price(close_tn[1:]) & valid_price(close_tn[:-1])
    move = np.divide(close_tn[1:], close_tn[:-1], out=np.ones(both.shape), where=both) - 1.0
    mean = np.where(both, move, 0.0).sum(axis=1) / np.maximum(both.sum(axis=1), 1)
    return np.cumprod(np.r_[1.0, 1.0 + mean])
