"""Case folders: params.json and inputs/*.csv in, result files out (SEMANTICS 11 and 12).

`CASE_KINDS` names the kinds of this room; a dispatcher that knows further kinds hands its own table to `run_case`.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest.metrics import metrics, years
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.price_limits import limits
from fusion_factor.backtest.result import Result
from fusion_factor.backtest.rotation import RotationData
from fusion_factor.backtest.stocks import StockData
from fusion_factor.core.artifacts import new_artifact
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.table_rules import TABLES
from fusion_factor.core.tables import read_raw

__all__ = ["CASE_KINDS", "read_case", "run_case", "write_case"]

Files = dict[str, pd.DataFrame | dict[str, Any]]
CaseKind = Callable[[dict[str, Any], dict[str, pd.DataFrame]], Files]


def _taken(kind: str, tables: Mapping[str, pd.DataFrame], required: str, optional: str = "") -> dict[str, pd.DataFrame]:
    """The tables that a kind reads; others are left alone, a required one that is not there is refused."""
    for name in required.split():
        if name not in tables:
            raise DataError(f"{name}: the table is missing, but kind {kind} needs it")
    return {name: tables[name] for name in [*required.split(), *optional.split()] if name in tables}


def _only(kind: str, params: Mapping[str, Any], *known: str) -> None:
    for name in params:
        if name not in known:
            raise ConfigError(f"{name}: is no parameter of kind {kind} (known: {', '.join(known) or 'none'})")


def _files(result: Result) -> Files:
    return {
        "nav.csv": result.nav,
        "signals.csv": result.signals,
        "executions.csv": result.executions,
        "holdings.csv": result.holdings,
        "metrics.json": result.metrics,
    }


def _rotation(params: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Files:
    parameters = Parameters.of(params)
    taken = _taken("rotation", tables, "sessions index_prices members scores", "flags benchmark caps")
    return _files(RotationData(**taken).run(parameters))


def _stock_portfolio(params: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Files:
    parameters = Parameters.of(params)
    taken = _taken("stock_portfolio", tables, "sessions scores stock_prices stocks", "st benchmark members")
    return _files(StockData(**taken).run(parameters))


def _metrics(params: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Files:
    _only("metrics", params, "annual_sessions")
    nav = _taken("metrics", tables, "nav")["nav"]
    return {"metrics.json": metrics(nav, **params), "years.csv": years(nav)}


def _limits(params: dict[str, Any], tables: dict[str, pd.DataFrame]) -> Files:
    _only("limits", params)
    return {"limits.csv": limits(**_taken("limits", tables, "sessions stocks stock_prices", "st"))}


CASE_KINDS: dict[str, CaseKind] = {
    "rotation": _rotation,
    "stock_portfolio": _stock_portfolio,
    "metrics": _metrics,
    "limits": _limits,
}


def read_case(folder: str | Path) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    """Kind, parameters and input tables (unchecked text) of a case folder.

    Raises:
        ConfigError, DataError: params.json cannot be read, names a parameter twice or has no kind.
    """
    folder = Path(folder)
    try:
        params = json.loads((folder / "params.json").read_text("utf-8-sig"), object_pairs_hook=_each_once)
    except (OSError, ValueError) as error:
        raise ConfigError(f"params.json: {folder / 'params.json'} cannot be read: {error}") from error
    if not isinstance(params, dict) or not isinstance(params.get("kind"), str):
        raise ConfigError("kind: missing in params.json")
    tables = {}
    for path in sorted((folder / "inputs").glob("*.csv")):
        if path.stem in TABLES:
            table = read_raw(path.stem, path)
            # columns that only a market store knows are "further columns" in a case
            ignored = [column.name for column in TABLES[path.stem].columns if column.market_only]
            tables[path.stem] = table.drop(columns=ignored, errors="ignore")
    return params.pop("kind"), params, tables


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ConfigError(f"{name}: is there twice in params.json")
        found[name] = value
    return found


def run_case(case: str | Path, out: str | Path, kinds: Mapping[str, CaseKind] | None = None) -> None:
    """Run a case folder and put its result files into the folder `out`, replaced as a whole; nothing on an error."""
    kinds = CASE_KINDS if kinds is None else kinds
    kind, params, tables = read_case(case)
    if kind not in kinds:
        raise ConfigError(f"kind: {kind!r} must be one of {', '.join(kinds)}")
    write_case(kinds[kind](params, tables), out)


def write_case(files: Files, out: str | Path) -> None:
    """Write result files: floats by `repr`, whole numbers as integers, nothing for missing, JSON with null."""
    with new_artifact(out) as folder:
        for name, content in files.items():
            written = _json(content) if isinstance(content, dict) else _csv(content)
            (folder / name).write_text(written, encoding="utf-8", newline="")


def _json(content: dict[str, Any]) -> str:
    return json.dumps(_plain(content), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Python's own types, with None for what is missing or not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(table: pd.DataFrame) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*(_fields(table[name]) for name in table.columns), strict=True))
    return stream.getvalue()


def _fields(column: pd.Series) -> list[str]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return ["" if day == "NaT" else day for day in column.to_numpy().astype("datetime64[D]").astype(str)]
    if pd.api.types.is_float_dtype(column.dtype):
        return [
            "" if math.isnan(value) else repr(value) for value in column.to_numpy(np.float64, na_value=np.nan).tolist()
        ]
    return ["" if pd.isna(value) else str(value) for value in column.tolist()]
