"""The 12 exact factors: against the slow reference, by hand, invariances, the threshold, and the real stock-days."""

import math
from dataclasses import replace

import numpy as np
import pytest
import reference_level2 as reference
from fake_ticks import KINDS, LOCKED_AT, assembled, random_ticks, rows_of

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday.catalogue import LEVEL2
from fusion_factor.features.level2 import big_order_threshold, compute_level2, order_statistics

BIG_NAMES = ("bigorder_amt_perc", "early_bigorder_buy_perc", "bigorder_ret2", "early_active_bigorder_ret")


def limits_of(ticks):
    return np.tile([0.0, LOCKED_AT], (len(ticks.symbols), 1))


def sessions(count, seed=0, **more):
    return [random_ticks(f"2024-01-{2 + k:02d}", seed, **more) for k in range(count)]


def assert_same(values_sf, expected, ticks):
    for s, symbol in enumerate(ticks.symbols):
        for f, name in enumerate(LEVEL2):
            want = expected[s].get(name, math.nan)
            assert values_sf[s, f] == pytest.approx(want, rel=1e-9, abs=1e-11, nan_ok=True), (symbol, name)


@pytest.mark.parametrize("early", [30, 60, 120])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_factor_is_the_slow_one(seed, early):
    *past, today = sessions(4, seed)
    limits = limits_of(today)
    threshold = big_order_threshold([order_statistics(each, limits) for each in past], today.symbols)
    values = compute_level2(today, threshold, limits=limits, early_minutes=early)
    expected = []
    for s in range(len(today.symbols)):
        logs = [reference.log_amounts(rows_of(each, s)[0], limits[s]) for each in past]
        big = reference.threshold(logs)
        assert threshold[s] == pytest.approx(big, rel=1e-12, nan_ok=True)
        expected.append(reference.factors(*rows_of(today, s), today.resting_only[s], big, limits[s], early))
    assert_same(values, expected, today)
    # the kinds do what they are for
    there = np.isfinite(values)
    for s in range(len(today.symbols)):
        kind = KINDS[s % len(KINDS)]
        if kind in ("thin", "one_price", "few"):
            assert not there[s].any()
        elif kind == "trades_only":
            assert not there[s, 8:].any()
            assert there[s, :8].all()
        elif kind == "full":
            assert there[s].all()


def test_by_hand():
    """Two hundred minutes of one trade at 10.00 each, and five trades that are counted by hand."""

    def stamp(j):
        return 34_200_000 + j * 60_000 if j < 120 else 46_800_000 + (j - 120) * 60_000

    plain = [(stamp(j) + 1000, 1000, 100, 1000 + 2 * j, 1001 + 2 * j, 0) for j in range(40, 240)]
    first = [
        (33_900_000, 1000, 1000, 1, 2, 0),  # auction: 10,000 CNY without a taker
        (stamp(0) + 5, 1010, 500, 3, 4, 1),  # order 3 takes twice: 5,050 + 10,200 CNY
        (stamp(1) + 6, 1020, 1000, 3, 5, 1),
        (stamp(2), 1000, 2000, 6, 7, -1),  # order 7 takes 20,000 CNY
        (stamp(3), 1000, 100, 8, 9, 1),  # a small buyer, 1,000 CNY
    ] + [(stamp(j), 1000, 100, 500 + j, 600 + j, 0) for j in range(4, 20)]
    ticks = assembled("2024-01-02", ["600000.SH"], [(first + plain, [])])
    values = dict(zip(LEVEL2, compute_level2(ticks, np.array([12_000.0]))[0], strict=True))
    total = 10_000 + 5_050 + 10_200 + 20_000 + 1_000 + 216 * 1_000
    assert values["bigorder_amt_perc"] == pytest.approx((15_250 + 20_000 + 20_000) / (2 * total))  # 3; 6 and 7
    assert values["early_bigorder_buy_perc"] == pytest.approx((15_250 + 20_000) / (15_250 + 20_000 + 20_000))
    steps = math.log(10.1 / 10) + math.log(10.2 / 10.1) + math.log(10 / 10.2)
    assert values["bigorder_ret2"] == pytest.approx(steps, abs=1e-15)
    assert values["early_active_bigorder_ret"] == pytest.approx(steps, abs=1e-15)
    assert values["early_active_buy_perc"] == pytest.approx((5_050 + 10_200 + 1_000) / (46_250 + 16_000))
    # buyers: 10,000 15,250 20,000 1,000; sellers: 10,000 5,050 10,200 20,000 1,000; all others 1,000
    squares = 15_250**2 - 5_050**2 - 10_200**2
    assert values["concentration_diff"] == pytest.approx(squares / total**2)
    assert math.isnan(values["skew_order_diff"])


def test_an_order_of_shanghai_is_its_trades_and_its_rest():
    """A buyer takes 300 + 200 and rests with 500: one order of 1,000; another takes 400 and leaves nothing."""
    start = 34_200_000
    trades = [(start + 60_000 * j, 1000 + j % 2, 100, 10**4 + j, 2 * 10**4 + j, 0) for j in range(120)]
    trades += [
        (start + 7_300_000, 1003, 300, 50, 71, 1),
        (start + 7_300_000, 1004, 200, 50, 72, 1),
        (start + 7_300_010, 1004, 400, 51, 73, 1),
    ]
    orders = [(start + 7_300_005, 1005, 500, 50, 1), *((start, 1000, 100 * k, 10**6 + k, -1) for k in (1, 2, 9))]
    orders += [(start, 990 + k, 100, 10**6 + 10 + k, 1) for k in range(12)]
    values = {}
    for symbol in ("600000.SH", "000001.SZ"):
        ticks = assembled("2024-01-02", [symbol], [(trades, orders)])
        values[symbol] = compute_level2(ticks, np.array([np.nan]))[0]
    buys = {"600000.SH": [1000, 400] + [100] * 12, "000001.SZ": [500] + [100] * 12}
    prices = {"600000.SH": [1005, 1004], "000001.SZ": [1005]}
    for symbol, quantities in buys.items():
        x, p = np.array(quantities, float), np.array([*prices[symbol], *range(990, 1002)], float)
        sells = np.array([100, 200, 900.0])
        skews = [np.mean((y - y.mean()) ** 3) / np.std(y) ** 3 for y in (x, sells)]
        assert values[symbol][LEVEL2.index("skew_order_diff")] == pytest.approx(skews[0] - skews[1])
        assert values[symbol][LEVEL2.index("corr_buyorder_volume_price")] == pytest.approx(np.corrcoef(x, p)[0, 1])
        assert np.isnan(values[symbol][[LEVEL2.index(name) for name in BIG_NAMES]]).all()


def test_symbols_do_not_see_one_another():
    ticks = random_ticks(seed=3)
    threshold = np.full(len(ticks.symbols), 20_000.0)
    whole = compute_level2(ticks, threshold)
    for s in (0, 7, 13):
        alone = assembled("2024-01-02", [ticks.symbols[s]], [tuple(rows_of(ticks, s))])
        assert np.array_equal(compute_level2(alone, threshold[:1])[0], whole[s], equal_nan=True)


def test_the_price_level_moves_only_money():
    """Ten times the price: everything but the threshold stays."""
    ticks = random_ticks(seed=4)
    high = replace(
        ticks,
        trades=ticks.trades._replace(cents=ticks.trades.cents * 10),
        orders=ticks.orders._replace(cents=ticks.orders.cents * 10),
    )
    threshold = np.full(len(ticks.symbols), 20_000.0)
    np.testing.assert_allclose(
        compute_level2(high, 10 * threshold), compute_level2(ticks, threshold), rtol=1e-9, atol=1e-12
    )


def test_the_names_of_ids_do_not_matter():
    """Ids far apart, in another order, or beyond 32 bits: the same orders."""
    ticks = random_ticks(seed=5)
    threshold = np.full(len(ticks.symbols), 20_000.0)
    expected = compute_level2(ticks, threshold)
    for rename in (lambda x: x << 20, lambda x: 2**62 - 977 * x, lambda x: x * 1_048_576 + 3):
        trades = ticks.trades._replace(buy=rename(ticks.trades.buy), sell=rename(ticks.trades.sell))
        other = replace(ticks, trades=trades, orders=ticks.orders._replace(id=rename(ticks.orders.id)))
        assert np.array_equal(compute_level2(other, threshold), expected, equal_nan=True)


def test_the_threshold_is_that_of_all_past_orders_together():
    past = sessions(5, seed=6)
    statistics = [order_statistics(each) for each in past]
    symbols = past[0].symbols
    found = big_order_threshold(statistics, symbols)
    for s in range(len(symbols)):
        expected = reference.threshold([reference.log_amounts(rows_of(each, s)[0]) for each in past])
        assert found[s] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    # the order of the sessions is of no account, nor is a symbol that one of them lacks
    np.testing.assert_allclose(big_order_threshold(statistics[::-1], symbols), found, rtol=1e-12)
    assert np.isnan(big_order_threshold([], symbols)).all()
    assert np.isnan(big_order_threshold(statistics, np.array(["688001.SH"], dtype=object))).all()
    assert big_order_threshold(statistics, symbols[[3]])[0] == found[3]


def test_what_cannot_be_is_refused():
    ticks = random_ticks(n_symbols=2, trades=50)
    with pytest.raises(ConfigError, match="'late_skew_ret' is no level-2 factor"):
        compute_level2(ticks, np.zeros(2), ["late_skew_ret"])
    with pytest.raises(DataError, match="threshold is"):
        compute_level2(ticks, np.zeros(3))
    with pytest.raises(DataError, match="limits are"):
        compute_level2(ticks, np.zeros(2), limits=np.zeros((3, 2)))
    with pytest.raises(DataError, match="offsets of trades"):
        replace(ticks, trade_first=ticks.trade_first + 1)
