"""How a user's trade and order files are described: paths by session (and symbol), columns, units, codes of sides and
kinds (docs/own-data.md). Everything that is not known is refused before a file is opened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.mapping import TableMap, parse_table, refuse_unknown

TRADE_COLUMNS = ("symbol", "datetime", "time", "price", "volume", "amount", "buy_id", "sell_id", "side", "kind")
ORDER_COLUMNS = ("symbol", "datetime", "time", "price", "volume", "side", "id", "kind")
_NEEDED = {"trades": ("price", "volume", "buy_id", "sell_id"), "orders": ("price", "volume", "side")}
_SIDES = {"trades": ("buy", "sell", "none"), "orders": ("buy", "sell")}
_KINDS = {"trades": ("trade", "cancel"), "orders": ("limit", "market", "delete")}
_DEFAULT_SIDES = {"trades": {"buy": ["B"], "sell": ["S"], "none": ["N"]}, "orders": {"buy": ["B"], "sell": ["S"]}}
_PLACES = {"date": r"(?P<date>\d{4}-?\d{2}-?\d{2})", "symbol": r"(?P<symbol>[^/]+)", "*": r"[^/]*", "**": r".*"}
_PLACE = re.compile(r"\{date\}|\{symbol\}|\*\*|\*")


@dataclass(frozen=True)
class FlowMap:
    """One mapped table of trades or orders. sides and kinds: our word to the set of their codes, as text."""

    table: TableMap
    pattern: str
    sides: Mapping[str, frozenset[str]]
    kinds: Mapping[str, frozenset[str]]

    @property
    def by_session(self) -> bool:
        """Whether the path holds the session's date."""
        return "{date}" in self.pattern

    @cached_property
    def files_of(self) -> dict[Any, tuple[Path, ...]]:
        """The files of each session. Raises DataError when no path holds a date."""
        found: dict[Any, list[Path]] = {}
        for file in self.table.files:
            date = self._match(file, "date")
            if date is not None:
                digits = date.replace("-", "")
                day = np.datetime64(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}", "D")
                found.setdefault(day, []).append(file)
        if not found:
            raise DataError(f"table {self.table.name}: no path at {self.pattern} holds a date YYYY-MM-DD or YYYYMMDD")
        return {day: tuple(files) for day, files in found.items()}

    def symbol_of(self, file: Path) -> str | None:
        """The symbol in a file's path, where the pattern has one."""
        return self._match(file, "symbol") if "{symbol}" in self.pattern else None

    def _match(self, file: Path, name: str) -> str | None:
        match = self._expression.fullmatch(str(file))
        return None if match is None else match[name]

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        parts, end, seen = [], 0, set()
        for place in _PLACE.finditer(self.pattern):
            word = place[0].strip("{}")
            expression = _PLACES[word] if word not in seen else f"(?P={word})"
            seen.update({word} & {"date", "symbol"})
            parts += [re.escape(self.pattern[end : place.start()]), expression]
            end = place.end()
        return re.compile("".join([*parts, re.escape(self.pattern[end:])]))


def parse_flow(name: str, given: Mapping[str, Any], folder: Path) -> FlowMap:
    """The description of `trades` or `orders` under `ticks`. Raises ConfigError for a key, column or word that is not
    known, DataError where no file is."""
    where = f"ticks.{name}"
    path = str(given.get("path", ""))
    rest = {key: value for key, value in given.items() if key not in ("sides", "kinds")}
    if path:
        rest["path"] = path.replace("{date}", "*").replace("{symbol}", "*")
    table = parse_table(where, rest, folder)
    for file in table.files:
        if file.suffix != ".parquet":
            raise DataError(f"table {where}: file {file.name}: trades and orders are read from Parquet only")
    known = (*(TRADE_COLUMNS if name == "trades" else ORDER_COLUMNS), "sequence")
    refuse_unknown(table.columns, known, f"table {where}: columns")
    for column in _NEEDED[name]:
        if column not in table.columns:
            raise ConfigError(f"table {where}: column {column} is not mapped")
    if "symbol" not in table.columns and "{symbol}" not in path:
        raise ConfigError(f"table {where}: map `symbol`, or put {{symbol}} into the path")
    if "datetime" not in table.columns and not ("time" in table.columns and "{date}" in path):
        raise ConfigError(f"table {where}: map `datetime`, or `time` with {{date}} in the path")
    for column, described in table.columns.items():
        if described.when or described.shift_days:
            raise ConfigError(f"table {where}: column {column}: only a name can be given here")
    sides = _codes(given.get("sides"), _SIDES[name], _DEFAULT_SIDES[name], f"{where}.sides")
    kinds = _codes(given.get("kinds"), _KINDS[name], {}, f"{where}.kinds")
    if ("kind" in table.columns) != bool(kinds):
        raise ConfigError(f"table {where}: `kinds` and the column `kind` need one another")
    return FlowMap(table, str(folder / path), sides, kinds)


def _codes(
    given: Mapping[str, Any] | None, words: tuple[str, ...], default: Mapping[str, Any], where: str
) -> dict[str, frozenset[str]]:
    """Their codes by our word; a code must not stand for two things."""
    given = default if given is None else given
    refuse_unknown(given, words, where)
    found: dict[str, frozenset[str]] = {}
    for word, codes in given.items():
        listed = codes if isinstance(codes, (list, tuple)) else [codes]
        found[word] = frozenset(str(code) for code in listed)
    if len(frozenset().union(*found.values())) < sum(map(len, found.values())):
        raise ConfigError(f"{where}: a code stands for two things in {dict(given)}")
    return found
