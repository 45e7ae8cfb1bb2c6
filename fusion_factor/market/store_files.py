"""Where the parts of a market folder lie: under their plain names, or where `files` of market.json says.

A part is named as its plain path without the ending: `stock_prices`, `bars/2023-01-03`, `pools/theme/members`. In a
store of versions every file's name holds the hash of its content (`tables/stock_prices.0123456789abcdef.parquet`), so
that a file never changes: a reader that has read market.json sees one version whatever is written meanwhile.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.core.errors import DataError

DESCRIPTION = "market.json"
_LISTED = re.compile(r"(?:[A-Za-z0-9_\-]+/)*[A-Za-z0-9_\-]+\.([0-9a-f]{16})\.parquet")
_CHUNK = 1 << 20


def content_hash(path: Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:16]


class StoreFiles:
    """The files of one market folder. listed: `files` of market.json, part to relative path; None: plain names.

    Raises DataError for a path in `listed` that is not one that a store writes (absolute, outside of the folder).
    """

    def __init__(self, folder: Path, listed: Mapping[str, Any] | None) -> None:
        self.folder, self.listed = folder, listed
        self._seen: set[str] = set()
        if listed is None:
            return
        if not isinstance(listed, Mapping):
            raise DataError(f"{folder / DESCRIPTION}: files is no mapping of parts to paths")
        for part, path in listed.items():
            if not isinstance(path, str) or not _LISTED.fullmatch(path):
                raise DataError(f"{folder / DESCRIPTION}: files.{part} is {path!r}, no path that a store writes")

    def path(self, part: str) -> Path:
        """The file of a part, there or not; of a store of versions, its content has been compared with its name.

        Raises DataError for a listed file that is gone or whose content is another.
        """
        if self.listed is None or part not in self.listed:
            return self.folder / f"{part}.parquet"
        path = self.folder / self.listed[part]
        if part not in self._seen:
            if not path.is_file():
                raise DataError(f"{path}: is not there; the store has moved on or was damaged, open it anew")
            if content_hash(path) != self._hash(part):
                raise DataError(f"{path}: its content is not what its name says, the file is damaged")
            self._seen.add(part)
        return path

    def has(self, part: str) -> bool:
        """Whether the folder has the part."""
        return part in self.listed if self.listed is not None else (self.folder / f"{part}.parquet").is_file()

    def under(self, folder: str) -> list[str]:
        """The names of the parts in a folder (`bars`), or of its folders (`pools`), sorted."""
        if self.listed is not None:
            inside = (part.split("/") for part in self.listed)
            return sorted({names[1] for names in inside if names[0] == folder and len(names) > 1})
        place = self.folder / folder
        if not place.is_dir():
            return []
        return sorted(path.stem for path in place.iterdir() if path.is_dir() or path.suffix == ".parquet")

    def fingerprint(self, part: str) -> str:
        """A short hash of the part's content; of a store of versions it is read off the name."""
        if self.listed is not None and part in self.listed:
            return self._hash(part)
        return fingerprint(self.path(part))

    def _hash(self, part: str) -> str:
        assert self.listed is not None
        match = _LISTED.fullmatch(self.listed[part])
        assert match is not None  # checked when it was opened
        return match[1]


def read_description(folder: Path) -> dict[str, Any] | None:
    """market.json as it is; None where there is none. Raises DataError for what is no JSON object."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: must be an object")
    return content
