"""The pieces a page is made of, as plain data: the page and `report.json` are written from the same pieces.

Values in blocks are raw (fractions, floats, text); rounding for people happens in `markup` alone, by each column's
`kind` (see `numbers.shown`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Tile:
    """One big number: what it is, its value and kind, and one or two lines below it."""

    label: str
    value: float | None
    kind: str
    below: str = ""
    colour: str = ""
    more: str = ""


@dataclass(frozen=True)
class Tiles:
    tiles: tuple[Tile, ...]
    type: str = "tiles"


@dataclass(frozen=True)
class Column:
    """A table column: `kind` says how its values are shown; `hint` is the text of its tooltip."""

    key: str
    title: str
    kind: str = "text"
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of raw values by column key. `colours` names a colour for each row's first cell, where not empty."""

    id: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    caption: str = ""
    sortable: bool = False
    colours: tuple[str, ...] = ()
    strong: tuple[int, ...] = ()
    folded: str = ""
    type: str = "table"


@dataclass(frozen=True)
class Heat:
    """Year by month: each row is a year with twelve values and the whole year's, coloured by sign and size."""

    id: str
    caption: str
    rows: tuple[tuple[int, tuple[float | None, ...], float | None], ...]
    full_at: float
    kind: str = "pct1"
    type: str = "heat"


@dataclass(frozen=True)
class Figure:
    """A chart: `spec` is understood by `assets/js`; `numbers` is the same as a table for those who read text."""

    id: str
    title: str
    spec: Mapping[str, Any]
    height: int = 320
    note: str = ""
    numbers: Table | None = None
    half: bool = False
    type: str = "figure"


@dataclass(frozen=True)
class Timeline:
    """Spans in time, one row a fold; each span is (class, label, first date, last date)."""

    id: str
    caption: str
    rows: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]
    type: str = "timeline"


@dataclass(frozen=True)
class Note:
    """A sentence or list of sentences; tone `plain`, `absent` (a piece is not there), or `caution`."""

    lines: tuple[str, ...]
    tone: str = "plain"
    heading: str = ""
    type: str = "note"


@dataclass(frozen=True)
class Folded:
    """Preformatted text behind a line to click, e.g. a resolved configuration."""

    summary: str
    text: str
    type: str = "folded"


@dataclass(frozen=True)
class Heading:
    """A smaller title inside a section, with an optional colour chip."""

    text: str
    id: str = ""
    colour: str = ""
    type: str = "heading"


@dataclass(frozen=True)
class Columns:
    """Lists of blocks side by side where the page is wide enough; tables and notes only."""

    parts: tuple[tuple[Tiles | Table | Heat | Note | Folded | Heading, ...], ...]
    type: str = "columns"


@dataclass(frozen=True)
class Group:
    """Blocks behind a line to click. `answer` is the gist, readable without a click; a printed page shows all of it."""

    title: str
    blocks: "tuple[Block, ...]"
    answer: str = ""
    type: str = "group"


Block = Tiles | Table | Heat | Figure | Timeline | Note | Folded | Heading | Columns | Group


@dataclass(frozen=True)
class Section:
    """One section of the page: `short` stands in the contents bar, `explain` below the title."""

    id: str
    title: str
    short: str
    explain: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    """Every chart among blocks, those inside of groups too, in the order of the page."""
    for piece in blocks:
        if isinstance(piece, Figure):
            yield piece
        elif isinstance(piece, Group):
            yield from figures(piece.blocks)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: NaN and infinities become null, dates text, numpy numbers Python numbers."""
    kind = type(value)
    if kind is int or kind is str or kind is bool or value is None:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray | pd.Series):
        return [plain(item) for item in value]
    if value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return str(value)
