"""Section 9: price limits, in decimal arithmetic."""

from decimal import ROUND_HALF_UP, Decimal

from .tables import Row, covering, is_valid

CENT = Decimal("0.01")
ST_ALIGNED = "2026-07-06"  # main: ST 0.05 before, 0.10 from then
CHINEXT_REFORM = "2020-08-24"
MAIN_REFORM = "2023-04-10"
FIRST_DAY_BAND = "2014-01-01"  # before 2014: no limit on session 1; then 1.44 and 0.64


def to_cents(value: float | Decimal) -> Decimal:
    """The decimal text of a number, rounded half up to 2 places."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


def session_number(sessions: list[str], list_date: str | None, day: str) -> int | None:
    """1 for the first session >= list_date, and so on; None when it is no new listing."""
    if list_date is None or list_date < sessions[0]:
        return None
    return len([session for session in sessions if list_date <= session <= day])


def percentage(board: str, day: str, is_st: bool) -> Decimal:
    if board == "star":
        return Decimal("0.20")
    if board == "bse":
        return Decimal("0.30")
    if board == "chinext" and day >= CHINEXT_REFORM:
        return Decimal("0.20")
    # main, and chinext before its reform, which is always before ST_ALIGNED
    return Decimal("0.05") if is_st and day < ST_ALIGNED else Decimal("0.10")


def listing_rule(board: str, list_date: str, number: int) -> str:
    """What session `number` of a new listing has: `free` (no limit), `band` (1.44 and 0.64) or `usual`."""
    if board == "star":
        return "free" if number <= 5 else "usual"
    if board == "bse":
        return "free" if number == 1 else "usual"
    reform = CHINEXT_REFORM if board == "chinext" else MAIN_REFORM
    if list_date >= reform:
        return "free" if number <= 5 else "usual"
    if list_date < FIRST_DAY_BAND:
        return "free" if number == 1 else "usual"
    return "band" if number == 1 else "usual"


class Limits:
    """Limit prices and blocked sides of one market."""

    def __init__(self, sessions: list[str], stocks: list[Row], st: list[Row]) -> None:
        self.sessions = sessions
        self.stocks = {row["symbol"]: row for row in stocks}
        self.st: dict[str, list[Row]] = {}
        for row in st:
            self.st.setdefault(row["symbol"], []).append(row)

    def prices(self, symbol: str, day: str, pre_close: float | None) -> tuple[Decimal, Decimal] | None:
        """(upper, lower), or None without a limit."""
        stock = self.stocks.get(symbol)
        if stock is None or not is_valid(pre_close):
            return None
        list_date = stock["list_date"]
        if list_date is not None and day < list_date:
            return None
        up = down = percentage(stock["board"], day, covering(self.st.get(symbol, []), day) is not None)
        number = session_number(self.sessions, list_date, day)
        if number is not None:
            rule = listing_rule(stock["board"], list_date, number)
            if rule == "free":
                return None
            if rule == "band":
                up, down = Decimal("0.44"), Decimal("0.36")
        before = to_cents(pre_close)
        return to_cents(before * (1 + up)), to_cents(before * (1 - down))

    def blocked(self, row: Row, field: str) -> tuple[bool, bool]:
        """(buy_blocked, sell_blocked) of one row of stock_prices at its raw open or close."""
        price = row[field]
        if not is_valid(price) or row.get("volume") == 0:
            return True, True
        limit = self.prices(row["symbol"], row["date"], row.get("pre_close"))
        if limit is None:
            return False, False
        upper, lower = limit
        return to_cents(price) >= upper, to_cents(price) <= lower
