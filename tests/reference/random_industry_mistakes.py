"""One mistake in a good case of the industry factors, and the words that its refusal must contain."""

from collections.abc import Callable
from random import Random

from .industry import needs
from .industry_parameters import settle
from .mistakes import (
    Params,
    Tables,
    Words,
    backward_spell,
    cell_mistake,
    duplicate,
    empty_key,
    infinite,
    negative,
    no_session,
    out_of_order,
    some_half,
    unreadable_date,
    unreadable_number,
)

Mistake = Callable[[Random, Params, Tables], Words | None]

BAD_VALUES = [
    ("windows", 20), ("factor", ["momentum"]), ("Window", 20), ("grid", "yearly"), ("grid", None), ("n", 0),
    ("phase", -1), ("curve", "log"), ("window", 0), ("window", 20.5), ("window", "20"), ("method", "spline"),
    ("degree", 1), ("degree", 2.5), ("crowding_lookback", 0), ("min_crowding", 0), ("exclude_crowding", "yes"),
    ("exclude_crowding", True), ("crowding_limit", 1.2), ("crowding_limit", -0.1), ("penalty", "much"), ("fy", 3),
    ("fy", 0), ("months", 0), ("months", 1.5), ("roll_month", 0), ("roll_month", 13), ("max_age", 0),
    ("combine", "max"), ("min_members", 0), ("max_report_age", -1), ("clip", 0), ("clip", -1.0), ("clip", "three"),
    ("min_families", 0), ("weighting", "ic"), ("weight_months", 0), ("min_weight_months", 0), ("test", "yes"),
    ("test", 1), ("min_names", 0), ("nw_lags", -1), ("nw_lags", 0.5), ("strict_pool", "no"), ("pool", "801010"),
    ("factors", []), ("factors", None), ("factors", "momentum"), ("factors", ["momentum", "value"]),
    ("factors", ["momentum", "crowding", "momentum"]), ("families", {"a": ["momentum", "speed"]}),
    ("families", {"a": "momentum"}), ("families", {"a": []}), ("families", {"a": ["momentum", "momentum"]}),
    ("families", {"a": ["composite"]}), ("signs", {"composite": 1}), ("families", ["momentum"]),
    ("signs", {"momentum": 2}), ("signs", {"speed": 1}), ("signs", {"momentum": 0}), ("start", "2020-02-30"),
    ("end", "tomorrow"),
]  # fmt: skip


def bad_parameter(rng: Random, params: Params, tables: Tables) -> Words | None:
    """A name this text does not know, or a value outside of its choices."""
    name, value = rng.choice(BAD_VALUES)
    params[name] = value
    return [name, value] if name in ("start", "end") else [name]


def no_factors(rng: Random, params: Params, tables: Tables) -> Words | None:
    del params["factors"]
    return ["factors"]


def bad_pair(rng: Random, params: Params, tables: Tables) -> Words | None:
    """Parameters that exclude each other."""
    params["factors"] = [*dict.fromkeys(["momentum_acceleration", *params["factors"]])]
    kind = rng.choice(["savgol", "quadratic", "slope_difference", "mean", "family"])
    if kind == "savgol":
        params |= {"method": kind, "window": 5, "degree": rng.choice([5, 6])}
        return ["degree"]
    if kind in ("quadratic", "slope_difference"):
        params |= {"method": kind, "window": rng.choice([1, 2]) if kind == "quadratic" else 1}
        return ["window"]
    params["combine"] = "mean"
    if kind == "mean":
        params["factors"] = [*dict.fromkeys([*params["factors"], "cash_flow_to_profit"])]
    else:
        params["factors"] = [*dict.fromkeys([*params["factors"], "composite"])]
        params["families"] = {"quality": ["cash_flow_to_profit"]}
    return ["combine"]


def bad_list(rng: Random, params: Params, tables: Tables) -> Words | None:
    if some_half(rng):
        params["pool"] = ["801010", "801020", "801010"]
        return ["pool", "801010"]
    params["grid"] = "explicit"
    dates = [row["date"] for row in tables["sessions"][4:6]]
    wrong = rng.choice(["1999-01-04", dates[0], "2020-02-30"])
    params["signal_dates"] = [*dates, wrong]
    return ["signal_dates", wrong]


def no_dates(rng: Random, params: Params, tables: Tables) -> Words | None:
    first, last = tables["sessions"][0]["date"], tables["sessions"][-1]["date"]
    if some_half(rng):
        params["start"], params["end"] = last, first
    else:
        params.pop("start", None)
        params["end"] = "1999-01-04"
    return ["no signal session between start and end"]


def no_quarter_end(rng: Random, params: Params, tables: Tables) -> Words | None:
    texts = ["2020-03-30", "2020-12-30", "2020-11-30", "2020-02-29", "2020-01-31"]
    return cell_mistake(rng, tables, ("quarter_end",), texts)


def no_year(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("year",), ["2020.5", "FY1"])


def no_statement_date(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("quarter_end",), ["2020-06-31", "20200331", "2020Q1"])


def not_there(rng: Random, params: Params, tables: Tables) -> Words | None:
    name = rng.choice(sorted(needs(settle(params))))
    del tables[name]
    return [name]


def no_column(rng: Random, params: Params, tables: Tables) -> Words | None:
    """A column that the parameters need."""
    of_table = {
        "sessions": ("date",),
        "index_prices": ("code", "date", "close"),
        "benchmark": ("date", "close"),
        "industry": ("symbol", "industry", "in_date", "out_date"),
        "consensus": ("date", "symbol", "fiscal_year", "net_profit"),
        "financials": ("symbol", "period_end", "announce_date"),
    }
    used = set(params["factors"]).union(*params.get("families", {}).values())
    needed = needs(settle(params))
    name = rng.choice(sorted(needed))
    columns = [*of_table[name], *needed[name]]
    if name == "financials":
        columns += ["net_profit"] if used & {"cash_flow_to_profit", "profit_growth_qoq"} else []
        columns += ["operating_cash_flow"] if "cash_flow_to_profit" in used else []
        columns += ["revenue", "cost"] if "gross_margin_change_yoy" in used else []
    column = rng.choice(columns)
    for row in tables[name]:
        row.pop(column, None)
    return [name, column]


def outside_of_pool(rng: Random, params: Params, tables: Tables) -> Words | None:
    if "index_prices" not in tables:
        return None
    code = rng.choice(tables["index_prices"])["code"]
    params["pool"] = sorted({row["code"] for row in tables["index_prices"]} - {code}) or ["801999"]
    params["strict_pool"] = True
    return [code]


MISTAKES: list[Mistake] = [
    duplicate, duplicate, negative, infinite, infinite, unreadable_number, empty_key, unreadable_date, no_session,
    backward_spell, out_of_order, bad_parameter, bad_parameter, bad_parameter, bad_parameter, bad_parameter, no_factors,
    bad_pair, bad_pair, bad_list, no_dates, no_quarter_end, no_year, no_statement_date, not_there, not_there, no_column,
    outside_of_pool,
]  # fmt: skip


def make_industry_mistake(rng: Random, params: Params, tables: Tables) -> tuple[Params, Tables, Words]:
    """Draw mistakes until one fits the case; return the spoilt copy and the words."""
    while True:
        spoilt = {name: [dict(row) for row in rows] for name, rows in tables.items()}
        changed = dict(params)
        words = rng.choice(MISTAKES)(rng, changed, spoilt)
        if words is not None:
            return changed, spoilt, words
