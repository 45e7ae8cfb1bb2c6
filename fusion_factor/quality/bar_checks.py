"""Intraday bars against the daily rows: last close, sums of volume and amount, who has bars and who has a day.

One walk over the sessions with bars serves all of these checks; it holds one session's bars at a time.
Legend of axes: t session, n symbol, s symbol of one session's bars, b bar.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.progress import Progress
from fusion_factor.market.session_bars import SessionBars
from fusion_factor.quality.flaws import Flaws, FloatArray, IntArray
from fusion_factor.quality.subject import Subject


@dataclass
class _Found:
    """Findings as they come: one entry a session, joined at the end."""

    t: list[IntArray] = field(default_factory=list)
    n: list[IntArray] = field(default_factory=list)
    values: list[FloatArray] = field(default_factory=list)
    looked_at: int = 0

    def add(self, t: int, n: IntArray, values: FloatArray, wrong: npt.NDArray[np.bool_]) -> None:
        self.looked_at += len(n)
        self.t.append(np.full(int(wrong.sum()), t, np.int64))
        self.n.append(n[wrong])
        self.values.append(values[wrong])


def compare_bars(subject: Subject, limits: dict[str, float], *, progress: bool = False) -> dict[str, Flaws]:
    """The flaws of each check named in `limits`, of the sessions with bars that the settings have looked at.

    bar_close: last traded bar's close against the day's. Value: bars / day - 1.
    bar_volume, bar_amount: sum over the bars against the day's. Value: bars / day - 1.
    bar_absent: a stock with a daily trade but none in its bars, of the stocks that have bars at some session. Value: 1.
    bar_orphan: a stock with trades in its bars but none in its daily row. Value: the bars' volume in shares.
    """
    market = subject.market
    found: dict[str, _Found] = defaultdict(_Found)
    days = market.bar_sessions
    every = subject.settings.bar_every
    chosen = days[(np.arange(len(days))[::-1] % every) == 0]
    known = pd.Index(subject.symbols)
    seen_dn = np.zeros((len(chosen), len(subject.symbols)), bool)
    t_d = np.searchsorted(subject.sessions, chosen)
    with Progress("check: bars against days", len(chosen), shown=progress) as bar:
        for d, day in enumerate(chosen):
            bars = market.bars(day)
            n = known.get_indexer(pd.Index(bars.symbols))
            seen_dn[d, n[(n >= 0) & (bars.volume > 0).any(axis=1)]] = True
            _session(subject, int(t_d[d]), bars, n, limits, found)
            bar.step()
    _absent(subject, t_d, seen_dn, found["bar_absent"])
    return {name: _flaws(subject, found[name]) for name in limits}


def _session(
    subject: Subject, t: int, bars: SessionBars, n: IntArray, limits: dict[str, float], found: dict[str, _Found]
) -> None:
    """Compare one session's bars with its daily rows."""
    volume_s: FloatArray = np.asarray(np.nansum(bars.volume, axis=1, dtype=np.float64))
    traded = (n >= 0) & (volume_s > 0)
    amount_s: FloatArray = np.asarray(np.nansum(bars.amount, axis=1, dtype=np.float64))[traded]
    close_s = _last_close(bars)[traded]
    n, volume_s = n[traded], volume_s[traded]
    day = subject.traded[t, n]
    found["bar_orphan"].add(t, n, volume_s, ~day & (volume_s > limits.get("bar_orphan", 0.0)))
    n = n[day]
    sums = {"bar_close": close_s[day], "bar_volume": volume_s[day], "bar_amount": amount_s[day]}
    for name, values in sums.items():
        column = name.removeprefix("bar_")
        if name in limits and column in subject.columns:
            daily = subject[column][t, n]
            both = (daily > 0) & np.isfinite(values)
            off = values[both] / daily[both] - 1
            found[name].add(t, n[both], off, np.abs(off) > limits[name])


def _last_close(bars: SessionBars) -> FloatArray:
    """Close of the last bar with volume [S]; NaN where no bar has any."""
    traded_sb = bars.volume > 0
    last = bars.volume.shape[1] - 1 - np.argmax(traded_sb[:, ::-1], axis=1)
    close = bars.close[np.arange(len(last)), last].astype(np.float64)
    return np.where(traded_sb.any(axis=1), close, np.nan)


def _absent(subject: Subject, t_d: IntArray, seen_dn: npt.NDArray[np.bool_], found: _Found) -> None:
    ever = np.flatnonzero(seen_dn.any(axis=0))
    for d, t in enumerate(t_d):
        n = ever[subject.traded[t, ever]]
        found.add(int(t), n, np.ones(len(n)), ~seen_dn[d, n])


def _flaws(subject: Subject, found: _Found) -> Flaws:
    t = np.concatenate([np.empty(0, np.int64), *found.t])
    n = np.concatenate([np.empty(0, np.int64), *found.n])
    values = np.concatenate([np.empty(0), *found.values])
    order = np.lexsort((n, t))
    return Flaws(
        subject.sessions[t[order]], subject.symbols[n[order]], values[order].astype(float), found.looked_at, len(t)
    )
