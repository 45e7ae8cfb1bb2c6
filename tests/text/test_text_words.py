"""Word counts from the training rows alone, and texts that say nothing."""

import math

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.classifier import ClassifierSettings
from fusion_factor.text.rolling import RollingSettings, rolling_scores
from fusion_factor.text.text_checks import text_faults
from fusion_factor.text.words import WordCounts, WordSettings, jieba_words, ngrams

TITLES = ["上调评级", "上调上调", "下调评级,2020", "买入"]
ABSTRACTS = ["利润增长", "", "利润下滑", "增长增长增长"]


def test_counts_are_of_the_training_rows_most_frequent_words() -> None:
    counts = WordCounts(TITLES, ABSTRACTS, WordSettings(title_words=2, abstract_words=1), progress=False)
    assert len(counts) == 4
    # Titles 0 to 2: 上调 3, 评级 2, 下调 1, 调评 2, 调上 1; 评级 comes before 调评. Abstracts 0 to 2: 利润 2.
    found = counts.of(np.array([0, 1, 2]), np.array([1, 3, 0]))
    ln2, ln3 = math.log(2), math.log(3)
    np.testing.assert_allclose(found, [[ln3, 0, 0], [0, 0, 0], [ln2, ln2, ln2]], rtol=1e-6)
    # Row 3 alone: 买入; 增长 3 and 长增 2.
    np.testing.assert_allclose(counts.of(np.array([3]), np.array([3])), [[math.log(2), math.log(4)]], rtol=1e-6)


def test_texts_outside_of_training_change_no_vocabulary_and_no_order_of_ties() -> None:
    train, settings = np.array([2, 3]), WordSettings(title_words=3, abstract_words=3)
    first = WordCounts(["调评级下", "入买", *TITLES[2:]], ["滑下", "润", *ABSTRACTS[2:]], settings, progress=False)
    second = WordCounts(TITLES, ABSTRACTS, settings, progress=False)
    np.testing.assert_array_equal(first.of(train, train), second.of(train, train))


def test_ngrams_hold_letters_only() -> None:
    assert ngrams("EPS 1.2元,增长", 2) == ["ep", "ps", "增长"]
    assert ngrams("好", 2) == []


def test_jieba_keeps_parts_of_speech() -> None:
    pytest.importorskip("jieba", reason="needs the extra jieba")
    found = jieba_words("公司的净利润大幅增长,维持买入评级。")
    assert {"公司", "增长", "维持"} <= set(found)
    assert not {"的", ",", "。"} & set(found)


def test_words_train_the_rolling_classifier_on_each_windows_own_vocabulary() -> None:
    rng = np.random.default_rng(0)
    good, bad, filler = ["大幅增长", "超出预期"], ["大幅下滑", "低于预期"], list("的一是在不了有和人这中")
    session_n = np.sort(np.datetime64("2020-01-01") + rng.integers(0, 500, 500))
    up_n = rng.random(500) < 0.5
    titles = [str(rng.choice(good if up else bad)) + "".join(rng.choice(filler, 6)) for up in up_n]
    ar_n = 0.02 * np.where(up_n, 1, -1) + 0.01 * rng.normal(size=500)
    counts = WordCounts(titles, [""] * 500, WordSettings(title_words=50, abstract_words=0), progress=False)
    settings = RollingSettings(
        train_months=6, use_months=6, min_train_rows=50,
        classifier=ClassifierSettings(penalties=(0.1,), iterations=20, parts=2),
    )  # fmt: skip
    found = rolling_scores(counts, ar_n, session_n, session_n + 2, np.arange(500), settings, progress=False)
    assert min(fold["auc"] for fold in found.folds) > 0.95


def test_bad_words_settings_are_refused() -> None:
    with pytest.raises(DataError, match="4 titles, 3 abstracts"):
        WordCounts(TITLES, ABSTRACTS[:3], WordSettings(), progress=False)
    with pytest.raises(DataError, match="the 2 training texts hold no word"):
        WordCounts(["1", "2"], ["", ""], WordSettings(), progress=False).of(np.arange(2), np.arange(2))
    with pytest.raises(ConfigError, match="tokens is 'letters'"):
        WordSettings(tokens="letters")
    with pytest.raises(ConfigError, match="must not both be"):
        WordSettings(title_words=0, abstract_words=0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("业绩超预期", ""),
        ("EPS up 12%: 增持", ""),
        ("Company results were good", "not Chinese"),
        ("12345", "not Chinese"),
        ("", "empty"),
        (" \u3000\n", "empty"),
        (None, "empty"),
        (float("nan"), "empty"),
        ("业绩".encode().decode("latin-1") * 3, "wrong encoding"),
        ("业绩\ufffd超预期", "wrong encoding"),
        ("锟斤拷锟斤拷", "wrong encoding"),
        ("业绩\ud83d", "wrong encoding"),
        ("业绩\x00", "wrong encoding"),
        ("高" * 100_000, ""),
    ],
)
def test_texts_that_say_nothing_are_told(text: object, fault: str) -> None:
    assert text_faults([text, "增持"]).tolist() == [fault, ""]
