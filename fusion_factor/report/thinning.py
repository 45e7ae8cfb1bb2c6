"""Fewer points for long lines, when a page would grow too large. The dates are thinned with their values."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fusion_factor.report.reshape import kept_rows


def thinned(spec: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """A `time` or `grid` spec with at most `most` dates (first and last kept); others and shorter ones stay."""
    if spec["type"] not in ("time", "grid"):
        return spec
    first, steps = spec["dates"]
    count = len(steps) + 1 if first else 0
    if count <= most:
        return spec
    rows = kept_rows(count, most)
    offsets = np.concatenate([[0], np.cumsum(steps)])[rows]
    packed = [first, np.diff(offsets).astype(int).tolist()]
    if spec["type"] == "grid":
        return {**spec, "dates": packed, "rows": [_kept(row, rows) for row in spec["rows"]]}
    panels = [panel | {"series": [_kept(series, rows) for series in panel["series"]]} for panel in spec["panels"]]
    return {**spec, "dates": packed, "panels": panels}


def _kept(series: Mapping[str, Any], rows: Iterable[int]) -> dict[str, Any]:
    return {**series, "y": [series["y"][row] for row in rows]}
