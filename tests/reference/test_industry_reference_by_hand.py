"""Worked by hand: figures of section 10 small enough for paper."""

from typing import Any

import pytest

from reference import problems, run
from reference.industry_composite import composite
from reference.industry_parameters import settle
from reference.industry_prices import Paths, polynomial, rest_of_line, second_derivative, without_crowded
from reference.industry_reports import (
    Statements,
    consensus_change,
    fiscal_year,
    gross_margin_change_yoy,
    months_before,
    of_common_period,
    profit_growth_qoq,
)
from reference.industry_statistics import FactorTest, quintiles

FIELDS = ("net_profit", "operating_cash_flow", "revenue", "cost")


def settings(**changed: Any) -> dict[str, Any]:
    return settle({"factors": ["momentum"]} | changed)


def statement(period: str, announced: str, *figures: float | None) -> dict[str, Any]:
    padded = [*figures, *[None] * (4 - len(figures))]
    return {"period_end": period, "announce_date": announced} | dict(zip(FIELDS, padded, strict=True))


def test_polynomials_give_back_the_parabola_they_lie_on() -> None:
    x = [5.0 - 3 * j + 0.25 * j**2 for j in range(7)]
    assert [float(b) for b in polynomial(x, 2)] == [5.0, -3.0, 0.25]
    assert second_derivative(polynomial([float(j**3) for j in range(5)], 3), 4) == 24.0


def test_acceleration_by_every_method_on_a_parabola() -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 10)]
    own = {day: 100.0 * (1 + j**2 / 100) for j, day in enumerate(days)}  # the ratio curve is 1 + j^2 / 100
    flat = dict.fromkeys(days, 50.0)
    for method in ("difference", "quadratic", "slope_difference", "savgol"):
        paths = Paths(settings(window=4, method=method, curve="ratio"), days, ["a"], {"a": own}, {}, flat)
        value = paths.momentum_acceleration("a", 8)
        first = own[days[8 - {"difference": 8, "quadratic": 3, "slope_difference": 7, "savgol": 3}[method]]]
        assert value == pytest.approx(0.02 * 100 / first, abs=1e-14)
        assert paths.momentum_acceleration("a", 2) is None


def test_consensus_of_the_same_fiscal_year() -> None:
    assert [fiscal_year(settings(fy=1), day) for day in ("2021-04-30", "2021-05-01")] == [2020, 2021]
    assert [fiscal_year(settings(), day) for day in ("2021-04-30", "2021-05-01")] == [2021, 2022]
    assert [months_before("2021-05-31", 3), months_before("2020-05-31", 3)] == ["2021-02-28", "2020-02-29"]
    rows = [
        {"fiscal_year": year, "date": day, "net_profit": value}
        for year, day, value in [
            (2022, "2021-02-20", -4.0),
            (2022, "2021-05-20", -3.0),
            (2022, "2021-05-30", None),
            (2021, "2021-05-29", 9.0),
        ]
    ]
    sessions = ["2021-02-26", "2021-03-01", "2021-05-31"]
    value = consensus_change(settings(min_members=1), sessions, ["x", "y"], {"x": rows}, "2021-05-31")
    assert value == 0.25  # from -4 to -3 is up by a quarter of |-4|
    assert consensus_change(settings(), sessions, ["x", "y"], {"x": rows}, "2021-05-31") is None


def test_statements_as_known() -> None:
    rows = [
        statement("2020-12-31", "2021-03-20", 100.0),
        statement("2020-03-31", "2020-04-20", 20.0),
        statement("2021-03-31", "2021-04-20", 30.0),
        statement("2020-03-31", "2021-04-20", 25.0),  # restated
    ]
    assert Statements(rows, "2021-04-19", 400).twelve_months("net_profit") == 100.0
    assert Statements(rows, "2021-04-20", 400).twelve_months("net_profit") == 30 + 100 - 25
    assert Statements(rows, "2022-05-05", 400).latest == "2021-03-31"
    assert Statements(rows, "2022-05-06", 400).latest is None


def test_growth_and_margin_of_the_most_common_quarter() -> None:
    first = [
        statement("2021-06-30", "2021-08-01", 30.0, None, 200.0, 120.0),
        statement("2021-03-31", "2021-04-01", 10.0, None, 100.0, 70.0),
        statement("2020-06-30", "2020-08-01", 12.0, None, 150.0, 110.0),
        statement("2020-03-31", "2020-04-01", 12.0, None, 50.0, 20.0),
    ]
    late = [statement("2021-03-31", "2021-04-01", 99.0)]
    stocks = [Statements(rows, "2021-09-01", 400) for rows in (first, late, [])]
    found = of_common_period(stocks)
    assert found is not None
    assert found[0] == "2021-06-30"  # one each: the later
    assert profit_growth_qoq(settings(min_members=1), stocks) == 1.0  # 20 after 10
    assert gross_margin_change_yoy(settings(min_members=1), stocks) == pytest.approx(0.5 - 0.1)
    assert profit_growth_qoq(settings(min_members=2), stocks) is None


def test_crowded_industries_four_ways() -> None:
    values, crowding = {"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 0.1, "b": 0.9}
    assert without_crowded(settings(exclude_crowding="drop"), values, crowding) == {"a": 1.0, "c": 3.0}
    zero = without_crowded(settings(exclude_crowding="zero"), values, crowding)
    assert zero == pytest.approx({"a": -(1.5**0.5), "b": 0.0, "c": 1.5**0.5})
    penalised = without_crowded(settings(exclude_crowding="penalise", penalty=0.5), values, crowding)
    assert penalised == pytest.approx({"a": -(1.5**0.5) + 0.5, "b": -0.5})
    assert without_crowded(settings(exclude_crowding="orthogonal"), values, crowding) == {"a": 0.0, "b": 0.0}
    assert rest_of_line(values, dict.fromkeys("abc", 0.5)) == pytest.approx({"a": -1.0, "b": 0.0, "c": 1.0}, rel=1e-11)


def test_weights_from_labels_that_have_ended() -> None:
    """Family a was right twice, b wrong twice: nothing is known at the third date but the ICs of the first two."""
    chosen = settings(factors=["momentum", "crowding", "composite"], weighting="icir", min_weight_months=2, min_names=3)
    up, down = {"x": 1.0, "y": 2.0, "z": 3.0}, {"x": 3.0, "y": 2.0, "z": 1.0}
    mixed = {"x": 1.0, "y": 3.0, "z": 2.0}
    factors = [{"momentum": up, "crowding": down}] * 3
    result = composite(chosen, factors, [up, mixed, {}])
    assert result[1] == {"x": 0.0, "y": 0.0, "z": 0.0}  # one IC is too few: equal weights
    assert result[2] == pytest.approx({"x": -(1.5**0.5), "y": 0.0, "z": 1.5**0.5})


def test_quintiles_of_seven_and_four() -> None:
    seven = quintiles({name: float(place) for place, name in enumerate("abcdefg")}, dict.fromkeys("abcdefg", 0.0))
    assert ["".join(names) for names in seven.values()] == ["ab", "c", "de", "f", "g"]
    four = FactorTest(settings(min_names=4), [dict.fromkeys("abcd", 1.0)], [{"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}])
    figures = four.figures()
    assert figures["quintile_mean"] == [0.1, 0.2, 0.3, 0.4, None]  # ties by code
    assert figures["rank_ic"]["count"] == 0
    assert figures["counted"] == 1


def test_refusals() -> None:
    days = [{"date": day} for day in ("2024-01-30", "2024-02-01")]
    prices = [{"code": "a", "date": "2024-01-30", "open": "", "close": "5"}]
    good = {"factors": ["crowding"], "pool": ["a"]}
    tables = {"sessions": days, "index_prices": [row | {"amount": "3"} for row in prices]}
    assert run("industry_factors", good, tables)["factors.csv"] == [
        {"date": "2024-01-30", "industry": "a", "factor": "crowding", "value": None}
    ]
    for changed, word in [
        ({"factors": []}, "factors"),
        ({"factors": ["momentum"]}, "benchmark"),
        ({"factors": ["cash_flow_to_profit"], "combine": "mean"}, "combine"),
        ({"method": "savgol", "degree": 60}, "degree"),
        ({"pool": ["b"]}, "index_prices a"),
    ]:
        assert word in (problems("industry_factors", good | changed, tables) or "")
    assert "amount" in (problems("industry_factors", good, {"sessions": days, "index_prices": prices}) or "")
