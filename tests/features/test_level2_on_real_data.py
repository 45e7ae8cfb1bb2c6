"""The real Shanghai stock-days: bars out of ticks, and the build's exact factors against the slow reference."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import reference_level2 as reference
from fake_ticks import rows_of
from omegaconf import OmegaConf

from fusion_factor.core.limits import cents
from fusion_factor.features import FeatureConfig, build
from fusion_factor.features.bars import daily_bars
from fusion_factor.features.intraday.catalogue import LEVEL2
from fusion_factor.features.universe import limit_prices
from fusion_factor.market import open_market

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def market(shared_data):
    file = Path(__file__).parents[2] / "conf" / "data" / "l2_sample.yaml"
    config = OmegaConf.load(file)
    config["folder"] = str(shared_data)
    return open_market(OmegaConf.to_container(config, resolve=True))


def test_no_row_is_bad_and_every_passive_order_was_entered(market):
    assert [str(day) for day in market.tick_sessions] == ["2023-02-01", "2023-02-07", "2023-07-11"]
    rows = 0
    for day in market.tick_sessions:
        ticks = market.ticks(day)
        assert ticks.bad.counts.sum() == 0
        rows += len(ticks.trades.time)
        for s in range(len(ticks.symbols)):
            trades, orders = ticks.trades_of(s), ticks.orders_of(s)
            if not len(orders.time):
                continue
            entered = set(orders.id.tolist())
            assert set(trades.buy[trades.side <= 0].tolist()) <= entered
            assert set(trades.sell[trades.side >= 0].tolist()) <= entered
            # an order of Shanghai that took is entered with its rest alone, or not at all
            takers = set(trades.buy[trades.side > 0].tolist())
            assert 0 < len(takers & entered) < 0.2 * len(takers)
    assert rows == 170_308


def test_bars_out_of_ticks_are_the_bars_of_the_sample(market):
    """The minute of a stamp, by which the factors are made, is the minute of the sample's bars."""
    days = 0
    for day in market.tick_sessions:
        ticks, bars = market.ticks(day), market.bars(day)
        for s, symbol in enumerate(ticks.symbols):
            trades = ticks.trades_of(s)
            row = int(np.flatnonzero(bars.symbols == symbol)[0])
            minute = [reference.minute(time) for time in trades.time.tolist()]
            frame = pd.DataFrame({"j": minute, "p": trades.cents, "v": trades.volume})
            frame["a"] = frame["p"] * (frame["v"] / 100)
            made, j = frame.groupby("j"), np.unique(minute)
            for name, prices in zip(
                ("open", "high", "low", "close"),
                made["p"].agg(["first", "max", "min", "last"]).to_numpy().T,
                strict=True,
            ):
                assert np.array_equal(cents(getattr(bars, name)[row, j].astype(np.float64).round(2)), prices)
            assert np.array_equal(bars.volume[row, j], made["v"].sum())
            np.testing.assert_allclose(bars.amount[row, j], made["a"].sum(), rtol=1e-6, atol=1)
            assert bars.volume[row].sum(dtype=np.float64) == trades.volume.sum()
            days += 1
    assert days == 8


def test_the_build_gives_the_exact_factors_of_the_slow_reference(market, tmp_path):
    features = build(market, FeatureConfig(workers=1), tmp_path, progress=False)
    listed = {row["name"]: row["tier_used"] for row in json.loads((tmp_path / "factors.json").read_text())}
    assert sorted(listed.values()) == ["bar"] * 12 + ["bar+n"] * 3 + ["l2"] * 12
    assert not any(name.endswith("_px") for name in listed)
    assert not (tmp_path / "bad_input.csv").exists()
    low_tn, high_tn = limit_prices(market, daily_bars(market))
    logs: dict[str, list[tuple[int, list[float]]]] = {}
    compared = 0
    for day in market.tick_sessions:
        ticks, t = market.ticks(day), int(np.flatnonzero(features.sessions == day)[0])
        for s, symbol in enumerate(ticks.symbols):
            if symbol not in features.symbols:
                continue  # one of the stocks has no daily rows
            n = int(np.flatnonzero(features.symbols == symbol)[0])
            limits = (low_tn[t, n], high_tn[t, n])
            assert limits[0] <= ticks.trades_of(s).cents.min() <= ticks.trades_of(s).cents.max() <= limits[1]
            trades, orders = rows_of(ticks, s)
            past = [values for u, values in logs.get(symbol, []) if t - 5 <= u < t]
            expected = reference.factors(trades, orders, True, reference.threshold(past), limits)
            logs.setdefault(symbol, []).append((t, reference.log_amounts(trades, limits)))
            for name in LEVEL2:
                found = features.factors.column(name)[t, n]
                assert found == pytest.approx(expected.get(name, math.nan), rel=1e-5, abs=1e-7, nan_ok=True), (
                    symbol,
                    name,
                )
                compared += math.isfinite(found)
    # 7 stock-days with the four factors of trades that need no threshold, 6 with orders, one with a threshold
    assert compared == 7 * 4 + 6 * 4 + 4
