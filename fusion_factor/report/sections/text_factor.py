"""The section of the text factor: what the reports say, how well it is read, and the portfolio of its top layer."""

from typing import Any

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Figure, Note, Section, Table, Tile, Tiles
from fusion_factor.report.data import ReportData
from fusion_factor.report.figures import Line, Panel, bars, over_time
from fusion_factor.report.numbers import interval_words, number, shown
from fusion_factor.report.reading import part
from fusion_factor.report.reshape import below_peak, floats
from fusion_factor.report.text_data import TextData

_COLOUR = "text"
_INPUTS = {"encoder": "Vectors of the encoder", "words": "Word counts", "hashed": "Character n-grams"}
_FIGURES = (
    ("annual_return", "Annual return", "pct"),
    ("annual_excess", "Annual excess", "pct"),
    ("annual_volatility", "Volatility", "pct"),
    ("max_drawdown", "Max drawdown", "pct"),
    ("sharpe", "Sharpe", "num2"),
    ("calmar", "Calmar", "num2"),
)


def text_factor(data: ReportData) -> list[Section]:
    """One section where the run has a text factor, else none."""
    if data.text is None:
        return []
    text = data.text
    explain = (
        "Reports of analysts that revise a forecast or a rating are events. A classifier, fitted on the events of past "
        "months whose returns are known, reads title and abstract of later ones: its score is the log odds of an upper "
        "against a lower class of the abnormal return around the report. A stock's factor is the mean score of its "
        "reports of the past three months; stocks without reports have none."
    )
    blocks: list[Block] = [_tiles(text), _classifiers(text), _coverage(text), _dropped(text)]
    blocks.append(_calibration(text))
    if text.factor:
        blocks.append(_layers(text))
    if text.portfolio:
        blocks += [_nav(text), _beside_published(text), _years(text), _words(text)]
    else:
        blocks.append(Note(("The portfolio was not run (fusion-factor text_portfolio).",), "absent"))
    return [Section("text", "Text factor", "Text", explain, blocks)]


def _main(text: TextData) -> dict[str, Any]:
    """Figures of the classifier that makes the factor."""
    return dict(part(part(text.judgement, "judged"), str(text.judgement.get("inputs", "encoder"))))


def _tiles(text: TextData) -> Tiles:
    judged, said = _main(text), text.judgement
    events = f"{shown(judged.get('rows'), 'int')} events, {said.get('first', '')} to {said.get('last', '')}"
    majority = f"the most frequent class: {shown(judged.get('majority'), 'pct1')}"
    tiles = [
        Tile("AUC, up against down", number(judged.get("auc")), "num3", events, _COLOUR),
        Tile("Accuracy of three classes", number(judged.get("accuracy")), "pct1", majority, _COLOUR),
        Tile(
            "AUC against the revision's direction", number(judged.get("direction_auc")), "num3",
            f"share of the larger side {shown(judged.get('direction_majority'), 'pct1')}", _COLOUR,
        ),
    ]  # fmt: skip
    rank_ic = part(text.factor, "rank_ic")
    if rank_ic:
        words = f"{shown(rank_ic.get('count'), 'int')} months"
        row = next((row for _, row in text.intervals.iterrows() if row["figure"] == "rank_ic"), None)
        more = "" if row is None else interval_words(row["low"], row["high"], row["level"])
        tiles.append(Tile("RankIC of the factor, monthly", number(rank_ic.get("mean")), "pct", words, _COLOUR, more))
    if text.portfolio:
        given = part(text.interval, "annual_excess")
        more = interval_words(given.get("low"), given.get("high"), text.interval.get("level", 0.95))
        below = f"annual return {shown(text.portfolio.get('annual_return'), 'pct')}"
        excess = number(text.portfolio.get("annual_excess"))
        tiles.append(Tile("Annual excess of the portfolio", excess, "pct", below, _COLOUR, more))
    return Tiles(tuple(tiles))


def _classifiers(text: TextData) -> Table:
    """Each kind of inputs, out of sample."""
    by_month = {str(row["inputs"]): row for _, row in text.beside.iterrows()}
    rows = []
    for name, figures in part(text.judgement, "judged").items():
        monthly = by_month.get("text" if name == text.judgement.get("inputs") else name)
        row = {"inputs": _INPUTS.get(name, name)} | {key: number(value) for key, value in figures.items()}
        rows.append(row | {"rank_ic": None if monthly is None else number(monthly["rank_ic"])})
    columns = (
        Column("inputs", "Inputs"),
        Column("rows", "Events", "int"),
        Column("auc", "AUC", "num3", "upper against lower class, middle left out"),
        Column("accuracy", "Accuracy", "pct1"),
        Column("majority", "Majority", "pct1", "share of the most frequent class"),
        Column("log_loss", "Log loss", "num3"),
        Column("calibration_error", "Calibration error", "pct1", "mean distance of predicted and observed"),
        Column("direction_auc", "Direction AUC", "num3", "score against up and down revisions"),
        Column("tone_found", "Tone found", "num2", "simulated markets: rank correlation with the true tone"),
        Column("rank_ic", "Monthly RankIC", "pct"),
    )
    known = {key for row in rows for key, value in row.items() if value is not None}
    return Table(
        "text-classifiers",
        tuple(column for column in columns if column.key in known),
        tuple(rows),
        "Out of sample: each event is scored by a model that was cut before it.",
        strong=(0,),
    )


def _coverage(text: TextData) -> Block:
    frame = text.coverage
    if frame.empty:
        return Note(("There is no table of coverage.",), "absent")
    panels = [
        Panel("share of stocks", "pct0", [Line("Stocks with a factor", _COLOUR, floats(frame["share"]), "area")]),
        Panel("reports", "int", [Line("Scored reports in the window", "benchmark", floats(frame["reports"]), "bar")]),
    ]
    return Figure("text-coverage", "Coverage at month ends", over_time(frame["date"], panels), 340)


def _dropped(text: TextData) -> Table:
    said = text.judgement
    rows = [{"what": "reports", "n": number(said.get("reports"))}]
    rows += [{"what": f"dropped: {reason}", "n": number(count)} for reason, count in part(said, "dropped").items()]
    rows.append({"what": "events", "n": number(said.get("events"))})
    rows += [{"what": f"events told by: {how}", "n": number(count)} for how, count in part(said, "how").items()]
    rows.append({"what": "scored by a model", "n": number(said.get("scored"))})
    columns = (Column("what", "Reports"), Column("n", "Number", "int"))
    return Table("text-dropped", columns, tuple(rows), folded="What became of the reports")


def _calibration(text: TextData) -> Table:
    keys = ("class", "bin", "rows", "predicted", "observed")
    kinds = {"class": "text", "bin": "int", "rows": "int", "predicted": "pct1", "observed": "pct1"}
    rows = [
        {key: str(row[key]) if key == "class" else number(row[key]) for key in keys}
        for _, row in text.calibration.iterrows()
    ]
    columns = tuple(Column(key, key.capitalize(), kinds[key]) for key in keys)
    return Table("text-calibration", columns, tuple(rows), folded="Calibration: predicted and observed by tenths")


def _layers(text: TextData) -> Figure:
    values = [number(value) for value in text.factor.get("layer_excess_mean") or ()]
    spec = bars(
        [str(k + 1) for k in range(len(values))],
        "pct",
        [{"name": "Excess a month", "colour": _COLOUR, "y": values}],
        axis="layer (the last has the best score)",
        prefix="Layer",
    )
    note = f"Monotonicity {shown(text.factor.get('monotonicity'), 'num2')}; only stocks with a factor."
    return Figure("text-layers", "Layers: mean excess return of the month after", spec, 280, note)


def _nav(text: TextData) -> Block:
    frame = text.nav
    if frame.empty:
        return Note(("There is no NAV to draw.",), "absent")
    nav, benchmark, relative = (floats(frame[name]) for name in ("nav", "benchmark", "relative"))
    panels = [
        Panel(
            "NAV", "num2", [Line("Portfolio", _COLOUR, nav, width=2.2), Line("Benchmark", "benchmark", benchmark)], 3
        ),
        Panel("relative", "num2", [Line("Relative NAV", "relative", relative, width=2.0)], 2),
        Panel("drawdown", "pct1", [Line("Drawdown", _COLOUR, below_peak(nav), "area", faint=True)], 1, zero=True),
    ]
    return Figure("text-nav", "The portfolio of the top layer", over_time(frame["date"], panels, zoom=True), 520)


def _beside_published(text: TextData) -> Table:
    ours = {"whose": f"this run, {text.portfolio.get('base', '')} to {text.portfolio.get('end', '')}"}
    rows: list[dict[str, Any]] = [ours | {key: number(text.portfolio.get(key)) for key, *_ in _FIGURES}]
    for whose, figures in published.TEXT_PORTFOLIOS.items():
        rows.append({"whose": f"published: {whose}"} | {key: figures.get(key) for key, *_ in _FIGURES})
    columns = (Column("whose", "Whose"), *(Column(key, title, kind) for key, title, kind in _FIGURES))
    caption = f"Published: {published.TEXT_SOURCE}. Other reports, stocks, dates and second factors than ours."
    return Table("text-published", columns, tuple(rows), caption, strong=(0,))


def _years(text: TextData) -> Table:
    rows = []
    for _, row in text.years.iterrows():
        year = number(row["year"])
        theirs = published.TEXT_YEARS.get(int(year)) if year is not None else None
        found = {key: number(row[key]) for key in ("return", "benchmark", "excess", "max_drawdown")}
        pair = {"published_return": theirs[0] if theirs else None, "published_excess": theirs[1] if theirs else None}
        rows.append({"year": year, **found, **pair})
    columns = (
        Column("year", "Year", "year"),
        Column("return", "Return", "pct"),
        Column("benchmark", "Benchmark", "pct"),
        Column("excess", "Excess", "pct"),
        Column("max_drawdown", "Max drawdown", "pct"),
        Column("published_return", "Published return", "pct"),
        Column("published_excess", "Published excess", "pct"),
    )
    return Table("text-years", columns, tuple(rows), "By calendar year; the first and the last may be part of one.")


def _words(text: TextData) -> Note:
    params, refine = text.params, part(text.params, "refine")
    second = {"fused": "the fused score", "simple": "prices and turnover", "text": "the text factor itself"}
    by = second.get(str(refine.get("by")), "?")
    buy, sell = (shown(params.get(name), "pct") for name in ("cost_buy", "cost_sell"))
    lines = [
        f"Monthly, equal weight, the {params.get('top_k')} best by {by} within the best of {refine.get('layers')} "
        f"layers; benchmark {params.get('benchmark_kind')}.",
        f"Costs {buy} of a purchase and {sell} of a sale (stamp duty within), "
        f"{shown(text.portfolio.get('annual_cost'), 'pct')} a year; price limits and suspensions hold orders back; "
        f"executed at the {params.get('execute')} of the month's first session.",
    ]
    return Note(tuple(lines), "quiet")
