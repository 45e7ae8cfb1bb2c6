"""Random small tables for the industry factors, with their holes: paths, amounts, spells, consensus and statements."""

from datetime import date, timedelta
from random import Random

from .random_tables import Rows, shifted, shuffled, some

QUARTERS = ("03-31", "06-30", "09-30", "12-31")


def draw_thin_sessions(rng: Random, first: str, count: int, keep: float) -> list[str]:
    """Weekdays of which only a share are sessions, so that few of them span years."""
    day, days = date.fromisoformat(first), []
    while len(days) < count:
        if day.weekday() < 5 and some(rng, keep):
            days.append(day.isoformat())
        day += timedelta(days=1)
    return days


def hole_text(rng: Random) -> str:
    return rng.choice(["", "", "NaN", "0"])


def draw_path(rng: Random, size: int) -> list[float]:
    """A random walk, now and then with a stretch that stands still."""
    level, vol = rng.uniform(500, 4000), rng.choice([0.005, 0.015, 0.03])
    flat = rng.randrange(size) if some(rng, 0.15) else size
    path = []
    for position in range(size):
        if not flat <= position < flat + 30:
            level *= 1 + rng.gauss(0, vol)
        path.append(round(level, 2))
    return path


def draw_amounts(rng: Random, size: int) -> list[str]:
    """Amounts of one industry: whole numbers, few distinct ones, constant stretches, zeros and holes."""
    style = rng.choice(["walk", "walk", "walk", "few", "constant", "tiny"])
    level, hole = rng.uniform(1000, 9000), rng.choice([0.0, 0.0, 0.01, 0.05])
    texts = []
    for _ in range(size):
        if style == "few":
            level = rng.choice([1000, 2000, 4000])
        elif style == "tiny":
            level = rng.choice([0, 0, 1, 2])
        elif style == "walk":
            level = max(1.0, level * (1 + rng.gauss(0, 0.2)))
        texts.append(rng.choice(["", "NaN", "0"]) if some(rng, hole) else f"{level:.{rng.choice([0, 0, 1])}f}")
    return texts


def draw_industry_prices(rng: Random, codes: list[str], sessions: list[str], with_amount: bool) -> Rows:
    """Closes with late beginnings, early ends, missing rows, and twins whose path is another's once or twice over.

    Twice is exact in binary too. Times ten would leave a noise in the last digits that an acceleration, a difference
    of near numbers, blows up beyond the twelve digits by which values are compared.
    """
    rows: Rows = []
    holes, size = rng.choice([0.0, 0.0, 0.003, 0.02]), len(sessions)
    twins, before = rng.choice([0.0, 0.0, 0.3]), draw_path(rng, size)
    for place, code in enumerate(codes):
        path = draw_path(rng, size)
        if place > 0 and some(rng, twins):
            times = rng.choice([1, 2])
            path = [value * times for value in before]
        before = path
        first = rng.choice([0, 0, 0, 0, 0, rng.randrange(size // 2)])
        last = rng.choice([size, size, size, size, size, size - rng.randrange(size // 3)])
        amounts = draw_amounts(rng, size) if with_amount else [""] * size
        for position in range(first, last):
            if some(rng, holes / 2):
                continue
            close = hole_text(rng) if some(rng, holes) else f"{path[position]:.2f}"
            row = {"code": code, "date": sessions[position], "open": "", "close": close}
            if with_amount:
                row["amount"] = amounts[position]
            rows.append(row)
    return shuffled(rng, rows)


def draw_market(rng: Random, sessions: list[str]) -> Rows:
    """The benchmark: a walk that never stands still, with few holes."""
    level, rows, hole = 3000.0, [], rng.choice([0.0, 0.0, 0.0, 0.01])
    late = rng.choice([0, 0, 0, 0, 10])
    for position, day in enumerate(sessions):
        level *= 1 + rng.gauss(0, 0.012)
        if position >= late and not some(rng, hole / 2):
            rows.append({"date": day, "close": hole_text(rng) if some(rng, hole) else f"{level:.2f}"})
    return shuffled(rng, rows)


def draw_industry_spells(rng: Random, sessions: list[str], codes: list[str], symbols: list[str]) -> Rows:
    """Most stocks stay; some move, overlap two industries, leave for a while, or join a code outside of the pool."""
    rows, restless = [], rng.choice([0.0, 0.2, 0.6])
    for place, symbol in enumerate(symbols):
        used: set[str] = set()
        for number in range(rng.choice([2, 2, 3]) if some(rng, restless) else 1):
            begin = shifted(sessions[0], -rng.choice([0, 9, 400])) if number == 0 else rng.choice(sessions)
            begin = shifted(begin, rng.choice([0, 0, 1, -2]))
            if begin in used:
                continue
            used.add(begin)
            end = shifted(begin, rng.randint(1, 250)) if some(rng, restless / 2) else ""
            code = codes[place % len(codes)] if number == 0 else rng.choice([*codes, "990000"])
            rows.append({"symbol": symbol, "industry": code, "in_date": begin, "out_date": end})
    return shuffled(rng, rows)


def profit_text(rng: Random, style: str, scale: float) -> str:
    """Style `small`: few distinct numbers, zero among them, so that sums vanish and changes tie."""
    if style == "small":
        return str(rng.choice([-2, -1, 0, 0, 1, 1, 2, 3]))
    value = scale * rng.uniform(0.8, 1.2) * (-1 if style == "losses" and some(rng, 0.3) else 1)
    return f"{value:.0f}"


def draw_consensus(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    """Expectations for the years around, on any day of the week, some empty, some stale, some of both signs."""
    rows: Rows = []
    begin = date.fromisoformat(sessions[0]) - timedelta(days=rng.choice([0, 200, 200]))
    span = (date.fromisoformat(sessions[-1]) - begin).days + 5
    style = rng.choice(["plain", "plain", "losses", "small"])
    every, hole = rng.choice([20, 25, 40, 120]), rng.choice([0.0, 0.05, 0.2])
    years = range(begin.year - 1, begin.year + span // 365 + 4)
    for symbol in symbols:
        scale = 10 ** rng.uniform(6, 9)
        if some(rng, 0.05) and len(symbols) > 5:
            continue
        for year in years:
            step = rng.randint(1, every)
            while step < span:
                day = (begin + timedelta(days=step)).isoformat()
                text = rng.choice(["", "NaN"]) if some(rng, hole) else profit_text(rng, style, scale)
                rows.append({"date": day, "symbol": symbol, "fiscal_year": str(year), "net_profit": text})
                step += rng.randint(1, 2 * every)
    return shuffled(rng, rows)


def draw_statement(rng: Random, style: str, scale: float, quarter: int, hole: float) -> dict[str, str]:
    """Cumulative figures after `quarter` quarters."""
    revenue = scale * quarter * rng.uniform(0.9, 1.1)
    cost = revenue * rng.uniform(0.5, 0.9)
    if style == "small":
        cells = [str(rng.choice([-1, 0, 1, 2, 3])) for _ in range(4)]
    else:
        profit = (revenue - cost) * rng.uniform(0.1, 0.9)
        if style == "losses" and some(rng, 0.35):
            profit = -profit
        cells = [f"{value:.0f}" for value in (profit, profit * rng.uniform(-0.2, 1.6), revenue, cost)]
    cells = [rng.choice(["", "", "NaN"]) if some(rng, hole) else cell for cell in cells]
    return dict(zip(("net_profit", "operating_cash_flow", "revenue", "cost"), cells, strict=True))


def draw_financials(rng: Random, symbols: list[str], sessions: list[str]) -> Rows:
    """Statements from over two years back on: prompt and late, restated, with missing quarters and empty fields."""
    rows: Rows = []
    last = sessions[-1]
    style = rng.choice(["plain", "plain", "losses", "small"])
    missing, hole = rng.choice([0.0, 0.02, 0.1]), rng.choice([0.0, 0.02, 0.1])
    periods = [f"{year}-{end}" for year in range(int(sessions[0][:4]) - 3, int(last[:4]) + 1) for end in QUARTERS]
    first = shifted(sessions[0], -rng.choice([950, 800, 600]))
    for symbol in symbols:
        scale, slow = 10 ** rng.uniform(7, 9), rng.choice([60, 60, 60, 110, 300])
        for period in periods:
            if not first <= period <= last or some(rng, missing):
                continue
            days = sorted({rng.randint(15, slow) for _ in range(rng.choice([1, 1, 1, 2, 3]))})
            for lag in days:
                row = {"symbol": symbol, "period_end": period, "announce_date": shifted(period, lag)}
                rows.append(row | draw_statement(rng, style, scale, QUARTERS.index(period[5:]) + 1, hole))
    return shuffled(rng, rows)
