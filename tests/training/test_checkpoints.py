"""Weights files: plain, checked, and whole after a kill at any moment."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion_factor.core.errors import DataError
from fusion_factor.networks import HighFrequencyNet
from fusion_factor.training.checkpoints import Checkpoint, save_plain


def checkpoint(seed: int = 0) -> Checkpoint:
    torch.manual_seed(seed)
    return Checkpoint(HighFrequencyNet().state_dict(), {"seed": seed, "history": [{"epoch": 0, "ic": 0.1}]})


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written = checkpoint(3)
    written.write(tmp_path / "a" / "x.ckpt")
    read = Checkpoint.read(tmp_path / "a" / "x.ckpt")
    assert read.about == written.about
    assert all(torch.equal(tensor, read.weights[name]) for name, tensor in written.weights.items())
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x.ckpt"], "nothing else is left"


def test_torch_reads_it_without_running_code(tmp_path: Path) -> None:
    checkpoint().write(tmp_path / "x.ckpt")
    content = torch.load(tmp_path / "x.ckpt", weights_only=True)
    assert sorted(content) == ["about", "digest", "format", "weights"]
    assert all(isinstance(tensor, torch.Tensor) for tensor in content["weights"].values())


def test_it_is_small(tmp_path: Path) -> None:
    checkpoint().write(tmp_path / "x.ckpt")
    assert (tmp_path / "x.ckpt").stat().st_size < 40_000


def outcome_of_reading(path: Path) -> tuple[Checkpoint | None, str]:
    try:
        return Checkpoint.read(path), ""
    except DataError as error:
        return None, str(error)


def test_damage_is_found_wherever_it_is(tmp_path: Path) -> None:
    """Bits flipped and ends cut off at random places: an error of ours, or the very same content."""
    path = tmp_path / "x.ckpt"
    checkpoint().write(path)
    whole, expected = path.read_bytes(), Checkpoint.read(path)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        read, message = outcome_of_reading(path)
        if read is None:
            assert "x.ckpt" in message
            assert "\n" not in message
            found += 1
            continue
        # Padding and unused fields of the zip may flip without effect.
        assert read.about == expected.about
        assert all(torch.equal(tensor, read.weights[name]) for name, tensor in expected.weights.items())
    assert found > 50
    for cut in rng.integers(0, len(whole), 30):
        path.write_bytes(whole[:cut])
        with pytest.raises(DataError):
            Checkpoint.read(path)


@pytest.mark.parametrize("content", [{"weights": {}}, [1, 2], {"format": "other"}])
def test_other_files_are_refused(tmp_path: Path, content: object) -> None:
    save_plain(tmp_path / "x.ckpt", content)
    with pytest.raises(DataError, match="not a weights file of this version"):
        Checkpoint.read(tmp_path / "x.ckpt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.ckpt: cannot be read"):
        Checkpoint.read(tmp_path / "none.ckpt")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_no_silent_success(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        checkpoint().write(tmp_path / "x.ckpt")


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_an_error_in_the_middle_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "x.ckpt"
    checkpoint(1).write(path)

    def fail(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"open": (Path, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[call], fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoint(2).write(path)
    monkeypatch.undo()
    assert Checkpoint.read(path).about["seed"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    choices = [checkpoint(seed) for seed in (0, 1)]
    choices[0].write(path)
    rng = np.random.default_rng(0)
    seen = set()
    for kill in range(200):
        if kill >= 30 and seen == {0, 1}:
            break
        child = os.fork()
        if child == 0:
            while True:
                for choice in reversed(choices):
                    choice.write(path)
        time.sleep(float(rng.uniform(0.001, 0.05)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(Checkpoint.read(path).about["seed"])
    assert seen == {0, 1}, "the children did write"
