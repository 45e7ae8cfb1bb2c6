"""Intraday factors of many sessions on many machines: blocks of sessions as jobs, each session a small file.

The files are those that `build` keeps of an interrupted run: it finds them finished, whoever computed them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fusion_factor.core.errors import DataError
from fusion_factor.features.build import factor_stream
from fusion_factor.features.config import FeatureConfig
from fusion_factor.market import open_market
from fusion_factor.market.store import Market
from fusion_factor.training.executors import ExecutorSettings, Report, run_jobs
from fusion_factor.training.progress import JobProgress

SESSIONS_A_JOB = 20


@dataclass(frozen=True)
class SessionJob:
    """A block of sessions: `data` is what `open_market` takes; `positions` of sessions; `folder` of the features."""

    data: Mapping[str, Any]
    config: FeatureConfig
    folder: str
    positions: tuple[int, ...]


def fill_sessions(job: SessionJob, report: Report) -> int:
    """Compute the block's sessions that are not there yet; how many those were."""
    return factor_stream(_market(_Key(job.data)), job.config, Path(job.folder)).fill(job.positions)


def fill_elsewhere(data: Mapping[str, Any], config: FeatureConfig, folder: Path, executor: ExecutorSettings) -> None:
    """Have all unfinished sessions computed by the executor's processes. DataError when some block cannot be."""
    stream = factor_stream(open_market(data), config, folder.resolve())
    left = stream.unfinished()
    blocks = [tuple(left[k : k + SESSIONS_A_JOB]) for k in range(0, len(left), SESSIONS_A_JOB)]
    jobs = [SessionJob(data, config, str(folder.resolve()), block) for block in blocks]
    names = [f"sessions {stream.market.sessions[b[0]]} to {stream.market.sessions[b[-1]]}" for b in blocks]
    outcomes = run_jobs(fill_sessions, jobs, config.workers, JobProgress(names), executor)
    failed = [f"{names[each.index]}: {each.error}" for each in outcomes if each.error is not None]
    if failed:
        raise DataError(f"{len(failed)} of {len(jobs)} blocks failed ({failed[0]}); the others are kept, run again")


class _Key:
    """A data config that can be a key: equal when it says the same."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.data == other.data

    def __hash__(self) -> int:
        return hash(repr(self.data))


@lru_cache(maxsize=1)
def _market(key: _Key) -> Market:
    """A process opens its market once for all of its blocks."""
    return open_market(key.data)
