"""Numbers as people read them: the only place where rounding happens."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

MISSING = "—"
MINUS = "−"


def number(value: Any) -> float | None:
    """A finite float, or None for whatever is missing or no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        result = float(value)
    except (TypeError, ValueError):
        return None
    return result if np.isfinite(result) else None


def _fixed(value: float, digits: int, suffix: str = "") -> str:
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(char in "123456789" for char in text)
    return f"{MINUS if negative else ''}{text}{suffix}"


def shown(value: Any, kind: str) -> str:
    """`value` as text.

    Kinds: `pct` (2 decimals), `pct0`, `pct1`, `pct3`; `plus`, `plus1` (percent that shows its sign above zero too);
    `num1`, `num2`, `num3`, `int`, `year`, `date`, `sign`; `text`, and as text with other dress `long` and `soft`;
    `mark` (text or nothing at all). Missing values are a dash.
    """
    if kind == "date":
        return MISSING if value is None or value != value or value == "" else str(value)[:10]
    if kind in ("text", "long", "soft"):
        return MISSING if value is None or value != value or value == "" else str(value)
    if kind == "mark":
        return str(value) if isinstance(value, str) else ""
    amount = number(value)
    if amount is None:
        return MISSING
    if kind.startswith("plus"):
        text = _fixed(100 * amount, int(kind[4:] or 2), "%")
        return f"+{text}" if amount > 0 and any(char in "123456789" for char in text) else text
    if kind.startswith("pct"):
        return _fixed(100 * amount, int(kind[3:] or 2), "%")
    if kind.startswith("num"):
        return _fixed(amount, int(kind[3:] or 2))
    if kind == "sign":
        return "+" if amount > 0 else MINUS
    return str(round(amount)) if kind == "year" else _fixed(amount, 0)


def interval_words(low: Any, high: Any, level: Any = 0.95, kind: str = "pct1") -> str:
    """An interval in words, and whether zero lies inside: "95% interval 1.2% to 3.4%"."""
    ends = number(low), number(high)
    if ends[0] is None or ends[1] is None:
        return "no interval"
    share = number(level)
    name = "interval" if share is None else f"{shown(share, 'pct0')} interval"
    zero = ", zero inside" if ends[0] <= 0 <= ends[1] else ""
    return f"{name} {shown(ends[0], kind)} to {shown(ends[1], kind)}{zero}"


def rounded(values: Iterable[Any], digits: int) -> list[float | int | None]:
    """Values for a chart, rounded to `digits` decimals to keep the page small; whole numbers lose their point."""
    result: list[float | int | None] = []
    for value in values:
        amount = number(value)
        if amount is None:
            result.append(None)
            continue
        short = round(amount, digits)
        result.append(int(short) if short == int(short) else short)
    return result


def packed_dates(dates: Sequence[Any] | pd.Series) -> list[Any]:
    """Dates as [first ISO date, [days since the one before, ...]]: a fifth of the size of a list of texts."""
    days = pd.DatetimeIndex(pd.to_datetime(pd.Series(list(dates)))).values.astype("datetime64[D]")
    if len(days) == 0:
        return ["", []]
    return [str(days[0]), np.diff(days).astype(int).tolist()]
