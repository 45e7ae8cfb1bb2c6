"""Writing a store of versions: files beside the old ones, valid all at once by one rename of market.json.

Whatever kills the writing before that rename leaves the old version; after it the new one is whole. The last versions
are kept for readers that have them open; files that no kept version names are removed.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError
from fusion_factor.market.store_files import DESCRIPTION, StoreFiles, content_hash, read_description

LOCK = ".lock"
INCOMING = ".incoming"
VERSIONS = "versions"
PLACES = ("tables", "bars", "pools")


@contextmanager
def locked(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the store for one writer. Raises DataError when another process holds it for longer than `wait_seconds`.

    The lock belongs to the process: it ends with it, however that ends. Readers need none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait_seconds
    with (folder / LOCK).open("a+") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise DataError(f"store {folder}: another process is writing to it; try again later") from None
                time.sleep(0.1)
        yield


class NextVersion:
    """The version that is being made. Parts that are not put stay what they are.

    folder: a store of versions, or an empty folder. Raises DataError for a market folder of plain names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.description: dict[str, Any] = read_description(folder) or {}
        if self.description and "files" not in self.description:
            raise DataError(f"store {folder}: is a market folder of plain names, no store that ingest has made")
        strange = [] if self.description else [path.name for path in folder.iterdir() if not path.name.startswith(".")]
        if strange and not set(strange) <= {*PLACES, VERSIONS}:
            raise DataError(f"store {folder}: is no store and not empty (there is {sorted(strange)[0]})")
        self.old: dict[str, str] = dict(self.description.get("files", {}))
        StoreFiles(folder, self.old)  # refuses paths that are none
        self.files = dict(self.old)
        shutil.rmtree(folder / INCOMING, ignore_errors=True)

    def put(self, part: str, write: Callable[[Path], None]) -> bool:
        """Have `write` make the part's file; whether its content is new. The same content is not written twice."""
        incoming = self.folder / INCOMING
        incoming.mkdir(exist_ok=True)
        made = incoming / "part.parquet"
        write(made)
        place = part if "/" in part else f"tables/{part}"
        path = f"{place}.{content_hash(made)}.parquet"
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with made.open("rb") as stream:
            os.fsync(stream.fileno())
        made.replace(target)
        self.files[part] = path
        return self.old.get(part) != path

    def drop(self, part: str) -> None:
        """The part is no longer there."""
        self.files.pop(part, None)

    def candidate(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The description of the new version."""
        version = int(self.description.get("version", 0)) + 1
        return {**content, "version": version, "files": dict(sorted(self.files.items()))}

    def same(self, candidate: Mapping[str, Any]) -> bool:
        """Whether the new version would be the old one."""
        plain = json.loads(json.dumps(candidate, default=str))
        return {**plain, "version": None} == {**self.description, "version": None}

    def commit(self, candidate: Mapping[str, Any], keep: int) -> None:
        """Make the candidate the store's version, and remove what only versions before the last `keep` need."""
        text = json.dumps(candidate, indent=1, default=str) + "\n"
        kept = self.folder / VERSIONS
        kept.mkdir(exist_ok=True)
        for place in {(self.folder / path).parent for path in self.files.values()}:
            _sync_folder(place)
        write_file(kept / f"{candidate['version']}.json", text)
        write_file(self.folder / DESCRIPTION, text)
        _sync_folder(self.folder)
        self.clean(int(candidate["version"]), keep)

    def clean(self, version: int, keep: int) -> None:
        """Remove the files that no version of the last `keep`, nor market.json, names."""
        shutil.rmtree(self.folder / INCOMING, ignore_errors=True)
        needed = set((read_description(self.folder) or {}).get("files", {}).values())
        for path in (self.folder / VERSIONS).glob("*.json"):
            number = int(path.stem) if path.stem.isdigit() else -1
            if number > version or number <= version - keep:
                path.unlink(missing_ok=True)
            else:
                needed |= set(json.loads(path.read_text())["files"].values())
        for place in PLACES:
            for path in (self.folder / place).rglob("*.parquet"):
                if str(path.relative_to(self.folder)) not in needed:
                    path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
