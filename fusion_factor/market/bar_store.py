"""The intraday bars of one session, and their file in the market folder (docs/data-format.md).

Legend of axes: s symbol of one session's bars, b bar of a session, f field.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.core.errors import DataError

PRICE_FIELDS = ("open", "high", "low", "close")
BARS_A_SESSION = {1: 240, 5: 48, 15: 16}
_CENTS = np.float32(100)


@dataclass(frozen=True)
class SessionBars:
    """The intraday bars of one session: float32 [S, B] arrays, C-contiguous, symbols in byte order.

    Prices are raw CNY, volume is shares, amount is CNY; B is 240, 48 or 16. A bar without a trade has volume 0 and a
    carried (or NaN) price. The opening auction is in the first bar, the closing auction in the last.
    """

    session: np.datetime64
    symbols: npt.NDArray[Any]
    open: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    close: npt.NDArray[np.float32]
    volume: npt.NDArray[np.float32]
    amount: npt.NDArray[np.float32]
    trades: npt.NDArray[np.float32] | None = None


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


def read_bars(folder: str | Path, session: np.datetime64) -> SessionBars:
    """Read one session's bars. Raises DataError when there is no file, or the grid is not full and sorted."""
    path = Path(folder) / "bars" / f"{session}.parquet"
    if not path.is_file():
        raise DataError(f"market folder {folder}: no bars of {session}")
    table = pq.read_table(path, use_threads=False)
    missing = {"symbol", "bar", *PRICE_FIELDS, "volume", "amount"} - set(table.column_names)
    if missing:
        raise DataError(f"{path}: column {sorted(missing)[0]} is not there")
    symbols, n_bars = _grid(table, path)
    shape = (len(symbols), n_bars)

    def column(name: str) -> npt.NDArray[np.float32]:
        return table[name].to_numpy().astype(np.float32).reshape(shape)

    # dividing (never multiplying by 0.01) gives the float32 nearest to the decimal price
    prices = {name: column(name) / _CENTS for name in PRICE_FIELDS}
    trades = column("trades") if "trades" in table.column_names else None
    return SessionBars(session, symbols, **prices, volume=column("volume"), amount=column("amount"), trades=trades)


def _grid(table: pa.Table, path: Path) -> tuple[npt.NDArray[Any], int]:
    """The symbols and the number of bars of a file's grid; DataError when it is not full and sorted."""
    bar = table["bar"].to_numpy()
    n_bars = int(bar[-1]) + 1 if len(bar) else 0
    if n_bars not in BARS_A_SESSION.values() or len(bar) % n_bars:
        raise DataError(f"{path}: {len(bar)} rows of {n_bars} bars are not a full grid of 240, 48 or 16 bars a symbol")
    symbol = table["symbol"].combine_chunks()
    if not pa.types.is_dictionary(symbol.type):
        symbol = symbol.dictionary_encode()
    codes_sb = symbol.indices.to_numpy().reshape(-1, n_bars)
    names = np.array(symbol.dictionary.to_pylist(), dtype=object)[codes_sb[:, 0]]
    ordered = np.all(codes_sb == codes_sb[:, :1]) and np.all(bar.reshape(-1, n_bars) == np.arange(n_bars))
    if not ordered or np.any(names[1:] <= names[:-1]):
        raise DataError(f"{path}: rows are not sorted by symbol and bar")
    return names, n_bars
