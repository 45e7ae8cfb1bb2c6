"""Industry factors from dated opinions of stocks: revisions by analysts, guidance by companies (METHOD 175).

Legend: `_r` is [R events], `_e` is [E events within a grid date's window], `_dn` is [D grid dates, N industries].
"""

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.labels import FloatArray
from fusion_factor.industry.consensus import months_ago
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.members import Members


def consensus_change_px(
    data: IndustryData, *, events: str = "revisions", months: int = 3, min_events: int = 5
) -> FloatArray:
    """Share of up less share of down revisions among an industry's notes of the past months. -> [D, N], in [-1, 1].

    Sign: above 0 where analysts raise. A stand-in for `consensus_change` where there are notes but no forecasts; notes
    count once each, so that it knows direction and not size.

    Args:
        data: with the table industry and an event table, one row a note.
        events: name of the event table in `data.events`. months: calendar months, (date - months, date].
        min_events: notes that a value needs.

    Raises: ConfigError for a parameter, DataError for a table.
    Source: METHOD 175.
    """
    return _balance(data, events, months, min_events, latest=False)


def company_guidance(
    data: IndustryData, *, events: str = "guidance", months: int = 6, min_events: int = 3
) -> FloatArray:
    """Share of up less share of down among the latest guidance of an industry's companies. -> [D, N], in [-1, 1].

    Sign: above 0 where companies expect more. Of each company only its latest guidance of the past months counts.
    Arguments and errors as for `consensus_change_px`.
    """
    return _balance(data, events, months, min_events, latest=True)


def _balance(data: IndustryData, name: str, months: int, min_events: int, latest: bool) -> FloatArray:
    checks.count()("months", months)
    checks.count()("min_events", min_events)
    members, events = data.members, data.event_table(name)
    number_r = members.numbers(events["symbol"])
    day_r = events["date"].to_numpy().astype("datetime64[D]")
    direction_r = events["direction"].to_numpy()
    industry_ds = _industries(members)
    total_dn, count_dn = np.zeros(members.shape), np.zeros(members.shape, np.int64)
    # events lie in order of their day: a grid date's window is one slice of them
    first_d = np.searchsorted(day_r, months_ago(data.dates_d, months), side="right")
    last_d = np.searchsorted(day_r, data.dates_d, side="right")
    for date, (first, last) in enumerate(zip(first_d, last_d, strict=True)):
        number_e, direction_e = number_r[first:last], direction_r[first:last]
        if latest:
            # of equal days the last in order, which is the highest direction
            _, back = np.unique(number_e[::-1], return_index=True)
            kept = len(number_e) - 1 - back
            number_e, direction_e = number_e[kept], direction_e[kept]
        industry_e = np.where(number_e >= 0, industry_ds[date, number_e], -1)
        inside = industry_e >= 0
        count_dn[date] = np.bincount(industry_e[inside], minlength=members.shape[1])
        total_dn[date] = np.bincount(industry_e[inside], direction_e[inside], members.shape[1])
    return np.where(count_dn >= min_events, total_dn / np.maximum(count_dn, 1), np.nan)


def _industries(members: Members) -> np.ndarray:
    """Industry of each symbol at each grid date, -1 for none. [D, S]."""
    industry_ds = np.full((members.shape[0], max(len(members.symbols), 1)), -1, np.int64)
    industry_ds[members.date_p, members.symbol_p] = members.cell_p % members.shape[1]
    return industry_ds
