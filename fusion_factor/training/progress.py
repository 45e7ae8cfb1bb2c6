"""How far many jobs are: done, rate, time left, now and then."""

import logging
import time
from collections.abc import Callable, Sequence

from fusion_factor.training.executors import Outcome, Watcher

log = logging.getLogger("fusion_factor.training")
WARNING = "warning: "
"""Notes of a job that begin so are warnings."""


class JobProgress(Watcher):
    """Says a line when a job ends or fails, and every `seconds_between` while jobs run.

    names  of the jobs, for the lines. say  takes a line; the default is the log.
    """

    def __init__(
        self, names: Sequence[str], say: Callable[[str], None] | None = None, seconds_between: float = 10.0
    ) -> None:
        self.names = names
        self.say = say or log.info
        self.seconds_between = seconds_between
        self._notes: dict[int, str] = {}
        self._warned: set[str] = set()
        self._done = 0
        self._found = 0
        self._started = self._said = time.monotonic()

    def noted(self, index: int, text: str) -> None:
        """Remember the last word of a running job; a warning is told at once."""
        if text.startswith(WARNING):
            self._warn(text.removeprefix(WARNING))
        else:
            self._notes[index] = text
        self.idle()

    def idle(self) -> None:
        """Say how far things are when it is time again."""
        if time.monotonic() - self._said >= self.seconds_between:
            running = "; ".join(f"{self.names[index]} {text}" for index, text in sorted(self._notes.items()))
            self._say(running or "starting")

    def again(self, index: int, why: str) -> None:
        """Say that a job is run again."""
        self._notes.pop(index, None)
        self._say(f"{self.names[index]} {why}")

    def ended(self, outcome: Outcome) -> None:
        """Count the job and say what became of it."""
        self._notes.pop(outcome.index, None)
        self._done += 1
        name = self.names[outcome.index]
        if outcome.error is not None:
            self._say(f"{name} FAILED: {outcome.error}")
            return
        if getattr(outcome.result, "found", False):
            self._found += 1
            self._say(f"{name} found finished")
        else:
            self._say(f"{name} done")
        for warning in getattr(outcome.result, "warnings", ()):
            self._warn(warning)

    def _warn(self, text: str) -> None:
        """Each warning once: a cluster's jobs tell theirs only at the end, a pool's at once and at the end."""
        if text not in self._warned:
            self._warned.add(text)
            log.warning("%s", text)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        minutes = (self._said - self._started) / 60
        fitted = self._done - self._found
        pace = f"{fitted / minutes:.1f} jobs a minute" if fitted and minutes > 0 else "pace not known yet"
        left = len(self.names) - self._done
        until = f", {left * minutes / fitted:.1f} minutes left" if fitted and left else ""
        self.say(f"{self._done}/{len(self.names)} jobs, {pace}{until}: {text}")
