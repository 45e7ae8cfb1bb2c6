"""Finished sessions on disk: one small file each, named by the session and a hash of all that it was made from.

A file is found again only under the same key, so nothing stale is ever read; one new session leaves the others where
they are. A file is written beside its place and renamed, so a reader sees it whole or not at all.

Legend of axes: s symbol of one session, f factor.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile)


class SessionStore:
    """Arrays by kind, session and key, in one folder.

    >>> import tempfile
    >>> store = SessionStore(Path(tempfile.mkdtemp()))
    >>> store.put("factors", np.datetime64("2024-01-02"), "k1", {"x": np.arange(3)})
    >>> store.find("factors", np.datetime64("2024-01-02"), "k1")["x"].tolist()
    [0, 1, 2]
    >>> store.find("factors", np.datetime64("2024-01-02"), "k2") is None
    True
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, kind: str, session: np.datetime64, key: str) -> bool:
        """Whether the arrays are there."""
        return self._file(kind, session, key).is_file()

    def find(self, kind: str, session: np.datetime64, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays of a session, None where they are not (or not readable, after a crash of the machine)."""
        file = self._file(kind, session, key)
        if not file.is_file():
            return None
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except _UNREADABLE:
            file.unlink(missing_ok=True)
            return None

    def put(self, kind: str, session: np.datetime64, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep the arrays of a session; texts as fixed-width text, never as objects."""
        file = self._file(kind, session, key)
        # a name of its own, as processes on several machines may write the same file
        temporary = file.with_name(f".{file.name}.{uuid4().hex}.tmp")
        with temporary.open("wb") as stream:
            np.savez(stream, **{name: _plain(values) for name, values in arrays.items()})  # type: ignore[arg-type]
        temporary.replace(file)

    def keep_only(self, kept: set[tuple[str, str, str]]) -> None:
        """Remove all files but those of (kind, session, key); files of former data or code are of no more use."""
        names = {self._name(*each) for each in kept}
        for file in self.folder.iterdir():
            if file.is_file() and file.name not in names:
                file.unlink(missing_ok=True)

    def _file(self, kind: str, session: np.datetime64, key: str) -> Path:
        return self.folder / self._name(kind, str(session), key)

    @staticmethod
    def _name(kind: str, session: str, key: str) -> str:
        return f"{session}.{kind}.{key}.npz"


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(np.str_) if values.dtype.kind == "O" else values
