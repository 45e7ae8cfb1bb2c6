"""Random small tables of text with all the holes, overlaps and ties that the specification speaks of."""

from datetime import date, timedelta
from random import Random
from typing import Any

Rows = list[dict[str, str]]


def some(rng: Random, probability: float) -> bool:
    return rng.random() < probability


def shuffled(rng: Random, rows: Rows) -> Rows:
    rng.shuffle(rows)
    return rows


def draw_sessions(rng: Random, first: str, count: int) -> list[str]:
    """Weekdays with single days off, a holiday of up to nine days and weeks of one session."""
    day = date.fromisoformat(first)
    weekdays = [day + timedelta(days=step) for step in range(count * 2) if (day + timedelta(days=step)).weekday() < 5]
    closed = {each for each in weekdays if some(rng, 0.04)}
    for _ in range(rng.randint(0, 2)):
        begin = rng.choice(weekdays)
        closed |= {begin + timedelta(days=step) for step in range(rng.randint(2, 9))}
    for _ in range(rng.randint(0, 3)):
        lonely = rng.choice(weekdays)
        week = lonely.isocalendar()[:2]
        closed |= {each for each in weekdays if each.isocalendar()[:2] == week and each != lonely}
        closed.discard(lonely)
    return [each.isoformat() for each in weekdays if each not in closed][:count]


def shifted(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def price_text(rng: Random, price: float, hole: float) -> str:
    if some(rng, hole):
        return rng.choice(["", "", "", "NaN", "0"])
    return f"{price:.{rng.choice([2, 2, 2, 3])}f}"


def draw_index_prices(rng: Random, codes: list[str], sessions: list[str]) -> Rows:
    """Random walks with late inceptions, missing rows, missing and zero prices, and idle stretches."""
    rows: Rows = []
    with_amount = some(rng, 0.15)  # read and checked, not used by a rotation
    for code in codes:
        level, vol = rng.choice([10.0, 1000.0]) * rng.uniform(0.5, 2), rng.choice([0.01, 0.03, 0.1])
        first = rng.choice([0, 0, 0, rng.randrange(len(sessions))])
        hole = rng.choice([0.0, 0.02, 0.1, 0.3])
        idle = rng.randrange(len(sessions)) if some(rng, 0.3) else None
        never = some(rng, 0.06)  # rows, but not one valid price
        for position, day in enumerate(sessions):
            open_, level = level * (1 + rng.gauss(0, vol / 2)), max(0.5, level * (1 + rng.gauss(0, vol)))
            missing = some(rng, hole) or (idle is not None and idle <= position < idle + 8)
            if position < first or missing:
                continue
            cells = [price_text(rng, 0 if never else value, 1.0 if never else hole) for value in (open_, level)]
            rows.append({"code": code, "date": day, "open": cells[0], "close": cells[1]})
            if with_amount:
                rows[-1]["amount"] = rng.choice(["", "0", "123456.5"])
    return shuffled(rng, rows)


def draw_spells(rng: Random, sessions: list[str], code: str, symbols: list[str]) -> Rows:
    """Spells of one code: open or closed, one after another or overlapping, with and without weights."""
    rows = []
    for symbol in symbols:
        used: set[str] = set()
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            begin = (
                shifted(rng.choice(sessions), -rng.choice([0, 0, 1, 40]))
                if some(rng, 0.5)
                else shifted(sessions[0], -9)
            )
            if begin in used:
                continue
            used.add(begin)
            end = "" if some(rng, 0.6) else shifted(begin, rng.randint(1, 60))
            weight = rng.choice(["", "0", "1", f"{rng.uniform(0.1, 5):.3f}", f"{rng.uniform(0.1, 5):.3f}"])
            rows.append({"code": code, "symbol": symbol, "in_date": begin, "out_date": end, "weight": weight})
    return rows


def draw_score(rng: Random, style: str) -> str:
    if some(rng, 0.04):
        return rng.choice(["", "NaN"])
    if style == "ties":
        return str(rng.randint(-2, 2))
    if style == "tenths":
        return f"{rng.randint(-9, 9) / 10}"
    if style == "same":
        return "0.7"
    if style == "noise":  # ties on paper: equal but for what the order of a sum would leave
        return repr(rng.choice([-2, -1, 1, 2]) * 0.1 + rng.choice([0, 1e-16, -1e-15]))
    if style == "wide":
        return repr(rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 3))
    return repr(rng.gauss(0, 1)) if style == "full" else f"{rng.gauss(0, 1):.4f}"


def draw_scores(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    """Scores on most sessions, with whole dates and single rows missing."""
    style = rng.choice(["ties", "tenths", "digits", "digits", "full", "same", "noise", "wide"])
    missing, gap = rng.choice([0.0, 0.1, 0.4]), rng.randrange(len(sessions))
    rows = []
    for position, day in enumerate(sessions):
        if some(rng, 0.1) or gap <= position < gap + rng.choice([0, 0, 8]):
            continue
        rows += [
            {"date": day, "symbol": symbol, "score": draw_score(rng, style)}
            for symbol in symbols
            if not some(rng, missing)
        ]
    return shuffled(rng, rows)


def draw_flags(rng: Random, codes: list[str], sessions: list[str]) -> Rows:
    share = rng.choice([0.02, 0.15, 0.4])
    cells = ["0", "1", "1", ""]
    rows = [
        {"code": code, "date": day, "buy_blocked": rng.choice(cells), "sell_blocked": rng.choice(cells)}
        for code in codes
        for day in sessions
        if some(rng, share)
    ]
    return shuffled(rng, rows)


def draw_caps(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    """Caps on most sessions; those of other days count for nothing and are no mistake."""
    rows = []
    for symbol in symbols:
        for day in sessions:
            cap = rng.choice(["", "0"]) if some(rng, 0.1) else f"{rng.uniform(1e8, 1e11):.0f}"
            if some(rng, 0.8):
                rows.append({"symbol": symbol, "date": day, "cap": cap})
        rows.append({"symbol": symbol, "date": shifted(sessions[0], -30), "cap": "1e12"})
    return shuffled(rng, rows)


def draw_benchmark(rng: Random, sessions: list[str]) -> Rows:
    level, rows = 3000.0, []
    late = rng.choice([0, 0, 25])
    for position, day in enumerate(sessions):
        level *= 1 + rng.gauss(0, 0.02)
        if position >= late and not some(rng, 0.08):
            rows.append({"date": day, "close": price_text(rng, level, 0.08)})
    return shuffled(rng, rows)


def draw_nav(rng: Random) -> Rows:
    """A NAV table of 1 to 90 dates over up to three years, with flat stretches and rises alone now and then."""
    day, rows = date(2020, 10, 1) + timedelta(days=rng.randrange(120)), []
    own, other = rng.uniform(0.5, 20), rng.uniform(0.5, 20)
    vol, style = rng.choice([0.01, 0.05]), rng.choice(["walk", "walk", "flat", "up", "pauses"])
    step = rng.choice([1, 1, 3, 12])
    for _ in range(rng.choice([1, 2, 3, 20, 60, 90])):
        rows.append({"date": day.isoformat(), "nav": repr(round(own, 3)), "benchmark": repr(other)})
        day += timedelta(days=rng.randint(1, step))
        move = 0.0 if style == "flat" or (style == "pauses" and some(rng, 0.4)) else rng.gauss(0, vol)
        own *= 1 + (abs(move) if style == "up" else move)
        other *= 1 + rng.gauss(0, vol)
    return rows


BOARDS = ["main", "main", "chinext", "star", "bse"]
BAND = {"main": 0.10, "chinext": 0.20, "star": 0.20, "bse": 0.30}


def draw_stocks(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    rows = []
    begin, stop = date.fromisoformat(sessions[0]), date.fromisoformat(sessions[-1])
    window = {(begin + timedelta(days=step)).isoformat() for step in range((stop - begin).days + 1)}
    for symbol in symbols:
        if some(rng, 0.05):
            continue  # no row in stocks: no limit
        inside = shifted(rng.choice(sessions), rng.choice([0, 0, -1, -2]))
        listed = rng.choice(["", "2005-03-01", "2005-03-01", shifted(sessions[0], -1), sessions[0], inside, inside])
        reforms = [day for day in ("2013-12-31", "2014-01-01", "2020-08-24", "2023-04-10") if day in window]
        if reforms and some(rng, 0.2):
            listed = rng.choice(reforms)
        gone = shifted(rng.choice(sessions), rng.choice([0, 0, 1, 2])) if some(rng, 0.15) else ""
        rows.append({"symbol": symbol, "board": rng.choice(BOARDS), "list_date": listed, "delist_date": gone})
    return shuffled(rng, rows)


def draw_st(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    rows = []
    for symbol in symbols:
        if some(rng, 0.4):
            rows += draw_spells(rng, sessions, "", [symbol])
    return [{column: row[column] for column in ("symbol", "in_date", "out_date")} for row in rows]


def limit_like(rng: Random, before: float, board: str) -> float:
    """A price often exactly at, or a tick or half a tick beside, a limit."""
    band = rng.choice([BAND[board], BAND[board], 0.05, 0.10, 0.44 if some(rng, 0.5) else -0.36])
    edge = before * (1 + (band if some(rng, 0.5) else -band))
    return round(edge + rng.choice([0, 0, 0.01, -0.01, 0.005, -0.005]), 3)


def draw_stock_rows(rng: Random, symbol: str, board: str, sessions: list[str], has: dict[str, bool]) -> Rows:
    """One stock: raw prices around its limits, suspensions, adj_factor with gaps, pre_close as an exchange gives it."""
    rows, close, factor = [], rng.uniform(2, 60), rng.uniform(1, 4)
    hole, edges = rng.choice([0.0, 0.03, 0.15]), rng.choice([0.05, 0.3])
    late, blank = rng.choice([0, 0, 0, rng.randrange(len(sessions))]), rng.choice([0, 0, 10])
    for position, day in enumerate(sessions):
        if position < late or some(rng, hole):
            continue
        before = round(close, rng.choice([2, 2, 2, 3]))
        if some(rng, 0.03):  # an ex-date
            split = rng.uniform(1.05, 2)
            before, factor = round(before / split, 2), factor * split
        prices = [
            limit_like(rng, before, board) if some(rng, edges) else before * (1 + rng.gauss(0, 0.03)) for _ in range(2)
        ]
        prices = [min(max(price, 0.5), 500.0) for price in prices]
        close = prices[1]
        row = {"symbol": symbol, "date": day}
        row["open"], row["close"] = (price_text(rng, price, hole / 2) for price in prices)
        if has["adj_factor"]:
            row["adj_factor"] = "" if position - late < blank or some(rng, 0.1) else f"{factor:.4f}"
        if has["pre_close"]:
            row["pre_close"] = "" if some(rng, 0.04) else repr(before + rng.choice([0, 0, 0, 0.0049, 0.005, 1e-9]))
        if has["vwap"]:
            row["vwap"] = "" if some(rng, 0.1) else f"{before:.3f}"
        if has["volume"]:
            row["volume"] = rng.choice(["0", "0.0", ""]) if some(rng, 0.06) else str(rng.randint(100, 90000))
        rows.append(row)
    return rows


def draw_stock_prices(rng: Random, symbols: list[str], stocks: Rows, sessions: list[str]) -> Rows:
    has = {column: some(rng, 0.85) for column in ("adj_factor", "pre_close", "volume")}
    has["vwap"] = some(rng, 0.15)
    boards: dict[str, Any] = {row["symbol"]: row["board"] for row in stocks}
    rows: Rows = []
    for symbol in symbols:
        rows += draw_stock_rows(rng, symbol, boards.get(symbol, "main"), sessions, has)
    return shuffled(rng, rows)
