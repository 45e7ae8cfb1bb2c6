"""Trades from one's own holdings, worked by hand in CNY; and the same for the pending signal of a simulation."""

import math
from typing import Any

import pytest
from test_accounting import rotation

from fusion_factor.backtest import trades
from fusion_factor.core.errors import ConfigError, DataError


def rows(found: Any, *columns: str) -> list[list[Any]]:
    return found.table[list(columns)].to_numpy().tolist()


def test_cash_is_shared_among_the_picks_less_the_cost() -> None:
    # 10,000 CNY to two funds at 0.1 % a purchase: 10 of cost, 4,995 each
    found = trades(["A", "B"], {}, 10_000, {"A": 5.0, "B": 2.0}, cost_buy=0.001, cost_sell=0.0)
    assert rows(found, "code", "trade", "units", "side", "cost") == [
        ["A", 4995.0, 999.0, "buy", 5.0],
        ["B", 4995.0, 2497.5, "buy", 5.0],
    ]
    assert (found.value, found.cost, found.cash) == (10_000.0, 10.0, 0.0)


def test_exact_costs_are_paid_from_the_budget() -> None:
    # f + 0.25 f = 1: 8,000 are bought, 2,000 paid
    found = trades(["A"], {}, 10_000, {"A": 5.0}, cost_buy=0.25, cost_sell=0.0, cost_model="exact")
    assert rows(found, "target", "cost") == [[8000.0, 2000.0]]


def test_holdings_in_money_need_no_prices() -> None:
    found = trades(["A"], {"B": 600.0}, 400.0, holdings_in="money", cost_rate=0.0)
    assert rows(found, "code", "held", "target", "trade", "side") == [
        ["A", 0.0, 1000.0, 1000.0, "buy"],
        ["B", 600.0, 0.0, -600.0, "sell"],
    ]
    assert found.table["units"].isna().all()


def test_names_that_cannot_be_traded_keep_what_they_hold_and_say_why() -> None:
    # 300 of B stay; of the other 700 A gets all, for C has no price
    found = trades(
        ["A", "C"],
        {"B": 100, "D": 50},
        200.0,
        {"A": 1.0, "B": 3.0, "D": 10.0},
        not_tradable={"B": "lower limit"},
        cost_rate=0.0,
    )
    assert rows(found, "code", "held", "target", "side", "reason") == [
        ["A", 0.0, 700.0, "buy", ""],
        ["B", 300.0, 300.0, "", "lower limit"],
        ["C", 0.0, 0.0, "", "no price"],
        ["D", 500.0, 0.0, "sell", ""],
    ]
    # an upper limit does not stop a sale, and the money of a blocked pick stays in cash where that is asked for
    found = trades(
        ["A", "C"],
        {"A": 10},
        90.0,
        {"A": 1.0, "C": 1.0},
        not_tradable={"C": "upper limit"},
        cost_rate=0,
        blocked="cash",
    )
    assert rows(found, "target") == [[50.0], [0.0]]
    assert found.cash == 50.0
    found = trades([], {"A": 10}, 0.0, {"A": 1.0}, not_tradable={"A": "upper limit"}, cost_rate=0, empty="cash")
    assert rows(found, "trade", "side") == [[-10.0, "sell"]]


def test_fewer_picks_than_places() -> None:
    picks, holdings, prices = ["A"], {"B": 100.0}, {"A": 1.0, "B": 1.0}
    equal = trades(picks, holdings, 0.0, prices, top_k=4, cost_rate=0)
    assert rows(equal, "target") == [[100.0], [0.0]]
    cash = trades(picks, holdings, 0.0, prices, top_k=4, cost_rate=0, underfill="cash")
    assert rows(cash, "target") == [[25.0], [0.0]]
    assert cash.cash == 75.0
    skip = trades(picks, holdings, 0.0, prices, top_k=4, underfill="skip")
    assert rows(skip, "trade", "cost") == [[0.0, 0.0]] * 2
    nothing = trades([], holdings, 7.0, prices)
    assert rows(nothing, "trade") == [[0.0]]
    assert (nothing.value, nothing.cost, nothing.cash) == (107.0, 0.0, 7.0)


def test_without_money_there_is_nothing_to_trade() -> None:
    found = trades(["A"], {}, 0.0, {"A": 1.0})
    assert rows(found, "trade", "side", "cost") == [[0.0, "", 0.0]]
    assert trades([], {}, 5.0, {}).table.empty


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"holdings": {"A": -1.0}}, "holdings A -1.0"),
        ({"holdings": {"A": math.inf}}, "holdings A inf"),
        ({"cash": -5.0}, "cash -5.0"),
        ({"cash": math.nan}, "cash nan"),
        ({"prices": {"A": -2.0}}, "prices A -2.0"),
        ({"prices": {}, "holdings": {"A": 3.0}}, "prices A missing 3 units"),
        ({"prices": None}, "prices missing units"),
        ({"picks": ["A", "A"]}, "picks A twice"),
        ({"picks": "A"}, "picks 'A' list"),
        ({"picks": [1]}, "picks text"),
        ({"not_tradable": {"A": "closed"}}, "not_tradable A 'closed' suspended"),
        ({"holdings_in": "lots"}, "holdings_in 'lots' units money"),
        ({"top_k": 1, "picks": ["A", "B"]}, "top_k 1 2 picks"),
        ({"schedule": "weekly"}, "schedule no parameter"),
        ({"cost_rate": -0.1}, "cost_rate -0.1"),
    ],
)
def test_bad_input_is_refused_by_name(given: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {"picks": ["A"], "holdings": {}, "cash": 1.0, "prices": {"A": 1.0}}
    with pytest.raises((ConfigError, DataError)) as refusal:
        trades(**good | given)
    assert all(word in str(refusal.value) for word in words.split()), str(refusal.value)


def test_the_pending_signal_of_a_simulation() -> None:
    # A holds all: 0.1 units bought at 10, now worth 1.2. B and C are picked, B cannot be seen at the signal
    prices = {"A": [10, 10, 10, 11, 12, ""], "B": [5, 5, 5, 5, "", ""], "C": [1, 1, 1, 1, 1, ""]}
    scores = {"2024-01-05": {"A": 2, "B": 1, "C": 0}, "2024-01-12": {"A": 0, "C": 2}}
    found = rotation(prices, scores, top_k=1, cost_rate=0.01, cost_reading="each_side").trades
    assert found["signal"].astype(str).unique().tolist() == ["2024-01-12"]
    assert found["execution"].astype(str).unique().tolist() == ["2024-01-15"]
    assert found[["code", "held", "target", "side", "reason"]].to_numpy().tolist() == [
        ["A", 1.0, 0.0, "sell", ""],
        ["C", 0.0, pytest.approx(0.98, abs=1e-15), "buy", ""],
    ]
    assert found["cost"].tolist() == pytest.approx([0.01, 0.01], abs=1e-15)


def test_a_held_name_without_a_close_at_the_signal_is_planned_as_it_is() -> None:
    prices = {"A": [10, 10, 10, 11, "", ""], "B": [5, 5, 5, 5, 5, ""]}
    found = rotation(prices, {"2024-01-05": {"A": 2, "B": 1}, "2024-01-12": {"B": 1}}, top_k=1, cost_rate=0.0).trades
    assert found[["code", "held", "target", "side", "reason"]].to_numpy().tolist() == [
        ["A", 1.0, 1.0, "", "no price"],
        ["B", 0.0, 0.0, "", ""],
    ]


def test_without_a_pending_signal_there_are_no_rows() -> None:
    found = rotation({"A": [10] * 6}, {"2024-01-05": {"A": 1}}, top_k=1, end="2024-01-09").trades
    assert found.empty
    assert found.columns.tolist() == [
        "signal", "execution", "code", "held", "target", "trade", "side", "cost", "reason"
    ]  # fmt: skip
