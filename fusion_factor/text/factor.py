"""The stock factor of scored reports: the mean of the past months' scores, and how many stocks have one (METHOD 152).

Legend: g date of the grid, n symbol, e event.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.text.events import Events


@dataclass(frozen=True, kw_only=True)
class FactorSettings:
    """How scores of reports become one number a stock and date."""

    months: int = 3
    """Reports of so many past calendar months count."""
    decay: float = 1.0
    """Each score is multiplied by this to the power of its age in calendar days; 1: none. H51 has 0.95."""
    min_reports: int = 1
    """A stock with fewer scored reports has no factor."""

    def __post_init__(self) -> None:
        if self.months < 1:
            raise ConfigError(f"factor.months: {self.months} is not >= 1")
        if not 0 < self.decay <= 1:
            raise ConfigError(f"factor.decay: {self.decay} is not in (0, 1]")
        if self.min_reports < 1:
            raise ConfigError(f"factor.min_reports: {self.min_reports} is not >= 1")


def window_starts(dates: np.ndarray, sessions: np.ndarray, months: int) -> np.ndarray:
    """The day after which a report counts at each date [G]: the same day so many months before, exclusive.

    The last session of a month looks back to the end of that earlier month, so that a month end sees exactly the last
    `months` calendar months. A day that the earlier month does not have is its last one. `sessions` may go on after the
    last date: exchanges publish their calendar in advance.

    >>> sessions = np.array(["2024-05-30", "2024-05-31", "2024-06-03"], "datetime64[D]")
    >>> window_starts(sessions[:2], sessions, 3).astype(str).tolist()
    ['2024-02-29', '2024-02-29']
    """
    days = np.asarray(dates, "datetime64[D]")
    month = days.astype("datetime64[M]")
    earlier = month - months
    last_day = (earlier + 1).astype("datetime64[D]") - 1
    same_day = np.minimum(earlier.astype("datetime64[D]") + (days - month.astype("datetime64[D]")), last_day)
    # the calendar tells in advance which session is the last of its month; of its own last session nobody knows
    known = np.asarray(sessions, "datetime64[D]")
    after = np.minimum(np.searchsorted(known, days, "right"), len(known) - 1)
    closes_month = known[after].astype("datetime64[M]") > month
    return np.where(closes_month, last_day, same_day)


def text_factor(
    events: Events,
    score_e: np.ndarray,
    dates: np.ndarray,
    sessions: np.ndarray,
    symbols: np.ndarray,
    settings: FactorSettings | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The factor at each date, float64 [G, N] (NaN without reports), and the number of scored reports in it [G, N].

    Args:
        events: of `find_events`.
        score_e: score of each event [E], known at its session; NaN where no model was ready.
        dates: datetime64[D] [G], e.g. month ends; sessions: all sessions; symbols [N].

    At a date the events with session in (window start, date] count: nothing later. Without decay the factor is their
    plain mean; with it the mean of score times decay ** age, age in calendar days from the event's session, so that an
    old opinion counts as a weak one (H51).
    """
    settings = settings or FactorSettings()
    days = np.asarray(dates, "datetime64[D]")
    n_e = pd.Index(symbols).get_indexer(events.table["symbol"])
    used = np.isfinite(score_e) & (n_e >= 0)
    session_e, n_e, score_e = events.session_e[used], n_e[used], np.asarray(score_e, np.float64)[used]
    first_g = np.searchsorted(session_e, window_starts(days, sessions, settings.months), "right")
    stop_g = np.searchsorted(session_e, days, "right")
    factor_gn = np.full((len(days), len(symbols)), np.nan)
    count_gn = np.zeros((len(days), len(symbols)), np.int64)
    for g, (first, stop) in enumerate(zip(first_g, stop_g, strict=True)):
        here = slice(first, stop)
        age = (days[g] - session_e[here]).astype(np.int64)
        total = np.bincount(n_e[here], score_e[here] * settings.decay**age, minlength=len(symbols))
        count_gn[g] = np.bincount(n_e[here], minlength=len(symbols))
        enough = count_gn[g] >= settings.min_reports
        factor_gn[g, enough] = total[enough] / count_gn[g, enough]
    return factor_gn, count_gn


def coverage(factor_gn: np.ndarray, count_gn: np.ndarray, priced_gn: np.ndarray, dates: np.ndarray) -> pd.DataFrame:
    """How many stocks have the factor at each date: date, reports, covered, listed, share.

    priced_gn: bool [G, N], stocks with a valid close at the date; only they are counted.
    """
    covered = (np.isfinite(factor_gn) & priced_gn).sum(axis=1)
    listed = priced_gn.sum(axis=1)
    return pd.DataFrame(
        {
            "date": np.asarray(dates, "datetime64[D]").astype("datetime64[s]"),
            "reports": count_gn.sum(axis=1),
            "covered": covered,
            "listed": listed,
            "share": covered / np.maximum(listed, 1),
        }
    )
