"""How analysts changed their minds about profits, per industry (SEMANTICS 10.3, METHOD 162 and 174).

Legend: `_p` is [P pairs of grid date and stock] as in `members`, `_d` is [D grid dates], `_dn` is [D, N industries].
"""

import numpy as np
import pandas as pd

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.core.sessions import Calendar
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.known import Known, taken
from fusion_factor.industry.members import Members, quotient

COMBINE = ("sum", "mean", "median")


def consensus_change(
    data: IndustryData,
    *,
    fy: int = 2,
    months: int = 3,
    roll_month: int = 5,
    max_age: int = 180,
    combine: str = "sum",
    min_members: int = 3,
) -> FloatArray:
    """Change of the expected net profit of one fiscal year over the past months, over its size before. -> [D, N].

    Sign: above 0 where analysts have raised their figures. Unit: a fraction.

    Args:
        data: with tables industry and consensus; a row is known on its date, one without a value is not there.
        fy: 1, the fiscal year that is the calendar year of the date from `roll_month` on and the year before it until
            then; 2, the year after that. Now and before look at the same fiscal year, so that the roll makes no jump.
        months: how many calendar months ago "before" was seen, on the last session until then.
        max_age: calendar days after which a value no longer counts.
        combine: sum, sum of changes over sum of |before|; mean or median of the stocks' own changes.
        min_members: stocks with both values (under mean and median: and with a before other than 0).

    Returns: NaN with too few stocks or a denominator of 0.
    Raises: ConfigError for a parameter, DataError for a missing table.
    Source: METHOD 162 and 174; SEMANTICS 10.3.
    """
    checks.count(1, 2)("fy", fy)
    checks.count(1, 12)("roll_month", roll_month)
    checks.one_of(*COMBINE)("combine", combine)
    for name, value in (("months", months), ("max_age", max_age), ("min_members", min_members)):
        checks.count()(name, value)
    members = data.members
    year_p = fiscal_year(data.dates_d, fy, roll_month)[members.date_p]
    before_day_p = sessions_months_ago(data.calendar, data.dates_d, months)[members.date_p]
    opinions = _Opinions(data.table("consensus", "consensus_change"), members, max_age)
    now_p, before_p = opinions.seen(year_p, members.day_p), opinions.seen(year_p, before_day_p)
    both = np.isfinite(now_p) & np.isfinite(before_p)
    return combined_change(members, now_p, before_p, both, combine, min_members)


class _Opinions:
    """Expected profits of the members' fiscal years, by the day they were known."""

    def __init__(self, consensus: pd.DataFrame, members: Members, max_age: int) -> None:
        number_r = members.numbers(consensus["symbol"])
        kept = (number_r >= 0) & consensus["net_profit"].notna().to_numpy()
        rows = consensus[kept]
        self._members, self._max_age = members, max_age
        self._day_r = rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
        self._profit_r = rows["net_profit"].to_numpy(np.float64)
        self._known = Known(number_r[kept], rows["fiscal_year"].to_numpy(np.int64), self._day_r)

    def seen(self, year_p: IntArray, day_p: IntArray) -> FloatArray:
        """Latest value of each pair's stock for a fiscal year on a day; NaN where there is none or it is too old."""
        row_p = self._known.row(self._members.symbol_p, year_p, day_p)
        young = taken(self._day_r, row_p) > day_p - self._max_age
        return np.where(young, taken(self._profit_r, row_p), np.nan)


def combined_change(
    members: Members, now_p: FloatArray, before_p: FloatArray, both: np.ndarray, combine: str, min_members: int
) -> FloatArray:
    """Changes of stocks made one figure an industry; NaN with fewer than `min_members` stocks. -> [D, N]."""
    if combine == "sum":
        value_dn = quotient(members.sum(now_p - before_p, both), members.sum(np.abs(before_p), both))
    else:
        both = both & (before_p != 0)
        change_p = quotient(now_p - before_p, np.abs(before_p))
        value_dn = members.mean(change_p, both) if combine == "mean" else members.median(change_p, both)
    return np.where(members.count(both) >= min_members, value_dn, np.nan)


def fiscal_year(dates_d: np.ndarray, fy: int, roll_month: int) -> IntArray:
    """The calendar year that FY1 (or FY2, the one after) means at each date.

    >>> fiscal_year(np.array(["2024-04-30", "2024-05-01"], "datetime64[D]"), 1, 5).tolist()
    [2023, 2024]
    """
    month = dates_d.astype("datetime64[M]").astype(np.int64)
    return month // 12 + 1970 - (month % 12 + 1 < roll_month) + (fy - 1)


def months_ago(dates_d: np.ndarray, months: int) -> np.ndarray:
    """The same day `months` calendar months earlier, or that month's last day where it has no such day.

    >>> months_ago(np.array(["2024-05-31", "2024-03-30"], "datetime64[D]"), 1).astype(str).tolist()
    ['2024-04-30', '2024-02-29']
    """
    month = dates_d.astype("datetime64[M]")
    day = dates_d.astype("datetime64[D]") - month.astype("datetime64[D]")
    last = (month - months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum((month - months).astype("datetime64[D]") + day, last)


_NEVER = np.iinfo(np.int32).min
"""A day before every row: the answer where there is no session so early."""


def sessions_months_ago(calendar: Calendar, dates_d: np.ndarray, months: int) -> IntArray:
    """Day of the last session on or before `months` months ago, as days since 1970; very early where there is none."""
    position_d = np.searchsorted(calendar.sessions, months_ago(dates_d, months), side="right") - 1
    day_d = calendar.sessions.astype("datetime64[D]").astype(np.int64)[position_d]
    return np.where(position_d >= 0, day_d, _NEVER)
