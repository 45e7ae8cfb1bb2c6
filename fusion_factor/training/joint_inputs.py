"""The windows of the jointly trained network: the intraday factors and the bars of the same names."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import HighFrequencyInputs, Inputs, LowFrequencyInputs, Positions, WindowInputs


class JointInputs(WindowInputs):
    """Four x_btf: the factors' window, then the daily, weekly and monthly bars. Source: METHOD item 64.

    high, low  arguments of HighFrequencyInputs and of LowFrequencyInputs.
    pad        False: only names that have both kinds of inputs, which cuts the bars' longer history. True: every name
               with bars; its factors are 0, the cross-sectional mean, where it has none.

    Raises ConfigError when the feature set has no intraday factors.
    """

    def __init__(
        self,
        features: FeatureSet,
        high: Mapping[str, Any] | None = None,
        low: Mapping[str, Any] | None = None,
        pad: bool = False,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        self.high = HighFrequencyInputs(features, **(high or {}), device=device)
        self.low = LowFrequencyInputs(features, **(low or {}), device=device)
        self.columns = (*self.high.columns, *self.low.columns)
        both = self.low.has_inputs & self.high.has_inputs
        self.has_inputs = self.low.has_inputs.copy() if pad else both
        self.has_inputs[: self.high.window_sessions - 1] = False

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """Four windows x_btf; the bars are standardised over the names given, who have inputs here."""
        there_b = torch.from_numpy(self.high.has_inputs[t]).to(self.device)[names_b]
        (x_btf,) = self.high.windows(t, names_b)
        return (_masked(x_btf, there_b), *self.low.windows(t, names_b))

    def some(self, t: int, names_b: Tensor, rows_b: Tensor) -> Inputs:
        """Four windows x_btf of the chosen alone; the same bits as in `windows`."""
        there_b = torch.from_numpy(self.high.has_inputs[t]).to(self.device)[names_b[rows_b]]
        (x_btf,) = self.high.some(t, names_b, rows_b)
        return (_masked(x_btf, there_b), *self.low.some(t, names_b, rows_b))

    def rows(self, t_b: Positions, names_b: Positions) -> Inputs:
        """Four windows x_btf, gathered at once; the same bits as in `windows`."""
        there_b = torch.from_numpy(self.high.has_inputs[t_b, names_b]).to(self.device)
        (x_btf,) = self.high.rows(t_b, names_b)
        return (_masked(x_btf, there_b), *self.low.rows_among(t_b, names_b, self.has_inputs))


def _masked(x_btf: Tensor, there_b: Tensor) -> Tensor:
    """The window, 0 for names without factors; itself where all have them."""
    return x_btf if bool(there_b.all()) else x_btf * there_b[:, None, None]
