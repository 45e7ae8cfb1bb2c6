"""Quarterly statements point in time: the version that was known, trailing twelve months, single quarters.

Statements are cumulative within the fiscal year, which is the calendar year. A quarter is one whole number,
4 * year + (0 to 3). Of each period the version with the latest announcement up to the date counts, with its empty
fields; moving an announcement a day later changes nothing before that day.

Legend: `_r` is [R rows of `financials`], `_p` is [P pairs of grid date and stock] as in `members`.
Source: SEMANTICS 10.4 and 10.5, METHOD 173.
"""

import numpy as np
import pandas as pd

from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.industry.known import NONE, Known, taken
from fusion_factor.industry.members import Members

QUARTERS = 4
_ANNUAL = 3


class Statements:
    """Reports of the stocks of `members`, as known at each pair's date.

    Args:
        financials: checked table. members: pairs of grid date and stock.
        max_age: calendar days; a stock whose latest period ended earlier than so long before the date has none.

    Attributes:
        latest_p: latest quarter with a version, whatever its fields; -1 where there is none or it is too old.
    """

    def __init__(self, financials: pd.DataFrame, members: Members, *, max_age: int = 400) -> None:
        number_r = members.numbers(financials["symbol"])
        rows = financials[number_r >= 0]
        self._fields = {name: rows[name].to_numpy(np.float64) for name in rows.columns if rows[name].dtype == float}
        number_r = number_r[number_r >= 0]
        end_r, announced_r = (_days(rows[name]) for name in ("period_end", "announce_date"))
        quarter_r = _quarters(rows["period_end"])
        self._members = members
        self._known = Known(number_r, quarter_r, announced_r)
        self.latest_p = _latest(number_r, quarter_r, end_r, announced_r, members, max_age)

    def value(self, name: str, quarter_p: IntArray) -> FloatArray:
        """A field's cumulative value of a quarter as known at the pair's date; NaN where it is missing."""
        row_p = self._known.row(self._members.symbol_p, quarter_p, self._members.day_p)
        return taken(self._fields[name], row_p)

    def trailing_year(self, name: str) -> FloatArray:
        """Trailing twelve months of a field at the latest quarter; NaN where a part is missing or there is none.

        The annual value itself, or else value + last annual - value of the same quarter a year before.
        """
        latest = self.latest_p
        annual = latest - latest % QUARTERS - 1
        own = self.value(name, latest)
        with_others = own + self.value(name, annual) - self.value(name, latest - QUARTERS)
        return np.where(latest == NONE, np.nan, np.where(latest % QUARTERS == _ANNUAL, own, with_others))

    def single_quarter(self, name: str, quarter_p: IntArray) -> FloatArray:
        """A field's value of one quarter alone: less that of the quarter before in the fiscal year; NaN if missing."""
        before = np.where(quarter_p % QUARTERS == 0, 0.0, self.value(name, quarter_p - 1))
        return self.value(name, quarter_p) - before


def _latest(
    number_r: IntArray, quarter_r: IntArray, end_r: IntArray, announced_r: IntArray, members: Members, max_age: int
) -> IntArray:
    """Latest quarter of each pair among the rows announced up to its date."""
    row_p = Known(number_r, np.zeros(len(number_r), np.int64), announced_r).row(
        members.symbol_p, np.zeros(len(members.symbol_p), np.int64), members.day_p
    )
    if not len(number_r):
        return row_p
    order = np.lexsort((announced_r, number_r))
    # The greatest quarter so far of each symbol: symbols far apart make one running maximum serve all of them.
    apart = int(quarter_r.max()) + 1
    so_far = np.maximum.accumulate(quarter_r[order] + number_r[order] * apart) - number_r[order] * apart
    latest_r = np.empty_like(quarter_r)
    latest_r[order] = so_far
    quarter_p = np.where(row_p >= 0, latest_r[row_p], NONE)
    too_old = _quarter_end(quarter_p) < members.day_p - max_age
    return np.where((row_p >= 0) & ~too_old, quarter_p, NONE)


def _days(dates: pd.Series) -> IntArray:
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def _quarters(period_end: pd.Series) -> IntArray:
    month = period_end.to_numpy().astype("datetime64[M]").astype(np.int64)
    return (month // 12 + 1970) * QUARTERS + month % 12 // 3


def _quarter_end(quarter_p: IntArray) -> IntArray:
    """Last day of each quarter, as days since 1970."""
    after = (quarter_p - 1970 * QUARTERS + 1) * 3
    return after.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
