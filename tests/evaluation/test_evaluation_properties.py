"""What must hold of any evaluation: row order, monotone transforms, price scale, and no look-ahead beyond the reach."""

import doctest
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import fusion_factor.evaluation as room
from fusion_factor.core import labels
from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import (
    CASE_KINDS,
    FactorEvaluation,
    PriceBook,
    correlation,
    cumulative_rank_ic,
    evaluate,
    factor_evaluation,
    intervals,
    layer_nav,
    overfitting,
    rank_ic,
    share_of_oracle,
    top_monthly_excess,
    top_monthly_hit,
    two_sided_turnover,
)

from .comparison import as_text
from .random_tables import case, frames


def market(sessions: int = 60, names: int = 20, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Scores that know something of the prices that follow, prices, sessions."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2023-11-01", periods=sessions)
    symbols = [f"{i:06d}" for i in range(names)]
    drift_n = rng.normal(0, 0.004, names)
    close_tn = 10 * np.exp(np.cumsum(rng.normal(0, 0.01, (sessions, names)) + drift_n, axis=0))
    keys = pd.MultiIndex.from_product([days, symbols], names=["date", "symbol"]).to_frame(index=False)
    prices = keys.assign(close=close_tn.ravel(), open=close_tn.ravel() * 1.001, vwap=close_tn.ravel() * 0.999)
    scores = keys.assign(score=(drift_n + rng.normal(0, 0.004, (sessions, names))).ravel())
    return scores, prices, days.to_numpy()


def texts(result: FactorEvaluation) -> tuple[Any, ...]:
    return as_text(result.ic), as_text(result.layers), repr(result.metrics)


@pytest.mark.parametrize("seed", range(12))
def test_row_order_changes_no_byte(seed: int) -> None:
    params, tables = case(seed + 1000)
    given = frames(tables)
    shuffled = {
        name: frame if name == "sessions" else frame.sample(frac=1, random_state=seed) for name, frame in given.items()
    }
    params = {**params, "grid": "daily", "start": "", "end": None}
    first = CASE_KINDS["factor_eval"](params, given)
    second = CASE_KINDS["factor_eval"](params, shuffled)
    for name in ("ic.csv", "layers.csv"):
        assert as_text(first[name]) == as_text(second[name])
    assert repr(first["metrics.json"]) == repr(second["metrics.json"])


def test_a_monotone_transform_leaves_ranks_and_layers() -> None:
    scores, prices, days = market()
    plain = evaluate(scores, prices, days, layers=4, horizons=[1, 3])
    warped = evaluate(scores.assign(score=np.exp(300 * scores["score"])), prices, days, layers=4, horizons=[1, 3])
    pd.testing.assert_series_equal(plain.ic["rank_ic"], warped.ic["rank_ic"])
    pd.testing.assert_frame_equal(plain.layers, warped.layers)
    assert plain.metrics["decay"] == warped.metrics["decay"]
    assert not np.allclose(plain.ic["ic"].dropna(), warped.ic["ic"].dropna())


def test_the_opposite_score_has_the_opposite_ic() -> None:
    scores, prices, days = market()
    plain = evaluate(scores, prices, days)
    turned = evaluate(scores.assign(score=-scores["score"]), prices, days)
    np.testing.assert_allclose(turned.ic[["ic", "rank_ic"]], -plain.ic[["ic", "rank_ic"]], atol=1e-14)


def test_the_price_level_of_a_name_does_not_matter() -> None:
    scores, prices, days = market()
    level = prices["symbol"].map({name: 2.0 ** (i % 5) for i, name in enumerate(sorted(prices["symbol"].unique()))})
    scaled = prices.assign(close=prices["close"] * level, adj_factor=1 / level)
    assert texts(evaluate(scores, scaled, days)) == texts(evaluate(scores, prices, days))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"label_lag": 2, "horizon": 3},
        {"label": "open"},
        {"label": "vwap", "horizon": "next", "grid": "every_n", "n": 7},
    ],
)
def test_prices_after_the_reach_move_nothing(params: dict[str, Any]) -> None:
    scores, prices, days = market()
    whole = evaluate(scores, prices, days, **params)
    kind, lag = params.get("label", "close"), params.get("label_lag", 0)
    row = whole.ic["rank_ic"].last_valid_index() - 1
    date = whole.ic["date"][row]
    span = int(whole.spans["span"][row])
    last_read = days[int(np.searchsorted(days, np.datetime64(date))) + labels.reach(kind, span, lag)]
    later = prices["date"] > last_read
    noise = np.random.default_rng(1).uniform(0.5, 2, (int(later.sum()), 1))
    scrambled = prices.copy()
    scrambled.loc[later, ["open", "close", "vwap"]] *= noise
    again = evaluate(scores, scrambled, days, **params)
    known = whole.ic["date"] <= date
    pd.testing.assert_frame_equal(whole.ic[known], again.ic[known])
    before = whole.layers["date"] <= date
    pd.testing.assert_frame_equal(whole.layers[before], again.layers[before])
    assert again.ic["ic"][row + 1] != whole.ic["ic"][row + 1]
    # One session earlier is inside of the label of `date`: it must show.
    scrambled.loc[prices["date"] == last_read, ["open", "close", "vwap"]] *= np.random.default_rng(2).uniform(
        0.5, 2, (int((prices["date"] == last_read).sum()), 1)
    )
    assert evaluate(scores, scrambled, days, **params).ic["ic"][row] != whole.ic["ic"][row]


def test_a_price_book_serves_many_scores() -> None:
    scores, prices, days = market()
    book = PriceBook.of(prices, days)
    for sign in (1, -1):
        table = scores.assign(score=sign * scores["score"])
        assert texts(evaluate(table, book, horizon="next")) == texts(evaluate(table, prices, days, horizon="next"))


def test_wide_rank_ic_equals_the_tables_and_scipy() -> None:
    scores, prices, days = market()
    book = PriceBook.of(prices, days)
    score_tn = scores.pivot(index="date", columns="symbol", values="score").to_numpy().copy()
    score_tn[3, 5] = np.nan
    label_tn = labels.label(book.adjusted("close"), "close", 5, lag=1)
    got = rank_ic(score_tn, label_tn)
    table = scores.assign(score=score_tn.ravel())
    np.testing.assert_array_equal(got, evaluate(table, book, grid="daily", label_lag=1).ic["rank_ic"])
    both = np.isfinite(score_tn[3]) & np.isfinite(label_tn[3])
    assert got[3] == pytest.approx(stats.spearmanr(score_tn[3, both], label_tn[3, both]).statistic, abs=1e-12)
    assert np.isnan(rank_ic(score_tn, label_tn, min_names=21)).all()


def test_share_of_oracle() -> None:
    scores, prices, days = market()
    truth = prices[["date", "symbol"]].assign(
        score=prices.groupby("symbol")["close"].transform(lambda close: close.shift(-5) / close - 1)
    )
    itself = share_of_oracle(truth, truth, prices, days)
    assert itself.share == itself.oracle == pytest.approx(1.0)
    some = scores[(scores["symbol"] > "000004") & (scores["date"] > days[10])]
    got = share_of_oracle(some, truth, prices, days, label_lag=1)
    # On the same dates and names: the oracle is cut to those of the score.
    cut = truth.merge(some[["date", "symbol"]])
    theirs = evaluate(cut, prices, days, label_lag=1).ic.set_index("date")["rank_ic"]
    ours = evaluate(some.merge(cut.dropna()[["date", "symbol"]]), prices, days, label_lag=1).ic.set_index("date")
    assert got.oracle == pytest.approx(theirs.mean())
    assert got.score == pytest.approx(ours["rank_ic"].mean())
    assert got.share == pytest.approx(got.score / got.oracle)
    assert got.dates == theirs.notna().sum()
    with pytest.raises(ConfigError, match="horizn"):
        share_of_oracle(some, truth, prices, days, horizn=3)


def test_paths_agree_with_the_annual_figures() -> None:
    scores, prices, days = market()
    result = evaluate(scores, prices, days, layers=4)
    nav = layer_nav(result)
    assert list(nav.columns) == [1, 2, 3, 4, "all"]
    held = 5 * len(nav)
    for layer in range(1, 5):
        wanted = result.metrics["layer_annual"][layer - 1]
        assert nav[layer].iloc[-1] ** (252 / held) - 1 == pytest.approx(wanted)
    growth = (1 + nav[4].pct_change()) / (1 + nav["all"].pct_change())
    first = nav[4].iloc[0] / nav["all"].iloc[0]
    annual = (first * growth.prod()) ** (252 / held) - 1
    assert annual == pytest.approx(result.metrics["top_excess_annual"])
    assert cumulative_rank_ic(result).iloc[-1] == pytest.approx(result.ic["rank_ic"].sum())
    assert two_sided_turnover(result) == 2 * result.metrics["top_turnover"]
    monthly = top_monthly_excess(result)
    assert len(monthly) == result.layers["date"].dt.to_period("M").nunique()
    assert (1 + monthly).prod() == pytest.approx(first * growth.prod())
    assert top_monthly_hit(result) == (monthly > 0).mean()


def test_overlapping_labels_are_not_chained() -> None:
    scores, prices, days = market()
    with pytest.raises(ConfigError, match="horizon"):
        layer_nav(evaluate(scores, prices, days, grid="daily"))


def test_examples_in_the_documentation_hold() -> None:
    for module in (factor_evaluation, correlation, intervals, overfitting):
        outcome = doctest.testmod(module)
        assert outcome.attempted
        assert not outcome.failed


def test_the_room_is_light() -> None:
    """Neither torch nor what intervals need, which takes seconds to load, before one is asked for."""
    code = f"import sys, {room.__name__}; sys.exit(bool({{'torch', 'arch', 'statsmodels'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
