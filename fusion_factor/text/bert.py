"""A Hugging Face BERT folder as an encoder: local files only, no code from the folder, weights without pickled objects.

Legend: b piece in a batch, s token, d dimension, n text.
"""

import contextlib
import importlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fusion_factor.core.artifacts import fingerprint, hash_of
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.adapters import restore_adapters
from fusion_factor.text.encoder_settings import EncoderSettings
from fusion_factor.text.length_batches import Batch, fixed_batches, length_batches
from fusion_factor.training.device import choose_device, exact_arithmetic

Matrix = np.ndarray[Any, np.dtype[np.float32]]
Pieces = list[list[int]]

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class BertSource:
    """The folder and the choices that decide what the vectors are.

    precision  as resolved for this machine: half precision on CUDA gives other vectors than float32.
    """

    settings: EncoderSettings
    folder: Path
    device: str
    precision: str

    @classmethod
    def of(cls, settings: EncoderSettings) -> "BertSource":
        """Check the folder and resolve device and precision. ConfigError for what is not there."""
        folder = Path(settings.folder or "")
        if not settings.folder or not (folder / "config.json").is_file():
            raise ConfigError(f"folder is {settings.folder!r}, must be a Hugging Face model folder with a config.json")
        device = choose_device(settings.device)
        precision = settings.precision
        if precision == "auto":
            precision = "float16" if torch.device(device).type == "cuda" else "float32"
        return cls(settings, folder, device, precision)

    def identity(self) -> dict[str, Any]:
        """What the vectors depend on, by content: the folder's files, pooling, handling of long texts, precision."""
        options = self.settings
        about: dict[str, Any] = {"model": fingerprint(self.folder), "pooling": options.pooling}
        about |= {"long_texts": options.long_texts, "max_tokens": options.max_tokens, "precision": self.precision}
        if options.long_texts == "segments":
            about["max_segments"] = options.max_segments
        return about

    def dimensions(self) -> int:
        """D of the vectors, as config.json says."""
        try:
            return int(json.loads((self.folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.folder / 'config.json'}: cannot be read ({error!r})") from error

    def name(self) -> str:
        """A short name of `identity`, for the folder of the stored vectors."""
        return hash_of(self.identity())


class BertEncoder:
    """The loaded model. ConfigError without `transformers`, DataError for a folder that cannot be loaded."""

    def __init__(self, source: BertSource) -> None:
        self.source = source
        self.tokenizer, self.model = load_folder(source.folder)
        self.model = self.model.to(device=source.device, dtype=_DTYPES[source.precision]).eval()
        limits = [source.settings.max_tokens, getattr(self.model.config, "max_position_embeddings", 512)]
        self.most_tokens = int(min(*limits, self.tokenizer.model_max_length))
        self.dimensions = int(self.model.config.hidden_size)

    def tokens(self, texts: Sequence[str]) -> Pieces:
        """Token numbers of each text, without the marks at both ends and not yet cut."""
        return self.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"] if texts else []

    def encode(self, token_lists: Pieces) -> Matrix:
        """Vectors of texts that are given as tokens, float32 [N, D]."""
        owners, pieces = self._pieces(token_lists)
        options = self.source.settings
        lengths = [len(each) for each in pieces]
        # In half precision the shape of a batch moves the result by more than 1e-4, so a piece's shape is its own.
        plan = length_batches if self.source.precision == "float32" else fixed_batches
        sums_nd = np.zeros((len(token_lists), self.dimensions), dtype=np.float64)
        with torch.inference_mode(), exact_arithmetic(options.threads):
            for batch in plan(lengths, options.batch_tokens, self.most_tokens):
                vectors_bd = self._run(pieces, batch)
                np.add.at(sums_nd, owners[batch.rows], vectors_bd)
        count_n = np.bincount(owners, minlength=len(token_lists))
        return (sums_nd / np.maximum(count_n, 1)[:, None]).astype(np.float32)

    def _pieces(self, token_lists: Pieces) -> tuple[np.ndarray, Pieces]:
        """Pieces that fit the model, with marks; and which text each belongs to."""
        room = self.most_tokens - 2
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        owners, pieces = [], []
        for owner, tokens in enumerate(token_lists):
            for part in cut(tokens, room, self.source.settings):
                owners.append(owner)
                pieces.append([first, *part, last])
        return np.array(owners, dtype=np.int64), pieces

    def _run(self, pieces: Pieces, batch: Batch) -> np.ndarray:
        """Vectors of the pieces of one batch, float32 [B, D]."""
        ids_bs = torch.full((batch.height, batch.width), self.tokenizer.pad_token_id or 0, dtype=torch.long)
        mask_bs = torch.zeros_like(ids_bs)
        for b, row in enumerate(batch.rows.tolist()):
            ids_bs[b, : len(pieces[row])] = torch.tensor(pieces[row])
            mask_bs[b, : len(pieces[row])] = 1
        # A row that only fills the batch up looks at its first token; a row of no tokens would be NaN.
        mask_bs[len(batch.rows) :, 0] = 1
        try:
            device = self.source.device
            mask_bs = mask_bs.to(device)
            hidden_bsd = self.model(input_ids=ids_bs.to(device), attention_mask=mask_bs).last_hidden_state
        except torch.OutOfMemoryError as error:
            raise ConfigError(
                f"batch_tokens is {self.source.settings.batch_tokens}, which needs more memory than {device} has"
            ) from error
        pooled = pool(hidden_bsd, mask_bs, self.source.settings.pooling)
        return pooled[: len(batch.rows)].cpu().numpy()


def pool(hidden_bsd: Tensor, mask_bs: Tensor, pooling: str) -> Tensor:
    """[B, S, D] to float32 [B, D]: the first token ([CLS]), or the mean over the tokens of the mask."""
    if pooling == "cls":
        return hidden_bsd[:, 0].float()
    weights_bs1 = mask_bs.unsqueeze(-1).float()
    return (hidden_bsd.float() * weights_bs1).sum(dim=1) / weights_bs1.sum(dim=1)


def cut(tokens: list[int], room: int, settings: EncoderSettings) -> Iterator[list[int]]:
    """The pieces of a text: its first `room` tokens, or segments of equal length, so that no last one is a stub."""
    if settings.long_texts == "truncate" or len(tokens) <= room:
        yield tokens[:room]
        return
    tokens = tokens[: room * settings.max_segments]
    count = -(-len(tokens) // room)
    for k in range(count):
        yield tokens[k * len(tokens) // count : (k + 1) * len(tokens) // count]


def load_folder(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model of a folder, float32 on the CPU.

    Weights come from safetensors, or from a .bin by torch's loader that refuses everything but tensors.
    Raises ConfigError without `transformers`; DataError for a folder that is damaged, lacks weights or needs its own
    code.
    """
    transformers = _transformers()
    options = {"local_files_only": True, "trust_remote_code": False}
    with quiet():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **options)
            model, about = transformers.AutoModel.from_pretrained(
                str(folder), weights_only=True, dtype=torch.float32, output_loading_info=True, **options
            )
        except Exception as error:
            # The library and its readers raise any of a dozen types for a damaged folder.
            reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise DataError(f"{folder}: not a readable BERT folder ({reason})") from error
    # What a folder lacks would be drawn at random. The pooler is never used.
    lacking = sorted(name for name in about["missing_keys"] if "pooler" not in name)
    lacking += [str(each) for each in about.get("mismatched_keys", ())]
    if lacking:
        raise DataError(f"{folder}: the weights lack {len(lacking)} tensors of the model, {lacking[0]} among them")
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise DataError(f"{folder}: the tokenizer has no [CLS] and [SEP]; is this a BERT?")
    restore_adapters(model, folder)
    return tokenizer, model


def _transformers() -> Any:
    # Asked for before the import: nothing shall look for a network.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise ConfigError(
            "kind is bert, but transformers is not installed: pip install 'fusion-factor[text]', or kind: hashed"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no notes of the library while it loads or writes."""
    from transformers.utils import logging as notes

    logger = logging.getLogger("transformers")
    level, bar = logger.level, notes.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    notes.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bar:
            notes.enable_progress_bar()
