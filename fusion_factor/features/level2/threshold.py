"""Which orders are big: those above exp(m + s), m and s of ln(order amount) over the previous five sessions.

A session keeps count, mean and sum of squared deviations of ln(amount) of each symbol's orders, both sides together;
those of several sessions join exactly. The session itself is never part of its own threshold, so that the threshold is
known at the open. Source: METHOD 2.4 (Haitong's rule, mean plus one deviation of the log size).

Legend of axes: s symbol of one session, n symbol asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LOOK_BACK = 5
SAMPLE = 16
NONE = np.iinfo(np.int64).max
_BY_CHANCE = 1
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OrderStatistics:
    """Of one session: symbols [S] in byte order; values float64 [S, 3]: how many orders traded, mean of ln(amount in
    CNY), sum of squared deviations from it; sample int64 [S, SAMPLE]: see `kernel.sample_kernel`."""

    symbols: npt.NDArray[Any]
    values: FloatArray
    sample: npt.NDArray[np.int64]


def big_order_threshold(past: Iterable[OrderStatistics], symbols: npt.NDArray[Any]) -> FloatArray:
    """exp(m + s) in CNY of each symbol [N], NaN where the past sessions have fewer than two of its orders.

    past: the statistics of the sessions before, at most LOOK_BACK of them; a session that is not there (or in which the
    symbol did not trade) gives nothing. s is the population deviation.
    """
    count, mean, spread = (np.zeros(len(symbols)) for _ in range(3))
    place = {str(symbol): n for n, symbol in enumerate(symbols)}
    for session in past:
        rows = _rows(session, place)
        known = rows >= 0
        n, (more, other_mean, other_spread) = rows[known], session.values[known].T
        total = np.maximum(count[n] + more, 1.0)
        gap = np.where(more > 0, other_mean - mean[n], 0.0)
        spread[n] += np.where(more > 0, other_spread, 0.0) + gap * gap * count[n] * more / total
        mean[n] += gap * more / total
        count[n] += more
    enough = count >= 2
    return np.where(enough, np.exp(mean + np.sqrt(spread / np.maximum(count, 1.0))), np.nan)


def repeated_share(today: OrderStatistics, past: Iterable[OrderStatistics]) -> FloatArray:
    """Share of each symbol's trades [S] that an earlier session has as well: same ids of both orders, price and volume.

    Exchanges start their ids anew each session, so one such trade may be chance; a file that holds another session's
    rows has them all. Estimated from the sample of SAMPLE trades: the same trades are in every session's sample.
    """
    share = np.zeros(len(today.symbols))
    place = {str(symbol): s for s, symbol in enumerate(today.symbols)}
    known = np.maximum((today.sample != NONE).sum(axis=1), 1)
    for session in past:
        rows = _rows(session, place)
        for there, s in zip(np.flatnonzero(rows >= 0), rows[rows >= 0], strict=True):
            mine = today.sample[s][today.sample[s] != NONE]
            common = int(np.isin(mine, session.sample[there]).sum())
            if common > _BY_CHANCE:
                share[s] = max(share[s], common / known[s])
    return share


def _rows(session: OrderStatistics, place: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Where each symbol of a session is among those asked for; -1 where it is not."""
    return np.array([place.get(str(symbol), -1) for symbol in session.symbols], np.int64)
