"""The feature set: every panel a network may read, and the masks that say for whom and when.

Legend of axes in names: t session, n symbol, f factor or field.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError
from fusion_factor.features.panel import (
    BoolArray,
    FloatArray,
    Panel,
    as_sessions,
    as_symbols,
    read_axes,
    write_axes,
)

FIELDS = ("open", "high", "low", "close", "vwap", "volume")
REQUIRED_PANELS = ("daily", "weekly", "monthly")
OPTIONAL_PANELS = ("factors", "hf")
MASKS = ("has_hf", "has_lf", "has_label", "can_buy")


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Inputs, masks and label on the market's own axes (sessions T, symbols N).

    factors    the intraday factors as computed, unsigned, NaN = missing; None for a market without intraday bars.
    hf         the same after clipping, neutralising and z-scoring each session; missing = 0; None likewise.
    daily      the six FIELDS of one session, on adjusted prices (volume in adjusted shares).
    weekly     row t is the 5-session bar that ENDS at t: the 20 weekly bars at t are the rows t-95, t-90, ... t.
    monthly    row t is the 20-session bar that ENDS at t: the 12 monthly bars at t are the rows t-220, ... t.
    has_hf     bool [T, N]: has the inputs of the intraday network; known at the close of t.
    has_lf     bool [T, N]: has the inputs of the bar network; known at the close of t.
    has_label  bool [T, N]: in the universe at t, can be bought at the label's start, and the label is known. Looks
               ahead by `reach` sessions: only for losses and evaluation, never for inputs.
    label      float64 [T, N]: the raw return from t+start to t+end, NaN where there is none. Looks ahead likewise.
    can_buy    bool [T, N]: in the universe at t, can be bought at the label's start; has_label without the label's end.
               Looks ahead by the label's start: only for evaluation. Not given: has_label.
    reach      the last session the label looks at, counted from t (11 for T+1..T+11).

    bars_mode  `rolling` as above; `calendar`: row t of `weekly` and `monthly` is the running bar of t's week or month,
               and the bars before it are the rows of the last sessions of the periods before (`bars.bar_rows`).

    In `daily`, `weekly` and `monthly`, `valid` means that the bar has trades; a bar without trades carries the last
    close in all five prices and volume 0; NaN before the first trade. Raises DataError when axes differ.
    """

    daily: Panel
    weekly: Panel
    monthly: Panel
    has_hf: BoolArray
    has_lf: BoolArray
    has_label: BoolArray
    label: FloatArray
    reach: int
    sessions: npt.NDArray[np.datetime64]
    symbols: npt.NDArray[Any]
    factors: Panel | None = None
    hf: Panel | None = None
    can_buy: BoolArray = None  # type: ignore[assignment]  # filled with has_label when it is not given
    bars_mode: str = "rolling"

    def __post_init__(self) -> None:
        """Refuse panels, masks or labels that do not share the same two axes."""
        object.__setattr__(self, "sessions", as_sessions(self.sessions))
        object.__setattr__(self, "symbols", as_symbols(self.symbols))
        if self.can_buy is None:
            object.__setattr__(self, "can_buy", self.has_label)
        for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS):
            panel = getattr(self, name)
            if panel is None and name in OPTIONAL_PANELS:
                continue
            if not np.array_equal(panel.sessions, self.sessions) or not np.array_equal(panel.symbols, self.symbols):
                raise DataError(f"feature set: panel {name} has other sessions or symbols than the set")
        shape = (len(self.sessions), len(self.symbols))
        for name in (*MASKS, "label"):
            array = getattr(self, name)
            needed = np.float64 if name == "label" else np.bool_
            if array.shape != shape or array.dtype != needed:
                raise DataError(
                    f"feature set: {name} needs {np.dtype(needed)} {shape}, got {array.dtype} {array.shape}"
                )
        if self.reach < 1:
            raise DataError(f"feature set: reach is {self.reach}, must be >= 1")

    def save(self, folder: str | Path) -> None:
        """Write the set into a folder: one folder a panel, one `.npy` a mask, and the label."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS):
            panel = getattr(self, name)
            if panel is not None:
                panel.save(path / name)
        for name in (*MASKS, "label"):
            np.save(path / f"{name}.npy", getattr(self, name))
        write_axes(path, self.sessions, self.symbols, ())
        (path / "set.json").write_text(
            json.dumps({"schema": 1, "reach": self.reach, "bars_mode": self.bars_mode}), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: str | Path, mmap: bool = True) -> "FeatureSet":
        """Read what `save` wrote; with `mmap` the panels' values stay on disk. DataError when it is not there."""
        path = Path(folder)
        if not (path / "set.json").is_file():
            raise DataError(f"feature set: no set.json in {path}")
        about = json.loads((path / "set.json").read_text(encoding="utf-8"))
        sessions, symbols, _ = read_axes(path)
        parts: dict[str, Any] = {
            name: Panel.load(path / name, mmap)
            for name in (*REQUIRED_PANELS, *OPTIONAL_PANELS)
            if name in REQUIRED_PANELS or (path / name).is_dir()
        }
        parts |= {name: np.load(path / f"{name}.npy", allow_pickle=False) for name in (*MASKS, "label")}
        mode = str(about.get("bars_mode", "rolling"))
        return cls(**parts, reach=int(about["reach"]), sessions=sessions, symbols=symbols, bars_mode=mode)
