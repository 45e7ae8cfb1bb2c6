"""What the report draws of the text factor: the result tables of the stages `text` and `text_portfolio`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.report.reading import Reader, empty_table

COVERAGE_COLUMNS = ("date", "reports", "covered", "listed", "share")
CALIBRATION_COLUMNS = ("class", "bin", "rows", "lowest", "predicted", "highest", "observed")
BESIDE_COLUMNS = (
    "inputs", "rank_ic", "rank_ic_std", "icir", "positive", "nw_t", "count", "names", "top_turnover", "long_short_mean",
)  # fmt: skip
INTERVAL_COLUMNS = ("figure", "value", "low", "high", "level", "draws", "block")
NAV_COLUMNS = ("date", "nav", "benchmark", "relative", "stale")
YEAR_COLUMNS = ("year", "return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown")


@dataclass(frozen=True)
class TextData:
    """`judgement`: figures of the classifiers; `factor`: of the monthly test; `portfolio`: of the simulation, empty
    where only the first of the two stages was run.
    """

    judgement: Mapping[str, Any] = field(default_factory=dict)
    coverage: pd.DataFrame = field(default_factory=lambda: empty_table(COVERAGE_COLUMNS))
    calibration: pd.DataFrame = field(default_factory=lambda: empty_table(CALIBRATION_COLUMNS))
    factor: Mapping[str, Any] = field(default_factory=dict)
    intervals: pd.DataFrame = field(default_factory=lambda: empty_table(INTERVAL_COLUMNS))
    beside: pd.DataFrame = field(default_factory=lambda: empty_table(BESIDE_COLUMNS))
    nav: pd.DataFrame = field(default_factory=lambda: empty_table(NAV_COLUMNS))
    years: pd.DataFrame = field(default_factory=lambda: empty_table(YEAR_COLUMNS))
    portfolio: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    interval: Mapping[str, Any] = field(default_factory=dict)


def read_text(reader: Reader, folders: Mapping[str, Path]) -> TextData | None:
    """The text factor of a run; None where the run has none."""
    text, portfolio = folders.get("text"), folders.get("text_portfolio")
    if text is None or not (text / "judgement.json").is_file():
        return None
    first: dict[str, Any] = {
        "judgement": reader.mapping(text / "judgement.json"),
        "coverage": reader.table(text / "coverage.csv", COVERAGE_COLUMNS),
        "calibration": reader.table(text / "calibration.csv", CALIBRATION_COLUMNS),
    }
    if portfolio is None or not (portfolio / "metrics.json").is_file():
        return TextData(**first)
    return TextData(
        **first,
        factor=reader.mapping(portfolio / "factor" / "metrics.json"),
        intervals=reader.table(portfolio / "factor" / "intervals.csv", INTERVAL_COLUMNS),
        beside=reader.table(portfolio / "beside.csv", BESIDE_COLUMNS),
        nav=reader.table(portfolio / "nav.csv", NAV_COLUMNS),
        years=reader.table(portfolio / "years.csv", YEAR_COLUMNS),
        portfolio=reader.mapping(portfolio / "metrics.json"),
        params=reader.mapping(portfolio / "params.json"),
        interval=reader.mapping(portfolio / "interval.json"),
    )
