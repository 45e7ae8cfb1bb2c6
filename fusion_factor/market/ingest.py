"""A delivery into a store: new sessions appended, rows given again corrected, everything valid at once or not at all.

The delivery is any `Market` (mapped vendor files as they lie); the store is a folder of versions that `StoredMarket`
reads. Running the same delivery twice changes nothing; killed anywhere, the store is what it was.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import ConfigError
from fusion_factor.core.progress import Progress
from fusion_factor.core.tables import check_table
from fusion_factor.market import merge
from fusion_factor.market.bar_store import write_session
from fusion_factor.market.checks import check_bars, check_market, check_prices, check_sessions, check_universe
from fusion_factor.market.store import FORMAT, Market, StoredMarket, write_table
from fusion_factor.market.store_versions import NextVersion, locked
from fusion_factor.market.unit_checks import check_price_units

log = logging.getLogger("fusion_factor")

TABLES = ("stocks", "st", "industry", "caps", "benchmark", "consensus", "financials", "reports")


@dataclass(frozen=True)
class IngestSettings:
    """into          the store's folder.
    wait_seconds  how long to wait for another process that writes to the store.
    keep          versions that are kept for readers which have them open.
    max_lost      share of the spells of st or industry that a delivery may lack before it counts as a part of the list.
    renames       symbols of the store that go on under another one: {old: new}.
    """

    into: str | None = None
    wait_seconds: float = 0.0
    keep: int = 3
    max_lost: float = 0.05
    renames: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("wait_seconds", 0), ("keep", 1)):
            if not getattr(self, name) >= least:
                raise ConfigError(f"ingest.{name}: {getattr(self, name)}, must be >= {least}")
        if not 0 <= self.max_lost <= 1:
            raise ConfigError(f"ingest.max_lost: {self.max_lost}, must be a share from 0 to 1")


@dataclass(frozen=True)
class Ingested:
    """What a delivery did. version: of the store now; changed: whether it is a new one; parts: those that changed."""

    version: int
    changed: bool
    fingerprint: str
    parts: tuple[str, ...]
    sessions: int
    notes: tuple[str, ...]


def ingest(delivery: Market, into: str | Path, settings: IngestSettings | None = None) -> Ingested:
    """Take the delivery's tables, pools and bars into the store `into`, which is made where there is none.

    Rows whose key the store has are replaced, others are added; what a delivery does not hold stays. `st`, `industry`
    and the members of a pool are replaced as whole lists. See `merge` for rebased factors and built indices. Both the
    delivery and the store that comes of it pass `market.checks` before anything is switched.

    Raises ConfigError for bars of another width than the store's; DataError for data that are refused, for a store that
    another process writes to, or for a folder that is none. The store is then what it was.
    """
    settings = settings or IngestSettings()
    folder = Path(into)
    with locked(folder, settings.wait_seconds):
        version = NextVersion(folder)
        store = StoredMarket(folder, version.description) if version.description else None
        notes = check_market(delivery) if store is None else _check_part(delivery)
        work = _Ingest(delivery, store, version, settings)
        work.tables()
        work.pools()
        work.bars()
        candidate = version.candidate(work.description())
        if version.same(candidate):
            version.clean(int(version.description["version"]), settings.keep)
            made = StoredMarket(folder)
            return Ingested(
                int(version.description["version"]), False, made.fingerprint(), (), len(made.sessions), tuple(notes)
            )
        made = StoredMarket(folder, candidate)
        check_market(made)
        version.commit(candidate, settings.keep)
    changed = tuple(sorted({*work.changed, *(part for part in version.old if part not in version.files)}))
    return Ingested(candidate["version"], True, made.fingerprint(), changed, len(made.sessions), (*notes, *work.notes))


def _check_part(delivery: Market) -> list[str]:
    """The checks of prices and units: a delivery that adds to a store may hold a few stocks, and lists of all."""
    check_sessions(delivery.sessions)
    check_universe(delivery)
    return [*check_prices(delivery), *check_price_units(delivery), *check_bars(delivery)]


class _Ingest:
    """One delivery on its way into the next version."""

    def __init__(
        self, delivery: Market, store: StoredMarket | None, version: NextVersion, settings: IngestSettings
    ) -> None:
        self.delivery, self.store, self.version, self.settings = delivery, store, version, settings
        self.notes: list[str] = []
        self.changed: list[str] = []
        self.lost = 0
        self.sources: dict[str, str] = dict(version.description.get("sources", {}))
        if store is not None and delivery.bar_minutes not in (None, store.bar_minutes) and store.bar_minutes:
            raise ConfigError(f"bars of {delivery.bar_minutes} minutes cannot go into a store of {store.bar_minutes}")
        if (
            store is not None
            and store.bar_minutes
            and delivery.bar_minutes
            and store.timetable != _plain(delivery.timetable)
        ):
            raise ConfigError(
                f"bars with the hours {_plain(delivery.timetable)} cannot go into a store with {store.timetable}"
            )

    # tables

    def _old(self, name: str) -> pd.DataFrame | None:
        if self.store is None or not self.store.has(name):
            return None
        return merge.renamed(self.store.table(name), self.settings.renames)

    def tables(self) -> None:
        """sessions, stock_prices, and the others that the delivery has."""
        days = self.delivery.sessions if self.store is None else np.union1d(self.store.sessions, self.delivery.sessions)
        self.days = days
        self._put("sessions", pd.DataFrame({"date": days.astype("datetime64[s]")}))
        self._put("stock_prices", self._prices())
        for name in TABLES:
            old, there = self._old(name), self.delivery.has(name)
            if not there and old is None:
                continue
            self._put(name, self._merged(name, old, self.delivery.table(name)) if there else old)

    def _prices(self) -> pd.DataFrame:
        new, old = self.delivery.table("stock_prices"), self._old("stock_prices")
        if old is None:
            return new
        old, rebased = merge.rebase_factors(old, new)
        if rebased:
            shown = ", ".join(rebased[:5])
            self.notes.append(f"adj_factor of {len(rebased)} symbols is on another base, the store's follow: {shown}")
        return merge.upsert("stock_prices", old, new)

    def _merged(self, name: str, old: pd.DataFrame | None, new: pd.DataFrame) -> pd.DataFrame:
        if old is None:
            return new
        if name in merge.WHOLE:
            return merge.replace_whole(name, old, new, self.settings.max_lost)
        return merge.merge_stocks(old, new) if name == "stocks" else merge.upsert(name, old, new)

    def _put(self, name: str, frame: pd.DataFrame | None, part: str = "") -> None:
        assert frame is not None
        sessions = None if name == "sessions" else self.days
        checked = check_table(name, frame, sessions=sessions)

        def write(path: Path) -> None:
            write_table(path.parent, name, checked, check=False, file=path.stem)

        self._write(part or name, write)

    def _write(self, part: str, write: Callable[[Path], None]) -> None:
        if self.version.put(part, write):
            self.changed.append(part)

    # pools

    def pools(self) -> None:
        """Index prices and members of each pool of the delivery; the store's other pools stay."""
        self.described = dict(self.version.description.get("pools", {}))
        names = self.delivery.pools
        for name in names:
            pool = self.delivery.pool(name)
            prices = pool.index_prices
            if self.store is not None and name in self.store.pools:
                prices = merge.merge_index_prices(self.store.pool(name).index_prices, prices, name)
            self._put("index_prices", prices, f"pools/{name}/index_prices")
            self._put("members", pool.members, f"pools/{name}/members")
            self.described[name] = {"note": pool.note, "names": dict(pool.names)}
        for name in () if self.store is None or not self.settings.renames else self.store.pools:
            if name not in names:
                members = merge.renamed(self.store.pool(name).members, self.settings.renames)  # type: ignore[union-attr]
                self._put("members", members, f"pools/{name}/members")

    # bars

    def bars(self) -> None:
        """Each session whose bars are not those that were taken in already."""
        market = self.delivery
        if len(market.tick_sessions):
            self.notes.append(f"trades and orders of {len(market.tick_sessions)} sessions are not taken in")
        if self.settings.renames and self.store is not None and len(self.store.bar_sessions):
            self.notes.append("bars of former sessions keep the symbols that they were traded under")
        with Progress("ingest", len(market.bar_sessions)) as progress:
            for day in market.bar_sessions:
                self._bars_of(day)
                progress.step()
        if self.lost:
            self.notes.append(f"bars: {self.lost} rows that are of no bar, or given twice, are not taken in")

    def _bars_of(self, day: np.datetime64) -> None:
        part, source = f"bars/{day}", self.delivery.bars_fingerprint(day)
        if part in self.version.files and self.sources.get(part) == source:
            return
        bars = self.delivery.bars(day)
        self.lost += 0 if bars.left_out is None else int(bars.left_out.counts.sum())
        if self.store is not None and part in self.version.old:
            bars = merge.merge_bars(self.store.bars(day), bars)
        self._write(part, lambda path: write_session(path, bars))
        self.sources[part] = source

    def description(self) -> dict[str, Any]:
        """market.json of the new version, but for its number and files."""
        old = self.version.description
        minutes = self.delivery.bar_minutes or old.get("bar_minutes")
        words = ("hours", "opening", "closing", "early_closes")
        kept: dict[str, Any] = {key: old[key] for key in words if key in old}
        hours = _plain(self.delivery.timetable) if self.delivery.bar_minutes else kept
        return {
            "format": FORMAT,
            "bar_minutes": minutes,
            **hours,
            "pools": self.described,
            "sources": dict(sorted(self.sources.items())),
        }


def _plain(timetable: Mapping[str, Any]) -> dict[str, Any]:
    """A timetable as JSON has it: days as texts."""
    out = dict(timetable)
    if "early_closes" in out:
        out["early_closes"] = {str(day): str(at) for day, at in dict(out["early_closes"]).items()}
    return out
