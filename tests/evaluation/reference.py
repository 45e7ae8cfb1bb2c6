"""A slow, plain second implementation of factor evaluation, from the words of the specification, without the package.

Tables are lists of dicts: dates are ISO text, codes text, numbers float or None for "not there". Numbers like 8.3 in
comments are paragraphs of the specification.
"""

import datetime as dt
import itertools
import math
from fractions import Fraction
from typing import Any

from .reference_statistics import (
    Values,
    average_ranks,
    both,
    correlation,
    difference,
    least_squares_rest,
    mean,
    noted,
    rank_correlation,
    series,
)

Row = dict[str, Any]

DEFAULTS: dict[str, Any] = {
    "horizon": 5,
    "label": "close",
    "label_lag": 0,
    "grid": "weekly",
    "start": None,
    "end": None,
    "n": 5,
    "phase": 0,
    "signal_dates": None,
    "min_names": 10,
    "universe": None,
    "neutralise": "none",
    "nw_lags": None,
    "horizons": [],
    "layers": 10,
    "by_year": False,
    "by_size": False,
    "by_industry": False,
    "annual_sessions": 252,
}


class Refused(Exception):
    """Bad input."""


# --- tables ---


def covers(spell: Row, day: str) -> bool:
    return spell["in_date"] <= day and (spell["out_date"] is None or day < spell["out_date"])


def adjusted(rows: list[Row], field: str) -> dict[tuple[str, str], float]:
    """q by symbol and date, valid ones alone."""
    out, latest = {}, {}
    for row in sorted(rows, key=lambda each: (each["symbol"], each["date"])):
        if "adj_factor" not in row:
            factor = 1.0
        else:
            if row["adj_factor"] is not None:
                latest[row["symbol"]] = row["adj_factor"]
            factor = latest.get(row["symbol"])
        price = row.get(field)
        if price is not None and factor is not None and price * factor > 0:
            out[row["symbol"], row["date"]] = price * factor
    return out


# --- section 1 ---


def grid_dates(p: Row, sessions: list[str], closes: dict[tuple[str, str], float]) -> list[str]:
    if not closes:
        raise Refused("no signal session between start and end")
    start = p["start"] or sessions[0]
    end = p["end"] or max(day for _, day in closes)
    if p["grid"] == "daily":
        days = list(sessions)
    elif p["grid"] == "explicit":
        days = sorted(p["signal_dates"])
        if any(day not in sessions for day in days):
            raise Refused("signal_dates")
    elif p["grid"] == "every_n":
        counted = [day for day in sessions if day >= start]
        days = [d for i, d in enumerate(counted) if i >= p["phase"] and (i - p["phase"]) % p["n"] == 0]
    else:

        def period(day: str) -> Any:
            return dt.date.fromisoformat(day).isocalendar()[:2] if p["grid"] == "weekly" else day[:7]

        days = [d for d, following in itertools.pairwise(sessions) if period(d) != period(following)]
    days = [day for day in days if start <= day <= end]
    if not days:
        raise Refused("no signal session between start and end")
    return days


# --- 8.1 ---


def label_at(p: Row, horizon: Any, days: list[str], k: int, sessions: list[str], price: Any) -> Values:
    """Labels at the k-th grid date, by symbol."""
    s = sessions.index(days[k])
    if horizon == "next":
        if k + 1 == len(days):
            return {}
        finish = sessions.index(days[k + 1])
    else:
        finish = s + horizon
    shift = p["label_lag"] if p["label"] == "close" else 1
    if s + shift >= len(sessions) or finish + shift >= len(sessions):
        return {}
    first, last = sessions[s + shift], sessions[finish + shift]
    symbols = {symbol for symbol, _ in price}
    return {
        symbol: price[symbol, last] / price[symbol, first] - 1
        for symbol in symbols
        if (symbol, first) in price and (symbol, last) in price
    }


# --- 8.3 ---


def neutral(scores: Values, industries: dict[str, str] | None, sizes: Values | None) -> Values:
    names = [
        name
        for name in sorted(scores)
        if (industries is None or name in industries) and (sizes is None or name in sizes)
    ]
    m = max((abs(scores[name]) for name in names), default=0.0)
    if m == 0:
        return {name: 0.0 for name in names}
    if industries is not None:
        kinds = sorted({industries[name] for name in names})
        columns = [[1.0 if industries[name] == kind else 0.0 for name in names] for kind in kinds]
    else:
        columns = [[1.0 for _ in names]]
    if sizes is not None:
        columns.append([sizes[name] for name in names])
    rest = least_squares_rest(columns, [scores[name] for name in names])
    return {name: round(float(r) / m, 12) * m for name, r in zip(names, rest, strict=True)}


# --- 8.7 ---


def in_parts(values: Values, count: int) -> dict[str, int]:
    """Part 1..count by value, then symbol."""
    compared = noted(values)
    order = sorted(values, key=lambda name: (compared[name], name))
    return {name: position * count // len(order) + 1 for position, name in enumerate(order)}


def summary(p: Row, scores: list[Values], labels: list[Values], lags: int) -> dict[str, Any]:
    """Figures of 8.5 and 8.7 of a list of dates; extra keys start with an underscore."""
    rows, layer_rows, counted = [], [], []
    numbers = range(1, p["layers"] + 1)
    for k in range(len(scores)):
        a, b = both(scores[k], labels[k])
        if len(a) < p["min_names"]:
            rows.append((len(a), None, None))
            continue
        rows.append((len(a), correlation(a, b), correlation(average_ranks(a), average_ranks(b))))
        part = in_parts(a, p["layers"])
        members = {layer: [name for name in sorted(a) if part[name] == layer] for layer in numbers}
        returns = {layer: mean([b[name] for name in members[layer]]) for layer in numbers}
        counted.append(k)
        layer_rows.append((members, returns, mean(list(b.values()))))

    def over_dates(layer: int, excess: bool) -> float | None:
        return mean([r[layer] - (every if excess else 0.0) for _, r, every in layer_rows if r[layer] is not None])

    means = {layer: over_dates(layer, False) for layer in numbers}
    there = {str(layer).zfill(6): v for layer, v in means.items() if v is not None}
    top, bottom = p["layers"], 1
    spreads = [r[top] - r[bottom] for _, r, _ in layer_rows if r[top] is not None and r[bottom] is not None]
    return {
        "dates": len(scores),
        "counted": len(counted),
        "ic": series([row[1] for row in rows], lags),
        "rank_ic": series([row[2] for row in rows], lags),
        "layer_mean": [means[layer] for layer in numbers],
        "layer_excess_mean": [over_dates(layer, True) for layer in numbers],
        "long_short": difference(spreads),
        "monotonicity": rank_correlation({name: float(name) for name in there}, there),
        "_rows": rows,
        "_layers": layer_rows,
        "_counted": counted,
    }


def public(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if not key.startswith("_")}


def yearly(factors: list[float | None], spans: list[int], year: int) -> float | None:
    used = [(f, span) for f, span in zip(factors, spans, strict=True) if f is not None]
    if not used:
        return None
    end = math.prod(f for f, _ in used)
    return end ** (year / sum(span for _, span in used)) - 1


# --- the whole ---


def run(params: Row, tables: dict[str, list[Row]]) -> tuple[list[list[Any]], list[list[Any]], dict[str, Any]]:
    """Rows of ic.csv, rows of layers.csv, metrics."""
    p = {**DEFAULTS, **params}
    sessions = [row["date"] for row in tables["sessions"]]
    closes = adjusted(tables["stock_prices"], "close")
    price = adjusted(tables["stock_prices"], p["label"])
    days = grid_dates(p, sessions, closes)
    universe = None
    if p["universe"]:
        universe = [row for row in tables["members"] if row["code"] == p["universe"]]

    def inside(symbol: str, day: str) -> bool:
        return universe is None or any(row["symbol"] == symbol and covers(row, day) for row in universe)

    def industry_of(symbol: str, day: str) -> str | None:
        found = [r for r in tables["industry"] if r["symbol"] == symbol and covers(r, day)]
        return max(found, key=lambda r: r["in_date"])["industry"] if found else None

    raw, scores, industries, caps = [], [], [], []
    for day in days:
        given = {r["symbol"]: r["score"] for r in tables["scores"] if r["date"] == day and r["score"] is not None}
        given = {name: v for name, v in given.items() if inside(name, day)}
        cap = {r["symbol"]: r["cap"] for r in tables.get("caps", []) if r["date"] == day and (r["cap"] or 0) > 0}
        industry = {}
        if "industry" in tables:
            industry = {name: industry_of(name, day) for name in given if industry_of(name, day) is not None}
        raw.append(given)
        caps.append(cap)
        industries.append(industry)
        if p["neutralise"] == "none":
            scores.append(given)
        else:
            sizes = {name: math.log(v) for name, v in cap.items()} if "size" in p["neutralise"] else None
            scores.append(neutral(given, industry if "industry" in p["neutralise"] else None, sizes))

    def labels_for(horizon: Any) -> list[Values]:
        found = [label_at(p, horizon, days, k, sessions, price) for k in range(len(days))]
        return [{n: v for n, v in each.items() if inside(n, day)} for each, day in zip(found, days, strict=True)]

    labels = labels_for(p["horizon"])
    gaps = sorted(sessions.index(b) - sessions.index(a) for a, b in itertools.pairwise(days))
    middle = None
    if gaps:
        middle = Fraction(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2], 2)
    if p["nw_lags"] is not None:
        lags = p["nw_lags"]
    elif p["horizon"] == "next" or middle is None:
        lags = 0
    else:
        lags = math.ceil(Fraction(p["horizon"]) / middle) - 1
    whole = summary(p, scores, labels, lags)
    metrics = public(whole)

    # 8.6
    metrics["decay"] = {}
    for h in p["horizons"]:
        others, values = labels_for(h), []
        for k in whole["_counted"]:
            a, b = both(scores[k], others[k])
            if len(a) >= p["min_names"]:
                values.append(rank_correlation(a, b))
        metrics["decay"][str(h)] = mean([v for v in values if v is not None])
    pairs = [both(a, b) for a, b in itertools.pairwise(scores)]
    kept = [rank_correlation(a, b) for a, b in pairs if len(a) >= p["min_names"]]
    metrics["autocorrelation"] = mean([v for v in kept if v is not None])

    # 8.7
    top, turnover = p["layers"], []
    for (before, _, _), (now, _, _) in zip(whole["_layers"], whole["_layers"][1:], strict=False):
        if before[top] and now[top]:
            turnover.append(sum(1 for name in now[top] if name not in before[top]) / len(now[top]))
    metrics["top_turnover"] = mean(turnover)
    overlapping = middle is None or (p["horizon"] != "next" and p["horizon"] > middle)
    metrics["layer_annual"], metrics["top_excess_annual"] = [None] * top, None
    if not overlapping:
        spans = []
        for k in whole["_counted"]:
            following = sessions.index(days[k + 1]) if p["horizon"] == "next" else None
            spans.append(following - sessions.index(days[k]) if following is not None else p["horizon"])
        for layer in range(1, top + 1):
            factors = [None if r[layer] is None else 1 + r[layer] for _, r, _ in whole["_layers"]]
            metrics["layer_annual"][layer - 1] = yearly(factors, spans, p["annual_sessions"])
        factors = [None if r[top] is None else (1 + r[top]) / (1 + every) for _, r, every in whole["_layers"]]
        metrics["top_excess_annual"] = yearly(factors, spans, p["annual_sessions"])

    # 8.8
    shares = []
    for k, day in enumerate(days):
        priced = [symbol for symbol, date in closes if date == day and inside(symbol, day)]
        if priced:
            shares.append(sum(1 for symbol in priced if symbol in raw[k]) / len(priced))
    metrics["coverage"] = mean(shares)

    # 8.9
    def split(member: list[list[str]]) -> dict[str, Any]:
        chosen = [{n: v for n, v in each.items() if n in names} for each, names in zip(scores, member, strict=True)]
        return public(summary(p, chosen, labels, lags))

    metrics["by_year"] = metrics["by_size"] = metrics["by_industry"] = None
    if p["by_year"]:
        metrics["by_year"] = {}
        for year in sorted({day[:4] for day in days}):
            ks = [k for k, day in enumerate(days) if day[:4] == year]
            metrics["by_year"][year] = public(summary(p, [scores[k] for k in ks], [labels[k] for k in ks], lags))
    if p["by_size"]:
        thirds = []
        for k in range(len(days)):
            thirds.append(in_parts({n: caps[k][n] for n in scores[k] if n in caps[k]}, 3))
        metrics["by_size"] = {
            str(third): split([[n for n in each if each[n] == third] for each in thirds]) for third in (1, 2, 3)
        }
    if p["by_industry"]:
        kinds = sorted({industries[k][n] for k in range(len(days)) for n in scores[k] if n in industries[k]})
        metrics["by_industry"] = {
            kind: split([[n for n in each if each[n] == kind] for each in industries]) for kind in kinds
        }

    ic_rows = [[day, *row] for day, row in zip(days, whole["_rows"], strict=True)]
    layer_rows = []
    for k, (members, returns, every) in zip(whole["_counted"], whole["_layers"], strict=True):
        for layer in range(1, top + 1):
            excess = None if returns[layer] is None else returns[layer] - every
            layer_rows.append([days[k], layer, len(members[layer]), returns[layer], excess])
    return ic_rows, layer_rows, metrics
