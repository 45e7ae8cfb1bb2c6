"""The file that a study is written to: Optuna itself, locks that die with their owner, and a mended last line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusion_factor.core.errors import ConfigError

log = logging.getLogger("fusion_factor.sweep")


def import_optuna() -> Any:
    """Optuna, or ConfigError that says how to get it."""
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise ConfigError("sweep: needs Optuna: pip install 'fusion-factor[optuna]'") from error
    return optuna


def file_lock(path: Path) -> Any:
    """A lock between processes, as a context; the kernel frees it when its owner dies."""
    try:
        from filelock import FileLock
    except ImportError as error:
        raise ConfigError("sweep: needs filelock: pip install 'fusion-factor[optuna]'") from error
    return FileLock(str(path), poll_interval=0.01)


class JournalLock:
    """The lock under which lines are added to the journal, in the form that Optuna asks for.

    Optuna's own locks are files whose owner's death is noticed by waiting half a minute. This one is freed by the
    kernel. A line that a dying writer (or a full disk) left without its end is taken off before the next is added.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = file_lock(journal.with_suffix(".lock"))

    def acquire(self) -> bool:
        """Wait for the lock, then mend the journal's end."""
        self._lock.acquire()
        _mend(self._journal)
        return True

    def release(self) -> None:
        """Let others write."""
        self._lock.release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it for a while."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


def _mend(journal: Path) -> None:
    if not journal.exists() or journal.stat().st_size == 0:
        return
    with journal.open("rb+") as stream:
        stream.seek(-1, 2)
        if stream.read(1) == b"\n":
            return
        stream.seek(0)
        whole = stream.read().rfind(b"\n") + 1
        stream.truncate(whole)
        log.warning("%s: an unfinished last line was taken off", journal)
