"""The page in a real browser: charts are drawn, the console is clean, a phone and paper hold it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fusion_factor.report import page as page_module
from fusion_factor.report import render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=9000",
)  # fmt: skip
# opens every group, walks over the grids with a pointer, and tells how wide the page became
PROBE = """<script>addEventListener("load", function () {
  document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  setTimeout(function () {
    document.querySelectorAll('.chart[aria-label^="Rank at each"]').forEach(function (box) {
      var edge = box.getBoundingClientRect();
      box.dispatchEvent(new PointerEvent("pointermove", { clientX: edge.right - 12, clientY: edge.top + 8 }));
    });
    document.querySelector("table.sortable thead th:nth-child(2)").click();
    document.querySelector(".legend button").click();
    var told = document.documentElement.scrollWidth + "/" + innerWidth;
    document.documentElement.dataset.wide = told;
    parent.postMessage(told, "*");
  }, 3000);
});</script>"""
FRAME = """<!doctype html><body style="margin:0">
<iframe src="{page}" style="border:0;width:390px;height:9000px"></iframe>
<script>addEventListener("message", function (event) {{ document.body.dataset.wide = event.data; }});</script>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium (apt-get install chromium)"),
]


def _browse(page: Path, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(BROWSER), *FLAGS, profile, *flags, page.resolve().as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)


@pytest.fixture(scope="module")
def page(written_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(written_run, tmp_path_factory.mktemp("browser")).html


def _probed(page: Path, folder: Path) -> Path:
    probed = folder / "probed.html"
    probed.write_text(page.read_text(encoding="utf-8") + PROBE, encoding="utf-8")
    return probed


def _width(text: str) -> tuple[int, int]:
    sticking, room = map(int, re.findall(r'data-wide="(\d+)/(\d+)"', text)[0])
    return sticking, room


def test_charts_are_drawn_and_the_console_is_clean(page: Path, tmp_path: Path) -> None:
    result = _browse(_probed(page, tmp_path), tmp_path, "--window-size=1280,1000", "--dump-dom")
    assert "CONSOLE" not in result.stderr
    boxes = re.findall(r'<div class="chart"[^>]*>(.{0,400})', result.stdout, flags=re.S)
    assert len(boxes) > 30
    assert all("<svg" in box for box in boxes)
    assert result.stdout.count('class="legend"') > 8
    sticking, room = _width(result.stdout)
    assert sticking <= room
    # the pointer was at the last signal of the best index of each rotation
    assert result.stdout.count("<div>rank 1, picked</div>") == 3
    assert 'aria-sort="descending"' in result.stdout


def test_nothing_sticks_out_on_a_phone(page: Path, tmp_path: Path) -> None:
    frame = tmp_path / "phone.html"
    frame.write_text(FRAME.format(page=_probed(page, tmp_path).as_uri()), encoding="utf-8")
    result = _browse(frame, tmp_path, "--window-size=600,1000", "--dump-dom")
    assert "CONSOLE" not in result.stderr
    sticking, room = _width(result.stdout)
    assert room == 390
    assert sticking <= room


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(scheme: str) -> None:
    """Contrast of text against its ground is at least 4.5 (WCAG 2.1, AA)."""
    css = (Path(page_module.__file__).parent / "assets" / "page.css").read_text(encoding="utf-8")
    light, dark = css.split("@media", 2)[:2]
    part = light if scheme == "light" else dark
    shades = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part))
    for text in ("ink", "ink-soft", "link"):
        for ground in ("ground", "card"):
            assert _contrast(shades[text], shades[ground]) >= 4.5, (text, ground)
    assert _contrast(shades["ink"], shades["caution"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(code: str) -> float:
    parts = [int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_console_errors_would_be_seen(page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text(encoding="utf-8") + "<script>nothing()</script>", encoding="utf-8")
    assert "CONSOLE" in _browse(broken, tmp_path, "--dump-dom").stderr


def test_a_screenshot_can_be_taken(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    _browse(page, tmp_path, "--window-size=1280,4000", f"--screenshot={picture}")
    # an empty page of this size is a few KB
    assert picture.stat().st_size > 100_000


def test_it_can_be_printed(page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"
    _browse(page, tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    # groups are opened for paper: without them there are half as many pages
    assert len(re.findall(rb"/Type /Page\b", content)) > 20
