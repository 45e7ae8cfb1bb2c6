"""The compiled intraday factors against their definitions, written slowly; and against hand-worked values."""

import dataclasses

import numpy as np
import pytest
from against_reference import assert_equals_reference
from fake_bars import random_bars
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.intraday import CATALOGUE, HUATAI27, SIGNS, compute_factors, resolve
from fusion_factor.features.intraday.catalogue import KERNEL
from fusion_factor.market.store import SessionBars


@pytest.mark.parametrize("n_bars", [240, 48, 16])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_factor_equals_its_definition(n_bars, seed):
    expected = assert_equals_reference(random_bars(48, n_bars, seed))
    # the comparison is worth something only where factors exist, and rows were blanked too
    assert np.all(np.isfinite(expected).sum(axis=0) >= 12)
    assert np.isnan(expected).all(axis=1).sum() >= 8


@pytest.mark.parametrize("price", [0.5, 30.0, 3000.0])
@pytest.mark.parametrize("shares", [1e2, 1e6, 1e9])
def test_one_pass_is_as_exact_as_two_at_any_level_of_price_and_volume(price, shares):
    """Prices a tick apart at any level, volumes from equal to six orders of magnitude apart, the largest one first:
    a sum of squares around 0, or around any value outside of the set, would lose all digits here."""
    rng = np.random.default_rng(int(price * shares) % 1000)
    shape = (24, 240)
    close = price + 0.01 * np.cumsum(rng.integers(-1, 2, shape), axis=1) * (price / 30) ** 0.5
    close = np.maximum(close, price / 2).astype(np.float32)
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    high, low = np.maximum(open_, close) * np.float32(1.0001), np.minimum(open_, close) * np.float32(0.9999)
    spread = np.concatenate([np.full(6, 1e-6), np.full(6, 0.1), np.full(6, 1.0), np.full(6, 3.0)])[:, None]
    volume = (shares * np.exp(spread * rng.standard_normal(shape))).astype(np.float32)
    volume[::2, 0] *= 1000
    volume[1::2, 120] *= 1000
    fields = (open_, high, low, close, volume, volume * close, np.ceil(volume / 300))
    fields = [np.ascontiguousarray(field, np.float32) for field in fields]
    symbols = np.array([f"{600000 + i}.SH" for i in range(24)])
    bars = SessionBars(np.datetime64("2024-01-02"), symbols, *fields[:6], trades=fields[6])
    assert_equals_reference(bars)


def one_symbol(close, volume, open_=None, high=None, low=None, amount=None, trades=None):
    close = np.asarray(close, float)
    open_ = np.concatenate([close[:1], close[:-1]]) if open_ is None else np.asarray(open_, float)
    high = np.maximum(open_, close) if high is None else high
    low = np.minimum(open_, close) if low is None else low
    amount = np.asarray(volume) * close if amount is None else amount
    fields = [np.asarray(x, np.float32)[None, :] for x in (open_, high, low, close, volume, amount)]
    counts = None if trades is None else np.asarray(trades, np.float32)[None, :]
    return SessionBars(np.datetime64("2024-01-02"), np.array(["600000.SH"]), *fields, trades=counts)


def named(bars, names=HUATAI27):
    return dict(zip(names, compute_factors(bars, names)[0], strict=True))


def test_hand_worked_session_of_16_bars():
    # alternating 10 and 20, so that returns are 0 (first bar), +1, -1/2, +1, -1/2, ...
    close = [10, 20] * 8
    volume = [100, 100, 200, 200, 300, 300, 400, 400, 100, 100, 200, 200, 300, 300, 400, 400]
    x = named(one_symbol(close, volume, amount=[1.0 * v for v in volume]))
    # 8 rises of 1, 7 falls of 1/2: squares 8 and 7/4
    assert x["down_vol_perc"] == pytest.approx(1.75 / 9.75)
    # shares of the eight half hours: 200, 400, 600, 800, 200, 400, 600, 800 of 4000
    assert [x[f"volume_perc{k}"] for k in range(2, 8)] == pytest.approx([0.1, 0.15, 0.2, 0.05, 0.1, 0.15])
    # the last four returns are -1/2, 1, -1/2, 1: symmetric
    assert x["late_skew_ret"] == pytest.approx(0, abs=1e-12)
    # the open of a bar is the close before it: corr(p_j, o_(j+1)) = 1
    assert x["corr_close_nextopen"] == pytest.approx(1)
    # 30% of 16 bars = 5 bars: the four of amount 400 (two rises, two falls) and the first of 300, a fall
    assert x["bigorder_ret_px"] == pytest.approx((2 * 0.5) ** 2 * 0.5 - 1)
    # 20% = 4 bars of 400
    assert x["bigorder_amt_perc_px"] == pytest.approx(1600 / 4000)
    # 10% = 2 bars, the earlier two of 400: a fall and a rise
    assert x["bigorder_ret2_px"] == pytest.approx(0, abs=1e-12)
    # falls: 200 300 400 | 100 200 300 400 = 1900 over 7, against 4000 over 16
    assert x["down_single_amt_perc_px"] == pytest.approx((1900 / 7) / 250)
    # rises: 2 * (1 + 4 + 9 + 16) = 60; falls 59 (the first bar of 100 did not move), in 100^2, of 40^2
    assert x["concentration_diff_px"] == pytest.approx((60 - 59) / 1600)
    # first half hour: bar 1 flat (b = 1/2), bar 2 closes at its high (b = 1), equal amounts
    assert x["early_active_buy_perc_px"] == pytest.approx(0.75)
    # both bars reach the percentile, since they are equal
    assert x["early_bigorder_buy_perc_px"] == pytest.approx(0.75)
    assert x["early_active_bigorder_ret_px"] == pytest.approx(np.log(2))
    # volumes 100 100 200 200: two equal pairs, kurtosis 1 - 3
    assert x["early_kurt_order_px"] == pytest.approx(-2)


def test_hand_worked_trade_counts():
    close = [10, 20] * 8
    volume = np.full(16, 100.0)
    trades = np.arange(1, 17)
    names = resolve("huatai27", trades=True)
    x = named(one_symbol(close, volume, amount=volume, trades=trades), names)
    # falls at bars 3, 5, .. 15 with 3 + 5 + .. + 15 = 63 trades; all 136
    assert x["down_single_amt_perc"] == pytest.approx((700 / 63) / (1600 / 136))
    # the five largest tickets are the first five bars: 0, +1, -1/2, +1, -1/2
    assert x["bigorder_ret"] == pytest.approx(0, abs=1e-12)
    assert np.isnan(x["corr_volume_item"])  # volume does not vary


def test_first_return_is_from_the_open_and_no_pair_spans_lunch():
    rng = np.random.default_rng(3)
    close = 10 + np.cumsum(rng.integers(-3, 4, 48)) * 0.01
    volume = rng.integers(1, 50, 48) * 100.0
    base = one_symbol(close, volume, open_=np.full(48, 10.0))
    other = one_symbol(close, volume, open_=np.concatenate([[9.0], np.full(47, 10.0)]), high=base.high[0])
    a, b = named(base), named(other)
    assert a["down_vol_perc"] > b["down_vol_perc"]  # a large first rise
    returns = np.diff(close, prepend=10.0) / np.concatenate([[10.0], close[:-1]])
    keep = np.arange(47) != 23
    pairs = np.array([returns[:-1], returns[1:]])[:, keep]
    assert a["corr_ret_lastret"] == pytest.approx(np.corrcoef(pairs)[0, 1], abs=1e-5)


def test_windows_are_by_bar_end():
    volume = np.ones(240)
    volume[30] = 1000.0  # ends at 10:01: the second half hour
    volume[239] = 5000.0
    x = named(one_symbol(10 + 0.01 * (np.arange(240) % 7), volume))
    assert x["volume_perc2"] == pytest.approx(1029 / volume.sum())
    assert x["volume_perc7"] == pytest.approx(30 / volume.sum())


@pytest.mark.parametrize("n_bars", [240, 48, 16])
def test_a_locked_or_suspended_or_half_empty_day_has_no_factor(n_bars):
    bars = random_bars(12, n_bars, 5)
    x = compute_factors(bars)
    assert np.isnan(x[5]).all()  # suspended
    assert np.isnan(x[6]).all()  # one price
    assert np.isfinite(x[0]).sum() >= 24
    few = np.full(n_bars, 100.0)
    few[: n_bars // 2 + 1] = 0
    assert np.isnan(compute_factors(one_symbol(10 + np.arange(n_bars) % 5, few))).all()


def test_what_stands_in_an_empty_bar_is_not_read():
    bars = random_bars(24, 48, 7)
    empty = bars.volume == 0
    changed = {}
    for name in ("open", "high", "low", "close"):
        field = getattr(bars, name).copy()
        field[empty] = np.nan
        changed[name] = field
    changed["amount"] = np.where(empty, np.float32(np.nan), bars.amount)
    assert empty.any()
    again = dataclasses.replace(bars, **changed)
    assert np.array_equal(compute_factors(bars), compute_factors(again), equal_nan=True)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.5, 2.0, 4.0]), lots=st.sampled_from([0.25, 8.0]))
def test_price_and_volume_units_do_not_matter(seed, scale, lots):
    bars = random_bars(6, 48, seed)
    other = dataclasses.replace(
        bars,
        **{name: getattr(bars, name) * np.float32(scale) for name in ("open", "high", "low", "close")},
        volume=bars.volume * np.float32(lots),
        amount=bars.amount * np.float32(scale * lots),
    )
    # powers of two: nothing is rounded but the sums' order, which is the same
    np.testing.assert_allclose(compute_factors(bars), compute_factors(other), rtol=1e-9, atol=1e-12)


def test_order_of_symbols_does_not_matter_and_rows_are_bit_equal():
    bars = random_bars(24, 240, 11)
    order = np.random.default_rng(0).permutation(24)
    shuffled = dataclasses.replace(
        bars, symbols=bars.symbols[order],
        **{n: np.ascontiguousarray(getattr(bars, n)[order]) for n in ("open", "high", "low", "close", "volume",
           "amount")},
    )  # fmt: skip
    assert np.array_equal(compute_factors(bars)[order], compute_factors(shuffled), equal_nan=True)


def test_catalogue():
    assert len(HUATAI27) == 27
    assert sum(not name.endswith("_px") for name in HUATAI27) == 12
    assert all(bool(f.proxy_of) == f.name.endswith("_px") for f in CATALOGUE)
    positive = {name for name in HUATAI27 if SIGNS[name] == 1}
    assert positive == {
        "down_vol_perc", "corr_close_nextopen", *(f"volume_perc{k}" for k in range(2, 8)), "early_corr_volume_ret",
        "down_single_amt_perc_px", "bigorder_amt_perc_px", "early_bigorder_buy_perc_px",
        "early_active_bigorder_ret_px", "early_active_buy_perc_px",
    }  # fmt: skip


def test_a_preset_takes_the_best_tier_the_data_allow():
    bars, counts, ticks = (resolve("huatai27", *given) for given in ((), (True,), (True, True)))
    assert bars == HUATAI27
    assert set(counts) - set(bars) == {"corr_volume_item", "bigorder_ret", "down_single_amt_perc"}
    assert not any(name.endswith("_px") for name in ticks)
    assert [name.removesuffix("_px") for name in bars] == list(ticks)
    assert sum(name.endswith("_px") for name in resolve("huatai27", level2=True)) == 3
    assert resolve("open27", True, True) == resolve("open27")
    assert len(set(resolve("open27"))) == 27
    assert set(resolve("open27")) <= set(KERNEL)
    with pytest.raises(ConfigError, match="'huatai26'"):
        resolve("huatai26")


def test_what_cannot_be_computed_is_refused():
    bars = random_bars(3, 48)
    with pytest.raises(ConfigError, match="'nonsense' is not made from bars"):
        compute_factors(bars, ["nonsense"])
    with pytest.raises(DataError, match="no trade counts"):
        compute_factors(dataclasses.replace(bars, trades=None), ["bigorder_ret"])
    with pytest.raises(DataError, match="25 bars a symbol, must be one of 240, 48, 16"):
        compute_factors(random_bars(3, 25))
    with pytest.raises(DataError, match="volume is"):
        compute_factors(dataclasses.replace(bars, volume=bars.volume[:2]))
