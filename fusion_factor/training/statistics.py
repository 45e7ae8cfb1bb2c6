"""The last values and simple statistics of the networks' windows, for scorers that read one row a stock.

Axes: t step in time order, b chosen symbol, f factor or field, s statistic.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.feature_set import FIELDS, FeatureSet
from fusion_factor.training.batches import HighFrequencyInputs, Inputs, WindowInputs, on_device, trailing_rows

SOURCES = ("hf", "lf")
_RETURNS_SESSIONS = (1, 5, 10, 20, 60, 120, 240)
_FACTOR_SPANS_SESSIONS = (5, 20)


class StatisticsInputs(WindowInputs):
    """One row a stock: x_b1s float32, z-scored across names for each statistic, clipped to +-`clip`, missing = 0.

    hf  of each standardised intraday factor: its last value, and mean and standard deviation over 5 and 20 sessions.
    lf  returns over 1 to 240 sessions, volatility over 20 and 60, range of 5, volume ratios, the close's place in the
        range of 20, close over vwap; all of adjusted daily bars.

    sources  which of them; None: those the features hold. With `lf` the population is that of the bar network, and
    names without intraday inputs have 0 there; with `hf` alone it is that of the intraday network.
    """

    def __init__(
        self,
        features: FeatureSet,
        sources: Sequence[str] | None = None,
        clip: float = 5.0,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        chosen = tuple(sources) if sources is not None else SOURCES[0 if features.hf is not None else 1 :]
        if not chosen or not set(chosen) <= set(SOURCES):
            raise ConfigError(f"sources is {list(chosen)}, must be some of {', '.join(SOURCES)}")
        self.clip = clip
        self.factors = HighFrequencyInputs(features, 20, device=device) if "hf" in chosen else None
        self.bars_tnf = on_device(features.daily, self.device) if "lf" in chosen else None
        self.has_inputs = features.has_lf if self.factors is None or "lf" in chosen else self.factors.has_inputs

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """The statistics x_b1s of session position t, from panel rows <= t."""
        parts = []
        if self.factors is not None:
            parts.append(self._factor_statistics(t, names_b, self.factors))
        if self.bars_tnf is not None:
            parts.append(bar_statistics(trailing_rows(self.bars_tnf, t, 1, 241, names_b).double()))
        return (standardise(torch.cat(parts, dim=1), self.clip)[:, None],)

    def _factor_statistics(self, t: int, names_b: Tensor, factors: HighFrequencyInputs) -> Tensor:
        there_b = torch.from_numpy(factors.has_inputs[t]).to(self.device)[names_b]
        if not bool(there_b.any()):
            n_statistics = (1 + 2 * len(_FACTOR_SPANS_SESSIONS)) * factors.panel_tnf.shape[2]
            return torch.full((len(names_b), n_statistics), torch.nan, dtype=torch.float64, device=self.device)
        (x_btf,) = factors.windows(t, names_b)
        statistics_bs = factor_statistics(x_btf.double())
        return torch.where(there_b[:, None], statistics_bs, torch.nan)


def factor_statistics(x_btf: Tensor) -> Tensor:
    """Last value, then mean and standard deviation over 5 and 20 sessions, of each factor: x_bs."""
    parts = [x_btf[:, -1]]
    for span in _FACTOR_SPANS_SESSIONS:
        tail = x_btf[:, -span:]
        parts += [tail.mean(dim=1), tail.std(dim=1, correction=0)]
    return torch.cat(parts, dim=1)


def bar_statistics(x_tbf: Tensor) -> Tensor:
    """The statistics of 241 daily bars, the last one at the decision: x_bs, NaN where a bar is missing."""
    _, high_tb, low_tb, close_tb, vwap_tb, volume_tb = (x_tbf[:, :, FIELDS.index(name)] for name in FIELDS)
    last_b = close_tb[-1]
    steps_tb = close_tb[1:] / close_tb[:-1] - 1
    columns = [last_b / close_tb[-1 - sessions] - 1 for sessions in _RETURNS_SESSIONS]
    columns += [steps_tb[-span:].std(dim=0, correction=0) for span in (20, 60)]
    columns.append(high_tb[-5:].amax(dim=0) / low_tb[-5:].amin(dim=0) - 1)
    volume_1, volume_5, volume_20, volume_60 = (volume_tb[-span:].mean(dim=0) for span in (1, 5, 20, 60))
    columns += [volume_1 / volume_20, volume_5 / volume_20, volume_20 / volume_60]
    top_b, bottom_b = high_tb[-20:].amax(dim=0), low_tb[-20:].amin(dim=0)
    columns.append((last_b - bottom_b) / (top_b - bottom_b))
    columns.append(last_b / vwap_tb[-1] - 1)
    return torch.stack(columns, dim=1)


def standardise(x_bs: Tensor, clip: float) -> Tensor:
    """Each column's z-score (ddof 0) over its finite values, clipped to +-clip; missing = 0; float32."""
    there_bs = x_bs.isfinite()
    filled_bs = torch.where(there_bs, x_bs, 0.0)
    count_s = there_bs.sum(dim=0).clamp(min=1)
    mean_s = filled_bs.sum(dim=0) / count_s
    centred_bs = torch.where(there_bs, filled_bs - mean_s, 0.0)
    std_s = (centred_bs.square().sum(dim=0) / count_s).sqrt()
    equal_s = std_s <= 1e-12 * (1 + mean_s.abs())
    return torch.where(equal_s, 0.0, centred_bs / torch.where(equal_s, 1.0, std_s)).clamp(-clip, clip).float()
