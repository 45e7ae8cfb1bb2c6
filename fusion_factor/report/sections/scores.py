"""The section that compares all scores: chart with whiskers, table, over time, layers, intervals, oracle."""

from typing import Any

import numpy as np

from fusion_factor.report.blocks import Block, Column, Columns, Figure, Group, Note, Section, Table
from fusion_factor.report.data import PUBLISHED, TRAINED, ReportData
from fusion_factor.report.figures import bars
from fusion_factor.report.labels import BASELINES, MEANINGS, SCORES, ordered, score_colour, score_label
from fusion_factor.report.numbers import number, rounded
from fusion_factor.report.reshape import standard_error
from fusion_factor.report.sections.facts import absent, label_words, main_score, rhythm_words, summary_row
from fusion_factor.report.sections.score_paths import layers, over_dates

_COMPARED = (
    Column("score", "Score"),
    Column("rank_ic", "RankIC", "pct", "mean rank correlation with the return"),
    Column("two_se", "± 2 s.e.", "pct", "two standard errors of that mean (Newey-West)"),
    Column("rank_ic_std", "Std", "pct", "standard deviation over the dates"),
    Column("icir", "ICIR", "num2", "mean / standard deviation, not annualised"),
    Column("positive", "> 0", "pct1", "share of dates with a positive RankIC"),
    Column("nw_t", "t (NW)", "num2", "mean / Newey-West standard error"),
    Column("ic", "IC", "pct", "the same with Pearson correlation of the values"),
    Column("top_excess_annual", "Top excess p.a.", "pct", "best layer over the mean of all names, a year, no cost"),
    Column("top_month_hit", "Month hit", "pct1", "share of months in which the best layer beats all names"),
    Column("top_turnover", "Top turnover", "pct1", "share of the best layer that is new at each date, one-sided"),
    Column("long_short_mean", "Best − worst", "pct", "best layer less worst layer, mean a date"),
    Column("coverage", "Coverage", "pct1", "names with a score / names with a price"),
    Column("count", "Dates", "int"),
    Column("names", "Names", "int", "stocks a date, on average"),
)


def _names(data: ReportData, label: str = PUBLISHED) -> list[str]:
    frame = data.summary
    return ordered(frame.loc[frame["label"] == label, "score"].astype(str), SCORES) if len(frame) else []


def compared(data: ReportData) -> Section:
    """HF, LF and fused against simple baselines: a chart with whiskers, the table, and the oracle's measure."""
    explain = (
        "Each score is judged on every date and stock that it covers and that could be bought on the next session "
        "(see the columns Dates and Names: a score of few names or of a short span is not comparable with the "
        f"others): its RankIC with the return {label_words(data)} (T is the date), {rhythm_words(data)}. Whiskers are "
        "two standard errors: scores whose whiskers overlap widely are not clearly different."
    )
    names = _names(data)
    blocks: list[Block] = []
    if not names:
        blocks.append(absent(data, "There is no comparison of scores", "evaluate/summary.csv"))
        return Section("scores", "Scores compared", "Scores", explain, blocks)
    rows = [_compared_row(data, name) for name in names]
    blocks.append(_whiskers("scores-rankic", f"Mean RankIC of each score, {label_words(data)}", names, rows))
    table = Table(
        "scores-table", _COMPARED, tuple(rows), sortable=True,
        colours=tuple(score_colour(name) for name in names), strong=_strong(names, main_score(data)),
    )  # fmt: skip
    blocks.append(table)
    blocks += over_dates(data) + layers(data) + _intervals(data)
    meanings = tuple(f"{score_label(name)}: {MEANINGS[name]}." for name in names if name in MEANINGS)
    what = (Note(meanings or ("Scores of your own.",), "quiet", "What the scores are"), *_missing_scores(names))
    blocks.append(Columns(((_oracle(data),), what)))
    return Section("scores", "Scores compared", "Scores", explain, blocks)


_FIGURES = {"rank_ic": "RankIC", "top_excess": "Top excess"}


def _intervals(data: ReportData) -> list[Block]:
    """Bootstrap intervals of every score."""
    frame = data.intervals
    if frame is None or frame.empty:
        return []
    rows = []
    for name in ordered(frame["score"].dropna().astype(str), SCORES):
        for _, row in frame[frame["score"].astype(str) == name].iterrows():
            texts = {"score": score_label(name), "label": label_words(data, str(row["label"]))}
            texts["figure"] = _FIGURES.get(str(row["figure"]), str(row["figure"]))
            rows.append(texts | {key: number(row[key]) for key in ("value", "low", "high", "level", "draws", "block")})
    columns = (
        Column("score", "Score"),
        Column("label", "Return"),
        Column("figure", "Figure"),
        Column("value", "Value", "pct"),
        Column("low", "Low", "pct"),
        Column("high", "High", "pct"),
        Column("level", "Level", "pct0"),
        Column("block", "Block, dates", "num1", "mean length of the blocks of dates that are drawn together"),
        Column("draws", "Draws", "int"),
    )
    caption = (
        "Confidence intervals by block bootstrap: runs of consecutive dates are drawn again and again, so that "
        "neighbouring dates that resemble each other are not counted as independent."
    )
    table = Table("scores-intervals", columns, tuple(rows), caption, sortable=True)
    return [Group("Confidence intervals", (table,))]


def _strong(names: list[str], main: str | None) -> tuple[int, ...]:
    return (names.index(main),) if main in names else ()


def _compared_row(data: ReportData, name: str) -> dict[str, Any]:
    row = summary_row(data, name)
    assert row is not None
    error = standard_error(row)
    out: dict[str, Any] = {column.key: number(row.get(column.key)) for column in _COMPARED}
    return out | {"score": score_label(name), "two_se": None if error is None else 2 * error}


def _whiskers(id: str, title: str, names: list[str], rows: list[dict[str, Any]]) -> Figure:
    means = np.array([row["rank_ic"] if row["rank_ic"] is not None else np.nan for row in rows], dtype=float)
    two = np.array([row["two_se"] if row["two_se"] is not None else np.nan for row in rows], dtype=float)
    series = {
        "name": "RankIC",
        "colours": [score_colour(name) for name in names],
        "y": rounded(means, 5),
        "low": rounded(means - two, 5),
        "high": rounded(means + two, 5),
    }
    spec = bars([score_label(name) for name in names], "pct", [series], flat=True)
    return Figure(id, title, spec, height=70 + 30 * len(names))


def _missing_scores(names: list[str]) -> tuple[Note, ...]:
    parts = [name for name in ("fused", "hf", "lf", *BASELINES[:3]) if name not in names]
    if not parts:
        return ()
    why = "HF needs intraday bars." if "hf" in parts else "They were not part of this evaluation."
    return (Note((f"Not in this run: {', '.join(score_label(name) for name in parts)}. {why}",), "absent"),)


def _oracle(data: ReportData) -> Note | Table:
    names = _names(data, TRAINED)
    if "oracle" not in names:
        text = (
            "No oracle: only a simulated market knows the signal it was made with, so here nobody can say "
            "which share of it a score recovers."
        )
        return Note((text,), "absent")
    best = summary_row(data, "oracle", TRAINED)
    rows = []
    for name in names:
        row = summary_row(data, name, TRAINED)
        if row is not None:
            share = 1.0 if name == "oracle" else number(row["share_of_oracle"])
            rows.append(
                {
                    "score": score_label(name),
                    "rank_ic": number(row["rank_ic"]),
                    "icir": number(row["icir"]),
                    "share": share,
                }
            )
    limit = number(best["rank_ic"]) if best is not None else None
    columns = (
        Column("score", "Score"),
        Column("rank_ic", f"RankIC {label_words(data, TRAINED)}", "pct"),
        Column("icir", "ICIR", "num2"),
        Column(
            "share",
            "Share of the oracle",
            "pct1",
            "RankIC of the score / RankIC of the oracle, both on the dates and names that they share",
        ),
    )
    caption = (
        "Against the oracle: the simulated market was built with a known signal, and the oracle is that "
        f"signal itself, judged on the return {label_words(data, TRAINED)}. "
        f"Its RankIC of {'—' if limit is None else f'{100 * limit:.2f}%'} is the most that any score can "
        "reach; the share says how much of it each score recovers."
    )
    return Table("oracle", columns, tuple(rows), caption, colours=tuple(score_colour(name) for name in names))
