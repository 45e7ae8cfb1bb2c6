"""`text`: from the table of reports to a daily stock factor, out of sample, and how good its classifier is."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError
from fusion_factor.core.sessions import Calendar, schedule
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market
from fusion_factor.scores import score_table, write_scores
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.rotate_files import write_json
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.stages.text_inputs import DailyPrices, benchmark_path, reports_of
from fusion_factor.stages.text_judgement import described, figures
from fusion_factor.stages.text_settings import TextSettings, text_settings
from fusion_factor.text import (
    EventLabels,
    Events,
    RollingScores,
    WordCounts,
    abnormal_returns,
    calibration,
    coverage,
    encode,
    find_events,
    rolling_scores,
    text_factor,
    undiluted,
)

log = logging.getLogger("fusion_factor")


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Find the events, score their texts on rolling windows, average them by stock and day.

    Writes events.parquet (a row an event), text.parquet (the score table of the factor, every session from the first
    scored event on), others/<name>.parquet (the same by the inputs of `text.beside`), coverage.csv (month ends),
    folds.json, calibration.csv, judgement.json.
    """
    options = text_settings(settings)
    market = market_of(settings, workspace)
    prices = DailyPrices(market)
    events, labels = events_of(market, prices, options)
    found = {name: scored(name, events, labels, options) for name in (options.inputs, *options.beside)}
    main = found[options.inputs]
    write_events(folder / "events.parquet", events, labels, main)
    judged = {name: figures(events, each, market.report_truth) for name, each in found.items()}
    told = described(events, main) | {"inputs": options.inputs, "judged": judged}
    write_json(folder / "judgement.json", told)
    write_json(folder / "folds.json", {name: each.folds for name, each in found.items()})
    calibration(main.p_nk, main.class_n).to_csv(folder / "calibration.csv", index=False)
    rows = write_factor(folder, events, main, market, prices, options)
    (folder / "others").mkdir()
    for name in options.beside:
        table, *_ = factor_table(events, found[name], market, options)
        write_scores(table, folder / "others" / f"{name}.parquet")
    return Outcome(
        rows={"reports": events.reports, "events": len(events.table), **rows},
        warnings={f"reports dropped: {reason}": count for reason, count in events.dropped.items()} | events.noted,
        about={"judged": judged},
    )


def events_of(market: Market, prices: DailyPrices, options: TextSettings) -> tuple[Events, EventLabels]:
    """The events of the market's reports, and their labels."""
    reports = reports_of(market)
    if options.per_share:
        reports = undiluted(reports, prices.factor_tn, market.sessions, market.symbols)
    events = find_events(reports, market.sessions, options.events, symbols=market.symbols)
    tell(events)
    if events.table.empty:
        raise DataError(f"reports: none of {events.reports} is an event ({words_of(events.dropped)})")
    path_t = benchmark_path(market, prices, options.label.benchmark)
    labels = abnormal_returns(
        events, prices.close_tn, path_t, market.sessions, market.symbols,
        span=options.label.span, hold=options.label.hold,
    )  # fmt: skip
    return events, labels


def tell(events: Events) -> None:
    """One line on what became of the reports."""
    log.info("text: %d events of %d reports (dropped: %s)", len(events.table), events.reports, words_of(events.dropped))


def words_of(dropped: Mapping[str, int]) -> str:
    """Reasons and counts in one line."""
    return ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "none"


def scored(name: str, events: Events, labels: EventLabels, options: TextSettings) -> RollingScores:
    """What the rolling classifiers say of each event, from one kind of inputs."""
    table = events.table
    inputs: Any
    if name == "words":
        texts = [table[column].fillna("").astype(str).tolist() for column in ("title", "abstract")]
        inputs = WordCounts(texts[0], texts[1], options.words)
    else:
        encoder = options.encoder if name == "encoder" else replace(options.encoder, kind=name)
        inputs = encode(table["text"].tolist(), encoder, None if options.cache is None else Path(options.cache))
    stock_n = pd.factorize(table["symbol"])[0].astype(np.int64)
    return rolling_scores(
        inputs, labels.ar, events.session_e, labels.label_end, events.group_e, options.rolling, stock_n=stock_n
    )


def write_events(path: Path, events: Events, labels: EventLabels, found: RollingScores) -> None:
    """One row an event: what it is, its label, and what the model of its window said."""
    columns = ["report_id", "symbol", "date", "session", "direction", "how", "broker", "analyst", "title"]
    table = events.table[columns].assign(
        ar=labels.ar,
        label_end=labels.label_end.astype("datetime64[s]"),
        fold=found.fold_n,
        p_down=found.p_down_n,
        p_flat=found.p_flat_n,
        p_up=found.p_up_n,
        score=found.score_n,
        true_class=found.class_n,
    )
    table.to_parquet(path, index=False)


def factor_table(
    events: Events, found: RollingScores, market: Market, options: TextSettings
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """The score table of every session from the first scored event on; its sessions, and factor and counts on them."""
    calendar = with_sessions_ahead(market.sessions)
    first = events.session_e[np.isfinite(found.score_n)].min()
    days = market.sessions[market.sessions >= first]
    factor_gn, count_gn = text_factor(events, found.score_n, days, calendar, market.symbols, options.factor)
    columns = {"score": factor_gn, "reports": count_gn.astype(np.float64)}
    return score_table(columns, days, market.symbols), days, factor_gn, count_gn


def write_factor(
    folder: Path, events: Events, found: RollingScores, market: Market, prices: DailyPrices, options: TextSettings
) -> dict[str, int]:
    """The factor of every session, and the coverage of the month ends."""
    table, days, factor_gn, count_gn = factor_table(events, found, market, options)
    write_scores(table, folder / "text.parquet")
    calendar = with_sessions_ahead(market.sessions)
    month_ends = calendar[schedule(Calendar(calendar), "monthly", start=days[0], end=days[-1])]
    at = np.searchsorted(days, month_ends)
    priced_gn = np.isfinite(prices.close_tn[np.searchsorted(market.sessions, month_ends)])
    covered = coverage(factor_gn[at], count_gn[at], priced_gn, month_ends)
    write_file(folder / "coverage.csv", covered.to_csv(index=False, date_format="%Y-%m-%d"))
    return {"scored": int(np.isfinite(found.score_n).sum()), "factor": len(table), "month_ends": len(covered)}


STAGE = Stage(
    name="text",
    purpose="reading the reports",
    artifact="text",
    needs=("market",),
    config=("text", "data"),
    rooms=(
        *("core", "market", "text", "training", "features"),
        *(f"stages/{name}.py" for name in ("markets", "text_inputs", "text_judgement", "text_settings")),
    ),
    check=text_settings,
    work=work,
    content=("*.parquet", "others/*.parquet", "*.csv", "*.json"),
    enabled=lambda settings: bool(settings.raw["text"]["enabled"]),
)
