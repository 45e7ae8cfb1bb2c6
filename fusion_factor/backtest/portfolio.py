"""From scores of a pool's names to a result: signals, picks, orders, the simulation and its benchmark.

Rotations and stock portfolios differ in where scores and flags come from; everything after is here.

Legend: t session, s signal, c name of the pool, d session from the base to the end.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fusion_factor.backtest.accounting import Reasons
from fusion_factor.backtest.benchmark import compound
from fusion_factor.backtest.ledger import Delistings, Order, Path
from fusion_factor.backtest.metrics import NavPath, activity, figures, win_rate
from fusion_factor.backtest.parameters import Parameters
from fusion_factor.backtest.picks import Picks, pick
from fusion_factor.backtest.prepared import Memory
from fusion_factor.backtest.quotes import Flags, Quotes
from fusion_factor.backtest.result import Result
from fusion_factor.backtest.simulate import simulate
from fusion_factor.backtest.trade import TradeRules
from fusion_factor.core.errors import ConfigError
from fusion_factor.core.sessions import Calendar, schedule

__all__ = ["Decisions", "Signals", "eligible_names", "find_signals", "run_portfolio"]


@dataclass(frozen=True)
class Signals:
    """Signal sessions as positions, and the last session of the simulation."""

    at: np.ndarray
    end: int


@dataclass(frozen=True)
class Decisions:
    """What the picks are made from: scores (NaN: none), coverage and eligibility, [S, C] each."""

    score_sc: np.ndarray
    coverage_sc: np.ndarray
    eligible_sc: np.ndarray


def find_signals(calendar: Calendar, quotes: Quotes, parameters: Parameters) -> Signals:
    """Signal sessions between `start` and `end`; an empty `end` is the pool's last valid close.

    Raises:
        ConfigError: when there is none, or the pool has no valid close at all.
    """
    last = quotes.last_session
    end = last if parameters.end is None else calendar.last_at_or_before(parameters.end)
    at = np.empty(0, np.int64)
    if last >= 0 and end >= 0:
        at = schedule(
            calendar,
            parameters.schedule,
            start=parameters.start,
            end=calendar.sessions[end],
            n=parameters.n,
            phase=parameters.phase,
            signal_dates=parameters.signal_dates,
        )
    if not at.size:
        given = f"start {parameters.start or '(empty)'}, end {parameters.end or '(empty)'}"
        reason = "; the pool has no valid close" if last < 0 else ""
        raise ConfigError(f"{parameters.schedule}: no signal session between start and end ({given}){reason}")
    return Signals(at, end)


def eligible_names(score_sc: np.ndarray, quotes: Quotes, at: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Names with a score, enough valid closes so far and, where asked for, a valid close at the signal; bool [S, C]."""
    eligible_sc = ~np.isnan(score_sc)
    if parameters.require_price:
        eligible_sc &= quotes.valid_tn[at]
    if parameters.min_history > 1 or not parameters.require_price:
        eligible_sc &= quotes.history_tn[at] >= parameters.min_history
    return eligible_sc


def run_portfolio(
    quotes: Quotes,
    signals: Signals,
    decisions: Decisions,
    parameters: Parameters,
    *,
    market_returns: Callable[[], np.ndarray],
    memory: Memory,
    reasons: Reasons,
    flags: Flags | None = None,
    delistings: Delistings | None = None,
    counts: dict[str, int] | None = None,
) -> Result:
    """Pick, trade, measure.

    Args:
        quotes: prices of the pool. signals, decisions: when, and from what.
        market_returns: session returns [T] of the benchmark; asked for unless it is `pool_held` or `cash`.
        memory: keeps the held benchmark, which settings with the same eligible names share.
        reasons: why a name cannot be traded; asked for only when a table of blocked orders is.
        flags, delistings: as `simulate` takes them. counts: further figures to be listed.
    """
    picks = pick(
        decisions.score_sc,
        decisions.eligible_sc,
        parameters.top_k,
        ascending=parameters.ascending,
        buffer=parameters.buffer,
        underfill=parameters.underfill,
        empty=parameters.empty,
    )
    base, end = int(signals.at[0]), signals.end
    executable = signals.at[signals.at < end] + 1
    orders = [
        Order(int(at), picked, float(weight), float(spare), bool(traded))
        for at, picked, weight, spare, traded in zip(
            executable, picks.picked_sc, picks.weight_s, picks.spare_s, picks.traded_s, strict=False
        )
    ]
    rules = TradeRules.of(parameters)
    run = simulate(
        quotes,
        orders,
        base,
        end,
        execute=parameters.execute,
        rules=rules,
        daily_reset=parameters.holding == "daily_reset",
        flags=flags,
        delistings=delistings,
    )
    if parameters.benchmark_kind == "pool_held":
        benchmark_d = _held_pool(
            quotes, executable, decisions.eligible_sc, base, end, parameters.execute, delistings, memory
        )
    elif parameters.benchmark_kind == "cash":
        benchmark_d = np.ones(end - base + 1)
    else:
        benchmark_d = compound(market_returns(), base, end)
    path = NavPath(quotes.sessions[base : end + 1], run.nav_d, benchmark_d)
    return _result(quotes, signals, decisions, picks, path, run, parameters, reasons, counts or {})


def _held_pool(
    quotes: Quotes,
    executable: np.ndarray,
    eligible_sc: np.ndarray,
    base: int,
    end: int,
    execute: str,
    delistings: Delistings | None,
    memory: Memory,
) -> np.ndarray:
    """NAV of all eligible names at equal weight from the same signals, without costs and flags."""

    def hold() -> np.ndarray:
        n_eligible = eligible_sc.sum(axis=1).tolist()
        orders = [
            Order(int(at), eligible, 1.0 / max(n, 1), 0.0, n > 0)
            for at, eligible, n in zip(executable, eligible_sc, n_eligible, strict=False)
        ]
        free = TradeRules(buy_rate=0.0, sell_rate=0.0)
        return simulate(quotes, orders, base, end, execute=execute, rules=free, delistings=delistings).nav_d

    eligible = hashlib.blake2b(executable.tobytes() + eligible_sc.tobytes()).digest()
    haircut = None if delistings is None else delistings.haircut
    return memory.get(("held", eligible, base, end, execute, haircut), hold)


def _result(
    quotes: Quotes,
    signals: Signals,
    decisions: Decisions,
    picks: Picks,
    path: NavPath,
    run: Path,
    parameters: Parameters,
    reasons: Reasons,
    counts: dict[str, int],
) -> Result:
    n, executions = len(path.nav_d) - 1, run.executions
    sessions = np.append(quotes.sessions, np.datetime64("NaT"))
    executed = signals.at[: len(executions)] + 1
    figure: dict[str, Any] = figures(path, parameters.annual_sessions)
    figure["win_rate"] = win_rate(path.relative_d, executed - signals.at[0], parameters.execute)
    buy, sell, cost = (np.array([getattr(one, name) for one in executions]) for name in ("buy", "sell", "cost"))
    figure.update(activity(buy, sell, cost, n, parameters.annual_sessions))
    done = sum(one.done for one in executions)
    figure.update(
        signals=len(signals.at),
        executions=done,
        kept=len(executions) - done,
        pending=len(signals.at) - len(executions),
        codes_without_price=quotes.without_price,
        **counts,
    )
    return Result(
        metrics=figure,
        path=path,
        _run=run,
        _names=quotes.names,
        _signal_at=signals.at,
        _signal_s=quotes.sessions[signals.at],
        _execution_s=sessions[signals.at + 1],
        _reasons=reasons,
        _rules=TradeRules.of(parameters),
        _score_sc=decisions.score_sc,
        _coverage_sc=decisions.coverage_sc,
        _eligible_sc=decisions.eligible_sc,
        _picks=picks,
    )
