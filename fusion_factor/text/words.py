"""The word-count baseline: ln(1 + count) of the most frequent words of the training rows, titles and abstracts apart.

Legend: n event, d word of the vocabulary, e entry (one word of one text).
"""

import importlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.progress import Progress
from fusion_factor.text.hashed_ngrams import normalised
from fusion_factor.text.validation import IntArray, Matrix

TOKENS = ("ngrams", "jieba")
KEPT_TAGS = frozenset({"n", "nr", "ns", "nt", "nz", "v", "vd", "vn", "a", "d"})
"""Nouns, proper nouns, verbs, adverbial verbs, verbal nouns, adjectives, adverbs. METHOD item 138."""


@dataclass(frozen=True)
class WordSettings:
    """What counts as a word, and how many.

    tokens           ngrams: runs of `ngram` letters or Chinese characters; jieba: words by part of speech (extra
                     `jieba`), METHOD item 138.
    title_words, abstract_words   size of the vocabularies, METHOD item 139.
    """

    tokens: str = "ngrams"
    ngram: int = 2
    title_words: int = 200
    abstract_words: int = 1000

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        if self.tokens not in TOKENS:
            raise ConfigError(f"tokens is {self.tokens!r}, must be one of {', '.join(TOKENS)}")
        for name, least in (("ngram", 1), ("title_words", 0), ("abstract_words", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be >= {least}")
        if not self.title_words + self.abstract_words:
            raise ConfigError("title_words and abstract_words are 0, must not both be")


class TermCounts:
    """How often each term occurs in each text, kept as entries (text, term, count)."""

    def __init__(self, texts: Sequence[str], terms_of: Callable[[str], Iterable[str]], bar: Progress) -> None:
        numbers: dict[str, int] = {}
        row, term, count = [], [], []
        for n, text in enumerate(texts):
            for word, times in Counter(terms_of(text)).items():
                row.append(n)
                term.append(numbers.setdefault(word, len(numbers)))
                count.append(times)
            bar.step()
        self.size = len(texts)
        self.words = list(numbers)
        self._row_e, self._term_e = np.array(row, dtype=np.int64), np.array(term, dtype=np.int64)
        self._count_e = np.array(count, dtype=np.float64)

    def most_frequent(self, rows: IntArray, most: int) -> IntArray:
        """Terms that occur in `rows`, the most frequent first, at most `most`; equal ones in the order of their text.

        The numbers of the terms come from all texts; the order must not depend on them.
        """
        chosen = np.zeros(self.size, dtype=bool)
        chosen[rows] = True
        inside = chosen[self._row_e]
        total = np.bincount(self._term_e[inside], weights=self._count_e[inside], minlength=len(self.words))
        ranked = sorted(np.flatnonzero(total).tolist(), key=lambda term: (-total[term], self.words[term]))
        return np.array(ranked[:most], dtype=np.int64)

    def matrix(self, rows: IntArray, vocabulary: IntArray) -> Matrix:
        """ln(1 + count) of each word of the vocabulary in each row, float32 [len(rows), len(vocabulary)]."""
        column_of = np.full(len(self.words) + 1, -1, dtype=np.int64)
        column_of[vocabulary] = np.arange(len(vocabulary))
        all_nd = np.zeros((self.size, len(vocabulary)), dtype=np.float32)
        column_e = column_of[self._term_e]
        kept = column_e >= 0
        all_nd[self._row_e[kept], column_e[kept]] = np.log1p(self._count_e[kept])
        return all_nd[rows]


class WordCounts:
    """Inputs of `rolling_scores`: title block and abstract block side by side, METHOD items 138-140.

    Raises DataError for columns of different length, ConfigError when jieba is asked for and not installed.
    """

    def __init__(
        self, titles: Sequence[str], abstracts: Sequence[str], settings: WordSettings, progress: bool = True
    ) -> None:
        if len(titles) != len(abstracts):
            raise DataError(f"{len(titles)} titles, {len(abstracts)} abstracts")
        self.settings = settings
        terms_of = jieba_words if settings.tokens == "jieba" else lambda text: ngrams(text, settings.ngram)
        if settings.tokens == "jieba":
            _jieba()
        with Progress("counting words", 2 * len(titles), unit="text", shown=progress) as bar:
            self._blocks = [
                (TermCounts(titles, terms_of, bar), settings.title_words),
                (TermCounts(abstracts, terms_of, bar), settings.abstract_words),
            ]

    def __len__(self) -> int:
        return self._blocks[0][0].size

    def of(self, train: IntArray, rows: IntArray) -> Matrix:
        """Counts of the words that are frequent in the rows `train`. Raises DataError when those hold no word."""
        parts = [block.matrix(rows, block.most_frequent(train, most)) for block, most in self._blocks]
        if not sum(part.shape[1] for part in parts):
            raise DataError(f"the {len(train)} training texts hold no word")
        return np.concatenate(parts, axis=1)


def ngrams(text: str, size: int) -> list[str]:
    """Runs of `size` letters or Chinese characters; what holds a digit, a blank or punctuation does not count."""
    plain = normalised(text)
    found = (plain[start : start + size] for start in range(len(plain) - size + 1))
    return [each for each in found if each.isalpha()]


def jieba_words(text: str) -> list[str]:
    """Words of the kept parts of speech."""
    return [pair.word for pair in _jieba().cut(normalised(text)) if pair.flag in KEPT_TAGS]


def _jieba() -> Any:
    try:
        jieba = importlib.import_module("jieba")
        tagger = importlib.import_module("jieba.posseg")
    except ImportError as error:
        raise ConfigError(
            "tokens is jieba, but it is not installed: pip install 'fusion-factor[jieba]', or tokens: ngrams"
        ) from error
    jieba.setLogLevel("ERROR")
    return tagger
