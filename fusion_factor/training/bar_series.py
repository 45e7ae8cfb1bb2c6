"""The bars of one frequency as windows: which rows of a panel they are, and their ratios to the last one.

Axes: t step in time order, b chosen symbol or row, f field, n symbol; in `rows_tk` t is the session, k the step.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusion_factor.features.bars import bar_rows, rows_between, running_volume_scale
from fusion_factor.features.feature_set import FIELDS, FeatureSet

Positions = npt.NDArray[np.int64]
VOLUME = FIELDS.index("volume")
_RUN = 32


@dataclass(frozen=True)
class Moments:
    """Mean and 1 / standard deviation (0 where all are equal) of the ratios of one session, each [t, f]."""

    mean_tf: Tensor
    scale_tf: Tensor


class BarSeries:
    """The last `bars` bars of one frequency at any session, and the moments of their ratios by session."""

    def __init__(self, features: FeatureSet, frequency: str, bars: int, panel_tnf: Tensor) -> None:
        self.panel_tnf = panel_tnf
        self.bars = bars
        self.rows_between = rows_between(frequency, features.bars_mode)
        self.rows_tk = bar_rows(features.sessions, frequency, features.bars_mode, bars)
        self.volume_scale_t = running_volume_scale(features.sessions, frequency, features.bars_mode)
        shape = (len(features.sessions), bars, len(FIELDS))
        self._learned_t = np.zeros(len(features.sessions), bool)
        self._mean_stf, self._scale_stf = (panel_tnf.new_zeros(shape) for _ in range(2))

    def of_session(self, t: int, names_b: Tensor) -> Tensor:
        """The bars x_tbf of session position t, NaN before the first."""
        if self.rows_between is not None:
            return trailing_rows(self.panel_tnf, t, self.rows_between, self.bars, names_b)
        rows_k = torch.from_numpy(self.rows_tk[t]).to(self.panel_tnf.device)
        x_tbf = self.panel_tnf.index_select(0, rows_k.clamp(min=0)).index_select(1, names_b)
        x_tbf[rows_k < 0] = torch.nan
        x_tbf[-1, :, VOLUME] *= float(self.volume_scale_t[t])
        return x_tbf

    def of_rows(self, t_b: Positions, names_b: Positions) -> Tensor:
        """The bars x_tbf of any pairs of session and symbol position."""
        x_tbf = gathered(self.panel_tnf, self.rows_tk[t_b].T, names_b)
        if self.rows_between is None:
            scale_b = torch.from_numpy(self.volume_scale_t[t_b]).to(x_tbf)
            x_tbf[-1, :, VOLUME] *= scale_b
        return x_tbf

    def standardised_session(self, t: int, chosen_b: Tensor, clip: float, all_b: Tensor) -> Tensor:
        """As `standardise_ratios` gives the chosen within all_b, which are all names with inputs at t: z_tbf."""
        self._learn(t, all_b)
        x_tbf = self.of_session(t, chosen_b)
        _by_step(Tensor.sub_, x_tbf.div_(_divisor(x_tbf[-1])), self._mean_stf[t])
        _by_step(Tensor.mul_, x_tbf.nan_to_num_(0.0, 0.0, 0.0), self._scale_stf[t])
        return _finished(x_tbf, clip)

    def standardised_rows(self, t_b: Positions, names_b: Positions, clip: float, everybody: list[Tensor]) -> Tensor:
        """As `standardise_ratios` gives each row within its whole session, z_tbf.

        everybody  the symbol positions with inputs of each session in np.unique(t_b), over which it is standardised.
        """
        for t, all_b in zip(np.unique(t_b).tolist(), everybody, strict=True):
            self._learn(t, all_b)
        sessions_b = torch.from_numpy(t_b).to(self.panel_tnf.device)
        ratio_tbf = ratios(self.of_rows(t_b, names_b))
        centred_tbf = ratio_tbf - self._mean_stf[sessions_b].transpose(0, 1)
        z_tbf = centred_tbf.nan_to_num_(0.0, 0.0, 0.0) * self._scale_stf[sessions_b].transpose(0, 1)
        return _finished(z_tbf, clip)

    def _learn(self, t: int, all_b: Tensor) -> None:
        if not self._learned_t[t]:
            _, moments = ratio_moments(self.of_session(t, all_b))
            self._mean_stf[t], self._scale_stf[t] = moments.mean_tf, moments.scale_tf
            self._learned_t[t] = True


def trailing_rows(panel_tnf: Tensor, t: int, rows_between: int, bars: int, names_b: Tensor) -> Tensor:
    """Rows t - rows_between * (bars - 1), ..., t of a panel for some names: x_tbf; NaN before the first row."""
    first = t - rows_between * (bars - 1)
    n_before = max(0, -(first // rows_between))
    rows_tnf = panel_tnf[first + n_before * rows_between : t + 1 : rows_between]
    x_tbf = rows_tnf.index_select(1, names_b)
    if not n_before:
        return x_tbf
    missing = x_tbf.new_full((n_before, *x_tbf.shape[1:]), torch.nan)
    return torch.cat([missing, x_tbf])


def gathered(panel_tnf: Tensor, rows_kb: Positions, names_b: Positions) -> Tensor:
    """The rows of a panel [k, b] at the names [b] in one gather: x_kbf; NaN where a row is < 0."""
    n_names, n_fields = panel_tnf.shape[1:]
    flat_kb = torch.from_numpy(np.maximum(rows_kb, 0) * n_names + names_b).to(panel_tnf.device)
    x_kbf = panel_tnf.view(-1, n_fields).index_select(0, flat_kb.reshape(-1)).view(*rows_kb.shape, n_fields)
    if (rows_kb < 0).any():
        x_kbf[torch.from_numpy(rows_kb < 0).to(panel_tnf.device)] = torch.nan
    return x_kbf


def ratios(x_tbf: Tensor) -> Tensor:
    """Each field over its value at the last step; NaN at every step where that value is not positive."""
    return x_tbf / _divisor(x_tbf[-1])


def _divisor(last_bf: Tensor) -> Tensor:
    return torch.where(last_bf > 0, last_bf, torch.nan)


def ratio_moments(x_tbf: Tensor) -> tuple[Tensor, Moments]:
    """Ratios to the last step less their mean along b (0 where missing), and the moments of each (t, f)."""
    ratio_tbf = ratios(x_tbf)
    if bool(ratio_tbf.sum().isfinite()):
        # Nothing is missing, as in most daily windows: the same numbers without the masks, in half the time.
        count_tf = torch.tensor(ratio_tbf.shape[1], device=ratio_tbf.device)
        mean_tf = ratio_tbf.sum(dim=1) / count_tf
        centred_tbf = ratio_tbf - mean_tf[:, None]
    else:
        there_tbf = ratio_tbf.isfinite()
        count_tf = there_tbf.sum(dim=1).clamp(min=1)
        ratio_tbf = torch.where(there_tbf, ratio_tbf, 0.0)
        mean_tf = ratio_tbf.sum(dim=1) / count_tf
        centred_tbf = torch.where(there_tbf, ratio_tbf - mean_tf[:, None], 0.0)
    std_tf = (centred_tbf.square().sum(dim=1) / count_tf).sqrt()
    equal_tf = std_tf <= 1e-6 * mean_tf.abs()
    scale_tf = torch.where(equal_tf, 0.0, 1.0 / torch.where(equal_tf, 1.0, std_tf))
    return centred_tbf, Moments(mean_tf, scale_tf)


def standardise_ratios(x_tbf: Tensor, clip: float) -> Tensor:
    """Ratios to the last step, z-scored along b for each (t, f), clipped to +-clip; missing = 0, last step = 0.

    A field whose last value is not positive is missing at every step. Where all ratios of a step are equal, up to
    rounding, the result is 0.
    """
    centred_tbf, moments = ratio_moments(x_tbf)
    return _finished(centred_tbf * moments.scale_tf[:, None], clip)


def _by_step(operation: Callable[[Tensor, Tensor], Tensor], x_tbf: Tensor, values_tf: Tensor) -> None:
    """x_tbf, contiguous, with values_tf at every b, in place; on the CPU in runs of rows.

    An inner loop over six fields is too short for the processor's vectors: runs take a fifth of the time at 4,700 rows.
    """
    n_steps, n_rows, n_fields = x_tbf.shape
    n_runs = n_rows // _RUN if x_tbf.device.type == "cpu" else 0
    if n_runs:
        runs = x_tbf[:, : n_runs * _RUN].view(n_steps, n_runs, _RUN * n_fields)
        operation(runs, values_tf.repeat(1, _RUN)[:, None])
    operation(x_tbf[:, n_runs * _RUN :], values_tf[:, None])


def _finished(z_tbf: Tensor, clip: float) -> Tensor:
    z_tbf = z_tbf.clamp_(-clip, clip)
    z_tbf[-1] = 0.0
    return z_tbf
