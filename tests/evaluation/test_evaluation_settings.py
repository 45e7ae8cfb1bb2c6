"""Bad parameters and tables are refused with a message that names them."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.evaluation import CASE_KINDS, EvaluationSettings

DAYS = [f"2024-01-{day:02d}" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17)]


def tables() -> dict[str, pd.DataFrame]:
    """Text tables of twelve sessions and three names that evaluate without complaint."""
    names = ["000001", "600000", "688001"]
    prices = [(n, d, "10", str(10 + i + t * (i + 1) / 7)) for i, n in enumerate(names) for t, d in enumerate(DAYS)]
    spells = [("A", n, "2023-01-01", "") for n in names]
    return {
        "sessions": pd.DataFrame({"date": DAYS}),
        "stock_prices": pd.DataFrame(prices, columns=["symbol", "date", "open", "close"]),
        "scores": pd.DataFrame([(d, n, str(i)) for d in DAYS for i, n in enumerate(names)], columns=SCORE),
        "members": pd.DataFrame(spells, columns=["code", "symbol", "in_date", "out_date"]),
    }


SCORE = ["date", "symbol", "score"]


def run(**params: Any) -> dict[str, Any]:
    return CASE_KINDS["factor_eval"]({"kind": "factor_eval", "min_names": 2, **params}, tables())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"horizn": 5}, ["horizn"]),
        ({"top_k": 3}, ["top_k"]),
        ({"horizon": 0}, ["horizon", "0"]),
        ({"horizon": 2.5}, ["horizon", "2.5"]),
        ({"horizon": "nxt"}, ["horizon", "nxt"]),
        ({"horizon": True}, ["horizon", "True"]),
        ({"horizon": None}, ["horizon"]),
        ({"label": "high"}, ["label", "high"]),
        ({"label": ["close"]}, ["label"]),
        ({"label_lag": -1}, ["label_lag", "-1"]),
        ({"label_lag": 1, "label": "open"}, ["label_lag", "open"]),
        ({"grid": "yearly"}, ["grid", "yearly"]),
        ({"n": 0}, ["n must", "0"]),
        ({"phase": -1}, ["phase", "-1"]),
        ({"phase": 0.5}, ["phase", "0.5"]),
        ({"min_names": 0}, ["min_names", "0"]),
        ({"layers": 0}, ["layers", "0"]),
        ({"layers": "10"}, ["layers", "10"]),
        ({"nw_lags": -1}, ["nw_lags", "-1"]),
        ({"annual_sessions": 0}, ["annual_sessions", "0"]),
        ({"neutralise": "sector"}, ["neutralise", "sector"]),
        ({"by_year": "yes"}, ["by_year", "yes"]),
        ({"by_size": 1}, ["by_size", "1"]),
        ({"start": "2024-02-30"}, ["start", "2024-02-30"]),
        ({"end": "20240105"}, ["end", "20240105"]),
        ({"end": 20240105}, ["end", "20240105"]),
        ({"start": "2025-01-01"}, ["no signal session between start and end"]),
        ({"start": "2024-01-12", "end": "2024-01-08"}, ["no signal session between start and end"]),
        ({"end": "2023-12-31"}, ["no signal session between start and end"]),
        ({"horizons": [1, 0]}, ["horizons", "0"]),
        ({"horizons": [1, "2"]}, ["horizons", "2"]),
        ({"horizons": [3, 1, 3]}, ["horizons", "3"]),
        ({"horizons": 5}, ["horizons", "5"]),
        ({"horizons": "5"}, ["horizons", "5"]),
        ({"grid": "explicit"}, ["signal_dates"]),
        ({"grid": "explicit", "signal_dates": []}, ["signal_dates"]),
        ({"grid": "explicit", "signal_dates": ["2024-01-06"]}, ["signal_dates", "2024-01-06"]),
        ({"grid": "explicit", "signal_dates": ["2024-01-05", "2024-01-05"]}, ["signal_dates", "2024-01-05"]),
        ({"grid": "explicit", "signal_dates": ["2024-1-5"]}, ["signal_dates", "2024-1-5"]),
        ({"grid": "explicit", "signal_dates": "2024-01-05"}, ["signal_dates", "2024-01-05"]),
        ({"universe": "B"}, ["universe", "B"]),
        ({"universe": 300}, ["universe", "300"]),
        ({"neutralise": "industry"}, ["industry"]),
        ({"by_industry": True}, ["industry"]),
        ({"neutralise": "size"}, ["caps"]),
        ({"by_size": True}, ["caps"]),
        ({"label": "vwap"}, ["stock_prices", "vwap"]),
        ({"kind": "rotation"}, ["kind", "rotation"]),
    ],
)
def test_bad_parameter(params: dict[str, Any], words: list[str]) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        run(**params)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_good_parameters_run() -> None:
    files = run(universe="A", start="", end=None, nw_lags=None, horizons=[], signal_dates=None, grid="daily")
    assert files["metrics.json"]["dates"] == len(DAYS)


def without(name: str) -> dict[str, pd.DataFrame]:
    return {key: frame for key, frame in tables().items() if key != name}


@pytest.mark.parametrize("name", ["sessions", "scores", "stock_prices"])
def test_a_missing_table_is_named(name: str) -> None:
    with pytest.raises(DataError, match=name):
        CASE_KINDS["factor_eval"]({}, without(name))


def test_universe_without_members_is_refused() -> None:
    with pytest.raises(DataError, match="members"):
        CASE_KINDS["factor_eval"]({"universe": "A"}, without("members"))


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("scores", lambda f: pd.concat([f, f.iloc[[4]]]), ["scores", "2024-01-03", "600000"]),
        ("scores", lambda f: f.assign(date=f["date"].replace("2024-01-05", "2024-01-06")), ["scores", "2024-01-06"]),
        ("scores", lambda f: f.assign(score=["inf", *f["score"][1:]]), ["scores", "2024-01-02", "000001", "inf"]),
        ("scores", lambda f: f.assign(score=["-99999999", *f["score"][1:]]), ["scores", "2024-01-02", "-99999999"]),
        ("scores", lambda f: f.assign(score=["abc", *f["score"][1:]]), ["scores", "2024-01-02", "abc"]),
        ("scores", lambda f: f.assign(symbol=["", *f["symbol"][1:]]), ["scores", "symbol"]),
        ("scores", lambda f: f.drop(columns="score"), ["scores", "score"]),
        ("stock_prices", lambda f: f.assign(close=["-1", *f["close"][1:]]), ["stock_prices", "000001", "2024-01-02"]),
        ("stock_prices", lambda f: f.assign(adj_factor="0"), ["stock_prices", "adj_factor", "000001"]),
        ("stock_prices", lambda f: f.assign(close=""), ["stock_prices", "no signal session between start and end"]),
        ("stock_prices", lambda f: f.iloc[:0], ["stock_prices", "no signal session between start and end"]),
        ("sessions", lambda f: f.iloc[::-1], ["sessions", "2024-01-16"]),
        ("members", lambda f: f.assign(out_date="2022-01-01"), ["members", "A", "000001", "2022-01-01"]),
    ],
)
def test_bad_table(table: str, change: Any, words: list[str]) -> None:
    bad = tables()
    bad[table] = change(bad[table])
    with pytest.raises(DataError) as caught:
        CASE_KINDS["factor_eval"]({"min_names": 2}, bad)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("empty", ["scores", "members"])
def test_a_table_without_rows_is_no_error(empty: str) -> None:
    given = tables()
    given[empty] = given[empty].iloc[:0]
    metrics = CASE_KINDS["factor_eval"]({"min_names": 2}, given)["metrics.json"]
    assert metrics["dates"] == 2
    assert metrics["counted"] == (0 if empty == "scores" else 1)


@pytest.mark.parametrize(
    ("table", "columns", "params"),
    [
        ("caps", ["symbol", "date", "cap"], {"neutralise": "size", "by_size": True}),
        ("industry", ["symbol", "industry", "in_date", "out_date"], {"neutralise": "industry", "by_industry": True}),
    ],
)
def test_needed_tables_without_rows_leave_no_name(table: str, columns: list[str], params: dict[str, Any]) -> None:
    given = {**tables(), table: pd.DataFrame(columns=columns, dtype=object)}
    metrics = CASE_KINDS["factor_eval"]({"min_names": 2, **params}, given)["metrics.json"]
    assert metrics["counted"] == 0
    assert metrics["coverage"] == 1.0


def test_dates_come_in_as_text_or_date_objects() -> None:
    day = np.datetime64("2024-01-05")
    for given in ("2024-01-05", dt.date(2024, 1, 5), day, pd.Timestamp("2024-01-05")):
        settings = EvaluationSettings(start=given, grid="explicit", signal_dates=[given])
        assert settings.start == day
        assert settings.signal_dates == (day,)
