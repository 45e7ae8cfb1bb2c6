"""Section 11: the kinds of cases, their inputs and what they write."""

from typing import Any

from .benchmark import benchmark_nav, valid_series
from .calendar import bounds, session_after
from .execution import Book, World, simulate
from .industry import industry_factors
from .limits import Limits
from .metrics import by_year, path_metrics, relative_path, win_rate
from .parameters import is_empty, settle
from .picks import Decision, decisions
from .refusal import BadInput
from .scores import index_scores, members_at
from .tables import Row, by_key_and_date, is_valid, load

Prices = dict[str, dict[str, float]]
Tables = dict[str, list[dict[str, str]]]


def run(kind: str, params: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Return file name -> list of row dicts (CSV) or dict (JSON); raise BadInput where the input must be refused."""
    if kind == "industry_factors":
        return industry_factors(params, tables)
    settings = settle(kind, params)
    runner = {"rotation": rotation, "stock_portfolio": stock_portfolio, "metrics": metrics, "limits": limits}[kind]
    return runner(settings, tables)


def valid_prices(rows: list[Row], key: str, column: str) -> Prices:
    """name -> date -> price, the valid ones (finite and > 0)."""
    everything = by_key_and_date(rows, key, column)
    return {name: {day: p for day, p in days.items() if is_valid(p)} for name, days in everything.items()}


def signal_days(
    settings: dict[str, Any], sessions: list[str], closes: Prices
) -> tuple[list[tuple[str, str | None, bool]], str]:
    """The signals as (signal, execution or None, pending), and `end`."""
    signals, end = bounds(settings, sessions, closes)
    dated = []
    for day in signals:
        execution = session_after(sessions, day)
        dated.append((day, execution, execution is None or execution > end))
    return dated, end


def has_price_history(settings: dict[str, Any], closes: dict[str, float], day: str) -> bool:
    """4.1: the conditions on closes."""
    if settings["require_price"] and day not in closes:
        return False
    return len([date for date in closes if date <= day]) >= settings["min_history"]


def rotation_tables(settings: dict[str, Any], tables: Tables) -> dict[str, list[Row]]:
    """The checked tables of a rotation."""
    needed: dict[str, tuple[str, ...]] = {"sessions": (), "index_prices": (), "members": (), "scores": ()}
    if settings["aggregate"] == "weight":
        needed["members"] = ("weight",)
    if settings["aggregate"] == "cap":
        needed["caps"] = ()
    if settings["benchmark_kind"] == "series":
        needed["benchmark"] = ()
    known = ("sessions", "index_prices", "members", "scores", "flags", "benchmark", "caps")
    return load(tables, known, needed)


def keep_to_pool(settings: dict[str, Any], data: dict[str, list[Row]], pool: list[str]) -> None:
    """Section 0: codes outside of a listed pool are refused, or left out without `strict_pool`."""
    for name in ("index_prices", "members"):
        outside = [row for row in data[name] if row["code"] not in pool]
        if outside and settings["pool"] and settings["strict_pool"]:
            raise BadInput(f"{name} {outside[0]['code']}: not in pool")
        data[name] = [row for row in data[name] if row["code"] in pool]


def rotation(settings: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Kind `rotation`."""
    data = rotation_tables(settings, tables)
    sessions = [row["date"] for row in data["sessions"]]
    pool = sorted(settings["pool"] or {row["code"] for row in data["index_prices"]})
    keep_to_pool(settings, data, pool)
    closes = valid_prices(data["index_prices"], "code", "close")
    dated, end = signal_days(settings, sessions, closes)
    scored = index_scores(
        settings,
        pool,
        sessions,
        [signal for signal, _, _ in dated],
        by_key_and_date(data["scores"], "symbol", "score"),
        data["members"],
        by_key_and_date(data.get("caps", []), "symbol", "cap"),
    )
    eligible = []
    for (day, _, _), scores in zip(dated, scored, strict=True):
        here = {code: score for code, (score, _) in scores.items() if score is not None}
        eligible.append({c: s for c, s in here.items() if has_price_history(settings, closes.get(c, {}), day)})
    chosen = decisions(settings, dated, eligible)
    flags = {
        (row["code"], row["date"]): (row["buy_blocked"] == 1, row["sell_blocked"] == 1) for row in data.get("flags", [])
    }
    world = world_of(settings, sessions, pool, data["index_prices"], "code", flags, {})
    everyone = dict.fromkeys(sessions, pool)
    files = simulated(settings, world, chosen, end, valid_series(data.get("benchmark", [])), everyone)
    files["signals.csv"] = signal_rows(pool, chosen, scored)
    with_spell = {row["code"] for row in data["members"]}
    files["metrics.json"]["codes_without_members"] = len([code for code in pool if code not in with_spell])
    return files


def adjusted(rows: list[Row]) -> list[Row]:
    """Prices x adj_factor; an empty factor takes the latest earlier one, without one no valid price."""
    result = []
    latest: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: (row["symbol"], row["date"])):
        if "adj_factor" not in row:
            factor: float | None = 1.0
        else:
            if row["adj_factor"] is not None:
                latest[row["symbol"]] = row["adj_factor"]
            factor = latest.get(row["symbol"])
        changed = dict(row)
        for field in ("open", "close"):
            price = row[field]
            changed[field] = price * factor if price is not None and factor is not None else None
        result.append(changed)
    return result


def eligible_stocks(
    settings: dict[str, Any],
    own: dict[str, float | None],
    closes: Prices,
    universe: list[str],
    delisted: dict[str, str],
    day: str,
) -> dict[str, float]:
    """4.1 for stocks: also a member of the universe, and not delisted."""
    good = {}
    for symbol, score in own.items():
        gone = symbol in delisted and delisted[symbol] <= day
        priced = has_price_history(settings, closes.get(symbol, {}), day)
        if score is not None and priced and symbol in universe and not gone:
            good[symbol] = score
    return good


def stock_portfolio(settings: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Kind `stock_portfolio`: symbols are the codes; `members` is read for the universe alone."""
    needed: dict[str, tuple[str, ...]] = {"sessions": (), "scores": (), "stock_prices": (), "stocks": ()}
    if not is_empty(settings["universe"]):
        needed["members"] = ()
    if settings["benchmark_kind"] == "series":
        needed["benchmark"] = ()
    known = ("sessions", "scores", "stock_prices", "stocks", "st", "benchmark", "members")
    data = load(tables, known, needed)
    sessions = [row["date"] for row in data["sessions"]]
    pool = sorted(settings["pool"] or {row["symbol"] for row in data["stock_prices"]})
    raw = [row for row in data["stock_prices"] if row["symbol"] in pool]
    prices = adjusted(raw)
    closes = valid_prices(prices, "symbol", "close")
    universe = settings["universe"]
    universe_at = dict.fromkeys(sessions, pool)
    if not is_empty(universe):
        if universe not in {row["code"] for row in data["members"]}:
            raise BadInput(f"universe: {universe} has no spell in members")
        for day in sessions:
            members = members_at(data["members"], universe, day)
            universe_at[day] = [symbol for symbol in pool if symbol in members]
    dated, end = signal_days(settings, sessions, closes)
    delisted = {row["symbol"]: row["delist_date"] for row in data["stocks"] if row["delist_date"] is not None}
    scores = by_key_and_date(data["scores"], "symbol", "score")
    scored, eligible = [], []
    for day, _, _ in dated:
        own = {symbol: scores.get(symbol, {}).get(day) for symbol in pool}
        scored.append({symbol: (score, 1.0) for symbol, score in own.items()})
        eligible.append(eligible_stocks(settings, own, closes, universe_at[day], delisted, day))
    chosen = decisions(settings, dated, eligible)
    market = Limits(sessions, data["stocks"], data.get("st", []))
    flags = {(row["symbol"], row["date"]): market.blocked(row, settings["execute"]) for row in raw}
    world = world_of(settings, sessions, pool, prices, "symbol", flags, delisted)
    files = simulated(settings, world, chosen, end, valid_series(data.get("benchmark", [])), universe_at)
    files["signals.csv"] = signal_rows(pool, chosen, scored)
    return files


def world_of(
    settings: dict[str, Any],
    sessions: list[str],
    pool: list[str],
    prices: list[Row],
    key: str,
    flags: dict[tuple[str, str], tuple[bool, bool]],
    delisted: dict[str, str],
) -> World:
    return World(
        sessions=sessions,
        names=pool,
        price=valid_prices(prices, key, settings["execute"]),
        close=valid_prices(prices, key, "close"),
        flags=flags,
        delisted=delisted,
        k_buy=settings["k_buy"],
        k_sell=settings["k_sell"],
        cost_model=settings["cost_model"],
        blocked=settings["blocked"],
        underfill=settings["underfill"],
        holding=settings["holding"],
        haircut=settings["delist_haircut"],
    )


def signal_rows(
    pool: list[str], chosen: list[Decision], scored: list[dict[str, tuple[float | None, float | None]]]
) -> list[dict[str, Any]]:
    """signals.csv: all pool codes, by signal then code."""
    rows = []
    for decision, scores in zip(chosen, scored, strict=True):
        for code in pool:
            score, coverage = scores[code]
            is_eligible = code in decision.ranked
            rows.append(
                {
                    "signal": decision.signal,
                    "code": code,
                    "score": score,
                    "coverage": coverage,
                    "eligible": int(is_eligible),
                    "rank": decision.ranked.index(code) + 1 if is_eligible else None,
                    "picked": int(code in decision.picks),
                }
            )
    return rows


def execution_rows(chosen: list[Decision], book: Book) -> list[dict[str, Any]]:
    """executions.csv: one row a signal; the figures of a pending one are empty."""
    nothing = {"status": "pending", "buy": None, "sell": None, "cost": None, "frozen": None}
    return [
        {"signal": decision.signal, "execution": decision.execution} | book.executions.get(decision.signal, nothing)
        for decision in chosen
    ]


def simulated(
    settings: dict[str, Any],
    world: World,
    chosen: list[Decision],
    end: str,
    series: dict[str, float],
    universe_at: dict[str, list[str]],
) -> dict[str, Any]:
    """All files but signals.csv."""
    book = simulate(world, chosen, end)
    dates = [row["date"] for row in book.nav]
    nav = [row["nav"] for row in book.nav]
    other = benchmark_nav(settings["benchmark_kind"], world, chosen, end, series, universe_at)
    relative = relative_path(nav, other)
    nav_rows = [
        {"date": row["date"], "nav": row["nav"], "benchmark": b, "relative": r, "stale": row["stale"]}
        for row, b, r in zip(book.nav, other, relative, strict=True)
    ]
    executions = execution_rows(chosen, book)
    figures = path_metrics(dates, nav, other, settings["annual_sessions"])
    bounding = [row for row in executions if row["status"] != "pending"]
    done = [row for row in bounding if row["status"] == "done"]
    n = figures["sessions"]
    figures["win_rate"] = figures["mean_turnover"] = figures["annual_cost"] = None
    if n > 0:
        figures["win_rate"] = win_rate(dates, relative, [row["execution"] for row in bounding], settings["execute"])
        figures["annual_cost"] = sum(row["cost"] for row in bounding) * settings["annual_sessions"] / n
    if n > 0 and bounding:
        figures["mean_turnover"] = sum((row["buy"] + row["sell"]) / 2 for row in bounding) / len(bounding)
    figures |= {
        "signals": len(executions),
        "executions": len(done),
        "kept": len(bounding) - len(done),
        "pending": len(executions) - len(bounding),
        "codes_without_price": len([code for code in world.names if not world.close.get(code)]),
    }
    return {
        "nav.csv": nav_rows,
        "executions.csv": executions,
        "holdings.csv": book.holdings,
        "metrics.json": figures,
    }


def metrics(settings: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Kind `metrics`."""
    rows = load(tables, ("nav",), {"nav": ()})["nav"]
    if not rows:
        raise BadInput("nav: no rows, no base")
    dates = [row["date"] for row in rows]
    nav = [row["nav"] for row in rows]
    other = [row["benchmark"] for row in rows]
    return {
        "metrics.json": path_metrics(dates, nav, other, settings["annual_sessions"]),
        "years.csv": by_year(dates, nav, other),
    }


def limits(settings: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Kind `limits`: every row of stock_prices."""
    known = ("sessions", "stocks", "stock_prices", "st")
    data = load(tables, known, {"sessions": (), "stocks": (), "stock_prices": ()})
    sessions = [row["date"] for row in data["sessions"]]
    market = Limits(sessions, data["stocks"], data.get("st", []))
    rows = []
    for row in sorted(data["stock_prices"], key=lambda row: (row["symbol"], row["date"])):
        limit = market.prices(row["symbol"], row["date"], row.get("pre_close"))
        at_open, at_close = market.blocked(row, "open"), market.blocked(row, "close")
        rows.append(
            {
                "symbol": row["symbol"],
                "date": row["date"],
                "upper": float(limit[0]) if limit else None,
                "lower": float(limit[1]) if limit else None,
                "buy_blocked_open": int(at_open[0]),
                "sell_blocked_open": int(at_open[1]),
                "buy_blocked_close": int(at_close[0]),
                "sell_blocked_close": int(at_close[1]),
            }
        )
    return {"limits.csv": rows}
