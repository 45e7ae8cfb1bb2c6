"""What several sections ask of the results: the main score, a row of the summary, whether the market is simulated,
and confidence intervals in words."""

from collections.abc import Mapping

import pandas as pd

from fusion_factor.report.blocks import Note
from fusion_factor.report.data import PUBLISHED, ReportData, StrategyData
from fusion_factor.report.numbers import interval_words, shown
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import standard_error

HEADLINE_SCORES = ("fused", "fused_neutral", "lf", "hf")


def summary_row(data: ReportData, score: str, label: str = PUBLISHED) -> pd.Series | None:
    """The row of summary.csv for a score and a label, None where there is none."""
    frame = data.summary
    rows = frame[(frame["score"] == score) & (frame["label"] == label)] if len(frame) else frame
    return rows.iloc[0] if len(rows) else None


def label_words(data: ReportData, label: str = PUBLISHED) -> str:
    """The return that a label of summary.csv stands for, such as T+1..T+6."""
    return _words(data, label, "target", f"of the label {label}")


def rhythm_words(data: ReportData, label: str = PUBLISHED) -> str:
    """How often there is a date, such as every 5 sessions."""
    return _words(data, label, "rhythm", "on its dates")


def _words(data: ReportData, label: str, column: str, otherwise: str) -> str:
    rows = data.summary[data.summary["label"] == label]
    words = rows[column].dropna() if column in rows else rows["label"][:0]
    return str(words.iloc[0]) if len(words) else otherwise


def main_score(data: ReportData) -> str | None:
    """The score that the page is about: fused where there is one, else the best known, else the first."""
    names = set(data.scores) | set(data.summary["score"].dropna().astype(str))
    return next((name for name in HEADLINE_SCORES if name in names), min(names, default=None))


def simulated(data: ReportData) -> bool:
    """Whether the market is simulated: some stage's config says so, or an oracle was evaluated."""
    if "oracle" in data.scores or summary_row(data, "oracle") is not None:
        return True
    configs = [manifest.get("config") for manifest in data.manifests.values()]
    kinds = [config.get("data", {}) for config in configs if isinstance(config, Mapping)]
    return any(isinstance(kind, Mapping) and kind.get("kind") == "simulated" for kind in kinds)


def score_interval(data: ReportData, score: str, figure: str, label: str = PUBLISHED) -> pd.Series | None:
    """The row of intervals.csv for a figure of a score, None where there is none."""
    frame = data.intervals
    if frame is None or frame.empty:
        return None
    rows = frame[(frame["score"] == score) & (frame["figure"] == figure) & (frame["label"] == label)]
    return rows.iloc[0] if len(rows) else None


def score_words(data: ReportData, score: str, figure: str) -> str:
    """How sure a figure is: its bootstrap interval, else for RankIC two standard errors, else nothing."""
    row = score_interval(data, score, figure)
    if row is not None:
        return interval_words(row["low"], row["high"], row["level"])
    if figure != "rank_ic":
        return ""
    summary = summary_row(data, score)
    error = standard_error(summary) if summary is not None else None
    return f"± {shown(2 * error, 'pct')} (2 s.e.)" if error is not None else "no interval"


def strategy_words(strategy: StrategyData, figure: str) -> str:
    """The bootstrap interval of a strategy's figure, in words; empty where there is none."""
    given = part(strategy.interval, figure)
    if not given:
        return ""
    return interval_words(given.get("low"), given.get("high"), strategy.interval.get("level"))


def absent(data: ReportData, what: str, path: str) -> Note:
    """Says that a piece is not there, and why."""
    reason = next((why for name, why in data.problems.items() if name.startswith(path)), "")
    return Note((f"{what}: {path}{': ' + reason if reason else ' holds nothing'}.",), "absent")
