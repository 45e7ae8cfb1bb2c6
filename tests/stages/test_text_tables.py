"""What the text portfolio is simulated on: limits from the close before, and stocks whose prices stop."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion_factor.market import open_market
from fusion_factor.market.store import Market
from fusion_factor.stages.text_inputs import DailyPrices, benchmark_path
from fusion_factor.stages.text_tables import stock_tables

DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09")


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """600519 splits one for two on the 4th and is suspended on the 5th; 000001 has no price after the 4th."""
    rows = [("600519.SH", day, 10.0, 100, 1.0) for day in DAYS[:2]]
    rows += [("600519.SH", DAYS[2], 5.1, 200, 2.0), ("600519.SH", DAYS[3], 5.1, 0, 2.0)]
    rows += [("600519.SH", day, 5.3, 200, 2.0) for day in DAYS[4:]]
    rows += [("000001.SZ", day, 8.0, 50, 1.0) for day in DAYS[:3]]
    frame = pd.DataFrame(rows, columns=["symbol", "date", "close", "volume", "adj_factor"])
    frame.assign(open=frame["close"]).to_csv(tmp_path / "prices.csv", index=False)
    columns = {name: name for name in ("symbol", "date", "open", "close", "volume", "adj_factor")}
    prices = {"path": "prices.csv", "columns": columns}
    return open_market({"kind": "files", "folder": str(tmp_path), "tables": {"stock_prices": prices}})


def test_the_close_before_is_adjusted_for_rights_and_held_over_a_suspension(market: Market) -> None:
    table = stock_tables(market, DailyPrices(market), gone_after=2)["stock_prices"]
    ours = table[table["symbol"] == "600519.SH"]["pre_close"].to_numpy()
    np.testing.assert_array_equal(ours, [np.nan, 10.0, 5.0, 5.1, 5.1, 5.3])


def test_a_stock_whose_prices_stop_is_gone_when_everybody_can_know_it(market: Market) -> None:
    for wait, expected in ((2, "2024-01-08"), (3, "2024-01-09"), (4, None)):
        stocks = stock_tables(market, DailyPrices(market), gone_after=wait)["stocks"].set_index("symbol")
        end = stocks["delist_date"]
        assert end.isna()["600519.SH"]
        assert (None if pd.isna(end["000001.SZ"]) else str(end["000001.SZ"].date())) == expected


def test_a_suspended_stock_has_no_close_and_the_mean_of_the_others_is_the_benchmark(market: Market) -> None:
    prices = DailyPrices(market)
    n = int(np.flatnonzero(market.symbols == "600519.SH")[0])
    np.testing.assert_array_equal(prices.close_tn[:, n], [10.0, 10.0, 10.2, np.nan, 10.6, 10.6])
    # the 4th: 2 % and 0 %; then nobody has a close on both sides until the 9th
    np.testing.assert_allclose(benchmark_path(market, prices, "auto"), [1.0, 1.0, 1.01, 1.01, 1.01, 1.01])
