"""Long lines of a page in fewer bytes: whole-number steps instead of decimals. `assets/js/dress.js` unpacks them.

Only the page is packed; `report.json` holds the plain values.
"""

from collections.abc import Mapping, Sequence
from typing import Any

FEWEST = 60
MOST_DIGITS = 6


def packed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A `time` or `grid` spec whose long lists `y` are packed; other specs as they are."""
    if spec["type"] == "time":
        panels = [panel | {"series": [_packed(series) for series in panel["series"]]} for panel in spec["panels"]]
        return {**spec, "panels": panels}
    if spec["type"] == "grid":
        return {**spec, "rows": [_packed(row) for row in spec["rows"]]}
    return spec


def _packed(series: Mapping[str, Any]) -> dict[str, Any]:
    values = series["y"]
    return {**series, "y": steps(values) if len(values) >= FEWEST else values}


def steps(values: Sequence[float | None]) -> dict[str, Any]:
    """{"d": decimals, "s": steps}: each step is the change, in units of the last decimal, from the last known value.

    A missing value is a step `null` and changes nothing. Exact for values of at most six decimals.

    >>> steps([1.5, None, 1.25])
    {'d': 2, 's': [150, None, -25]}
    """
    digits = max((_decimals(value) for value in values if value is not None), default=0)
    out: list[int | None] = []
    last = 0
    for value in values:
        if value is None:
            out.append(None)
            continue
        now = round(value * 10**digits)
        out.append(now - last)
        last = now
    return {"d": digits, "s": out}


def _decimals(value: float) -> int:
    return next((digits for digits in range(MOST_DIGITS) if round(value, digits) == value), MOST_DIGITS)
