"""10.3 to 10.5: members of an industry, consensus as of a day, and statements as they were known on a day."""

import calendar
import math
from datetime import date, timedelta
from statistics import median
from typing import Any

from .tables import Row, covering

BySymbol = dict[str, list[Row]]


def by_symbol(rows: list[Row]) -> BySymbol:
    grouped: BySymbol = {}
    for row in rows:
        grouped.setdefault(row["symbol"], []).append(row)
    return grouped


def members_at(spells: BySymbol, industry: str, day: str) -> list[str]:
    """Symbols whose governing spell on a session is of this industry; the key is the symbol alone."""
    found = []
    for symbol in sorted(spells):
        governing = covering(spells[symbol], day)
        if governing is not None and governing["industry"] == industry:
            found.append(symbol)
    return found


def days_before(day: str, count: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def months_before(day: str, count: int) -> str:
    """k calendar months earlier, the day clipped to the month's end."""
    year, month, of_month = map(int, day.split("-"))
    year, month = divmod(year * 12 + month - 1 - count, 12)
    month += 1
    return f"{year:04d}-{month:02d}-{min(of_month, calendar.monthrange(year, month)[1]):02d}"


# --- 10.3 ---


def fiscal_year(settings: dict[str, Any], day: str) -> int:
    year, month = int(day[:4]), int(day[5:7])
    first = year if month >= settings["roll_month"] else year - 1
    return first if settings["fy"] == 1 else first + 1


def expected(rows: list[Row], year: int, day: str, max_age: int) -> float | None:
    """The latest expectation of one stock dated within `max_age` calendar days up to a day; an empty one is none."""
    found, after = None, days_before(day, max_age)
    for row in rows:
        if row["fiscal_year"] != year or row["net_profit"] is None:
            continue
        if after < row["date"] <= day and (found is None or row["date"] > found["date"]):
            found = row
    return found["net_profit"] if found is not None else None


def consensus_change(
    settings: dict[str, Any], sessions: list[str], members: list[str], rows: BySymbol, day: str
) -> float | None:
    asked = months_before(day, settings["months"])
    earlier = [session for session in sessions if session <= asked]
    if not earlier:
        return None
    year, max_age = fiscal_year(settings, day), settings["max_age"]
    pairs = []
    for symbol in members:
        now = expected(rows.get(symbol, []), year, day, max_age)
        before = expected(rows.get(symbol, []), year, earlier[-1], max_age)
        if now is not None and before is not None:
            pairs.append((now, before))
    combine = settings["combine"]
    if combine != "sum":
        pairs = [(now, before) for now, before in pairs if before != 0]
    if len(pairs) < settings["min_members"]:
        return None
    if combine == "sum":
        bottom = math.fsum(abs(before) for _, before in pairs)
        return math.fsum(now - before for now, before in pairs) / bottom if bottom != 0 else None
    changes = [(now - before) / abs(before) for now, before in pairs]
    return math.fsum(changes) / len(changes) if combine == "mean" else median(changes)


# --- 10.4 and 10.5 ---


def quarter_before(period: str) -> str:
    year, quarter = int(period[:4]), period[5:]
    order = ("03-31", "06-30", "09-30", "12-31")
    place = order.index(quarter)
    return f"{year}-{order[place - 1]}" if place > 0 else f"{year - 1}-12-31"


def year_before(period: str) -> str:
    return f"{int(period[:4]) - 1}{period[4:]}"


class Statements:
    """What one stock has reported up to a session: for each period the version announced last."""

    def __init__(self, rows: list[Row], day: str, max_report_age: int) -> None:
        self.governing: dict[str, Row] = {}
        for row in rows:
            if row["announce_date"] > day:
                continue
            known = self.governing.get(row["period_end"])
            if known is None or row["announce_date"] > known["announce_date"]:
                self.governing[row["period_end"]] = row
        latest = max(self.governing, default=None)
        self.latest = latest if latest is not None and latest >= days_before(day, max_report_age) else None

    def value(self, period: str, field: str) -> float | None:
        """Cumulative within the fiscal year."""
        return self.governing[period][field] if period in self.governing else None

    def twelve_months(self, field: str) -> float | None:
        """Trailing twelve months at the latest period."""
        if self.latest is None:
            return None
        own = self.value(self.latest, field)
        if self.latest[5:] == "12-31":
            return own
        whole = self.value(f"{int(self.latest[:4]) - 1}-12-31", field)
        part = self.value(year_before(self.latest), field)
        if own is None or whole is None or part is None:
            return None
        return own + whole - part

    def quarter(self, period: str, field: str) -> float | None:
        """Of a single quarter."""
        own = self.value(period, field)
        if period[5:] == "03-31":
            return own
        earlier = self.value(quarter_before(period), field)
        return own - earlier if own is not None and earlier is not None else None


def cash_flow_to_profit(settings: dict[str, Any], stocks: list[Statements]) -> float | None:
    pairs = []
    for stock in stocks:
        flow, profit = stock.twelve_months("operating_cash_flow"), stock.twelve_months("net_profit")
        if flow is not None and profit is not None:
            pairs.append((flow, profit))
    if settings["combine"] == "median":
        pairs = [(flow, profit) for flow, profit in pairs if profit > 0]
    if len(pairs) < settings["min_members"]:
        return None
    if settings["combine"] == "median":
        return median(flow / profit for flow, profit in pairs)
    profits = math.fsum(profit for _, profit in pairs)
    return math.fsum(flow for flow, _ in pairs) / profits if profits > 0 else None


def of_common_period(stocks: list[Statements]) -> tuple[str, list[Statements]] | None:
    """The industry's most common latest period (ties: the latest), and the stocks whose latest it is."""
    latest = [stock.latest for stock in stocks if stock.latest is not None]
    if not latest:
        return None
    common = max(latest, key=lambda period: (latest.count(period), period))
    return common, [stock for stock in stocks if stock.latest == common]


def complete_sums(stocks: list[Statements], needed: list[tuple[str, str]], least: int) -> list[float] | None:
    """Sums of single-quarter figures (period, field) over the stocks that have them all; None for too few stocks."""
    rows = []
    for stock in stocks:
        figures = [stock.quarter(period, field) for period, field in needed]
        if all(figure is not None for figure in figures):
            rows.append(figures)
    if len(rows) < least:
        return None
    return [math.fsum(row[place] for row in rows) for place in range(len(needed))]


def profit_growth_qoq(settings: dict[str, Any], stocks: list[Statements]) -> float | None:
    found = of_common_period(stocks)
    if found is None:
        return None
    period, same = found
    needed = [(period, "net_profit"), (quarter_before(period), "net_profit")]
    sums = complete_sums(same, needed, settings["min_members"])
    if sums is None or sums[1] == 0:
        return None
    now, before = sums
    return (now - before) / abs(before)


def gross_margin_change_yoy(settings: dict[str, Any], stocks: list[Statements]) -> float | None:
    found = of_common_period(stocks)
    if found is None:
        return None
    period, same = found
    ago = year_before(period)
    needed = [(period, "revenue"), (period, "cost"), (ago, "revenue"), (ago, "cost")]
    sums = complete_sums(same, needed, settings["min_members"])
    if sums is None or sums[0] <= 0 or sums[2] <= 0:
        return None
    revenue, cost, revenue_ago, cost_ago = sums
    return (revenue - cost) / revenue - (revenue_ago - cost_ago) / revenue_ago
