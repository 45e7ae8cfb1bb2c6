"""Windows, auctions, half sessions and other hours: the compiled factors against the definitions on that session."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from against_reference import assert_equals_reference
from fake_bars import random_bars
from reference_intraday import Session

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.catalogue import HUATAI27, KERNEL
from fusion_factor.features.intraday.day import day_of
from fusion_factor.market.hours import ASHARE, US, Hours, to_hours
from fusion_factor.market.store import SessionBars

OPENING = dataclasses.replace(ASHARE, opening="separate")
BOTH = dataclasses.replace(ASHARE, opening="separate", closing="separate")


@pytest.mark.parametrize("minutes", [30, 60, 120])
@pytest.mark.parametrize(("n_bars", "step"), [(240, 1), (48, 5), (16, 15)])
def test_early_and_late_windows(n_bars, step, minutes):
    bars = random_bars(24, n_bars, 4)
    assert_equals_reference(bars, Session(step, early=minutes, late=minutes), early=minutes, late=minutes)
    plain, wide = compute_factors(bars), compute_factors(bars, early=minutes, late=minutes)
    moved = {
        HUATAI27[f] for f in range(27) if not np.array_equal(plain[:, f], wide[:, f], equal_nan=True)
    }  # a window moves the factors that read it and no other
    readers = {
        "late_skew_ret", "early_corr_volume_ret", "early_bigorder_buy_perc_px", "early_active_bigorder_ret_px",
        "early_active_buy_perc_px", "early_kurt_order_px",
    }  # fmt: skip
    assert moved <= readers
    if minutes == 120:
        assert moved == readers


@pytest.mark.parametrize(
    ("hours", "n_bars", "session"),
    [
        (OPENING, 241, Session(1, first=1)),
        (BOTH, 242, Session(1, first=1)),
        (OPENING, 49, Session(5, first=1)),
        (BOTH, 18, Session(15, first=1)),
        (US, 390, Session(1, half_hours=13, noon=None)),
        (US, 78, Session(5, half_hours=13, noon=None)),
        (US, 26, Session(15, half_hours=13, noon=None)),
        (ASHARE, 120, Session(1, half_hours=4, noon=None)),  # a morning alone
        (ASHARE, 24, Session(5, half_hours=4, noon=None)),
        (US, 210, Session(1, half_hours=7, noon=None)),  # closes at 13:00
        (to_hours("09:30-12:00,13:00-16:00"), 330, Session(1, half_hours=11, noon=150)),
    ],
)
def test_other_sessions_by_definition(hours, n_bars, session):
    bars = random_bars(24, n_bars, n_bars)
    expected = assert_equals_reference(bars, session, hours=hours)
    missing = {KERNEL[f] for f in np.flatnonzero(np.isnan(expected).all(axis=0))}
    absent = {f"volume_perc{k}" for k in range(session.half_hours + 1, 8)}
    assert missing == absent  # a half hour that the session does not have is missing, never 0


def test_an_opening_auction_of_its_own_belongs_to_no_half_hour():
    bars = random_bars(4, 241, 3, awkward=False)
    louder = dataclasses.replace(bars, volume=bars.volume.copy(), amount=bars.amount.copy())
    louder.volume[:, 0] *= 5
    louder.amount[:, 0] *= 5
    a, b = (compute_factors(x, ["volume_perc2", "early_active_buy_perc_px"], hours=OPENING) for x in (bars, louder))
    assert np.all(b[:, 0] < a[:, 0])  # of a larger day
    np.testing.assert_array_equal(a[:, 1], b[:, 1])


def test_sessions_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="241 bars a symbol, must be one of 240, 48, 16"):
        day_of(241)
    with pytest.raises(DataError, match="100 bars"):
        day_of(100)
    with pytest.raises(ConfigError, match=r"features.early is 45, must be one of 30, 60, 120"):
        day_of(240, early=45)
    with pytest.raises(ConfigError, match="must be whole half hours"):
        Hours(spans=((570, 700),))
    with pytest.raises(ConfigError, match="hours is 'nyse'"):
        to_hours("nyse")


def session_of(frame, stamps, scale=1.0):
    """SessionBars of rows (symbol, stamp, open .. amount), missing stamps empty."""
    symbols = np.array(sorted(frame["symbol"].astype(str).unique()), dtype=object)
    row = np.searchsorted(symbols, frame["symbol"].astype(str).to_numpy(object))
    column = pd.Index(stamps).get_indexer(pd.Index(frame["stamp"]))
    fields = []
    for name in ("open", "high", "low", "close", "volume", "amount"):
        field = np.full((len(symbols), len(stamps)), 0.0 if name in ("volume", "amount") else np.nan, np.float32)
        values = frame[name].to_numpy(np.float64) / (scale if name in ("open", "high", "low", "close") else 1.0)
        field[row, column] = values
        fields.append(field)
    return SessionBars(np.datetime64("2024-01-02"), symbols, *fields)


@pytest.mark.shared_data
def test_real_us_sessions(shared_data):
    frame = pd.read_parquet(shared_data / "us_1min.parquet")
    frame["stamp"] = frame["datetime"].dt.strftime("%H:%M")
    frame["amount"] = frame["volume"] * (frame["high"] + frame["low"] + frame["close"]) / 3
    stamps = [f"{m // 60:02d}:{m % 60:02d}" for m in range(570, 960)]
    session = Session(1, half_hours=13, noon=None)
    days = frame.groupby(frame["datetime"].dt.date)
    for _, day in list(days)[::5]:
        expected = assert_equals_reference(session_of(day, stamps), session, hours=US)
        assert np.isfinite(expected).mean() > 0.99
    _, day = next(iter(days))
    early = day[day["stamp"] < "13:00"]  # as if it had closed at 13:00
    short = Session(1, half_hours=7, noon=None)
    assert_equals_reference(session_of(early, stamps[:210]), short, hours=US)


@pytest.mark.shared_data
@pytest.mark.parametrize("file", ["cn_1min_sample", "cn_5min_sample", "cn_15min"])
def test_real_a_share_sessions(shared_data, file):
    frame = pd.read_parquet(shared_data / f"{file}.parquet").rename(
        columns={f"{name}_fen": name for name in ("open", "high", "low", "close")}
    )
    if file == "cn_15min":
        frame = frame[frame["datetime"].dt.date.astype(str).isin(["2025-03-05", "2025-04-07"])]
        frame = frame[frame["symbol"].isin(sorted(frame["symbol"].unique())[::12])]
    step = {"cn_1min_sample": 1, "cn_5min_sample": 5, "cn_15min": 15}[file]
    ends = [*range(570 + step, 691, step), *range(780 + step, 901, step)]
    stamps = [f"{m // 60:02d}:{m % 60:02d}" for m in ends]
    frame["stamp"] = frame["datetime"].dt.strftime("%H:%M")
    seen = 0
    for _, day in frame.groupby(frame["datetime"].dt.date):
        expected = assert_equals_reference(session_of(day, stamps, scale=100.0), tolerance=1e-8)
        seen += np.isfinite(expected).any(axis=1).sum()
    assert seen >= (14 if step == 1 else 30)
