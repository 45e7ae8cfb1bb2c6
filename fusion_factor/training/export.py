"""Fitted networks as files that others serve: ONNX and torch.export, each checked against `predict` before it is there.

A file holds the network alone: its inputs are the windows x_btf of one session, standardised as `WindowInputs` does
it, in its order; b, the number of names, is free. What made it is written inside as JSON. Nothing here uses a network
connection. Axes: b stock, t step in time order, f factor or field, k task.
"""

import importlib
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import Inputs, WindowInputs
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import build
from fusion_factor.training.device import exact_arithmetic
from fusion_factor.training.scoring import load_network, network_settings, positions_of, predict, score_sessions
from fusion_factor.training.settings import NetworkSettings

ABOUT = "fusion_factor"
"""Key of the JSON text in the file's metadata."""
_RECORDED = ("network", "seed", "first_use", "label_until")
_CHECKED_SESSIONS = 3


@dataclass(frozen=True)
class Exported:
    """A written file: its inputs (name to shape, None = names), its tasks, and how it was checked.

    difference  the largest |served - predicted| over the checked sessions, as a share of the largest |predicted|
                where that exceeds 1.
    """

    path: Path
    inputs: dict[str, tuple[int | None, ...]]
    tasks: tuple[str, ...]
    sessions: int
    rows: int
    difference: float


def export_onnx(
    checkpoint: Checkpoint | str | Path,
    features: FeatureSet,
    path: str | Path,
    *,
    sessions: npt.NDArray[np.datetime64] | None = None,
    tolerance: float = 1e-5,
) -> Exported:
    """Write the network as ONNX (one file, inputs window_0, window_1, ..., output `scores` [b, k]).

    features   whose windows the network reads: one gives the shapes, those of `sessions` the check by onnxruntime.
    sessions   dates to check; None: the last three that have inputs.
    tolerance  of the difference to `predict`, see Exported.

    Raises ConfigError without the extra `onnx` or for a network that cannot be exported, DataError when the scores
    differ by more; `path` is then as it was before.
    """
    _needed("onnxscript")
    _needed("onnxruntime")

    def write(program: torch.export.ExportedProgram, about: str, names: list[str], target: Path) -> None:
        made = torch.onnx.export(
            program, dynamo=True, input_names=names, output_names=["scores"], external_data=False, verbose=False
        )
        assert made is not None
        made.model.metadata_props[ABOUT] = about
        made.save(str(target), external_data=False)

    return _export(checkpoint, features, Path(path), ".onnx", write, sessions, tolerance)


def export_program(
    checkpoint: Checkpoint | str | Path,
    features: FeatureSet,
    path: str | Path,
    *,
    sessions: npt.NDArray[np.datetime64] | None = None,
    tolerance: float = 1e-5,
) -> Exported:
    """Write the network as a torch.export program (`.pt2`), called with one tuple of windows; as `export_onnx`."""

    def write(program: torch.export.ExportedProgram, about: str, names: list[str], target: Path) -> None:
        torch.export.save(program, target, extra_files={ABOUT: about})

    return _export(checkpoint, features, Path(path), ".pt2", write, sessions, tolerance)


def served_scores(
    path: str | Path, features: FeatureSet, sessions: npt.NDArray[np.datetime64], *, threads: int = 1
) -> pd.DataFrame:
    """What `predict` gives, computed by an exported file on the CPU: date, symbol, and one float32 column a task.

    Load `.pt2` files of your own only. Raises DataError for a file that is missing or not one of these.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file}: there is no such file")
    opened = _OnnxNetwork(file, threads) if file.suffix == ".onnx" else _ProgramNetwork(file)
    settings = NetworkSettings(**opened.about["network"])
    inputs = build(settings.inputs, WindowInputs, features, device="cpu")  # type: ignore[type-abstract]
    with exact_arithmetic(threads):
        return score_sessions(opened, inputs, features, positions_of(features, sessions))


class _OnnxNetwork(nn.Module):
    """An ONNX file in the place of the network."""

    def __init__(self, file: Path, threads: int) -> None:
        super().__init__()
        runtime = _needed("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        try:
            self.session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # onnxruntime raises a type of its own for each way to be damaged.
            raise DataError(f"{file}: not a readable ONNX file ({str(error).splitlines()[0]})") from error
        self.names = [each.name for each in self.session.get_inputs()]
        self.about = _read_about(file, self.session.get_modelmeta().custom_metadata_map.get(ABOUT))
        self.tasks = tuple(self.about["tasks"])

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores y_bk of the windows."""
        given = {name: x_btf.contiguous().numpy() for name, x_btf in zip(self.names, inputs, strict=True)}
        return torch.from_numpy(self.session.run(None, given)[0])


class _ProgramNetwork(nn.Module):
    """A torch.export program in the place of the network; it has no training mode to leave."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        extra = {ABOUT: ""}
        try:
            program = torch.export.load(file, extra_files=extra)
        except Exception as error:
            raise DataError(f"{file}: not a readable torch.export file ({str(error).splitlines()[0]})") from error
        self.about = _read_about(file, extra[ABOUT])
        self.tasks = tuple(self.about["tasks"])
        self._called: Callable[[Inputs], Tensor] = program.module().forward

    def forward(self, inputs: Inputs) -> Tensor:
        """Scores y_bk of the windows."""
        return self._called(tuple(x_btf.contiguous() for x_btf in inputs))


Write = Callable[[torch.export.ExportedProgram, str, list[str], Path], None]


def _export(
    checkpoint: Checkpoint | str | Path,
    features: FeatureSet,
    path: Path,
    suffix: str,
    write: Write,
    sessions: npt.NDArray[np.datetime64] | None,
    tolerance: float,
) -> Exported:
    """Trace on one session's windows, write beside the place, check what was written, and put it there."""
    if path.suffix != suffix:
        raise ConfigError(f"path: {path} must end with {suffix}")
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint.read(checkpoint)
    settings = network_settings(checkpoint)
    inputs = build(settings.inputs, WindowInputs, features, device="cpu")  # type: ignore[type-abstract]
    chosen = _sessions(inputs, features, sessions)
    windows, _ = inputs.at(int(positions_of(features, chosen)[-1]))
    names = [f"window_{i}" for i in range(len(windows))]
    network = load_network(checkpoint)
    tasks: tuple[str, ...] = tuple(getattr(network, "tasks", ()))
    about = {name: checkpoint.about.get(name) for name in _RECORDED} | {
        "tasks": list(tasks),
        "inputs": {name: list(x_btf.shape[1:]) for name, x_btf in zip(names, windows, strict=True)},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with _quiet(), exact_arithmetic(1):
            write(_trace(network, settings.name, windows), json.dumps(about, sort_keys=True), names, temporary)
        rows, difference = _difference(checkpoint, temporary, features, chosen)
        if not difference <= tolerance:
            raise DataError(
                f"{path}: served scores differ from predicted ones by {difference:.2g}, limit {tolerance:g}"
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    shapes = {name: (None, *x_btf.shape[1:]) for name, x_btf in zip(names, windows, strict=True)}
    return Exported(path, shapes, tasks, len(chosen), rows, difference)


def _trace(network: nn.Module, name: str, windows: Inputs) -> torch.export.ExportedProgram:
    """The network as a graph of the windows, free in the number of names."""
    names = torch.export.Dim("names", min=1)
    example = tuple(x_btf.contiguous() for x_btf in windows)
    try:
        return torch.export.export(network.eval(), (example,), dynamic_shapes=(tuple({0: names} for _ in example),))
    except Exception as error:
        # Whatever a user's network does that cannot be traced.
        raise ConfigError(f"network {name}: cannot be exported: {str(error).strip().splitlines()[0]}") from error


def _difference(
    checkpoint: Checkpoint, file: Path, features: FeatureSet, sessions: npt.NDArray[np.datetime64]
) -> tuple[int, float]:
    """Rows compared, and the largest difference of served and predicted scores, see Exported."""
    predicted = predict(checkpoint, features, sessions, device="cpu")
    served = served_scores(file, features, sessions)
    a_rk, b_rk = (frame.iloc[:, 2:].to_numpy(np.float64) for frame in (predicted, served))
    return len(a_rk), float(np.max(np.abs(a_rk - b_rk) / np.maximum(np.abs(a_rk).max(axis=0), 1.0)))


def _sessions(
    inputs: WindowInputs, features: FeatureSet, sessions: npt.NDArray[np.datetime64] | None
) -> npt.NDArray[np.datetime64]:
    """The dates to check; DataError when the last of them has fewer than two names, which no shape comes from."""
    enough_t = inputs.has_inputs.sum(axis=1) >= 2
    if sessions is None:
        sessions = features.sessions[enough_t][-_CHECKED_SESSIONS:]
    sessions = np.asarray(sessions, dtype="datetime64[D]")
    if not len(sessions) or not enough_t[positions_of(features, sessions)[-1]]:
        raise DataError(f"sessions: {sessions[-1:]} has fewer than two names with inputs, an export needs them")
    return sessions


def _read_about(file: Path, text: str | None) -> dict[str, Any]:
    if not text:
        raise DataError(f"{file}: was not exported by this package (no {ABOUT} in its metadata)")
    return dict(json.loads(text))


def _needed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(f"export: {name} is not installed: pip install 'fusion-factor[onnx]'") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters warn of themselves (missing torchvision, deprecated names), never of the network."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
