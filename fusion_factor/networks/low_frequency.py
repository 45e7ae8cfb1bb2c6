"""The low-frequency network: daily, weekly and monthly bars read by one shared GRU, one task a frequency.

Axes: b stock, t step in time order, f field of a bar, k task.
"""

import torch
from torch import Tensor, nn


class LowFrequencyNet(nn.Module):
    """One shared GRU in three passes; batch norm and a linear unit for each frequency: three x_btf -> y_bk, k = 3.

    With the defaults 3,693 parameters: 3 * (6 * 30 + 30 * 30 + 60) + 3 * (60 + 31). `shared=False` gives every
    frequency its own GRU (10,533 parameters), the published ablation. No sigmoid. Source: METHOD items 23-26.
    """

    tasks: tuple[str, ...] = ("lf_daily", "lf_weekly", "lf_monthly")

    def __init__(self, n_fields: int = 6, hidden: int = 30, layers: int = 1, shared: bool = True) -> None:
        super().__init__()
        n_grus = 1 if shared else len(self.tasks)
        self.grus = nn.ModuleList(nn.GRU(n_fields, hidden, layers, batch_first=True) for _ in range(n_grus))
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in self.tasks)
        self.heads = nn.ModuleList(nn.Linear(hidden, 1) for _ in self.tasks)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores y_bk float32 [b, 3] of the windows (daily, weekly, monthly), each x_btf float32 and finite."""
        columns = []
        for k, (x_btf, norm, head) in enumerate(zip(inputs, self.norms, self.heads, strict=True)):
            gru = self.grus[k % len(self.grus)]
            _, hidden_lbh = gru(x_btf)
            columns.append(head(norm(hidden_lbh[-1])))
        return torch.cat(columns, dim=1)
