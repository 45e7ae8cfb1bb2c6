"""Parts of the tear sheet: decay by horizon, years, thirds of size, industries, and the score judged in other ways."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fusion_factor.report.blocks import Block, Column, Figure, Table
from fusion_factor.report.data import ReportData, ScoreData
from fusion_factor.report.figures import bars
from fusion_factor.report.labels import score_colour
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reading import part

SIZES = {"1": "smallest third", "2": "middle third", "3": "largest third"}
_SPLIT = (
    Column("rank_ic", "RankIC", "pct"),
    Column("two_se", "± 2 s.e.", "pct", "two standard errors of that mean (Newey-West)"),
    Column("icir", "ICIR", "num2", "mean / standard deviation, not annualised"),
    Column("positive", "> 0", "pct1", "share of dates with a positive RankIC"),
    Column("nw_t", "t (NW)", "num2", "mean / Newey-West standard error"),
    Column("long_short", "Best − worst", "pct", "best layer less worst layer, mean a date"),
    Column("monotonicity", "Monotonicity", "num2", "1: layers in perfect order"),
    Column("count", "Dates", "int"),
)
READINGS = {
    "raw": "raw",
    "none": "raw",
    "industry": "neutral to industry",
    "size": "neutral to size",
    "industry_size": "neutral to industry and size",
}


def decay(score: ScoreData) -> Figure | None:
    """Mean RankIC by the horizon of the return."""
    given = part(score.metrics, "decay")
    if not given:
        return None
    horizons = sorted(given, key=lambda text: number(text) or 0.0)
    values = [number(given[horizon]) for horizon in horizons]
    series = {"name": "mean RankIC", "colour": score_colour(score.name), "y": rounded(values, 5)}
    spec = bars(horizons, "pct1", [series], axis="sessions that the return spans", prefix="Horizon ")
    columns = (Column("horizon", "Horizon, sessions", "int"), Column("rank_ic", "Mean RankIC", "pct"))
    rows = tuple({"horizon": number(key), "rank_ic": value} for key, value in zip(horizons, values, strict=True))
    title = "Decay: mean RankIC by horizon"
    return Figure("score-decay", title, spec, 240, numbers=Table("score-decay-table", columns, rows), half=True)


def years(score: ScoreData) -> list[Block]:
    """RankIC of each calendar year."""
    split = part(score.metrics, "by_year")
    rows = _rows(split, sorted(split), lambda year: year)
    return _figure("score-years", "RankIC by calendar year", score, rows, Column("part", "Year"), half=True)


def sizes(score: ScoreData) -> list[Block]:
    """RankIC among the small, the middle and the large names."""
    split = part(score.metrics, "by_size")
    rows = _rows(split, sorted(split), lambda third: SIZES.get(third, third))
    title = "RankIC by size (thirds of market value on each date)"
    return _figure("score-sizes", title, score, rows, Column("part", "Size"), half=True)


def industries(score: ScoreData) -> list[Block]:
    """RankIC within each industry, best first."""
    split = part(score.metrics, "by_industry")
    rows = _rows(split, sorted(split), lambda name: name)
    rows = [row for row in rows if row["rank_ic"] is not None]
    rows.sort(key=lambda row: -row["rank_ic"])
    title = "RankIC within each industry, best first"
    return _figure("score-industries", title, score, rows, Column("part", "Industry"))


def _rows(split: Mapping[str, Any], names: Sequence[str], label: Any) -> list[dict[str, Any]]:
    rows = []
    for name in names:
        figures = part(split, name)
        stats, spread = part(figures, "rank_ic"), part(figures, "long_short")
        mean, t = number(stats.get("mean")), number(stats.get("nw_t"))
        rows.append(
            {
                "part": label(name),
                "rank_ic": mean,
                "two_se": abs(2 * mean / t) if mean is not None and t else None,
                "icir": number(stats.get("ir")),
                "positive": number(stats.get("positive")),
                "nw_t": t,
                "long_short": number(spread.get("mean")),
                "monotonicity": number(figures.get("monotonicity")),
                "count": number(stats.get("count")),
            }
        )
    return rows


def _figure(
    id: str, title: str, score: ScoreData, rows: Sequence[Mapping[str, Any]], first: Column, half: bool = False
) -> list[Block]:
    """Bars with whiskers of two standard errors and the table behind them; nothing where there are no rows."""
    if not rows:
        return []
    means, two = (
        np.array([np.nan if row[key] is None else row[key] for row in rows], dtype=np.float64)
        for key in ("rank_ic", "two_se")
    )
    series = {
        "name": "RankIC",
        "colour": score_colour(score.name),
        "y": rounded(means, 5),
        "low": rounded(means - two, 5),
        "high": rounded(means + two, 5),
    }
    spec = bars([row["part"] for row in rows], "pct1", [series], flat=not half)
    table = Table(f"{id}-table", (first, *_SPLIT), tuple(rows), "Whiskers are two standard errors (Newey-West).")
    height = 240 if half else 50 + 22 * len(rows)
    return [Figure(id, title, spec, height, numbers=table, half=half)]


def other_readings(data: ReportData) -> Block | None:
    """The main score judged with other labels, raw and neutralised, on other universes."""
    frame = data.readings
    if frame is None or frame.empty:
        return None
    keys = (
        "rank_ic",
        "icir",
        "positive",
        "nw_t",
        "top_excess_annual",
        "long_short_mean",
        "top_turnover",
        "names",
        "count",
    )
    rows: list[dict[str, Any]] = []
    for _, row in frame.iterrows():
        word, *others = str(row["reading"]).split(" ")
        texts = {
            "reading": ", ".join([READINGS.get(word, word), *others]),
            "label": _text(row["label"]),
            "universe": _text(row["universe"]) or "all",
        }
        rows.append(texts | {key: number(row[key]) for key in keys})
    columns = (
        Column("reading", "Score"),
        Column("label", "Return", "text", "the prices between which the return is taken"),
        Column("universe", "Universe"),
        Column("rank_ic", "RankIC", "pct"),
        Column("icir", "ICIR", "num2"),
        Column("positive", "> 0", "pct1"),
        Column("nw_t", "t (NW)", "num2"),
        Column("top_excess_annual", "Top excess p.a.", "pct"),
        Column("long_short_mean", "Best − worst", "pct"),
        Column("top_turnover", "Top turnover", "pct1"),
        Column("names", "Names", "int"),
        Column("count", "Dates", "int"),
    )
    caption = (
        "The same score judged in other ways: neutralised, on returns from other prices, on other universes. "
        "“close lag 1” is the published test, from the close after the signal; “close” starts at a price that the "
        "score has already seen; “open” and “vwap” are those of the next session."
    )
    return Table("score-readings", columns, tuple(rows), caption, sortable=True)


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)
