"""A market to a feature set: bars, factors, masks and label, written into one folder.

Legend of axes in names: t session, n symbol, f factor.
"""

import json
import logging
import math
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fusion_factor.core.progress import Progress
from fusion_factor.features.bad_input import write_report
from fusion_factor.features.bars import MONTH, WEEK, DailyBars, NewValues, calendar_panel, daily_bars, rolling_panel
from fusion_factor.features.config import FeatureConfig
from fusion_factor.features.factor_stream import FactorStream, factor_count
from fusion_factor.features.feature_set import OPTIONAL_PANELS, REQUIRED_PANELS, FeatureSet
from fusion_factor.features.intraday.catalogue import CATALOGUE, LEVEL2, PRESETS
from fusion_factor.features.own_factors import OwnFactor, own_factors
from fusion_factor.features.panel import BoolArray, Float32Array, Panel, create_values
from fusion_factor.features.preprocess import Regressors, block_of, regressors, standardise
from fusion_factor.features.session_factors import SessionFactors
from fusion_factor.features.tiers import names_of
from fusion_factor.features.universe import (
    has_high_frequency,
    has_low_frequency,
    labels,
    limit_prices,
    universe,
)
from fusion_factor.market.checks import check_market
from fusion_factor.market.store import Market

log = logging.getLogger("fusion_factor")

BLOCK_SESSIONS = 32
SESSIONS = "sessions"
FINISHED = "set.json"


def build(
    market: Market,
    config: FeatureConfig | None = None,
    folder: str | Path = "features",
    progress: bool = True,
    *,
    check: bool = True,
) -> FeatureSet:
    """Build every panel, mask and the label of a market into `folder` and return the set, memory-mapped.

    Streams bars, trades and orders session by session: besides the daily tables, memory holds a session's data a
    thread. Finished sessions lie in the folder `sessions`: an interrupted build goes on from there, and one after a new
    or a corrected session computes that one (and those that look back at it) alone. A folder without `set.json` is not
    finished. The result is the same to the bit whatever `config.workers` is.

    market: any Market; without intraday bars there are no `factors` and `hf` panels. config: see FeatureConfig.
    progress: show a progress bar (or a line every ten seconds). check: run market.checks first.
    Raises DataError or ConfigError before long work starts; DataError at its end when sessions could not be read. Bad
    rows are counted in `bad_input.csv`, the tier that each factor was made in is in `factors.json`. Everything at row t
    but label and has_label is a function of tables, bars and ticks dated <= t.
    """
    config = config or FeatureConfig()
    path = Path(folder)
    own = own_factors(config.extra)
    for warning in check_market(market) if check else ():
        log.warning("%s", warning)
    _clear(path)

    bars = daily_bars(market)
    daily, weekly, monthly = bar_panels(market, bars, config.bars_mode, lambda name, s: create_values(path / name, s))
    universe_tn = universe(market, bars, config.min_listed)
    has_lf = has_low_frequency(universe_tn, daily, weekly, monthly, config)
    label_tn, can_buy, has_label = labels(market, bars, universe_tn, config)
    factors, hf, has_hf = None, None, np.zeros_like(has_lf)
    if market.bar_minutes is not None and len(market.bar_sessions):
        sessions = session_factors(market, bars, config, own)
        del bars
        factors = _factor_panel(sessions, config, path, progress)
        has_hf = has_high_frequency(universe_tn, factors, config)
        hf = _standardised_panel(market, factors, has_hf, config, path, progress)
        write_factor_list(path, factors.names, own)
    made = FeatureSet(
        sessions=market.sessions, symbols=market.symbols, reach=config.label.end, label=label_tn,
        has_hf=has_hf, has_lf=has_lf, has_label=has_label, can_buy=can_buy,
        daily=daily, weekly=weekly, monthly=monthly, factors=factors, hf=hf, bars_mode=config.bars_mode,
    )  # fmt: skip
    made.save(path)
    return FeatureSet.load(path)


def _clear(path: Path) -> None:
    """Make the folder, and leave in it nothing of an earlier build but finished sessions."""
    path.mkdir(parents=True, exist_ok=True)
    (path / FINISHED).unlink(missing_ok=True)
    for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS):
        shutil.rmtree(path / name, ignore_errors=True)


def bar_panels(market: Market, bars: DailyBars, mode: str, new_values: NewValues) -> tuple[Panel, Panel, Panel]:
    """The daily, weekly and monthly panels; `new_values(name, shape)` gives the array of each to fill."""
    daily = rolling_panel(bars, 1, market, new_values, "daily")
    if mode == "calendar":
        weekly, monthly = (calendar_panel(bars, name, market, new_values) for name in ("weekly", "monthly"))
        return daily, weekly, monthly
    weekly = rolling_panel(bars, WEEK, market, new_values, "weekly")
    monthly = rolling_panel(bars, MONTH, market, new_values, "monthly")
    return daily, weekly, monthly


def factor_stream(market: Market, config: FeatureConfig, path: Path) -> FactorStream:
    """The intraday factors of a build into `path`, for a process that computes some of its sessions before it."""
    sessions = session_factors(market, None, config, own_factors(config.extra))
    return FactorStream(sessions, path / SESSIONS, config.workers)


def session_factors(
    market: Market, bars: DailyBars | None, config: FeatureConfig, own: tuple[OwnFactor, ...]
) -> SessionFactors:
    """What computes a session: the preset in the best tier of the data, then the user's own factors.

    bars: of the market; None: made here if they are needed, and warnings are left to the build itself.
    """
    names, told = names_of(config.preset, market, config.min_tick_share)
    for warning in told if bars is not None else ():
        log.warning("%s", warning)
    limits = None
    if set(names) & set(LEVEL2):
        limits = limit_prices(market, daily_bars(market) if bars is None else bars)
    options = {"hours": market.hours, "early": config.early, "late": config.late}
    return SessionFactors(market, names, own, limits, config.max_bad_share, options, config.max_missing_share)


def _factor_panel(sessions: SessionFactors, config: FeatureConfig, path: Path, progress: bool) -> Panel:
    """The raw factors, NaN = missing; valid where a name has enough of the preset's factors at the session."""
    stream, market = FactorStream(sessions, path / SESSIONS, config.workers), sessions.market
    shape = (len(market.sessions), len(market.symbols), len(stream.names))
    values_tnf = create_values(path / "factors", shape)
    valid_tn = np.zeros(shape[:2], bool)
    filled = np.zeros(shape[0], bool)
    try:
        for t, values_nf in stream.run(shown=progress):
            values_tnf[t] = values_nf
            valid_tn[t] = enough_factors(values_nf, config)
            filled[t] = True
    finally:  # what was bad is told above all where a session was refused for it
        for warning in write_report(path, stream.lines):
            log.warning("%s", warning)
    values_tnf[~filled] = np.nan
    if not config.keep_sessions:
        stream.clear()
    return Panel(values_tnf, valid_tn, market.sessions, market.symbols, stream.names)


def enough_factors(values_nf: Float32Array, config: FeatureConfig) -> BoolArray:
    """Who has `min_factor_share` of the preset's factors at a session: bool [N]."""
    preset = len(PRESETS[config.preset])
    return factor_count(values_nf[:, :preset]) >= math.ceil(config.min_factor_share * preset)


def _standardised_panel(
    market: Market, factors: Panel, has_hf: BoolArray, config: FeatureConfig, path: Path, progress: bool
) -> Panel:
    """The factors as the network reads them, standardised over `has_hf`, 0 = missing; in blocks of sessions."""
    taken_out, warnings = regressors(market, config.neutralize)
    for warning in warnings:
        log.warning("%s", warning)
    values_tnf = create_values(path / "hf", factors.values.shape)
    blocks = [rows for rows in _blocks(len(has_hf)) if has_hf[rows].any()]

    def work(rows: slice) -> None:
        values_tnf[rows] = _standardised_block(factors, has_hf, taken_out, config.mad_k, rows)

    with (
        Progress("standardise", len(blocks), unit="block", shown=progress) as bar,
        ThreadPoolExecutor(config.workers or os.cpu_count() or 1) as pool,
    ):
        for _ in pool.map(work, blocks):
            bar.step()
    return Panel(values_tnf, has_hf, market.sessions, market.symbols, factors.names)


def _standardised_block(
    factors: Panel, has_hf: BoolArray, taken_out: Regressors, mad_k: float, rows: slice
) -> Float32Array:
    return standardise(np.asarray(factors.values[rows], np.float64), has_hf[rows], block_of(taken_out, rows), mad_k)


def _blocks(count: int) -> Iterator[slice]:
    for first in range(0, count, BLOCK_SESSIONS):
        yield slice(first, min(first + BLOCK_SESSIONS, count))


def write_factor_list(path: Path, names: tuple[str, ...], own: tuple[OwnFactor, ...]) -> None:
    """`factors.json`: name, sign and the tier that was used of each factor, in the panel's order."""
    known = {factor.name: factor for factor in CATALOGUE}
    signs = {factor.name: factor.sign for factor in own}
    rows = [
        {"name": name, "sign": known[name].sign, "tier_used": known[name].tier, "proxy_of": known[name].proxy_of}
        if name in known
        else {"name": name, "sign": signs[name], "tier_used": "own", "proxy_of": ""}
        for name in names
    ]
    (path / "factors.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
