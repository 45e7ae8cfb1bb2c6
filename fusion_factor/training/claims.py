"""Who works on which trial: one small file a trial, its time of change is the owner's heartbeat.

A trial is abandoned when its owner let go of it, when the owner's process is gone (told at once on the same machine) or
when the last beat is older than the patience. All methods but `beat` are called under the lock of the study. Beats are
compared with the clock of the file system that holds them, never with that of the machine that asks.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusion_factor.core.artifacts import write_file


class Claims:
    """The claims on the trials of a study, in `folder`; `patience_seconds` without a beat and a trial is free again."""

    def __init__(self, folder: str | Path, patience_seconds: float) -> None:
        self.folder = Path(folder)
        self.patience_seconds = patience_seconds
        self.folder.mkdir(parents=True, exist_ok=True)

    def take(self, number: int) -> str:
        """Take a trial for this process; the token that proves it. The count of attempts goes up."""
        token = uuid.uuid4().hex
        self._write(number, {"attempts": self.attempts(number) + 1, "token": token, **_this_process()})
        return token

    def holds(self, number: int, token: str) -> bool:
        """Whether the trial is still that of `token`: it was not, if this process slept longer than the patience."""
        return self._read(number).get("token") == token

    def let_go(self, number: int, token: str) -> None:
        """Give a trial back unfinished, without the attempt being counted."""
        if self.holds(number, token):
            self._write(number, {"attempts": self.attempts(number) - 1})

    def attempts(self, number: int) -> int:
        """How often the trial was begun."""
        return int(self._read(number).get("attempts", 0))

    def abandoned(self, number: int) -> bool:
        """Whether nobody works on the trial any more."""
        owner = self._read(number)
        if "token" not in owner:
            return True
        if owner.get("place") == _place() and not _is_alive(int(owner["pid"]), owner.get("started")):
            return True
        return self._now() - self._path(number).stat().st_mtime > self.patience_seconds

    @contextmanager
    def beating(self, number: int) -> Iterator[None]:
        """Beat in a thread of its own while the body runs."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(self.patience_seconds / 4):
                self.beat(number)

        thread = threading.Thread(target=beat, name=f"heartbeat of trial {number}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def beat(self, number: int) -> None:
        """Show that the owner is alive. A full disk or a lost connection costs a beat, not the trial."""
        try:
            os.utime(self._path(number))
        except OSError:
            return

    def _now(self) -> float:
        clock = self.folder / ".clock"
        clock.write_bytes(b"")
        return clock.stat().st_mtime

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04d}.json"

    def _read(self, number: int) -> dict[str, Any]:
        try:
            content = json.loads(self._path(number).read_text())
        except (OSError, ValueError):
            # Killed before the first word, or damaged: nobody's.
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, number: int, content: dict[str, Any]) -> None:
        write_file(self._path(number), json.dumps(content) + "\n")


def _this_process() -> dict[str, Any]:
    return {"place": _place(), "pid": os.getpid(), "started": _started(os.getpid())}


def _place() -> str:
    """Where a process number means something: the machine, and on it the namespace of process numbers."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """When the process began, in the kernel's ticks: the number of an ended process is given to another some day."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def _is_alive(pid: int, started: str | None) -> bool:
    if Path("/proc/self/stat").exists():
        return started is not None and _started(pid) == started and not _is_zombie(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
