"""Why a stock is not in the universe, from when to when: every exclusion with its reason, point in time.

Legend of axes: t session, n symbol.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.core.spells import cover
from fusion_factor.features.universe import delisted, sessions_listed
from fusion_factor.quality.flaws import BoolArray, spells
from fusion_factor.quality.subject import Subject

REASONS = {
    "not_listed": "before its listing",
    "young": "listed for too few sessions",
    "st": "under special treatment",
    "suspended": "a row without a trade",
    "no_row": "listed, but without a row",
    "unknown": "a row whose close, volume or factor is not known",
    "delisted": "on or after its delist_date",
}


def exclusions(subject: Subject, min_listed: int) -> pd.DataFrame:
    """Spells in which a stock is not in the universe (features.universe), one row a symbol, reason and spell.

    Columns: symbol, reason, in_date (first session), out_date (first session no longer so; empty while it lasts),
    sessions (int). Several reasons may hold at once. A stock is in the universe at a session just where no row covers
    it. Which rows cover session t is a function of tables dated <= t (dates of listing and delisting as they stand).
    Raises DataError without the column volume.
    """
    parts = [_rows(subject, reason, mask_tn) for reason, mask_tn in _masks(subject, min_listed).items()]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["symbol", "in_date", "reason"], ignore_index=True)


def _masks(subject: Subject, min_listed: int) -> dict[str, BoolArray]:
    """One mask a reason; a stock that is not there says so by the best reason known."""
    market, traded = subject.market, subject.bars.traded
    listed, gone = sessions_listed(market, subject.bars), delisted(market)
    absent, still = ~subject.there, subject.there & ~traded
    halted = still & (subject["volume"] == 0)
    masks = {
        "not_listed": (listed == 0) & ~gone,
        "young": (listed > 0) & (listed < min_listed) & ~gone,
        "suspended": halted,
        "no_row": absent & (listed > 0) & ~gone,
        "unknown": still & ~halted,
        "delisted": gone,
    }
    if market.has("st"):
        masks["st"] = cover(market.table("st"), market.sessions, market.symbols)
    return masks


def _rows(subject: Subject, reason: str, mask_tn: BoolArray) -> pd.DataFrame:
    start, n, length = spells(mask_tn)
    ends: npt.NDArray[Any] = np.append(subject.sessions, np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "symbol": subject.symbols[n],
            "reason": np.full(len(n), reason, object),
            "in_date": subject.sessions[start].astype("datetime64[s]"),
            "out_date": ends[start + length].astype("datetime64[s]"),
            "sessions": length.astype(np.int64),
        }
    )
