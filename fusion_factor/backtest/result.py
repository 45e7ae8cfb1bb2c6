"""What a run returns: tables as DataFrames, figures as a dict. Tables are made when they are first looked at.

Legend: s signal, c name of the pool, d session from the base to the end.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest.accounting import Reasons, blocked_table, contribution_table
from fusion_factor.backtest.ledger import NO_NAMES, NO_VALUES, Order, Path, Position
from fusion_factor.backtest.metrics import NavPath, year_table
from fusion_factor.backtest.picks import Picks
from fusion_factor.backtest.planned_trades import pending_table
from fusion_factor.backtest.trade import TradeRules

__all__ = ["CASH", "Result"]

CASH = "CASH"


@dataclass(frozen=True)
class Result:
    """Outcome of a rotation or stock portfolio.

    `metrics`: figure name to value (SEMANTICS 11), None where missing. Tables:

    * `nav`: date, nav, benchmark, relative, stale (held names without a valid close), from the base on
    * `signals`: signal, code, score, coverage, eligible, rank, picked, every name of the pool at every signal
    * `executions`: signal, execution, status (done, kept, pending), buy, sell, cost, frozen
    * `holdings`: execution, code, weight right after each execution done; `CASH` where cash is left
    * `blocked`: execution, code, side, reason of every order that could not be done
    * `contribution`: code, value; profit of each name in units of the base NAV, and `COST`
    * `trades`: what the last signal asks for where it is still pending

    Tables are made when they are first asked for.
    """

    metrics: dict[str, Any]
    path: NavPath
    _run: Path = field(repr=False)
    _names: np.ndarray = field(repr=False)
    _signal_s: np.ndarray = field(repr=False)
    _execution_s: np.ndarray = field(repr=False)
    _signal_at: np.ndarray = field(repr=False)
    _reasons: Reasons = field(repr=False)
    _rules: TradeRules = field(repr=False)
    _score_sc: np.ndarray = field(repr=False)
    _coverage_sc: np.ndarray = field(repr=False)
    _eligible_sc: np.ndarray = field(repr=False)
    _picks: Picks = field(repr=False)

    @cached_property
    def nav(self) -> pd.DataFrame:
        """date, nav, benchmark, relative, stale; one row a session."""
        return pd.DataFrame(
            {
                "date": self.path.sessions.astype("datetime64[s]"),
                "nav": self.path.nav_d,
                "benchmark": self.path.benchmark_d,
                "relative": self.path.relative_d,
                "stale": self._run.stale_d,
            }
        )

    @cached_property
    def signals(self) -> pd.DataFrame:
        """One row a signal and name: score, coverage, eligible, rank, picked."""
        n_signals, n_names = self._score_sc.shape
        rank = pd.array(self._picks.rank_sc.ravel(), dtype="Int64")
        rank[~self._eligible_sc.ravel()] = pd.NA
        return pd.DataFrame(
            {
                "signal": np.repeat(self._signal_s.astype("datetime64[s]"), n_names),
                "code": pd.Index(self._names).take(np.tile(np.arange(n_names), n_signals)),
                "score": self._score_sc.ravel(),
                "coverage": self._coverage_sc.ravel(),
                "eligible": self._eligible_sc.ravel().astype(np.int8),
                "rank": rank,
                "picked": self._picks.picked_sc.ravel().astype(np.int8),
            }
        )

    @cached_property
    def executions(self) -> pd.DataFrame:
        """One row a signal; figures as shares of the value before costs, empty while pending."""
        done = self._run.executions
        pending = len(self._signal_s) - len(done)
        frozen: list[int | None] = [one.frozen for one in done]
        table: dict[str, Any] = {
            "signal": self._signal_s.astype("datetime64[s]"),
            "execution": self._execution_s.astype("datetime64[s]"),
            "status": ["done" if one.done else "kept" for one in done] + ["pending"] * pending,
        }
        for name in ("buy", "sell", "cost"):
            table[name] = np.array([getattr(one, name) for one in done] + [np.nan] * pending)
        table["frozen"] = pd.array(frozen + [None] * pending, dtype="Int64")
        return pd.DataFrame(table)

    @cached_property
    def holdings(self) -> pd.DataFrame:
        """Weights right after each execution that was done, names in code order, then `CASH` where there is some."""
        dates, names, weights = [], [], []
        for date, one in zip(self._execution_s, self._run.executions, strict=False):
            if not one.done:
                continue
            with_cash = [CASH] if one.cash_weight != 0.0 else []
            names += [*self._names[one.names], *with_cash]
            weights += [*one.weights.tolist(), *([one.cash_weight] if with_cash else [])]
            dates += [date] * (len(one.names) + len(with_cash))
        return pd.DataFrame(
            {
                "execution": np.array(dates, "datetime64[D]").astype("datetime64[s]"),
                "code": pd.Series(names, dtype=str),
                "weight": np.array(weights, np.float64),
            }
        )

    @cached_property
    def blocked(self) -> pd.DataFrame:
        """Every name that wanted to trade and was frozen: execution, code, side, reason.

        Reasons: `no price`, `suspended`, `upper limit`, `lower limit`, `flag` (of the table `flags`). A name that one
        flag froze wanted what the flag forbids; one that could not be traded at all, what it would have traded had
        nobody been frozen.
        """
        return blocked_table(self._names, self._signal_at + 1, self._execution_s, self._run, self._reasons)

    @cached_property
    def contribution(self) -> pd.DataFrame:
        """code, value: value at the end - bought + sold of each name ever held, by code; then `COST`, minus all costs.

        The sum is `total_return`.
        """
        return contribution_table(self._names, self._run)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """What the pending signal asks for: signal, execution, code, held, target, trade, side, cost, reason.

        Figures are shares of the value at the close of the signal; `reason` says why a name cannot be traded as far as
        that is known then (`no price`: it has no valid close). Without a pending signal there are no rows.
        """
        # a signal is pending when its execution lies beyond `end`: that can only be the one of `end` itself
        waiting = len(self._run.executions) < len(self._signal_at)
        picks, at = self._picks, int(self._signal_at[-1])
        order = Order(
            at, picks.picked_sc[-1], float(picks.weight_s[-1]), float(picks.spare_s[-1]), bool(picks.traded_s[-1])
        )
        held = self._run.last if waiting else Position(NO_NAMES, NO_VALUES, 1.0)
        table = pending_table(
            self._names,
            held,
            order._replace(trade=order.trade and waiting),
            lambda names: self._reasons.known(at, names),
            self._rules,
        )
        for place, (name, day) in enumerate((("signal", self._signal_s[-1]), ("execution", self._execution_s[-1]))):
            table.insert(place, name, np.full(len(table), day).astype("datetime64[s]"))
        return table

    def years(self) -> pd.DataFrame:
        """By calendar year: return, benchmark, excess, max_drawdown, excess_max_drawdown."""
        return year_table(self.path)
