"""Hashed character n-grams: against a loop over characters, the same in every process and every batch."""

import math
import subprocess
import sys

import numpy as np
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.encoding import EncoderSettings, encode
from fusion_factor.text.hashed_ngrams import hashed_ngrams, normalised

TEXTS = ["业绩大幅超预期,上调盈利预测", "", "净利润增长30.5%,EPS 1.2元", "首" * 400, "abc 😀\ud800\x00\n"]
FULL = (1 << 64) - 1


def slow_vector(text: str, dimensions: int, shortest: int, longest: int) -> list[float]:
    """The same by Python's whole numbers, one n-gram at a time."""
    points = [ord(each) for each in normalised(text)]
    counts = [0] * dimensions
    for size in range(shortest, longest + 1):
        for start in range(len(points) - size + 1):
            mixed = size
            for point in points[start : start + size]:
                mixed = ((mixed ^ (point + 1)) * 0xBF58476D1CE4E5B9) & FULL
                mixed ^= mixed >> 29
            mixed = (mixed * 0x94D049BB133111EB) & FULL
            mixed ^= mixed >> 32
            counts[(mixed >> 1) % dimensions] += 1 if mixed & 1 else -1
    values = [math.copysign(math.log1p(abs(each)), each) if each else 0.0 for each in counts]
    length = math.sqrt(sum(each**2 for each in values))
    return [each / length if length else 0.0 for each in values]


def test_vectors_equal_a_loop_over_characters() -> None:
    found = hashed_ngrams(TEXTS, 64, 1, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [slow_vector(text, 64, 1, 3) for text in TEXTS], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_allclose(np.linalg.norm(found[[0, 2, 3, 4]], axis=1), 1, atol=1e-6)


def test_width_case_and_numbers_do_not_matter() -> None:
    assert normalised("EPS12.30元\t\u3000增长") == normalised("eps7.1元 增长") == "eps0.0元 增长"


def test_a_vector_depends_on_its_text_alone() -> None:
    """Bit for bit: alone, among others, beside a text of 100,000 characters, in another process."""
    among = encode([*TEXTS, "高" * 100_000, *TEXTS[::-1]], EncoderSettings(dimensions=256))
    for place, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encode([text], EncoderSettings(dimensions=256))[0], among[place])
    code = (
        "import sys; from fusion_factor.text.encoding import *;"
        f"sys.stdout.buffer.write(encode({TEXTS!r}, EncoderSettings(dimensions=256)).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == among[: len(TEXTS)].tobytes()


def test_no_texts_give_an_empty_matrix() -> None:
    assert encode([], EncoderSettings()).shape == (0, 1024)


def test_what_is_no_text_and_what_is_out_of_limits_is_refused() -> None:
    with pytest.raises(DataError, match="text 1 is nan, must be a text"):
        encode(["好", float("nan")], EncoderSettings())  # type: ignore[list-item]
    for change, message in (
        ({"kind": "gpt"}, "kind is 'gpt'"),
        ({"dimensions": 2}, "dimensions is 2"),
        ({"shortest_ngram": 4}, "shortest_ngram is 4"),
    ):
        with pytest.raises(ConfigError, match=message):
            EncoderSettings(**change)
