"""Section 0: the tables, what their text means, and what is refused."""

import math
import re
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from .refusal import BadInput

Row = dict[str, Any]

# What a column holds: text, date, quarter_end (a date), year (an integer), price and size (>= 0), positive (> 0),
# number (any), flag (0 or 1), board.
# `spell` marks tables of in_date and out_date, `in_sessions` those whose dates must be sessions.


@dataclass(frozen=True)
class Form:
    columns: dict[str, str]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ()
    in_sessions: bool = False
    increasing: bool = False

    @property
    def spell(self) -> bool:
        return "out_date" in self.columns


FORMS = {
    "sessions": Form({"date": "date"}, ("date",), increasing=True),
    "index_prices": Form(
        {"code": "text", "date": "date", "open": "price", "close": "price", "amount": "size"},
        ("code", "date"),
        ("amount",),
        in_sessions=True,
    ),
    "members": Form(
        {"code": "text", "symbol": "text", "in_date": "date", "out_date": "date", "weight": "size"},
        ("code", "symbol", "in_date"),
        ("weight",),
    ),
    "scores": Form({"date": "date", "symbol": "text", "score": "number"}, ("date", "symbol"), in_sessions=True),
    "stock_prices": Form(
        {
            "symbol": "text",
            "date": "date",
            "open": "price",
            "close": "price",
            "vwap": "price",
            "adj_factor": "positive",
            "pre_close": "price",
            "volume": "size",
        },
        ("symbol", "date"),
        ("vwap", "adj_factor", "pre_close", "volume"),
        in_sessions=True,
    ),
    "stocks": Form({"symbol": "text", "board": "board", "list_date": "date", "delist_date": "date"}, ("symbol",)),
    "st": Form({"symbol": "text", "in_date": "date", "out_date": "date"}, ("symbol", "in_date")),
    "flags": Form(
        {"code": "text", "date": "date", "buy_blocked": "flag", "sell_blocked": "flag"},
        ("code", "date"),
        in_sessions=True,
    ),
    "industry": Form(
        {"symbol": "text", "industry": "text", "in_date": "date", "out_date": "date"}, ("symbol", "in_date")
    ),
    "consensus": Form(
        {"date": "date", "symbol": "text", "fiscal_year": "year", "net_profit": "number"},
        ("date", "symbol", "fiscal_year"),
    ),
    "financials": Form(
        {
            "symbol": "text",
            "period_end": "quarter_end",
            "announce_date": "date",
            "net_profit": "number",
            "operating_cash_flow": "number",
            "revenue": "number",
            "cost": "number",
        },
        ("symbol", "period_end", "announce_date"),
    ),
    "caps": Form({"symbol": "text", "date": "date", "cap": "size"}, ("symbol", "date")),
    "benchmark": Form({"date": "date", "close": "price"}, ("date",), in_sessions=True),
    "nav": Form({"date": "date", "nav": "price", "benchmark": "price"}, ("date",), increasing=True),
}

QUARTER_ENDS = ("03-31", "06-30", "09-30", "12-31")
BOARDS = ("main", "chinext", "star", "bse")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def is_date(text: str) -> bool:
    """Tell whether a text is an ISO date YYYY-MM-DD."""
    if not ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_valid(value: float | None) -> bool:
    """A price (weight, cap) is valid when it is there, finite and > 0."""
    return value is not None and math.isfinite(value) and value > 0


def not_there(text: str | None) -> bool:
    """An empty CSV field and NaN mean "not there"."""
    return text is None or text.strip() in ("", "NaN", "nan")


def meaning(what: str, text: str | None, where: str) -> Any:
    """Turn one field into its value, None when not there; refuse values that the kind of column forbids."""
    if not_there(text):
        return None
    if what == "text":
        return text
    if what == "board":
        if text not in BOARDS:
            raise BadInput(f"{where}: unknown board {text}")
        return text
    if what in ("date", "quarter_end"):
        if not is_date(text):
            raise BadInput(f"{where}: unreadable date {text}")
        if what == "quarter_end" and text[5:] not in QUARTER_ENDS:
            raise BadInput(f"{where}: {text} is not the end of a calendar quarter")
        return text
    if what == "year":
        if not text.isdigit():
            raise BadInput(f"{where}: unreadable year {text}")
        return int(text)
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"{where}: unreadable number {text}") from None
    if math.isinf(value):
        raise BadInput(f"{where}: infinite value {text}")
    if what in ("price", "size") and value < 0:
        raise BadInput(f"{where}: negative value {text}")
    if what == "positive" and value <= 0:
        raise BadInput(f"{where}: must be > 0, is {text}")
    if what == "flag" and value not in (0, 1):
        raise BadInput(f"{where}: a flag is 0 or 1, is {text}")
    return value


def typed(name: str, rows: list[dict[str, str]], needs: tuple[str, ...]) -> list[Row]:
    """Turn rows of text into rows of values, and check columns, keys and values of one table."""
    form = FORMS[name]
    present = set(rows[0]) if rows else set(form.columns)
    for column in form.columns:
        if column not in present and (column not in form.optional or column in needs):
            raise BadInput(f"{name}: the column {column} is not there")
    result, seen = [], set()
    for row in rows:
        where = name + "".join(f" {row.get(column)}" for column in form.key)
        values = {
            column: meaning(what, row.get(column), f"{where}: {column}")
            for column, what in form.columns.items()
            if column in present
        }
        key = tuple(values[column] for column in form.key)
        if None in key:
            raise BadInput(f"{where}: an empty key")
        if name == "stocks" and values["board"] is None:
            raise BadInput(f"{where}: the board is empty")
        if key in seen:
            raise BadInput(f"{where}: a duplicate key")
        seen.add(key)
        if form.increasing and result and values["date"] <= result[-1]["date"]:
            raise BadInput(f"{where}: dates must increase strictly")
        if form.spell and values["out_date"] is not None and values["out_date"] <= values["in_date"]:
            raise BadInput(f"{where}: out_date {values['out_date']} is not after in_date")
        if name == "nav" and not (is_valid(values["nav"]) and is_valid(values["benchmark"])):
            raise BadInput(f"{where}: nav {row.get('nav')} or benchmark {row.get('benchmark')} is not valid")
        result.append(values)
    return result


def refuse_sentinels(scores: list[Row]) -> None:
    """A score whose |score| is more than 1e6 times the median |score| of its date (>= 3 scores, median > 0)."""
    by_date: dict[str, list[Row]] = {}
    for row in scores:
        if row["score"] is not None:
            by_date.setdefault(row["date"], []).append(row)
    for day, rows in by_date.items():
        middle = median(abs(row["score"]) for row in rows)
        if len(rows) < 3 or middle <= 0:
            continue
        for row in rows:
            if abs(row["score"]) > 1e6 * middle:
                raise BadInput(f"scores {day} {row['symbol']}: {row['score']} looks like a sentinel")


def load(
    tables: dict[str, list[dict[str, str]]],
    known: tuple[str, ...],
    needed: dict[str, tuple[str, ...]],
) -> dict[str, list[Row]]:
    """Check every known table that is given; `needed` maps tables that must be there to columns that must be."""
    for name in needed:
        if name not in tables:
            raise BadInput(f"the table {name} is not there")
    data = {name: typed(name, tables[name], needed.get(name, ())) for name in known if name in tables}
    sessions = {row["date"] for row in data.get("sessions", [])}
    for name, rows in data.items():
        if FORMS[name].in_sessions:
            for row in rows:
                if row["date"] not in sessions:
                    key = " ".join(row[column] for column in FORMS[name].key)
                    raise BadInput(f"{name} {key}: {row['date']} is not in sessions")
    if "scores" in data:
        refuse_sentinels(data["scores"])
    return data


def covering(spells: list[Row], day: str) -> Row | None:
    """Of one key's spells the one that counts on a session: covering it, with the latest in_date."""
    found = [
        spell for spell in spells if spell["in_date"] <= day and (spell["out_date"] is None or day < spell["out_date"])
    ]
    return max(found, key=lambda spell: spell["in_date"]) if found else None


def by_key_and_date(rows: list[Row], key: str, value: str) -> dict[str, dict[str, Any]]:
    """Arrange rows as name -> date -> value, leaving out what is not there."""
    result: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.get(value) is not None:
            result.setdefault(row[key], {})[row["date"]] = row[value]
    return result
