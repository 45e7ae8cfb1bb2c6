"""The store of vectors: what was appended comes back, a kill loses little, damage is told."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.text.vector_store import VectorStore, text_key

KEYS = [text_key(text) for text in ("a", "b", "c", "d", "e")]
ROWS = np.arange(20, dtype=np.float32).reshape(5, 4)


def filled(folder: Path, count: int = 3) -> VectorStore:
    store = VectorStore(folder)
    store.append(KEYS[:count], ROWS[:count])
    return store


def test_what_was_appended_is_read_in_any_order_and_kept_once(tmp_path: Path) -> None:
    store = filled(tmp_path / "s")
    store.append([KEYS[4], KEYS[1], KEYS[4]], ROWS[[4, 0, 2]])
    for each in (store, VectorStore(tmp_path / "s")):
        assert len(each) == 4
        np.testing.assert_array_equal(each.positions(KEYS), [0, 1, 2, -1, 3])
        np.testing.assert_array_equal(each.read(np.array([3, 0, 1])), ROWS[[4, 0, 1]])


@pytest.mark.parametrize(("vectors", "keys"), [(5, 0), (16, 0), (16, 7), (3, 0)])
def test_what_an_interrupted_writer_left_is_cut_off(tmp_path: Path, vectors: int, keys: int) -> None:
    """Bytes of a row without its record, or of a record that is not whole."""
    filled(tmp_path)
    with (tmp_path / "vectors.bin").open("ab") as stream:
        stream.write(b"x" * vectors)
    with (tmp_path / "keys.bin").open("ab") as stream:
        stream.write(b"x" * keys)
    store = VectorStore(tmp_path)
    assert len(store) == 3
    store.append(KEYS[3:], ROWS[3:])
    again = VectorStore(tmp_path)
    np.testing.assert_array_equal(again.read(again.positions(KEYS)), ROWS)


def test_two_writers_do_not_overwrite_each_other(tmp_path: Path) -> None:
    first, second = filled(tmp_path, 2), VectorStore(tmp_path)
    second.append(KEYS[2:4], ROWS[2:4])
    first.append(KEYS[1:], ROWS[1:])
    again = VectorStore(tmp_path)
    np.testing.assert_array_equal(again.read(again.positions(KEYS)), ROWS)
    np.testing.assert_array_equal(first.read(first.positions(KEYS)), ROWS)


@pytest.mark.parametrize("place", range(0, 80, 13))
def test_a_flipped_byte_of_a_vector_is_told(tmp_path: Path, place: int) -> None:
    filled(tmp_path, 5)
    flip(tmp_path / "vectors.bin", place)
    store = VectorStore(tmp_path)
    rows = np.array([k for k in range(5) if k != place // 16])
    np.testing.assert_array_equal(store.read(rows), ROWS[rows])
    with pytest.raises(DataError, match=f"vector {place // 16} does not match .* delete the folder"):
        store.read(np.arange(5))


def test_damaged_keys_and_lost_vectors_are_told(tmp_path: Path) -> None:
    filled(tmp_path / "a")
    flip(tmp_path / "a" / "keys.bin", 30)
    with pytest.raises(DataError, match="key 1 does not match"):
        VectorStore(tmp_path / "a")
    filled(tmp_path / "b")
    with (tmp_path / "b" / "vectors.bin").open("r+b") as stream:
        stream.truncate(40)
    with pytest.raises(DataError, match=r"3 keys, but vectors\.bin holds 40 bytes"):
        VectorStore(tmp_path / "b")
    filled(tmp_path / "c")
    (tmp_path / "c" / "about.json").write_text("{")
    with pytest.raises(DataError, match=r"about\.json cannot be read"):
        VectorStore(tmp_path / "c")


def test_vectors_of_another_length_or_without_value_are_refused(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(DataError, match="holds vectors of 4 numbers, got 5"):
        store.append(KEYS[3:4], np.ones((1, 5), dtype=np.float32))
    with pytest.raises(DataError, match="not finite"):
        store.append(KEYS[3:4], np.full((1, 4), np.nan, dtype=np.float32))
    assert len(VectorStore(tmp_path)) == 3


def test_a_killed_writer_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    """A process appends row after row until it is killed; every row that it had finished is there and right."""
    code = (
        "import sys, numpy as np; from fusion_factor.text.vector_store import *\n"
        f"store = VectorStore({str(tmp_path / 's')!r})\n"
        "for k in range(10**6):\n"
        "    store.append([text_key(str(k))], np.full((1, 300), k, dtype=np.float32)); print(k, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.3)
        writer.kill()
        told = [int(line) for line in writer.stdout.read().split()]
    store = VectorStore(tmp_path / "s")
    assert len(store) > max(told, default=0)
    positions = store.positions([text_key(str(k)) for k in range(len(store))])
    np.testing.assert_array_equal(store.read(positions)[:, 7], np.arange(len(store)))


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)
