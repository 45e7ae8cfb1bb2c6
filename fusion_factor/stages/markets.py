"""The market of a command: the simulated artifact, or mapped files."""

import numpy as np
import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.market.store import Market, open_market
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Workspace


def market_of(settings: Settings, workspace: Workspace) -> Market:
    """Open the market that `data` names."""
    if settings.data["kind"] == "simulated":
        from fusion_factor.market.store import StoredMarket

        return StoredMarket(workspace.folder("market"))
    return open_market(settings.data)


def caps_on(market: Market, dates: pd.Series) -> pd.DataFrame:
    """The table `caps` on some dates, as known then: the latest row on or before each.

    Raises: DataError where the market has no caps.
    """
    caps_tn = market.caps_tn
    if caps_tn is None:
        raise DataError("caps: the market has no such table")
    rows = np.flatnonzero(np.isin(market.sessions, dates.to_numpy().astype("datetime64[D]")))
    t, n = np.nonzero(np.isfinite(caps_tn[rows]))
    return pd.DataFrame(
        {
            "symbol": market.symbols[n],
            "date": market.sessions[rows[t]].astype("datetime64[s]"),
            "cap": caps_tn[rows[t], n],
        }
    )
