"""Universe, history, tradability and label: one rule a test, on markets that break just that rule."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from fake_market import FakeMarket

from fusion_factor.features import FeatureConfig, LabelConfig
from fusion_factor.features.bars import daily_bars
from fusion_factor.features.universe import labels, recent_count, sessions_listed, universe

DAYS = np.busday_offset("2021-01-04", np.arange(100))
SYMBOL = "600000.SH"


def market(changes=None, drop=(), stocks=None, **tables):
    """One symbol that trades each session at 10 + t/100, changed as {session position: {column: value}}."""
    close = np.round(10 + 0.01 * np.arange(len(DAYS)), 2)
    frame = pd.DataFrame({"symbol": SYMBOL, "date": pd.to_datetime(DAYS), "open": close, "high": close + 0.05})
    frame = frame.assign(low=close - 0.05, close=close, volume=1e4, amount=1e4 * close)
    for t, row in (changes or {}).items():
        for column, value in row.items():
            frame.loc[t, column] = value
    frame = frame.drop(index=list(drop))
    if stocks is not None:
        row = {"symbol": SYMBOL, "board": "main", "list_date": pd.NaT, "delist_date": pd.NaT} | stocks
        tables["stocks"] = pd.DataFrame([row])
    return FakeMarket(DAYS, {"stock_prices": frame, **tables}, {})


def universe_of(made):
    return universe(made, daily_bars(made), 60)[:, 0]


def label_of(made, config=None):
    label, can_buy, has_label = labels(made, daily_bars(made), np.ones((len(DAYS), 1), bool), config or FeatureConfig())
    return label[:, 0], can_buy[:, 0], has_label[:, 0]


def test_unknown_listing_counts_from_the_first_trade():
    assert universe_of(market()).argmax() == 59
    assert universe_of(market(drop=range(10))).argmax() == 69


def test_known_listing_counts_from_its_date():
    assert universe_of(market(stocks={"list_date": pd.Timestamp("2015-01-05")})).all()
    listed = sessions_listed(made := market(stocks={"list_date": pd.Timestamp(DAYS[5])}), daily_bars(made))[:, 0]
    assert listed[4:7].tolist() == [0, 1, 2]
    # ten weekdays before the first session
    early = market(stocks={"list_date": pd.Timestamp(np.busday_offset(DAYS[0], -10))})
    assert universe_of(early).argmax() == 49


def test_halted_special_or_delisted_names_are_out():
    old = {"list_date": pd.Timestamp("2015-01-05")}
    st = pd.DataFrame({"symbol": [SYMBOL], "in_date": [DAYS[30]], "out_date": [DAYS[33]]})
    made = market({20: {"volume": 0.0}, 22: {"volume": np.nan}}, drop=[21], stocks=old, st=st)
    assert np.flatnonzero(~universe_of(made)).tolist() == [20, 21, 22, 30, 31, 32]
    gone = market(stocks=old | {"delist_date": pd.Timestamp(DAYS[90])})
    assert np.flatnonzero(~universe_of(gone)).tolist() == list(range(90, 100))


def test_counts_over_the_last_sessions():
    flags = np.array([1, 0, 1, 1, 0, 1, 1], bool)[:, None]
    assert recent_count(flags, 3)[:, 0].tolist() == [1, 1, 2, 2, 2, 2, 2]
    assert recent_count(flags, 2, step=3)[:, 0].tolist() == [1, 0, 1, 2, 0, 2, 2]
    assert recent_count(flags, 50)[-1, 0] == 5


def test_label_is_the_return_from_the_next_session_over_ten():
    label, _, has_label = label_of(market())
    close = np.round(10 + 0.01 * np.arange(100), 2)
    np.testing.assert_allclose(label[:89], close[11:] / close[1:90] - 1, rtol=1e-12)
    assert np.isnan(label[89:]).all()
    assert has_label.tolist() == [True] * 89 + [False] * 11


@pytest.mark.parametrize("price", ["open", "vwap"])
def test_label_of_other_prices_and_spans(price):
    made = market({t: {"open": 9.97 + 0.01 * t, "amount": 1e4 * (9.98 + 0.01 * t)} for t in range(100)})
    label, _, _ = label_of(made, FeatureConfig(label=LabelConfig(2, 7, price)))
    base = {"open": 9.97, "vwap": 9.98}[price] + 0.01 * np.arange(100)
    np.testing.assert_allclose(label[:93], base[7:] / base[2:95] - 1, rtol=1e-9)


def test_a_name_halted_at_the_start_has_no_label_and_halted_at_the_end_keeps_its_mark():
    label, can_buy, has_label = label_of(market({50: {"volume": 0.0}}))
    assert np.isnan(label[49])
    assert not can_buy[49]
    assert not has_label[49]
    assert label[39] == pytest.approx(10.49 / 10.40 - 1)  # session 50 carries the close of session 49
    assert has_label[39]


def test_a_name_delisted_inside_the_reach_has_no_label():
    label, can_buy, has_label = label_of(market(stocks={"delist_date": pd.Timestamp(DAYS[80])}))
    assert np.isfinite(label[68])
    assert np.isnan(label[69:]).all()
    assert can_buy[69]
    assert not has_label[69:].any()


def test_adjustment_moves_the_label_as_a_holder_was_paid():
    factor = {t: {"adj_factor": 1.0 if t < 55 else 1.1} for t in range(100)}
    label, _, _ = label_of(market(factor))
    close = np.round(10 + 0.01 * np.arange(100), 2)
    assert label[50] == pytest.approx(1.1 * close[61] / close[51] - 1)


def test_a_name_at_the_upper_limit_cannot_be_bought():
    # from 10.49 the limit is 11.539, rounded half up to 11.54
    at_limit = {50: {"open": 10.6, "high": 11.54, "low": 10.5, "close": 11.54, "amount": 1e4 * 11.0}}
    below = {50: at_limit[50] | {"close": 11.53}}
    assert not label_of(market(at_limit, stocks={}))[2][49]
    assert label_of(market(below, stocks={}))[2][49]
    # at the open it could be had
    assert label_of(market(at_limit, stocks={}), FeatureConfig(label=LabelConfig(price="open")))[2][49]
    # without a table of boards the limit is not known
    assert label_of(market(at_limit))[2][49]


def test_one_price_above_the_close_before_cannot_be_bought_even_where_no_limit_is_known():
    locked = {50: {"open": 11.0, "high": 11.0, "low": 11.0, "close": 11.0, "amount": 11e4}}
    assert not label_of(market(locked))[2][49]
    down = {50: {"open": 9.9, "high": 9.9, "low": 9.9, "close": 9.9, "amount": 9.9e4}}
    assert label_of(market(down))[2][49]


def test_the_limit_is_from_the_close_before_adjusted_for_rights():
    # a dividend of a tenth: 10.49 becomes 9.54, whose limit is 10.49; a close of 10.49 is at it
    changes = {t: {"adj_factor": 1.0 if t < 50 else 10.49 / 9.54} for t in range(100)}
    changes[50] |= {"open": 9.6, "high": 10.49, "low": 9.5, "close": 10.49, "amount": 1e5}
    assert not label_of(market(changes, stocks={}))[2][49]
    given = dataclasses.replace(FeatureConfig())
    changes[50] |= {"pre_close": 10.49}
    assert label_of(market(changes, stocks={}), given)[2][49]
