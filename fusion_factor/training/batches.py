"""Windows of one cross-section: the same object serves training, validation and scoring.

Panels are put on the device once; a window is an index into them, gathered for one session at a time.
Axes: t session or step in time order, n symbol, b chosen symbol, f factor or field.
"""

import warnings
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.features.panel import Panel

BoolArray = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]
Inputs = tuple[Tensor, ...]


class WindowInputs(ABC):
    """The inputs of one kind of network on one feature set.

    has_inputs  bool [T, N], known at the close of t: who is standardised and who gets a score.

    A subclass sets `has_inputs` and writes `windows`; its constructor takes the feature set, `device` and its own
    arguments from the config.
    """

    has_inputs: BoolArray

    @abstractmethod
    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """Windows x_btf (float32, finite) of session position t for the symbol positions names_b.

        Everything is a function of panel rows <= t and of names_b, which are all names with inputs at t.
        """

    def names(self, t: int) -> Positions:
        """The symbol positions [b], increasing, that have inputs at session position t."""
        return np.flatnonzero(self.has_inputs[t])

    def at(self, t: int) -> tuple[Inputs, Positions]:
        """Windows and symbol positions of everybody with inputs at session position t."""
        names_b = self.names(t)
        return self.windows(t, torch.from_numpy(names_b).to(self.device)), names_b

    @property
    def device(self) -> torch.device:
        """Where the panels lie and the windows come to be."""
        return self._device

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)


class HighFrequencyInputs(WindowInputs):
    """The last `window_sessions` rows of the standardised intraday factors, missing = 0: one x_btf.

    The panel is standardised already (METHOD items 16-19), so a window is a plain gather. A session without a full
    window behind it has no inputs. ConfigError when the feature set has no intraday factors. Source: METHOD item 10.
    """

    def __init__(self, features: FeatureSet, window_sessions: int = 40, *, device: torch.device | str = "cpu") -> None:
        super().__init__(device)
        if features.hf is None:
            raise ConfigError("the features hold no intraday factors (no bars in the market): leave out network hf")
        _check_window("window_sessions", window_sessions)
        self.window_sessions = window_sessions
        self.panel_tnf = on_device(features.hf, self.device)
        self.has_inputs = features.has_hf.copy()
        self.has_inputs[: window_sessions - 1] = False

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """One window x_btf [b, window_sessions, factors], a transposed view of a time-major gather."""
        rows_tnf = self.panel_tnf[t - self.window_sessions + 1 : t + 1]
        return (rows_tnf.index_select(1, names_b).transpose(0, 1),)


class LowFrequencyInputs(WindowInputs):
    """Daily, weekly and monthly bars: three x_btf of `daily_bars`, `weekly_bars` and `monthly_bars` steps.

    Each field is divided by its own value at the last step, then z-scored across the names for each step and
    field, clipped to +-`clip`, missing = 0. The last step is 0 by construction. Source: METHOD items 23, 27-34.
    The weekly bar k steps back is the row t - 5k of the weekly panel, whose row t is the bar that ends at t; the
    monthly bar likewise, 20 rows apart.
    """

    def __init__(
        self,
        features: FeatureSet,
        daily_bars: int = 40,
        weekly_bars: int = 20,
        monthly_bars: int = 12,
        clip: float = 5.0,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        for name, value in (("daily_bars", daily_bars), ("weekly_bars", weekly_bars), ("monthly_bars", monthly_bars)):
            _check_window(name, value)
        if clip <= 0:
            raise ConfigError(f"clip is {clip}, must be > 0")
        self.clip = clip
        panels = (features.daily, features.weekly, features.monthly)
        self.series = [
            (on_device(panel, self.device), rows_between, bars)
            for panel, rows_between, bars in zip(
                panels, (1, 5, 20), (daily_bars, weekly_bars, monthly_bars), strict=True
            )
        ]
        self.has_inputs = features.has_lf

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """Three windows x_btf [b, bars, fields], transposed views of time-major gathers."""
        return tuple(
            standardise_ratios(trailing_rows(panel_tnf, t, rows_between, bars, names_b), self.clip).transpose(0, 1)
            for panel_tnf, rows_between, bars in self.series
        )


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


def standardise_ratios(x_tbf: Tensor, clip: float) -> Tensor:
    """Ratios to the last step, z-scored along b for each (t, f), clipped to +-clip; missing = 0, last step = 0.

    A field whose last value is not positive is missing at every step. Where all ratios of a step are equal, up to
    rounding, the result is 0.
    """
    last_bf = x_tbf[-1]
    ratio_tbf = x_tbf / torch.where(last_bf > 0, last_bf, torch.nan)
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
    z_tbf = (centred_tbf * scale_tf[:, None]).clamp_(-clip, clip)
    z_tbf[-1] = 0.0
    return z_tbf


def on_device(panel: Panel, device: torch.device) -> Tensor:
    """The panel's values as a tensor; on the CPU it shares the panel's memory, mapped files included."""
    with warnings.catch_warnings():
        # The mapped file is read-only; nothing here writes into a panel.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(panel.values).to(device)


def select_rows(inputs: Inputs, rows: Tensor) -> Inputs:
    """The windows of some rows b, time-major underneath as before."""
    return tuple(x_btf.transpose(0, 1).index_select(1, rows).transpose(0, 1) for x_btf in inputs)


def _check_window(name: str, value: int) -> None:
    if value < 2:
        raise ConfigError(f"{name} is {value}, must be >= 2")
