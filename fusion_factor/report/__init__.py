"""The report: one self-contained HTML page, and the same figures as JSON, from the result files of a run.

It draws and never computes statistics: every figure comes from the folders `scores/`, `evaluate/`, `rotate/` and
`train/` of a run. `load(folder)` reads them into a `ReportData` (missing pieces stay empty and are named),
`render(data, out)` writes the page. The page needs no network and holds its charts library (Apache ECharts).

    >>> from fusion_factor.report import render
    >>> render("runs/default", "runs/default/report")  # doctest: +SKIP
"""

from fusion_factor.report.data import ReportData, ScoreData, StrategyData, load
from fusion_factor.report.page import Rendered, as_json, render
from fusion_factor.report.reading import ScoreTable
from fusion_factor.report.sections import all_sections

__all__ = [
    "Rendered",
    "ReportData",
    "ScoreData",
    "ScoreTable",
    "StrategyData",
    "all_sections",
    "as_json",
    "load",
    "render",
]
