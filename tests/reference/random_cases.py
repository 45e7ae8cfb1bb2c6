"""Random cases of every kind from a seed: parameters, tables, and in about a fifth of them one mistake."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from .mistakes import make_mistake
from .random_tables import (
    Rows,
    draw_benchmark,
    draw_caps,
    draw_flags,
    draw_index_prices,
    draw_nav,
    draw_scores,
    draw_sessions,
    draw_spells,
    draw_st,
    draw_stock_prices,
    draw_stocks,
    shifted,
    shuffled,
    some,
)

SHARE_OF_MISTAKES = 0.2
INDEX_ERAS = ["2019-11-04", "2018-10-15", "2020-11-23", "2021-12-06", "2020-08-31", "2024-12-02"]
STOCK_ERAS = ["2013-12-02", "2015-06-01", "2019-11-04", "2020-07-13", "2023-03-06", "2026-06-01"]


@dataclass
class Case:
    """A case folder in memory. `words`: empty for a good case, else what the refusal must contain."""

    seed: int
    kind: str
    params: dict[str, Any]
    tables: dict[str, Rows]
    words: list[str] = field(default_factory=list)


def maybe(rng: Random, params: dict[str, Any], name: str, *choices: Any) -> None:
    """Set a parameter now and then; otherwise its default holds."""
    if some(rng, 0.4):
        params[name] = rng.choice(choices)


def draw_schedule(rng: Random, params: dict[str, Any], sessions: list[str]) -> None:
    schedule = rng.choice(["weekly", "weekly", "weekly", "monthly", "daily", "every_n", "explicit"])
    if schedule != "weekly" or some(rng, 0.2):
        params["schedule"] = schedule
    if schedule == "every_n":
        maybe(rng, params, "n", 1, 2, 3, 7)
        maybe(rng, params, "phase", 0, 1, 4)
    if schedule == "explicit":
        params["signal_dates"] = rng.sample(sessions, rng.randint(1, 12))
    if some(rng, 0.25):
        params["start"] = shifted(rng.choice(sessions[: len(sessions) // 2]), rng.choice([0, 0, 1, -3]))
    if some(rng, 0.25):
        params["end"] = shifted(rng.choice(sessions[len(sessions) // 2 :]), rng.choice([0, 0, 1, 20]))


def draw_costs(rng: Random, params: dict[str, Any]) -> None:
    maybe(rng, params, "cost_reading", "each_side", "round_trip")
    each_side = params.get("cost_reading") == "each_side"
    maybe(rng, params, "cost_rate", 0, 0.0, 0.001, 0.002, 0.05)
    if some(rng, 0.06):
        params["cost_rate"] = 0.49 if each_side else 0.98
    if some(rng, 0.25):
        params["cost_buy"] = rng.choice([0.0, 0.0003, 0.02])
    if some(rng, 0.25):
        params["cost_sell"] = rng.choice([0, 0.0013, 0.03, 0.2])
    if "cost_buy" in params and "cost_sell" in params and some(rng, 0.3):
        params["cost_rate"] = 3.0  # neither used nor bound
    maybe(rng, params, "cost_model", "exact", "simple")


def draw_trading(rng: Random, params: dict[str, Any], sessions: list[str]) -> None:
    """What rotation and stock_portfolio have in common."""
    draw_schedule(rng, params, sessions)
    draw_costs(rng, params)
    maybe(rng, params, "buffer", 1, 2, 5)
    maybe(rng, params, "underfill", "cash", "skip", "equal")
    maybe(rng, params, "empty", "cash", "keep")
    maybe(rng, params, "execute", "close", "open")
    maybe(rng, params, "blocked", "cash", "redistribute")
    maybe(rng, params, "holding", "daily_reset", "drift")
    maybe(rng, params, "benchmark_kind", "pool_held", "series", "cash", "pool_mean")
    maybe(rng, params, "require_price", False, True)
    maybe(rng, params, "min_history", 1, 2, 12)
    maybe(rng, params, "ascending", True, False)
    if some(rng, 0.2):
        params["annual_sessions"] = rng.choice([12, 244])


def make_extreme(rng: Random, params: dict[str, Any], sessions: list[str]) -> None:
    """Rarely: trades whose cost eats the budget, or a path without a single return."""
    if some(rng, 0.08):
        params |= {"cost_buy": rng.choice([0.2, 0.45]), "cost_sell": rng.choice([0.3, 0.49]), "blocked": "cash"}
        params["top_k"] = rng.choice([2, 3])
        params.pop("buffer", None)
    elif some(rng, 0.04):
        day = rng.choice(sessions)
        params |= {"schedule": "explicit", "signal_dates": [day], "end": day}
        params.pop("start", None)


def spell_out_defaults(rng: Random, params: dict[str, Any]) -> None:
    """An empty parameter may be written down as such."""
    for name in ("start", "end", "cost_buy", "cost_sell"):
        if name not in params and some(rng, 0.05):
            params[name] = rng.choice([None, ""])
    for name in ("pool", "signal_dates"):
        if name not in params and some(rng, 0.05):
            params[name] = []


def draw_rotation(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    sessions = draw_sessions(rng, rng.choice(INDEX_ERAS), rng.randint(35, 70))
    codes = rng.sample([f"8010{number}0" for number in range(1, 10)], rng.randint(3, 9))
    if some(rng, 0.2):  # names whose byte order is not everybody's alphabetical order, and one that looks like missing
        odd = ["BK0475", "bk0475", "a", "Z", "NA", "白酒", "煤炭"]
        codes = [rng.choice([code, name]) for code, name in zip(codes, odd, strict=False)]
    symbols = [f"{rng.choice(['000', '300', '600', '688'])}{number:03d}" for number in range(1, rng.randint(8, 24))]
    params: dict[str, Any] = {"top_k": rng.choice([1, 2, 2, 3, 4, len(codes)])}
    draw_trading(rng, params, sessions)
    make_extreme(rng, params, sessions)
    maybe(rng, params, "score_max_age", 1, 3, 10)
    maybe(rng, params, "score_transform", "rank", "zscore", "none")
    maybe(rng, params, "aggregate", "median", "weight", "cap", "top_mean", "top_mean")
    maybe(rng, params, "top_share", 0.0, 0.2, 0.3333333334, 0.5, 0.6, 1)
    maybe(rng, params, "min_members", 2, 3)
    maybe(rng, params, "min_coverage", 0.0, 0.6, 0.75, 1)
    maybe(rng, params, "smooth", 2, 3)
    if some(rng, 0.3):
        draw_pool(rng, params, codes)
    with_prices = sessions[: len(sessions) - rng.choice([0, 0, 3, 9])]
    members: Rows = []
    for code in codes:
        chosen = rng.sample(symbols, min(len(symbols), rng.choice([0, 1, 2, 3, 4, 6, 8])))
        members += draw_spells(rng, sessions, code, chosen)
    if not members:
        members = draw_spells(rng, sessions, codes[0], symbols[:3])
    if params.get("aggregate") != "weight" and some(rng, 0.5):
        members = [{column: cell for column, cell in row.items() if column != "weight"} for row in members]
    tables = {
        "sessions": [{"date": day} for day in sessions],
        "index_prices": draw_index_prices(rng, codes, with_prices),
        "members": shuffled(rng, members),
        "scores": draw_scores(rng, symbols, sessions),
    }
    if some(rng, 0.5) or params.get("cost_sell", 0) >= 0.3:
        tables["flags"] = draw_flags(rng, codes, sessions)
    if params.get("benchmark_kind") == "series" or some(rng, 0.05):
        tables["benchmark"] = draw_benchmark(rng, sessions)
    if params.get("aggregate") == "cap" or some(rng, 0.05):
        tables["caps"] = draw_caps(rng, symbols, sessions)
    return params, tables


def draw_pool(rng: Random, params: dict[str, Any], codes: list[str]) -> None:
    """A list with or without all the codes, and with or without one that has no rows at all."""
    inside = rng.sample(codes, rng.randint(2, len(codes)))
    params["pool"] = inside + (["809999"] if some(rng, 0.5) else [])
    if len(inside) < len(codes) or some(rng, 0.3):
        params["strict_pool"] = False


def draw_stock_portfolio(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    sessions = draw_sessions(rng, rng.choice(STOCK_ERAS), rng.randint(35, 60))
    symbols = [f"{rng.choice(['000', '300', '600', '688'])}{number:03d}" for number in range(1, rng.randint(5, 10))]
    params: dict[str, Any] = {"top_k": rng.choice([1, 2, 3, 4, len(symbols)])}
    draw_trading(rng, params, sessions)
    make_extreme(rng, params, sessions)
    maybe(rng, params, "delist_haircut", 0.3, 1, 1.0)
    if some(rng, 0.2):
        params["pool"] = rng.sample(symbols, rng.randint(2, len(symbols)))
        maybe(rng, params, "strict_pool", True, False)
    stocks = draw_stocks(rng, symbols, sessions)
    if some(rng, 0.1):  # everything goes, perhaps for nothing
        for row in stocks:
            row["delist_date"] = rng.choice(sessions[10:])
        params["delist_haircut"] = rng.choice([0.5, 1])
        maybe(rng, params, "benchmark_kind", "pool_held")
    tables = {
        "sessions": [{"date": day} for day in sessions],
        "scores": draw_scores(rng, symbols, sessions),
        "stocks": stocks,
        "stock_prices": draw_stock_prices(rng, symbols, stocks, sessions[: len(sessions) - rng.choice([0, 0, 4])]),
    }
    if some(rng, 0.5):
        tables["st"] = draw_st(rng, symbols, sessions)
    if some(rng, 0.3):
        params["universe"] = "000300"
        inside = rng.sample(symbols, max(2, len(symbols) - 2))
        tables["members"] = draw_spells(rng, sessions, "000300", inside) + draw_spells(rng, sessions, "000905", symbols)
    if params.get("benchmark_kind") == "series" or some(rng, 0.05):
        tables["benchmark"] = draw_benchmark(rng, sessions)
    return params, tables


def draw_metrics(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    return rng.choice([{}, {"annual_sessions": 244}]), {"nav": draw_nav(rng)}


def draw_limits(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    sessions = draw_sessions(rng, rng.choice(STOCK_ERAS), rng.randint(20, 50))
    symbols = [f"00{number:04d}" for number in range(1, rng.randint(3, 9))]
    stocks = draw_stocks(rng, symbols, sessions)
    tables = {
        "sessions": [{"date": day} for day in sessions],
        "stocks": stocks,
        "stock_prices": draw_stock_prices(rng, symbols, stocks, sessions),
    }
    if some(rng, 0.8):
        tables["st"] = draw_st(rng, symbols, sessions)
    return {}, tables


DRAW = {
    "rotation": draw_rotation,
    "stock_portfolio": draw_stock_portfolio,
    "metrics": draw_metrics,
    "limits": draw_limits,
}
KINDS = ["rotation"] * 10 + ["stock_portfolio"] * 7 + ["metrics"] + ["limits"] * 2


def random_case(seed: int) -> Case:
    """The case of a seed, always the same one. It may be bad by its own draw (no signal session, no valid close)."""
    rng = Random(seed)
    kind = rng.choice(KINDS)
    params, tables = DRAW[kind](rng)
    tables = {name: rows for name, rows in tables.items() if rows}
    if kind in ("rotation", "stock_portfolio"):
        spell_out_defaults(rng, params)
    if some(rng, 0.1):
        for row in rng.choice(list(tables.values())):
            row["remark"] = "further columns are ignored"
    case = Case(seed, kind, {"kind": kind} | params, tables)
    if some(rng, SHARE_OF_MISTAKES):
        case.params, case.tables, case.words = make_mistake(rng, kind, case.params, case.tables)
    return case
