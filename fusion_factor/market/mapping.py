"""How a user's files are described: which file, which of their columns is ours, units, symbol style, dates, filters.

The description is plain configuration (see `docs/own-data.md`); here it becomes frozen dataclasses, and every key that
is not known is refused before a file is opened.
"""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import fingerprint, hash_of
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.symbols import check_style

UNITS: dict[str, dict[str, float]] = {
    "price": {"cny": 1.0, "cents": 0.01},
    "volume": {"shares": 1.0, "lots": 100.0},
    "amount": {
        "cny": 1.0,
        "thousand_cny": 1e3,
        "ten_thousand_cny": 1e4,
        "million_cny": 1e6,
        "hundred_million_cny": 1e8,
    },
    "cap": {"cny": 1.0, "thousand_cny": 1e3, "ten_thousand_cny": 1e4, "million_cny": 1e6, "hundred_million_cny": 1e8},
    "weight": {"fraction": 1.0, "percent": 0.01},
    "adj_factor": {"multiply": 1.0, "divide": -1.0},
    "margin": {"fraction": 1.0, "percent": 0.01},
}
UNIT_OF = {name: "price" for name in ("open", "high", "low", "close", "vwap", "pre_close", "price")} | {
    name: name for name in ("volume", "amount", "cap", "weight", "adj_factor")
}
_MONEY = ("net_profit", "operating_cash_flow", "revenue", "cost")
UNIT_OF |= {name: "amount" for name in _MONEY} | {"gross_margin": "margin"}
HASHED_BYTES = 2 << 30
# what is done where nothing is said; "": mistakes stop, what has a rule (a stock in two industries) is told
ON_BAD = {"financials": "error", "consensus": "error", "industry": ""}
SPELL_KINDS = ("intervals", "snapshots", "runs")
_FILTER_KEYS = ("equals", "one_of", "not_one_of", "starts_with", "from", "until", "not_empty")


@dataclass(frozen=True)
class Filter:
    """Keep the rows whose `column` (theirs) passes `test` against `value`."""

    column: str
    test: str
    value: Any


@dataclass(frozen=True)
class Column:
    """One column of theirs; filled only on rows that pass `when`; dates shifted by `shift_days` calendar days."""

    source: str
    when: tuple[Filter, ...] = ()
    shift_days: int = 0


@dataclass(frozen=True)
class SpellRule:
    """How rows become spells: `intervals` (in_date, out_date), `snapshots` (a list per date), `runs` (a row per
    session).

    `out_date` says whether a given out_date is the first day outside (`exclusive`) or the last inside (`inclusive`).
    `backfill` lets the first snapshot of a code count before its date: this LOOKS AHEAD, and the pool's note says so.
    `valid_from` cuts spells to start there: before it the source is known to be incomplete.
    """

    kind: str = "intervals"
    out_date: str = "exclusive"
    backfill: bool = False
    valid_from: str | None = None


@dataclass(frozen=True)
class TableMap:
    """One mapped table. `columns` and `constants` are keyed by our names, `where` and `suspended` speak of their
    columns. `on_bad`: what becomes of rows that cannot be right; `basis`: which of several bases of accounts to use,
    the first where a company starts with two; `within`: spells (symbol, in_date, out_date) that cut these to the times
    when a symbol is inside, such as the members of a broad index."""

    name: str
    files: tuple[Path, ...]
    columns: dict[str, Column]
    constants: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    symbols: str = "suffix"
    exchange: str | None = None
    exchange_column: str | None = None
    dates: str = "auto"
    where: tuple[Filter, ...] = ()
    suspended: tuple[Filter, ...] = ()
    fill: dict[str, float] = field(default_factory=dict)
    spells: SpellRule = SpellRule()
    encoding: str = "utf8"
    separator: str = ","
    on_bad: str = ""
    basis: tuple[str, ...] = ()
    within: "TableMap | None" = None

    def scale(self, column: str) -> float:
        """What a number of theirs is multiplied by to become ours (adj_factor: -1 means divide 1 by it)."""
        kind = UNIT_OF.get(column)
        return 1.0 if kind is None or kind not in self.units else UNITS[kind][self.units[kind]]


def refuse_unknown(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise ConfigError for the first key of `given` that is not in `known`."""
    for key in given:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}, must be one of {', '.join(known)}")


def choice(value: Any, choices: Sequence[Any], where: str) -> Any:
    """The value, if it is one of the choices. Raises ConfigError otherwise."""
    if value not in choices:
        raise ConfigError(f"{where} = {value!r}: must be one of {', '.join(map(str, choices))}")
    return value


def find_files(path: str | Sequence[str], folder: Path, where: str) -> tuple[Path, ...]:
    """The files that a path or pattern names, relative to `folder`, sorted by name; of several, those of each in turn.

    Raises DataError when there is none.
    """
    if not isinstance(path, str):
        if not path:
            raise ConfigError(f"{where}: path is an empty list")
        return tuple(dict.fromkeys(file for one in path for file in find_files(str(one), folder, where)))
    pattern = str(folder / path)
    found = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
    if not found:
        raise DataError(f"{where}: no file at {pattern}")
    for file in found:
        if file.suffix not in (".parquet", ".csv", ".gz"):
            raise DataError(f"{where}: file {file.name} is neither .parquet nor .csv")
    return tuple(found)


def files_fingerprint(files: Sequence[Path], hashed_bytes: int | None = None) -> str:
    """A short hash of the files' contents; of more than 2 GB (`hashed_bytes`) together, of their names, sizes and times
    of change."""
    if sum(file.stat().st_size for file in files) <= (hashed_bytes or HASHED_BYTES):
        return fingerprint(*files)
    return hash_of([(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files])


def parse_filters(given: Sequence[Mapping[str, Any]] | None, where: str) -> tuple[Filter, ...]:
    """Filters `{column: c, equals: v}` and the like; every entry names one column and one test."""
    filters = []
    for entry in given or ():
        refuse_unknown(entry, ("column", *_FILTER_KEYS), where)
        tests = [key for key in entry if key != "column"]
        if "column" not in entry or len(tests) != 1:
            raise ConfigError(f"{where}: filter {dict(entry)} must have `column` and one of {', '.join(_FILTER_KEYS)}")
        filters.append(Filter(str(entry["column"]), tests[0], entry[tests[0]]))
    return tuple(filters)


def _parse_column(name: str, given: Any, where: str) -> Column:
    if isinstance(given, str):
        return Column(given)
    if not isinstance(given, Mapping) or "column" not in given:
        raise ConfigError(
            f"{where}: column {name} = {given!r} must be a name or {{column: name, when: ..., shift_days: ...}}"
        )
    refuse_unknown(given, ("column", "when", "shift_days"), f"{where}: column {name}")
    return Column(str(given["column"]), parse_filters(given.get("when"), where), int(given.get("shift_days", 0)))


def _parse_units(given: Mapping[str, str], where: str) -> dict[str, str]:
    refuse_unknown(given, tuple(UNITS), f"{where}: units")
    return {kind: str(choice(word, tuple(UNITS[kind]), f"{where}: units.{kind}")) for kind, word in given.items()}


def _parse_spells(given: Mapping[str, Any], where: str) -> SpellRule:
    refuse_unknown(given, ("kind", "out_date", "backfill", "valid_from"), f"{where}: spells")
    rule = SpellRule(
        kind=str(choice(given.get("kind", "intervals"), SPELL_KINDS, f"{where}: spells.kind")),
        out_date=str(
            choice(given.get("out_date", "exclusive"), ("exclusive", "inclusive"), f"{where}: spells.out_date")
        ),
        backfill=bool(choice(given.get("backfill", False), (True, False), f"{where}: spells.backfill")),
        valid_from=None if given.get("valid_from") is None else str(given["valid_from"]),
    )
    if rule.backfill and rule.kind != "snapshots":
        raise ConfigError(f"{where}: spells.backfill is for snapshots only, not for {rule.kind}")
    return rule


def _parse_basis(given: Any, where: str) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(v, str) for v in given):
        raise ConfigError(f"{where}: basis = {given!r}: must be a list of texts, the preferred first")
    return tuple(given)


def _path(given: Any) -> str | list[str]:
    """A path, or several of one form."""
    return [str(one) for one in given] if isinstance(given, list | tuple) else str(given)


def parse_table(name: str, given: Mapping[str, Any], folder: Path) -> TableMap:
    """The description of one table. Raises ConfigError for a key or word that is not known, DataError for a missing
    file."""
    where = f"table {name}"
    known = ["path", "columns", "constants", "units", "symbols", "exchange", "exchange_column", "dates", "where"]
    own = (["on_bad"] if name in ON_BAD else []) + (["basis"] if name == "financials" else [])
    refuse_unknown(given, [*known, "suspended", "fill", "spells", "encoding", "separator", "within", *own], where)
    if "path" not in given:
        raise ConfigError(f"{where}: path is missing")
    return TableMap(
        name=name,
        files=find_files(_path(given["path"]), folder, where),
        columns={
            ours: _parse_column(ours, theirs, where)
            for ours, theirs in (given.get("columns") or {}).items()
            if theirs is not None
        },
        constants=dict(given.get("constants") or {}),
        units=_parse_units(given.get("units") or {}, where),
        symbols=check_style(str(given.get("symbols", "suffix")), where),
        exchange=given.get("exchange"),
        exchange_column=given.get("exchange_column"),
        dates=str(given.get("dates", "auto")),
        where=parse_filters(given.get("where"), where),
        suspended=parse_filters(given.get("suspended"), where),
        fill={key: float(value) for key, value in (given.get("fill") or {}).items()},
        spells=_parse_spells(given.get("spells") or {}, where),
        encoding=str(given.get("encoding", "utf8")),
        separator=str(given.get("separator", ",")),
        on_bad=str(choice(given["on_bad"], ("error", "count"), f"{where}: on_bad"))
        if "on_bad" in given
        else ON_BAD.get(name, ""),
        basis=_parse_basis(given.get("basis"), where),
        within=parse_table(f"{name}.within", given["within"], folder) if given.get("within") else None,
    )
