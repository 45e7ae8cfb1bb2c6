"""Vectors on disk by text: append-only files that are memory-mapped, survive a kill and tell when they are damaged.

A store is a folder of one encoder: `about.json` (dimensions, how the vectors were made), `vectors.bin` (float32 rows)
and `keys.bin` (one record a row: hash of the text, checksum of the row, checksum of the record). Rows are flushed to
the disk before their records, so a kill leaves at most bytes that no record speaks of; the next writer cuts them off.
"""

import contextlib
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.core.artifacts import write_file
from fusion_factor.core.errors import DataError

Matrix = np.ndarray[Any, np.dtype[np.float32]]
Positions = np.ndarray[Any, np.dtype[np.int64]]

_FORMAT = "fusion-factor-vectors-1"
_KEY_BYTES = 16
_RECORD = struct.Struct(f"<{_KEY_BYTES}sII")


def text_key(text: str) -> bytes:
    """16 bytes by which a text is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_KEY_BYTES]


class VectorStore:
    """The stored vectors of one encoder.

    folder  made at the first `append`. about  how the vectors are made, written beside them; for people.

    Several processes may append to one store where the system can lock files (POSIX). Raises DataError for a store
    that is damaged or of another version, naming the folder to delete.
    """

    def __init__(self, folder: str | Path, about: Mapping[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.about = dict(about or {})
        self._rows: dict[bytes, int] = {}
        self._sums: list[int] = []
        self._dimensions: int | None = None
        if self.folder.is_dir() and (self.folder / "about.json").exists():
            self._dimensions = self._read_about()
            self._read_keys()

    def __len__(self) -> int:
        return len(self._sums)

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows

    def positions(self, keys: Sequence[bytes]) -> Positions:
        """Row of each key, -1 where there is none."""
        return np.array([self._rows.get(key, -1) for key in keys], dtype=np.int64)

    def read(self, positions: Positions) -> Matrix:
        """Copies of rows, float32 [M, D], each checked against its sum."""
        if self._dimensions is None:
            raise DataError(f"{self.folder}: nothing is stored here")
        stored = np.memmap(self._vectors, dtype=np.float32, mode="r", shape=(len(self), self._dimensions))
        rows = np.array(stored[positions])
        for position, row in zip(positions.tolist(), rows, strict=True):
            if zlib.crc32(row.tobytes()) != self._sums[position]:
                raise self._damaged(f"vector {position} does not match its checksum")
        return rows

    def append(self, keys: Sequence[bytes], vectors: Matrix) -> None:
        """Add rows; a key that is there already keeps its row. When this returns, they are on the disk."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if len(keys) != len(vectors) or not np.isfinite(vectors).all():
            raise DataError(f"{len(keys)} keys for {len(vectors)} vectors, or a vector that is not finite")
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._begin(vectors.shape[1])
            new: dict[bytes, int] = {}
            for place, key in enumerate(keys):
                if key not in self._rows:
                    new.setdefault(key, place)
            rows = vectors[list(new.values())]
            sums = [zlib.crc32(row.tobytes()) for row in rows]
            records = [self._record(key, each) for key, each in zip(new, sums, strict=True)]
            self._write(self._vectors, len(self) * vectors.shape[1] * 4, rows.tobytes())
            self._write(self._keys, len(self) * _RECORD.size, b"".join(records))
            for key, each in zip(new, sums, strict=True):
                self._rows[key] = len(self._sums)
                self._sums.append(each)

    @property
    def _keys(self) -> Path:
        return self.folder / "keys.bin"

    @property
    def _vectors(self) -> Path:
        return self.folder / "vectors.bin"

    def _begin(self, dimensions: int) -> None:
        """Under the lock: what others have appended meanwhile, or a new store."""
        if (self.folder / "about.json").exists():
            self._dimensions = self._read_about()
            self._read_keys()
        else:
            content = {"format": _FORMAT, "dimensions": dimensions, **self.about}
            write_file(self.folder / "about.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
            self._dimensions = dimensions
        if self._dimensions != dimensions:
            raise DataError(f"{self.folder}: holds vectors of {self._dimensions} numbers, got {dimensions}")

    def _read_about(self) -> int:
        try:
            content = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
            dimensions = content["dimensions"]
            if content["format"] != _FORMAT or not isinstance(dimensions, int) or dimensions < 1:
                raise ValueError(f"not of format {_FORMAT}")
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"about.json cannot be read ({error})") from error
        return dimensions

    def _read_keys(self) -> None:
        """Read the records that are new since the last time; a last one that is cut short was never finished."""
        assert self._dimensions is not None
        data = self._keys.read_bytes() if self._keys.exists() else b""
        count = len(data) // _RECORD.size
        size = self._vectors.stat().st_size if self._vectors.exists() else 0
        if size < count * self._dimensions * 4:
            raise self._damaged(f"{count} keys, but vectors.bin holds {size} bytes")
        for position in range(len(self._sums), count):
            raw = data[position * _RECORD.size : (position + 1) * _RECORD.size]
            key, row_sum, record_sum = _RECORD.unpack(raw)
            if zlib.crc32(raw[:-4]) != record_sum:
                raise self._damaged(f"key {position} does not match its checksum")
            self._rows.setdefault(key, position)
            self._sums.append(row_sum)

    @staticmethod
    def _record(key: bytes, row_sum: int) -> bytes:
        start = _RECORD.pack(key, row_sum, 0)[:-4]
        return start + struct.pack("<I", zlib.crc32(start))

    @staticmethod
    def _write(path: Path, end: int, data: bytes) -> None:
        """Write at `end`, cutting off what an interrupted writer left there, and wait for the disk."""
        with path.open("r+b" if path.exists() else "w+b") as stream:
            stream.truncate(end)
            stream.seek(end)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as stream:
            with contextlib.suppress(ImportError):
                import fcntl

                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _damaged(self, what: str) -> DataError:
        return DataError(f"{self.folder}: the store of vectors is damaged: {what}; delete the folder to encode anew")
