"""The score table holds what HOUSE promises, and reads back as written."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.scores import alphalens, export, qlib, read_scores, reversal, score_table, wide, write_scores

DAYS = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
SYMBOLS = np.array(["000001.SZ", "600519.SH"], dtype=object)


@pytest.fixture
def scores():
    score = np.array([[1.0, 2.0], [np.nan, -0.5]])
    return score_table({"score": score, "hf": score * 2}, DAYS, SYMBOLS)


def test_only_names_with_a_score_have_a_row(scores):
    assert scores["score"].tolist() == [1.0, 2.0, -0.5]
    assert scores["symbol"].tolist() == ["000001.SZ", "600519.SH", "600519.SH"]


def test_parquet_reads_back_bit_for_bit(scores, tmp_path):
    write_scores(scores.sample(frac=1, random_state=0), tmp_path / "scores.parquet")
    pd.testing.assert_frame_equal(
        read_scores(tmp_path / "scores.parquet"), scores, check_dtype=False, check_index_type=False
    )


def test_own_csv_keeps_zeros_in_front_and_drops_empty_scores(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("date,symbol,score\n2024-01-03,000001,1.5\n2024-01-02,000001,\n")
    own = read_scores(path)
    assert own[["symbol", "score"]].to_numpy().tolist() == [["000001", 1.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,symbol\n2024-01-02,A\n", "column score"),
        ("date,symbol,score\n2024-01-02,A,1\n2024-01-02,A,2\n", "A on 2024-01-02"),
        ("date,symbol,score\n2024-01-02,A,inf\n", "infinite"),
    ],
)
def test_bad_tables_are_refused(text, words, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_scores(path)


def test_forms_hold_the_same_numbers(scores, tmp_path):
    assert wide(scores).loc["2024-01-03", "600519.SH"] == -0.5
    assert alphalens(scores).loc[("2024-01-02", "000001.SZ")] == 1.0
    assert qlib(scores).loc[("2024-01-02", "SH600519"), "score"] == 2.0
    paths = export(scores, tmp_path, ("parquet", "csv", "wide", "alphalens", "qlib"))
    assert len(paths) == 5
    assert all(path.stat().st_size > 0 for path in paths)


def test_reversal_is_minus_the_past_return_of_names_with_inputs():
    close = np.array([[10.0, 10.0], [11.0, 12.0], [9.0, 15.0]])
    has_inputs = np.array([[True, True], [True, True], [True, False]])
    result = reversal(close, has_inputs, window=2)
    assert np.isnan(result[:2]).all()
    np.testing.assert_allclose(result[2], [0.1, np.nan])
