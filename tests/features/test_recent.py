"""The features of the last sessions are the last rows of a whole build, bit for bit, whatever was carried into them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_market import FakeMarket, make_market, scrambled_after

from fusion_factor.core.errors import DataError
from fusion_factor.features import FeatureConfig, FeatureSet, build
from fusion_factor.features.recent import daily_sessions, recent
from fusion_factor.market import StoredMarket
from fusion_factor.market.store import Market, write_description, write_table
from fusion_factor.market.window import MarketWindow

LAST, ROWS = 410, 5
CONFIG = FeatureConfig(preset="open27", workers=1)


def market_with_long_halts() -> FakeMarket:
    """Halts that begin before the window and end inside it, by absent rows and by volume 0; factors left empty since
    long ago; a symbol delisted before the window, others listed inside it; caps of some symbols known only from before.
    """
    market = make_market(n_sessions=420, bar_sessions=90, seed=4)
    first = LAST - max(daily_sessions(CONFIG), 0) + 1
    days = pd.to_datetime(market.sessions)
    prices, symbols = market.table("stock_prices"), market.symbols

    def rows(n: int, begin: int, end: int) -> np.ndarray:
        inside = prices["date"].isin(days[begin:end])
        return np.asarray((prices["symbol"] == symbols[n]) & inside)

    prices.loc[rows(3, first - 9, first + 7), ["volume", "amount"]] = 0.0
    prices.loc[rows(4, first - 60, 420), "adj_factor"] = np.nan
    prices.loc[rows(5, first, first + 3), "adj_factor"] = np.nan
    gone = rows(6, first - 5, first + 15) | rows(7, first - 2, 420) | rows(8, 0, first + 1) | rows(9, 0, first + 30)
    prices = prices[~gone]
    caps = market.table("caps")
    kept = ~caps["symbol"].isin(symbols[[10, 11]]) | (caps["date"] < days[first - 10])
    tables = {name: market.table(name) for name in ("stocks", "st", "industry")}
    bars = {day: market.bars(day) for day in market.bar_sessions}
    return FakeMarket(market.sessions, {"stock_prices": prices, "caps": caps[kept], **tables}, bars)


def stored(market: FakeMarket, folder: Path) -> StoredMarket:
    """The same tables in a folder, without bars."""
    folder.mkdir()
    write_table(folder, "sessions", pd.DataFrame({"date": pd.to_datetime(market.sessions)}))
    for name in ("stock_prices", "stocks", "st", "industry", "caps"):
        write_table(folder, name, market.table(name))
    write_description(folder, {"bar_minutes": None})
    return StoredMarket(folder)


@pytest.fixture(scope="module")
def market() -> FakeMarket:
    return market_with_long_halts()


@pytest.fixture(scope="module")
def whole(market: FakeMarket, tmp_path_factory: pytest.TempPathFactory) -> FeatureSet:
    return build(market, CONFIG, tmp_path_factory.mktemp("whole"), progress=False, check=False)


def sessions_needed() -> int:
    return max(daily_sessions(CONFIG), ROWS + CONFIG.factor_window - 1 + CONFIG.min_listed)


def assert_same_rows(ours: FeatureSet, whole: FeatureSet, last: int) -> None:
    assert ours.sessions[-1] == whole.sessions[last]
    place = np.searchsorted(whole.symbols, ours.symbols)
    np.testing.assert_array_equal(whole.symbols[place], ours.symbols)
    others = np.setdiff1d(np.arange(len(whole.symbols)), place)
    assert not whole.has_lf[last, others].any()
    assert not whole.has_hf[last, others].any()
    np.testing.assert_array_equal(ours.has_lf[-1], whole.has_lf[last, place])
    back = {"daily": 1, "weekly": 5, "monthly": 20}
    for name, bars in (("daily", 40), ("weekly", 20), ("monthly", 12)):
        rows = last - back[name] * np.arange(bars)
        a, b = getattr(ours, name), getattr(whole, name)
        for array in ("values", "valid"):
            mine = getattr(a, array)[rows - last - 1]
            np.testing.assert_array_equal(mine, getattr(b, array)[rows][:, place], f"{name} {array}")


def test_the_last_rows_are_those_of_a_whole_build(market: FakeMarket, whole: FeatureSet, tmp_path: Path) -> None:
    view = MarketWindow(market, market.sessions[LAST], sessions_needed())
    assert view.first_row == 2
    made = recent(view, CONFIG, tmp_path, ROWS)
    ours = made.features
    assert_same_rows(ours, whole, LAST)
    assert whole.has_lf[LAST].sum() > 15, "there is something to compare"
    place, rows = np.searchsorted(whole.symbols, ours.symbols), slice(LAST - ROWS + 1, LAST + 1)
    assert ours.hf is not None
    assert whole.hf is not None
    np.testing.assert_array_equal(ours.has_hf[-ROWS:], whole.has_hf[rows][:, place])
    np.testing.assert_array_equal(ours.hf.values[-ROWS:], whole.hf.values[rows][:, place])
    assert ours.has_hf[-1].sum() > 15
    assert made.computed == len(made.keys) == ROWS + CONFIG.factor_window - 1
    assert recent(view, CONFIG, tmp_path, ROWS).computed == 0, "finished sessions are found"


def test_a_stored_market_is_read_in_part_and_gives_the_same(
    market: FakeMarket, whole: FeatureSet, tmp_path: Path
) -> None:
    on_disk = stored(market, tmp_path / "market")
    for last in (LAST, LAST - 20):
        view = MarketWindow(on_disk, market.sessions[last], sessions_needed())
        assert_same_rows(recent(view, CONFIG, tmp_path, ROWS).features, whole, last)
        wanted = market.caps_tn[last - len(view.sessions) + 1 : last + 1]
        place = np.searchsorted(market.symbols.astype(str), view.symbols.astype(str))
        np.testing.assert_array_equal(view.caps_tn, wanted[:, place])
    assert not on_disk._tables.keys() & {"stock_prices", "caps"}, "neither table was read as a whole"


def test_labels_of_the_window_are_those_of_a_whole_build(market: FakeMarket, whole: FeatureSet, tmp_path: Path) -> None:
    view = MarketWindow(market, market.sessions[LAST], sessions_needed())
    ours = recent(view, CONFIG, tmp_path, ROWS, with_labels=True).features
    place, reach = np.searchsorted(whole.symbols, ours.symbols), CONFIG.label.end
    rows = slice(LAST + 1 - 100, LAST + 1 - reach)
    np.testing.assert_array_equal(ours.label[-100:-reach], whole.label[rows][:, place])
    np.testing.assert_array_equal(ours.has_label[-100:-reach], whole.has_label[rows][:, place])
    assert not ours.has_label[-reach:].any(), "labels that end later are not known"


def test_nothing_after_the_day_is_looked_at(market: FakeMarket, tmp_path: Path) -> None:
    made = []
    for k, each in enumerate((market, scrambled_after(market, LAST))):
        view = MarketWindow(each, market.sessions[LAST], sessions_needed())
        made.append(recent(view, CONFIG, tmp_path / str(k), ROWS).features)
    a, b = made
    np.testing.assert_array_equal(a.symbols, b.symbols)
    for name in ("daily", "weekly", "monthly", "hf"):
        np.testing.assert_array_equal(getattr(a, name).values, getattr(b, name).values, name)
    np.testing.assert_array_equal(a.has_lf, b.has_lf)
    np.testing.assert_array_equal(a.has_hf, b.has_hf)


def test_a_view_ends_at_its_day(market: Market) -> None:
    view = MarketWindow(market, market.sessions[LAST], 50)
    assert view.sessions[-1] == view.bar_sessions[-1] == market.sessions[LAST]
    with pytest.raises(DataError, match="the view of the market ends at"):
        view.bars(market.sessions[LAST + 1])
    assert (view.table("st")["in_date"] <= pd.Timestamp(view.last)).all()
    ends = view.table("industry")["out_date"].dropna()
    assert (ends <= pd.Timestamp(view.last)).all()
    with pytest.raises(DataError, match="2021-03-06 is not a session"):
        MarketWindow(market, np.datetime64("2021-03-06"), 50)
