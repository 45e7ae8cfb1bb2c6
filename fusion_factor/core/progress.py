"""How far long work is: a bar with rate and time left on a terminal, a line every ten seconds elsewhere."""

import logging
import sys
import time
from types import TracebackType

from tqdm import tqdm

log = logging.getLogger("fusion_factor")
EVERY_SECONDS = 10.0


class Progress:
    """Counts finished units; use as a context manager and call `step` after each unit.

    `resumed`: units that were finished before, which do not count for the rate. `shown` False: says nothing.
    """

    def __init__(self, what: str, total: int, *, resumed: int = 0, unit: str = "session", shown: bool = True) -> None:
        self.what, self.total, self.done, self.resumed, self.unit = what, total, resumed, resumed, unit
        self.shown = shown and total > 0
        self.began = self.said = time.monotonic()
        terminal = self.shown and sys.stderr.isatty()
        self.bar = tqdm(total=total, initial=resumed, desc=what, unit=unit, leave=False) if terminal else None

    def __enter__(self) -> "Progress":
        if self.shown and self.resumed:
            log.info("%s: %d of %d %ss are there already", self.what, self.resumed, self.total, self.unit)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def step(self, units: int = 1) -> None:
        """Count finished units, and say so if it is time."""
        self.done += units
        if self.bar is not None:
            self.bar.update(units)
        elif self.shown and time.monotonic() - self.said >= EVERY_SECONDS:
            self.said = time.monotonic()
            log.info("%s", self.line())

    def line(self) -> str:
        """One line: how many of how many, rate, time left."""
        rate = (self.done - self.resumed) / max(time.monotonic() - self.began, 1e-9)
        left = (self.total - self.done) / rate if rate > 0 else float("inf")
        return f"{self.what}: {self.done}/{self.total} {self.unit}s, {rate:.1f} a second, {left:.0f} s left"
