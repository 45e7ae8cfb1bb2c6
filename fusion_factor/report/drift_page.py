"""The page of the daily drift report, drawn from the content of `drift.json`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import write_file
from fusion_factor.report.page import page_of
from fusion_factor.report.sections.drift import drift


def write_drift_page(content: Mapping[str, Any], path: Path, title: str) -> None:
    """Write one self-contained HTML page; a reader sees the old page or the new one."""
    write_file(path, page_of([drift(content)], title, f"Live scores up to {content.get('date')}"))
