"""From texts to vectors: one call for every encoder, with a store of vectors that are known already.

Legend: n text, d dimension of the vector.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.errors import DataError
from fusion_factor.core.progress import Progress
from fusion_factor.text.encoder_settings import EncoderSettings
from fusion_factor.text.hashed_ngrams import hashed_ngrams
from fusion_factor.text.vector_store import VectorStore, text_key

Matrix = np.ndarray[Any, np.dtype[np.float32]]

_TEXTS_AT_ONCE = 512
"""A kill loses what was encoded since the last so many texts."""


def encode(
    texts: Sequence[str], encoder: EncoderSettings, cache: str | Path | None = None, progress: bool = True
) -> Matrix:
    """Vectors of the texts, float32 [N, D], in their order; a text's vector depends on that text alone.

    Args:
        texts: plain texts; an empty one is allowed. encoder: how.
        cache: folder of stored vectors, made when missing; None: none. It holds one store an encoder, known by the
            content of its files; a second call encodes only what is new. Hashed vectors are not stored: counting them
            is as fast as reading. progress: whether to say how far it is.

    A vector of kind hashed is the same bit for bit wherever it is made; one of kind bert moves by less than 1e-4 with
    the texts encoded beside it. Raises DataError for an entry that is no text, a damaged store or model folder;
    ConfigError for an encoder that cannot be used here.
    """
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"text {place} is {text!r}, must be a text")
    if encoder.kind == "hashed":
        return hashed_ngrams(texts, encoder.dimensions, encoder.shortest_ngram, encoder.longest_ngram)
    from fusion_factor.text.bert import BertSource

    source = BertSource.of(encoder)
    # Half a surrogate pair is no character, and the tokenizers refuse it.
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    if not clean:
        return np.zeros((0, source.dimensions()), dtype=np.float32)
    keys = [text_key(text) for text in clean]
    if cache is None:
        found = {
            key: row for some, rows in _encoded(dict(zip(keys, clean, strict=True)), source, progress)
            for key, row in zip(some, rows, strict=True)
        }  # fmt: skip
        return np.stack([found[key] for key in keys])
    store = VectorStore(Path(cache) / source.name(), source.identity())
    unknown = {key: text for key, text in zip(keys, clean, strict=True) if key not in store}
    if unknown:
        for some, vectors in _encoded(unknown, source, progress):
            store.append(some, vectors)
    return store.read(store.positions(keys))


def _encoded(texts: dict[bytes, str], source: Any, progress: bool) -> Iterator[tuple[list[bytes], Matrix]]:
    """Keys and vectors of different texts, a few hundred at a time, the longest first."""
    from fusion_factor.text.bert import BertEncoder

    encoder = BertEncoder(source)
    keys, contents = list(texts), list(texts.values())
    tokens: list[list[int]] = []
    for first in range(0, len(contents), _TEXTS_AT_ONCE):
        tokens += encoder.tokens(contents[first : first + _TEXTS_AT_ONCE])
    order = sorted(range(len(keys)), key=lambda place: -len(tokens[place]))
    with Progress("encoding", len(keys), unit="text", shown=progress) as bar:
        for first in range(0, len(order), _TEXTS_AT_ONCE):
            some = order[first : first + _TEXTS_AT_ONCE]
            yield [keys[place] for place in some], encoder.encode([tokens[place] for place in some])
            bar.step(len(some))
