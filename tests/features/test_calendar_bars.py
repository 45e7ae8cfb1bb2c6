"""Calendar bars: hand-worked weeks, a plain reference, rows and masks of windows, and nothing of the future."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_market import FakeMarket, make_market

from fusion_factor.core.errors import ConfigError
from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.bars import (
    bar_rows,
    calendar_panel,
    daily_bars,
    periods,
    rolling_panel,
    running_volume_scale,
)
from fusion_factor.features.universe import bars_with_trades

# Thu, Fri | Mon, Tue, Thu (a holiday between) | Mon, two weeks later
DAYS = np.array(
    ["2022-01-27", "2022-01-28", "2022-01-31", "2022-02-01", "2022-02-03", "2022-02-14"], dtype="datetime64[D]"
)


def new_values(name, shape):
    return np.empty(shape, np.float32)


def small_market():
    close = np.array([10.0, 11, 12, 11, 13, 14])
    frame = pd.DataFrame({"date": pd.to_datetime(DAYS), "open": close - 0.5, "high": close + 1, "low": close - 1})
    frame = frame.assign(close=close, volume=[100.0, 200, 100, 300, 200, 500], symbol="600000.SH")
    return FakeMarket(DAYS, {"stock_prices": frame.assign(amount=frame["volume"] * (close + 0.25), adj_factor=1.0)}, {})


def test_weeks_by_hand():
    market = small_market()
    panel = calendar_panel(daily_bars(market), "weekly", market, new_values)
    both = (100 * 12.25 + 300 * 11.25) / 400
    whole = (100 * 12.25 + 300 * 11.25 + 200 * 13.25) / 600
    first = (100 * 10.25 + 200 * 11.25) / 300
    expected = [
        [9.5, 11, 9, 10, 10.25, 100],
        [9.5, 12, 9, 11, first, 300],
        [11.5, 13, 11, 12, 12.25, 100],
        [11.5, 13, 10, 11, both, 400],
        [11.5, 14, 10, 13, whole, 600],
        [13.5, 15, 13, 14, 14.25, 500],
    ]
    np.testing.assert_allclose(panel.values[:, 0], expected, rtol=1e-6)
    months = calendar_panel(daily_bars(market), "monthly", market, new_values)
    np.testing.assert_allclose(months.values[2, 0], [9.5, 13, 9, 12, (3 * first + 12.25) / 4, 400], rtol=1e-6)
    np.testing.assert_allclose(months.values[3, 0, 5], 300, rtol=1e-6)


def test_rows_of_a_window_are_the_running_bar_and_the_ends_of_the_periods_before():
    assert bar_rows(DAYS, "weekly", "calendar", 3).tolist() == [
        [-1, -1, 0], [-1, -1, 1], [-1, 1, 2], [-1, 1, 3], [-1, 1, 4], [1, 4, 5],
    ]  # fmt: skip
    assert bar_rows(DAYS, "monthly", "calendar", 2).tolist() == [[-1, 0], [-1, 1], [-1, 2], [2, 3], [2, 4], [2, 5]]
    assert bar_rows(DAYS, "daily", "calendar", 2).tolist() == [[t - 1, t] for t in range(6)]
    assert bar_rows(DAYS, "weekly", "rolling", 2).tolist() == [[t - 5, t] for t in range(6)]


def test_the_running_volume_is_scaled_to_a_full_period():
    assert running_volume_scale(DAYS, "weekly", "calendar").tolist() == [5, 2.5, 5, 2.5, 5 / 3, 5]
    assert running_volume_scale(DAYS, "monthly", "calendar").tolist() == [20, 10, 20 / 3, 20, 10, 20 / 3]
    assert not (running_volume_scale(DAYS, "weekly", "rolling") - 1).any()


@pytest.mark.parametrize("frequency", ["weekly", "monthly"])
def test_periods_are_those_of_the_calendar(frequency):
    days = np.arange(np.datetime64("2019-12-20"), np.datetime64("2024-03-10"))
    stamps = pd.DatetimeIndex(days)
    week = stamps.isocalendar()
    expected = stamps.year * 12 + stamps.month if frequency == "monthly" else week["year"] * 100 + week["week"]
    ours = periods(days, frequency)
    assert np.array_equal(np.diff(ours) > 0, np.diff(expected.to_numpy()) > 0)
    assert set(np.diff(ours)) == {0, 1}


@pytest.mark.parametrize("frequency", ["weekly", "monthly"])
def test_every_bar_equals_its_sessions(frequency):
    market = make_market(n_sessions=80, n_symbols=6, bar_sessions=0, seed=5)
    bars = daily_bars(market)
    panel, number_t = calendar_panel(bars, frequency, market, new_values), periods(market.sessions, frequency)
    for t in range(80):
        own = np.flatnonzero((number_t == number_t[t]) & (np.arange(80) <= t))
        for n in range(6):
            if np.isnan(bars.close[own, n]).any():
                assert np.isnan(panel.values[t, n]).all()
                continue
            volume = bars.volume[own, n].sum()
            vwap = bars.amount[own, n].sum() / volume if volume else bars.close[t, n]
            expected = [bars.open[own[0], n], bars.high[own, n].max(), bars.low[own, n].min(), bars.close[t, n]]
            np.testing.assert_allclose(panel.values[t, n], [*expected, vwap, volume], rtol=1e-6)


def test_at_the_end_of_a_full_week_both_modes_have_the_same_bar():
    market = make_market(n_sessions=60, n_symbols=6, bar_sessions=0, seed=2)
    bars = daily_bars(market)
    calendar = calendar_panel(bars, "weekly", market, new_values)
    rolling = rolling_panel(bars, 5, market, new_values, "weekly")
    scale = running_volume_scale(market.sessions, "weekly", "calendar")
    number_t = periods(market.sessions, "weekly")
    full = [t for t in range(4, 59) if (number_t[t - 4 : t + 1] == number_t[t]).all() and number_t[t + 1] > number_t[t]]
    assert len(full) > 5
    assert all(scale[t] == 1 for t in full)
    assert np.array_equal(calendar.values[full], rolling.values[full], equal_nan=True)


def test_counts_of_bars_with_trades():
    market = small_market()
    panel = calendar_panel(daily_bars(market), "weekly", market, new_values)
    assert bars_with_trades(panel, "weekly", "calendar", 3)[:, 0].tolist() == [1, 1, 2, 2, 2, 3]
    halted = replace(panel, valid=panel.valid & (np.arange(6) != 1)[:, None])
    assert bars_with_trades(halted, "weekly", "calendar", 3)[:, 0].tolist() == [1, 0, 1, 1, 1, 2]


def test_a_set_keeps_its_mode_and_an_unknown_one_is_refused(tmp_path):
    market = make_market(n_sessions=60, n_symbols=6, bar_sessions=0, seed=3)
    made = build(market, FeatureConfig(bars_mode="calendar"), tmp_path, progress=False)
    assert made.bars_mode == "calendar"
    with pytest.raises(ConfigError, match=r"features\.bars_mode is 'weekly', must be one of rolling, calendar"):
        FeatureConfig(bars_mode="weekly")


@pytest.mark.parametrize("t", [30, 47])
def test_bars_up_to_a_session_know_nothing_after_it(t):
    market = make_market(n_sessions=60, n_symbols=6, bar_sessions=0, seed=4)
    bars = daily_bars(market)
    rng = np.random.default_rng(0)
    fields = ("open", "high", "low", "close", "vwap", "volume", "amount")
    later = {name: getattr(bars, name).copy() for name in fields}
    for values in later.values():
        values[t + 1 :] = rng.uniform(1, 100, values[t + 1 :].shape)
    for frequency in ("weekly", "monthly"):
        before = calendar_panel(bars, frequency, market, new_values)
        after = calendar_panel(replace(bars, **later), frequency, market, new_values)
        assert np.array_equal(before.values[: t + 1], after.values[: t + 1], equal_nan=True)
        rows = bar_rows(market.sessions, frequency, "calendar", 5)
        assert (rows <= np.arange(60)[:, None]).all()
        shorter = bar_rows(market.sessions[: t + 1], frequency, "calendar", 5)
        assert np.array_equal(rows[: t + 1], shorter)
