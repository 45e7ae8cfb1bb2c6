"""The jointly trained network: the high- and the low-frequency network side by side under one loss.

Axes: b stock, t step in time order, f factor or field, k task.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fusion_factor.networks.high_frequency import HighFrequencyNet
from fusion_factor.networks.low_frequency import LowFrequencyNet


class JointNet(nn.Module):
    """Four tasks: y_bk with k = (hf, lf_daily, lf_weekly, lf_monthly), 5,401 + 3,693 parameters with the defaults.

    The factors and the bars have different fields, so they keep an encoder each; what is joint is the loss and its
    penalty on the correlation of all pairs of tasks. A published ablation, weaker than two networks that are fused.
    Source: METHOD items 64 and 67.

    high, low  arguments of HighFrequencyNet and of LowFrequencyNet.
    """

    def __init__(self, high: Mapping[str, Any] | None = None, low: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.high = HighFrequencyNet(**(high or {}))
        self.low = LowFrequencyNet(**(low or {}))
        self.tasks: tuple[str, ...] = (*self.high.tasks, *self.low.tasks)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores y_bk float32 [b, 4] of the windows (factors, daily, weekly, monthly), each x_btf and finite."""
        return torch.cat([self.high(inputs[:1]), self.low(inputs[1:])], dim=1)
