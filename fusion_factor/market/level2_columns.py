"""Columns of trade and order files as plain arrays: stamps to ms, prices to cents, codes to sides and kinds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fusion_factor.core.errors import DataError
from fusion_factor.market.cells import keep_rows, to_numbers, to_text
from fusion_factor.market.level2 import BUY, NO_TAKER, SELL
from fusion_factor.market.level2_map import FlowMap
from fusion_factor.market.reading import symbols_of
from fusion_factor.market.symbols import translate

_DAY_MS = 86_400_000
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?")
_SIDES = {"buy": BUY, "sell": SELL, "none": NO_TAKER}
KINDS = ("", "trade", "cancel", "limit", "market", "delete", "unknown")
KIND = {word: np.int8(k) for k, word in enumerate(KINDS)}


@dataclass
class Rows:
    """Rows of one table of a session. code: position in `symbols`; day NaT where the file's name gives it; kind is a
    position in KINDS; a column that is not mapped is 0, amount and sequence None."""

    symbols: list[str]
    code: npt.NDArray[np.int32]
    day: npt.NDArray[np.datetime64]
    time: npt.NDArray[np.int32]
    cents: npt.NDArray[np.int32]
    volume: npt.NDArray[np.int64]
    buy_id: npt.NDArray[np.int64]
    sell_id: npt.NDArray[np.int64]
    id: npt.NDArray[np.int64]
    side: npt.NDArray[np.int8]
    known_side: npt.NDArray[np.bool_]
    kind: npt.NDArray[np.int8]
    amount: npt.NDArray[np.float64] | None
    sequence: npt.NDArray[np.int64] | None

    def kept(self, rows: npt.NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        if rows.all():
            return self
        names = [each.name for each in fields(self) if each.name != "symbols" and getattr(self, each.name) is not None]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def names(self) -> list[str]:
        """The symbols that rows have."""
        there = np.bincount(self.code, minlength=len(self.symbols)) > 0
        return [name for name, used in zip(self.symbols, there, strict=True) if used]

    def onto(self, symbols: Sequence[str]) -> "Rows":
        """The same rows, with codes of a list that has all their symbols."""
        place = {name: k for k, name in enumerate(symbols)}
        lookup = np.array([place.get(name, -1) for name in self.symbols], np.int32)
        return replace(self, symbols=list(symbols), code=lookup[self.code])

    @staticmethod
    def joined(pieces: Sequence["Rows"]) -> "Rows | None":
        """Pieces one below the other; None without any."""
        if len(pieces) < 2:
            return pieces[0] if pieces else None
        symbols = sorted(set().union(*(piece.names for piece in pieces)))
        pieces = [piece.onto(symbols) for piece in pieces]
        names = [each.name for each in fields(Rows) if each.name != "symbols"]
        columns: dict[str, Any] = {}
        for name in names:
            values = [getattr(piece, name) for piece in pieces]
            columns[name] = None if values[0] is None else np.concatenate(values)
        return Rows(symbols, **columns)


def read_rows(raw: pa.Table, flow: FlowMap, file: Path, day: Any, only: Sequence[str] = ()) -> Rows:
    """Rows of theirs in our columns. `only`: read these of our columns, the others stay 0.

    Raises DataError naming table and column for a cell that cannot be read.
    """
    table, where = flow.table, f"table {flow.table.name}"
    if not only:
        kept = np.ones(raw.num_rows, dtype=bool)
        for rule in table.where:
            kept &= keep_rows(raw[rule.column], rule, table.dates, f"{where}: column {rule.column}")
        raw = raw if kept.all() else raw.filter(pa.array(kept))
    mapped = {name: column.source for name, column in table.columns.items() if not only or name in only}
    count = raw.num_rows

    def whole(name: str, scale: float = 1.0) -> npt.NDArray[np.int64]:
        if name not in mapped:
            return np.zeros(count, np.int64)
        return _whole(raw[mapped[name]], scale, f"{where}: column {mapped[name]}")

    days, time = _stamps(raw, mapped, day, where)
    symbols, code = _symbols(raw, flow, file) if not only else ([""], np.zeros(count, np.int32))
    side, known = _codes(raw, mapped.get("side"), flow.sides, where)
    signs = np.array([*(_SIDES[word] for word in flow.sides), NO_TAKER], np.int8)
    kind, known_kind = _codes(raw, mapped.get("kind"), flow.kinds, where)
    kinds = np.array([*(KIND[word] for word in flow.kinds), KIND["unknown"]], np.int8)
    return Rows(
        symbols=symbols, code=code, day=days, time=time,
        cents=whole("price", 100.0 * table.scale("price")).astype(np.int32),
        volume=whole("volume", table.scale("volume")),
        buy_id=whole("buy_id"), sell_id=whole("sell_id"), id=whole("id"),
        side=signs[side], known_side=known,
        kind=kinds[np.where(known_kind, kind, -1)] if "kind" in mapped else np.zeros(count, np.int8),
        amount=to_numbers(raw[mapped["amount"]], where) * table.scale("amount") if "amount" in mapped else None,
        sequence=whole("sequence") if "sequence" in mapped else None,
    )  # fmt: skip


def _symbols(raw: pa.Table, flow: FlowMap, file: Path) -> tuple[list[str], npt.NDArray[np.int32]]:
    """The symbols of the rows in our style, from their column or from the path."""
    given = flow.symbol_of(file)
    if given is None:
        text = to_text(raw[flow.table.columns["symbol"].source], f"table {flow.table.name}: column symbol")
        found = symbols_of(text, raw, flow.table)
        return [str(name) for name in found.categories], found.codes.astype(np.int32)
    exchanges = None if flow.table.exchange is None else [flow.table.exchange]
    name = translate([given], flow.table.symbols, table=flow.table.name, exchanges=exchanges)
    return name, np.zeros(raw.num_rows, np.int32)


def _codes(
    raw: pa.Table, column: str | None, words: Mapping[str, frozenset[str]], where: str
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """For each row the position of its word in `words` (-1: none), and whether its code is known."""
    if column is None:
        return np.full(raw.num_rows, -1, np.int32), np.ones(raw.num_rows, bool)
    text = to_text(raw[column], f"{where}: column {column}")
    sets = list(words.values())
    place = [next((k for k, codes in enumerate(sets) if value in codes), -1) for value in text.categories]
    missing = next((k for k, codes in enumerate(sets) if "" in codes), -1)
    found = np.array([*place, missing], np.int32)[text.codes]
    return found, found >= 0


def _whole(column: pa.ChunkedArray, scale: float, where: str) -> npt.NDArray[np.int64]:
    """Numbers times a scale as whole numbers; a missing cell is 0."""
    if pa.types.is_integer(column.type) and scale == round(scale):
        filled = pc.fill_null(column, 0) if column.null_count else column
        values = filled.to_numpy().astype(np.int64)
        return values if scale == 1.0 else values * round(scale)
    numbers = np.nan_to_num(to_numbers(column, where), nan=0.0, posinf=0.0, neginf=0.0)
    return np.rint(numbers * scale).astype(np.int64)


def _stamps(
    raw: pa.Table, mapped: Mapping[str, str], day: Any, where: str
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int32]]:
    """Day and ms after midnight of each row; the day is the session's own where the rows have no date."""
    if "datetime" in mapped:
        column, place = raw[mapped["datetime"]], f"{where}: column {mapped['datetime']}"
        if pa.types.is_timestamp(column.type):
            return _of_timestamps(column, place)
        if pa.types.is_integer(column.type):
            return _of_digits(column, place)
        raise DataError(f"{place}: is of type {column.type}, must be stamps, or digits YYYYMMDDHHMMSSmmm")
    column, place = raw[mapped["time"]], f"{where}: column {mapped['time']}"
    return np.full(raw.num_rows, day, "datetime64[D]"), _of_times(column, place)


def _of_timestamps(column: pa.ChunkedArray, where: str) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int32]]:
    if column.type.tz is not None:
        raise DataError(f"{where}: stamps carry the time zone {column.type.tz}; give exchange-local stamps without one")
    if column.null_count:
        raise DataError(f"{where}: {column.null_count} stamps are missing")
    ms = column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy()
    days = ms // _DAY_MS
    return days.astype("datetime64[D]"), (ms - days * _DAY_MS).astype(np.int32)


def _of_digits(column: pa.ChunkedArray, where: str) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.int32]]:
    """YYYYMMDDHHMMSSmmm."""
    values = _whole(column, 1.0, where)
    if len(values) and not (values.min() >= 10**16 and values.max() < 10**17):
        raise DataError(f"{where}: {values.min()} is no stamp YYYYMMDDHHMMSSmmm")
    date, clock = np.divmod(values, 10**9)
    distinct, place = np.unique(date, return_inverse=True)
    texts = [f"{d // 10000:04d}-{d // 100 % 100:02d}-{d % 100:02d}" for d in distinct.tolist()]
    return np.array(texts, dtype="datetime64[D]")[place], _of_clock(clock, where)


def _of_times(column: pa.ChunkedArray, where: str) -> npt.NDArray[np.int32]:
    """Times of day: time types, digits HHMMSS or HHMMSSmmm, or text 09:30:00.120."""
    if column.null_count:
        raise DataError(f"{where}: {column.null_count} times are missing")
    if pa.types.is_time(column.type):
        return (column.cast(pa.time64("us")).cast(pa.int64()).to_numpy() // 1000).astype(np.int32)
    if pa.types.is_integer(column.type):
        values = _whole(column, 1.0, where)
        return _of_clock(values * 1000 if len(values) and values.max() < 10**6 else values, where)
    text = to_text(column, where)
    return np.array([_ms_of(value, where) for value in text.categories] or [0], np.int32)[text.codes]


def _of_clock(values: npt.NDArray[np.int64], where: str) -> npt.NDArray[np.int32]:
    """HHMMSSmmm to ms."""
    hours, rest = np.divmod(values, 10**7)
    minutes, rest = np.divmod(rest, 10**5)
    wrong = (hours > 23) | (minutes > 59) | (rest >= 60_000) | (values < 0)
    if wrong.any():
        raise DataError(f"{where}: {values[int(wrong.argmax())]} is no time HHMMSSmmm")
    return ((hours * 60 + minutes) * 60_000 + rest).astype(np.int32)


def _ms_of(text: str, where: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:
        raise DataError(f"{where}: {text!r} is no time such as 09:30:00.120")
    fraction = int((match[4] or "0").ljust(3, "0")[:3])
    return ((int(match[1]) * 60 + int(match[2])) * 60 + int(match[3])) * 1000 + fraction
