"""Tuning a BERT on labelled texts, whole or by adapters; what comes out is a folder that the encoder reads.

A tuned encoder has seen its texts: scores of days before the last of them look ahead (METHOD item 147). The day is
written into the folder.

Legend: b text, s token, d dimension, k class.
"""

import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from fusion_factor.core.artifacts import new_artifact
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.text.adapters import insert_adapters, mark_folder
from fusion_factor.text.bert import load_folder, pool, quiet
from fusion_factor.training.device import choose_device, exact_arithmetic

log = logging.getLogger("fusion_factor.text")
RECORD = "fine_tuning.json"
WAYS = ("adapters", "full")
Rows = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class FineTuneSettings:
    """How a BERT is tuned. Source: METHOD items 143-145.

    way               adapters: they, the LayerNorms and the head train; full: everything does.
    bottleneck        units of an adapter. dropout: of the head, before each of its layers.
    pooling           what the head reads, cls or mean; encode with the same afterwards.
    learning_rate     reached after `warmup_epochs`, then falling by a constant factor to `last_learning_rate`.
    balance           texts of the larger classes are left out at random until all are as many.
    valid_share       of the texts, for the curves: the last ones as they are given, not random ones, for neighbours
                      in time say the same. The weights after the last epoch are kept, as published.
    """

    way: str = "adapters"
    bottleneck: int = 64
    dropout: float = 0.5
    pooling: str = "cls"
    max_tokens: int = 500
    batch_size: int = 16
    epochs: int = 10
    learning_rate: float = 1.5e-5
    warmup_epochs: int = 3
    last_learning_rate: float = 1e-7
    balance: bool = True
    valid_share: float = 0.3
    seed: int = 42
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name, value, choices in (("way", self.way, WAYS), ("pooling", self.pooling, ("cls", "mean"))):
            if value not in choices:
                raise ConfigError(f"{name} is {value!r}, must be one of {', '.join(choices)}")
        for name in ("bottleneck", "max_tokens", "batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be >= 1")
        if not 0 < self.last_learning_rate <= self.learning_rate:
            raise ConfigError(f"last_learning_rate is {self.last_learning_rate}, must be in (0, learning_rate]")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ConfigError(f"warmup_epochs is {self.warmup_epochs}, must be >= 0 and < epochs ({self.epochs})")
        for name in ("valid_share", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be in [0, 1)")


class BertClassifier(nn.Module):
    """A BERT with the published head: dropout, D x D tanh, dropout, classes."""

    def __init__(self, bert: nn.Module, classes: int, settings: FineTuneSettings) -> None:
        super().__init__()
        dimensions = int(bert.config.hidden_size)  # type: ignore[union-attr, arg-type]
        if settings.way == "adapters":
            insert_adapters(bert, settings.bottleneck)
        self.bert = bert
        self.pooling = settings.pooling
        self.head = nn.Sequential(
            nn.Dropout(settings.dropout), nn.Linear(dimensions, dimensions), nn.Tanh(),
            nn.Dropout(settings.dropout), nn.Linear(dimensions, classes),
        )  # fmt: skip
        for name, parameter in bert.named_parameters():
            trained = settings.way == "full" or "LayerNorm" in name or ".dropout.1." in name
            parameter.requires_grad_(trained and "pooler" not in name)

    def forward(self, ids_bs: Tensor, mask_bs: Tensor) -> Tensor:
        """Token numbers and their mask [B, S] to logits [B, K]."""
        hidden_bsd = self.bert(input_ids=ids_bs, attention_mask=mask_bs).last_hidden_state
        return self.head(pool(hidden_bsd, mask_bs, self.pooling))


class TextTuner(pl.LightningModule):
    """Cross-entropy, Adam, the published learning rate by epoch. `history`: one dict an epoch."""

    def __init__(self, network: BertClassifier, settings: FineTuneSettings) -> None:
        super().__init__()
        self.network, self.settings = network, settings
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, list[Tensor]] = {"train": [], "valid": []}

    def configure_optimizers(self) -> Any:
        """Adam over what trains; the rate changes between epochs."""
        adam = torch.optim.Adam([each for each in self.parameters() if each.requires_grad], lr=1.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda epoch: rate_of(epoch, self.settings))
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "epoch"}}

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Mean cross-entropy of a batch (ids, mask, class)."""
        return self._loss(batch, "train")

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor]) -> None:
        """Note loss and hits."""
        self._loss(batch, "valid")

    def on_train_epoch_end(self) -> None:
        """Runs after validation: one row of the history."""
        row: dict[str, float] = {"epoch": self.current_epoch, "rate": rate_of(self.current_epoch, self.settings)}
        for part, sums in self._sums.items():
            if sums:
                loss, hits, count = torch.stack(sums).sum(dim=0).tolist()
                row |= {f"{part}_loss": loss / count, f"{part}_accuracy": hits / count}
            sums.clear()
        self.history.append(row)
        log.info("epoch %d of %d: %s", self.current_epoch + 1, self.settings.epochs, row)

    def _loss(self, batch: tuple[Tensor, Tensor, Tensor], part: str) -> Tensor:
        ids_bs, mask_bs, class_b = batch
        logits_bk = self.network(ids_bs, mask_bs)
        loss = nn.functional.cross_entropy(logits_bk, class_b)
        hits = (logits_bk.argmax(dim=1) == class_b).sum()
        self._sums[part].append(torch.stack([loss.detach() * len(class_b), hits, torch.full_like(hits, len(class_b))]))
        return loss


def rate_of(epoch: int, settings: FineTuneSettings) -> float:
    """Learning rate of an epoch counted from 0: up in equal steps, then down by a constant factor."""
    if epoch < settings.warmup_epochs:
        return settings.learning_rate * (epoch + 1) / settings.warmup_epochs
    falls = settings.epochs - settings.warmup_epochs
    fallen = min(epoch - settings.warmup_epochs + 1, falls) / falls
    return settings.learning_rate * (settings.last_learning_rate / settings.learning_rate) ** fallen


def fine_tune(
    folder: str | Path,
    texts: Sequence[str],
    labels: Sequence[int],
    settings: FineTuneSettings,
    out: str | Path,
    *,
    last_day: str | None = None,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Tune the BERT of `folder` and write the folder `out`, which `EncoderSettings.folder` takes; the history.

    Args:
        texts: in the order of time, for the last ones validate. labels: their classes, 0, 1, ...
        last_day: ISO date of the last text, written into the folder: scores before it look ahead.

    The head is thrown away, it only serves the tuning. The same call gives the same weights on the CPU with one thread.
    Raises DataError for labels that do not fit or a class without texts, and as `encode` does for the folder.
    """
    class_n = np.asarray(labels, dtype=np.int64)
    if len(class_n) != len(texts) or (len(class_n) and class_n.min() < 0):
        raise DataError(f"{len(texts)} texts, {len(class_n)} labels; labels must be whole numbers >= 0")
    split = len(texts) - int(len(texts) * settings.valid_share)
    counts = np.bincount(class_n[:split], minlength=2)
    if counts.min() == 0:
        raise DataError(f"the {split} training texts hold {counts.tolist()} of each class, each needs at least one")
    tokenizer, bert = load_folder(Path(folder))
    device = torch.device(choose_device(settings.device))
    with torch.random.fork_rng(devices=[]), exact_arithmetic(settings.threads):
        torch.manual_seed(settings.seed)
        # A folder is loaded in eval mode, without dropout.
        tuner = TextTuner(BertClassifier(bert, len(counts), settings).train(), settings)
        rows = np.random.default_rng(settings.seed).permutation(_balanced(class_n[:split], settings))
        batches = [_Batches(tokenizer, texts, class_n, part, settings, mixed)
                   for part, mixed in ((rows, True), (np.arange(split, len(texts)), False))]  # fmt: skip
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            _trainer(device, settings.epochs, progress).fit(tuner, batches[0], batches[1] if len(batches[1]) else None)
    record = {"settings": asdict(settings), "last_day": last_day, "texts": len(rows), "history": tuner.history}
    with new_artifact(out) as target:
        with quiet():
            tokenizer.save_pretrained(target)
            bert.save_pretrained(target)
        if settings.way == "adapters":
            mark_folder(target, settings.bottleneck)
        (target / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return tuner.history


class _Batches:
    """Batches of (ids, mask, class), padded to their longest text; the order of the rows anew in each epoch."""

    def __init__(
        self, tokenizer: Any, texts: Sequence[str], class_n: Rows, rows: Rows, settings: FineTuneSettings, mixed: bool
    ) -> None:
        self.rows, self.class_n, self.settings, self.mixed, self.epoch = rows, class_n, settings, mixed, 0
        chosen = [texts[row].encode("utf-8", "replace").decode() for row in rows.tolist()]
        most = min(settings.max_tokens, int(tokenizer.model_max_length))
        options = {"truncation": True, "max_length": most}
        tokens = tokenizer(chosen, **options)["input_ids"] if chosen else []
        self.tokens = dict(zip(rows.tolist(), tokens, strict=True))
        self.pad = tokenizer.pad_token_id or 0

    def __len__(self) -> int:
        return -(-len(self.rows) // self.settings.batch_size)

    def __iter__(self) -> Any:
        rows = (
            np.random.default_rng([self.settings.seed, self.epoch]).permutation(self.rows) if self.mixed else self.rows
        )
        self.epoch += 1
        for first in range(0, len(rows), self.settings.batch_size):
            chosen = rows[first : first + self.settings.batch_size].tolist()
            pieces = [torch.tensor(self.tokens[row]) for row in chosen]
            ids_bs = nn.utils.rnn.pad_sequence(pieces, batch_first=True, padding_value=self.pad)
            ones = [torch.ones_like(piece) for piece in pieces]
            mask_bs = nn.utils.rnn.pad_sequence(ones, batch_first=True)
            yield ids_bs, mask_bs, torch.from_numpy(self.class_n[chosen])


def _balanced(class_n: Rows, settings: FineTuneSettings) -> Rows:
    """Rows to train on: all, or as many of each class as the smallest has."""
    if not settings.balance:
        return np.arange(len(class_n))
    least = int(np.bincount(class_n).min())
    generator = np.random.default_rng([settings.seed, 1])
    parts = [np.flatnonzero(class_n == k) for k in range(int(class_n.max()) + 1)]
    return np.sort(np.concatenate([generator.choice(part, least, replace=False) for part in parts]))


def _trainer(device: torch.device, epochs: int, progress: bool) -> pl.Trainer:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" else 1,
        max_epochs=epochs, logger=False, enable_checkpointing=False, num_sanity_val_steps=0,
        enable_progress_bar=progress, enable_model_summary=False,
    )  # fmt: skip
