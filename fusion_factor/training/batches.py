"""Windows of one cross-section, or of any rows: the same object serves training, validation and scoring.

Panels are put on the device once; a window is an index into them, gathered for one batch at a time.
Axes: t session or step in time order, n symbol, b chosen symbol, f factor or field.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusion_factor.core.errors import ConfigError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.features.panel import Panel
from fusion_factor.networks.low_frequency import FREQUENCIES, chosen_frequencies
from fusion_factor.training.bar_series import BarSeries, gathered, standardise_ratios, trailing_rows

BoolArray = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]
Inputs = tuple[Tensor, ...]

__all__ = [
    "HighFrequencyInputs",
    "Inputs",
    "LowFrequencyInputs",
    "Positions",
    "WindowInputs",
    "on_device",
    "select_rows",
    "standardise_ratios",
    "trailing_rows",
]


class WindowInputs(ABC):
    """The inputs of one kind of network on one feature set.

    has_inputs  bool [T, N], known at the close of t: who is standardised and who gets a score.
    columns     what the last axis of the windows holds, in order; recorded beside the weights, which must never read
                other columns than they were fitted on. Empty: not told.

    A subclass sets `has_inputs` (and `columns`) and writes `windows`; its constructor takes the feature set, `device`
    and its own arguments from the config.
    """

    has_inputs: BoolArray
    columns: tuple[str, ...] = ()

    @abstractmethod
    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """Windows x_btf (float32, finite) of session position t for the symbol positions names_b.

        Everything is a function of panel rows <= t and of names_b, which are all names with inputs at t.
        """

    def some(self, t: int, names_b: Tensor, rows_b: Tensor) -> Inputs:
        """Windows x_btf of the names names_b[rows_b]; names_b as in `windows`, and the same bits as in its rows.

        What a training step takes. Here everybody's windows, then the rows; a subclass may gather those rows alone.
        """
        return select_rows(self.windows(t, names_b), rows_b)

    def rows(self, t_b: Positions, names_b: Positions) -> Inputs:
        """Windows x_btf of any pairs of session position and symbol position, each with inputs at its session.

        The same bits as in `windows` of the whole session. Here session after session; a subclass may gather at once.
        """
        parts: list[Inputs] = []
        order = np.argsort(t_b, kind="stable")
        for block in np.split(order, np.flatnonzero(np.diff(t_b[order])) + 1):
            t = int(t_b[block[0]])
            everybody = self.names(t)
            windows = self.windows(t, torch.from_numpy(everybody).to(self.device))
            chosen = torch.from_numpy(np.searchsorted(everybody, names_b[block])).to(self.device)
            parts.append(select_rows(windows, chosen))
        back = torch.from_numpy(np.argsort(order)).to(self.device)
        return select_rows(tuple(torch.cat(column) for column in zip(*parts, strict=True)), back)

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
        self.columns = tuple(features.hf.names)
        self.has_inputs = features.has_hf.copy()
        self.has_inputs[: window_sessions - 1] = False

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """One window x_btf [b, window_sessions, factors], a transposed view of a time-major gather."""
        rows_tnf = self.panel_tnf[t - self.window_sessions + 1 : t + 1]
        return (rows_tnf.index_select(1, names_b).transpose(0, 1),)

    def some(self, t: int, names_b: Tensor, rows_b: Tensor) -> Inputs:
        """One window x_btf: a name's window does not depend on the others, so one gather of the chosen."""
        return self.windows(t, names_b.index_select(0, rows_b))

    def rows(self, t_b: Positions, names_b: Positions) -> Inputs:
        """One window x_btf, gathered at once."""
        t_sb = t_b[None] - np.arange(self.window_sessions - 1, -1, -1)[:, None]
        return (gathered(self.panel_tnf, t_sb, names_b).transpose(0, 1),)


class LowFrequencyInputs(WindowInputs):
    """Daily, weekly and monthly bars: three x_btf of `daily_bars`, `weekly_bars` and `monthly_bars` steps.

    Each field is divided by its own value at the last step, then z-scored across the names for each step and
    field, clipped to +-`clip`, missing = 0. The last step is 0 by construction. Source: METHOD items 23, 27-34.
    With rolling bars the weekly bar k steps back is the row t - 5k of the weekly panel, whose row t is the bar that
    ends at t; the monthly bar likewise, 20 rows apart. With calendar bars see `features.bars.bar_rows`.

    frequencies  which of daily, weekly, monthly, in that order; who has inputs does not depend on it, so that
                 ablations are judged on the same names.
    """

    def __init__(
        self,
        features: FeatureSet,
        daily_bars: int = 40,
        weekly_bars: int = 20,
        monthly_bars: int = 12,
        clip: float = 5.0,
        frequencies: Sequence[str] = FREQUENCIES,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device)
        lengths = {"daily": daily_bars, "weekly": weekly_bars, "monthly": monthly_bars}
        for name, value in lengths.items():
            _check_window(f"{name}_bars", value)
        if clip <= 0:
            raise ConfigError(f"clip is {clip}, must be > 0")
        self.clip = clip
        self.series = [
            BarSeries(features, name, lengths[name], on_device(getattr(features, name), self.device))
            for name in chosen_frequencies(frequencies)
        ]
        self.columns = tuple(
            f"{name} {field}" for name in chosen_frequencies(frequencies) for field in getattr(features, name).names
        )
        self.has_inputs = features.has_lf

    def windows(self, t: int, names_b: Tensor) -> Inputs:
        """Three windows x_btf [b, bars, fields], transposed views of time-major gathers."""
        return tuple(standardise_ratios(each.of_session(t, names_b), self.clip).transpose(0, 1) for each in self.series)

    def some(self, t: int, names_b: Tensor, rows_b: Tensor) -> Inputs:
        """Three windows x_btf of the chosen alone; means and deviations of a session are computed once and kept."""
        chosen_b = names_b.index_select(0, rows_b)
        return tuple(each.standardised_session(t, chosen_b, self.clip, names_b).transpose(0, 1) for each in self.series)

    def rows(self, t_b: Positions, names_b: Positions) -> Inputs:
        """Three windows x_btf, gathered at once; means and deviations of a session are computed once and kept."""
        return self.rows_among(t_b, names_b, self.has_inputs)

    def rows_among(self, t_b: Positions, names_b: Positions, has_inputs: BoolArray) -> Inputs:
        """As `rows`, standardised over those that `has_inputs` [T, N] names; always the same ones for one object."""
        everybody = [torch.from_numpy(np.flatnonzero(has_inputs[t])).to(self.device) for t in np.unique(t_b).tolist()]
        return tuple(each.standardised_rows(t_b, names_b, self.clip, everybody).transpose(0, 1) for each in self.series)


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
