"""One run to one page: `report.html` (self-contained) and `report.json` (the same figures, unrounded in its tables)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from fusion_factor.core.errors import DataError
from fusion_factor.report import markup
from fusion_factor.report.blocks import Section, figures, plain
from fusion_factor.report.data import ReportData, load
from fusion_factor.report.packing import packed
from fusion_factor.report.sections import all_sections
from fusion_factor.report.thinning import thinned

LIMIT_BYTES = 2_000_000
TARGET_BYTES = 1_500_000
POINTS = (2600, 1300, 650, 300)
# parts of one script: each uses what the ones before it define
SCRIPTS = ("dress", "charts", "grid", "legend", "page")


@dataclass(frozen=True)
class Rendered:
    """The files written, the page's size in bytes, and the most points a line was drawn with."""

    html: Path
    json: Path
    size: int
    points: int


def render(
    results: ReportData | str | Path | Mapping[str, str | Path], out: str | Path, title: str = "Fusion Factor report"
) -> Rendered:
    """Writes the page and its figures as JSON.

    `results` is a `ReportData`, or what `load` takes; `out` a folder (gets `report.html`, `report.json`) or the
    path of an .html file (the JSON lies beside it). Lines are drawn with fewer points when the page would pass
    1.5 MB. Raises DataError when it cannot be made smaller than 2 MB, or when the run folder is not there.
    """
    data = results if isinstance(results, ReportData) else load(results)
    target = Path(out)
    if target.suffix.lower() != ".html":
        target = target / "report.html"
    sections = all_sections(data)
    html, points = _within_target(sections, title, _subtitle(data))
    size = len(html.encode("utf-8"))
    if size >= LIMIT_BYTES:
        raise DataError(f"report: the page has {size:,} bytes, limit {LIMIT_BYTES:,}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    beside = target.with_suffix(".json")
    beside.write_text(as_json(sections, title), encoding="utf-8")
    return Rendered(target, beside, size, points)


def write_page(sections: list[Section], out: str | Path, title: str, subtitle: str = "") -> None:
    """Write sections of tables and notes, without charts, as one self-contained page; the charts library stays out."""
    if any(True for section in sections for _ in figures(section.blocks)):
        raise ValueError("write_page: sections with charts are drawn by render")
    html = Template(_asset("plain.html")).substitute(
        title=markup.escape(title),
        subtitle=markup.escape(subtitle),
        style=_asset("page.css"),
        contents=markup.contents(sections),
        sections="\n".join(markup.section(section) for section in sections),
    )
    Path(out).write_text(html, encoding="utf-8")


def page_of(sections: list[Section], title: str, subtitle: str) -> str:
    """The HTML of a page of some sections, self-contained."""
    return _within_target(sections, title, subtitle)[0]


def as_json(sections: list[Section], title: str) -> str:
    """The page's content: sections with their blocks; missing values are null."""
    content = {"title": title, "sections": [plain(section) for section in sections]}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _within_target(sections: list[Section], title: str, subtitle: str) -> tuple[str, int]:
    html, points = "", POINTS[0]
    for points in POINTS:
        html = _page(sections, title, subtitle, points)
        if len(html.encode("utf-8")) <= TARGET_BYTES:
            break
    return html, points


def _subtitle(data: ReportData) -> str:
    table = data.table
    if table is None:
        return ""
    return f"Scores of {table.symbols:,} stocks, {table.first} to {table.last}"


def _page(sections: list[Section], title: str, subtitle: str, points: int) -> str:
    drawn = [figure for section in sections for figure in figures(section.blocks)]
    specs = {figure.id: packed(thinned(figure.spec, points)) for figure in drawn}
    return Template(_asset("page.html")).substitute(
        title=markup.escape(title),
        subtitle=markup.escape(subtitle),
        style=_asset("page.css"),
        contents=markup.contents(sections),
        sections="\n".join(markup.section(section) for section in sections),
        data=_script_safe(json.dumps(plain(specs), ensure_ascii=False, separators=(",", ":"), allow_nan=False)),
        library=_asset("echarts/echarts.common.min.js"),
        script="\n".join(_asset(f"js/{name}.js") for name in SCRIPTS),
    )


def _asset(name: str) -> str:
    return files("fusion_factor.report").joinpath("assets", *name.split("/")).read_text(encoding="utf-8")


def _script_safe(text: str) -> str:
    """JSON that cannot end the script element it stands in."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
