"""Fitting one network on one fold with Lightning: any network, the same few lines of trainer."""

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.components import build
from fusion_factor.training.folds import Fold
from fusion_factor.training.guard import Diary, FitFailed, Guard, Ruined
from fusion_factor.training.module import FactorModule, RowOrder, SessionOrder, training_order
from fusion_factor.training.samples import Samples
from fusion_factor.training.settings import FitSettings, NetworkSettings


def train(
    features: FeatureSet,
    inputs: WindowInputs,
    network_settings: NetworkSettings,
    fold: Fold,
    seed: int,
    settings: FitSettings,
    *,
    tensorboard: Path | None = None,
    resume: dict[str, Any] | None = None,
    on_epoch: Callable[[FactorModule], None] | None = None,
    diary: Diary | None = None,
) -> FactorModule:
    """Fit a network on one fold; the module that comes back holds the best weights, in `network` too.

    The same arguments give bit-equal weights on the CPU with one thread (see `exact_arithmetic`), with or without
    an interruption. Looks at labels of fold.train and fold.valid only, hence at prices before fold.use.
    A step whose loss or gradient is not finite ends the fit; the best epoch before it is kept and `diary` told.
    Raises FitFailed (a DataError) when there is none or no date has enough names, ConfigError for parts that cannot be
    built, torch.OutOfMemoryError when a cross-section is too large for the device.
    """
    diary = diary or Diary(f"network {network_settings.name} fold {fold.index} seed {seed}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(network_seed(network_settings.name, seed))
        network = build(network_settings.network, nn.Module)
        loss = build(network_settings.loss, nn.Module)
    samples = Samples(inputs, features, settings, seed)
    module = FactorModule(network, loss, samples, settings, on_epoch)
    if resume is not None:
        module.restore(resume)
    train_t, valid_t = (_enough(part.tolist(), samples, features, diary) for part in (fold.train, fold.valid))
    if not train_t or not valid_t:
        raise FitFailed(
            f"{diary.name}: no training or validation date has min_names ({settings.min_names}) labelled names"
        )
    if module.first_epoch < settings.max_epochs and not _patience_over(module):
        guard = Guard(diary, lambda t: str(features.sessions[t]), settings.clip_value)
        module.on_epoch = _in_turn(guard.after_epoch, on_epoch)
        trainer = _trainer(inputs.device, settings.max_epochs - module.first_epoch, tensorboard, guard)
        _fit_while_sound(trainer, module, training_order(samples, train_t, seed), SessionOrder(valid_t), diary)
    if not module.best_weights:
        raise FitFailed(
            f"{diary.name}: no epoch has a finite validation objective (learning_rate {settings.learning_rate})"
        )
    module.network.load_state_dict(module.best_weights)
    return module


def _fit_while_sound(
    trainer: pl.Trainer, module: FactorModule, train: SessionOrder | RowOrder, valid: SessionOrder, diary: Diary
) -> None:
    """Fit to the end, or to the first ruined step if there is a good epoch before it."""
    try:
        with _quiet_lightning():
            trainer.fit(module, train, valid)
    except Ruined as error:
        if not module.best_weights:
            raise
        line = str(error).removeprefix(f"{diary.name} ")
        diary.warn("ruined", f"{line}; stopped, the weights of epoch {module.best_epoch} are kept")


def _in_turn(
    first: Callable[[FactorModule], None], second: Callable[[FactorModule], None] | None
) -> Callable[[FactorModule], None]:
    def both(module: FactorModule) -> None:
        first(module)
        if second is not None:
            second(module)

    return both


def _enough(positions: list[int], samples: Samples, features: FeatureSet, diary: Diary) -> list[int]:
    """The positions with enough labelled names; the others are left out and told."""
    kept = [t for t in positions if samples.enough(t)]
    if kept and len(kept) < len(positions):
        first = next(t for t in positions if not samples.enough(t))
        diary.warn(
            f"empty {first}",
            f"date {features.sessions[first]}: fewer than min_names ({samples.settings.min_names}) labelled names; "
            f"{len(positions) - len(kept)} of {len(positions)} dates left out",
        )
    return kept


def _patience_over(module: FactorModule) -> bool:
    last = module.first_epoch - 1
    return module.first_epoch > 0 and last - max(module.best_epoch, 0) >= module.settings.patience_epochs


def _trainer(device: torch.device, epochs: int, tensorboard: Path | None, guard: Guard) -> pl.Trainer:
    logger = TensorBoardLogger(tensorboard.parent, name=None, version=tensorboard.name) if tensorboard else False
    with _quiet_lightning():
        return pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=epochs,
            logger=logger,
            callbacks=[guard],
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )


def network_seed(name: str, seed: int) -> int:
    return int(hashlib.sha256(f"{name} {seed}".encode()).hexdigest()[:8], 16)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Hides what Lightning says on setting up; errors still show."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
