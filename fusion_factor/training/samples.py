"""Labelled cross-sections for fitting: who of those with inputs enters the loss, and with which label.

Axes: n symbol, b chosen symbol.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import Inputs, WindowInputs
from fusion_factor.training.settings import FitSettings


@dataclass(frozen=True)
class _Labelled:
    """One session: all names with inputs, which of them are labelled (rows into names), and their labels."""

    names_b: Tensor
    rows: Tensor
    label_b: Tensor


class Samples:
    """Cross-sections with labels, made from the very windows that scoring uses.

    Inputs are computed for everybody with inputs at t; the labelled rows are then taken out for the loss, so that
    batch norm sees labelled rows only while no input depends on who has a label. The label is the raw return,
    z-scored over the loss population of its session and clipped. Sources: METHOD items 2, 4, 6, 40.
    """

    def __init__(self, inputs: WindowInputs, features: FeatureSet, settings: FitSettings, seed: int) -> None:
        self.inputs = inputs
        self.settings = settings
        self.seed = seed
        self._features = features
        self._sessions = features.sessions.astype("datetime64[D]").astype(np.int64)
        self._labelled: dict[int, _Labelled] = {}
        self._row_sessions = self._row_names = np.empty(0, np.int64)
        self._row_labels = torch.empty(0)

    def whole(self, t: int) -> tuple[Inputs, Tensor]:
        """Windows x_btf and labels [b] of all labelled names of session position t."""
        labelled = self._of(t)
        return self.inputs.some(t, labelled.names_b, labelled.rows), labelled.label_b

    def drawn(self, t: int, epoch: int) -> tuple[Inputs, Tensor]:
        """As `whole`, or `names_per_batch` of the names, drawn by (seed, epoch, date) alone."""
        labelled = self._of(t)
        limit = self.settings.names_per_batch
        if limit is None or limit >= len(labelled.rows):
            return self.whole(t)
        draw = np.random.default_rng([self.seed, epoch, int(self._sessions[t])])
        chosen = np.sort(draw.choice(len(labelled.rows), size=limit, replace=False))
        keep = torch.from_numpy(chosen).to(self.inputs.device)
        return self.inputs.some(t, labelled.names_b, labelled.rows[keep]), labelled.label_b[keep]

    def table(self, positions: Sequence[int]) -> int:
        """Lay down the labelled rows (session, name, label) of these sessions for `mixed`; how many there are."""
        labelled = [self._of(t) for t in positions]
        counts = [len(each.rows) for each in labelled]
        self._row_sessions = np.repeat(np.asarray(positions, np.int64), counts)
        self._row_names = np.concatenate([each.names_b[each.rows].cpu().numpy() for each in labelled])
        self._row_labels = torch.cat([each.label_b for each in labelled])
        return len(self._row_sessions)

    def mixed(self, places: npt.NDArray[np.int64]) -> tuple[Inputs, Tensor]:
        """Windows x_btf and labels [b] of the rows at these places of the table; bit for bit those of their sessions.

        Sorted by session within the batch: the order changes neither the loss nor what batch norm sees.
        """
        ordered = np.sort(places)
        inputs = self.inputs.rows(self._row_sessions[ordered], self._row_names[ordered])
        return inputs, self._row_labels[torch.from_numpy(ordered).to(self.inputs.device)]

    def enough(self, t: int) -> bool:
        """Whether the session has the `min_names` labelled names that a correlation needs."""
        return len(self._of(t).rows) >= self.settings.min_names

    def _of(self, t: int) -> _Labelled:
        if t not in self._labelled:
            self._labelled[t] = self._make(t)
        return self._labelled[t]

    def _make(self, t: int) -> _Labelled:
        names_b = self.inputs.names(t)
        rows = np.flatnonzero(has_target(self.inputs, self._features, t)[names_b])
        returns_b = self._features.label[t, names_b[rows]]
        if self.settings.shuffle_labels is not None:
            order = np.random.default_rng([self.settings.shuffle_labels, int(self._sessions[t])])
            returns_b = order.permutation(returns_b)
        label_b = standardised_label(returns_b, self.settings.label_clip)
        device = self.inputs.device
        return _Labelled(
            torch.from_numpy(names_b).to(device),
            torch.from_numpy(rows).to(device),
            torch.from_numpy(label_b.astype(np.float32)).to(device),
        )


def has_target(inputs: WindowInputs, features: FeatureSet, t: int) -> npt.NDArray[np.bool_]:
    """Who enters the loss at session position t: bool [N]; looks ahead by the label's reach."""
    return inputs.has_inputs[t] & features.has_label[t] & np.isfinite(features.label[t])


def usable_sessions(inputs: WindowInputs, features: FeatureSet, min_names: int) -> npt.NDArray[np.bool_]:
    """Sessions with at least `min_names` names in the loss: bool [T]; looks ahead by the label's reach."""
    population_tn = inputs.has_inputs & features.has_label & np.isfinite(features.label)
    return population_tn.sum(axis=1) >= min_names


def standardised_label(returns_b: npt.NDArray[np.float64], clip: float) -> npt.NDArray[np.float64]:
    """z-score (ddof 0) of the returns of one session, clipped to +-clip; all 0 when all are equal."""
    centred_b = returns_b - returns_b.mean()
    std = np.sqrt(np.mean(centred_b**2))
    if std <= 1e-12:
        return np.zeros_like(centred_b)
    return np.clip(centred_b / std, -clip, clip)
