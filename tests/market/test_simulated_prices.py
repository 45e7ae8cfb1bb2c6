"""Prices, lots, limits, suspensions and listings of a small simulated market."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.limits import NO_LIMIT, PriceLimits
from fusion_factor.market import StoredMarket
from fusion_factor.market.simulated import SimulationConfig, simulate

SMALL = {"start": "2021-01-04", "end": "2022-05-20", "bars_from": "2022-01-20", "seed": 3}
COUNTS = {"n_stocks": 60, "n_themes": 5, "n_concepts": 3, "n_industries": 4}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> StoredMarket:
    folder = tmp_path_factory.mktemp("market")
    simulate(SimulationConfig(**SMALL, **COUNTS), folder)
    return StoredMarket(folder)


def cents(values: Any) -> Any:
    return np.round(np.asarray(values, dtype=np.float64) * 100).astype(np.int64)


def test_shape_of_the_market(market: StoredMarket) -> None:
    assert market.bar_minutes == 1
    assert market.bar_sessions[0] == np.datetime64("2022-01-20")
    assert market.bar_sessions[-1] == market.sessions[-1] == np.datetime64("2022-05-20")
    assert 40 < len(market.symbols) <= 60
    assert list(market.symbols) == sorted(market.symbols)
    assert market.pools == ("concept", "industry", "theme")
    assert set(market.table("stocks")["symbol"]) == set(market.symbols)


def test_minutes_are_on_ticks_and_lots_and_in_order(market: StoredMarket) -> None:
    for session in market.bar_sessions[::15]:
        bars = market.bars(session)
        assert bars.close.shape == (len(bars.symbols), 240)
        np.testing.assert_array_equal(bars.volume % 100, 0)
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()
        assert (bars.low > 0).all()
        assert (bars.volume[:, 0] >= 100).all()
        empty = bars.volume == 0
        for field in (bars.open, bars.high, bars.low, bars.close):
            np.testing.assert_array_equal(field[:, 1:][empty[:, 1:]], bars.close[:, :-1][empty[:, 1:]])
        np.testing.assert_array_equal(bars.amount[empty], 0)
        within = bars.amount[~empty] / bars.volume[~empty]
        assert (within >= bars.low[~empty] - 0.011).all()
        assert (within <= bars.high[~empty] + 0.011).all()


def test_volume_is_high_at_both_ends(market: StoredMarket) -> None:
    share = np.mean([market.bars(s).volume.mean(axis=0) for s in market.bar_sessions], axis=0)
    assert share[:30].mean() > 1.3 * share[90:150].mean()
    assert share[-15:].mean() > 1.2 * share[90:150].mean()


def test_daily_bars_are_the_minutes_summed_up(market: StoredMarket) -> None:
    prices = market.table("stock_prices").set_index(["date", "symbol"])
    for session in market.bar_sessions[::9]:
        bars = market.bars(session)
        day = prices.loc[pd.Timestamp(session)]
        assert list(day.index) == list(bars.symbols)
        np.testing.assert_array_equal(cents(day["open"]), cents(bars.open[:, 0]))
        np.testing.assert_array_equal(cents(day["close"]), cents(bars.close[:, -1]))
        np.testing.assert_array_equal(cents(day["high"]), cents(bars.high.max(axis=1)))
        np.testing.assert_array_equal(cents(day["low"]), cents(bars.low.min(axis=1)))
        np.testing.assert_array_equal(day["volume"], bars.volume.astype(np.float64).sum(axis=1))
        np.testing.assert_allclose(day["amount"], bars.amount.astype(np.float64).sum(axis=1), rtol=1e-6)
        np.testing.assert_allclose(day["vwap"], day["amount"] / day["volume"], rtol=1e-12)


def test_every_price_keeps_the_limits(market: StoredMarket) -> None:
    limits = PriceLimits(market.table("stocks"), market.table("st"), market.sessions, market.symbols)
    t, n = np.nonzero(np.isfinite(market.dense("close")))
    upper, lower = limits.prices(t, n, market.dense("pre_close")[t, n])
    high, low = cents(market.dense("high")[t, n]), cents(market.dense("low")[t, n])
    limited = upper != NO_LIMIT
    assert limited.mean() > 0.9
    assert (high[limited] <= upper[limited]).all()
    assert (low[limited] >= lower[limited]).all()
    assert (high[limited] == upper[limited]).any()


def test_adjusted_prices_go_on_over_ex_dates(market: StoredMarket) -> None:
    prices = market.table("stock_prices")
    before = prices.groupby("symbol").shift(1)
    later = before["close"].notna()
    step = prices["adj_factor"] / before["adj_factor"]
    ratio = before["close"] / prices["pre_close"]
    np.testing.assert_allclose(step[later], ratio[later], rtol=1e-12)
    assert (step[later] > 1.0).sum() > 20
    assert (step[later] >= 1.0).all()
    move = (prices["close"] * prices["adj_factor"]) / (before["close"] * before["adj_factor"]) - 1.0
    assert move[later & (step > 1.0)].abs().max() < 0.25


def test_suspended_stocks_have_neither_row_nor_bars(market: StoredMarket) -> None:
    close = market.dense("close")
    listed = market.table("stocks").set_index("symbol")["list_date"]
    first = np.searchsorted(market.sessions, listed[market.symbols].to_numpy().astype("datetime64[D]"))
    gone = np.isnan(close)
    lengths = []
    for n in range(len(market.symbols)):
        inside = gone[first[n] :, n]
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        lengths += list(edges[1::2] - edges[::2])
    assert len(lengths) > 10
    assert max(lengths) > 5
    for session in market.bar_sessions[::20]:
        t = int(np.searchsorted(market.sessions, session))
        assert set(market.bars(session).symbols) == set(market.symbols[~gone[t]])
    caps = market.table("caps")
    assert len(caps) > (~gone).sum()


def test_new_listings_and_delistings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion_factor.market.simulated.population.DELISTING_GAP", 150.0)
    monkeypatch.setattr("fusion_factor.market.simulated.population.NEW_LISTING_DAYS", 100.0)
    simulate(SimulationConfig(**(SMALL | {"bars_from": "2022-05-16"}), **COUNTS), tmp_path)
    market = StoredMarket(tmp_path)
    stocks, prices = market.table("stocks"), market.table("stock_prices")
    spans = prices.groupby("symbol")["date"].agg(["min", "max"]).join(stocks.set_index("symbol"))
    off = spans[spans["delist_date"].notna()]
    assert len(off) >= 5
    assert (off["max"] < off["delist_date"]).all()
    new = spans[spans["list_date"] >= pd.Timestamp("2021-01-04")]
    assert len(new) >= 3
    assert (new["min"] >= new["list_date"]).all()
    assert (spans["list_date"] <= pd.Timestamp("2022-05-20")).all()
    members = market.pool("industry").members
    last = members.groupby("symbol")["out_date"].apply(lambda out: out.isna().any())
    assert not last[last.index.isin(off.index)].any()
