"""Walk-forward folds: which sessions a model learns on and which it scores, with a purge by the label's reach.

A sample at session t with reach r knows prices up to t + r. Whoever uses it must come later: the first validation
session, or the first session of use. Positions count sessions from 0.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import ConfigError
from fusion_factor.training.settings import FoldSettings

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One fit: sampled sessions to train and validate on, and every session that its model scores.

    train, valid, use   int64 positions, increasing. use starts at the first session of use.
    reach               sessions after t that the label of t looks at.

    Raises AssertionError unless max(train) + reach < min(valid) and max(valid) + reach < min(use) (METHOD item 59).
    """

    index: int
    train: Positions
    valid: Positions
    use: Positions
    reach: int

    def __post_init__(self) -> None:
        """Hold the purge rule, whoever makes the fold."""
        for name in ("train", "valid", "use"):
            part = getattr(self, name)
            if not len(part) or np.any(np.diff(part) <= 0):
                raise AssertionError(f"fold {self.index}: {name} must hold sessions in increasing order")
        if self.train[-1] + self.reach >= self.valid[0]:
            raise AssertionError(f"fold {self.index}: a training label reaches into validation")
        if self.valid[-1] + self.reach >= self.use[0]:
            raise AssertionError(f"fold {self.index}: a validation label reaches into the sessions of use")


def walk_forward(
    sessions: npt.NDArray[np.datetime64],
    usable: npt.NDArray[np.bool_],
    settings: FoldSettings,
    reach: int,
) -> list[Fold]:
    """The folds over `sessions` [T], by calendar periods of `refit_months`. Source: METHOD items 44-46 and 52-59.

    usable  bool [T]: the session has enough labelled names to be trained on; may look ahead by the label's reach
            only, so that what it says about t does not move with anything after t + reach.

    Raises ConfigError for a fold with too few sampled dates, naming the fold, what was found and what is needed,
    and for a `first_use` after the last session.
    """
    if reach < 1:
        raise ConfigError(f"reach is {reach} sessions, must be >= 1")
    grid = sampled_sessions(sessions, settings)
    grid = grid[usable[grid]]
    return [
        _fold(index, grid, use, sessions, settings, reach) for index, use in enumerate(use_periods(sessions, settings))
    ]


def sampled_sessions(sessions: npt.NDArray[np.datetime64], settings: FoldSettings) -> Positions:
    """Every `sample_step_sessions`-th session from `train_start` on, shifted by the phase; the same for all folds."""
    start = int(np.searchsorted(sessions, np.datetime64(settings.train_start, "D")))
    return np.arange(start + settings.sample_phase_sessions, len(sessions), settings.sample_step_sessions)


def use_periods(sessions: npt.NDArray[np.datetime64], settings: FoldSettings) -> list[Positions]:
    """The sessions of use from first_use to end, cut where a calendar period of `refit_months` begins."""
    first = int(np.searchsorted(sessions, np.datetime64(settings.first_use, "D")))
    last = len(sessions)
    if settings.end is not None:
        last = int(np.searchsorted(sessions, np.datetime64(settings.end, "D"), side="right"))
    if first >= last:
        until = str(sessions[last - 1]) if last else "none"
        raise ConfigError(f"first_use is {settings.first_use}, must not be after the last session to score ({until})")
    positions = np.arange(first, last)
    period = sessions[positions].astype("datetime64[M]").astype(np.int64) // settings.refit_months
    return np.split(positions, np.flatnonzero(np.diff(period)) + 1)


def _fold(
    index: int,
    grid: Positions,
    use: Positions,
    sessions: npt.NDArray[np.datetime64],
    settings: FoldSettings,
    reach: int,
) -> Fold:
    known = grid[grid + reach < use[0]]
    if settings.train_years is not None:
        months = 12 * settings.train_years
        oldest = sessions[use[0]].astype("datetime64[M]") - months
        known = known[sessions[known].astype("datetime64[M]") >= oldest]
    n_valid = max(settings.min_valid_dates, round(settings.valid_share * len(known)))
    valid = known[-n_valid:]
    train = known[known + reach < valid[0]] if len(valid) else known[:0]
    if len(valid) < settings.min_valid_dates or len(train) < settings.min_train_dates:
        raise ConfigError(
            f"fold {index} (first use {sessions[use[0]]}): found {len(train)} training and {len(valid)} validation "
            f"dates, needed {settings.min_train_dates} and {settings.min_valid_dates}; start the data earlier or "
            f"first_use later"
        )
    return Fold(index, train, valid, use, reach)
