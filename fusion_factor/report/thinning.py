"""Fewer points for long lines, when a page would grow too large. The dates are thinned with their values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fusion_factor.report.reshape import kept_rows


def thinned(spec: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """A `time` spec with at most `most` dates (first and last kept); other specs, and shorter ones, as they are."""
    if spec["type"] != "time":
        return spec
    first, steps = spec["dates"]
    count = len(steps) + 1 if first else 0
    if count <= most:
        return spec
    rows = kept_rows(count, most)
    offsets = np.concatenate([[0], np.cumsum(steps)])[rows]
    panels = [
        panel | {"series": [series | {"y": [series["y"][row] for row in rows]} for series in panel["series"]]}
        for panel in spec["panels"]
    ]
    return {**spec, "dates": [first, np.diff(offsets).astype(int).tolist()], "panels": panels}
