"""The intraday factors of every session: read, compute, keep; session by session, in threads, restartable.

A finished session is one small file (session_store.py) under a key of its own data, factors and code. An interrupted
run finds what is finished and goes on; a new session is computed alone; a corrected one is computed again, with those
that look back at it. A session that fails does not stop the others: what went wrong is told at the end. The result is
bit-identical whatever the number of threads.

Legend of axes in names: t session, n symbol of the market, s symbol of one session's data, f factor.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion_factor.core.errors import DataError, FusionFactorError
from fusion_factor.core.progress import Progress
from fusion_factor.features.bad_input import Line, as_arrays, as_lines
from fusion_factor.features.level2 import OrderStatistics
from fusion_factor.features.panel import Float32Array
from fusion_factor.features.session_factors import SessionFactors
from fusion_factor.features.session_store import SessionStore

FACTORS, ORDERS = "factors", "orders"


class _Done(NamedTuple):
    values_nf: Float32Array | None
    lines: list[Line]
    is_new: bool
    error: FusionFactorError | None = None


class FactorStream:
    """Factors [N, F] of each session with bars, in order of time.

    sessions  what computes one session. store: folder of finished sessions, kept between builds; `clear` removes it.
    workers   threads; None: one a core. Memory holds the data of as many sessions.
    """

    def __init__(self, sessions: SessionFactors, store: Path, workers: int | None = None) -> None:
        self.sessions, self.market, self.names = sessions, sessions.market, sessions.names
        self.positions = [int(t) for t in np.flatnonzero(np.isin(self.market.sessions, self.market.bar_sessions))]
        self.lines: list[Line] = []
        self.computed = 0
        self._store = SessionStore(store)
        self._workers = workers or os.cpu_count() or 1
        self._keys: dict[int, str] = {}
        # statistics of sessions that this run computes, for those after them
        self._coming: dict[int, Future[OrderStatistics]] = {}
        self._reading = threading.Lock()

    def __iter__(self) -> Iterator[tuple[int, Float32Array]]:
        """Pairs of session position and its factors float32 [N, F], NaN = missing."""
        return self.run(shown=False)

    def run(self, shown: bool = True) -> Iterator[tuple[int, Float32Array]]:
        """The same with a progress bar (`shown`). Raises DataError after the last session when some have failed."""
        self._find_keys(self.positions, shown)
        there = {t for t in self.positions if self._is_there(t)}
        self._coming = {t: Future() for t in self.positions if t not in there and self.sessions.has_ticks(t)}
        self.lines, failed = [], []
        with (
            Progress("intraday factors", len(self.positions), resumed=len(there), shown=shown) as progress,
            ThreadPoolExecutor(self._workers) as pool,
        ):
            try:
                for t, done in self._in_order(pool):
                    self.lines += done.lines
                    if done.error is not None:
                        failed.append((t, done.error))
                    if done.values_nf is not None:
                        yield t, done.values_nf
                    progress.step(int(done.is_new))
            finally:
                pool.shutdown(cancel_futures=True)
        self._refuse(failed, len(self.positions))
        self._drop_others()

    def at(self, positions: Sequence[int]) -> list[Float32Array]:
        """The factors of some sessions alone, computed where they are not stored yet; no stored file is removed.

        What goes with it: `lines` of their bad rows, and `computed`, how many were not there. Raises DataError when a
        session fails.
        """
        self._find_keys(positions, shown=False)
        self._coming = {}
        with ThreadPoolExecutor(self._workers) as pool:
            found = list(pool.map(self._session, positions))
        self.lines = [line for done in found for line in done.lines]
        self.computed = sum(done.is_new for done in found)
        self._refuse([(t, done.error) for t, done in zip(positions, found, strict=True) if done.error], len(found))
        return [done.values_nf for done in found if done.values_nf is not None]

    @property
    def session_keys(self) -> dict[int, str]:
        """What the sessions that were asked for are stored under: it changes with anything that they come from."""
        return dict(self._keys)

    def unfinished(self) -> list[int]:
        """Positions of sessions whose factors are not stored under their key."""
        self._find_keys(self.positions, shown=False)
        return [t for t in self.positions if not self._is_there(t)]

    def fill(self, positions: Sequence[int]) -> int:
        """Compute some sessions into the store, one after the other; how many were not there yet.

        What they look back at is read from the store or from the ticks, so that blocks of sessions need no order.
        Raises DataError after the last one when some have failed.
        """
        self._find_keys(positions, shown=False)
        self._coming, count, failed = {}, 0, []
        for t in positions:
            done = self._session(t)
            count += done.is_new
            if done.error is not None:
                failed.append((t, done.error))
        self._refuse(failed, len(positions))
        return count

    def clear(self) -> None:
        """Remove the finished sessions' files."""
        shutil.rmtree(self._store.folder, ignore_errors=True)

    def _find_keys(self, positions: Sequence[int], shown: bool) -> None:
        """The keys of sessions; hashing a file is cheaper than reading it, and threads share it. A session whose data
        cannot be read has none and fails when its turn comes."""
        with (
            Progress("looking for finished sessions", len(positions), shown=shown) as progress,
            ThreadPoolExecutor(self._workers) as pool,
        ):
            seen = {u for t in positions for u in (*self.sessions.looks_back(t), t)}
            ticked = sorted(u for u in seen if self.sessions.has_ticks(u))
            for _ in pool.map(_ignoring(self.sessions.statistics_key), ticked):  # first, as several keys read each
                pass
            for t, key in zip(positions, pool.map(_ignoring(self.sessions.key), positions), strict=True):
                self._keys[t] = key
                progress.step()

    def _is_there(self, t: int) -> bool:
        key = self._keys[t]
        return bool(key) and self._store.has(FACTORS, self.market.sessions[t], key)

    def _in_order(self, pool: ThreadPoolExecutor) -> Iterator[tuple[int, _Done]]:
        """Sessions as they are finished, in order of time; a few are ahead, so that the memory is bounded by the
        threads, not by the sessions. A session waits only for earlier ones, which were begun before it."""
        waiting: list[Future[_Done]] = []
        ahead = iter(self.positions)
        for t in self.positions:
            while len(waiting) < 2 * self._workers and (following := next(ahead, None)) is not None:
                waiting.append(pool.submit(self._session, following))
            yield t, waiting.pop(0).result()

    def _session(self, t: int) -> _Done:
        """One session's factors, from its file if it is there, else computed and kept."""
        try:
            return self._found(t) or self._made(t)
        except FusionFactorError as error:
            self._hand_on(t, error)
            return _Done(None, [], False, error)
        except BaseException as error:
            self._hand_on(t, error)
            raise

    def _found(self, t: int) -> _Done | None:
        arrays = self._store.find(FACTORS, self.market.sessions[t], self._keys[t])
        if arrays is None:
            return None
        return _Done(self.sessions.on_market(arrays["symbols"], arrays["values"]), as_lines(arrays), False)

    def _made(self, t: int) -> _Done:
        keep = partial(self._keep_statistics, t)
        values_sf, symbols, lines = self.sessions.compute(t, self._statistics, keep)
        key = self._keys[t] or self.sessions.key(t)  # raises what was wrong, if it still is
        arrays = {"symbols": symbols, "values": values_sf, **as_arrays(lines)}
        self._store.put(FACTORS, self.market.sessions[t], key, arrays)
        return _Done(self.sessions.on_market(symbols, values_sf), lines, True)

    # order statistics, which later sessions look back at

    def _keep_statistics(self, t: int, made: OrderStatistics) -> None:
        arrays = {"symbols": made.symbols, "values": made.values, "sample": made.sample}
        self._store.put(ORDERS, self.market.sessions[t], self.sessions.statistics_key(t), arrays)
        coming = self._coming.get(t)
        if coming is not None and not coming.done():
            coming.set_result(made)

    def _hand_on(self, t: int, error: BaseException) -> None:
        """A session that looks back at one that failed fails too: its threshold would be another."""
        coming = self._coming.get(t)
        if coming is not None and not coming.done():
            what = f"ticks of {self.market.sessions[t]}: not there for the sessions after it ({error})"
            coming.set_exception(DataError(what))

    def _statistics(self, t: int) -> OrderStatistics:
        """The order statistics of an earlier session: from this run, from its file, or from its ticks."""
        if t in self._coming:
            return self._coming[t].result()
        session, key = self.market.sessions[t], self.sessions.statistics_key(t)
        with self._reading:  # several sessions look back at the same one: it is read once
            arrays = self._store.find(ORDERS, session, key)
            if arrays is None:
                self._keep_statistics(t, self.sessions.statistics(t))
                arrays = self._store.find(ORDERS, session, key)
        if arrays is None:
            raise DataError(f"{self._store.folder}: the order statistics of {session} cannot be written and read again")
        return OrderStatistics(arrays["symbols"], arrays["values"], arrays["sample"])

    def _drop_others(self) -> None:
        """Files of former data, code or settings go once all is there."""
        kept = {(FACTORS, str(self.market.sessions[t]), key) for t, key in self._keys.items()}
        seen = {u for t in self.positions for u in (*self.sessions.looks_back(t), t) if self.sessions.has_ticks(u)}
        kept |= {(ORDERS, str(self.market.sessions[u]), self.sessions.statistics_key(u)) for u in seen}
        self._store.keep_only(kept)

    def _refuse(self, failed: list[tuple[int, FusionFactorError]], count: int) -> None:
        if not failed:
            return
        t, error = failed[0]
        raise DataError(
            f"{len(failed)} of {count} sessions failed, the others are kept for the next run; "
            f"the first, {self.market.sessions[t]}: {error}"
        )


def _ignoring(key: Callable[[int], str]) -> Callable[[int], str]:
    """The same, with an empty key where the data cannot be read."""

    def found(t: int) -> str:
        try:
            return key(t)
        except FusionFactorError:
            return ""

    return found


def factor_count(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """How many factors are there, along the last axis."""
    return np.isfinite(values).sum(axis=-1)
