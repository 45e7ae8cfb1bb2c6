"""Index pools of a small simulated market, against a slow recomputation."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.tables import check_table
from fusion_factor.market import StoredMarket
from fusion_factor.market.simulated import SimulationConfig, simulate
from fusion_factor.market.simulated.days import MarketWalk
from fusion_factor.market.simulated.indices import IndexPool, is_review, snapshot
from fusion_factor.market.simulated.population import draw_population
from fusion_factor.market.simulated.simulate import sessions_of


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> StoredMarket:
    folder = tmp_path_factory.mktemp("market")
    config = SimulationConfig(
        n_stocks=80, start="2021-03-01", end="2021-12-31", bars_from="2021-12-30", seed=5, n_themes=12, n_concepts=3,
        n_industries=5,
    )  # fmt: skip
    simulate(config, folder)
    return StoredMarket(folder)


def slow_path(market: StoredMarket, members: pd.DataFrame, prices: pd.DataFrame) -> list[tuple[float, float]]:
    """Open and close ratios of one index, one session and one member at a time."""
    close = pd.DataFrame(market.dense("close") * market.dense("adj_factor"), market.sessions, market.symbols)
    opened = pd.DataFrame(market.dense("open") * market.dense("adj_factor"), market.sessions, market.symbols)
    ratios = []
    for date in prices["date"].iloc[1:]:
        open_sum = close_sum = weight_sum = 0.0
        for spell in members.itertuples():
            if not (spell.in_date <= date and (pd.isna(spell.out_date) or date < spell.out_date)):
                continue
            past = close.loc[close.index < date, spell.symbol].dropna()
            weight_sum += spell.weight
            if np.isfinite(close.loc[date, spell.symbol]) and len(past):
                open_sum += spell.weight * (opened.loc[date, spell.symbol] / past.iloc[-1] - 1.0)
                close_sum += spell.weight * (close.loc[date, spell.symbol] / past.iloc[-1] - 1.0)
        ratios.append((1.0 + open_sum / weight_sum, 1.0 + close_sum / weight_sum))
    return ratios


@pytest.mark.parametrize(("name", "code"), [("theme", None), ("industry", "IN002")])
def test_the_index_path_is_its_members_path(market: StoredMarket, name: str, code: str | None) -> None:
    pool = market.pool(name)
    code = code or pool.index_prices["code"].iloc[0]
    prices = pool.index_prices[pool.index_prices["code"] == code]
    members = pool.members[pool.members["code"] == code]
    expected = slow_path(market, members, prices)
    before = prices["close"].to_numpy()[:-1]
    np.testing.assert_allclose(prices["open"].to_numpy()[1:] / before, [a for a, _ in expected], rtol=1e-9)
    np.testing.assert_allclose(prices["close"].to_numpy()[1:] / before, [b for _, b in expected], rtol=1e-9)
    assert prices["close"].iloc[0] == 1000.0


def test_members_are_valid_spells_that_change(market: StoredMarket) -> None:
    for name in market.pools:
        pool = market.pool(name)
        check_table("members", pool.members)
        check_table("index_prices", pool.index_prices, sessions=market.sessions)
        assert set(pool.members["code"]) == set(pool.index_prices["code"])
        assert pool.members["weight"].gt(0).all()
    theme = market.pool("theme").members
    reviewed = theme[theme["out_date"] == pd.Timestamp("2021-06-15")]
    assert len(reviewed) > 20
    left = set(zip(reviewed["code"], reviewed["symbol"], strict=True))
    came = theme[theme["in_date"] == pd.Timestamp("2021-06-15")]
    stayed = left & set(zip(came["code"], came["symbol"], strict=True))
    assert 0 < len(left - stayed) < len(left)


def test_industries_share_out_the_stocks(market: StoredMarket) -> None:
    industry = market.table("industry")
    assert set(industry["symbol"]) == set(market.symbols)
    assert industry["symbol"].is_unique
    members = market.pool("industry").members
    of = industry.set_index("symbol")["industry"]
    assert (of[members["symbol"]].to_numpy() == members["code"].to_numpy()).all()
    assert set(members["code"]) == {f"IN{k:03d}" for k in range(1, 6)}


def test_reviews_are_after_the_second_friday_of_june_and_december(market: StoredMarket) -> None:
    found = [str(market.sessions[t]) for t in range(1, len(market.sessions)) if is_review(market.sessions, t)]
    assert found == ["2021-06-15", "2021-12-13"]  # 2021-06-14 was a holiday


def test_a_stock_delisted_on_a_review_leaves_and_does_not_come_in() -> None:
    config = SimulationConfig(n_stocks=30, start="2021-05-06", end="2021-06-22", bars_from="2021-06-22", n_industries=2)
    sessions = sessions_of(config)
    review = int(np.searchsorted(sessions, np.datetime64("2021-06-15")))
    drawn = draw_population(config, sessions)
    stocks = dataclasses.replace(drawn, listed_until=np.where(drawn.listed_from == 0, review, drawn.listed_until))
    pool = IndexPool("industry", 2, config, stocks)
    before = before_day = None
    for day in MarketWalk(config, stocks, sessions).days():
        now = snapshot(day, before_day, stocks)
        pool.step(day.t, sessions[day.t], is_review(sessions, day.t), now, before)
        before, before_day = now, day
    members = check_table("members", pool.members())
    assert len(members) > 20
    assert (members["out_date"] == pd.Timestamp("2021-06-15")).all()
    last = pool.index_prices().groupby("code")["date"].max()
    assert (last == pd.Timestamp("2021-06-11")).all()
