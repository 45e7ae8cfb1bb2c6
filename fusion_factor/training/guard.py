"""Watches a fit for what ruins it silently: numbers that are none, gradients that explode, the same score for all.

Nothing here waits for the device within an epoch: one number a step stays there and is read when the epoch's steps are
done. On the CPU, where reading costs nothing, a ruined step ends the fit at once.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import lightning.pytorch as pl
import torch
from torch import Tensor

from fusion_factor.core.errors import DataError
from fusion_factor.training.module import FactorModule

log = logging.getLogger("fusion_factor.training")
CLIPPED_SHARE = 0.5
"""A warning is due when so many of an epoch's steps were clipped."""
_ZERO = 1e-6


class FitFailed(DataError):
    """A fit that gives nothing of use; the message names network, fold, seed, epoch and date where there is one."""


class Ruined(FitFailed):
    """A training step whose loss or gradient is not finite."""


@dataclass
class Diary:
    """Warnings about one fit, each a line that begins with `name`; each kind is told once.

    name  of the fit: network, fold and seed. say  hears every line; the default is the log.
    """

    name: str
    say: Callable[[str], None] | None = None
    lines: list[str] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)

    def warn(self, kind: str, text: str) -> None:
        """Tell and keep a warning, unless one of this kind was told already."""
        if kind not in self._told:
            self._told.add(kind)
            self.lines.append(f"{self.name} {text}")
            (self.say or log.warning)(self.lines[-1])


class Guard(pl.Callback):
    """Raises Ruined at the first step whose gradients are not finite; warns of clipping and of constant scores.

    diary  where warnings go. date_of  the date of a session position. clip_value  of the fit, None: no clipping.
    """

    def __init__(self, diary: Diary, date_of: Callable[[int], str], clip_value: float | None) -> None:
        self.diary, self.date_of, self.clip_value = diary, date_of, clip_value
        self._largest: list[Tensor] = []
        self._sessions: list[int | None] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Note the largest gradient of the step, as it entered the optimizer."""
        assert isinstance(pl_module, FactorModule)
        largest = largest_gradient(pl_module)
        self._largest.append(largest)
        self._sessions.append(batch if isinstance(batch, int) else None)
        if largest.device.type == "cpu" and not math.isfinite(largest.item()):
            self._judge(pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """All training steps of the epoch are done: read their numbers."""
        assert isinstance(pl_module, FactorModule)
        self._judge(pl_module)

    def after_epoch(self, module: FactorModule) -> None:
        """Warn when the network has come to say the same of every stock."""
        tasks = constant_tasks(module)
        if tasks:
            self.diary.warn(
                "constant",
                f"epoch {module.epoch}: {', '.join(tasks)} is the same for every stock on all validation dates "
                f"(learning_rate {module.settings.learning_rate})",
            )

    def _judge(self, module: FactorModule) -> None:
        if not self._largest:
            return
        largest, sessions = torch.stack(self._largest).tolist(), self._sessions
        self._largest, self._sessions = [], []
        for value, session in zip(largest, sessions, strict=True):
            if not math.isfinite(value):
                nan = "the loss or its gradient is not a number"
                what = nan if math.isnan(value) else "the gradient exploded (it is infinite)"
                where = f"{self.diary.name} epoch {module.epoch} date {self._date(session)}"
                raise Ruined(f"{where}: {what} (learning_rate {module.settings.learning_rate})")
        limit = math.inf if self.clip_value is None else self.clip_value
        clipped = [t for t, value in zip(sessions, largest, strict=True) if value >= limit]
        if len(clipped) >= CLIPPED_SHARE * len(sessions):
            self.diary.warn(
                "clipped",
                f"epoch {module.epoch}: gradients exploded to clip_value ({limit:g}) on {len(clipped)} of "
                f"{len(sessions)} batches, first on {self._date(clipped[0])}",
            )

    def _date(self, session: int | None) -> str:
        return "mixed" if session is None else self.date_of(session)


def largest_gradient(module: FactorModule) -> Tensor:
    """The largest absolute gradient over all parameters, a scalar on the device; NaN when any is NaN."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    if not gradients:
        return torch.zeros(())
    return torch.stack(torch._foreach_norm(gradients, math.inf)).max()


def constant_tasks(module: FactorModule) -> list[str]:
    """Tasks whose IC and RankIC of the last validation are 0 up to rounding, as those of a constant score are."""
    rows = [row for row in module.history if row["epoch"] == module.epoch and row["split"] == "valid"]
    return [row["task"] for row in rows if abs(row["ic"]) < _ZERO and abs(row["rank_ic"]) < _ZERO]
