"""Ranks and picks by hand."""

import numpy as np
import pytest

from fusion_factor.backtest.picks import pick, ranks

NAN = np.nan


def picked(scores: list[list[float]], top_k: int, **given: object) -> list[list[int]]:
    score = np.array(scores, float)
    chosen = pick(score, ~np.isnan(score), top_k, **given)
    return [np.flatnonzero(row).tolist() for row in chosen.picked_sc]


def test_equal_scores_rank_by_code_and_rounding_makes_them_equal() -> None:
    score = np.array([[0.1 + 0.2, 0.3, 0.5, NAN, 0.5]])
    assert ranks(score, ~np.isnan(score)).tolist() == [[3, 4, 1, 0, 2]]
    assert ranks(score, ~np.isnan(score), ascending=True).tolist() == [[1, 2, 3, 0, 4]]
    # 0.3 and 0.1 + 0.2 differ in the last place; the first code comes first both ways
    assert ranks(score[:, ::-1], ~np.isnan(score[:, ::-1])).tolist() == [[1, 0, 2, 3, 4]]


def test_names_that_are_not_eligible_have_no_rank_and_do_not_scale_the_others() -> None:
    score = np.array([[1e30, 2.0, 1.0]])
    assert ranks(score, np.array([[False, True, True]])).tolist() == [[0, 1, 2]]


def test_the_buffer_keeps_names_of_the_list_before() -> None:
    scores = [[4, 3, 2, 1], [1, 4, 3, 2], [1, 2, 3, 4]]
    assert picked(scores, 2) == [[0, 1], [1, 2], [2, 3]]
    # first list 0 1; then ranks are 4 1 2 3: 1 stays, 0 is beyond 3; then 4 3 2 1: 1 has rank 3 and stays with 2
    assert picked(scores, 2, buffer=1) == [[0, 1], [1, 2], [1, 2]]
    # with a buffer of 2 both of the first list stay
    assert picked(scores, 2, buffer=2) == [[0, 1], [0, 1], [0, 1]]


def test_more_names_within_the_buffer_than_places_keeps_the_best() -> None:
    # the list before has 3 names under `equal`; top_k is 3, so all may stay
    assert picked([[3, 2, 1, NAN], [1, 2, 3, 4]], 3, buffer=1) == [[0, 1, 2], [0, 1, 2]]


def test_an_empty_list_is_never_the_one_before() -> None:
    scores = [[4, 3, 2, 1], [NAN] * 4, [1, 2, 3, 2.5]]
    assert picked(scores, 1, buffer=3) == [[0], [], [0]]


def test_a_skipped_list_is_not_the_one_before_either() -> None:
    scores = [[4, 3, 2, 1], [NAN, NAN, NAN, 9], [3, 2, 1, 4]]
    assert picked(scores, 2, buffer=1, underfill="skip") == [[0, 1], [], [0, 1]]
    assert picked(scores, 2, buffer=1, underfill="equal") == [[0, 1], [3], [0, 3]]


@pytest.mark.parametrize(
    ("underfill", "empty", "traded", "weight", "spare"),
    [
        ("equal", "keep", [1, 1, 0], [1 / 3, 1 / 2], [0, 0]),
        ("cash", "keep", [1, 1, 0], [1 / 3, 1 / 3], [0, 1 / 3]),
        ("skip", "keep", [1, 0, 0], [1 / 3], [0]),
        ("skip", "cash", [1, 0, 1], [1 / 3], [0]),
        ("equal", "cash", [1, 1, 1], [1 / 3, 1 / 2], [0, 0]),
    ],
)
def test_fewer_names_than_places(
    underfill: str, empty: str, traded: list[int], weight: list[float], spare: list[float]
) -> None:
    score = np.array([[3.0, 2, 1], [3, 2, NAN], [NAN] * 3])
    chosen = pick(score, ~np.isnan(score), 3, underfill=underfill, empty=empty)
    assert chosen.traded_s.astype(int).tolist() == traded
    np.testing.assert_allclose(chosen.weight_s[: len(weight)], weight)
    np.testing.assert_allclose(chosen.spare_s[: len(spare)], spare, atol=1e-15)
