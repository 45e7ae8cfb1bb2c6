"""The tear sheet of the main score: what it ranks, how steadily, in which layers, and for how long."""

from typing import Any

from fusion_factor.report.blocks import Block, Column, Figure, Heat, Note, Section, Table, Tile, Tiles
from fusion_factor.report.data import ReportData, ScoreData
from fusion_factor.report.figures import Line, Panel, bars, over_time
from fusion_factor.report.labels import score_colour, score_label
from fusion_factor.report.numbers import number, rounded, shown
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import (
    floats,
    layer_paths,
    long_short_sum,
    monthly_means,
    moving_mean,
    running_sum,
)
from fusion_factor.report.sections.facts import absent, label_words, main_score, rhythm_words, score_words, summary_row
from fusion_factor.report.sections.tear_splits import decay, industries, other_readings, sizes, years

SMOOTHED = 12
FULL_HEAT = 0.15


def tear_sheet(data: ReportData) -> Section:
    """Everything about one score: RankIC over time and by month, layers, decay, years, sizes, industries, readings."""
    name = main_score(data)
    score = data.scores.get(name) if name else None
    explain = (
        "The score on its own, before any strategy. At each date stocks are ranked by the score; RankIC is the rank "
        f"correlation with the return {label_words(data)} (T is the date), {rhythm_words(data)}. 0% is no skill, and "
        "a few percent on every date are much. No costs are paid here."
    )
    if name is None or score is None:
        note = absent(data, "There is no score to show", "evaluate")
        return Section("score", "Tear sheet of the score", "Tear sheet", explain, [note])
    blocks: list[Block | None] = [_tiles(data, name, score)]
    blocks += _over_dates(name, score)
    blocks += _layers(name, score)
    blocks += [decay(score), _names(name, score)]
    blocks += [*years(score), *sizes(score), *industries(score), other_readings(data)]
    missing = [what for piece, what in _LATER.items() if not score.metrics.get(piece)]
    if missing:
        blocks.append(Note((f"Not in this evaluation: {', '.join(missing)}.",), "absent"))
    drawn = [piece for piece in blocks if piece is not None]
    return Section("score", f"Tear sheet: {score_label(name)}", "Tear sheet", explain, drawn)


_LATER = {
    "decay": "decay by horizon",
    "by_year": "figures by year",
    "by_size": "figures by size",
    "by_industry": "figures by industry",
}


def _tiles(data: ReportData, name: str, score: ScoreData) -> Tiles:
    metrics, colour = score.metrics, score_colour(name)
    row = summary_row(data, name)
    figures: dict[str, Any] = {} if row is None else dict(row)
    stats, spread = part(metrics, "rank_ic"), part(metrics, "long_short")
    dates = f"{shown(stats.get('count'), 'int')} dates"
    t, apart = (shown(of.get(key), "num1") for of, key in ((stats, "nw_t"), (spread, "t")))
    top, turnover = number(metrics.get("top_excess_annual")), shown(metrics.get("top_turnover"), "pct1")
    found = (
        ("RankIC", number(stats.get("mean")), "pct", score_words(data, name, "rank_ic"), dates),
        ("ICIR", number(stats.get("ir")), "num2", f"t (Newey-West) {t}", "not annualised"),
        ("Dates with RankIC above 0", number(stats.get("positive")), "pct1", f"of {dates}", ""),
        (
            "Top layer: annual excess", top, "pct", score_words(data, name, "top_excess"),
            f"months won {shown(figures.get('top_month_hit'), 'pct1')} · turnover {turnover} a date",
        ),
        (
            "Best − worst layer", number(spread.get("mean")), "pct", f"a holding period · t {apart}",
            f"monotonicity {shown(metrics.get('monotonicity'), 'num2')}",
        ),
        (
            "Rank autocorrelation", number(metrics.get("autocorrelation")), "num2", "of scores from date to date",
            f"coverage {shown(metrics.get('coverage'), 'pct1')}",
        ),
    )  # fmt: skip
    tiles = tuple(Tile(label, value, kind, below, colour, more) for label, value, kind, below, more in found)
    return Tiles(tiles)


def _over_dates(name: str, score: ScoreData) -> list[Block]:
    ic = score.ic.dropna(subset=["date"])
    if ic.empty:
        return [Note(("There is no RankIC by date.",), "absent")]
    values, colour = floats(ic["rank_ic"]), score_colour(name)
    each = [
        Line("RankIC of each date", colour, values, "bar", faint=True),
        Line(f"mean of the last {SMOOTHED} dates", colour, moving_mean(values, SMOOTHED), width=2.2),
    ]
    summed = [Line("Cumulative RankIC", "relative", running_sum(values), width=2.0)]
    panels = [Panel("RankIC", "pct1", each, 3, zero=True), Panel("sum of RankIC", "num0", summed, 2, 3, zero=True)]
    title = "RankIC over time, and summed up: a straight rise is a steady signal"
    heat = Heat(
        "score-months",
        "Mean RankIC by month (blue above, orange below zero).",
        tuple(monthly_means(ic["date"], values)),
        FULL_HEAT,
    )
    return [Figure("score-dates", title, over_time(ic["date"], panels, zoom=True), 440), heat]


def _layers(name: str, score: ScoreData) -> list[Block]:
    given = score.metrics.get("layer_excess_mean")
    if not isinstance(given, list) or not given:
        return [Note(("There are no layers.",), "absent")]
    most = len(given)
    colours = [f"layer{round(1 + 9 * layer / max(most - 1, 1))}" for layer in range(most)]
    series = {"name": "mean excess", "colours": colours, "y": rounded(given, 6)}
    labels = [str(layer + 1) for layer in range(most)]
    axis = f"layer (1 = lowest score, {most} = highest)"
    spec = bars(labels, "pct2", [series], axis=axis, prefix="Layer ")
    title = f"Mean excess of each of {most} layers over all names, a holding period"
    blocks: list[Block] = [Figure("score-layers", title, spec, 280, numbers=_layer_numbers(score, given))]
    growth = _growth(name, score)
    return [*blocks, growth]


def _layer_numbers(score: ScoreData, excess: list[Any]) -> Table:
    means, annual = (score.metrics.get(key) or [] for key in ("layer_mean", "layer_annual"))
    rows = []
    for layer, value in enumerate(excess):
        row: dict[str, Any] = {"layer": layer + 1, "excess": number(value)}
        for key, values in (("mean", means), ("annual", annual)):
            row[key] = number(values[layer]) if isinstance(values, list) and layer < len(values) else None
        rows.append(row)
    columns = (
        Column("layer", "Layer", "int"),
        Column("excess", "Mean excess a date", "pct3"),
        Column("mean", "Mean return a date", "pct3"),
        Column("annual", "Annual return", "pct"),
    )
    return Table("score-layers-table", columns, tuple(rows))


def _growth(name: str, score: ScoreData) -> Block:
    overlapping = all(value is None for value in score.metrics.get("layer_annual") or [None])
    dates, paths = layer_paths(score.layers)
    if overlapping or not paths:
        why = "Growth of the layers is not drawn: their holding periods overlap, or there are no layer returns."
        return Note((why,), "absent")
    last = max(paths)
    lines = [
        Line(
            f"Layer {layer}",
            f"layer{round(1 + 9 * (layer - 1) / max(last - 1, 1))}",
            path,
            width=2.6 if layer in (1, last) else 1.3,
        )
        for layer, path in sorted(paths.items(), reverse=True)
    ]
    panels = [Panel("growth against all names", "num2", lines, 3)]
    spread_dates, spread = long_short_sum(score.layers)
    if len(paths) > 1 and len(spread_dates) == len(dates):
        title = f"layer {last} − layer 1, sum"
        panels.append(Panel(title, "pct1", [Line("Best − worst, summed", "relative", spread)], 2, zero=True))
    title = "Growth of each layer against all names (1 = start), and best less worst summed up"
    return Figure("score-growth", title, over_time(dates, panels), 480)


def _names(name: str, score: ScoreData) -> Figure | None:
    ic = score.ic.dropna(subset=["date"])
    ic = ic[floats(ic["n"]) > 0]  # the last dates have no label yet
    if ic.empty:
        return None
    line = Line("names with score and label", score_colour(name), floats(ic["n"]), width=1.6)
    spec = over_time(ic["date"], [Panel("names", "num0", [line], digits=0, zero=True)])
    return Figure("score-names", "Names judged on each date", spec, 240, half=True)
