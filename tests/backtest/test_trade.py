"""One execution: hand-worked trades, and what must hold for any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.backtest.trade import Trade, TradeRules, rebalance

NONE = np.zeros(3, bool)


def trade(
    value: list[float],
    cash: float,
    picked: list[int],
    weight: float,
    *,
    spare: float = 0.0,
    shut: list[int] = [0, 0, 0],  # noqa: B006
    buy_shut: list[int] = [0, 0, 0],  # noqa: B006
    sell_shut: list[int] = [0, 0, 0],  # noqa: B006
    **rules: float | bool,
) -> Trade:
    blocked = (np.array(buy_shut, bool), np.array(sell_shut, bool))
    flags = blocked if blocked[0].any() or blocked[1].any() else None
    done = rebalance(
        np.array(value), cash, np.array(picked, bool), weight, spare, np.array(shut, bool), flags, TradeRules(**rules)
    )
    assert done is not None
    return done


def test_first_purchase_pays_its_cost_from_the_targets() -> None:
    # D = 1, k = 0.01: simple scales the targets by 1 - 0.01, exact by f with f + 0.01 f = 1
    simple = trade([0, 0, 0], 1.0, [1, 1, 0], 0.5, buy_rate=0.01, sell_rate=0.02)
    np.testing.assert_allclose(simple.value_k, [0.495, 0.495, 0], rtol=0, atol=1e-15)
    assert (simple.cost, simple.cash, simple.sell) == (0.01, 0.0, 0.0)
    exact = trade([0, 0, 0], 1.0, [1, 1, 0], 0.5, buy_rate=0.01, sell_rate=0.02, exact=True)
    np.testing.assert_allclose(exact.value_k.sum(), 1 / 1.01, rtol=0, atol=1e-15)
    assert exact.cost == pytest.approx(0.01 / 1.01, abs=1e-15)
    assert exact.buy == pytest.approx(1 / 1.01, abs=1e-15)


def test_exact_costs_where_a_purchase_turns_into_a_sale() -> None:
    # targets 0.5 each against 0.499 and 0.501: at f = 0.998 the first is neither bought nor sold
    done = trade([0.499, 0.501, 0], 0.0, [1, 1, 0], 0.5, buy_rate=0.0, sell_rate=0.4, exact=True)
    f = done.value_k[0] / 0.5
    sold = max(0.499 - 0.5 * f, 0.0) + (0.501 - 0.5 * f)
    assert f + 0.4 * sold == pytest.approx(1.0, abs=1e-14)
    assert done.cost == pytest.approx(1.0 - f, abs=1e-14)


def test_a_shut_name_keeps_its_value_and_the_rest_is_shared() -> None:
    # A is shut with 0.4; B and C share 0.6 whatever the weights say
    done = trade([0.4, 0.6, 0], 0.0, [0, 1, 1], 0.5, shut=[1, 0, 0], buy_rate=0.0, sell_rate=0.0)
    np.testing.assert_allclose(done.value_k, [0.4, 0.3, 0.3], rtol=0, atol=1e-15)
    # under `blocked: cash` the picks get their own weight while there is money: 0.3 of 0.6 each, nothing is left
    cash = trade([0.4, 0.6, 0], 0.0, [0, 1, 1], 0.5, shut=[1, 0, 0], buy_rate=0.0, sell_rate=0.0, redistribute=False)
    np.testing.assert_allclose(cash.value_k, [0.4, 0.3, 0.3], rtol=0, atol=1e-15)
    # a shut pick leaves its money in cash
    cash = trade([0, 1.0, 0], 0.0, [1, 1, 0], 0.5, shut=[1, 0, 0], buy_rate=0.0, sell_rate=0.0, redistribute=False)
    np.testing.assert_allclose(cash.value_k, [0, 0.5, 0], rtol=0, atol=1e-15)
    assert cash.cash == pytest.approx(0.5)


def test_the_frozen_set_grows_until_no_flag_is_hurt() -> None:
    # B may not be bought: frozen at 0.2. Then A's target rises from 1/2 to 0.8, more than its 0.6: it is bought, but
    # may not be, and is frozen as well: of the 0.2 of C nothing can be bought, all goes to cash
    done = trade([0.6, 0.2, 0.2], 0.0, [1, 1, 0], 0.5, buy_shut=[1, 1, 0], buy_rate=0.0, sell_rate=0.0)
    np.testing.assert_allclose(done.value_k, [0.6, 0.2, 0.0], rtol=0, atol=1e-15)
    assert done.frozen_k.tolist() == [True, True, False]
    assert done.cash == pytest.approx(0.2)
    # a flag against a direction that is not traded does not matter
    free = trade([0.6, 0.2, 0.2], 0.0, [1, 1, 0], 0.5, buy_shut=[0, 0, 1], sell_shut=[0, 1, 0])
    assert not free.frozen_k.any()


def test_an_underfilled_list_keeps_its_share_of_cash() -> None:
    # two of four picks: 1/4 each and 1/2 in cash; with B shut at 0.25, A gets 0.75 x (1/4) / (1/4 + 1/2)
    done = trade([0, 0.25, 0], 0.75, [1, 1, 0], 0.25, spare=0.5, shut=[0, 1, 0], buy_rate=0.0, sell_rate=0.0)
    np.testing.assert_allclose(done.value_k, [0.25, 0.25, 0], rtol=0, atol=1e-15)
    assert done.cash == pytest.approx(0.5)


def test_selling_all_pays_from_cash() -> None:
    done = trade([0.5, 0.5, 0], 0.0, [0, 0, 0], 1.0, buy_rate=0.0, sell_rate=0.01)
    assert (done.cash, done.cost, done.sell) == (0.99, 0.01, 1.0)


def test_a_cost_beyond_the_goal_sells_the_picks_too() -> None:
    # picks are worth G = 0.25 under `blocked: cash` with three of four shut out; selling 1.0 costs 0.49
    for exact in (False, True):
        done = trade([0, 1.0, 0], 0.0, [1, 0, 1], 0.25, shut=[0, 0, 1], redistribute=False, exact=exact, sell_rate=0.49)
        assert done.value_k.tolist() == [0.0, 0.0, 0.0]
        # simple: k D of the targets before scaling; exact: of the trades that are left
        assert done.cost == pytest.approx(0.49 + (0 if exact else 0.0002 * 0.25), abs=1e-15)
        assert done.cash == pytest.approx(1.0 - done.cost, abs=1e-15)


def test_nothing_is_traded_without_money() -> None:
    assert rebalance(np.zeros(3), 0.0, ~NONE, 1 / 3, 0.0, NONE, None, TradeRules()) is None


values = st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3)
marks = st.lists(st.integers(0, 1), min_size=3, max_size=3)


@settings(deadline=None)
@given(values, st.floats(0.001, 1.0), marks, marks, marks, marks, st.booleans(), st.booleans())
def test_money_is_neither_made_nor_lost(
    value: list[float],
    cash: float,
    picked: list[int],
    shut: list[int],
    buy_shut: list[int],
    sell_shut: list[int],
    exact: bool,
    redistribute: bool,
) -> None:
    """Value before = value after + cost, the cost is that of the trades, and no flag is hurt before costs."""
    weight = 1 / max(sum(picked), 1)
    rules = dict(buy_rate=0.003, sell_rate=0.011, exact=exact, redistribute=redistribute)
    done = trade(value, cash, picked, weight, shut=shut, buy_shut=buy_shut, sell_shut=sell_shut, **rules)
    assert done.after == pytest.approx(done.before * (1 - done.cost), abs=1e-12)
    assert done.cash >= -1e-12
    assert (done.value_k[done.frozen_k] == np.array(value)[done.frozen_k]).all()
    assert (done.frozen_k | ~np.array(shut, bool)).all()
    if exact:
        assert done.cost == pytest.approx(0.003 * done.buy + 0.011 * done.sell, abs=1e-12)
    bought = np.array(picked, bool) & ~done.frozen_k
    np.testing.assert_allclose(done.value_k[bought], done.value_k[bought][:1].repeat(bought.sum()), atol=1e-12)
    assert (done.value_k[~bought & ~done.frozen_k] == 0).all()
