"""The page in a real browser: charts are drawn, the console is clean, nothing sticks out on a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fusion_factor.report import render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=6000",
)  # fmt: skip
MEASURE = """<script>addEventListener("load", function () { setTimeout(function () {
  document.documentElement.dataset.wide = document.documentElement.scrollWidth + "/" + innerWidth;
}, 300); });</script>"""

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


@pytest.mark.parametrize("width", [1280, 500])
def test_charts_are_drawn_and_the_console_is_clean(page: Path, tmp_path: Path, width: int) -> None:
    measured = tmp_path / "measured.html"
    measured.write_text(page.read_text(encoding="utf-8") + MEASURE, encoding="utf-8")
    result = _browse(measured, tmp_path, f"--window-size={width},1000", "--dump-dom")
    assert "CONSOLE" not in result.stderr
    boxes = re.findall(r'<div class="chart"[^>]*>(.{0,400})', result.stdout, flags=re.S)
    assert len(boxes) > 12
    assert all("<svg" in box for box in boxes)
    assert result.stdout.count('class="legend"') > 8
    sticking, room = map(int, re.findall(r'data-wide="(\d+)/(\d+)"', result.stdout)[0])
    assert sticking <= room


def test_console_errors_would_be_seen(page: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text(encoding="utf-8") + "<script>nothing()</script>", encoding="utf-8")
    assert "CONSOLE" in _browse(broken, tmp_path, "--dump-dom").stderr


def test_a_screenshot_can_be_taken(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    _browse(page, tmp_path, "--window-size=1280,4000", f"--screenshot={picture}")
    # an empty page of this size is a few KB
    assert picture.stat().st_size > 100_000
