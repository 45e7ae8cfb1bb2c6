"""Small examples worked out on paper, so that the reference itself is not taken on trust."""

from typing import Any

import pytest

from reference import problems, run
from reference.calendar import last_of_periods, week_of
from reference.execution import World, charge
from reference.limits import Limits, to_cents
from reference.metrics import by_year, drawdown, path_metrics, win_rate
from reference.paper import on_paper, rank_shares, z_scores
from reference.parameters import DEFAULTS
from reference.picks import Decision, choose
from reference.scores import best_mean

DAYS = ["2020-03-03", "2020-03-04", "2020-03-05"]


def row(text: str, columns: str) -> dict[str, str]:
    return dict(zip(columns.split(), text.split(","), strict=True))


def two_indices() -> dict[str, list[dict[str, str]]]:
    """A opens 10, 12 and B opens 20 on the days that matter; A leads on day 1, B on day 2."""
    prices = ["A,D0,10,10", "A,D1,10,11", "A,D2,12,12", "B,D0,20,20", "B,D1,20,20", "B,D2,20,25"]
    scores = ["D0,a,2", "D0,b,1", "D1,a,1", "D1,b,2", "D2,a,1", "D2,b,2"]

    def dated(text: str) -> str:
        for number, day in enumerate(DAYS):
            text = text.replace(f"D{number}", day)
        return text

    return {
        "sessions": [{"date": day} for day in DAYS],
        "index_prices": [row(dated(text), "code date open close") for text in prices],
        "members": [row(f"{code},{code.lower()},2020-01-01,", "code symbol in_date out_date") for code in "AB"],
        "scores": [row(dated(text), "date symbol score") for text in scores],
    }


def rotate(**params: Any) -> dict[str, Any]:
    common = {"top_k": 1, "schedule": "daily", "cost_rate": 0.1, "cost_reading": "each_side", "benchmark_kind": "cash"}
    return run("rotation", common | params, two_indices())


def test_simple_cost_on_paper() -> None:
    # Day 2: V 1, t 1, D 1, C 0.1, t 0.9 at 10 = 0.09 units, close 11: 0.99.
    # Day 3: V 0.09 x 12 = 1.08, D 2.16, C 0.216, t 0.864 at 20 = 0.0432 units, close 25: 1.08.
    files = rotate()
    assert [r["nav"] for r in files["nav.csv"]] == pytest.approx([1, 0.99, 1.08], abs=1e-14)
    first, second, third = files["executions.csv"]
    assert (first["buy"], first["sell"], first["cost"]) == pytest.approx((0.9, 0.0, 0.1))
    assert (second["buy"], second["sell"], second["cost"]) == pytest.approx((0.8, 1.0, 0.2))
    assert (third["status"], third["execution"], third["buy"]) == ("pending", None, None)
    assert [(r["code"], r["weight"]) for r in files["holdings.csv"]] == [
        ("A", pytest.approx(1)),
        ("B", pytest.approx(1)),
    ]
    assert files["metrics.json"]["annual_cost"] == pytest.approx(0.3 * 252 / 2)
    assert files["metrics.json"]["mean_turnover"] == pytest.approx((0.45 + 0.9) / 2)


def test_exact_cost_on_paper() -> None:
    # Day 2: f + 0.1 f = 1, f = 1/1.1, 1/11 units. Day 3: 1.1 f + 0.1 = 1, f = 9/11 of 12/11, at 20, close 25.
    files = rotate(cost_model="exact")
    assert [r["nav"] for r in files["nav.csv"]] == pytest.approx([1, 1, 135 / 121], abs=1e-14)
    first, second, _ = files["executions.csv"]
    assert (first["buy"], first["cost"]) == pytest.approx((10 / 11, 1 / 11))
    assert (second["buy"], second["sell"], second["cost"]) == pytest.approx((9 / 11, 1.0, 2 / 11))


def test_a_blocked_sale_keeps_the_old_name_and_buys_nothing() -> None:
    tables = two_indices()
    tables["flags"] = [row(f"A,{DAYS[2]},0,1", "code date buy_blocked sell_blocked")]
    params = {"top_k": 1, "schedule": "daily", "cost_rate": 0, "benchmark_kind": "cash"}
    files = run("rotation", params, tables)
    second = files["executions.csv"][1]
    assert (second["buy"], second["sell"], second["frozen"], second["status"]) == (0, 0, 1, "done")
    assert files["nav.csv"][-1]["nav"] == pytest.approx(1.2)


def test_a_blocked_pick_leaves_its_share_to_the_others_or_to_cash() -> None:
    tables = two_indices()
    tables["flags"] = [row(f"B,{DAYS[1]},1,0", "code date buy_blocked sell_blocked")]
    params = {"top_k": 2, "schedule": "daily", "cost_rate": 0, "benchmark_kind": "cash"}
    shared = run("rotation", params, tables)["holdings.csv"]
    assert (shared[0]["code"], shared[0]["weight"], shared[1]["code"]) == ("A", 1.0, "A")
    kept = run("rotation", params | {"blocked": "cash"}, tables)["holdings.csv"]
    assert [(r["code"], r["weight"]) for r in kept[:2]] == [("A", 0.5), ("CASH", 0.5)]


def test_daily_reset_goes_back_to_the_shares_at_the_execution() -> None:
    # Day 2: half A at 10, half B at 20, close 11 and 20: 1.05, reset to 0.525 each. Without a trade on day 3:
    # 0.525 x 12/11 + 0.525 x 25/20.
    params = {"top_k": 2, "schedule": "explicit", "signal_dates": [DAYS[0]], "cost_rate": 0, "holding": "daily_reset"}
    nav = run("rotation", params, two_indices())["nav.csv"]
    assert [r["nav"] for r in nav] == pytest.approx([1, 1.05, 0.525 * 12 / 11 + 0.525 * 1.25])
    # pool_mean: day 2 (10 % + 0) / 2, day 3 (1/11 + 25 %) / 2
    assert [r["benchmark"] for r in nav] == pytest.approx([1, 1.05, 1.05 * (1 + (1 / 11 + 0.25) / 2)])


def test_the_last_week_has_no_signal() -> None:
    days = ["2020-12-31", "2021-01-04", "2021-01-08", "2021-01-15", "2021-01-18"]
    assert last_of_periods(days, week_of) == ["2020-12-31", "2021-01-08", "2021-01-15"]
    assert week_of("2021-01-01") == week_of("2020-12-31")  # one ISO week across the year's end


def test_limit_prices_in_decimals() -> None:
    market = Limits(["2020-01-02", "2020-01-03"], [{"symbol": "000001", "board": "main", "list_date": None}], [])
    upper, lower = market.prices("000001", "2020-01-03", 9.95)
    assert (str(upper), str(lower)) == ("10.95", "8.96")
    assert str(to_cents(2.675)) == "2.68"
    at_limit = {"symbol": "000001", "date": "2020-01-03", "open": 10.945, "close": 10.94, "pre_close": 9.95}
    assert market.blocked(at_limit, "open") == (True, False)
    assert market.blocked(at_limit, "close") == (False, False)
    assert market.blocked(at_limit | {"volume": 0.0}, "close") == (True, True)


def test_new_listings() -> None:
    days = ["2013-12-30", "2013-12-31", "2014-01-02", "2014-01-03"]
    stocks = [
        {"symbol": "a", "board": "main", "list_date": "2013-12-31"},
        {"symbol": "b", "board": "main", "list_date": "2014-01-01"},
        {"symbol": "c", "board": "bse", "list_date": "2014-01-02"},
    ]
    market = Limits(days, stocks, [{"symbol": "a", "in_date": "2014-01-03", "out_date": None}])
    assert market.prices("a", "2013-12-31", 10.0) is None
    assert [float(p) for p in market.prices("a", "2014-01-02", 10.0)] == [11, 9]
    assert [float(p) for p in market.prices("a", "2014-01-03", 10.0)] == [10.5, 9.5]
    assert market.prices("b", "2013-12-31", 10.0) is None
    assert [float(p) for p in market.prices("b", "2014-01-02", 10.0)] == [14.4, 6.4]
    assert market.prices("c", "2014-01-02", 10.0) is None
    assert [float(p) for p in market.prices("c", "2014-01-03", 10.0)] == [13, 7]


def test_drawdown_on_paper() -> None:
    days = [f"2020-01-0{number}" for number in range(1, 7)]
    path = [100.0, 110.0, 110.0, 99.0, 104.5, 110.0]
    depth, peak, trough, recovery = drawdown(days, path)
    assert depth == pytest.approx(0.1)
    assert (peak, trough, recovery) == (days[2], days[3], days[5])
    assert drawdown(days, sorted(path))[1:] == (None, None, None)


def test_metrics_across_a_year_end() -> None:
    days = ["2020-12-30", "2020-12-31", "2021-01-04"]
    figures = path_metrics(days, [2.0, 2.2, 1.98], [1.0, 1.0, 1.1], 252)
    assert figures["total_return"] == pytest.approx(-0.01)
    assert figures["ytd_return"] == pytest.approx(-0.1)
    assert figures["ytd_excess"] == pytest.approx(0.9 / 1.1 - 1)
    assert figures["annual_return"] == pytest.approx(0.99**126 - 1)
    years = by_year(days, [2.0, 2.2, 1.98], [1.0, 1.0, 1.1])
    assert [y["year"] for y in years] == [2020, 2021]
    assert years[1]["max_drawdown"] == pytest.approx(0.1)
    alone = path_metrics(days[:1], [2.0], [1.0], 252)
    assert (alone["sessions"], alone["total_return"], alone["max_drawdown"]) == (0, None, None)


def test_win_rate_periods() -> None:
    days = ["d0", "d1", "d2", "d3"]
    relative = [1.0, 1.1, 1.05, 1.2]
    # open: d0..d1 rises (executions d1 and d2), d1..d3 rises; close: d1..d2 falls, d2..d3 rises
    assert win_rate(days, relative, ["d1", "d2"], "open") == 1.0
    assert win_rate(days, relative, ["d1", "d2"], "close") == 0.5
    assert win_rate(days, relative, ["d3"], "close") is None


def test_ties_and_transforms() -> None:
    assert on_paper([0.1 + 0.2, 0.3, 0.6]) == [0.5, 0.5, 1.0]
    assert rank_shares([5.0, 1.0, 5.0, 9.0]) == [2 / 4, 0.5 / 4, 2 / 4, 3.5 / 4]
    assert z_scores([0.3, 0.1 + 0.2]) == [0.0, 0.0]
    assert z_scores([1.0, 3.0]) == [-1.0, 1.0]
    scored = {"a": 1.0, "b": 3.0, "c": 3.0, "d": 2.0}
    assert best_mean(scored, DEFAULTS | {"top_share": 0.75}) == pytest.approx(8 / 3)
    assert best_mean(scored, DEFAULTS | {"top_share": 0.0}) == 3.0
    assert best_mean(scored, DEFAULTS | {"top_share": 0.5, "ascending": True}) == 1.5


def test_buffer_keeps_old_names() -> None:
    order = ["a", "b", "c", "d", "e"]
    assert choose(order, ["d", "c"], {"top_k": 2, "buffer": 2}) == ["c", "d"]
    assert choose(order, ["e", "c"], {"top_k": 2, "buffer": 1}) == ["c", "a"]
    assert choose(order, ["d", "c"], {"top_k": 2, "buffer": 0}) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"top_kk": 1}, ["top_kk"]),
        ({"buffer": -1}, ["buffer", "-1"]),
        ({"cost_rate": 0.5}, ["cost_rate"]),
        ({"end": "2020-02-30"}, ["end", "2020-02-30"]),
        ({"pool": ["A", "A"]}, ["pool", "A"]),
        ({"pool": ["A"]}, ["index_prices", "B"]),
        ({"start": "2020-03-06"}, ["no signal session between start and end"]),
        ({"benchmark_kind": "series"}, ["benchmark"]),
    ],
)
def test_bad_parameters_are_refused(change: dict[str, Any], words: list[str]) -> None:
    params = {"top_k": 1, "schedule": "daily", "cost_reading": "each_side"}
    assert problems("rotation", params, two_indices()) is None
    reason = problems("rotation", params | change, two_indices())
    assert reason is not None
    assert all(word in reason for word in words)


def test_cost_rate_is_not_bound_when_both_sides_are_given() -> None:
    params = {"top_k": 1, "schedule": "daily", "cost_rate": 2.0}
    assert "cost_rate" in (problems("rotation", params, two_indices()) or "")
    assert problems("rotation", params | {"cost_buy": 0.0, "cost_sell": 0.1}, two_indices()) is None


def test_a_cost_that_eats_the_budget_comes_from_cash() -> None:
    # Day 2: a third each in A and B would be bought, at no cost. Day 3 picks nothing but what cannot be bought:
    # both sold at 49 %, all from cash.
    tables = two_indices()
    tables["scores"] = tables["scores"][:2]
    params = {"top_k": 3, "underfill": "cash", "schedule": "daily", "empty": "cash", "benchmark_kind": "cash"}
    files = run("rotation", params | {"cost_buy": 0, "cost_sell": 0.49}, tables)
    # V = 1/3 x 12/10 + 1/3 + 1/3 = 16/15, sold 11/15, cost 0.49 of it
    assert files["executions.csv"][1]["cost"] == pytest.approx(0.49 * 11 / 16)
    assert files["nav.csv"][-1]["nav"] == pytest.approx(16 / 15 - 0.49 * 11 / 15)
    assert [r["code"] for r in files["holdings.csv"]] == ["A", "B", "CASH", "CASH"]


@pytest.mark.parametrize(("model", "cost"), [("simple", 0.5), ("exact", 0.45)])
def test_a_negative_factor_is_zero(model: str, cost: float) -> None:
    # One name worth 9 of 10 is sold at 50 % (rate of the reference alone), the one open pick has a target of 1.
    # simple: C = 0.5 x 9 + 0.5 x 1 = 5 > 1. exact: at f = 0 the sale alone costs 4.5.
    world = World(["d"], ["A", "B"], {}, {}, {}, {}, 0.5, 0.5, model, "cash", "equal", "drift", 0.0)
    decision = Decision("c", "d", False, ["B"], ["B"], 0.1)
    final, charged = charge(world, decision, {"A": 0.0, "B": 1.0}, {"A": 9.0, "B": 0.0})
    assert final == {"A": 0.0, "B": 0.0}
    assert charged == pytest.approx(10 * cost)
