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
    for _ in range(int(rng.integers(2, 45))):
        days.append(day.isoformat())
        day += dt.timedelta(days=int(rng.choice([1, 1, 1, 1, 3, 9])))
    names = [f"{i:03d}" for i in rng.permutation(40)[: rng.integers(1, 16)]]
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


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], Tables]:
    """Parameters and tables that fit together; the grid may still be without a date."""
    tables = market(draw(st.integers(0, 10**9)))
    days = [row["date"] for row in tables["sessions"]]
    params: dict[str, Any] = {"kind": "factor_eval"}
    optional: dict[str, st.SearchStrategy[Any]] = {
        "horizon": st.one_of(st.integers(1, 7), st.just("next")),
        "label": st.sampled_from(["close", "open", "vwap"]),
        "grid": st.sampled_from(["weekly", "monthly", "daily", "every_n", "explicit"]),
        "start": st.sampled_from([*days, "2023-12-03", ""]),
        "end": st.sampled_from([*days, "2023-12-31", None]),
        "n": st.integers(1, 6),
        "phase": st.integers(0, 4),
        "nw_lags": st.one_of(st.none(), st.integers(0, 6)),
        "horizons": st.lists(st.integers(1, 9), max_size=3, unique=True),
        "layers": st.integers(1, 12),
        "min_names": st.integers(1, 6),
        "neutralise": st.sampled_from(["none", "industry", "size", "industry_size"]),
        "universe": st.sampled_from(["", *{row["code"] for row in tables["members"]}]),
        "by_year": st.booleans(),
        "by_size": st.booleans(),
        "by_industry": st.booleans(),
        "annual_sessions": st.sampled_from([252, 244]),
    }
    for name, strategy in optional.items():
        if name == "min_names" or draw(st.integers(0, 2)):
            params[name] = draw(strategy)
    if params.get("grid") == "explicit":
        params["signal_dates"] = draw(st.lists(st.sampled_from(days), min_size=1, max_size=12, unique=True))
    if params.get("label") == "vwap" and not all("vwap" in row for row in tables["stock_prices"]):
        params["label"] = "open"
    if params.get("label", "close") == "close" and draw(st.booleans()):
        params["label_lag"] = draw(st.integers(0, 3))
    return params, tables
