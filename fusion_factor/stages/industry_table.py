"""The published table of industry factors, ours beside the published figures (METHOD 5.2)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.industry import FactorTest, published_row
from fusion_factor.report import published
from fusion_factor.stages.industry_options import COMPOSITE, IndustryOptions

COLUMNS = (
    "factor", "source", "rank_ic", "rank_ic_low", "rank_ic_high", "rank_ic_std", "icir", "positive", "nw_t", "count",
    "q1", "q1_low", "q1_high", "q5", "q5_low", "q5_high", "month_hit", "start", "end",
)  # fmt: skip


def write_table(path: Path, tests: Mapping[str, FactorTest], options: IndustryOptions) -> None:
    """`table.csv`: a row of ours for each factor, and below it the published one where there is one."""
    rows: list[dict[str, Any]] = []
    for name, test in tests.items():
        rows.append({"factor": name, "source": "ours", **published_row(test, **options.intervals)})
        target = str((options.factors.get(name) or {}).get("published", name)) if name != COMPOSITE else COMPOSITE
        if target in published.INDUSTRY:
            rows.append({"factor": name, "source": "published", **published.INDUSTRY[target]})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.to_csv(path, index=False, date_format="%Y-%m-%d")
