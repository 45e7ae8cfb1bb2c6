"""The one Lightning module: how any network is fitted on dated cross-sections.

A batch is one session, or rows of many (`batch_mode`): the loaders give positions, the windows are gathered on the
device. Validation is by session always.
Axes: b stock, k task.
"""

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import lightning.pytorch as pl
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fusion_factor.networks import correlation
from fusion_factor.training.samples import Samples
from fusion_factor.training.settings import FitSettings

log = logging.getLogger(__name__)
History = list[dict[str, Any]]


class SessionOrder:
    """Session positions to go through: as they are, or shuffled anew each epoch by (seed, epoch) alone."""

    def __init__(self, positions: Sequence[int], seed: int | None = None) -> None:
        self.positions = list(positions)
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[int]:
        # A generator, so that `epoch` is read when the epoch begins.
        if self.seed is None:
            yield from self.positions
        else:
            yield from np.random.default_rng([self.seed, self.epoch]).permutation(self.positions).tolist()


class RowOrder:
    """Batches of `rows_per_batch` rows of all sessions, mixed anew each epoch by (seed, epoch) alone.

    A row is one name on one session; a batch is their places in the table of `samples.table(positions)`. The batches of
    an epoch hold every row once and differ by at most one row in size.
    """

    def __init__(self, samples: Samples, positions: Sequence[int], seed: int) -> None:
        self.seed = seed
        self.epoch = 0
        self.n_rows = samples.table(positions)
        self.n_batches = max(1, round(self.n_rows / samples.settings.rows_per_batch))

    def __len__(self) -> int:
        return self.n_batches

    def __iter__(self) -> Iterator[npt.NDArray[np.int64]]:
        # A generator, so that `epoch` is read when the epoch begins.
        mixed = np.random.default_rng([self.seed, self.epoch, 1]).permutation(self.n_rows)
        yield from np.array_split(mixed, self.n_batches)


def training_order(samples: Samples, positions: Sequence[int], seed: int) -> SessionOrder | RowOrder:
    """The training batches: whole sessions or mixed rows, as `batch_mode` says."""
    if samples.settings.batch_mode == "shuffle":
        return RowOrder(samples, positions, seed)
    return SessionOrder(positions, seed)


class FactorModule(pl.LightningModule):
    """Fits `network` with `loss` on `samples`; keeps the weights of the epoch with the best validation objective.

    The objective of an epoch is the mean over validation sessions of minus the loss (METHOD item 48). Training
    sessions are not evaluated a second time: their figures come from the training steps. `history` has one row an
    epoch, split and task. `first_epoch` > 0 goes on with an interrupted fit, see `state` and `restore`.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        samples: Samples,
        settings: FitSettings,
        on_epoch: Callable[["FactorModule"], None] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.samples = samples
        self.settings = settings
        self.on_epoch = on_epoch
        # Lightning's own step costs several times the overhead of these few lines.
        self.automatic_optimization = False
        self.tasks: tuple[str, ...] = tuple(getattr(network, "tasks", ()))
        self.history: History = []
        self.first_epoch = 0
        self.best_epoch = -1
        self.best_objective = -np.inf
        self.best_weights: dict[str, Tensor] = {}
        self.best_loss: dict[str, Any] = {}
        self._optimizer_state: dict[str, Any] | None = None
        self._figures: dict[str, list[Tensor]] = {"train": [], "valid": []}

    @property
    def epoch(self) -> int:
        """The epoch of this fit, counted over interruptions."""
        return self.first_epoch + self.current_epoch

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam over the network's and the loss's parameters."""
        adam = torch.optim.Adam(
            self.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        if self._optimizer_state is not None:
            adam.load_state_dict(self._optimizer_state)
        return adam

    def on_train_epoch_start(self) -> None:
        """Tell the order of sessions which epoch it is."""
        order = self.trainer.train_dataloader
        if isinstance(order, (SessionOrder, RowOrder)):
            order.epoch = self.epoch

    def training_step(self, batch: int | npt.NDArray[np.int64]) -> None:
        """One step on one session or on mixed rows: loss, gradients clipped by value, Adam."""
        if isinstance(batch, np.ndarray):
            inputs, label_b = self.samples.mixed(batch)
        else:
            inputs, label_b = self.samples.drawn(batch, self.epoch)
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        optimizer.zero_grad()
        y_bk = self.network(inputs)
        loss = self.loss(y_bk, label_b)
        loss.backward()
        if self.settings.clip_value is not None:
            nn.utils.clip_grad_value_(self.parameters(), self.settings.clip_value)
        optimizer.step()
        self._figures["train"].append(_figures(loss, y_bk, label_b))

    def validation_step(self, t: int) -> None:
        """Note the figures of one validation session, over all of its labelled names."""
        inputs, label_b = self.samples.whole(t)
        y_bk = self.network(inputs)
        self._figures["valid"].append(_figures(self.loss(y_bk, label_b), y_bk, label_b))

    def on_train_epoch_end(self) -> None:
        """Runs after validation: log, keep the weights if they are the best so far, stop when patience is over."""
        objective = -np.inf
        for split, figures in self._figures.items():
            if figures:
                means = torch.stack(figures).double().mean(dim=0).tolist()
                self._note(split, means)
                objective = -means[0] if split == "valid" else objective
            figures.clear()
        self._end_epoch_of_loss()
        if objective > self.best_objective:
            self.best_objective, self.best_epoch = objective, self.epoch
            self.best_weights = copy.deepcopy(self.network.state_dict())
            self.best_loss = {name: value.tolist() for name, value in self.loss.state_dict().items()}
        if self.epoch - max(self.best_epoch, 0) >= self.settings.patience_epochs:
            self.trainer.should_stop = True
        if self.on_epoch is not None:
            self.on_epoch(self)

    def _end_epoch_of_loss(self) -> None:
        """A loss that weighs its tasks by epoch learns here that one is over; its weights go to the curves."""
        end_epoch = getattr(self.loss, "end_epoch", None)
        if end_epoch is None:
            return
        task_weights = getattr(self.loss, "task_weights", None)
        weights = task_weights() if task_weights is not None else None
        if weights is not None and self.logger is not None:
            scalars = {f"weight_{task}": w for task, w in zip(self.tasks, weights.tolist(), strict=True)}
            self.logger.log_metrics(scalars, step=self.epoch)
        end_epoch()

    def _note(self, split: str, means: list[float]) -> None:
        n_tasks = len(self.tasks)
        ic, rank_ic = means[1 : 1 + n_tasks], means[1 + n_tasks :]
        for k, task in enumerate(self.tasks):
            self.history.append(
                {
                    "epoch": self.epoch,
                    "split": split,
                    "task": task,
                    "loss": means[0],
                    "ic": ic[k],
                    "rank_ic": rank_ic[k],
                }
            )
        if self.logger is not None:
            scalars = {f"loss/{split}": means[0]}
            scalars |= {f"ic_{task}/{split}": ic[k] for k, task in enumerate(self.tasks)}
            scalars |= {f"rank_ic_{task}/{split}": rank_ic[k] for k, task in enumerate(self.tasks)}
            self.logger.log_metrics(scalars, step=self.epoch)

    def state(self) -> dict[str, Any]:
        """Everything to go on after this epoch, as plain tensors, numbers and texts."""
        return {
            "next_epoch": self.epoch + 1,
            "network": self.network.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.trainer.optimizers[0].state_dict(),
            "best_epoch": self.best_epoch,
            "best_objective": float(self.best_objective),
            "best_weights": self.best_weights,
            "best_loss": self.best_loss,
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave, before the fit begins."""
        self.first_epoch = state["next_epoch"]
        self.network.load_state_dict(state["network"])
        self.loss.load_state_dict(state["loss"])
        self._optimizer_state = state["optimizer"]
        self.best_epoch = state["best_epoch"]
        self.best_objective = state["best_objective"]
        self.best_weights = state["best_weights"]
        self.best_loss = state.get("best_loss", {})
        self.history = list(state["history"])


def average_ranks(values_bk: Tensor) -> Tensor:
    """Ranks from 1 along b with ties averaged, float32 [b, k]; stays on the device without waiting for it."""
    columns_kb = values_bk.T.contiguous()
    sorted_kb = columns_kb.sort(dim=1).values
    below = torch.searchsorted(sorted_kb, columns_kb)
    not_above = torch.searchsorted(sorted_kb, columns_kb, right=True)
    return (0.5 * (below + not_above + 1).float()).T


def _figures(loss: Tensor, y_bk: Tensor, label_b: Tensor) -> Tensor:
    """Loss, IC and RankIC of each task for one session: [1 + 2k]."""
    with torch.no_grad():
        n_tasks = y_bk.shape[1]
        both = torch.cat([y_bk, label_b[:, None]], dim=1)
        values_bc = torch.cat([both, average_ranks(both)], dim=1)
        y_columns = [*range(n_tasks), *range(n_tasks + 1, 2 * n_tasks + 1)]
        label_columns = [n_tasks] * n_tasks + [2 * n_tasks + 1] * n_tasks
        ic_c = correlation(values_bc[:, y_columns], values_bc[:, label_columns])
        return torch.cat([loss.detach().reshape(1), ic_c])
