"""The file of one session's intraday bars in the market folder (docs/data-format.md).

Legend of axes: s symbol of one session's bars, b bar of a session, f field, r row.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.errors import DataError
from fusion_factor.market.bar_grid import FIELDS, VOLUME, Filling, empty_grid
from fusion_factor.market.session_bars import PRICE_FIELDS, SessionBars
from fusion_factor.market.stamps import MISTAKEN

_CENTS = np.float32(100)
_DESCRIBED = "bar_minutes, hours and early_closes of market.json"


def write_bars(
    folder: str | Path,
    session: np.datetime64,
    symbols: npt.NDArray[Any],
    cents_fsb: npt.NDArray[np.int32],
    volume_sb: npt.NDArray[np.int64],
    amount_sb: npt.NDArray[np.int64],
) -> None:
    """Write one session's bars: the full sorted grid of symbols and bars, prices [4, S, B] in cents.

    Prices are delta coded and volume and amount byte-split: about a quarter of the raw size, and faster to read.
    """
    n_symbols, n_bars = volume_sb.shape
    if list(symbols) != sorted(symbols):
        raise DataError(f"bars of {session}: symbols must be in byte order")
    codes = pa.array(np.repeat(np.arange(n_symbols, dtype=np.int32), n_bars))
    columns: dict[str, Any] = {
        "symbol": pa.DictionaryArray.from_arrays(codes, pa.array(list(symbols), pa.string())),
        "bar": np.tile(np.arange(n_bars, dtype=np.int16), n_symbols),
    }
    columns |= {name: cents_fsb[k].reshape(-1) for k, name in enumerate(PRICE_FIELDS)}
    columns |= {"volume": volume_sb.reshape(-1), "amount": amount_sb.reshape(-1)}
    target = Path(folder) / "bars"
    target.mkdir(parents=True, exist_ok=True)
    encodings = {name: "DELTA_BINARY_PACKED" for name in ("bar", *PRICE_FIELDS)}
    pq.write_table(
        pa.table(columns),
        target / f"{session}.parquet",
        compression="zstd",
        use_dictionary=["symbol"],
        column_encoding=encodings | {"volume": "BYTE_STREAM_SPLIT", "amount": "BYTE_STREAM_SPLIT"},
    )


def write_session(path: Path, bars: SessionBars) -> None:
    """Write one session's bars such that they are read back to the bit, whatever they were read from.

    Prices that are whole cents are written as such (empty ones as nulls), volumes that are whole as integers; where a
    session has others (adjusted prices, shares of a split), the field is written as the float32 that it is, in CNY.
    """
    n_symbols, n_bars = bars.volume.shape
    codes = pa.array(np.repeat(np.arange(n_symbols, dtype=np.int32), n_bars))
    columns: dict[str, Any] = {
        "symbol": pa.DictionaryArray.from_arrays(codes, pa.array(list(bars.symbols), pa.string())),
        "bar": np.tile(np.arange(n_bars, dtype=np.int16), n_symbols),
    }
    columns |= {name: _as_cents(getattr(bars, name).reshape(-1)) for name in PRICE_FIELDS}
    columns["volume"] = _as_whole(bars.volume.reshape(-1))
    columns["amount"] = bars.amount.reshape(-1)
    if bars.trades is not None:
        columns["trades"] = _as_whole(bars.trades.reshape(-1))
    table = pa.table(columns)
    whole = [name for name in PRICE_FIELDS if pa.types.is_integer(table[name].type)]
    split = [name for name in table.column_names if name not in ("symbol", "bar", *whole)]
    encodings = dict.fromkeys(["bar", *whole], "DELTA_BINARY_PACKED") | dict.fromkeys(split, "BYTE_STREAM_SPLIT")
    pq.write_table(table, path, compression="zstd", use_dictionary=["symbol"], column_encoding=encodings)


def _as_cents(price: npt.NDArray[np.float32]) -> Any:
    """int32 cents where each price is the float32 nearest to a whole number of cents, else the prices."""
    empty = np.isnan(price)
    cents = np.rint(np.where(empty, 0.0, price).astype(np.float64) * 100)
    if (np.abs(cents) > np.iinfo(np.int32).max).any():
        return price
    whole = cents.astype(np.int32)
    same = (whole.astype(np.float32) / _CENTS == price) | empty
    return pa.array(whole, mask=empty) if same.all() else price


def _as_whole(values: npt.NDArray[np.float32]) -> Any:
    """int64 where each value is a whole number, else the values."""
    whole = np.isfinite(values) & (values == np.rint(values)) & (np.abs(values) < 2**53)
    return values.astype(np.int64) if whole.all() else values


def read_bars(
    folder: str | Path, session: np.datetime64, n_bars: int = 240, *, file: Path | None = None
) -> SessionBars:
    """Read one session's bars, `n_bars` a symbol, from `file` (None: the plain name in `folder`).

    A full sorted grid is read as it is. Otherwise rows are put on their places, and what has none is counted: a bar
    that the session does not have, a bar given twice, bars that are missing (SessionBars.left_out and missing). Raises
    DataError when there is no file, and for a file of another number of bars.
    """
    path = file or Path(folder) / "bars" / f"{session}.parquet"
    if not path.is_file():
        raise DataError(f"market folder {folder}: no bars of {session}")
    table = pq.read_table(path, use_threads=False)
    absent = {"symbol", "bar", *PRICE_FIELDS, "volume", "amount"} - set(table.column_names)
    if absent:
        raise DataError(f"{path}: column {sorted(absent)[0]} is not there")
    fields = (*FIELDS, "trades") if "trades" in table.column_names else FIELDS
    bar = table["bar"].to_numpy()
    codes, names = _symbols(table)
    size = int(bar[-1]) + 1 if len(bar) else 0
    if not _is_grid(codes, bar, size, names):
        return _placed(table, path, session, fields, (codes, bar, n_bars), names)
    if size != n_bars:
        raise DataError(f"{path}: a grid of {size} bars a symbol, the session has {n_bars} by {_DESCRIBED}")
    values: dict[str, Any] = {name: _values(table, name).reshape(-1, n_bars) for name in fields}
    return SessionBars(session, names[codes[::n_bars]], **values)


def _values(table: pa.Table, name: str) -> npt.NDArray[np.float32]:
    values = table[name].to_numpy().astype(np.float32)
    if name not in PRICE_FIELDS or pa.types.is_floating(table[name].type):
        return values
    # dividing (never multiplying by 0.01) gives the float32 nearest to the decimal price
    return values / _CENTS


def _symbols(table: pa.Table) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The symbol of each row as a position among the names of the file, and these names."""
    symbol = table["symbol"].combine_chunks()
    if not pa.types.is_dictionary(symbol.type):
        symbol = symbol.dictionary_encode()
    return symbol.indices.to_numpy(), np.array(symbol.dictionary.to_pylist(), dtype=object)


def _is_grid(codes: npt.NDArray[Any], bar: npt.NDArray[Any], size: int, names: npt.NDArray[Any]) -> bool:
    """Whether rows are every symbol times every bar, sorted by symbol and bar."""
    if size <= 0 or len(bar) % size:
        return False
    codes_sb, bar_sb = codes.reshape(-1, size), bar.reshape(-1, size)
    if not (np.all(codes_sb == codes_sb[:, :1]) and np.all(bar_sb == np.arange(size))):
        return False
    listed = names[codes_sb[:, 0]]
    return not np.any(listed[1:] <= listed[:-1])


def _placed(
    table: pa.Table,
    path: Path,
    session: np.datetime64,
    fields: tuple[str, ...],
    rows: tuple[npt.NDArray[Any], npt.NDArray[Any], int],
    names: npt.NDArray[Any],
) -> SessionBars:
    """The bars of a file that is no full sorted grid."""
    codes, bar, n_bars = rows[0], rows[1].astype(np.int64), rows[2]
    inside = (bar >= 0) & (bar < n_bars)
    if np.sum(~inside) > MISTAKEN * len(bar) or not len(bar):
        beyond = f"{np.sum(~inside)} of {len(bar)} rows are of no bar"
        raise DataError(f"{path}: {beyond}, the session has {n_bars} by {_DESCRIBED}")
    symbols, s = np.unique(names[np.unique(codes)].astype(str)), np.zeros(len(names), np.int64)
    s[np.unique(codes)] = np.searchsorted(symbols, names[np.unique(codes)].astype(str))
    grid = empty_grid(np.array([session]), symbols.astype(object), fields, n_bars, file=None, memory_limit_gb=np.inf)
    filling, s = Filling(grid), s[codes]
    if not inside.all():
        filling.leave_out(np.zeros_like(bar[~inside]), s[~inside], "outside_session")
    values_fr = [_values(table, name)[inside] for name in fields]
    values_fr[VOLUME:] = [np.nan_to_num(values, nan=0.0) for values in values_fr[VOLUME:]]
    filling.place(np.zeros_like(bar[inside]), s[inside], bar[inside], values_fr)
    return filling.finish().session(0, n_bars)
