"""Weights on disk: plain tensors and one JSON text, never pickled objects.

A file is written beside its place, flushed, renamed and read back, so that a crash leaves the old file or the new
one. A digest over weights and text is stored in it and checked at every reading.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError

FORMAT = "fusion-factor-weights-1"


@dataclass(frozen=True)
class Checkpoint:
    """A fitted network.

    weights  the network's state, CPU tensors.
    about    how it came to be: `network` (settings), `fit`, `fold`, `seed`, `first_use`, `label_until`, `job` (hash),
             `best_epoch`, `objective`, `history`, ...: JSON-like.
    """

    weights: Mapping[str, Tensor]
    about: Mapping[str, Any]

    def write(self, path: str | Path) -> None:
        """Write the file and read it back; DataError when what is read differs."""
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.weights.items()}
        about = json.dumps(self.about, sort_keys=True)
        save_plain(path, {"format": FORMAT, "about": about, "weights": weights, "digest": _digest(weights, about)})

    @classmethod
    def read(cls, path: str | Path) -> "Checkpoint":
        """Read a file onto the CPU; DataError when it is missing, damaged or something else."""
        content = load_plain(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DataError(f"{path}: not a weights file of this version ({FORMAT})")
        if _digest(content["weights"], content["about"]) != content["digest"]:
            raise DataError(f"{path}: the weights do not match their digest; delete the file to train it anew")
        return cls(content["weights"], json.loads(content["about"]))


def save_plain(path: str | Path, content: Any) -> None:
    """Write tensors, numbers, texts, lists and dicts so that a crash leaves the old file or the new one.

    Raises OSError when that fails, on a full disk for example; nothing half written is left behind then.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    try:
        write_file(target, buffer.getvalue())
    except OSError:
        # On a full disk a half-written file would take the room that the next attempt needs.
        target.with_name(f".{target.name}.{os.getpid()}").unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)
    if target.read_bytes() != buffer.getvalue():
        raise DataError(f"{target}: what was read back differs from what was written")
    load_plain(target)


def load_plain(path: str | Path) -> Any:
    """Read what `save_plain` wrote, onto the CPU and without running code; DataError when that fails."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        # A damaged zip or pickle shows itself as any of a dozen types.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: not a readable weights file ({reason})") from error


def _digest(weights: Mapping[str, Tensor], about: str) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(weights):
        tensor = weights[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
