"""The feature set of a market's last sessions, in memory: what scoring one day reads, and nothing of the years before.

The rows are those of a full build, bit for bit, where they are filled: the newest row of every panel and mask, and as
many rows before it as were asked for. They come from the same functions on a shorter market.

Legend of axes in names: t session, n symbol, f factor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.bars import DailyBars, daily_bars
from fusion_factor.features.build import SESSIONS, bar_panels, enough_factors, session_factors
from fusion_factor.features.config import FeatureConfig
from fusion_factor.features.factor_stream import FactorStream
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.features.own_factors import own_factors
from fusion_factor.features.panel import BoolArray, Float32Array, Panel
from fusion_factor.features.preprocess import block_of, regressors, standardise
from fusion_factor.features.universe import has_high_frequency, has_low_frequency, labels, universe
from fusion_factor.market.window import MarketWindow

MONTHLY_SESSIONS = 20
MOST_SESSIONS_A_MONTH = 23


@dataclass(frozen=True)
class Recent:
    """The features and what they were made from.

    first_hf  position of the first row of `hf` and `has_hf` that is filled.
    keys      of each session whose factors were read, what they are stored under; computed: how many were not there.
    bad_rows  of bars and ticks of these sessions, by table.
    """

    features: FeatureSet
    first_hf: int
    keys: Mapping[str, str] = field(default_factory=dict)
    computed: int = 0
    bad_rows: Mapping[str, int] = field(default_factory=dict)


def daily_sessions(config: FeatureConfig) -> int:
    """How many sessions of daily bars the masks of one session look at, itself included."""
    month = MONTHLY_SESSIONS if config.bars_mode == "rolling" else MOST_SESSIONS_A_MONTH
    # one month more: the oldest bar begins before its own last session
    return max(config.monthly_window * month + month, config.weekly_window * 6, config.daily_window, config.min_listed)


def recent(
    market: MarketWindow, config: FeatureConfig, folder: Path, hf_rows: int, *, with_labels: bool = False
) -> Recent:
    """The features of the window.

    folder       the features' own folder: finished sessions are found, and new ones kept, in its `sessions`.
    hf_rows      so many rows of the standardised factors, the last one at the window's end.
    with_labels  labels and `has_label` too, of rows that have `min_listed` sessions of the window before them.

    Raises DataError when bars cannot be read. Everything but labels at row t is a function of data dated <= t.
    """
    bars = daily_bars(market)
    daily, weekly, monthly = bar_panels(
        market, bars, config.bars_mode, lambda name, shape: np.empty(shape, dtype=np.float32)
    )
    universe_tn = universe(market, bars, config.min_listed)
    has_lf = has_low_frequency(universe_tn, daily, weekly, monthly, config)
    label_tn = np.full(has_lf.shape, np.nan)
    can_buy = has_label = np.zeros_like(has_lf)
    if with_labels:
        label_tn, can_buy, has_label = labels(market, bars, universe_tn, config)
    factors, hf, has_hf = None, None, np.zeros_like(has_lf)
    first, stream = len(has_lf), None
    if market.bar_minutes is not None and len(market.bar_sessions):
        stream, factors = _factors(market, bars, config, folder, hf_rows)
        first = max(0, len(has_lf) - hf_rows)
        has_hf[first:] = has_high_frequency(universe_tn, factors, config)[first:]
        hf = _standardised(market, factors, has_hf, config, first)
    features = FeatureSet(
        sessions=market.sessions, symbols=market.symbols, reach=config.label.end, label=label_tn,
        has_hf=has_hf, has_lf=has_lf, has_label=has_label, can_buy=can_buy,
        daily=daily, weekly=weekly, monthly=monthly, factors=factors, hf=hf, bars_mode=config.bars_mode,
    )  # fmt: skip
    if stream is None:
        return Recent(features, first)
    keys = {str(market.sessions[t]): stream.session_keys[t] for t in stream.session_keys}
    bad = {table: sum(line[4] for line in stream.lines if line[1] == table) for table in ("bars", "ticks")}
    return Recent(features, first, keys, stream.computed, bad)


def _factors(
    market: MarketWindow, bars: DailyBars, config: FeatureConfig, folder: Path, hf_rows: int
) -> tuple[FactorStream, Panel]:
    """The raw factors of the rows that `hf_rows` standardised ones look back at, NaN before them."""
    rows = hf_rows + config.factor_window - 1
    if rows > len(market.sessions) and market.first_row:
        raise ConfigError(f"the window holds {len(market.sessions)} sessions, {rows} with factors are needed")
    sessions = session_factors(market, bars, config, own_factors(config.extra))
    stream = FactorStream(sessions, folder / SESSIONS, config.workers)
    wanted = [t for t in stream.positions if t >= len(market.sessions) - rows]
    shape = (len(market.sessions), len(market.symbols), len(stream.names))
    values_tnf = np.full(shape, np.nan, np.float32)
    valid_tn = np.zeros(shape[:2], bool)
    for t, values_nf in zip(wanted, stream.at(wanted), strict=True):
        values_tnf[t], valid_tn[t] = values_nf, enough_factors(values_nf, config)
    return stream, Panel(values_tnf, valid_tn, market.sessions, market.symbols, stream.names)


def _standardised(market: MarketWindow, factors: Panel, has_hf: BoolArray, config: FeatureConfig, first: int) -> Panel:
    taken_out, _ = regressors(market, config.neutralize)
    values_tnf: Float32Array = np.zeros(factors.values.shape, np.float32)
    for t in range(first, len(has_hf)):  # one at a time, for the memory
        rows = slice(t, t + 1)
        if has_hf[t].any():
            values_tnf[rows] = standardise(
                np.asarray(factors.values[rows], np.float64), has_hf[rows], block_of(taken_out, rows), config.mad_k
            )
    return Panel(values_tnf, has_hf, market.sessions, market.symbols, factors.names)
