"""Losses on one cross-section: predictions y_bk (b stock, k task) against labels label_b."""

import torch
from torch import Tensor, nn

from fusion_factor.networks.task_weights import EqualTasks, make_task_weights

EPS = 1e-8


def correlation(a_bk: Tensor, b_bk: Tensor) -> Tensor:
    """Pearson correlation along b of the columns of two float32 tensors that broadcast: [k].

    EPS stands under each root, so that a constant column gives 0 and a finite gradient. Source: METHOD item 41.
    """
    a_bk = a_bk - a_bk.mean(dim=0)
    b_bk = b_bk - b_bk.mean(dim=0)
    covariance_k = (a_bk * b_bk).mean(dim=0)
    return covariance_k / ((a_bk.square().mean(dim=0) + EPS).sqrt() * (b_bk.square().mean(dim=0) + EPS).sqrt())


class CorrelationLoss(nn.Module):
    """Minus the sum over tasks of corr(y_k, label), plus `penalty` times the sum over task pairs of corr(y_i, y_j).

    With one task it is minus the Pearson correlation whatever the penalty. Source: METHOD items 37-39, 41, 42.

    weighting  how the tasks are weighed in training, on l_k = 1 - corr(y_k, label), the penalty unchanged:
               `sum` as above; `uw` learnable uncertainties; `dwa` by the losses of the last two epochs. See
               `task_weights`. In evaluation mode the loss is always the one above, so that epochs can be compared
               and the choice of the best one does not depend on the weights. Source: METHOD items 42, 43, 48.
    n_tasks    needed by `uw` and `dwa`, which keep a number a task; without effect on `sum`.

    Raises ValueError for an unknown weighting, and when predictions have another number of tasks than `n_tasks`.
    """

    def __init__(self, penalty: float = 0.01, weighting: str = "sum", n_tasks: int | None = None) -> None:
        super().__init__()
        self.penalty = penalty
        self.n_tasks = n_tasks if weighting != "sum" else None
        self.weights = make_task_weights(weighting, n_tasks)

    def forward(self, y_bk: Tensor, label_b: Tensor) -> Tensor:
        """The loss, a float32 scalar, of predictions [b, k] and labels [b]."""
        if self.n_tasks is not None and y_bk.shape[1] != self.n_tasks:
            raise ValueError(f"n_tasks is {self.n_tasks}, but the network has {y_bk.shape[1]} tasks")
        ic_k = correlation(y_bk, label_b[:, None])
        plain = isinstance(self.weights, EqualTasks) or not self.training
        loss = -ic_k.sum() if plain else self.weights(1 - ic_k)
        n_tasks = y_bk.shape[1]
        if n_tasks > 1 and self.penalty:
            first, second = torch.triu_indices(n_tasks, n_tasks, offset=1, device=y_bk.device)
            loss = loss + self.penalty * correlation(y_bk[:, first], y_bk[:, second]).sum()
        return loss

    def end_epoch(self) -> None:
        """To be called after the last training step of each epoch."""
        self.weights.end_epoch()

    def task_weights(self) -> Tensor | None:
        """The factors [k] that the losses of the tasks are multiplied by; None where they are all 1 for good."""
        return self.weights.factors()
