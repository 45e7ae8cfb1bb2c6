"""Blocks to HTML. All text is escaped here; charts are empty boxes that `assets/js` fills from the page's data."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from itertools import groupby
from typing import Any

from fusion_factor.report.blocks import (
    Block,
    Column,
    Columns,
    Figure,
    Folded,
    Group,
    Heading,
    Heat,
    Note,
    Section,
    Table,
    Tile,
    Tiles,
    Timeline,
)
from fusion_factor.report.numbers import MISSING, shown

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEFT = {"text", "long", "soft", "mark"}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def section(part: Section) -> str:
    """One section: title, the sentence that explains it, its blocks (half-wide figures side by side)."""
    return (
        f'<section id="{escape(part.id)}"><h2>{escape(part.title)}</h2>'
        f'<p class="explain">{escape(part.explain)}</p>{_blocks(part.blocks)}</section>'
    )


def _blocks(blocks: Sequence[Block]) -> str:
    pieces: list[str] = []
    for half, run in groupby(blocks, key=lambda piece: isinstance(piece, Figure) and piece.half):
        inner = "".join(block(piece) for piece in run)
        pieces.append(f'<div class="halves">{inner}</div>' if half else inner)
    return "".join(pieces)


def contents(parts: list[Section]) -> str:
    """The links of the contents bar."""
    return "".join(f'<a href="#{escape(part.id)}">{escape(part.short)}</a>' for part in parts)


def block(piece: Block) -> str:
    """The HTML of one block."""
    makers: dict[str, Callable[[Any], str]] = {
        "tiles": _tiles,
        "table": _table,
        "heat": _heat,
        "figure": _figure,
        "timeline": _timeline,
        "note": _note,
        "folded": _folded,
        "heading": _heading,
        "columns": _columns,
        "group": _group,
    }
    return makers[piece.type](piece)


def _chip(colour: str) -> str:
    return f'<i class="chip" style="background:var(--c-{escape(colour)})"></i>' if colour else ""


def _tiles(piece: Tiles) -> str:
    return f'<div class="tiles">{"".join(_tile(tile) for tile in piece.tiles)}</div>'


def _tile(tile: Tile) -> str:
    edge = f' style="border-top-color:var(--c-{escape(tile.colour)})"' if tile.colour else ""
    lines = "".join(f'<div class="tile-below">{_unbroken(line)}</div>' for line in (tile.below, tile.more) if line)
    return (
        f'<div class="tile"{edge}><div class="tile-label">{escape(tile.label)}</div>'
        f'<div class="tile-value">{escape(shown(tile.value, tile.kind))}</div>{lines}</div>'
    )


def _table(piece: Table) -> str:
    head = "".join(_head(column) for column in piece.columns)
    body = "".join(_row(piece, position, row) for position, row in enumerate(piece.rows))
    caption = f"<caption>{escape(piece.caption)}</caption>" if piece.caption else ""
    classes = "sortable" if piece.sortable else ""
    empty = "" if piece.rows else f'<tr><td colspan="{len(piece.columns)}">nothing to list</td></tr>'
    table = (
        f'<div class="scroll"><table id="{escape(piece.id)}" class="{classes}">{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}{empty}</tbody></table></div>"
    )
    return f"<details><summary>{escape(piece.folded)}</summary>{table}</details>" if piece.folded else table


def _side(kind: str) -> str:
    return ("l " + kind if kind in ("long", "soft", "mark") else "l") if kind in LEFT else "r"


def _head(column: Column) -> str:
    side = _side(column.kind)
    hint = f' title="{escape(column.hint)}"' if column.hint else ""
    return f'<th scope="col" class="{side}"{hint}>{escape(column.title)}</th>'


def _row(piece: Table, position: int, row: Mapping[str, Any]) -> str:
    colour = piece.colours[position] if position < len(piece.colours) else ""
    cells = []
    for place, column in enumerate(piece.columns):
        kind = row.get("kind", "text") if column.kind == "by_row" else column.kind
        value = row.get(column.key)
        text = escape(shown(value, kind))
        side = _side(column.kind)
        if place == 0:
            cells.append(f'<th scope="row" class="{side}">{_chip(colour)}{text}</th>')
            continue
        cells.append(f"<td>{text}</td>" if side == "r" else f'<td class="{side}">{text}</td>')
    strong = ' class="strong"' if position in piece.strong else ""
    return f"<tr{strong}>{''.join(cells)}</tr>"


def _heat(piece: Heat) -> str:
    head = "".join(f'<th scope="col" class="r">{name}</th>' for name in ("", *MONTHS, "Year"))
    body = []
    for year, months, total in piece.rows:
        cells = "".join(_warm(value, piece) for value in months)
        whole = f'<td class="r whole">{escape(shown(total, piece.kind))}</td>'
        body.append(f'<tr><th scope="row" class="l">{year}</th>{cells}{whole}</tr>')
    return (
        f'<div class="scroll"><table class="heat" id="{escape(piece.id)}"><caption>{escape(piece.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _warm(value: float | None, piece: Heat) -> str:
    if value is None:
        return '<td class="r"></td>'
    strength = min(abs(value) / piece.full_at, 1.0) * 70
    tone = "up" if value > 0 else "down"
    text = escape(shown(value, piece.kind))
    return f'<td class="r {tone}" style="--w:{strength:.0f}%">{text}</td>'


def _figure(piece: Figure) -> str:
    note = f'<p class="figure-note">{escape(piece.note)}</p>' if piece.note else ""
    numbers = f"<details><summary>The numbers</summary>{_table(piece.numbers)}</details>" if piece.numbers else ""
    return (
        f'<figure><figcaption>{escape(piece.title)}</figcaption><div class="chart" data-figure="{escape(piece.id)}" '
        f'style="height:{piece.height}px" role="img" aria-label="{escape(piece.title)}"></div>{note}{numbers}</figure>'
    )


def _timeline(piece: Timeline) -> str:
    days = [day for _, spans in piece.rows for span in spans for day in (_day(span[2]), _day(span[3])) if day]
    if not days:
        return ""
    first, length = min(days), max(max(days) - min(days), 1)
    rows = []
    for label, spans in piece.rows:
        marks = []
        for kind, name, start, end in spans:
            begin, finish = _day(start), _day(end)
            if begin and finish:
                left, width = 100 * (begin - first) / length, 100 * (finish - begin) / length
                title = escape(f"{name}: {start} to {end}")
                marks.append(
                    f'<i class="span-{kind}" style="left:{left:.2f}%;width:{max(width, 0.3):.2f}%" title="{title}"></i>'
                )
        use = next((span for span in spans if span[0] == "use"), None)
        dates = f"{use[2]} to {use[3]}" if use and use[2] != MISSING else ""
        rows.append(
            f'<div class="fold"><b>{escape(label)}</b><span class="fold-bar">{"".join(marks)}</span>'
            f"<em>{escape(dates)}</em></div>"
        )
    names = {span[0]: span[1] for _, spans in piece.rows for span in spans}
    legend = "".join(f'<span><i class="key span-{kind}"></i>{escape(name)}</span>' for kind, name in names.items())
    return (
        f'<figure class="timeline" id="{escape(piece.id)}"><figcaption>{escape(piece.caption)}</figcaption>'
        f'<div class="keys">{legend}<span class="right">dates of use</span></div>{"".join(rows)}</figure>'
    )


def _day(text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None


def _unbroken(text: str) -> str:
    """Text whose dates and separators do not begin a line."""
    kept = escape(text).replace(" · ", "&nbsp;· ")
    return DATE.sub(lambda day: f'<span class="nb">{day[0]}</span>', kept)


def _note(piece: Note) -> str:
    heading = f"<strong>{escape(piece.heading)}</strong>" if piece.heading else ""
    lines = [_unbroken(line) for line in piece.lines]
    body = f"<p>{lines[0]}</p>" if len(lines) == 1 else "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"
    return f'<div class="note {piece.tone}">{heading}{body}</div>'


def _folded(piece: Folded) -> str:
    return f"<details><summary>{escape(piece.summary)}</summary><pre>{escape(piece.text)}</pre></details>"


def _heading(piece: Heading) -> str:
    return f"<h3>{_chip(piece.colour)}{escape(piece.text)}</h3>"


def _columns(piece: Columns) -> str:
    parts = "".join(f'<div class="part">{"".join(block(inner) for inner in part)}</div>' for part in piece.parts)
    return f'<div class="columns">{parts}</div>'


def _group(piece: Group) -> str:
    answer = f'<span class="answer">{escape(piece.answer)}</span>' if piece.answer else ""
    return (
        f'<details class="group"><summary><b>{_unbroken(piece.title)}</b>{answer}</summary>'
        f'<div class="inside">{_blocks(piece.blocks)}</div></details>'
    )
