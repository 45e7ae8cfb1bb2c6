"""What a factor reads, and what it does not: planted changes; and the selection that replaces sorting."""

import dataclasses

import numpy as np
import pytest
from fake_bars import random_bars
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.catalogue import KERNEL, LEVEL2
from fusion_factor.features.intraday.largest import cut_largest, spread

VOLUME_SHARES = {f"volume_perc{k}" for k in range(2, 8)}
READ_VOLUME = {
    *VOLUME_SHARES, "corr_volume_item_px", "corr_volume_amplitude", "skew_order_diff_px", "kurt_order_diff_px",
    "corr_buyorder_volume_price_px", "corr_volume_item", "tail_volume_share", "price_volume_corr", "smart_q", "apb",
    "vol_time_center", "volume_hhi",
}  # fmt: skip
READ_AMOUNT = {
    "bigorder_ret_px", "big_amount_ret", "bigorder_ret", "bigorder_ret2_px", "bigorder_amt_perc_px",
    "down_single_amt_perc_px", "down_amt_ratio", "down_single_amt_perc", "concentration_diff_px",
    "corr_netactivebuy_lastret_px", "corr_netactivebuy_nextret_px", "corr_buyorder_volume_price_px",
    "shortcut_illiq", "smart_q", "apb",
}  # fmt: skip
READ_RANGE = {
    "corr_volume_amplitude",
    "corr_netactivebuy_lastret_px",
    "corr_netactivebuy_nextret_px",
    "shortcut_illiq",
    "arpp",
}
READ_EARLY_AMOUNT = {"early_bigorder_buy_perc_px", "early_active_buy_perc_px", "early_active_bigorder_ret_px"}
READ_EARLY_VOLUME = {"early_corr_volume_ret", "early_kurt_order_px"}


def changed(bars, **fields):
    """Names of the factors that differ in any symbol after fields were replaced."""
    before, after = (compute_factors(each, KERNEL) for each in (bars, dataclasses.replace(bars, **fields)))
    return {KERNEL[f] for f in np.flatnonzero((before != after).any(axis=0))}


@pytest.fixture
def bars():
    return random_bars(40, 240, 21, awkward=False)


def planted(bars, name, bar, factor):
    field = getattr(bars, name).copy()
    field[:, bar] *= np.float32(factor)
    return field


def test_a_volume_moves_the_factors_that_read_volume(bars):
    # a rising bar of the fifth half hour in most symbols
    assert changed(bars, volume=planted(bars, "volume", 130, 3)) == READ_VOLUME
    early = changed(bars, volume=planted(bars, "volume", 12, 3))
    assert early == READ_VOLUME | READ_EARLY_VOLUME


def test_an_amount_moves_the_factors_that_read_amounts(bars):
    assert changed(bars, amount=planted(bars, "amount", 130, 20)) == READ_AMOUNT
    assert changed(bars, amount=planted(bars, "amount", 12, 20)) == READ_AMOUNT | READ_EARLY_AMOUNT


def test_a_high_moves_the_factors_that_read_the_range(bars):
    high = bars.high.copy()
    high[:, 130] = bars.high.max(axis=1) * np.float32(1.01)
    assert changed(bars, high=high) == READ_RANGE


def test_trade_counts_move_the_exact_forms_alone(bars):
    exact = {"corr_volume_item", "down_single_amt_perc", "bigorder_ret"}
    assert changed(bars, trades=planted(bars, "trades", 130, 50)) == exact


def test_an_open_moves_the_pairs_of_close_and_next_open(bars):
    open_ = np.clip(bars.open + np.float32(0.01), bars.low, bars.high)
    open_[:, :130], open_[:, 131:] = bars.open[:, :130], bars.open[:, 131:]
    assert changed(bars, open=open_) == {"corr_close_nextopen", "corr_volume_amplitude", "shortcut_illiq", "arpp"}


def test_bars_know_nothing_of_level_2():
    assert not set(KERNEL) & set(LEVEL2)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.0, 1e-3, 700.0, 701.0, 1e4, 1e4 + 0.001, 3e9]), min_size=1, max_size=60),
    rest=st.lists(st.floats(0, 2.0**40, width=32), max_size=60),
    share=st.floats(0.01, 1.0),
    deviations=st.floats(-3, 3),
)
def test_selection_takes_what_sorting_takes(values, rest, share, deviations):
    row = np.array([*values, *rest], np.float32)
    n = int((row > 0).sum())
    if n == 0:
        return
    k = max(1, int(np.ceil(share * n)))
    bits = row.view(np.int32)
    cut = cut_largest(bits, k, spread(bits), deviations)
    equal = np.flatnonzero(bits == cut.above)[: cut.ties]
    got = sorted([*np.flatnonzero(bits > cut.above), *equal])
    expected = sorted(sorted(range(len(row)), key=lambda j: (-row[j], j))[:k])
    assert got == expected
