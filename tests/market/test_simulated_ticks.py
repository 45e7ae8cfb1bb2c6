"""The simulated trades and orders make the bars of their market exactly, and are as an exchange would publish them."""

from pathlib import Path

import numpy as np
import pytest

from fusion_factor.market import StoredMarket
from fusion_factor.market.level2 import BUY, NO_TAKER, clock
from fusion_factor.market.simulated import SimulationConfig, simulate
from fusion_factor.market.simulated.ticks import settle

SMALL = {"n_stocks": 40, "start": "2022-01-04", "end": "2022-03-10", "bars_from": "2022-03-07", "seed": 9}
COUNTS = {"n_themes": 2, "n_concepts": 1, "n_industries": 3}


def made(folder: Path, **changes: object) -> StoredMarket:
    folder.mkdir()
    simulate(SimulationConfig(**{**SMALL, **COUNTS, **changes}), folder)  # type: ignore[arg-type]
    return StoredMarket(folder)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> StoredMarket:
    return made(tmp_path_factory.mktemp("ticks") / "market", ticks=True)


def minute_of(time: int) -> int:
    """The bar of a stamp, labelled by its end; the auctions are in the first and the last."""
    if time < clock(9, 30):
        return 0
    if time < clock(13, 0):
        return (time - clock(9, 30)) // 60_000
    return min(239, 120 + (time - clock(13, 0)) // 60_000)


def test_bars_made_from_the_ticks_are_the_bars(market: StoredMarket) -> None:
    assert np.array_equal(market.tick_sessions, market.bar_sessions)
    assert len(market.tick_sessions) == 4
    for day in market.tick_sessions:
        bars, ticks = market.bars(day), market.ticks(day)
        assert list(bars.symbols) == list(ticks.symbols)
        assert ticks.bad.counts.sum() == 0
        for s in range(len(ticks.symbols)):
            trades = ticks.trades_of(s)
            last = None
            by_minute: dict[int, list[int]] = {}
            for i, time in enumerate(trades.time.tolist()):
                by_minute.setdefault(minute_of(time), []).append(i)
            for j in range(240):
                rows = by_minute.get(j, [])
                prices = trades.cents[rows].tolist() if rows else [last] * 4
                made = (prices[0], max(prices), min(prices), prices[-1]) if rows else prices
                found = [bars.open[s, j], bars.high[s, j], bars.low[s, j], bars.close[s, j]]
                if rows or last is not None:
                    assert [round(float(x) * 100) for x in found] == list(made), (day, ticks.symbols[s], j)
                cents = trades.cents[rows].astype(np.int64)
                assert bars.volume[s, j] == trades.volume[rows].sum()
                assert bars.amount[s, j] == np.float32((cents * trades.volume[rows]).sum() / 100)
                last = made[3] if rows else last


def test_daily_bars_are_the_sum_of_the_ticks(market: StoredMarket) -> None:
    day = market.tick_sessions[-1]
    ticks = market.ticks(day)
    daily = market.table("stock_prices").query("date == @day").set_index("symbol")
    for s, symbol in enumerate(ticks.symbols):
        trades = ticks.trades_of(s)
        row = daily.loc[symbol]
        assert trades.volume.sum() == row["volume"]
        assert (trades.volume * trades.cents.astype(np.int64)).sum() == round(row["amount"] * 100)
        assert [round(row[name] * 100) for name in ("open", "high", "low", "close")] == [
            trades.cents[0], trades.cents.max(), trades.cents.min(), trades.cents[-1]
        ]  # fmt: skip


def test_orders_are_as_the_exchange_publishes_them(market: StoredMarket) -> None:
    """Whoever waits was entered before with enough shares; a taker of Shanghai shows only what rests, of Shenzhen all;
    auctions have no taker; a taker came later than who waited."""
    day = market.tick_sessions[0]
    ticks = market.ticks(day)
    rests, takers = 0, 0
    for s, symbol in enumerate(ticks.symbols):
        trades, orders = ticks.trades_of(s), ticks.orders_of(s)
        entered = dict(zip(orders.id.tolist(), zip(orders.time, orders.volume, strict=True), strict=True))
        assert len(entered) == len(orders.id)
        passive: dict[int, int] = {}
        active: dict[int, int] = {}
        for time, volume, buy, sell, side in zip(
            trades.time, trades.volume, trades.buy, trades.sell, trades.side, strict=True
        ):
            waiting = (buy, sell) if side == NO_TAKER else (sell,) if side == BUY else (buy,)
            for order in waiting:
                passive[order] = passive.get(order, 0) + volume
                assert entered[order][0] <= time
            if side == NO_TAKER:
                assert time in (clock(9, 25), clock(15, 0))
            else:
                taker = buy if side == BUY else sell
                assert taker > waiting[0]
                active[taker] = active.get(taker, 0) + volume
        assert all(volume <= entered[order][1] for order, volume in passive.items())
        assert not set(passive) & set(active)
        takers += len(active)
        rests += len(set(active) & set(entered))
        if symbol.endswith("SZ"):
            assert all(entered[order][1] >= volume for order, volume in active.items())
            assert not ticks.resting_only[s]
        else:
            assert len(set(active) & set(entered)) < 0.4 * len(active)
            assert ticks.resting_only[s]
    assert takers > rests > 0


def test_the_same_config_makes_the_same_ticks(market: StoredMarket, tmp_path: Path) -> None:
    again = made(tmp_path / "again", ticks=True)
    for name in ("trades", "orders"):
        for file in sorted((market.folder / "ticks" / name).iterdir()):
            assert file.read_bytes() == (again.folder / "ticks" / name / file.name).read_bytes()


def test_a_market_without_ticks_has_none_and_is_as_it_was(market: StoredMarket, tmp_path: Path) -> None:
    plain = made(tmp_path / "plain")
    assert len(plain.tick_sessions) == 0
    assert not (plain.folder / "ticks").exists()
    assert "ticks" not in plain.description["simulation"]
    one, other = (each.bars(each.bar_sessions[0]) for each in (plain, market))
    assert np.array_equal(one.volume, other.volume)
    # all but bars of a few lots are the same; amounts differ by the rounding that whole trades need
    small = one.volume < 400
    assert np.array_equal(one.close, other.close)
    assert np.array_equal(one.high[~small], other.high[~small])
    assert np.abs(one.amount - other.amount)[~small].max() < 60
    assert (
        np.ptp(np.stack([other.open, other.high, other.low, other.close]), axis=0)[small & (one.volume > 0)] == 0
    ).all()


def test_settled_bars_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(500, 900, (3, 240))
    high = low + rng.integers(0, 6, (3, 240))
    opened, close = (rng.integers(low, high + 1) for _ in range(2))
    cents = np.stack([opened, high, low, close]).astype(np.int32)
    volume = 100 * rng.integers(0, 30, (3, 240))
    amount = (volume * rng.integers(low, high + 1) / 100).astype(np.int64)
    settle(cents, volume, amount)
    before = cents.copy(), amount.copy()
    settle(cents, volume, amount)
    assert np.array_equal(cents, before[0])
    assert np.array_equal(amount, before[1])
    assert np.all(amount[volume > 0] * 100 >= (cents[2] * volume)[volume > 0])
    assert np.all(amount[volume > 0] * 100 <= (cents[1] * volume)[volume > 0])
