"""How results are compared with expected ones: tables to 1e-9, metrics to 1e-7, absolutely or relatively."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.core.tables import read_raw


def read_case(folder: Path) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Parameters and raw tables of a case folder."""
    params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
    return params, {path.stem: read_raw(path.stem, path) for path in sorted((folder / "inputs").glob("*.csv"))}


def as_text(frame: pd.DataFrame) -> list[list[str]]:
    """Header and rows as a case file holds them: ISO dates, repr floats, empty for missing."""

    def cell(value: Any) -> str:
        if isinstance(value, pd.Timestamp):
            return f"{value:%Y-%m-%d}"
        if isinstance(value, float):
            return "" if math.isnan(value) else repr(value)
        return str(value)

    rows = zip(*(frame[name].tolist() for name in frame.columns), strict=True)
    return [list(frame.columns)] + [[cell(value) for value in row] for row in rows]


def read_rows(path: Path) -> list[list[str]]:
    """Header and rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def same_tables(got: list[list[str]], wanted: list[list[str]]) -> None:
    """Same header, rows and order; numbers within 1e-9."""
    assert got[0] == wanted[0]
    assert len(got) == len(wanted)
    for line, (ours, theirs) in enumerate(zip(got[1:], wanted[1:], strict=True), 2):
        for name, a, b in zip(got[0], ours, theirs, strict=True):
            assert a == b or (a and b and close(float(a), float(b), 1e-9)), f"line {line}, {name}: {a} and not {b}"


def same_metrics(got: Any, wanted: Any, where: str = "metrics") -> None:
    """Same keys, types and missing values; numbers within 1e-7."""
    if isinstance(wanted, dict):
        assert isinstance(got, dict), where
        assert sorted(got) == sorted(wanted), where
        for key in wanted:
            same_metrics(got[key], wanted[key], f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(got, list), where
        assert len(got) == len(wanted), where
        for position, (a, b) in enumerate(zip(got, wanted, strict=True)):
            same_metrics(a, b, f"{where}[{position}]")
    elif isinstance(wanted, float):
        assert isinstance(got, float | int), f"{where}: {got} and not {wanted}"
        assert close(got, wanted, 1e-7), f"{where}: {got} and not {wanted}"
    else:
        assert type(got) is type(wanted), f"{where}: {got!r} and not {wanted!r}"
        assert got == wanted, f"{where}: {got!r} and not {wanted!r}"


def close(a: float, b: float, limit: float) -> bool:
    """Within `limit`, absolutely or relatively."""
    return abs(a - b) <= limit * max(1.0, abs(a), abs(b))
