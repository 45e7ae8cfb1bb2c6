"""Who earned what, and which orders were blocked: by hand, and sums that must hold for any run."""

import numpy as np
import pandas as pd
import pytest
from reference.random_cases import random_case
from test_against_reference import text_frame

from fusion_factor.backtest import Parameters, Result, RotationData, StockData, rotate, stock_portfolio
from fusion_factor.core.errors import ConfigError, DataError

DAYS = ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-12", "2024-01-15"]
CODES = ["A", "B", "C"]
NONE = ""


def rotation(
    prices: dict[str, list[float | str]],
    scores: dict[str, dict[str, float]],
    flags: list[tuple[str, str, int, int]] | None = None,
    **given: object,
) -> Result:
    """Prices by code at each of DAYS, the same at open and close; every code has one member of its own name."""
    rows = [(code, day, price, price) for code, path in prices.items() for day, price in zip(DAYS, path, strict=True)]
    return rotate(
        sessions=DAYS,
        index_prices=pd.DataFrame(rows, columns=["code", "date", "open", "close"]),
        members=pd.DataFrame({"code": list(prices), "symbol": list(prices), "in_date": "2000-01-01", "out_date": ""}),
        scores=pd.DataFrame(
            [(day, code, score) for day, by_code in scores.items() for code, score in by_code.items()],
            columns=["date", "symbol", "score"],
        ),
        flags=None if flags is None else pd.DataFrame(flags, columns=["code", "date", "buy_blocked", "sell_blocked"]),
        **given,
    )


def by_code(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["code"], table["value"], strict=True))


def test_contribution_is_value_at_the_end_less_bought_plus_sold() -> None:
    # A is bought at 10 with all money, 0.1 units; sold at 12 on the 15th for B: 0.2 earned, B earns nothing yet
    found = rotation(
        {"A": [10, 10, 10, 11, 12, 12], "B": [5, 5, 5, 5, 5, 5]},
        {"2024-01-05": {"A": 2, "B": 1}, "2024-01-12": {"A": 1, "B": 2}},
        top_k=1,
        cost_rate=0.0,
        end="2024-01-15",
    )
    assert by_code(found.contribution) == pytest.approx({"A": 0.2, "B": 0.0, "COST": 0.0}, abs=1e-15)
    assert found.metrics["total_return"] == pytest.approx(0.2, abs=1e-15)


def test_costs_are_a_row_of_their_own() -> None:
    # cost 0.01 of D = 1 at the first purchase: 0.99 in A; it grows by a fifth to 1.188 and is sold for B.
    # D = 2 x 1.188 before scaling, cost 0.02376
    found = rotation(
        {"A": [10, 10, 10, 11, 12, 12], "B": [5, 5, 5, 5, 5, 5]},
        {"2024-01-05": {"A": 2, "B": 1}, "2024-01-12": {"A": 1, "B": 2}},
        top_k=1,
        cost_rate=0.01,
        cost_reading="each_side",
        end="2024-01-15",
    )
    assert by_code(found.contribution) == pytest.approx({"A": 0.198, "B": 0.0, "COST": -0.03376}, abs=1e-15)
    assert found.contribution["value"].sum() == pytest.approx(found.metrics["total_return"], abs=1e-15)


def test_a_daily_reset_counts_as_buying_and_selling() -> None:
    # half each; A doubles on the 9th and then halves: it gains 0.5, is set back from 1 to 0.75 and loses 0.375
    found = rotation(
        {"A": [10, 10, 10, 20, 10, 10], "B": [5, 5, 5, 5, 5, 5]},
        {"2024-01-05": {"A": 2, "B": 1}},
        top_k=2,
        cost_rate=0.0,
        holding="daily_reset",
        end="2024-01-12",
    )
    assert by_code(found.contribution) == pytest.approx({"A": 0.125, "B": 0.0, "COST": 0.0}, abs=1e-15)


def test_every_blocked_order_has_its_side_and_reason() -> None:
    # the 8th: A may not be bought and B has no price; C takes all. The 15th: C may not be sold, A is picked and bought
    # with nothing, for C stays: nobody blocks A itself
    found = rotation(
        {"A": [10, 10, 10, 10, 10, 10], "B": [5, 5, NONE, 5, 5, 5], "C": [1, 1, 1, 1, 1, 1]},
        {"2024-01-05": {"A": 3, "B": 2, "C": 1}, "2024-01-12": {"A": 3, "B": 0, "C": 1}},
        [("A", "2024-01-08", 1, 0), ("C", "2024-01-15", 0, 1), ("B", "2024-01-15", 1, 1)],
        top_k=3,
        end="2024-01-15",
    )
    assert found.blocked.assign(execution=found.blocked["execution"].astype(str)).to_numpy().tolist() == [
        ["2024-01-08", "A", "buy", "flag"],
        ["2024-01-08", "B", "buy", "no price"],
        # C holds 1 and should have a third; B has both flags, and wanted its third
        ["2024-01-15", "B", "buy", "flag"],
        ["2024-01-15", "C", "sell", "flag"],
    ]
    assert found.executions["frozen"].tolist() == [2, 2]


def test_nothing_blocked_is_an_empty_table_with_its_columns() -> None:
    found = rotation({"A": [1] * 6}, {"2024-01-05": {"A": 1}}, top_k=1)
    assert found.blocked.empty
    assert found.blocked.columns.tolist() == ["execution", "code", "side", "reason"]


def test_stocks_are_blocked_by_limits_and_suspensions() -> None:
    # pre_close 10: the open of 11 is the upper limit for 000001, of 9 the lower for 000002; 000003 has no volume
    symbols = ["000001", "000002", "000003", "000004"]
    rows = []
    for day in DAYS:
        second = day == "2024-01-15"
        rows += [
            ("000001", day, 11 if second else 10, 10, 10, 100),
            ("000002", day, 9 if second else 10, 10, 10, 100),
            ("000003", day, 10, 10, 10, 0 if second else 100),
            ("000004", day, NONE if second else 10, 10, 10, 100),
        ]
    found = stock_portfolio(
        sessions=DAYS,
        stock_prices=pd.DataFrame(rows, columns=["symbol", "date", "open", "close", "pre_close", "volume"]),
        stocks=pd.DataFrame({"symbol": symbols, "board": "main", "list_date": "2000-01-01", "delist_date": ""}),
        scores=pd.DataFrame(
            {
                "date": ["2024-01-05"] * 4 + ["2024-01-12"] * 4,
                "symbol": symbols * 2,
                "score": [1, 4, 3, 2, 4, 1, 2, 3],
            }
        ),
        top_k=2,
        end="2024-01-15",
    )
    assert found.blocked[["code", "side", "reason"]].to_numpy().tolist() == [
        ["000001", "buy", "upper limit"],
        ["000002", "sell", "lower limit"],
        ["000003", "sell", "suspended"],
        ["000004", "buy", "no price"],
    ]


PREPARED = {
    "rotation": (RotationData, "sessions index_prices members scores flags benchmark caps"),
    "stock_portfolio": (StockData, "sessions stock_prices scores stocks st benchmark members"),
}


@pytest.mark.parametrize("chunk", range(4))
def test_contributions_sum_to_the_total_return_and_blocked_names_are_the_frozen_ones(chunk: int) -> None:
    done = 0
    for seed in range(7000 + chunk, 7160, 4):
        case = random_case(seed)
        if case.kind not in PREPARED:
            continue
        data, names = PREPARED[case.kind]
        tables = {name: text_frame(case.tables[name]) for name in names.split() if name in case.tables}
        params = {name: value for name, value in case.params.items() if name != "kind"}
        try:
            found = data(**tables).run(Parameters.of(params))
        except (ConfigError, DataError):
            continue
        if found.metrics["total_return"] is not None:
            scale = max(found.nav["nav"].max(), 1.0)
            total = found.contribution["value"].sum()
            assert total == pytest.approx(found.metrics["total_return"], abs=1e-12 * scale), f"seed {seed}"
        number = found.blocked.groupby("execution").size()
        frozen = found.executions.set_index("execution")["frozen"]
        assert (number <= frozen[number.index]).all(), f"seed {seed}"
        held = found.trades["held"].sum()
        assert np.isfinite(held)
        done += 1
    assert done > 10
