"""A user's own holdings, from one CSV file: strategy (optional), code, units; a row with the code CASH holds the cash.

    strategy,code,units
    theme,931151.CSI,12000
    theme,CASH,350000.50

Without the column strategy the rows are those of the one strategy that is asked for.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError

CASH = "CASH"


@dataclass(frozen=True)
class Holdings:
    """Units by code, and cash in CNY."""

    units: dict[str, float]
    cash: float


def read_holdings(path: Path, strategies: list[str]) -> dict[str, Holdings]:
    """Holdings by strategy. DataError naming file, row and value for what cannot be read."""
    if not path.is_file():
        raise DataError(f"holdings: there is no file {path}")
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise DataError(f"holdings: {path} cannot be read ({str(error).splitlines()[0]})") from error
    for name in ("code", "units"):
        if name not in frame:
            raise DataError(f"holdings: {path}: column {name} is missing (there are {', '.join(frame.columns)})")
    if "strategy" not in frame:
        if len(strategies) != 1:
            raise DataError(f"holdings: {path}: column strategy is missing, there are {', '.join(strategies)}")
        frame["strategy"] = strategies[0]
    for name in sorted(set(frame["strategy"]) - set(strategies)):
        raise DataError(f"holdings: {path}: strategy {name!r} is none of {', '.join(strategies)}")
    twice = frame[frame.duplicated(["strategy", "code"])]
    if len(twice):
        raise DataError(f"holdings: {path}: {twice['code'].iloc[0]} of {twice['strategy'].iloc[0]} is there twice")
    frame["number"] = [_number(row, path) for row in frame.itertuples()]
    out = {}
    for key, rows in frame.groupby("strategy"):
        units = dict(zip(rows["code"], rows["number"], strict=True))
        cash = units.pop(CASH, 0.0)
        out[str(key)] = Holdings(units, cash)
    return out


def _number(row: object, path: Path) -> float:
    code, text = str(getattr(row, "code", "")), str(getattr(row, "units", ""))
    if not code.strip():
        raise DataError(f"holdings: {path}: a code is empty")
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"holdings: {path}: units of {code} are {text!r}, not a number") from None
    if not np.isfinite(value) or value < 0:
        raise DataError(f"holdings: {path}: units of {code} are {text}, must be finite and >= 0")
    return value
