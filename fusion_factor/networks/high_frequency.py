"""The high-frequency network: one GRU over daily factors that were made from intraday bars.

Axes: b stock, t step in time order, f factor, k task.
"""

from torch import Tensor, nn


class HighFrequencyNet(nn.Module):
    """GRU, last hidden state, batch norm, one linear unit, sigmoid: x_btf -> y_bk with k = 1.

    With the defaults 5,401 parameters: 3 * (27 * 30 + 30 * 30 + 30 + 30) + 2 * 30 + 31. The first hidden state is
    zero; initial weights are PyTorch's. The sigmoid leaves ranks alone but not the correlation in the loss.
    Source: METHOD items 10-15.
    """

    tasks: tuple[str, ...] = ("hf",)

    def __init__(self, n_factors: int = 27, hidden: int = 30, layers: int = 1, sigmoid: bool = True) -> None:
        super().__init__()
        self.gru = nn.GRU(n_factors, hidden, layers, batch_first=True)
        self.norm = nn.BatchNorm1d(hidden)
        self.head = nn.Linear(hidden, 1)
        self.squash: nn.Module = nn.Sigmoid() if sigmoid else nn.Identity()

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores y_bk float32 [b, 1] of the windows (x_btf,), float32 and finite."""
        (x_btf,) = inputs
        _, hidden_lbh = self.gru(x_btf)
        return self.squash(self.head(self.norm(hidden_lbh[-1])))
