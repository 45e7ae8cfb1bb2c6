"""How the losses of several tasks become one: plain sum, learnable uncertainties, dynamic averages.

Each takes l_k (k task), 1 - IC of each task on one batch, all >= 0. What is learned or kept lies in parameters and
buffers, so that it is saved with the module and an interrupted fit goes on with it.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn

TEMPERATURE = 2.0


class TaskWeights(nn.Module):
    """One number from the losses of all tasks, and what to do at the end of an epoch."""

    def end_epoch(self) -> None:
        """Nothing to remember."""

    @abstractmethod
    def factors(self) -> Tensor | None:
        """The factors [k] of the losses; None where they are all 1 for good."""


class EqualTasks(TaskWeights):
    """The plain sum of the losses; the published choice. Source: METHOD item 42."""

    def forward(self, loss_k: Tensor) -> Tensor:
        """sum_k l_k."""
        return loss_k.sum()

    def factors(self) -> None:
        """All 1."""
        return None


class UncertaintyTasks(TaskWeights):
    """sum_k [0.5 * exp(-s_k) * l_k + 0.5 * s_k] with s_k learnable, 0 at the start.

    Source: METHOD item 43; Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, 2018.
    """

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.log_variance_k = nn.Parameter(torch.zeros(n_tasks))

    def forward(self, loss_k: Tensor) -> Tensor:
        """The weighed sum; it has gradients for s_k too."""
        return (0.5 * (-self.log_variance_k).exp() * loss_k + 0.5 * self.log_variance_k).sum()

    def factors(self) -> Tensor:
        """0.5 * exp(-s_k)."""
        return 0.5 * (-self.log_variance_k.detach()).exp()


class DynamicAverageTasks(TaskWeights):
    """sum_k w_k * l_k; a task whose loss has fallen less over the last two epochs weighs more.

    w_k = K * exp(q_k / 2) / sum_j exp(q_j / 2), q_k = l_k(last epoch) / l_k(the one before), each the mean over the
    epoch's training batches; w = 1 in the first two epochs. Source: METHOD item 43; Liu, Johns and Davison, End-to-End
    Multi-Task Learning with Attention, 2019.
    """

    epoch_sum_k: Tensor
    epoch_batches: Tensor
    past_ek: Tensor
    weight_k: Tensor

    def __init__(self, n_tasks: int) -> None:
        super().__init__()
        self.register_buffer("epoch_sum_k", torch.zeros(n_tasks))
        self.register_buffer("epoch_batches", torch.zeros(()))
        self.register_buffer("past_ek", torch.zeros(2, n_tasks))  # the epoch before the last, the last; 0: none yet
        self.register_buffer("weight_k", torch.ones(n_tasks))

    def forward(self, loss_k: Tensor) -> Tensor:
        """The weighed sum of one training batch; its losses are noted."""
        self.epoch_sum_k += loss_k.detach()
        self.epoch_batches += 1
        return (self.weight_k * loss_k).sum()

    def end_epoch(self) -> None:
        """The weights of the next epoch from the last two."""
        if not self.epoch_batches:
            return
        self.past_ek = torch.stack([self.past_ek[1], self.epoch_sum_k / self.epoch_batches])
        self.epoch_sum_k.zero_()
        self.epoch_batches.zero_()
        ratio_k = self.past_ek[1] / self.past_ek[0]
        if bool(ratio_k.isfinite().all()):
            self.weight_k = len(ratio_k) * (ratio_k / TEMPERATURE).softmax(dim=0)

    def factors(self) -> Tensor:
        """w_k of the running epoch."""
        return self.weight_k.clone()


def make_task_weights(weighting: str, n_tasks: int | None) -> TaskWeights:
    """`sum`, `uw` or `dwa`; ValueError for another word, and without `n_tasks` where a number a task is kept."""
    if weighting == "sum":
        return EqualTasks()
    kinds = {"uw": UncertaintyTasks, "dwa": DynamicAverageTasks}
    if weighting not in kinds:
        raise ValueError(f"weighting is {weighting!r}, must be one of sum, {', '.join(kinds)}")
    if n_tasks is None or n_tasks < 1:
        raise ValueError(f"n_tasks is {n_tasks}, must be the number of the network's tasks for weighting {weighting}")
    return kinds[weighting](n_tasks)
