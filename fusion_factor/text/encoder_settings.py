"""The parameters of an encoder, with their limits."""

from dataclasses import dataclass

from fusion_factor.core.errors import ConfigError

_CHOICES = {
    "kind": ("hashed", "bert"),
    "pooling": ("mean", "cls"),
    "long_texts": ("truncate", "segments"),
    "precision": ("auto", "float32", "float16", "bfloat16"),
}


@dataclass(frozen=True)
class EncoderSettings:
    """How a text becomes a vector.

    kind              hashed: counts of hashed character n-grams; bert: a Hugging Face folder (extra `text`).
    dimensions        length of the hashed vector; shortest_ngram, longest_ngram: characters of its n-grams.
    folder            the BERT's folder: config, tokenizer, weights (safetensors, or a .bin of plain tensors).
    pooling           mean over all tokens, or cls: the first one (METHOD item 146).
    long_texts        truncate: the first `max_tokens` count; segments: the mean vector of up to `max_segments` pieces
                      of equal length.
    max_tokens        of a piece, with both marks; less where the model takes less.
    batch_tokens      padded tokens of a batch.
    device            auto, cpu, cuda or cuda:N.
    precision         auto: float16 on CUDA, else float32.
    threads           of torch; None: as they are.
    """

    kind: str = "hashed"
    dimensions: int = 1024
    shortest_ngram: int = 1
    longest_ngram: int = 3
    folder: str | None = None
    pooling: str = "mean"
    long_texts: str = "truncate"
    max_tokens: int = 500
    max_segments: int = 8
    batch_tokens: int = 4096
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} is {getattr(self, name)!r}, must be one of {', '.join(choices)}")
        for name, least in (("dimensions", 8), ("max_tokens", 8), ("max_segments", 1), ("batch_tokens", 8)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be >= {least}")
        if not 1 <= self.shortest_ngram <= self.longest_ngram:
            raise ConfigError(
                f"shortest_ngram is {self.shortest_ngram}, must be >= 1 and <= longest_ngram ({self.longest_ngram})"
            )
        if self.kind == "bert" and not self.folder:
            raise ConfigError("folder is empty, must be the folder of a BERT model for kind bert")
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads is {self.threads}, must be >= 1 or null")
