"""The public functions: what they refuse, what they may not see, and what they must not depend on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import fusion_factor.backtest.simulate as simulate
from fusion_factor.backtest import RotationData, StockData, rotate, stock_portfolio
from fusion_factor.core.errors import ConfigError, DataError

DAYS = pd.bdate_range("2024-01-01", periods=60)
CODES = [f"80{number:04d}" for number in range(8)]
SYMBOLS = [f"{number:06d}" for number in range(1, 31)]


def table(rng: np.random.Generator, key: str, names: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({key: np.repeat(names, len(DAYS)), "date": np.tile(DAYS, len(names))})
    walk = np.exp(rng.normal(0, 0.02, (len(names), len(DAYS))).cumsum(axis=1)) * 10
    frame["close"] = walk.round(2).ravel()
    frame["open"] = (frame["close"] * np.exp(rng.normal(0, 0.005, len(frame)))).round(2)
    holes = rng.random(len(frame))
    frame.loc[holes < 0.03, "open"] = np.nan
    frame.loc[holes > 0.97, "close"] = np.nan
    return frame


def scores_of(rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame({"date": np.repeat(DAYS, len(SYMBOLS)), "symbol": SYMBOLS * len(DAYS)})
    return frame.assign(score=rng.normal(size=len(frame)).round(2)).sample(frac=0.8, random_state=1)


def rotation_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    members = [(code, symbol, "2023-01-01", "", 1.0) for code in CODES for symbol in rng.choice(SYMBOLS, 6, False)]
    flags = pd.DataFrame({"code": rng.choice(CODES, 40), "date": rng.choice(DAYS, 40)}).drop_duplicates()
    return {
        "sessions": pd.DataFrame({"date": DAYS}),
        "index_prices": table(rng, "code", CODES),
        "members": pd.DataFrame(members, columns=["code", "symbol", "in_date", "out_date", "weight"]),
        "scores": scores_of(rng),
        "flags": flags.assign(buy_blocked=rng.integers(0, 2, len(flags)), sell_blocked=1),
        "benchmark": pd.DataFrame({"date": DAYS, "close": 100.0}),
        "caps": pd.DataFrame({"symbol": np.repeat(SYMBOLS, len(DAYS)), "date": list(DAYS) * 30, "cap": 1e9}),
    }


def stock_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    prices = table(rng, "symbol", SYMBOLS)
    prices["pre_close"] = prices.groupby("symbol")["close"].shift().fillna(10.0)
    prices["volume"] = np.where(rng.random(len(prices)) < 0.02, 0, 1000)
    stocks = pd.DataFrame({"symbol": SYMBOLS, "board": "main", "list_date": "2000-01-01", "delist_date": ""})
    stocks.loc[3, "delist_date"] = str(DAYS[30].date())
    return {
        "sessions": pd.DataFrame({"date": DAYS}),
        "stock_prices": prices,
        "scores": scores_of(rng),
        "stocks": stocks,
        "st": pd.DataFrame({"symbol": SYMBOLS[:5], "in_date": "2024-02-01", "out_date": ""}),
        "benchmark": pd.DataFrame({"date": DAYS, "close": 100.0}),
        "members": pd.DataFrame({"code": "000300", "symbol": SYMBOLS[:20], "in_date": "2020-01-01", "out_date": ""}),
    }


ROTATION, STOCKS = rotation_tables(), stock_tables()


def same(left: Any, right: Any) -> None:
    for name in ("nav", "signals", "executions", "holdings"):
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name), check_exact=True)
    assert left.metrics == right.metrics


def refusal(words: str, function: Any, **given: Any) -> None:
    with pytest.raises((DataError, ConfigError)) as error:
        function(**given)
    assert all(word in str(error.value) for word in words.split()), str(error.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"aggregate": "cap", "caps": None}, "caps missing aggregate"),
        ({"aggregate": "weight", "members": ROTATION["members"].drop(columns="weight")}, "members weight missing"),
        ({"benchmark_kind": "series", "benchmark": None}, "benchmark missing benchmark_kind"),
        ({"scores": None}, "scores missing"),
        ({"index_prices": None}, "index_prices missing"),
        ({"pool": CODES[:7]}, f"index_prices {CODES[7]} 2024-01-01 pool"),
        ({"start": "2030-01-01"}, "no signal session between start and end"),
        ({"end": "2000-01-01"}, "no signal session between start and end"),
        ({"start": "2024-02-01", "end": "2024-01-01"}, "no signal session between start and end"),
        ({"pool": ["809999"], "strict_pool": False}, "no signal session between start and end"),
        ({"schedule": "explicit", "signal_dates": ["2024-01-06"]}, "signal_dates 2024-01-06"),
        ({"top_k": None}, "top_k"),
        ({"topk": 3}, "topk"),
    ],
)
def test_a_rotation_names_what_it_lacks(given: dict[str, Any], words: str) -> None:
    refusal(words, rotate, **(ROTATION | {"top_k": 3} | given))


def test_members_outside_of_a_strict_pool_are_refused_or_left_out() -> None:
    prices = ROTATION["index_prices"]
    given = ROTATION | {"index_prices": prices[prices["code"] != CODES[7]], "top_k": 3}
    refusal(f"members {CODES[7]} pool", rotate, **given, pool=CODES[:7])
    same(rotate(**given, pool=CODES[:7], strict_pool=False), rotate(**given))


def test_a_code_without_prices_or_members_is_counted_and_never_eligible() -> None:
    found = rotate(**ROTATION, top_k=3, pool=[*CODES, "809999"])
    assert found.metrics["codes_without_price"] == found.metrics["codes_without_members"] == 1
    alone = found.signals[found.signals["code"] == "809999"]
    assert not alone["eligible"].any()
    assert alone[["score", "coverage", "rank"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"universe": "000905"}, "universe 000905 members"),
        ({"universe": "000300", "members": None}, "members missing universe"),
        ({"benchmark_kind": "series", "benchmark": None}, "benchmark missing"),
        ({"stocks": None}, "stocks missing"),
        ({"stock_prices": None}, "stock_prices missing"),
        ({"start": "2030-01-01"}, "no signal session between start and end"),
        ({"delist_haircut": 1.5}, "delist_haircut"),
    ],
)
def test_a_stock_portfolio_names_what_it_lacks(given: dict[str, Any], words: str) -> None:
    refusal(words, stock_portfolio, **(STOCKS | {"top_k": 3} | given))


def test_rows_outside_of_a_stock_pool_are_left_out() -> None:
    prices = STOCKS["stock_prices"]
    inside = prices[prices["symbol"].isin(SYMBOLS[:10])]
    same(
        stock_portfolio(**STOCKS, top_k=3, pool=SYMBOLS[:10]),
        stock_portfolio(**STOCKS | {"stock_prices": inside}, top_k=3),
    )


SETTINGS: list[dict[str, Any]] = [
    {},
    {"buffer": 2, "cost_model": "exact", "cost_rate": 0.01},
    {"execute": "close", "holding": "daily_reset", "schedule": "every_n", "n": 3},
    {"aggregate": "top_mean", "smooth": 3, "score_max_age": 2, "score_transform": "rank", "blocked": "cash"},
    {"benchmark_kind": "pool_held", "underfill": "cash", "top_k": 9, "min_history": 5},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_prepared_data_gives_what_a_fresh_run_gives(setting: dict[str, Any]) -> None:
    setting = {"top_k": 3} | setting
    for tables, function, prepared in (
        (ROTATION, rotate, RotationData(**ROTATION)),
        (STOCKS, stock_portfolio, StockData(**STOCKS)),
    ):
        for other in SETTINGS:
            prepared.run(**({"top_k": 2} | other))
        same(prepared.run(**setting), function(**tables, **setting))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_executions_in_one_run_are_those_done_one_by_one(setting: dict[str, Any], monkeypatch: Any) -> None:
    """To the last bit of every NAV, so that it shows nowhere which way an execution went."""
    for tables, function in ((ROTATION, rotate), (STOCKS, stock_portfolio)):
        prices = "index_prices" if function is rotate else "stock_prices"
        for holes in (True, False):
            given: dict[str, Any] = {"top_k": 3} | setting | tables
            if not holes:
                full = tables[prices].assign(
                    open=tables[prices]["open"].fillna(10.0), close=tables[prices]["close"].ffill()
                )
                given |= {prices: full} | ({"flags": None} if function is rotate else {})
            fast = function(**given)
            with monkeypatch.context() as patched:
                patched.setattr(simulate, "free_orders", lambda orders, *_: np.zeros(len(orders), bool))
                slow = function(**given)
            pd.testing.assert_frame_equal(fast.nav, slow.nav, check_exact=True)
            for name in ("executions", "holdings", "contribution", "blocked", "trades"):
                pd.testing.assert_frame_equal(getattr(fast, name), getattr(slow, name), rtol=0, atol=1e-14)


def test_rows_in_any_order_give_the_same_result() -> None:
    for tables, function in ((ROTATION, rotate), (STOCKS, stock_portfolio)):
        mixed = {
            name: frame if name == "sessions" else frame.sample(frac=1, random_state=5)
            for name, frame in tables.items()
        }
        same(function(**mixed, top_k=3), function(**tables, top_k=3))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_nothing_before_a_session_depends_on_what_comes_after(setting: dict[str, Any]) -> None:
    """Scramble everything dated after a session (prices, scores, flags, members): nothing up to it moves."""
    last, end = DAYS[34], str(DAYS[54].date())
    rng = np.random.default_rng(9)

    def scrambled(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        if name in ("members", "st"):
            later = frame.assign(in_date=str(DAYS[36].date()), symbol=frame["symbol"].to_numpy()[::-1])
            return pd.concat([frame, later]).drop_duplicates(["symbol", "in_date"] + ["code"] * ("code" in frame))
        if "date" not in frame or name == "sessions":
            return frame
        frame = frame.copy()
        late = (frame["date"] > last).to_numpy()
        for column in {"open", "close", "score", "cap", "pre_close"} & set(frame.columns):
            frame.loc[late, column] = frame.loc[late, column] * rng.uniform(0.5, 2.0, late.sum())
        return frame[~late | (rng.random(len(frame)) < 0.8)] if name in ("flags", "scores") else frame

    for tables, function in ((ROTATION, rotate), (STOCKS, stock_portfolio)):
        given = {"top_k": 3, "end": end} | setting
        before = function(**tables, **given)
        after = function(**{name: scrambled(name, frame) for name, frame in tables.items()}, **given)
        for name, date in (
            ("nav", "date"),
            ("signals", "signal"),
            ("executions", "execution"),
            ("holdings", "execution"),
        ):
            left, right = getattr(before, name), getattr(after, name)
            left, right = left[left[date] <= last], right[right[date] <= last]
            assert len(left) > 0
            pd.testing.assert_frame_equal(left, right, check_exact=True)
        assert not before.nav.equals(after.nav)


def test_prices_of_another_scale_change_nothing_but_rounding() -> None:
    prices = ROTATION["index_prices"]
    doubled = prices.assign(open=prices["open"] * 4, close=prices["close"] * 4)
    same(rotate(**ROTATION, top_k=3), rotate(**ROTATION | {"index_prices": doubled}, top_k=3))


def test_sessions_may_be_dates_or_left_out() -> None:
    plain = {name: frame for name, frame in ROTATION.items() if name != "sessions"}
    same(rotate(**plain, sessions=DAYS, top_k=3), rotate(**plain, top_k=3))


def test_a_signal_of_the_last_session_waits() -> None:
    found = rotate(**ROTATION, top_k=3, schedule="daily")
    last = found.executions.iloc[-1]
    assert last["status"] == "pending"
    assert pd.isna(last["execution"])
    assert found.signals.groupby("signal")["picked"].sum().iloc[-1] == 3
    assert found.metrics["pending"] == 1
    assert found.metrics["signals"] == len(found.executions) == 60


def test_counts_beyond_every_table_are_no_error() -> None:
    beyond = 10**30
    found = rotate(
        **ROTATION,
        top_k=beyond,
        underfill="cash",
        buffer=beyond,
        smooth=beyond,
        score_max_age=beyond,
        annual_sessions=10**9,
    )
    assert found.metrics["executions"] == 11
    assert found.metrics["total_return"] == pytest.approx(0.0, abs=1e-12)
    refusal("no signal session", rotate, **ROTATION, top_k=2, schedule="every_n", n=beyond, phase=beyond)


@pytest.mark.parametrize("name", ["members", "scores", "flags", "benchmark", "caps"])
def test_a_table_without_rows_is_no_error(name: str) -> None:
    found = rotate(**ROTATION | {name: ROTATION[name].iloc[:0]}, top_k=2, aggregate="cap", benchmark_kind="series")
    assert found.metrics["signals"] == 11
    if name in ("members", "scores", "caps"):
        assert found.metrics["kept"] == 11
        assert found.holdings.empty
