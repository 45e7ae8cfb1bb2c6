"""What a fit leaves on disk to go on from, and what it does when the disk or the device is full."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fusion_factor.core.errors import DataError
from fusion_factor.training.checkpoints import load_plain, save_plain
from fusion_factor.training.guard import Diary, FitFailed
from fusion_factor.training.settings import FitSettings


class Unfinished:
    """The state of a fit after its last saved epoch, beside the place of its weights.

    Holds the job's hash, so that a foreign file counts for nothing, and the fit settings in use, which differ from the
    job's when batches had to be halved. A damaged file counts for nothing, and is told.
    """

    def __init__(self, path: Path, job_hash: str, diary: Diary) -> None:
        self.path, self.job_hash, self.diary = path, job_hash, diary

    def read(self) -> dict[str, Any] | None:
        """`settings`, `state` and `warnings` of this very job, or None."""
        if not self.path.is_file():
            return None
        try:
            content = load_plain(self.path)
        except DataError as error:
            self.diary.warn("damaged", f"starts anew: {error}")
            return None
        fits = isinstance(content, dict) and content.get("job") == self.job_hash and "settings" in content
        return content if fits else None

    def save(self, state: dict[str, Any], settings: FitSettings, epoch: int) -> None:
        """Keep a state. A full disk is told every time it is met; the fit itself goes on."""
        content = {"job": self.job_hash, "settings": asdict(settings), "state": state, "warnings": self.diary.lines}
        try:
            save_plain(self.path, content)
        except OSError as error:
            self.diary.warn(
                f"save {epoch}",
                f"epoch {epoch}: {self.path} could not be saved: {reason(error, self.path)}; the fit goes on, a kill "
                "would throw it back to the last saved epoch",
            )

    def drop(self) -> None:
        """The fit is finished."""
        self.path.unlink(missing_ok=True)


@contextmanager
def files_of(name: str, target: Path) -> Iterator[None]:
    """Turns an OSError within into one line that names the fit, the file and the room left: FitFailed."""
    try:
        yield
    except OSError as error:
        path = Path(os.fsdecode(error.filename)) if error.filename else target
        raise FitFailed(f"{name}: {path} could not be written or read: {reason(error, path)}") from error


def reason(error: OSError, path: Path) -> str:
    """The system's words, and for a full disk the room that is left."""
    text = error.strerror or str(error)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return text
    folder = next((parent for parent in path.absolute().parents if parent.is_dir()), Path("/"))
    return f"{text} ({shutil.disk_usage(folder).free / 1e6:.0f} MB free on the disk of {folder})"


def drop_leftovers(checkpoint: Path) -> None:
    """Remove what killed writers of this fit's files left half written."""
    for path in checkpoint.parent.glob(f".{checkpoint.stem}.*"):
        path.unlink(missing_ok=True)


def halved(settings: FitSettings, largest: int, diary: Diary) -> FitSettings:
    """Settings with half the batch, told; `largest` is the number of labelled names of the largest date.

    The result is that of a fit with the smaller batch from its first epoch on. FitFailed when half is less than
    `min_names`.
    """
    if getattr(settings, "batch_mode", "date") == "shuffle":
        # rows of mixed dates: no date has to be whole
        name, before = "rows_per_batch", int(getattr(settings, "rows_per_batch", 0))
    else:
        name, before = "names_per_batch", min(settings.names_per_batch or largest, largest)
    half = before // 2
    if half < settings.min_names:
        raise FitFailed(
            f"{diary.name}: out of memory on the device with {name} {before}; half of it is below min_names "
            f"({settings.min_names})"
        )
    diary.warn(
        f"halved {half}",
        f"out of memory on the device: {name} halved from {before} to {half}, the fit starts anew with it",
    )
    changed: dict[str, Any] = {name: half}
    return replace(settings, **changed)
