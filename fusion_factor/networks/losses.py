"""Losses on one cross-section: predictions y_bk (b stock, k task) against labels label_b."""

import torch
from torch import Tensor, nn

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
    """

    def __init__(self, penalty: float = 0.01) -> None:
        super().__init__()
        self.penalty = penalty

    def forward(self, y_bk: Tensor, label_b: Tensor) -> Tensor:
        """The loss, a float32 scalar, of predictions [b, k] and labels [b]."""
        loss = -correlation(y_bk, label_b[:, None]).sum()
        n_tasks = y_bk.shape[1]
        if n_tasks > 1 and self.penalty:
            first, second = torch.triu_indices(n_tasks, n_tasks, offset=1, device=y_bk.device)
            loss = loss + self.penalty * correlation(y_bk[:, first], y_bk[:, second]).sum()
        return loss
