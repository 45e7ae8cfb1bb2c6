"""One mistake in a good case, and the words that its refusal must contain (section 0)."""

from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

from .tables import FORMS, not_there

Rows = list[dict[str, str]]
Tables = dict[str, Rows]
Params = dict[str, Any]
Words = list[str]


def key_words(name: str, row: dict[str, str]) -> Words:
    return [name, *(row[column] for column in FORMS[name].key)]


def change(rng: Random, tables: Tables, name: str, column: str, text: str) -> Words:
    """Put a bad text into one cell; the words are table, key and value."""
    row = rng.choice(tables[name])
    row[column] = text
    return [*key_words(name, row), text]


def columns_of(tables: Tables, *kinds: str) -> list[tuple[str, str]]:
    """The (table, column) pairs of a case whose column holds one of the given kinds."""
    return [
        (name, column)
        for name in sorted(tables)
        for column, what in FORMS[name].columns.items()
        if what in kinds and column in tables[name][0]
    ]


def cell_mistake(rng: Random, tables: Tables, kinds: tuple[str, ...], texts: list[str]) -> Words | None:
    pairs = columns_of(tables, *kinds)
    if not pairs:
        return None
    name, column = rng.choice(pairs)
    return change(rng, tables, name, column, rng.choice(texts))


def duplicate(rng: Random, params: Params, tables: Tables) -> Words:
    name = rng.choice(sorted(tables))
    row = dict(rng.choice(tables[name]))
    place = tables[name].index(row) if FORMS[name].increasing else rng.randrange(len(tables[name]) + 1)
    tables[name].insert(place, row)
    return key_words(name, row)


def negative(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("price", "size"), ["-3.5", "-1"])


def infinite(rng: Random, params: Params, tables: Tables) -> Words | None:
    words = cell_mistake(rng, tables, ("price", "size", "number"), ["inf", "-inf"])
    return words[:-1] if words else None


def unreadable_number(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("price", "size", "number", "positive", "flag"), ["abc", "1,5"])


def bad_factor(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("positive",), ["0", "-2.5"])


def bad_flag(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("flag",), ["2", "0.5", "-1"])


def bad_board(rng: Random, params: Params, tables: Tables) -> Words | None:
    return cell_mistake(rng, tables, ("board",), ["sme", "MAIN"])


def empty_key(rng: Random, params: Params, tables: Tables) -> Words:
    name = rng.choice(sorted(tables))
    column = rng.choice(FORMS[name].key)
    row = rng.choice(tables[name])
    row[column] = rng.choice(["", "NaN"])
    return [name, *(row[other] for other in FORMS[name].key if other != column)]


def unreadable_date(rng: Random, params: Params, tables: Tables) -> Words:
    name, column = rng.choice(columns_of(tables, "date"))
    text = rng.choice(["2020-02-30", "20200102", "2020-1-5", "soon"])
    row = rng.choice(tables[name])
    row[column] = text
    return [*key_words(name, row), text]


def no_session(rng: Random, params: Params, tables: Tables) -> Words | None:
    names = [name for name in sorted(tables) if FORMS[name].in_sessions]
    if not names:
        return None
    name = rng.choice(names)
    row = rng.choice(tables[name])
    row["date"] = rng.choice(["2030-01-05", "1999-01-04"])
    return key_words(name, row)


def backward_spell(rng: Random, params: Params, tables: Tables) -> Words | None:
    names = [name for name in sorted(tables) if FORMS[name].spell]
    if not names:
        return None
    name = rng.choice(names)
    row = rng.choice(tables[name])
    row["out_date"] = rng.choice([row["in_date"], "1990-01-01"])
    return [*key_words(name, row), row["out_date"]]


def out_of_order(rng: Random, params: Params, tables: Tables) -> Words | None:
    name = "nav" if "nav" in tables else "sessions"
    rows = tables[name]
    if len(rows) < 2:
        return None
    place = rng.randrange(1, len(rows))
    rows[place], rows[place - 1] = rows[place - 1], rows[place]
    return [name, rows[place]["date"]]


def sentinel(rng: Random, params: Params, tables: Tables) -> Words | None:
    if "scores" not in tables:
        return None
    row = rng.choice(tables["scores"])
    same = [other for other in tables["scores"] if other["date"] == row["date"] and not not_there(other["score"])]
    row["score"] = rng.choice(["-1e13", "9999999999"])
    if len(same) < 4 or median(abs(float(other["score"])) for other in same) <= 0:
        return None
    return key_words("scores", row)


def bad_nav(rng: Random, params: Params, tables: Tables) -> Words | None:
    if "nav" not in tables:
        return None
    row = rng.choice(tables["nav"])
    row[rng.choice(["nav", "benchmark"])] = rng.choice(["", "0", "NaN"])
    return key_words("nav", row)


def no_table(rng: Random, params: Params, tables: Tables) -> Words:
    optional = {"flags", "st"}
    if params.get("benchmark_kind") != "series":
        optional.add("benchmark")
    if params.get("aggregate") != "cap":
        optional.add("caps")
    name = rng.choice([name for name in sorted(tables) if name not in optional])
    del tables[name]
    return [name]


def no_column(rng: Random, params: Params, tables: Tables) -> Words:
    name = rng.choice(sorted(tables))
    needed = [column for column in FORMS[name].columns if column not in FORMS[name].optional and column != "open"]
    if name == "members" and params.get("aggregate") == "weight":
        needed.append("weight")
    column = rng.choice(needed)
    for row in tables[name]:
        row.pop(column, None)
    return [name, column]


def outside_of_pool(rng: Random, params: Params, tables: Tables) -> Words | None:
    if params["kind"] != "rotation":
        return None
    code = rng.choice(tables["index_prices"])["code"]
    params["pool"] = sorted({row["code"] for row in tables["index_prices"]} - {code}) or ["801999"]
    params["strict_pool"] = True
    return [code]


def bad_parameter(rng: Random, params: Params, tables: Tables) -> Words | None:
    """A name this text does not know, or a value outside of its choices."""
    name, value = rng.choice(
        [
            ("topk", 2), ("cost", 0.1), ("Schedule", "weekly"), ("schedule", "fortnightly"), ("top_k", 0),
            ("top_k", 2.5), ("top_k", "3"), ("buffer", -1), ("phase", -1), ("n", 0), ("smooth", 0),
            ("score_max_age", -2), ("min_members", 0), ("min_history", 0), ("min_coverage", 1.2),
            ("top_share", -0.1), ("delist_haircut", 1.01), ("aggregate", "max"), ("score_transform", "log"),
            ("underfill", "keep"), ("empty", "skip"), ("execute", "vwap"), ("blocked", "skip"),
            ("cost_reading", "both"), ("cost_model", "none"), ("holding", "reset"), ("benchmark_kind", "pool"),
            ("annual_sessions", 0), ("cost_buy", 0.5), ("cost_sell", -0.1), ("start", "2020-02-30"),
            ("end", "tomorrow"), ("ascending", "yes"), ("require_price", 2), ("strict_pool", "no"),
            ("buffer", True), ("top_k", None), ("pool", "801010"),
        ]
    )  # fmt: skip
    if params["kind"] in ("metrics", "limits") and name not in ("topk", "cost", "Schedule", "annual_sessions"):
        return None
    params[name] = value
    return [name, value] if name in ("start", "end") else [name]


def bad_cost_rate(rng: Random, params: Params, tables: Tables) -> Words | None:
    if params["kind"] in ("metrics", "limits"):
        return None
    params.pop(rng.choice(["cost_buy", "cost_sell"]), None)
    if params.get("cost_buy") is not None and params.get("cost_sell") is not None:
        return None
    too_much = 0.5 if params.get("cost_reading") == "each_side" else 1.0
    params["cost_rate"] = rng.choice([too_much, -0.001, float("inf"), "0.001"])
    return ["cost_rate"]


def bad_list(rng: Random, params: Params, tables: Tables) -> Words | None:
    if params["kind"] in ("metrics", "limits"):
        return None
    key = "code" if params["kind"] == "rotation" else "symbol"
    prices = tables["index_prices" if params["kind"] == "rotation" else "stock_prices"]
    if some_half(rng):
        params["pool"] = [*sorted({row[key] for row in prices}), prices[0][key]]
        return ["pool", prices[0][key]]
    params["schedule"] = "explicit"
    dates = [row["date"] for row in tables["sessions"][4:6]]
    wrong = rng.choice(["1999-01-04", dates[0], "2020-02-30"])
    params["signal_dates"] = [*dates, wrong]
    return ["signal_dates", wrong]


def some_half(rng: Random) -> bool:
    return rng.random() < 0.5


def nothing_to_do(rng: Random, params: Params, tables: Tables) -> Words | None:
    if params["kind"] in ("metrics", "limits"):
        return None
    first, last = tables["sessions"][0]["date"], tables["sessions"][-1]["date"]
    if some_half(rng):
        params["start"], params["end"] = last, first
    else:
        params.pop("start", None)
        params["end"] = "1999-01-04"
    return ["no signal session between start and end"]


def bad_universe(rng: Random, params: Params, tables: Tables) -> Words | None:
    if params["kind"] != "stock_portfolio":
        return None
    params["universe"] = "000852"
    return ["000852"] if "members" in tables else ["members"]


MISTAKES: list[Callable[[Random, Params, Tables], Words | None]] = [
    duplicate, duplicate, unreadable_number, negative, negative,
    infinite, bad_factor, bad_flag, bad_board, empty_key, unreadable_date,
    no_session, no_session, backward_spell, out_of_order, sentinel, bad_nav, no_table, no_column, outside_of_pool,
    bad_parameter, bad_parameter, bad_parameter, bad_cost_rate, bad_list, nothing_to_do, bad_universe,
]  # fmt: skip


def make_mistake(rng: Random, kind: str, params: Params, tables: Tables) -> tuple[Params, Tables, Words]:
    """Draw mistakes until one fits the case; return the spoilt copy and the words."""
    while True:
        spoilt = {name: [dict(row) for row in rows] for name, rows in tables.items()}
        changed = dict(params)
        words = rng.choice(MISTAKES)(rng, changed, spoilt)
        if words is not None:
            return changed, spoilt, words
