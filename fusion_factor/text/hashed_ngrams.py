"""Texts as signed counts of hashed character n-grams: an encoder that needs nothing but numpy.

A character n-gram is hashed to one of D places and to a sign, so that n-grams which fall on one place cancel rather
than add up. The hash is arithmetic on code points: the same in every process, on every machine and in every batch.

Legend: n text, d place, c character.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.float32]]
Codes = np.ndarray[Any, np.dtype[np.uint64]]

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_CELLS_AT_ONCE = 1 << 20
_CHARACTERS_AT_ONCE = 1 << 20


def hashed_ngrams(texts: Sequence[str], dimensions: int = 1024, shortest: int = 1, longest: int = 3) -> Matrix:
    """Signed hashed counts of the character n-grams of each text, float32 [N, D], rows of length 1.

    Args:
        texts: any texts; upper and lower case, full and half width are the same, a run of digits counts as one digit
            (`normalised`). A text without characters becomes zeros.
        dimensions: D. shortest, longest: lengths of the n-grams.

    A cell is sign(s) ln(1 + |s|) of the signed count s; then the row is divided by its length. Source: our choice
    (the hashing trick with signs), the logarithm as in METHOD item 140.
    """
    out_nd = np.zeros((len(texts), dimensions), dtype=np.float32)
    for first, chunk in _chunks(texts, max(1, _CELLS_AT_ONCE // dimensions)):
        counts_nd = _signed_counts(chunk, dimensions, shortest, longest)
        values_nd = np.sign(counts_nd) * np.log1p(np.abs(counts_nd))
        length_n = np.sqrt((values_nd**2).sum(axis=1, keepdims=True))
        out_nd[first : first + len(chunk)] = values_nd / np.where(length_n > 0, length_n, 1.0)
    return out_nd


def normalised(text: str) -> str:
    """The text as its n-grams are counted: NFKC, lower case, a run of digits as `0`, a run of blanks as one blank."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    digits = "".join("0" if each.isdigit() else each for each in plain)
    while "00" in digits:
        digits = digits.replace("00", "0")
    return " ".join(digits.split())


def _chunks(texts: Sequence[str], most: int) -> Iterator[tuple[int, list[str]]]:
    """Consecutive normalised texts, at most `most` and about _CHARACTERS_AT_ONCE characters, with the first's place."""
    first, chunk, characters = 0, [], 0
    for place, text in enumerate(texts):
        chunk.append(normalised(text))
        characters += len(chunk[-1])
        if len(chunk) == most or characters >= _CHARACTERS_AT_ONCE:
            yield first, chunk
            first, chunk, characters = place + 1, [], 0
    if chunk:
        yield first, chunk


def _signed_counts(texts: list[str], dimensions: int, shortest: int, longest: int) -> np.ndarray:
    """Sums of the signs of all n-grams, by text and place: float64 [N, D], whole numbers."""
    points = [np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32) for text in texts]
    code_c = np.concatenate(points).astype(np.uint64)
    text_c = np.repeat(np.arange(len(texts)), [len(each) for each in points])
    counts = np.zeros(len(texts) * dimensions)
    for size in range(shortest, longest + 1):
        starts = len(code_c) - size + 1
        if starts <= 0:
            continue
        whole = text_c[:starts] == text_c[size - 1 :]
        hash_c = _hashes(code_c, size, starts)[whole]
        place_c = ((hash_c >> np.uint64(1)) % np.uint64(dimensions)).astype(np.int64)
        sign_c = np.where(hash_c & np.uint64(1), 1.0, -1.0)
        counts += np.bincount(text_c[:starts][whole] * dimensions + place_c, weights=sign_c, minlength=len(counts))
    return counts.reshape(len(texts), dimensions)


def _hashes(code_c: Codes, size: int, starts: int) -> Codes:
    """A mixed 64-bit number for each n-gram of `size` characters; wrapping is meant."""
    hash_c = np.full(starts, np.uint64(size))
    for k in range(size):
        hash_c = (hash_c ^ (code_c[k : k + starts] + np.uint64(1))) * _FIRST
        hash_c ^= hash_c >> np.uint64(29)
    hash_c *= _SECOND
    return hash_c ^ (hash_c >> np.uint64(32))
