"""Price limits against decimal arithmetic written out, and the dated rules one by one."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_factor.core.errors import DataError
from fusion_factor.core.limits import NO_LIMIT, PriceLimits, blocked, cents
from fusion_factor.core.tables import check_table

CENT = Decimal("0.01")


def slow_cents(price: float) -> int:
    return int(Decimal(repr(price)).quantize(CENT, ROUND_HALF_UP) * 100)


@settings(deadline=None)
@given(
    st.floats(1e-4, 1e11)
    | st.integers(1, 10**8).map(lambda thousandths: thousandths / 1000)
    | st.integers(1, 10**8).map(lambda number: float(np.nextafter(number / 1000, 0)))
)
def test_cents_are_those_of_the_decimal_text(price: float) -> None:
    assert cents(np.array([price])).tolist() == [slow_cents(price)]


def limits_of(board: str, listed: str, days: list[str], close_before: float = 10.0, st_from: str = "") -> list:
    sessions = np.array(days, "datetime64[D]")
    stocks = check_table(
        "stocks", pd.DataFrame({"symbol": ["a"], "board": board, "list_date": listed, "delist_date": ""})
    )
    special = pd.DataFrame({"symbol": ["a"], "in_date": [st_from or "2100-01-01"], "out_date": ""})
    rules = PriceLimits(stocks, check_table("st", special), sessions, np.array(["a"], object))
    upper, lower = rules.prices(np.arange(len(days)), np.zeros(len(days), int), np.full(len(days), close_before))
    return [None if u == NO_LIMIT else (u / 100, low / 100) for u, low in zip(upper, lower, strict=True)]


WIDE, NARROW, TWENTY, THIRTY = (11.0, 9.0), (10.5, 9.5), (12.0, 8.0), (13.0, 7.0)


@pytest.mark.parametrize(
    ("board", "special", "days", "expected"),
    [
        ("main", "", ["2026-07-03", "2026-07-06"], [WIDE, WIDE]),
        ("main", "2000-01-01", ["2026-07-03", "2026-07-06"], [NARROW, WIDE]),
        ("chinext", "", ["2020-08-21", "2020-08-24"], [WIDE, TWENTY]),
        ("chinext", "2000-01-01", ["2020-08-21", "2020-08-24"], [NARROW, TWENTY]),
        ("star", "2000-01-01", ["2020-08-21"], [TWENTY]),
        ("bse", "2000-01-01", ["2022-08-22"], [THIRTY]),
    ],
)
def test_daily_limits_by_board_and_date(board: str, special: str, days: list[str], expected: list) -> None:
    assert limits_of(board, "1999-01-01", days, st_from=special) == expected


WEEK = ["03", "04", "05", "06", "07", "10", "11"]  # days of a month whose 3rd is a Monday


@pytest.mark.parametrize(
    ("board", "listed", "month", "expected"),
    [
        ("main", "2023-07-04", "2023-07", [None] * 6 + [WIDE]),
        ("main", "2023-04-04", "2023-04", [None, (14.4, 6.4)] + [WIDE] * 5),
        ("main", "2013-06-04", "2013-06", [None, None] + [WIDE] * 5),
        ("chinext", "2020-08-04", "2020-08", [None, (14.4, 6.4)] + [WIDE] * 5),
        ("chinext", "2023-07-03", "2023-07", [None] * 5 + [TWENTY] * 2),
        ("star", "2023-07-03", "2023-07", [None] * 5 + [TWENTY] * 2),
        ("bse", "2023-07-04", "2023-07", [None, None] + [THIRTY] * 5),
        # on the first of the sessions it is new, before it is not; between sessions the next one is session 1
        ("bse", "2023-07-02", "2023-07", [THIRTY] * 7),
        ("star", "2023-07-08", "2023-07", [None] * 7),
        ("main", "", "2023-07", [WIDE] * 7),
        ("main", "2030-01-01", "2023-07", [None] * 7),
    ],
)
def test_new_listings(board: str, listed: str, month: str, expected: list) -> None:
    assert limits_of(board, listed, [f"{month}-{day}" for day in WEEK]) == expected


def test_the_first_session_of_a_listing_ignores_special_treatment() -> None:
    days = ["2015-06-01", "2015-06-02", "2015-06-03"]
    assert limits_of("main", "2015-06-02", days, st_from="2015-01-01") == [None, (14.4, 6.4), NARROW]


def test_a_symbol_without_a_listing_row_has_no_limit() -> None:
    stocks = check_table("stocks", pd.DataFrame(columns=["symbol", "board", "list_date", "delist_date"]))
    rules = PriceLimits(stocks, None, np.array(["2023-07-03"], "datetime64[D]"), np.array(["a"], object))
    upper, lower = rules.prices(np.zeros(1, int), np.zeros(1, int), np.array([10.0]))
    assert upper.tolist() == lower.tolist() == [NO_LIMIT]


def test_half_a_cent_goes_up_as_on_paper() -> None:
    # 9.95 x 1.1 = 10.945; binary floats give 10.944999999999999 and the exchange 10.95
    assert limits_of("main", "", ["2023-07-03"], 9.95) == [(10.95, 8.96)]
    # the close before is itself rounded first: 1.005 is 1.01
    assert limits_of("main", "", ["2023-07-03"], 1.005) == [(1.11, 0.91)]
    assert limits_of("main", "", ["2023-07-03"], np.nan) == [None]
    assert limits_of("main", "", ["2023-07-03"], 0.0) == [None]


def test_flags_at_the_limits_and_in_a_suspension() -> None:
    price = np.array([10.95, 10.945, 10.944, 8.96, 8.95, 10.0, np.nan, 0.0, 10.0, 10.0])
    volume = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, np.nan])
    upper, lower = np.full(10, 1095), np.full(10, 896)
    buy, sell = blocked(price, upper, lower, volume)
    assert buy.astype(int).tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 1, 0]
    assert sell.astype(int).tolist() == [0, 0, 0, 1, 1, 0, 1, 1, 1, 0]
    buy, sell = blocked(np.array([99.0, np.nan]), np.full(2, NO_LIMIT), np.full(2, NO_LIMIT))
    assert buy.tolist() == sell.tolist() == [False, True]


def test_a_price_beyond_reason_is_refused() -> None:
    with pytest.raises(DataError, match="1e\\+12"):
        cents(np.array([1e12]))
