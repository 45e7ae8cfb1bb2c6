"""`text`: from the table of reports to a daily stock factor, out of sample, and how good its classifier is."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.sessions import Calendar, schedule
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market
from fusion_factor.scores import score_table, write_scores
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.rotate_files import write_json
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace
from fusion_factor.stages.text_inputs import DailyPrices, benchmark_path, reports_of
from fusion_factor.stages.text_judgement import calibration, judgement, recovery
from fusion_factor.stages.text_settings import TextSettings, text_settings
from fusion_factor.text import (
    Events,
    RollingScores,
    abnormal_returns,
    coverage,
    encode,
    find_events,
    rolling_scores,
    text_factor,
    undiluted,
)
from fusion_factor.text.labels import EventLabels

log = logging.getLogger("fusion_factor")


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Find the events, score their texts on rolling windows, average them by stock and day.

    Writes events.parquet (a row an event), text.parquet (the score table of the factor, every session from the first
    scored event on), coverage.csv (month ends), folds.json, calibration.csv, judgement.json.
    """
    options = text_settings(settings)
    market = market_of(settings, workspace)
    prices = DailyPrices(market)
    reports = reports_of(market)
    if options.per_share:
        reports = undiluted(reports, prices.factor_tn, market.sessions, market.symbols)
    events = find_events(reports, market.sessions, options.events, symbols=market.symbols)
    tell(events)
    path_t = benchmark_path(market, prices, options.label.benchmark)
    labels = abnormal_returns(
        events, prices.close_tn, path_t, market.sessions, market.symbols,
        span=options.label.span, hold=options.label.hold,
    )  # fmt: skip
    found = scored(events, labels, options)
    write_events(folder / "events.parquet", events, labels, found)
    judged = judgement(events, found)
    if market.report_truth is not None:
        judged |= recovery(events, found, market.report_truth)
    write_json(folder / "judgement.json", judged)
    write_json(folder / "folds.json", {"folds": found.folds})
    calibration(found).to_csv(folder / "calibration.csv", index=False)
    rows = write_factor(folder, events, found, market, prices, options)
    return Outcome(
        rows={"reports": events.reports, "events": len(events.table), **rows},
        warnings={f"reports dropped: {reason}": count for reason, count in events.dropped.items()} | events.noted,
        about={"judgement": judged},
    )


def tell(events: Events) -> None:
    """One line on what became of the reports."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in events.dropped.items()) or "none dropped"
    log.info("text: %d events of %d reports (%s)", len(events.table), events.reports, dropped)


def scored(events: Events, labels: EventLabels, options: TextSettings) -> RollingScores:
    """What the rolling classifiers say of each event."""
    cache = None if options.cache is None else Path(options.cache)
    vectors_nd = encode(events.table["text"].tolist(), options.encoder, cache, True)
    stock_n = pd.factorize(events.table["symbol"])[0].astype(np.int64)
    return rolling_scores(
        vectors_nd, labels.ar, events.session_e, labels.label_end, events.group_e, options.rolling, stock_n=stock_n
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


def write_factor(
    folder: Path, events: Events, found: RollingScores, market: Market, prices: DailyPrices, options: TextSettings
) -> dict[str, int]:
    """The factor of every session from the first scored event on, and the coverage of the month ends."""
    calendar = with_sessions_ahead(market.sessions)
    first = events.session_e[np.isfinite(found.score_n)].min()
    days = market.sessions[market.sessions >= first]
    axes = (days, calendar, market.symbols)
    factor_gn, count_gn = text_factor(events, found.score_n, *axes, options.factor)
    table = score_table({"score": factor_gn, "reports": count_gn.astype(np.float64)}, days, market.symbols)
    write_scores(table, folder / "text.parquet")
    month_ends = schedule(Calendar(calendar), "monthly", start=days[0], end=days[-1])
    at = np.searchsorted(days, calendar[month_ends])
    priced_gn = np.isfinite(prices.close_tn[np.searchsorted(market.sessions, days[at])])
    covered = coverage(factor_gn[at], count_gn[at], priced_gn, days[at])
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
    content=("*.parquet", "*.csv", "*.json"),
    enabled=lambda settings: bool(settings.raw["text"]["enabled"]),
)
