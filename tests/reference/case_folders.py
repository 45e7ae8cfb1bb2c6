"""Read and write case folders, and compare outputs as section 11 says."""

import csv
import json
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]

COLUMNS = {
    "nav.csv": ["date", "nav", "benchmark", "relative", "stale"],
    "signals.csv": ["signal", "code", "score", "coverage", "eligible", "rank", "picked"],
    "executions.csv": ["signal", "execution", "status", "buy", "sell", "cost", "frozen"],
    "holdings.csv": ["execution", "code", "weight"],
    "years.csv": ["year", "return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown"],
    "limits.csv": [
        "symbol",
        "date",
        "upper",
        "lower",
        "buy_blocked_open",
        "sell_blocked_open",
        "buy_blocked_close",
        "sell_blocked_close",
    ],
    "factors.csv": ["date", "industry", "factor", "value"],
    "ic.csv": ["date", "factor", "n", "rank_ic"],
    "quintiles.csv": ["date", "factor", "quintile", "return"],
}
# Columns of real numbers, compared with a tolerance; everything else is compared as text.
REAL = {
    "nav", "benchmark", "relative", "score", "coverage", "buy", "sell", "cost", "weight", "return", "excess",
    "max_drawdown", "excess_max_drawdown", "upper", "lower", "value", "rank_ic",
}  # fmt: skip


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_case(folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, str]]]]:
    """Return (params, tables of text)."""
    params = json.loads((folder / "params.json").read_text())
    return params, {path.stem: read_rows(path) for path in sorted((folder / "inputs").glob("*.csv"))}


def read_files(folder: Path) -> dict[str, Any]:
    """Return file name -> rows or dict, of every file in a folder."""
    return {
        path.name: json.loads(path.read_text()) if path.suffix == ".json" else read_rows(path)
        for path in sorted(folder.iterdir())
    }


def read_expected(folder: Path) -> dict[str, Any]:
    return read_files(folder / "expected")


def write_rows(path: Path, rows: Rows, columns: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([["" if row[c] is None else as_text(row[c]) for c in columns] for row in rows])


def write_case(folder: Path, params: dict[str, Any], tables: dict[str, Rows], expected: dict[str, Any]) -> None:
    """Write a case folder that `read_case` and `read_expected` read back."""
    for part in ("inputs", "expected"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "params.json").write_text(json.dumps(params, indent=1) + "\n")
    for name, rows in tables.items():
        write_rows(folder / "inputs" / f"{name}.csv", rows, list(rows[0]) if rows else [])
    for name, content in expected.items():
        path = folder / "expected" / name
        if name.endswith(".json"):
            path.write_text(json.dumps(content, indent=1) + "\n")
        else:
            write_rows(path, content, COLUMNS[name])


def as_text(value: Any) -> str:
    """One cell as it stands in a CSV file: empty when missing, floats by repr."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return repr(float(value))
    return str(value)


# Columns of numbers far below 1: 1e-9 would hide a wrong acceleration, which is a millionth a session squared.
SMALL = {"value"}


def is_close(left: float, right: float, tolerance: float, unit: float = 1.0) -> bool:
    """Absolute (in units) or relative."""
    return abs(left - right) <= tolerance * max(unit, abs(left), abs(right))


def cell_differs(column: str, wanted: Any, found: Any) -> bool:
    left, right = as_text(wanted), as_text(found)
    if left == right:
        return False
    if column not in REAL or left == "" or right == "":
        return True
    return not is_close(float(left), float(right), 1e-9, 1e-4 if column in SMALL else 1.0)


def table_differences(name: str, wanted: Rows, found: Rows) -> list[str]:
    if len(wanted) != len(found):
        return [f"{name}: {len(wanted)} rows wanted, {len(found)} found"]
    if wanted and list(found[0]) != COLUMNS[name]:
        return [f"{name}: columns {list(found[0])}"]
    result = []
    for number, (left, right) in enumerate(zip(wanted, found, strict=True), start=1):
        for column in COLUMNS[name]:
            if cell_differs(column, left[column], right[column]):
                row = ",".join(as_text(left[c]) for c in COLUMNS[name][:3])
                result.append(f"{name} row {number} ({row}) {column}: {left[column]} wanted, {right[column]} found")
    return result


def metric_differences(name: str, wanted: Any, found: Any) -> list[str]:
    """Objects key by key, lists item by item, numbers with a tolerance; the rest must be of one type and equal."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        if set(wanted) != set(found):
            return [f"{name}: keys differ: {sorted(set(wanted) ^ set(found))}"]
        return [line for key in wanted for line in metric_differences(f"{name} {key}", wanted[key], found[key])]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True), start=1)
        return [line for place, pair in pairs for line in metric_differences(f"{name} {place}", *pair)]
    if isinstance(wanted, float) and isinstance(found, int | float) and not isinstance(found, bool):
        same = is_close(wanted, found, 1e-7)
    else:
        same = type(wanted) is type(found) and wanted == found
    return [] if same else [f"{name}: {wanted} wanted, {found} found"]


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Every difference between two outputs, one line each; empty when they agree."""
    if set(wanted) != set(found):
        return [f"files differ: {sorted(set(wanted) ^ set(found))}"]
    result = []
    for name in sorted(wanted):
        compare = metric_differences if name.endswith(".json") else table_differences
        result += compare(name, wanted[name], found[name])
    return result
