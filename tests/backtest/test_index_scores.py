"""From stock scores to index scores, by hand and against the definition written out."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.backtest.index_scores import Members, index_scores, smoothed
from fusion_factor.backtest.stock_scores import StockScores, transform
from fusion_factor.core.tables import check_table

NAN = np.nan
SESSIONS = np.arange("2024-01-01", "2024-01-07", dtype="datetime64[D]")
SYMBOLS = np.array(["a", "b", "c", "d"], object)
CODES = np.array(["I", "J", "K"], object)
ALWAYS = ("2023-01-01", "")


def members(*rows: tuple[str, str, str, str, object]) -> Members:
    frame = pd.DataFrame(rows, columns=["code", "symbol", "in_date", "out_date", "weight"])
    return Members(check_table("members", frame), SESSIONS, CODES, SYMBOLS)


FOUR = members(*(("I", symbol, *ALWAYS, weight) for symbol, weight in zip("abcd", [1, 3, 0, NAN], strict=True)))


def score_of(scores: list[float], **given: object) -> float:
    found = index_scores(FOUR, np.array([2]), np.array([scores]), **given)
    assert np.isnan(found.raw_sc[0, 1:]).all()
    return float(found.raw_sc[0, 0])


def test_aggregates_by_hand() -> None:
    scores = [1.0, 2.0, 6.0, NAN]
    assert score_of(scores) == 3.0
    assert score_of(scores, aggregate="median") == 2.0
    assert score_of([1.0, 2.0, 6.0, 4.0], aggregate="median") == 3.0
    # weights 1 and 3; 0 and nothing are no weights
    assert score_of(scores, aggregate="weight") == (1 + 3 * 2) / 4
    caps = np.array([[2.0, NAN, 6.0, 9.0]])
    assert score_of(scores, aggregate="cap", cap_sm=caps) == (2 * 1 + 6 * 6) / 8


def test_the_best_share_of_the_scored_members() -> None:
    scores = [1.0, 2.0, 6.0, 4.0]
    # ceil(0.3 x 4) = 2; ceil(0.5 x 4 - 1e-9) = 2; at least 1
    assert score_of(scores, aggregate="top_mean") == 5.0
    assert score_of(scores, aggregate="top_mean", top_share=0.5) == 5.0
    assert score_of(scores, aggregate="top_mean", top_share=0.0) == 6.0
    assert score_of(scores, aggregate="top_mean", top_share=1.0) == 13 / 4
    assert score_of(scores, aggregate="top_mean", ascending=True) == 1.5
    # 0.1 x 3 is 0.30000000000000004: one name of three, not two
    assert score_of([1.0, 2.0, 3.0, NAN], aggregate="top_mean", top_share=1 / 3) == 3.0


def test_coverage_counts_members_whatever_the_aggregate() -> None:
    scores = np.array([[1.0, NAN, NAN, NAN]])
    found = index_scores(FOUR, np.array([2]), scores, min_coverage=0.25, aggregate="weight")
    assert found.coverage_sc[0, 0] == 0.25
    assert found.raw_sc[0, 0] == 1.0
    assert np.isnan(found.coverage_sc[0, 1])
    assert np.isnan(score_of(scores[0].tolist()))
    assert np.isnan(score_of([1.0, 2.0, NAN, NAN], min_members=3))
    assert score_of([1.0, 2.0, NAN, NAN]) == 1.5
    # scored members without a usable weight give coverage, but no score
    assert np.isnan(score_of([NAN, NAN, 1.0, 2.0], aggregate="weight"))


def test_members_come_and_go() -> None:
    table = members(
        ("I", "a", "2024-01-02", "2024-01-04", 1),
        ("I", "b", "2024-01-03", "", 1),
        ("K", "z", *ALWAYS, 1),
        ("elsewhere", "a", *ALWAYS, 1),
    )
    scores = np.tile([1.0, 2.0, 3.0, 4.0], (6, 1))
    found = index_scores(table, np.arange(6), scores)
    np.testing.assert_array_equal(found.raw_sc[:, 0], [NAN, 1, 1.5, 2, 2, 2])
    np.testing.assert_array_equal(found.coverage_sc[:, 2], [0.0] * 6)


def test_the_governing_spell_gives_the_weight() -> None:
    table = members(("I", "a", *ALWAYS, 1), ("I", "b", *ALWAYS, 1), ("I", "a", "2024-01-03", "2024-01-05", 3))
    found = index_scores(table, np.arange(6), np.tile([4.0, 0.0, NAN, NAN], (6, 1)), aggregate="weight")
    np.testing.assert_array_equal(found.raw_sc[:, 0], [2, 2, 3, 3, 2, 2])
    assert (found.coverage_sc[:, 0] == 1.0).all()


@pytest.mark.parametrize("aggregate", ["mean", "median", "weight", "cap", "top_mean"])
def test_many_indices_agree_with_the_definition(aggregate: str) -> None:
    rng = np.random.default_rng(5)
    symbols = np.array([f"{number:02d}" for number in range(30)], object)
    rows = []
    for code in CODES:
        for symbol in rng.choice(symbols, 12, replace=False):
            start = int(rng.integers(1, 5))
            rows.append((code, symbol, f"2024-01-0{start}", f"2024-01-0{start + 2}", float(rng.uniform(0.1, 2))))
    frame = pd.DataFrame(rows, columns=["code", "symbol", "in_date", "out_date", "weight"])
    checked = check_table("members", frame)
    scores = np.where(rng.random((6, 30)) < 0.3, NAN, rng.normal(size=(6, 30)).round(1))
    caps = np.where(rng.random((6, 30)) < 0.3, NAN, rng.uniform(1, 9, (6, 30)))
    found = index_scores(
        Members(checked, SESSIONS, CODES, symbols), np.arange(6), scores, aggregate=aggregate, cap_sm=caps
        if aggregate == "cap" else None, min_coverage=0.0,
    )  # fmt: skip
    for t, day in enumerate(SESSIONS):
        for c, code in enumerate(CODES):
            here = checked[(checked.code == code) & (checked.in_date <= day) & (checked.out_date > day)]
            x = pd.Series(scores[t], symbols)[here.symbol].to_numpy()
            weight = here.weight.to_numpy() if aggregate == "weight" else pd.Series(caps[t], symbols)[here.symbol]
            weight = np.asarray(weight, float)
            known = x[~np.isnan(x)]
            if aggregate in ("weight", "cap"):
                used = ~np.isnan(x) & ~np.isnan(weight)
                expected = (weight[used] @ x[used]) / weight[used].sum() if used.any() else NAN
            elif aggregate == "top_mean":
                best = sorted(known, reverse=True)[: max(int(np.ceil(0.3 * len(known) - 1e-9)), 1)]
                expected = np.mean(best) if best else NAN
            else:
                expected = getattr(np, aggregate)(known) if len(known) else NAN
            np.testing.assert_allclose(found.raw_sc[t, c], expected, rtol=1e-12)


def test_a_score_may_be_a_few_sessions_old_but_not_younger_than_the_signal() -> None:
    rows = [("2024-01-01", "a", 1.0), ("2024-01-03", "a", NAN), ("2024-01-05", "a", 5.0), ("2024-01-03", "b", 7.0)]
    scores = StockScores(check_table("scores", pd.DataFrame(rows, columns=["date", "symbol", "score"])), SESSIONS)
    days = np.arange(6)
    np.testing.assert_array_equal(scores.in_use(days)[:, 0], [1, NAN, NAN, NAN, 5, NAN])
    np.testing.assert_array_equal(scores.in_use(days, 2)[:, 0], [1, 1, 1, NAN, 5, 5])
    np.testing.assert_array_equal(scores.in_use(days, 100)[:, 1], [NAN, NAN, 7, 7, 7, 7])


def test_transforms_are_over_all_scored_symbols_of_the_signal() -> None:
    scores = np.array([[3.0, 1.0, NAN, 1.0], [2.0, 2.0, 2.0, NAN], [NAN] * 4])
    expected = [[2.5 / 3, 1 / 3, NAN, 1 / 3], [0.5, 0.5, 0.5, NAN], [NAN] * 4]
    np.testing.assert_allclose(transform(scores, "rank"), expected)
    root = np.sqrt(8 / 9)
    expected = [[4 / 3 / root, -2 / 3 / root, NAN, -2 / 3 / root], [0, 0, 0, NAN], [NAN] * 4]
    np.testing.assert_allclose(transform(scores, "zscore"), expected)


def test_smoothing_is_over_the_last_signals_that_have_a_score() -> None:
    raw = np.array([[1.0], [NAN], [3.0], [5.0]])
    np.testing.assert_array_equal(smoothed(raw, 1), raw)
    np.testing.assert_array_equal(smoothed(raw, 2)[:, 0], [1, NAN, 3, 4])
    np.testing.assert_array_equal(smoothed(raw, 99)[:, 0], [1, NAN, 2, 3])
