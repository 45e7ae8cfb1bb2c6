"""The panel: one contiguous array of numbers by session, symbol and factor, with its axes and its mask.

Legend of axes in names: t session, n symbol, f factor or field.
On disk a panel is a folder of plain `.npy` files, which can be memory-mapped, and `axes.json`. Nothing is pickled.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]


def as_sessions(sessions: Any) -> npt.NDArray[np.datetime64]:
    """Sessions as a datetime64[D] array [T]; DataError unless strictly increasing."""
    days = np.asarray(sessions, dtype="datetime64[D]")
    if days.ndim != 1 or np.any(np.isnat(days)) or np.any(days[1:] <= days[:-1]):
        raise DataError(f"panel sessions: must be one strictly increasing list of dates, got shape {days.shape}")
    return days


def as_symbols(symbols: Any) -> npt.NDArray[Any]:
    """Symbols as a text array [N]; DataError unless strictly increasing in byte order."""
    texts = np.asarray(symbols, dtype=np.str_)
    if texts.ndim != 1 or np.any(texts[1:] <= texts[:-1]):
        raise DataError("panel symbols: must be one list of different texts in byte order")
    return texts


@dataclass(frozen=True)
class Panel:
    """Numbers [T, N, F] with their axes.

    values    float32 [T, N, F], C-contiguous; what a missing number is (NaN or 0) is said by who builds the panel.
    valid     bool [T, N]; True where the symbol has its numbers at the session.
    sessions  datetime64[D] [T]; symbols text [N], byte order; names F texts.

    Raises DataError when shapes or types do not fit. Row t never holds anything known only after the close of t.
    """

    values: Float32Array
    valid: BoolArray
    sessions: npt.NDArray[np.datetime64]
    symbols: npt.NDArray[Any]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Bring the axes into their types and refuse arrays that do not fit them."""
        object.__setattr__(self, "sessions", as_sessions(self.sessions))
        object.__setattr__(self, "symbols", as_symbols(self.symbols))
        object.__setattr__(self, "names", tuple(str(name) for name in self.names))
        shape = (len(self.sessions), len(self.symbols), len(self.names))
        if self.values.shape != shape or self.values.dtype != np.float32 or not self.values.flags.c_contiguous:
            raise DataError(
                f"panel values: need C-contiguous float32 {shape}, got {self.values.dtype} {self.values.shape}"
            )
        if self.valid.shape != shape[:2] or self.valid.dtype != np.bool_:
            raise DataError(f"panel valid: need bool {shape[:2]}, got {self.valid.dtype} {self.valid.shape}")
        if len(set(self.names)) != len(self.names):
            raise DataError(f"panel names: a name is there twice in {self.names}")

    def column(self, name: str) -> Float32Array:
        """The numbers [T, N] of one factor or field, a view; DataError for an unknown name."""
        if name not in self.names:
            raise DataError(f"panel: no factor {name!r}; there are {', '.join(self.names)}")
        return self.values[:, :, self.names.index(name)]

    def save(self, folder: str | Path) -> None:
        """Write the panel into a folder (made if needed); the caller sees to atomicity."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if not _is_mapped_in(self.values, path / "values.npy"):
            np.save(path / "values.npy", self.values)
        np.save(path / "valid.npy", self.valid)
        write_axes(path, self.sessions, self.symbols, self.names)

    @classmethod
    def load(cls, folder: str | Path, mmap: bool = True) -> "Panel":
        """Read a panel; with `mmap` the values stay on disk and are read-only."""
        path = Path(folder)
        sessions, symbols, names = read_axes(path)
        values = np.load(path / "values.npy", mmap_mode="r" if mmap else None, allow_pickle=False)
        valid = np.load(path / "valid.npy", allow_pickle=False)
        return cls(values, valid, sessions, symbols, names)


def create_values(folder: str | Path, shape: tuple[int, int, int]) -> Float32Array:
    """A writable memory-mapped `values.npy` [T, N, F] in a panel's folder, so that a panel can exceed the memory."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(path / "values.npy", mode="w+", dtype=np.float32, shape=shape)


def write_axes(path: Path, sessions: npt.NDArray[np.datetime64], symbols: Any, names: Sequence[str]) -> None:
    """Write `axes.json`: ISO dates, symbols and names."""
    axes = {
        "sessions": [str(day) for day in sessions],
        "symbols": [str(symbol) for symbol in symbols],
        "names": list(names),
    }
    (path / "axes.json").write_text(json.dumps(axes), encoding="utf-8")


def read_axes(path: Path) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[Any], tuple[str, ...]]:
    """Read what `write_axes` wrote; DataError when the folder holds no panel."""
    file = path / "axes.json"
    if not file.is_file():
        raise DataError(f"panel: no axes.json in {path}")
    axes = json.loads(file.read_text(encoding="utf-8"))
    return as_sessions(axes["sessions"]), as_symbols(axes["symbols"]), tuple(axes["names"])


def _is_mapped_in(values: Float32Array, file: Path) -> bool:
    """Whether the array already lives in this very file, so that saving it means flushing it."""
    if not isinstance(values, np.memmap) or values.filename is None or not file.is_file():
        return False
    if Path(values.filename).resolve() != file.resolve():
        return False
    values.flush()
    return True
