"""Write a simulated market into a folder: a walk through the sessions, one bar file each, tables at the end."""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import exchange_calendars
import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.market.simulated.analysts import consensus_table
from fusion_factor.market.simulated.config import MIN_SESSIONS, SimulationConfig
from fusion_factor.market.simulated.days import Day, MarketWalk
from fusion_factor.market.simulated.indices import NOTE, IndexPool, Snapshot, is_review, snapshot
from fusion_factor.market.simulated.minutes import MINUTES
from fusion_factor.market.simulated.news import IndustryNews
from fusion_factor.market.simulated.population import Population, draw_population
from fusion_factor.market.simulated.reports import draw_reports
from fusion_factor.market.simulated.statements import draw_statements, financials_table
from fusion_factor.market.simulated.tables import DailyTables
from fusion_factor.market.simulated.ticks import write_session_ticks
from fusion_factor.market.store import Pool, write_bars, write_description, write_pool, write_table

Progress = Callable[[int, int, float], None]
CALENDAR = "XSHG"
_WAITING = 4
NEWS_BACK, NEWS_AHEAD = 1500, 300  # sessions before the first and after the last that statements can feel


def sessions_of(config: SimulationConfig) -> npt.NDArray[np.datetime64]:
    """The Shanghai sessions from start to end [T]. Raises ConfigError when there are fewer than 30."""
    calendar = exchange_calendars.get_calendar(CALENDAR, start=config.start, end=config.end)
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    if len(sessions) < MIN_SESSIONS:
        raise ConfigError(
            f"simulation: {config.start}..{config.end} has {len(sessions)} sessions, must have {MIN_SESSIONS}"
        )
    return sessions


def simulate(config: SimulationConfig, folder: str | Path, *, progress: Progress | None = None) -> None:
    """Write the market of `config` into the existing, empty `folder`, in the form of docs/data-format.md.

    The bytes depend on the config alone, not on threads. Memory holds the daily tables and a few sessions of minutes.
    `progress` is called after each session with sessions done, sessions in all, and minute bars made a second.
    """
    target = Path(folder)
    sessions = sessions_of(config)
    stocks = draw_population(config, sessions)
    pools = {
        "theme": IndexPool("theme", config.n_themes, config, stocks),
        "concept": IndexPool("concept", config.n_concepts, config, stocks),
        "industry": IndexPool("industry", config.n_industries, config, stocks),
    }
    tables = DailyTables(stocks, sessions)
    _walk(config, target, sessions, stocks, pools, tables, progress)
    tables.write(target)
    for name, frame in fundamentals(config, stocks, sessions).items():
        write_table(target, name, frame)
    if config.reports:
        reports, truth = draw_reports(config.seed, stocks, sessions, tables.adjusted_closes())
        write_table(target, "reports", reports)
        write_table(target, "report_truth", truth, check=False)
    for name, pool in pools.items():
        if len(pool.codes):
            write_pool(target, Pool(name, pool.index_prices(), pool.members()))
    notes = {name: {"note": NOTE} for name, pool in pools.items() if len(pool.codes)}
    write_description(target, {"kind": "simulated", "bar_minutes": 1, "pools": notes, "simulation": config.to_dict()})


def fundamentals(
    config: SimulationConfig, stocks: Population, sessions: npt.NDArray[np.datetime64]
) -> dict[str, pd.DataFrame]:
    """The tables `financials` and `consensus`: they follow from the config and need no walk through the sessions."""
    news = IndustryNews(config, stocks, sessions, back=NEWS_BACK, ahead=NEWS_AHEAD)
    made = draw_statements(config, stocks, sessions, news)
    return {
        "financials": financials_table(config, stocks, sessions, made),
        "consensus": consensus_table(config, stocks, sessions, made, news),
    }


def _walk(
    config: SimulationConfig,
    target: Path,
    sessions: npt.NDArray[np.datetime64],
    stocks: Population,
    pools: dict[str, IndexPool],
    tables: DailyTables,
    progress: Progress | None,
) -> None:
    """One pass over the sessions; bar files are encoded by threads beside it."""
    bars_from = np.datetime64(config.bars_from)
    started, made = time.monotonic(), 0
    before_day: Day | None = None
    before: Snapshot | None = None
    with ThreadPoolExecutor(max_workers=max(1, min(2, os.cpu_count() or 1))) as writers:
        waiting: list[Future[Any]] = []
        walk = MarketWalk(config, stocks, sessions)
        for day in walk.days():
            session = sessions[day.t]
            tables.add(day)
            now = snapshot(day, before_day, stocks)
            for pool in pools.values():
                pool.step(day.t, session, is_review(sessions, day.t), now, before)
            if session >= bars_from:
                names = stocks.symbols[day.trading]
                minute = (day.minute_cents, day.minute_volume, day.minute_amount)
                waiting.append(writers.submit(write_bars, target, session, names, *minute))
                if config.ticks:
                    seeds = walk.tick_seeds(day)
                    waiting.append(writers.submit(write_session_ticks, target, session, names, *minute, seeds))
                while len(waiting) > _WAITING:
                    waiting.pop(0).result()
            before_day, before = day, now
            made += len(day.trading) * MINUTES
            if progress is not None:
                progress(day.t + 1, len(sessions), made / max(time.monotonic() - started, 1e-9))
        for future in waiting:
            future.result()
