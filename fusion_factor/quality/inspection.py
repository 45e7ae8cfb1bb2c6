"""All checks over one market: the findings, their counts, and which are above what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.checks import check_market
from fusion_factor.market.store import Market
from fusion_factor.quality.bar_checks import compare_bars
from fusion_factor.quality.catalogue import CHECKS, Check
from fusion_factor.quality.exclusions import REASONS, exclusions
from fusion_factor.quality.flaws import Flaws
from fusion_factor.quality.settings import CheckSettings, QualitySettings
from fusion_factor.quality.subject import Subject

COLUMNS = ("check", "severity", "session", "symbol", "value", "limit", "detail")


@dataclass(frozen=True)
class Inspection:
    """findings: COLUMNS, the first ones of each check, by check, session and symbol. summary: JSON-like, all counts.
    exclusions: see `exclusions`; empty without the column volume."""

    findings: pd.DataFrame
    summary: dict[str, Any]
    exclusions: pd.DataFrame

    @property
    def above(self) -> list[str]:
        """The checks of severity `error` that found more than they allow."""
        return list(self.summary["above"])


def inspect(market: Market, settings: QualitySettings | None = None, *, progress: bool = False) -> Inspection:
    """Make every check that the settings do not switch off, and that the market has the columns for.

    What `market.checks` says comes first: its refusal is the finding `market`, always an error, and its warnings are
    the summary's `notes`. Nothing of the market is changed. Raises ConfigError for settings that name no check, and
    DataError only for a market that cannot be read at all.
    """
    settings = settings or QualitySettings()
    chosen = settings.resolved(CHECKS)
    refused, notes = _refusal(market)
    subject = Subject(market, settings)
    tables, rows = [], []
    for name, flaws in _found(subject, chosen, progress).items():
        if isinstance(flaws, str):
            rows.append(_skipped(name, chosen[name], flaws))
            continue
        tables.append(_table(name, flaws, chosen[name], settings.listed))
        rows.append(_counts(name, flaws, chosen[name]))
    if refused:
        first = {"check": "market", "severity": "error", "symbol": "", "value": np.nan, "limit": np.nan}
        tables.insert(0, pd.DataFrame([{**first, "session": pd.NaT, "detail": refused}])[list(COLUMNS)])
    out = exclusions(subject, settings.min_listed) if "volume" in subject.columns else _no_exclusions()
    summary = {
        "sessions": len(subject.sessions),
        "first": str(subject.sessions[0]),
        "last": str(subject.sessions[-1]),
        "symbols": len(subject.symbols),
        "rows": int(subject.there.sum()),
        "bar_sessions": len(market.bar_sessions),
        "errors": sum(row["found"] for row in rows if row["severity"] == "error") + bool(refused),
        "warnings": sum(row["found"] for row in rows if row["severity"] == "warning"),
        "above": [*(["market"] if refused else []), *(row["check"] for row in rows if row["above"])],
        "refused": refused,
        "checks": rows,
        "notes": notes,
        "excluded": _excluded(out),
    }
    findings = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return Inspection(findings, summary, out)


def _refusal(market: Market) -> tuple[str | None, list[str]]:
    try:
        return None, check_market(market)
    except DataError as error:
        return str(error), []


def _found(subject: Subject, chosen: Mapping[str, CheckSettings], progress: bool) -> dict[str, Flaws | str]:
    """Flaws of every check in the catalogue's order, or why it was not made."""
    out: dict[str, Flaws | str] = {}
    bars: dict[str, float] = {}
    for name, check in CHECKS.items():
        reason = _unable(subject, check, chosen[name])
        if reason:
            out[name] = reason
        elif check.find is None:
            bars[name] = chosen[name].limit
            out[name] = ""  # keeps its place
        else:
            out[name] = check.find(subject, chosen[name].limit)
    return out | (compare_bars(subject, bars, progress=progress) if bars else {})


def _unable(subject: Subject, check: Check, settings: CheckSettings) -> str:
    if settings.severity == "off":
        return "switched off"
    absent = [name for name in check.needs if name not in subject.columns]
    if absent:
        return f"stock_prices has no column {absent[0]}"
    if check.find is None and not len(subject.market.bar_sessions):
        return "there are no intraday bars"
    return ""


def _table(name: str, flaws: Flaws, settings: CheckSettings, most: int) -> pd.DataFrame:
    details = np.full(len(flaws), "", object) if flaws.details_k is None else flaws.details_k
    return pd.DataFrame(
        {
            "check": name,
            "severity": settings.severity,
            "session": flaws.days_k[:most].astype("datetime64[s]"),
            "symbol": flaws.symbols_k[:most],
            "value": flaws.values_k[:most],
            "limit": settings.limit,
            "detail": details[:most],
        }
    )


def _counts(name: str, flaws: Flaws, settings: CheckSettings) -> dict[str, Any]:
    years, counts = np.unique(flaws.days_k.astype("datetime64[Y]").astype(str), return_counts=True)
    return {
        **_head(name, settings),
        "found": len(flaws),
        "cells": flaws.cells,
        "looked_at": flaws.looked_at,
        "share": flaws.share,
        "symbols": len({symbol for symbol in flaws.symbols_k if symbol}),
        "first": str(flaws.days_k.min()) if len(flaws) else None,
        "last": str(flaws.days_k.max()) if len(flaws) else None,
        "smallest": float(flaws.values_k.min()) if len(flaws) else None,
        "largest": float(flaws.values_k.max()) if len(flaws) else None,
        "by_year": {str(year): int(count) for year, count in zip(years, counts, strict=True)},
        "above": settings.severity == "error" and flaws.share > settings.allowed,
        "skipped": None,
    }


def _skipped(name: str, settings: CheckSettings, reason: str) -> dict[str, Any]:
    empty = {"found": 0, "cells": 0, "looked_at": 0, "share": 0.0, "symbols": 0, "first": None, "last": None}
    rest: dict[str, Any] = {"smallest": None, "largest": None, "by_year": {}, "above": False, "skipped": reason}
    return {**_head(name, settings), **empty, **rest}


def _head(name: str, settings: CheckSettings) -> dict[str, Any]:
    check = CHECKS[name]
    strict = {"severity": settings.severity, "limit": settings.limit, "allowed": settings.allowed}
    return {"check": name, "says": check.says, "unit": check.unit, **strict}


def _no_exclusions() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in ("symbol", "reason", "in_date", "out_date", "sessions")})


def _excluded(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Spells, stock-sessions and stocks by reason."""
    rows = []
    for reason, says in REASONS.items():
        mine = table[table["reason"] == reason]
        counts = {
            "spells": len(mine),
            "sessions": int(mine["sessions"].sum()),
            "symbols": int(mine["symbol"].nunique()),
        }
        rows.append({"reason": reason, "says": says, **counts})
    return rows
