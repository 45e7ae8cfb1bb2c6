"""What every input table looks like: its columns, its key and the rules its values obey. Data only.

This is the only place where column names and value rules are written down; `core.tables` reads them.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "number", "integer", "flag"]


@dataclass(frozen=True)
class Column:
    """One column: its type and which values it may hold.

    `optional`: the column may be absent. `filled`: its fields may not be empty (keys never may).
    `at_least`, `above`: bounds of a number. `choices`: the only texts allowed. `market_only`: known to the
    market store, but no part of a case's table (ignored there).
    """

    name: str
    kind: Kind
    optional: bool = False
    filled: bool = False
    at_least: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    market_only: bool = False


@dataclass(frozen=True)
class Table:
    """One table: columns, key, and the rules that concern several rows.

    `on_sessions`: every `date` must be a session. `increasing`: rows must come with strictly increasing dates.
    `spell`: in_date < out_date. `sentinels`: values far beyond the others of their date are refused.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    on_sessions: bool = False
    increasing: bool = False
    spell: bool = False
    sentinels: bool = False
    quarter_ends: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def _text(name: str) -> Column:
    return Column(name, "text")


def _date(name: str) -> Column:
    return Column(name, "date")


def _amount(name: str, optional: bool = False, market_only: bool = False) -> Column:
    """A price, weight, cap, volume or amount: never negative; 0 is allowed and counts as not valid."""
    return Column(name, "number", optional=optional, at_least=0.0, market_only=market_only)


def _number(name: str, optional: bool = False) -> Column:
    return Column(name, "number", optional=optional)


BOARDS = ("main", "chinext", "star", "bse")

_SPELL = (_date("in_date"), _date("out_date"))

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("sessions", (_date("date"),), ("date",), increasing=True),
        Table(
            "index_prices",
            (_text("code"), _date("date"), _amount("open"), _amount("close"), _amount("amount", optional=True)),
            ("code", "date"),
            on_sessions=True,
        ),
        Table(
            "members",
            (_text("code"), _text("symbol"), *_SPELL, _amount("weight", optional=True)),
            ("code", "symbol", "in_date"),
            spell=True,
        ),
        Table(
            "scores",
            (_date("date"), _text("symbol"), _number("score")),
            ("date", "symbol"),
            on_sessions=True,
            sentinels=True,
        ),
        Table(
            "stock_prices",
            (
                _text("symbol"),
                _date("date"),
                _amount("open"),
                _amount("high", optional=True, market_only=True),
                _amount("low", optional=True, market_only=True),
                _amount("close"),
                _amount("vwap", optional=True),
                Column("adj_factor", "number", optional=True, above=0.0),
                _amount("pre_close", optional=True),
                _amount("volume", optional=True),
                _amount("amount", optional=True, market_only=True),
            ),
            ("symbol", "date"),
            on_sessions=True,
        ),
        Table(
            "stocks",
            (
                _text("symbol"),
                Column("board", "text", filled=True, choices=BOARDS),
                _date("list_date"),
                _date("delist_date"),
            ),
            ("symbol",),
        ),
        Table("st", (_text("symbol"), *_SPELL), ("symbol", "in_date"), spell=True),
        Table(
            "flags",
            (_text("code"), _date("date"), Column("buy_blocked", "flag"), Column("sell_blocked", "flag")),
            ("code", "date"),
            on_sessions=True,
        ),
        Table("industry", (_text("symbol"), _text("industry"), *_SPELL), ("symbol", "in_date"), spell=True),
        Table("caps", (_text("symbol"), _date("date"), _amount("cap")), ("symbol", "date")),
        Table("benchmark", (_date("date"), _amount("close")), ("date",), on_sessions=True),
        Table(
            "consensus",
            (_date("date"), _text("symbol"), Column("fiscal_year", "integer", filled=True), _number("net_profit")),
            ("date", "symbol", "fiscal_year"),
        ),
        Table(
            "financials",
            (
                _text("symbol"),
                _date("period_end"),
                _date("announce_date"),
                _number("net_profit"),
                _number("operating_cash_flow"),
                _number("revenue"),
                _number("cost"),
            ),
            ("symbol", "period_end", "announce_date"),
            quarter_ends=("period_end",),
        ),
        Table(
            "reports",
            (
                _text("report_id"),
                Column("date", "date", filled=True),
                Column("time", "text", optional=True),
                Column("symbol", "text", filled=True),
                *(_text(name) for name in ("broker", "analyst", "title", "abstract")),
                *(_number(name, optional=True) for name in ("forecast_fy1", "forecast_fy2")),
                *(_number(name, optional=True) for name in ("previous_fy1", "previous_fy2", "fiscal_year")),
                *(Column(name, "text", optional=True) for name in ("rating", "attention", "forecast_action")),
            ),
            ("report_id",),
        ),
        Table(
            "nav",
            (
                _date("date"),
                Column("nav", "number", filled=True, above=0.0),
                Column("benchmark", "number", filled=True, above=0.0),
            ),
            ("date",),
            increasing=True,
        ),
    )
}
