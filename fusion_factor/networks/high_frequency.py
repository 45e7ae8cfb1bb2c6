"""The high-frequency network: one sequence encoder over daily factors that were made from intraday bars.

Axes: b stock, t step in time order, f factor, k task.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from fusion_factor.networks.encoders import make_encoder, width_of


class HighFrequencyNet(nn.Module):
    """Encoder (a GRU's last hidden state), batch norm, one linear unit, sigmoid: x_btf -> y_bk with k = 1.

    With the defaults 5,401 parameters: 3 * (27 * 30 + 30 * 30 + 30 + 30) + 2 * 30 + 31. The first hidden state is
    zero; initial weights are PyTorch's. The sigmoid leaves ranks alone but not the correlation in the loss.
    Source: METHOD items 10-15.

    encoder          a word of `encoders.ENCODERS`, or a dotted path to a class. Parameters of the whole network by
                     word: gru 5,401, lstm 7,171, alstm 8,221, tcn 14,581, transformer 8,521, mlp 931.
    encoder_options  further arguments of the encoder by name, such as the `kernel` of tcn.

    Raises ValueError for an unknown encoder or arguments that it does not take.
    """

    tasks: tuple[str, ...] = ("hf",)

    def __init__(
        self,
        n_factors: int = 27,
        hidden: int = 30,
        layers: int = 1,
        sigmoid: bool = True,
        encoder: str = "gru",
        encoder_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        # Whatever the encoder: the name stands in every weights file.
        self.gru = make_encoder(encoder, n_factors, hidden, layers, encoder_options)
        self.norm = nn.BatchNorm1d(width_of(self.gru))
        self.head = nn.Linear(width_of(self.gru), 1)
        self.squash: nn.Module = nn.Sigmoid() if sigmoid else nn.Identity()

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores y_bk float32 [b, 1] of the windows (x_btf,), float32 and finite."""
        (x_btf,) = inputs
        return self.squash(self.head(self.norm(self.gru(x_btf))))
