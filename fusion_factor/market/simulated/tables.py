"""The daily tables of a simulated market, gathered session by session and written once at the end.

Legend of axes: n stock, s stock that trades.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fusion_factor.market.simulated.days import Day
from fusion_factor.market.simulated.population import Population
from fusion_factor.market.store import write_table

FIELDS = ("open", "high", "low", "close")


class DailyTables:
    """Collects `stock_prices`, `caps` and `truth`; the rest follows from the population."""

    def __init__(self, stocks: Population, sessions: npt.NDArray[np.datetime64]) -> None:
        self.stocks, self.sessions = stocks, sessions
        self._prices: list[dict[str, npt.NDArray[Any]]] = []
        self._held: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, day: Day) -> None:
        """Take one session: a price row for every stock that trades, cap and truth for every listed stock."""
        who = day.trading
        row: dict[str, npt.NDArray[Any]] = {"stock": who.astype(np.int32), "t": np.full(len(who), day.t, np.int32)}
        row |= {name: day.daily[k, who].astype(np.int32) for k, name in enumerate(FIELDS)}
        row |= {"volume": day.volume[who], "amount": day.amount[who], "adj_factor": day.adj_factor[who]}
        row["pre_close"] = day.pre_close[who].astype(np.int32)
        self._prices.append(row)
        listed = np.flatnonzero(self.stocks.on(day.t))
        cap = np.round(day.daily[3, listed] / 100.0 * day.shares[listed], 2)
        held = {"stock": listed.astype(np.int32), "t": np.full(len(listed), day.t, np.int32), "cap": cap}
        traded = np.isin(listed, who)
        self._held.append(held | {"score": np.where(traded, day.oracle[listed], np.nan)})

    def adjusted_closes(self) -> npt.NDArray[np.float64]:
        """Adjusted closes [T, N], NaN where a stock does not trade."""
        out_tn = np.full((len(self.sessions), len(self.stocks.symbols)), np.nan)
        for row in self._prices:
            out_tn[row["t"], row["stock"]] = row["close"] / 100.0 * row["adj_factor"]
        return out_tn

    def write(self, folder: Path) -> None:
        """Write every daily table of the market."""
        write_table(folder, "sessions", pd.DataFrame({"date": self.sessions}))
        self._write_prices(folder)
        held = self._frame(self._held)
        write_table(folder, "caps", held[["symbol", "date", "cap"]])
        write_table(folder, "scores", held.dropna()[["date", "symbol", "score"]], file="truth")
        write_table(folder, "stocks", self.stocks.stocks_table(self.sessions).iloc[self._known()])
        write_table(folder, "st", self.stocks.st_table(self.sessions))
        write_table(folder, "industry", self._industry())

    def _write_prices(self, folder: Path) -> None:
        frame = self._frame(self._prices)
        for name in (*FIELDS, "pre_close"):
            frame[name] = frame[name] / 100.0
        frame["vwap"] = frame["amount"] / frame["volume"]
        columns = ["symbol", "date", *FIELDS, "vwap", "volume", "amount", "adj_factor", "pre_close"]
        write_table(folder, "stock_prices", frame[columns].astype({"volume": float, "amount": float}))

    def _frame(self, rows: list[dict[str, npt.NDArray[Any]]]) -> pd.DataFrame:
        """One frame of all sessions, sorted by symbol and date."""
        columns = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
        order = np.lexsort((columns["t"], columns["stock"]))
        symbol = self.stocks.symbols[columns["stock"][order]]
        frame = {"symbol": symbol, "date": self.sessions[columns["t"][order]]}
        return pd.DataFrame(frame | {k: v[order] for k, v in columns.items() if k not in ("stock", "t")})

    def _known(self) -> npt.NDArray[np.int64]:
        """Stocks that have come to the market by the last session."""
        return np.flatnonzero(self.stocks.listed_from < len(self.sessions))

    def _industry(self) -> pd.DataFrame:
        known = self._known()
        return pd.DataFrame(
            {
                "symbol": self.stocks.symbols[known],
                "industry": [f"IN{k + 1:03d}" for k in self.stocks.industry[known]],
                "in_date": self.stocks.list_date[known],
                "out_date": pd.NaT,
            }
        )
