"""Section 10: kind `industry_factors`."""

from typing import Any

from . import industry_reports as reports
from .calendar import bounds
from .industry_composite import composite
from .industry_parameters import computed, settle
from .industry_prices import Paths, Values, without_crowded
from .industry_statistics import QUINTILES, FactorTest
from .refusal import BadInput
from .tables import Row, by_key_and_date, is_valid, load

Tables = dict[str, list[dict[str, str]]]
KNOWN = ("sessions", "index_prices", "benchmark", "industry", "consensus", "financials")
MOMENTUM = ("momentum_acceleration", "momentum")
OF_STATEMENTS = {
    "cash_flow_to_profit": reports.cash_flow_to_profit,
    "profit_growth_qoq": reports.profit_growth_qoq,
    "gross_margin_change_yoy": reports.gross_margin_change_yoy,
}


def needs(settings: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Tables that must be there, with the optional columns that must be."""
    names, needed = computed(settings), {"sessions": ()}
    momentum = any(name in names for name in MOMENTUM)
    weighted = "composite" in settings["factors"] and settings["weighting"] == "icir"
    if momentum or "crowding" in names or settings["test"] or weighted:
        needed["index_prices"] = ()
    if "crowding" in names or (momentum and settings["exclude_crowding"] != "none"):
        needed["index_prices"] = ("amount",)
    if momentum:
        needed["benchmark"] = ()
    if "consensus_change" in names:
        needed |= {"industry": (), "consensus": ()}
    if any(name in names for name in OF_STATEMENTS):
        needed |= {"industry": (), "financials": ()}
    return needed


def pool_of(settings: dict[str, Any], data: dict[str, list[Row]]) -> list[str]:
    """`pool`, or every code in index_prices; without that table every industry of the spells."""
    if settings["pool"]:
        return sorted(settings["pool"])
    if "index_prices" in data:
        return sorted({row["code"] for row in data["index_prices"]})
    if "industry" not in data:
        raise BadInput("the table index_prices is not there, and no pool is given")
    return sorted({row["industry"] for row in data["industry"] if row["industry"] is not None})


def keep_to_pool(settings: dict[str, Any], data: dict[str, list[Row]], pool: list[str]) -> None:
    prices = data.get("index_prices", [])
    outside = [row["code"] for row in prices if row["code"] not in pool]
    if outside and settings["pool"] and settings["strict_pool"]:
        raise BadInput(f"index_prices {outside[0]}: not in pool")
    if "index_prices" in data:
        data["index_prices"] = [row for row in prices if row["code"] in pool]


def valid_closes(rows: list[Row]) -> dict[str, Values]:
    return {
        code: {day: close for day, close in days.items() if is_valid(close)}
        for code, days in by_key_and_date(rows, "code", "close").items()
    }


def report_factors(
    settings: dict[str, Any], grouped: dict[str, reports.BySymbol], sessions: list[str], industry: str, day: str
) -> dict[str, Any]:
    """The factors of 10.3 to 10.5 of one industry."""
    names = computed(settings)
    if not any(name in names for name in ("consensus_change", *OF_STATEMENTS)):
        return {}
    found = {}
    members = reports.members_at(grouped["industry"], industry, day)
    if "consensus_change" in names:
        found["consensus_change"] = reports.consensus_change(settings, sessions, members, grouped["consensus"], day)
    wanted = [name for name in OF_STATEMENTS if name in names]
    if wanted:
        told = [grouped["financials"].get(symbol, []) for symbol in members]
        stocks = [reports.Statements(rows, day, settings["max_report_age"]) for rows in told]
        found |= {name: OF_STATEMENTS[name](settings, stocks) for name in wanted}
    return found


def factors_at(
    settings: dict[str, Any], grouped: dict[str, reports.BySymbol], paths: Paths, pool: list[str], day: str
) -> dict[str, Values]:
    """Factor -> industry -> value at one session, of every single factor that is needed."""
    t, names = paths.sessions.index(day), computed(settings)
    momentum = any(name in names for name in MOMENTUM)
    found: dict[str, Values] = {name: {} for name in names}
    crowding: Values = {}
    for industry in pool:
        values = report_factors(settings, grouped, paths.sessions, industry, day)
        for name in MOMENTUM:
            if name in names:
                values[name] = getattr(paths, name)(industry, t)
        if "crowding" in names or (momentum and settings["exclude_crowding"] != "none"):
            heat = paths.crowding(industry, t)
            if heat is not None:
                crowding[industry] = heat
        for name, value in values.items():
            if value is not None:
                found[name][industry] = value
    if "crowding" in names:
        found["crowding"] = crowding
    if settings["exclude_crowding"] != "none":
        for name in MOMENTUM:
            if name in names:
                found[name] = without_crowded(settings, found[name], crowding)
    return found


def labels_of(closes: dict[str, Values], pool: list[str], days: list[str]) -> list[Values]:
    """Close return from each grid date to the next; none at the last."""
    labels: list[Values] = []
    for place, day in enumerate(days):
        labels.append({})
        if place + 1 < len(days):
            for code in pool:
                own = closes.get(code, {})
                if day in own and days[place + 1] in own:
                    labels[-1][code] = own[days[place + 1]] / own[day] - 1
    return labels


def tested(
    settings: dict[str, Any], names: list[str], days: list[str], values: list[dict[str, Values]], labels: list[Values]
) -> dict[str, Any]:
    """10.7: ic.csv, quintiles.csv and metrics.json."""
    tests = {name: FactorTest(settings, [here[name] for here in values], labels) for name in names}
    ic, quintiles = [], []
    for place, day in enumerate(days):
        for name in names:
            n, rank_ic = tests[name].ics[place]
            ic.append({"date": day, "factor": name, "n": n, "rank_ic": rank_ic})
            for q in QUINTILES if place in tests[name].counted else ():
                value = tests[name].returns[place][q]
                quintiles.append({"date": day, "factor": name, "quintile": q, "return": value})
    metrics = {name: test.figures() for name, test in tests.items()}
    return {"ic.csv": ic, "quintiles.csv": quintiles, "metrics.json": metrics}


def industry_factors(params: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Kind `industry_factors`: factors.csv, and with `test` the files of 10.7."""
    settings = settle(params)
    data = load(tables, KNOWN, needs(settings))
    sessions = [row["date"] for row in data["sessions"]]
    pool = pool_of(settings, data)
    keep_to_pool(settings, data, pool)
    closes = valid_closes(data.get("index_prices", []))
    # section 1: without index_prices `end` is the last session
    ending = closes if "index_prices" in data else {"": dict.fromkeys(sessions[-1:], 1.0)}
    days, _ = bounds(settings | {"schedule": settings["grid"]}, sessions, ending)
    amounts = by_key_and_date(data.get("index_prices", []), "code", "amount")
    market = {row["date"]: row["close"] for row in data.get("benchmark", []) if is_valid(row["close"])}
    paths = Paths(settings, sessions, pool, closes, amounts, market)
    grouped = {name: reports.by_symbol(data[name]) for name in ("industry", "consensus", "financials") if name in data}
    values = [factors_at(settings, grouped, paths, pool, day) for day in days]
    labels = labels_of(closes, pool, days)
    if "composite" in settings["factors"]:
        for here, whole in zip(values, composite(settings, values, labels), strict=True):
            here["composite"] = whole
    names = sorted(settings["factors"])
    rows = [
        {"date": day, "industry": industry, "factor": name, "value": here[name].get(industry)}
        for day, here in zip(days, values, strict=True)
        for name in names
        for industry in pool
    ]
    files: dict[str, Any] = {"factors.csv": rows}
    return files | tested(settings, names, days, values, labels) if settings["test"] else files
