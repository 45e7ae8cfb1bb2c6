"""Random small markets and parameters that reach the corners of factor evaluation."""

import datetime as dt
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd

Tables = dict[str, list[dict[str, Any]]]
KINDS = ["bank", "coal", "chip"]


def market(seed: int) -> Tables:
    """A few dozen sessions and names with holes, ties, overlapping spells and equal values."""
    rng = np.random.default_rng(seed)
    days, day = [], dt.date(2023, 11, 20) + dt.timedelta(days=int(rng.integers(0, 30)))
    for _ in range(int(rng.integers(2, 60))):
        days.append(day.isoformat())
        day += dt.timedelta(days=int(rng.choice([1, 1, 1, 1, 1, 1, 1, 3, 3, 9])))
    names = [f"{i:03d}" for i in rng.permutation(40)[: rng.integers(1, 20)]]
    late = int(rng.integers(0, 3))  # prices may end before the sessions do
    hole = rng.choice([0.0, 0.05, 0.3])

    def price() -> float | None:
        return None if rng.random() < hole / 2 else float(rng.choice([0.0, *rng.integers(80, 121, 30)])) / 10

    with_vwap, with_factor = rng.random() < 0.7, rng.random() < 0.6
    prices = []
    for name in names:
        for day_text in days[: len(days) - late]:
            if rng.random() < hole:
                continue
            row = {"symbol": name, "date": day_text, "open": price(), "close": price()}
            if with_vwap:
                row["vwap"] = price()
            if with_factor:
                row["adj_factor"] = None if rng.random() < 0.3 else float(rng.choice([1.0, 1.5, 2.0]))
            prices.append(row)
    digits = int(rng.choice([0, 1, 6]))
    extra = ["zz1", "zz2"] if rng.random() < 0.3 else []  # scored names without a price
    scores = [
        {"date": d, "symbol": n, "score": None if rng.random() < 0.05 else round(float(rng.normal()), digits) + 0.0}
        for d in days
        for n in names + extra
        if rng.random() > hole
    ]
    equal_caps = rng.random() < 0.2
    caps = [
        {"symbol": n, "date": d, "cap": 1e9 if equal_caps else float(rng.choice([0.0, *rng.integers(1, 30, 12)])) * 1e9}
        for d in days
        for n in names + extra
        if rng.random() > 0.1
    ]
    tables = {"sessions": [{"date": d} for d in days], "stock_prices": prices, "scores": scores, "caps": caps}
    tables["industry"] = [{**row, "industry": str(rng.choice(KINDS))} for row in spells(rng, names + extra, days)]
    tables["members"] = [
        {"code": code, **row} for code in ("A", "B") for row in spells(rng, names + extra, days, chance=0.7)
    ]
    for rows in tables.values():
        if rows is not tables["sessions"]:
            rng.shuffle(rows)  # type: ignore[arg-type]
    return tables


def spells(rng: np.random.Generator, names: list[str], days: list[str], chance: float = 0.9) -> list[dict[str, Any]]:
    """Up to two spells a name, which may overlap, end or be open."""
    rows = []
    for name in names:
        if rng.random() > chance:
            continue
        starts = sorted({int(each) for each in rng.integers(0, len(days), rng.integers(1, 3))})
        for start in starts:
            begin = dt.date.fromisoformat(days[start]) - dt.timedelta(days=int(rng.integers(0, 20)) if start else 40)
            end = None if rng.random() < 0.6 else (begin + dt.timedelta(days=int(rng.integers(1, 60)))).isoformat()
            rows.append({"symbol": name, "in_date": begin.isoformat(), "out_date": end})
    unique = {(row["symbol"], row["in_date"]): row for row in rows}
    return list(unique.values())


def frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """The table as text, as a case file holds it."""
    return pd.DataFrame([[as_field(row[name]) for name in columns] for row in rows], columns=columns, dtype=object)


def as_field(value: Any) -> str:
    """Text of a CSV field."""
    return "" if value is None else value if isinstance(value, str) else repr(value)


def frames(tables: Tables) -> dict[str, pd.DataFrame]:
    """All tables as text."""
    return {name: frame(rows, list(rows[0]) if rows else HEADERS[name]) for name, rows in tables.items()}


HEADERS = {
    "stock_prices": ["symbol", "date", "open", "close", "vwap"],
    "scores": ["date", "symbol", "score"],
    "caps": ["symbol", "date", "cap"],
    "industry": ["symbol", "industry", "in_date", "out_date"],
    "members": ["code", "symbol", "in_date", "out_date"],
}


def parameters(rng: np.random.Generator, tables: Tables) -> dict[str, Any]:
    """Parameters that fit the tables; the grid may still be without a date."""
    days = [row["date"] for row in tables["sessions"]]
    early, late = days[: len(days) // 3 + 1], days[-(len(days) // 3 + 1) :]

    def pick(choices: list[Any]) -> Any:
        return choices[int(rng.integers(len(choices)))]

    values: dict[str, Any] = {
        "horizon": pick([1, 2, 3, 4, 5, 6, 7, "next", "next"]),
        "label": pick(["close", "open", "vwap"]),
        "grid": pick(["weekly", "monthly", "daily", "every_n", "explicit"]),
        "start": pick([*early, "2023-12-03", "", days[-1]]),
        "end": pick([*late, "2023-12-31", None]),
        "n": int(rng.integers(1, 7)),
        "phase": int(rng.integers(0, 5)),
        "nw_lags": pick([None, 0, 1, 2, 6]),
        "horizons": [int(each) for each in rng.permutation(9)[: rng.integers(0, 4)] + 1],
        "layers": int(rng.integers(1, 13)),
        "min_names": int(rng.integers(1, 7)),
        "neutralise": pick(["none", "industry", "size", "industry_size"]),
        "universe": pick(["", *sorted({row["code"] for row in tables["members"]})]),
        "by_year": pick([True, False]),
        "by_size": pick([True, False]),
        "by_industry": pick([True, False]),
        "annual_sessions": pick([252, 244]),
    }
    rare = ("start", "end", "universe", "neutralise")
    kept = {
        name: v for name, v in values.items() if name == "min_names" or rng.random() < (0.3 if name in rare else 0.6)
    }
    if kept.get("grid") == "explicit":
        kept["signal_dates"] = [days[i] for i in rng.permutation(len(days))[: rng.integers(1, 15)]]
    if kept.get("label") == "vwap" and not all("vwap" in row for row in tables["stock_prices"]):
        kept["label"] = "open"
    if kept.get("label", "close") == "close" and rng.random() < 0.5:
        kept["label_lag"] = int(rng.integers(0, 4))
    return {"kind": "factor_eval", **kept}


def case(seed: int) -> tuple[dict[str, Any], Tables]:
    """Parameters and tables of a seed."""
    tables = market(seed)
    return parameters(np.random.default_rng([seed, 1]), tables), tables


seeds = st.integers(0, 2**40)
