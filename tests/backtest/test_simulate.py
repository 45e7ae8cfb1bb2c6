"""The simulator by hand: marks, drift and daily reset, delistings, orders that keep what is held."""

import numpy as np
import pytest

from fusion_factor.backtest.ledger import Delistings, Order, Path
from fusion_factor.backtest.quotes import Quotes
from fusion_factor.backtest.simulate import simulate
from fusion_factor.backtest.trade import TradeRules

FREE = TradeRules(buy_rate=0.0, sell_rate=0.0)
NAN = np.nan


def quotes(opens: list[list[float]], closes: list[list[float]]) -> Quotes:
    """Names are rows, sessions columns."""
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")[: len(closes[0])]
    return Quotes(days, np.array(["a", "b"][: len(closes)], object), np.array(opens).T, np.array(closes).T)


def order(at: int, picked: list[int], weight: float, *, spare: float = 0.0, trade: bool = True) -> Order:
    return Order(at, np.array(picked, bool), weight, spare, trade)


def run(prices: Quotes, orders: list[Order], **given: object) -> Path:
    return simulate(prices, orders, 0, len(prices.sessions) - 1, rules=FREE, **given)


def test_units_drift_until_the_next_order() -> None:
    closes = [[10, 10, 20, 20], [10, 10, 10, 5]]
    path = run(quotes(closes, closes), [order(1, [1, 1], 0.5)])
    np.testing.assert_allclose(path.nav_d, [1, 1, 1.5, 1.25])


def test_daily_reset_brings_the_shares_back_after_each_close() -> None:
    closes = [[10, 10, 20, 20], [10, 10, 10, 5]]
    path = run(quotes(closes, closes), [order(1, [1, 1], 0.5)], daily_reset=True)
    np.testing.assert_allclose(path.nav_d, [1, 1, 1.5, 1.5 * 0.75])
    # a third stays in cash, and is brought back as well
    path = run(quotes(closes, closes), [order(1, [1, 1], 1 / 3, spare=1 / 3)], daily_reset=True)
    np.testing.assert_allclose(path.nav_d, [1, 1, 4 / 3, 4 / 3 * 5 / 6])


def test_the_price_of_an_own_trade_is_the_mark_until_the_next_valid_close() -> None:
    opens, closes = [[10, 12, NAN, NAN]], [[10, NAN, NAN, 15]]
    path = run(quotes(opens, closes), [order(1, [1], 1.0)])
    np.testing.assert_allclose(path.nav_d, [1, 1, 1, 1.25])
    assert path.stale_d.tolist() == [0, 1, 1, 0]


def test_a_suspended_name_is_valued_at_its_mark_and_frozen() -> None:
    opens, closes = [[10, 10, NAN, 20], [10, 10, 10, 10]], [[10, 12, NAN, 20], [10, 10, 10, 10]]
    path = run(quotes(opens, closes), [order(1, [1, 0], 1.0), order(2, [0, 1], 1.0)])
    np.testing.assert_allclose(path.nav_d, [1, 1.2, 1.2, 2.0])
    first, second = path.executions
    assert (first.frozen, second.frozen) == (0, 1)
    assert second.names.tolist() == [0]
    assert (second.buy, second.sell, second.cash_weight) == (0.0, 0.0, 0.0)


def test_a_name_without_any_price_cannot_be_held() -> None:
    prices = [[10, 10, 10], [NAN, NAN, NAN]]
    path = run(quotes(prices, prices), [order(1, [1, 1], 0.5)])
    assert path.executions[0].names.tolist() == [0]
    assert path.executions[0].frozen == 1
    np.testing.assert_allclose(path.nav_d, 1.0)


@pytest.mark.parametrize("daily_reset", [False, True])
def test_delisted_units_turn_into_cash_less_the_haircut(daily_reset: bool) -> None:
    closes = [[10, 10, 5, NAN, NAN], [10, 10, 10, 10, 20]]
    ends = Delistings(np.array([3, 9]), 0.4)
    path = run(quotes(closes, closes), [order(1, [1, 1], 0.5)], delistings=ends, daily_reset=daily_reset)
    if daily_reset:
        # 0.75 at session 2, half of it in each; 0.375 x 0.6 is left of the first; its half is cash from then on
        last = 0.375 + 0.375 * 0.6
        np.testing.assert_allclose(path.nav_d, [1, 1, 0.75, last, last * 1.5])
    else:
        np.testing.assert_allclose(path.nav_d, [1, 1, 0.75, 0.5 + 0.25 * 0.6, 1.0 + 0.15])
    assert path.stale_d.tolist() == [0, 0, 0, 0, 0]


def test_a_name_that_ends_on_its_first_session_is_cash_at_its_close() -> None:
    prices = [[10, 10, 10]]
    path = run(quotes(prices, prices), [order(1, [1], 1.0)], delistings=Delistings(np.array([1]), 1.0))
    np.testing.assert_allclose(path.nav_d, [1, 0, 0])


def test_after_a_loss_of_everything_orders_are_kept() -> None:
    prices = [[10, 10, 10, 10], [10, 10, 10, 10]]
    ends = Delistings(np.array([1, 9]), 1.0)
    path = run(quotes(prices, prices), [order(1, [1, 0], 1.0), order(2, [0, 1], 1.0)], delistings=ends)
    assert [one.done for one in path.executions] == [True, False]
    np.testing.assert_allclose(path.nav_d, [1, 0, 0, 0])


def test_an_order_that_keeps_changes_nothing() -> None:
    closes = [[10, 10, 20, 30]]
    path = run(quotes(closes, closes), [order(1, [1], 1.0), order(2, [0], 1.0, trade=False)])
    np.testing.assert_allclose(path.nav_d, [1, 1, 2, 3])
    assert not path.executions[1].done


def test_an_idle_market_stays_exactly_flat() -> None:
    prices = np.full((2, 30), 7.3).tolist()
    for daily_reset in (False, True):
        path = run(quotes(prices, prices), [order(1, [1, 1], 0.5)], daily_reset=daily_reset)
        assert len(set(path.nav_d[1:].tolist())) == 1


def test_execution_at_the_close_trades_before_the_session_is_valued() -> None:
    opens, closes = [[1, 1, 1]], [[10, 20, 30]]
    path = run(quotes(opens, closes), [order(1, [1], 1.0)], execute="close")
    np.testing.assert_allclose(path.nav_d, [1, 1, 1.5])
