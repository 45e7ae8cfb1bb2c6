"""Labels by session offsets, by hand."""

import numpy as np
import pytest

from fusion_factor.core import labels

PRICE_TN = np.array([[10.0, 1.0], [11.0, np.nan], [12.0, 2.0], [0.0, 4.0], [15.0, -1.0]])


def test_price_relative_by_hand() -> None:
    got = labels.price_relative(PRICE_TN, 0, 2)
    np.testing.assert_allclose(got[:, 0], [0.2, np.nan, 0.25, np.nan, np.nan])
    np.testing.assert_allclose(got[:, 1], [1.0, np.nan, np.nan, np.nan, np.nan])


def test_offsets_backwards_read_the_past() -> None:
    got = labels.price_relative(PRICE_TN, -2, 0)
    np.testing.assert_allclose(got[:, 0], [np.nan, np.nan, 0.2, np.nan, 0.25])


@pytest.mark.parametrize(
    ("kind", "span", "lag", "wanted", "reach"),
    [("close", 5, 0, (0, 5), 5), ("close", 5, 1, (1, 6), 6), ("open", 5, 0, (1, 6), 6), ("vwap", 1, 0, (1, 2), 2)],
)
def test_offsets_and_reach(kind: str, span: int, lag: int, wanted: tuple[int, int], reach: int) -> None:
    assert labels.offsets(kind, span, lag) == wanted
    assert labels.reach(kind, span, lag) == reach


def test_published_training_label_is_t1_to_t11() -> None:
    close_tn = np.arange(1.0, 21.0)[:, np.newaxis]
    got = labels.label(close_tn, "close", 10, lag=1)
    assert got[0, 0] == 12.0 / 2.0 - 1.0
    assert np.isfinite(got[:9]).all()
    assert np.isnan(got[9:]).all()
    assert labels.reach("close", 10, 1) == 11


def test_labels_to_the_next_date() -> None:
    price_tn = np.array([[1.0], [2.0], [4.0], [8.0], [16.0]])
    closes, spans = labels.grid_label(price_tn, np.array([0, 1, 3]), "close", "next")
    np.testing.assert_array_equal(closes[:, 0], [1.0, 3.0, np.nan])
    np.testing.assert_array_equal(spans, [1, 2, -1])
    opens, _ = labels.grid_label(price_tn, np.array([0, 1, 3, 4]), "open", "next")
    np.testing.assert_array_equal(opens[:, 0], [1.0, 3.0, np.nan, np.nan])


def test_labels_of_a_fixed_horizon_on_a_grid() -> None:
    price_tn = np.array([[1.0], [2.0], [4.0], [8.0]])
    got, spans = labels.grid_label(price_tn, np.array([0, 2]), "close", 2)
    np.testing.assert_array_equal(got[:, 0], [3.0, np.nan])
    np.testing.assert_array_equal(spans, [2, 2])


def test_a_label_never_reads_beyond_its_reach() -> None:
    rng = np.random.default_rng(0)
    price_tn = rng.uniform(1, 2, (30, 3))
    scrambled = price_tn.copy()
    cut = 12
    scrambled[cut + 1 :] = rng.uniform(1, 2, scrambled[cut + 1 :].shape)
    for kind, span, lag in [("close", 3, 2), ("open", 4, 0), ("vwap", 1, 0)]:
        known = cut - labels.reach(kind, span, lag) + 1
        before, after = (labels.label(each, kind, span, lag) for each in (price_tn, scrambled))
        np.testing.assert_array_equal(before[:known], after[:known])
        assert (before[known] != after[known]).all()


def test_wrong_words_are_refused() -> None:
    with pytest.raises(ValueError, match="high"):
        labels.offsets("high", 5)
    with pytest.raises(ValueError, match="lag"):
        labels.offsets("open", 5, 1)
