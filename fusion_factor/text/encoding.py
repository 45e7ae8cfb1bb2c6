"""From texts to vectors: one call for every encoder, with a store of vectors that are known already.

Legend: n text, d dimension of the vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.hashed_ngrams import hashed_ngrams

Matrix = np.ndarray[Any, np.dtype[np.float32]]

KINDS = ("hashed", "bert")


@dataclass(frozen=True)
class EncoderSettings:
    """How a text becomes a vector.

    kind              hashed: counts of hashed character n-grams; bert: a Hugging Face folder (extra `text`).
    dimensions        length of the hashed vector; shortest_ngram, longest_ngram: characters of its n-grams.
    """

    kind: str = "hashed"
    dimensions: int = 1024
    shortest_ngram: int = 1
    longest_ngram: int = 3

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        if self.kind not in KINDS:
            raise ConfigError(f"kind is {self.kind!r}, must be one of {', '.join(KINDS)}")
        if self.dimensions < 8:
            raise ConfigError(f"dimensions is {self.dimensions}, must be >= 8")
        if not 1 <= self.shortest_ngram <= self.longest_ngram:
            raise ConfigError(
                f"shortest_ngram is {self.shortest_ngram}, must be >= 1 and <= longest_ngram ({self.longest_ngram})"
            )


def encode(
    texts: Sequence[str], encoder: EncoderSettings, cache: str | Path | None = None, progress: bool = True
) -> Matrix:
    """Vectors of the texts, float32 [N, D], in their order; a text's vector depends on that text alone.

    Args:
        texts: plain texts; an empty one is allowed. encoder: how.
        cache: folder of stored vectors, made when missing; None: none. Hashed vectors are not stored: counting is as
            fast as reading. progress: whether to say how far it is.

    Raises DataError for an entry that is no text, ConfigError for an encoder that cannot be used here.
    """
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"text {place} is {text!r}, must be a text")
    if encoder.kind == "hashed":
        return hashed_ngrams(texts, encoder.dimensions, encoder.shortest_ngram, encoder.longest_ngram)
    raise ConfigError(f"kind is {encoder.kind!r}, which is still to come")
