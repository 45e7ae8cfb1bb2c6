"""Trades and orders in the market folder: `ticks/trades/<session>.parquet` and `ticks/orders/<session>.parquet`.

The folder form is one more mapping: it is read by the same code as a user's own files.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fusion_factor.market.level2_files import MappedTicks

FOLDER = "ticks"
_SAME = ("symbol", "time", "price", "volume", "side", "kind")
MAPPING: dict[str, Any] = {
    "trades": {
        "path": f"{FOLDER}/trades/{{date}}.parquet",
        "columns": {name: name for name in (*_SAME, "buy_id", "sell_id")},
        "units": {"price": "cents"},
        "kinds": {"trade": ["T"], "cancel": ["C"]},
    },
    "orders": {
        "path": f"{FOLDER}/orders/{{date}}.parquet",
        "columns": {name: name for name in (*_SAME, "id")},
        "units": {"price": "cents"},
        "kinds": {"limit": ["A"], "market": ["M"], "delete": ["D"]},
    },
}
TRADE_COLUMNS = ("time", "price", "volume", "buy_id", "sell_id", "side", "kind")
ORDER_COLUMNS = ("time", "price", "volume", "id", "side", "kind")
_TEXTS = {"side": ("B", "S", "N"), "kind": ("T", "C", "A", "M", "D")}


def stored_ticks(folder: Path) -> MappedTicks | None:
    """The trades and orders of a market folder; None where it has none."""
    if not any((folder / FOLDER / "trades").glob("*.parquet")):
        return None
    there = any((folder / FOLDER / "orders").glob("*.parquet"))
    return MappedTicks(MAPPING if there else {"trades": MAPPING["trades"]}, folder)


def write_flow(
    folder: str | Path,
    name: str,
    session: np.datetime64,
    symbols: npt.NDArray[Any],
    code: npt.NDArray[np.int32],
    columns: dict[str, npt.NDArray[Any]],
) -> None:
    """Write one session's `trades` or `orders`, rows sorted by symbol and time.

    code int32 [n]: position of each row's symbol in `symbols`; columns: those of TRADE_COLUMNS or ORDER_COLUMNS, times
    int32 ms after midnight, side and kind as positions in B, S, N and T, C, A, M, D. Times and ids are delta coded: 8
    to 12 bytes a row.
    """
    made: dict[str, Any] = {"symbol": _text(code, list(symbols))}
    for column, values in columns.items():
        made[column] = _text(values, list(_TEXTS[column])) if column in _TEXTS else pa.array(values)
    made["time"] = made["time"].view(pa.time32("ms"))
    target = Path(folder) / FOLDER / name
    target.mkdir(parents=True, exist_ok=True)
    texts = ["symbol", *_TEXTS]
    pq.write_table(
        pa.table(made),
        target / f"{session}.parquet",
        compression="zstd",
        use_dictionary=texts,
        column_encoding={column: "DELTA_BINARY_PACKED" for column in made if column not in texts},
    )


def _text(codes: npt.NDArray[Any], words: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words, pa.string()))
