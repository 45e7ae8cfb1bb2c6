"""Trades and orders out of a user's Parquet files, a session at a time: only the mapped columns, bad rows counted.

A file per session (`{date}` in the path, also a folder per session with a file per symbol) is read when it is
asked for. Of one file with many sessions only the row groups are read whose stamps touch the session.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.artifacts import hash_of
from fusion_factor.core.errors import DataError
from fusion_factor.market.level2 import (
    BAD_KINDS,
    BUY,
    CLOSING_CALL,
    NO_TAKER,
    OPEN,
    SELL,
    BadRows,
    Orders,
    SessionTicks,
    Trades,
    after_hours,
    in_session,
)
from fusion_factor.market.level2_columns import KIND, Rows, read_rows
from fusion_factor.market.level2_map import FlowMap, parse_flow
from fusion_factor.market.mapping import files_fingerprint, refuse_unknown
from fusion_factor.market.reading import their_columns

HASHED_SESSION_BYTES = 64 << 20
_LARGEST = 2**63 - 1
_K = {kind: k for k, kind in enumerate(BAD_KINDS)}
BoolArray = npt.NDArray[np.bool_]


class MappedTicks:
    """The trades and orders of a `ticks` description; see docs/own-data.md. Files are read on the first question.

    given: {trades: ..., orders: ... (may be left out), resting_only: exchanges such as [SH], amount_tolerance: 0.01}.
    Raises ConfigError and DataError on a description that cannot be.
    """

    def __init__(self, given: Mapping[str, Any], folder: Path) -> None:
        refuse_unknown(given, ("trades", "orders", "resting_only", "amount_tolerance"), "ticks")
        self.trades = parse_flow("trades", given.get("trades") or {}, folder)
        self.orders = parse_flow("orders", given["orders"], folder) if given.get("orders") else None
        self.resting_only = tuple(f".{exchange}" for exchange in given.get("resting_only", ["SH"]) or ())
        self.amount_tolerance = float(given.get("amount_tolerance", 0.01))
        self._described = dict(given)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of both tables."""
        return self.trades.table.files + (() if self.orders is None else self.orders.table.files)

    @cached_property
    def sessions(self) -> npt.NDArray[np.datetime64]:
        """datetime64[D] [Tt], the sessions that have trades."""
        if self.trades.by_session:
            return np.array(sorted(self.trades.files_of))
        stamp = self.trades.table.columns["datetime"].source
        days: set[Any] = set()
        for file in self.trades.table.files:
            for raw in _row_groups(file, self.trades, None, [stamp]):
                days.update(np.unique(read_rows(raw, self.trades, file, None, ("datetime",)).day))
        return np.array(sorted(days), dtype="datetime64[D]")

    def fingerprint(self, session: np.datetime64) -> str | None:
        """A short hash of the session's files and of the description; None where files hold many sessions.

        Of more than 64 MB a session: of names, sizes and times of change.
        """
        flows = [flow for flow in (self.trades, self.orders) if flow is not None]
        if not all(flow.by_session for flow in flows):
            return None
        day = _day(session)
        files = [file for flow in flows for file in flow.files_of.get(day, ())]
        return hash_of([self._described, files_fingerprint(files, HASHED_SESSION_BYTES)])

    def session_ticks(self, session: np.datetime64) -> SessionTicks:
        """Trades and orders of one session, sorted, cleaned, with what was left out. DataError where there are none."""
        day = _day(session)
        trades, ordered = self._rows(self.trades, day), None
        if trades is None:
            raise DataError(f"ticks.trades: none on {day}")
        if self.orders is not None:
            ordered = self._rows(self.orders, day)
        names = sorted({*trades.names, *(() if ordered is None else ordered.names)})
        bad = BadRows(
            np.array(names, dtype=object),
            np.zeros((len(names), len(BAD_KINDS)), np.int64),
            np.zeros(len(names), np.int64),
        )
        made_trades, trade_first = self._clean_trades(trades.onto(names), day, bad)
        made_orders, order_first = _clean_orders(
            None if ordered is None else ordered.onto(names), day, bad, self.orders
        )
        resting = np.array([name.endswith(self.resting_only) for name in names], dtype=bool)
        return SessionTicks(day, bad.symbols, made_trades, trade_first, made_orders, order_first, resting, bad)

    def _rows(self, flow: FlowMap, day: Any) -> Rows | None:
        """All rows of the session; None where no file has any."""
        files = flow.files_of.get(day, ()) if flow.by_session else flow.table.files
        wanted = their_columns(flow.table)
        pieces = [read_rows(raw, flow, file, day) for file in files for raw in _row_groups(file, flow, day, wanted)]
        if not flow.by_session:
            pieces = [piece.kept(piece.day == day) for piece in pieces]
        return Rows.joined([piece for piece in pieces if len(piece.time)])

    def _clean_trades(self, rows: Rows, day: Any, bad: BadRows) -> tuple[Trades, npt.NDArray[np.int64]]:
        """Cancels and after-hours trades go, bad rows are counted and go, the rest is sorted."""
        cancelled = rows.kind == KIND["cancel"]
        if not self.trades.kinds:
            cancelled = (rows.cents <= 0) & ((rows.buy_id > 0) != (rows.sell_id > 0))
        rows = rows.kept(~cancelled & ~after_hours(rows.time))
        side = rows.side
        if "side" not in self.trades.table.columns:
            called = (rows.time < OPEN) | (rows.time >= CLOSING_CALL)
            side = np.where(called, NO_TAKER, np.where(rows.buy_id > rows.sell_id, BUY, SELL)).astype(np.int8)
        wrong = {
            "other_session": rows.day != day,
            "outside_session": ~in_session(rows.time),
            "not_positive": (rows.volume <= 0) | (rows.cents <= 0),
            "unknown_kind": rows.kind == KIND["unknown"],
            "unknown_side": ~rows.known_side,
            "missing_id": (rows.buy_id <= 0) | (rows.sell_id <= 0),
            "repeated_id": rows.buy_id == rows.sell_id,
        }
        if rows.amount is not None:
            paid = rows.cents * (rows.volume / 100.0)
            wrong["amount"] = np.abs(rows.amount - paid) > self.amount_tolerance * np.abs(paid)
        kept, first = _sorted(rows, _count(rows, wrong, bad), len(bad.symbols))
        made = Trades(
            rows.time[kept], rows.cents[kept], rows.volume[kept], rows.buy_id[kept], rows.sell_id[kept], side[kept]
        )
        return made, first


def _clean_orders(
    rows: Rows | None, day: Any, bad: BadRows, flow: FlowMap | None
) -> tuple[Orders, npt.NDArray[np.int64]]:
    """Deletions go, bad rows are counted and go, the rest is sorted; a market order has price 0."""
    if rows is None or flow is None:
        empty = np.zeros(0, np.int64)
        small = empty.astype(np.int32)
        return Orders(small, small, empty, empty, empty.astype(np.int8)), np.zeros(len(bad.symbols) + 1, np.int64)
    rows = rows.kept((rows.kind != KIND["delete"]) & ~after_hours(rows.time))
    market = rows.kind == KIND["market"]
    cents = np.where(market | (rows.cents < 0), 0, rows.cents).astype(np.int32)
    wrong = {
        "other_session": rows.day != day,
        "outside_session": ~in_session(rows.time),
        "not_positive": (rows.volume <= 0) | (rows.cents < 0),
        "unknown_kind": rows.kind == KIND["unknown"],
        "unknown_side": ~rows.known_side,
    }
    if "id" in flow.table.columns:
        wrong["missing_id"] = rows.id <= 0
        wrong["repeated_id"] = (rows.id > 0) & _met_before(rows.code, rows.id)
    kept, first = _sorted(rows, _count(rows, wrong, bad), len(bad.symbols))
    made = Orders(rows.time[kept], cents[kept], rows.volume[kept], rows.id[kept], rows.side[kept])
    return made, first


def _met_before(code: npt.NDArray[np.int32], order_id: npt.NDArray[np.int64]) -> BoolArray:
    """Rows whose id an earlier row of the same symbol has."""
    if not len(code):
        return np.zeros(0, bool)
    count = int(code.max()) + 1
    if order_id.max() < _LARGEST // count and order_id.min() >= 0:  # both in one number, which is the faster way
        return pd.Series(order_id * count + code).duplicated().to_numpy()
    return pd.DataFrame({"code": code, "id": order_id}).duplicated().to_numpy()


def _count(rows: Rows, wrong: Mapping[str, BoolArray], bad: BadRows) -> BoolArray:
    """Add the bad rows to the counts, each under its first reason; the rows that are good."""
    bad.rows[:] += np.bincount(rows.code, minlength=len(bad.rows))
    good = np.ones(len(rows.code), bool)
    for kind, flags in wrong.items():
        found = flags & good
        if found.any():
            bad.counts[:, _K[kind]] += np.bincount(rows.code[found], minlength=len(bad.rows))
            good &= ~found
    return good


def _sorted(rows: Rows, good: BoolArray, n_symbols: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of the good rows by symbol, then time, then sequence (then place in the file), and the offsets."""
    kept = np.flatnonzero(good)
    keys: list[npt.NDArray[Any]] = [rows.time[kept], rows.code[kept]]
    if rows.sequence is not None:
        keys.insert(0, rows.sequence[kept])
    if not _is_sorted(keys):
        kept = kept[np.lexsort(keys)]
    first = np.zeros(n_symbols + 1, np.int64)
    np.cumsum(np.bincount(rows.code[kept], minlength=n_symbols), out=first[1:])
    return kept, first


def _is_sorted(keys: Sequence[npt.NDArray[Any]]) -> bool:
    """Whether rows are in order by the keys, the last one first."""
    tied = np.ones(max(len(keys[0]) - 1, 0), bool)
    for key in reversed(keys):
        step = key[1:] >= key[:-1]
        if not step[tied].all():
            return False
        tied &= key[1:] == key[:-1]
    return True


def _row_groups(file: Path, flow: FlowMap, day: Any, wanted: list[str]) -> Iterator[pa.Table]:
    """The needed columns, by row groups that may hold rows of the day (all for a file of one session)."""
    try:
        source = pq.ParquetFile(file)
        missing = [name for name in wanted if name not in source.schema_arrow.names]
        if missing:
            has = ", ".join(source.schema_arrow.names)
            raise DataError(f"table {flow.table.name}: file {file.name} has no column {missing[0]!r}; it has {has}")
        stamp = flow.table.columns.get("datetime")
        for g in range(source.metadata.num_row_groups):
            if flow.by_session or day is None or _touches(source, g, stamp.source if stamp else "", day):
                yield source.read_row_group(g, columns=wanted, use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"table {flow.table.name}: file {file.name}: {str(error).splitlines()[0]}") from error


def _touches(source: pq.ParquetFile, group: int, stamp: str, day: Any) -> bool:
    """Whether the stamps of a row group may hold the day; yes where the file does not say."""
    place = source.schema_arrow.names.index(stamp)
    statistics = source.metadata.row_group(group).column(place).statistics
    if statistics is None or not statistics.has_min_max or not hasattr(statistics.min, "year"):
        return True
    return np.datetime64(statistics.min, "D") <= day <= np.datetime64(statistics.max, "D")


def _day(session: np.datetime64) -> Any:
    return np.datetime64(session).astype("datetime64[D]")


def open_ticks(config: Mapping[str, Any], folder: Path) -> MappedTicks | None:
    """The trades and orders of a data config (`ticks`), or None where it describes none."""
    given = config.get("ticks")
    return None if not given else MappedTicks(given, folder)
