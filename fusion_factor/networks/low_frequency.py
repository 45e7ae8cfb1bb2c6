"""The low-frequency network: daily, weekly and monthly bars read by one shared encoder, one task a frequency.

Axes: b stock, t step in time order, f field of a bar, k task.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fusion_factor.networks.encoders import make_encoder, width_of

FREQUENCIES = ("daily", "weekly", "monthly")


class LowFrequencyNet(nn.Module):
    """One shared GRU in three passes; batch norm and a linear unit for each frequency: three x_btf -> y_bk, k = 3.

    With the defaults 3,693 parameters: 3 * (6 * 30 + 30 * 30 + 60) + 3 * (60 + 31). `shared=False` gives every
    frequency its own GRU (10,533 parameters), the published ablation. No sigmoid. Source: METHOD items 23-26.

    encoder, encoder_options   as in HighFrequencyNet. Parameters by word, shared: gru 3,693, lstm 4,833, alstm 6,063,
                               tcn 14,133, transformer 8,073, mlp 483. `mlp` reads the step before the last, since bars
                               divided by their last value are 0 at the last one.
    frequencies                which of daily, weekly, monthly the inputs hold, in that order; one task each. A single
                               one is the published ablation `daily only` (3,511 parameters), or one of the three
                               separate networks.

    Raises ValueError for unknown encoders or frequencies.
    """

    tasks: tuple[str, ...] = tuple(f"lf_{name}" for name in FREQUENCIES)

    def __init__(
        self,
        n_fields: int = 6,
        hidden: int = 30,
        layers: int = 1,
        shared: bool = True,
        encoder: str = "gru",
        encoder_options: Mapping[str, Any] | None = None,
        frequencies: Sequence[str] = FREQUENCIES,
    ) -> None:
        super().__init__()
        self.tasks = tuple(f"lf_{name}" for name in chosen_frequencies(frequencies))
        options = {"step": -2} if encoder == "mlp" else {}
        n_encoders = 1 if shared else len(self.tasks)
        # Whatever the encoder: the name stands in every weights file.
        self.grus = nn.ModuleList(
            make_encoder(encoder, n_fields, hidden, layers, options | dict(encoder_options or {}))
            for _ in range(n_encoders)
        )
        width = width_of(self.grus[0])
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in self.tasks)
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in self.tasks)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores y_bk float32 [b, 3] of the windows (daily, weekly, monthly), each x_btf float32 and finite."""
        columns = []
        for k, (x_btf, norm, head) in enumerate(zip(inputs, self.norms, self.heads, strict=True)):
            encoder = self.grus[k % len(self.grus)]
            columns.append(head(norm(encoder(x_btf))))
        return torch.cat(columns, dim=1)


def chosen_frequencies(frequencies: Sequence[str]) -> tuple[str, ...]:
    """The frequencies as a tuple; ValueError unless they are some of `FREQUENCIES`, in that order."""
    chosen = tuple(frequencies)
    if not chosen or chosen != tuple(name for name in FREQUENCIES if name in chosen):
        raise ValueError(f"frequencies is {list(chosen)}, must be some of {', '.join(FREQUENCIES)}, in that order")
    return chosen
