"""The intraday factors of every session of bars: read, compute, keep; session by session, in threads, restartable.

A finished session is one small file in a scratch folder; an interrupted run finds it there and goes on. The folder's
name is a hash of the data, the factors and the code that computes them, so that nothing stale is ever found. Sessions
are independent of one another: the result is bit-identical whatever the number of threads.

Legend of axes in names: t session, n symbol of the market, s symbol of one session's bars, f factor.
"""

import inspect
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fusion_factor.core.artifacts import fingerprint, hash_of
from fusion_factor.core.errors import DataError
from fusion_factor.core.progress import Progress
from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.kernel import SOURCE, session_kernel
from fusion_factor.features.own_factors import OwnFactor
from fusion_factor.features.panel import Float32Array
from fusion_factor.market.store import Market


class FactorStream:
    """Factors [N, F] of each session with bars, in order of time.

    market   whose bars are read, one session at a time by each thread.
    names    factors of the catalogue; own: the user's, after them.
    scratch  folder for finished sessions; `clear` removes it.
    """

    def __init__(
        self, market: Market, names: Sequence[str], own: Sequence[OwnFactor], scratch: Path, workers: int | None = None
    ) -> None:
        self.market, self.catalogued, self.own = market, tuple(names), tuple(own)
        self.names = (*self.catalogued, *(factor.name for factor in own))
        self.positions = [int(t) for t in np.flatnonzero(np.isin(market.sessions, market.bar_sessions))]
        self._scratch = scratch
        self._folder = scratch / hash_of([market.fingerprint(), self.names, SOURCE, [_mark(each) for each in own]])
        self._workers = workers or os.cpu_count() or 1
        self._row_of = {str(symbol): n for n, symbol in enumerate(market.symbols)}

    def __iter__(self) -> Iterator[tuple[int, Float32Array]]:
        """Pairs of session position and its factors float32 [N, F], NaN = missing."""
        return self.run(shown=False)

    def run(self, shown: bool = True) -> Iterator[tuple[int, Float32Array]]:
        """The same with a progress bar (`shown`)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        session_kernel()
        resumed = sum(self._file(t).is_file() for t in self.positions)
        waiting: list[Future[tuple[Float32Array, bool]]] = []
        with (
            Progress("intraday factors", len(self.positions), resumed=resumed, shown=shown) as progress,
            ThreadPoolExecutor(self._workers) as pool,
        ):
            ahead = iter(self.positions)
            try:
                for t in self.positions:
                    # a few sessions ahead, so that the memory is bounded by the threads, not by the sessions
                    while len(waiting) < 2 * self._workers and (following := next(ahead, None)) is not None:
                        waiting.append(pool.submit(self._session, following))
                    values_nf, is_new = waiting.pop(0).result()
                    yield t, values_nf
                    progress.step(int(is_new))
            finally:
                pool.shutdown(cancel_futures=True)

    def unfinished(self) -> list[int]:
        """Positions of sessions whose factors are not computed yet."""
        return [t for t in self.positions if not self._file(t).is_file()]

    def fill(self, positions: Sequence[int]) -> int:
        """Compute some sessions into their files, one after the other; how many were not there yet."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return sum(self._session(t)[1] for t in positions)

    def clear(self) -> None:
        """Remove the finished sessions' files."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _file(self, t: int) -> Path:
        return self._folder / f"{self.market.sessions[t]}.npy"

    def _session(self, t: int) -> tuple[Float32Array, bool]:
        """One session's factors, from its file if it is there, else computed and kept; and whether they are new."""
        file = self._file(t)
        if file.is_file():
            return np.load(file, allow_pickle=False), False
        values_nf = self._compute(self.market.sessions[t])
        temporary = file.with_suffix(f".{os.getpid()}.tmp.npy")
        np.save(temporary, values_nf)
        temporary.replace(file)
        return values_nf, True

    def _compute(self, session: np.datetime64) -> Float32Array:
        bars = self.market.bars(session)
        columns = [compute_factors(bars, self.catalogued)] + [factor(bars)[:, None] for factor in self.own]
        values_sf = np.concatenate(columns, axis=1).astype(np.float32)
        n = np.array([self._row_of.get(str(symbol), -1) for symbol in bars.symbols], np.int64)
        known = n >= 0
        if len(np.unique(n[known])) != known.sum():
            raise DataError(f"bars of {session}: a symbol is there twice")
        values_nf = np.full((len(self._row_of), len(self.names)), np.nan, np.float32)
        values_nf[n[known]] = values_sf[known]
        return values_nf


def factor_count(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """How many factors are there, along the last axis."""
    return np.isfinite(values).sum(axis=-1)


def _mark(factor: OwnFactor) -> list[object]:
    """What tells one own factor from another, its source file included."""
    try:
        source = inspect.getsourcefile(inspect.unwrap(factor.function))
    except TypeError:
        source = None
    return [factor.name, dict(factor.options), fingerprint(source) if source and Path(source).is_file() else None]
