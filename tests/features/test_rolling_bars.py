"""Rolling bars: hand-worked values, a plain reference by window, adjustment, halts, unknown amounts."""

import numpy as np
import pandas as pd
import pytest
from fake_market import FakeMarket, make_market

from fusion_factor.core.errors import DataError
from fusion_factor.features.bars import daily_bars, rolling_panel
from fusion_factor.features.feature_set import FIELDS

DAYS = np.busday_offset("2022-01-03", np.arange(7))
# day, open, high, low, close, volume, amount, factor; day 3 is a row without volume, day 4 is absent
ROWS = [
    (1, 10.0, 11.0, 9.0, 10.5, 100.0, 1_000.0, 1.0),
    (2, 10.4, 12.0, 10.0, 11.0, 200.0, 2_240.0, 1.0),
    (3, 11.0, 11.0, 11.0, 11.0, 0.0, 0.0, 1.0),
    (5, 5.5, 6.0, 5.0, 5.8, 400.0, np.nan, 2.0),
    (6, 5.8, 6.2, 5.6, 6.0, 300.0, 1_800.0, 2.0),
]


def new_values(name, shape):
    return np.empty(shape, np.float32)


def small_market():
    columns = ["date", "open", "high", "low", "close", "volume", "amount", "adj_factor"]
    frame = pd.DataFrame(ROWS, columns=columns).assign(symbol="600000.SH")
    frame["date"] = pd.to_datetime(DAYS[frame["date"]])
    return FakeMarket(DAYS, {"stock_prices": frame}, {})


def panel_of(market, length):
    return rolling_panel(daily_bars(market), length, market, new_values, "any")


def test_daily_bars_by_hand():
    panel = panel_of(small_market(), 1)
    typical = (5.5 + 6.0 + 5.0 + 5.8) / 4
    expected = [
        [np.nan] * 6,
        [10, 11, 9, 10.5, 10, 100],
        [10.4, 12, 10, 11, 11.2, 200],
        [11, 11, 11, 11, 11, 0],  # a row without volume
        [11, 11, 11, 11, 11, 0],  # no row
        [11, 12, 10, 11.6, 2 * typical, 200],  # factor 2: prices doubled, volume halved; amount unknown
        [11.6, 12.4, 11.2, 12, 12, 150],
    ]
    np.testing.assert_allclose(panel.values[:, 0], expected, rtol=1e-6)
    assert panel.valid[:, 0].tolist() == [False, True, True, False, False, True, True]


def test_weekly_bars_by_hand():
    panel = panel_of(small_market(), 5)
    assert np.isnan(panel.values[:5]).all()  # the first session has no price, so no bar before day 5 is whole
    amount = 1_000 + 2_240 + 200 * (11 + 12 + 10 + 11.6) / 4
    np.testing.assert_allclose(panel.values[5, 0], [10, 12, 9, 11.6, amount / 500, 500], rtol=1e-6)
    amount += 1_800 - 1_000
    np.testing.assert_allclose(panel.values[6, 0], [10.4, 12.4, 10, 12, amount / 550, 550], rtol=1e-6)
    assert panel.valid[:, 0].tolist() == [False] * 5 + [True, True]


def test_a_week_without_trades_carries_the_close():
    market = small_market()
    later = np.busday_offset("2022-01-03", np.arange(14))
    longer = FakeMarket(later, {"stock_prices": market.table("stock_prices")}, {})
    panel = panel_of(longer, 5)
    np.testing.assert_allclose(panel.values[12, 0], [12, 12, 12, 12, 12, 0], rtol=1e-6)
    assert not panel.valid[12, 0]


@pytest.mark.parametrize("length", [1, 5, 20])
def test_every_bar_equals_its_window(length):
    market = make_market(n_sessions=80, n_symbols=8, bar_sessions=0, seed=5)
    panel, bars = panel_of(market, length), daily_bars(market)
    for t in range(80):
        for n in range(8):
            rows = slice(t - length + 1, t + 1)
            if t - length + 1 < 0 or np.isnan(bars.close[rows, n]).any():
                assert np.isnan(panel.values[t, n]).all()
                continue
            volume = bars.volume[rows, n].sum()
            vwap = bars.amount[rows, n].sum() / volume if volume else bars.close[t, n]
            expected = [bars.open[rows, n][0], bars.high[rows, n].max(), bars.low[rows, n].min(), bars.close[t, n]]
            np.testing.assert_allclose(panel.values[t, n], [*expected, vwap, volume], rtol=1e-6)
            assert panel.valid[t, n] == bars.traded[rows, n].any()


def test_vwap_lies_in_the_bar_and_the_order_of_prices_holds():
    panel = panel_of(make_market(n_sessions=120, n_symbols=10, bar_sessions=0, seed=6), 5)
    open_, high, low, close, vwap, volume = (panel.column(name) for name in FIELDS)
    known = np.isfinite(close)
    assert np.all(volume[known] >= 0)
    for price in (open_, close, vwap):
        assert np.all(price[known] <= high[known] * (1 + 1e-6))
        assert np.all(price[known] >= low[known] * (1 - 1e-6))


def test_without_volume_bars_are_refused_and_without_high_and_low_they_are_not():
    frame = small_market().table("stock_prices")
    with pytest.raises(DataError, match="column volume is not there"):
        daily_bars(FakeMarket(DAYS, {"stock_prices": frame.drop(columns="volume")}, {}))
    bars = daily_bars(FakeMarket(DAYS, {"stock_prices": frame[["symbol", "date", "open", "close", "volume"]]}, {}))
    assert bars.high[2, 0] == 11.0
    assert bars.low[2, 0] == 10.4
    assert bars.vwap[2, 0] == pytest.approx((10.4 + 11.0 + 10.4 + 11.0) / 4)
