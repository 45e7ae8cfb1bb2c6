"""Quality and growth of industries from the statements of their stocks (SEMANTICS 10.4 and 10.5, METHOD 163 and 164).

Legend: `_p` is [P pairs of grid date and stock] as in `members`; results are [D grid dates, N industries]. A value at a
date is a function of statements announced up to it; NaN where fewer than `min_members` stocks have what is needed.
"""

from collections.abc import Sequence

import numpy as np

from fusion_factor.core import parameter_checks as checks
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.labels import FloatArray, IntArray
from fusion_factor.industry.data import IndustryData
from fusion_factor.industry.members import Members, quotient
from fusion_factor.industry.standardise import mean_of_available, winsorised, with_median
from fusion_factor.industry.statements import NONE, QUARTERS, Statements


def cash_flow_to_profit(
    data: IndustryData,
    *,
    combine: str = "sum",
    min_members: int = 3,
    max_report_age: int = 400,
    winsorise: float = 0.0,
    median_for: Sequence[str] = (),
) -> FloatArray:
    """Operating cash flow over net profit of the trailing twelve months. -> [D, N], a ratio.

    Sign: high where profits come in as cash; better at finding the worst than the best.

    Args:
        data: with tables industry and financials.
        combine: sum, sum of cash flows over sum of profits, none where that is <= 0; median, of the ratios of the
            stocks with a profit above 0.
        min_members: stocks needed. max_report_age: calendar days since the end of a stock's latest period.
        winsorise: tail of the date's values set to its quantile, 0.05 in METHOD 176; 0 in SEMANTICS.
        median_for: industries, such as banks, that get the median of the others; none in SEMANTICS.

    Source: METHOD 164 and 176; SEMANTICS 10.4.
    """
    _check(min_members, max_report_age)
    if combine not in ("sum", "median"):
        raise ConfigError(f"combine: {combine!r} must be sum or median for cash_flow_to_profit")
    statements, members = data.statements(max_report_age), data.members
    cash_p = statements.trailing_year("operating_cash_flow")
    profit_p = statements.trailing_year("net_profit")
    used = np.isfinite(cash_p) & np.isfinite(profit_p)
    if combine == "sum":
        profit_dn = members.sum(profit_p, used)
        value_dn = quotient(members.sum(cash_p, used), np.where(profit_dn > 0, profit_dn, np.nan))
    else:
        used &= profit_p > 0
        value_dn = members.median(quotient(cash_p, profit_p), used)
    value_dn = np.where(members.count(used) >= min_members, value_dn, np.nan)
    return with_median(winsorised(value_dn, winsorise), list(data.codes), median_for)


def profit_growth_qoq(
    data: IndustryData, *, min_members: int = 3, max_report_age: int = 400, seasonal_years: int = 0
) -> FloatArray:
    """Net profit of the latest common quarter against the quarter before, same stocks. -> [D, N], a fraction.

    Sign: above 0 where profit grew: (now - before) / |before|, NaN where before is 0. It is seasonal.

    Args:
        min_members, max_report_age: as for `cash_flow_to_profit`.
        seasonal_years: take off the industry's own mean growth of the same quarter in so many years before, as known
            at the date and of the stocks that have it; NaN with fewer than two of them (METHOD 177). 0 in SEMANTICS.

    Source: METHOD 163 and 177; SEMANTICS 10.5.
    """
    checks.count(0)("seasonal_years", seasonal_years)
    _check(min_members, max_report_age)
    statements, members = data.statements(max_report_age), data.members
    quarter_p, in_common = common_quarter(statements, members)

    def growth(quarter_p: IntArray) -> FloatArray:
        now_p = statements.single_quarter("net_profit", quarter_p)
        before_p = statements.single_quarter("net_profit", quarter_p - 1)
        used = in_common & np.isfinite(now_p) & np.isfinite(before_p)
        now_dn, before_dn = members.sum(now_p, used), members.sum(before_p, used)
        value_dn = quotient(now_dn - before_dn, np.abs(before_dn))
        return np.where(members.count(used) >= min_members, value_dn, np.nan)

    value_dn = growth(quarter_p)
    if seasonal_years:
        past = [growth(quarter_p - QUARTERS * years) for years in range(1, seasonal_years + 1)]
        value_dn = value_dn - mean_of_available(past, least=min(2, seasonal_years))
    return value_dn


def gross_margin_change_yoy(data: IndustryData, *, min_members: int = 3, max_report_age: int = 400) -> FloatArray:
    """Gross margin of the latest common quarter less that a year before, same stocks. -> [D, N], a difference.

    Sign: above 0 where more of the revenue is left. Margin: (sum of revenue - sum of cost) / sum of revenue of single
    quarters; NaN where a sum of revenue is <= 0.
    Source: METHOD 163; SEMANTICS 10.5.
    """
    _check(min_members, max_report_age)
    statements, members = data.statements(max_report_age), data.members
    quarter_p, in_common = common_quarter(statements, members)
    figures = [
        statements.single_quarter(name, at) for at in (quarter_p, quarter_p - QUARTERS) for name in ("revenue", "cost")
    ]
    used = in_common & np.isfinite(figures).all(axis=0)
    revenue_now, cost_now, revenue_before, cost_before = (members.sum(each, used) for each in figures)
    value_dn = _margin(revenue_now, cost_now) - _margin(revenue_before, cost_before)
    return np.where(members.count(used) >= min_members, value_dn, np.nan)


def common_quarter(statements: Statements, members: Members) -> tuple[IntArray, np.ndarray]:
    """The most common latest quarter of each pair's industry (the later of two), and whether the pair's own is it."""
    latest_p = statements.latest_p
    quarter_p = members.spread(members.most_common(latest_p, latest_p != NONE))
    return quarter_p, (latest_p == quarter_p) & (latest_p != NONE)


def _margin(revenue_dn: FloatArray, cost_dn: FloatArray) -> FloatArray:
    return quotient(revenue_dn - cost_dn, np.where(revenue_dn > 0, revenue_dn, np.nan))


def _check(min_members: int, max_report_age: int) -> None:
    checks.count()("min_members", min_members)
    checks.count()("max_report_age", max_report_age)
