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

from fusion_factor.core.errors import DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.components import build
from fusion_factor.training.folds import Fold
from fusion_factor.training.module import FactorModule, SessionOrder, training_order
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
) -> FactorModule:
    """Fit a network on one fold; the module that comes back holds the best weights, in `network` too.

    The same arguments give bit-equal weights on the CPU with one thread (see `exact_arithmetic`), with or without
    an interruption. Looks at labels of fold.train and fold.valid only, hence at prices before fold.use.
    Raises DataError when no epoch has a finite validation objective, ConfigError for parts that cannot be built.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(network_seed(network_settings.name, seed))
        network = build(network_settings.network, nn.Module)
        loss = build(network_settings.loss, nn.Module)
    samples = Samples(inputs, features, settings, seed)
    module = FactorModule(network, loss, samples, settings, on_epoch)
    if resume is not None:
        module.restore(resume)
    train_t, valid_t = ([t for t in part.tolist() if samples.enough(t)] for part in (fold.train, fold.valid))
    if not train_t or not valid_t:
        raise DataError(
            f"network {network_settings.name} fold {fold.index}: no training or validation date has min_names "
            f"({settings.min_names}) labelled names"
        )
    if module.first_epoch < settings.max_epochs and not _patience_over(module):
        trainer = _trainer(inputs.device, settings.max_epochs - module.first_epoch, tensorboard)
        with _quiet_lightning():
            trainer.fit(module, training_order(samples, train_t, seed), SessionOrder(valid_t))
    if not module.best_weights:
        raise DataError(
            f"network {network_settings.name} fold {fold.index} seed {seed}: no epoch has a finite validation "
            f"objective (learning_rate {settings.learning_rate})"
        )
    module.network.load_state_dict(module.best_weights)
    return module


def _patience_over(module: FactorModule) -> bool:
    last = module.first_epoch - 1
    return module.first_epoch > 0 and last - max(module.best_epoch, 0) >= module.settings.patience_epochs


def _trainer(device: torch.device, epochs: int, tensorboard: Path | None) -> pl.Trainer:
    logger = TensorBoardLogger(tensorboard.parent, name=None, version=tensorboard.name) if tensorboard else False
    with _quiet_lightning():
        return pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=epochs,
            logger=logger,
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
