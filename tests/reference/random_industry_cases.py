"""Random cases of the industry factors from a seed: parameters, tables, and in about a fifth of them one mistake."""

from random import Random
from typing import Any

from .industry_parameters import SINGLE
from .random_cases import SHARE_OF_MISTAKES, Case, maybe
from .random_industry_mistakes import make_industry_mistake
from .random_industry_tables import (
    draw_consensus,
    draw_financials,
    draw_industry_prices,
    draw_industry_spells,
    draw_market,
    draw_thin_sessions,
)
from .random_tables import Rows, draw_sessions, shifted, some

ERAS = ["2018-10-15", "2019-02-20", "2020-01-06", "2020-11-23", "2021-04-01", "2023-12-18"]
PRICES = ("momentum_acceleration", "momentum", "crowding")
REPORTS = ("consensus_change", "cash_flow_to_profit", "profit_growth_qoq", "gross_margin_change_yoy")


def draw_names(rng: Random) -> list[str]:
    """The factors that a case is about."""
    about = rng.choice([PRICES, PRICES, REPORTS, REPORTS, SINGLE])
    return rng.sample(about, rng.choice([1, 2, 3, min(len(about), 4)]))


def draw_grid(rng: Random, params: dict[str, Any], sessions: list[str]) -> None:
    grid = rng.choice(["monthly", "monthly", "monthly", "weekly", "every_n", "explicit", "daily"])
    if grid != "monthly" or some(rng, 0.2):
        params["grid"] = grid
    middle = len(sessions) // 2
    if grid == "every_n":
        params["n"] = rng.choice([3, 7, 12])
        maybe(rng, params, "phase", 0, 1, 4)
    if grid == "explicit":
        params["signal_dates"] = rng.sample(sessions[middle // 2 :], rng.randint(1, min(12, middle)))
    if some(rng, 0.15) or grid == "daily":
        params["start"] = shifted(sessions[middle + rng.randrange(middle // 2)], rng.choice([0, 0, 1, -3]))
    if some(rng, 0.15):
        params["end"] = shifted(rng.choice(sessions[middle + middle // 2 :]), rng.choice([0, 0, 1, 20]))


def draw_price_parameters(rng: Random, params: dict[str, Any], few: bool) -> None:
    params["method"] = rng.choice(["difference", "quadratic", "slope_difference", "savgol"])
    params["window"] = rng.choice([3, 5, 8, 12, 20])
    maybe(rng, params, "degree", 2, 3, 4)
    if params["method"] == "savgol" and params.get("degree", 3) >= params["window"]:
        params["degree"] = 2
    if params["method"] == "difference" and some(rng, 0.1):
        params["window"] = rng.choice([1, 2])
    maybe(rng, params, "curve", "ratio", "ratio", "ln")
    params["crowding_lookback"] = rng.choice([1, 5, 20, 40])
    params["min_crowding"] = rng.choice([1, 1, 1, 4, 15])
    if params["min_crowding"] > params["crowding_lookback"] and some(rng, 0.9):
        params["min_crowding"] = params["crowding_lookback"]
    if some(rng, 0.6):
        params["exclude_crowding"] = rng.choice(["none", "drop", "zero", "penalise", "orthogonal"])
    maybe(rng, params, "crowding_limit", 0, 0.5, 0.6, 0.7, 1)
    maybe(rng, params, "penalty", 0, 0.5, 2)
    if few and params.get("exclude_crowding") == "penalise":
        params["penalty"] = 0.7  # of two industries the z-scores are 1 and -1: 1 times them may leave sheer noise


def draw_report_parameters(rng: Random, params: dict[str, Any], names: list[str]) -> None:
    maybe(rng, params, "fy", 1, 2)
    maybe(rng, params, "months", 1, 2, 6)
    maybe(rng, params, "roll_month", 1, 3, 4, 12)
    if some(rng, 0.3):
        params["max_age"] = rng.choice([25, 60, 365])
    if some(rng, 0.3):
        params["max_report_age"] = rng.choice([150, 250])
    if some(rng, 0.5):
        params["combine"] = rng.choice(["median", "sum"] if "cash_flow_to_profit" in names else ["mean", "median"])
    if some(rng, 0.8):
        params["min_members"] = rng.choice([1, 1, 1, 2, 2, 3])


def draw_composite(rng: Random, params: dict[str, Any], names: list[str]) -> None:
    """With or without families; these may hold factors that are not written, and one factor twice."""
    params["factors"].insert(rng.randrange(len(names) + 1), "composite")
    if some(rng, 0.6):
        families: dict[str, list[str]] = {}
        for name in names:
            families.setdefault(rng.choice(["expectation", "reports", "行情"]), []).append(name)
        if some(rng, 0.2):
            families["again"] = rng.sample(names, 1)
        params["families"] = families
        if some(rng, 0.3):
            params["factors"] = ["composite", *rng.sample(names, rng.randint(0, len(names) - 1))]
    if some(rng, 0.5):
        params["signs"] = {name: rng.choice([1, -1]) for name in rng.sample(names, rng.randint(1, len(names)))}
    maybe(rng, params, "clip", 0.5, 1, 1.5)
    if some(rng, 0.3):
        params["min_families"] = rng.randint(1, min(3, len(params.get("families", names))))
    if some(rng, 0.5):
        params["weighting"] = "icir"
        params["min_weight_months"] = rng.choice([1, 2, 2, 3])
        params["weight_months"] = rng.choice([2, 3, 5, 24])
        if params.get("grid", "monthly") == "monthly" and some(rng, 0.7):  # a history of ICs takes dates
            params["grid"] = "weekly"


def make_weighted(rng: Random, params: dict[str, Any], names: list[str]) -> None:
    """Bend a case so that families have the history of ICs that trailing weights take."""
    for name in ("start", "end", "signal_dates", "phase", "families", "min_families"):
        params.pop(name, None)
    params |= {"grid": rng.choice(["weekly", "weekly", "every_n"]), "weighting": "icir", "min_members": 1}
    params |= {"min_names": rng.choice([2, 3]), "min_weight_months": rng.choice([1, 2, 3])}
    params["weight_months"] = rng.choice([2, 3, 5, 24])
    params["factors"] = ["composite", *names]
    if len(names) > 2 and some(rng, 0.5):
        params["families"] = {"one": names[:-1], "two": names[-1:]}
    if "window" in params:
        params |= {"window": rng.choice([5, 8]), "min_crowding": 1}


def draw_test(rng: Random, params: dict[str, Any], count: int) -> None:
    if some(rng, 0.6):
        params["test"] = True
    maybe(rng, params, "nw_lags", 0, 1, 3)
    if some(rng, 0.9) or count < 10:
        params["min_names"] = rng.choice([least for least in (1, 2, 3, 3, 4, 5) if least <= count])


def spell_out_defaults(rng: Random, params: dict[str, Any]) -> None:
    """An empty parameter may be written down as such."""
    for name, texts in (("start", (None, "")), ("end", (None, "")), ("families", ({},)), ("signs", ({},))):
        if name not in params and some(rng, 0.05):
            params[name] = rng.choice(texts)
    for name in ("pool", "signal_dates"):
        if name not in params and some(rng, 0.05):
            params[name] = []


def draw_pool(rng: Random, params: dict[str, Any], codes: list[str]) -> None:
    """A list with or without all the codes, and with or without one that has no rows at all."""
    inside = rng.sample(codes, rng.randint(1, len(codes)))
    params["pool"] = inside + (["809999"] if some(rng, 0.3) else [])
    if len(inside) < len(codes) or some(rng, 0.3):
        params["strict_pool"] = False


def draw_case_sessions(rng: Random, names: list[str]) -> list[str]:
    """Crowding needs 21 sessions on end and more; statements need years, which a few sessions may span."""
    if any(name in names for name in PRICES):
        if some(rng, 0.6):
            return draw_sessions(rng, rng.choice(ERAS), rng.randint(60, 130))
        return draw_thin_sessions(rng, rng.choice(ERAS), rng.randint(80, 150), rng.choice([0.2, 0.4]))
    return draw_thin_sessions(rng, rng.choice(ERAS), rng.randint(30, 90), rng.choice([0.1, 0.2, 0.5, 1.0]))


def draw_long(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Now and then the windows of the defaults, on few dates of few industries."""
    sessions = draw_sessions(rng, rng.choice(ERAS), rng.randint(280, 480))
    codes = [f"8010{number}0" for number in range(1, rng.randint(4, 6))]
    params: dict[str, Any] = {"factors": ["crowding", "momentum_acceleration", "composite"], "test": True}
    params["min_names"] = 2
    if some(rng, 0.5):
        params["method"] = rng.choice(["quadratic", "slope_difference", "savgol"])
    params["exclude_crowding"] = rng.choice(["drop", "orthogonal", "penalise", "zero"])
    maybe(rng, params, "curve", "ratio")
    params["penalty"] = rng.choice([0.5, 2])
    prices = draw_industry_prices(rng, codes, sessions, with_amount=True)
    params["start"] = sessions[len(sessions) - 90]
    listed = [{"date": day} for day in sessions]
    return params, {"sessions": listed, "index_prices": prices, "benchmark": draw_market(rng, sessions)}


def draw_industry_case(rng: Random) -> tuple[dict[str, Any], dict[str, Rows]]:
    names, weighted = draw_names(rng), some(rng, 0.15)
    if weighted:
        names = rng.sample(rng.choice([PRICES, REPORTS, SINGLE]), rng.choice([2, 3]))
    sessions = draw_case_sessions(rng, names)
    count = rng.choice([5, 6, 7] if weighted else [1, 2, 3, 4, 5, 5, 6, 6, 7, 12])
    codes = [f"8010{number:02d}" for number in range(1, count + 1)]
    if some(rng, 0.15):  # names whose byte order is not everybody's alphabetical order
        codes = [rng.choice([code, odd]) for code, odd in zip(codes, ["b", "A", "煤炭", "a", "NA", "Z"], strict=False)]
    params: dict[str, Any] = {"factors": list(names)}
    draw_grid(rng, params, sessions)
    with_prices = any(name in names for name in PRICES)
    if with_prices:
        draw_price_parameters(rng, params, few=len(codes) < 4)
    draw_report_parameters(rng, params, names)
    # with two or three industries z-scores of two factors cancel to sheer noise, which no two programs rank alike
    if some(rng, 0.5) and (count > 3 or len(names) == 1):
        draw_composite(rng, params, names)
    draw_test(rng, params, len(codes))
    if weighted:
        make_weighted(rng, params, names)
    tables: dict[str, Rows] = {"sessions": [{"date": day} for day in sessions]}
    if with_prices or "test" in params or params.get("weighting") == "icir" or some(rng, 0.5):
        tables["index_prices"] = draw_industry_prices(rng, codes, sessions, with_prices or some(rng, 0.2))
    if with_prices or some(rng, 0.1):
        tables["benchmark"] = draw_market(rng, sessions)
    if any(name in names for name in REPORTS) or some(rng, 0.1):
        symbols = [f"{rng.choice(['000', '300', '600', '688'])}{number:03d}" for number in range(1, 40)]
        symbols = symbols[: rng.choice([1, 3, 4, 5]) * min(6, len(codes))]
        tables["industry"] = draw_industry_spells(rng, sessions, codes, symbols)
        if "consensus_change" in names or some(rng, 0.1):
            tables["consensus"] = draw_consensus(rng, symbols, sessions)
        if any(name in names for name in REPORTS[1:]) or some(rng, 0.1):
            tables["financials"] = draw_financials(rng, symbols, sessions)
    if some(rng, 0.2) and not weighted:
        draw_pool(rng, params, codes)
    return params, tables


def random_industry_case(seed: int) -> Case:
    """The case of a seed, always the same one. It may be bad by its own draw (no signal session, no valid close)."""
    rng = Random(f"industry {seed}")
    params, tables = draw_long(rng) if some(rng, 0.03) else draw_industry_case(rng)
    tables = {name: rows for name, rows in tables.items() if rows}
    spell_out_defaults(rng, params)
    if some(rng, 0.1):
        for row in rng.choice(list(tables.values())):
            row["remark"] = "further columns are ignored"
    case = Case(seed, "industry_factors", {"kind": "industry_factors"} | params, tables)
    if some(rng, SHARE_OF_MISTAKES):
        case.params, case.tables, case.words = make_industry_mistake(rng, case.params, case.tables)
    return case
