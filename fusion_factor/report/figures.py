"""Chart specifications: plain dicts that `assets/js` turns into charts. Every figure is a function of tables.

A spec of type `time` has packed dates and panels (stacked, sharing the dates) of series; `bars` has categories and
series with optional whiskers; `dots` has categories and points; `curves` has groups of lines over 1, 2, 3, ...;
`grid` has packed dates and rows of values, drawn as coloured cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fusion_factor.report.numbers import packed_dates, rounded
from fusion_factor.report.reshape import Floats


@dataclass(frozen=True)
class Line:
    """One line of a panel: name, colour key, values in step with the panel's dates; shape `line`, `area` or `bar`."""

    name: str
    colour: str
    values: Floats
    shape: str = "line"
    dash: str = ""
    hidden: bool = False
    width: float = 1.8
    faint: bool = False

    def spec(self, digits: int) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "colour": self.colour, "y": rounded(self.values, digits)}
        defaults = {"shape": "line", "dash": "", "hidden": False, "width": 1.8, "faint": False}
        return out | {key: getattr(self, key) for key, usual in defaults.items() if getattr(self, key) != usual}


@dataclass(frozen=True)
class Panel:
    """One of the stacked plots of a time figure: a title on its axis, how values are shown, its share of the height."""

    title: str
    kind: str
    lines: Sequence[Line]
    share: float = 1.0
    digits: int = 4
    zero: bool = False


def over_time(dates: pd.Series, panels: Sequence[Panel], *, zoom: bool = False) -> dict[str, Any]:
    """Lines over dates, in one or more stacked panels."""
    drawn = [
        {
            "title": panel.title,
            "kind": panel.kind,
            "share": panel.share,
            "zero": panel.zero,
            "series": [line.spec(panel.digits) for line in panel.lines],
        }
        for panel in panels
    ]
    return {"type": "time", "dates": packed_dates(dates), "panels": drawn, "zoom": zoom}


def bars(
    categories: Sequence[str],
    kind: str,
    series: Sequence[Mapping[str, Any]],
    *,
    flat: bool = False,
    axis: str = "",
    prefix: str = "",
) -> dict[str, Any]:
    """Bars by category; a series is {name, colour | colours, y, low?, high?, hidden?}; `flat` lays the bars down.

    `prefix` stands before the category in the tooltip, as in "Layer 3".
    """
    spec = {"type": "bars", "categories": list(categories), "kind": kind, "flat": flat, "axis": axis}
    return spec | {"series": list(series)} | ({"prefix": prefix} if prefix else {})


def grid(dates: pd.Series, rows: Sequence[tuple[str, Floats]], colour: str, scale: Mapping[str, Any]) -> dict[str, Any]:
    """Cells by row and date: a row is a name and its values in step with the dates.

    `scale`: {"kind": "rank", "best": ranks up to it are in full colour, "last": the faintest rank}, or {"kind":
    "share"} for weights, where every weight above 0 is in full colour.
    """
    digits = 3 if scale["kind"] == "share" else 0
    cells = [{"name": name, "y": rounded(values, digits)} for name, values in rows]
    return {"type": "grid", "dates": packed_dates(dates), "colour": colour, "scale": dict(scale), "rows": cells}


def dots(categories: Sequence[str], kind: str, series: Sequence[Mapping[str, Any]], axis: str = "") -> dict[str, Any]:
    """Points by category; a series is {name, colour, points: [[category position, value, label]], symbol, size}."""
    return {"type": "dots", "categories": list(categories), "kind": kind, "axis": axis, "series": list(series)}


def curves(kind: str, groups: Sequence[Mapping[str, Any]], x_title: str, y_title: str) -> dict[str, Any]:
    """Many thin lines over 1, 2, 3, ...; a group is {name, colour, dash, lines: [{name, y}]}."""
    return {"type": "curves", "kind": kind, "groups": list(groups), "x": x_title, "y": y_title}
