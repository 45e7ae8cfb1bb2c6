"""Folders that are either wholly there or not there, and the manifests that say how they were made.

A stage writes into a temporary sibling of its folder; one rename puts it in place, so a reader sees the old
artifact or the new one, never a half of either. `manifest.json` inside says from what it was made.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
_RECORDED_PACKAGES = ("torch", "lightning", "numpy", "pandas", "pyarrow", "numba", "hydra-core")
_CHUNK = 1 << 20


@contextmanager
def new_artifact(folder: str | Path, *, keep_partial: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling of `folder`; on success it replaces `folder` by one rename, on an error `folder` stays.

    With `keep_partial` the temporary folder has a fixed name and survives an error or a crash, so that long work
    can look there for what is already finished and go on.
    """
    target = Path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = "partial" if keep_partial else str(os.getpid())
    temporary = target.with_name(f".{target.name}.{suffix}")
    if not keep_partial:
        shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(exist_ok=True)
    try:
        yield temporary
    except BaseException:
        if not keep_partial:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    _replace_folder(temporary, target)


def _replace_folder(temporary: Path, target: Path) -> None:
    """Put `temporary` where `target` is. A crash in between leaves the old folder under `.NAME.old`."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def recover_artifact(folder: str | Path) -> None:
    """Undo a crash between the two renames of `new_artifact`: bring the old folder back if no new one is there."""
    target = Path(folder)
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write one file so that a reader sees the old content or the new one."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(target)


def hash_of(value: Any) -> str:
    """A short hash of any JSON-like value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprint(*paths: str | Path) -> str:
    """A short hash of the contents of files and folders.

    Names inside a folder count; its hidden files and its manifest, which tells times and machines, do not.
    """
    digest = hashlib.sha256()
    for path in map(Path, paths):
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p, path))
        for file in files:
            digest.update(str(file.relative_to(path) if file != path else file.name).encode())
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()[:16]


def hash_of_arrays(*arrays: npt.NDArray[Any] | None) -> str:
    """A short hash of arrays' shapes, types and values; texts may be objects, None counts as absent."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"-")
            continue
        plain = array.astype(str) if array.dtype.kind == "O" else array
        digest.update(f"{plain.shape} {plain.dtype.str} ".encode())
        digest.update(np.ascontiguousarray(plain).view(np.uint8).data if plain.size else b"")
    return digest.hexdigest()[:16]


def _hidden(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return parts == (MANIFEST,) or any(part.startswith(".") or part == "__pycache__" for part in parts)


def write_manifest(folder: str | Path, content: Mapping[str, Any]) -> None:
    """Write `manifest.json`, with the versions of the packages and of the code added."""
    full = {"schema": SCHEMA_VERSION, **content, "versions": package_versions(), "commit": code_commit()}
    write_file(Path(folder) / MANIFEST, json.dumps(full, indent=1, default=str) + "\n")


def read_manifest(folder: str | Path) -> dict[str, Any] | None:
    """The manifest of an artifact, or None where there is none. Raises DataError when it cannot be read."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: not a readable manifest ({error}); delete the folder to build it anew") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: not a manifest; delete the folder to build it anew")
    return content


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that numbers depend on."""
    found = {}
    for name in ("fusion-factor", *_RECORDED_PACKAGES):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def code_commit() -> str | None:
    """The commit of the checkout that holds this package, `+` when files differ from it; None outside of a checkout."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    run = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    return run.stdout.strip()


def now() -> str:
    """The time of day in UTC, to the second, for manifests."""
    return datetime.now(UTC).isoformat(timespec="seconds")
