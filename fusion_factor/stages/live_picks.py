"""`picks`: what each strategy wants to hold after a session, and the trades that lead there from what is held.

The whole rotation is run up to the day on the run's scores and the live ones, so that lists, buffers and simulated
holdings are those of the backtest. On a day between two signals the list is a preview: as if the signal were today.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import Parameters, Result, trades
from fusion_factor.core.artifacts import new_artifact, now, write_file
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.sessions import Calendar, schedule
from fusion_factor.live.holdings import Holdings, read_holdings
from fusion_factor.live.table import LiveTable
from fusion_factor.market.calendar import with_sessions_ahead
from fusion_factor.market.store import Market, Pool
from fusion_factor.stages.console import text_table
from fusion_factor.stages.live_inputs import LiveInputs, check_known
from fusion_factor.stages.rotate_inputs import RotationInputs, known_parameters
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Workspace

log = logging.getLogger("fusion_factor")

_TRADING = ("underfill", "empty", "blocked", "cost_rate", "cost_reading", "cost_buy", "cost_sell", "cost_model")


@dataclass(frozen=True)
class When:
    """The signal sessions up to the day, which is the last; `is_signal`: of the schedule itself, else a preview.

    coming     the session of the signal that the list is for: the day itself, or the next of the schedule.
    execution  the session after it, None where the calendar does not reach.
    """

    sessions: list[str]
    is_signal: bool
    coming: np.datetime64 | None
    execution: np.datetime64 | None


@dataclass(frozen=True)
class StrategyPicks:
    """`table`: rank, code, name, score, coverage, picked, held; `trades`: as in the backtest, or in CNY."""

    name: str
    when: When
    table: pd.DataFrame
    trades: pd.DataFrame
    source: str


def picks_command(settings: Settings, workspace: Workspace) -> None:
    """Write `live/picks/<date>/` and print the lists and the trades."""
    inputs = LiveInputs.of(settings, workspace)
    day = inputs.day
    check_known(inputs.market, day)
    options = settings.raw["rotate"]
    wanted = {name: given for name, given in options["strategies"].items() if given["pool"] in inputs.market.pools}
    if not wanted:
        raise ConfigError(f"rotate.strategies: none of the pools is in the market ({', '.join(inputs.market.pools)})")
    own: dict[str, Holdings] = {}
    if inputs.live.holdings is not None:
        own = read_holdings(Path(inputs.live.holdings), list(wanted))
    made = []
    for name, given in wanted.items():
        when = signals_until(inputs.market, known_parameters(given), day)
        scores = scores_until(inputs, when, known_parameters(given), day, options["score"])
        made.append(picks_of(name, given, inputs.market, scores, when, day, own.get(name)))
    folder = inputs.table.folder / "picks" / str(day)
    _write(folder, day, made)
    print("\n\n".join(shown(each) for each in made) + f"\n\npicks: {folder}", flush=True)


def signals_until(market: Market, params: Mapping[str, Any], day: np.datetime64) -> When:
    """The signals of a schedule up to the day, and the day. The calendar of the future is the exchange's."""
    calendar = Calendar(with_sessions_ahead(market.sessions[market.sessions <= day]))
    checked = Parameters.of(dict(params))
    given = checked.signal_dates
    if given is not None:  # those that the calendar does not know yet are still to come
        given = tuple(date for date in given if date <= calendar.sessions[-1])
    at = schedule(calendar, checked.schedule, start=checked.start, n=checked.n, phase=checked.phase, signal_dates=given)
    here = calendar.position(day)
    past, coming = at[at <= here], at[at >= here]
    is_signal = bool(len(past)) and int(past[-1]) == here
    next_at = int(coming[0]) if len(coming) else None
    execution = None if next_at is None or next_at + 1 >= len(calendar) else calendar.sessions[next_at + 1]
    dates = [str(calendar.sessions[t]) for t in past] + ([] if is_signal else [str(day)])
    return When(dates, is_signal, None if next_at is None else calendar.sessions[next_at], execution)


def scores_until(
    inputs: LiveInputs, when: When, params: Mapping[str, Any], day: np.datetime64, column: str
) -> pd.DataFrame:
    """date, symbol, score up to the day: those of the run, after its last date the live ones. DataError without the
    day's own, and a warning for signals since then that have none."""
    table = inputs.table
    frames, until, first = [], np.datetime64("0001-01-01", "D"), None
    # with an age limit a signal may use the scores of other sessions
    dates = None if int(params.get("score_max_age") or 0) else [np.datetime64(each).item() for each in when.sessions]
    if inputs.workspace.has("scores"):
        path = inputs.workspace.folder("scores") / "scores.parquet"
        known = pd.to_datetime(pd.read_parquet(path, columns=["date"])["date"]).to_numpy().astype("datetime64[D]")
        first, until = known.min(), known.max()
        chosen: list[tuple[str, str, Any]] = [("date", "<=", day.item())]
        if dates is not None:
            # the first date of all is kept, for schedules may be counted from it
            chosen.append(("date", "in", [first.item(), *dates]))
        frames.append(pd.read_parquet(path, columns=["date", "symbol", column], filters=chosen))
    later = [each for each in table.days if until < each <= day and (dates is None or each.item() in dates)]
    frames += [_column(table, each, column) for each in later]
    scored = {*later} | ({day} if day <= until and first is not None and first <= day else set())
    if day not in scored:
        raise DataError(f"scores of {day}: there are none; run `fusion-factor score date={day}` first")
    missed = [each for each in when.sessions if until < np.datetime64(each) and np.datetime64(each) not in scored]
    if missed:
        log.warning("picks: %d signals since %s have no scores, the first %s; they trade nothing", len(missed), until,
                    missed[0])  # fmt: skip
    frame = pd.concat(frames, ignore_index=True).rename(columns={column: "score"})
    return frame.assign(date=pd.to_datetime(frame["date"]), symbol=frame["symbol"].astype(str)).dropna()


def _column(table: LiveTable, day: np.datetime64, column: str) -> pd.DataFrame:
    frame = table.scores(day)
    if column not in frame:
        raise ConfigError(
            f"rotate.score: {column} is no column of the live scores of {day} ({', '.join(frame.columns)})"
        )
    return frame[["date", "symbol", column]]


def picks_of(
    name: str,
    given: Mapping[str, Any],
    market: Market,
    scores: pd.DataFrame,
    when: When,
    day: np.datetime64,
    own: Holdings | None,
) -> StrategyPicks:
    """One strategy's list on the day; trades from `own` holdings in CNY, else from its simulated ones as shares."""
    pool = pool_until(market.pool(given["pool"]), day)
    asked = {**given, "end": str(day)}
    if not when.is_signal:
        asked |= {"schedule": "explicit", "signal_dates": when.sessions}
    rotation = RotationInputs(market, pool, scores, asked)
    params = rotation.params
    if not when.is_signal:
        params = {**params, "signal_dates": [each for each in when.sessions if each >= params["start"]]}
    result = rotation.data.run(**params)
    table = _list(result, pool, own)
    if own is None:
        return StrategyPicks(name, when, table, result.trades.drop(columns=["signal", "execution"]), "simulated")
    return StrategyPicks(name, when, table, _own_trades(table, pool, own, params, day), "yours")


def pool_until(pool: Pool, day: np.datetime64) -> Pool:
    """The pool as it stood: prices and members dated on the day or before."""
    last = pd.Timestamp(day)
    prices = pool.index_prices[pool.index_prices["date"] <= last].reset_index(drop=True)
    members = pool.members[pool.members["in_date"] <= last]
    members = members.assign(out_date=members["out_date"].where(members["out_date"] <= last)).reset_index(drop=True)
    return Pool(pool.name, prices, members, pool.note, pool.names)


def _list(result: Result, pool: Pool, own: Holdings | None) -> pd.DataFrame:
    """The eligible names of the last signal, best first."""
    rows = result.signals[result.signals["signal"] == result.signals["signal"].max()]
    rows = rows[rows["eligible"] == 1].sort_values("rank")
    if own is not None:
        held = {code for code, units in own.units.items() if units > 0}
    else:
        held = set(result.trades.loc[result.trades["held"] > 0, "code"])
    names = [pool.names.get(code, "") for code in rows["code"]]
    return pd.DataFrame(
        {
            "rank": rows["rank"].astype(int).to_numpy(),
            "code": rows["code"].to_numpy(),
            "name": names,
            "score": rows["score"].to_numpy(),
            "coverage": rows["coverage"].to_numpy(),
            "picked": rows["picked"].to_numpy(),
            "held": [int(code in held) for code in rows["code"]],
        }
    )


def _own_trades(
    table: pd.DataFrame, pool: Pool, own: Holdings, params: Mapping[str, Any], day: np.datetime64
) -> pd.DataFrame:
    """From the user's units at the latest close of each index, in CNY."""
    closes = pool.index_prices[pool.index_prices["close"] > 0].sort_values("date")
    latest = closes.drop_duplicates("code", keep="last").set_index("code")
    idle = latest.index[latest["date"] < pd.Timestamp(day)]
    unknown = sorted(set(own.units) - set(pool.index_prices["code"]))
    if unknown:
        raise DataError(f"holdings: {unknown[0]} is no code of the pool {pool.name}")
    how = {key: params[key] for key in _TRADING if params.get(key) is not None}
    plan = trades(
        list(table.loc[table["picked"] == 1, "code"]),
        own.units,
        own.cash,
        {str(code): float(close) for code, close in latest["close"].items()},
        not_tradable=dict.fromkeys(map(str, idle), "no price"),
        top_k=params["top_k"],
        **how,
    )
    return plan.table


def _write(folder: Path, day: np.datetime64, made: list[StrategyPicks]) -> None:
    """The day's folder, whole or not at all."""
    with new_artifact(folder) as temporary:
        about: dict[str, Any] = {"date": str(day), "written": now(), "strategies": {}}
        for each in made:
            each.table.to_csv(temporary / f"{each.name}.csv", index=False)
            each.trades.to_csv(temporary / f"{each.name}_trades.csv", index=False)
            when = {"kind": "signal" if each.when.is_signal else "preview", "signal": each.when.coming}
            about["strategies"][each.name] = {**when, "execution": each.when.execution, "holdings": each.source}
        write_file(temporary / "picks.json", json.dumps(about, indent=1, default=str) + "\n")


def shown(made: StrategyPicks) -> str:
    """One strategy's list and trades as text."""
    when = made.when
    if when.is_signal:
        title = f"{made.name}: signal of {when.sessions[-1]}, to be traded on {when.execution or 'the next session'}"
    else:
        title = (
            f"{made.name}: PREVIEW as of {when.sessions[-1]}, no signal session; the coming signal is "
            f"{when.coming or 'not in the calendar yet'}"
        )
    picked = made.table[made.table["picked"] == 1]
    rows = [["#", "code", "name", "score", "cover", ""]]
    for rank, code, name, score, cover, held in zip(
        *(picked[column] for column in ("rank", "code", "name", "score", "coverage", "held")), strict=True
    ):
        rows.append([str(rank), code, name, f"{score:.3f}", f"{cover:.0%}", "" if held else "new"])
    lines = [title, text_table(rows) if len(picked) else "no index is picked"]
    moves = made.trades[made.trades["side"] != ""]
    unit = "share of the value, from the simulated holdings" if made.source == "simulated" else "CNY, from yours"
    if len(moves):
        rows = [["trade", "code", "amount", "reason"]]
        form = "{:+.2%}" if made.source == "simulated" else "{:+,.0f}"
        rows += [
            [side, code, form.format(trade), reason]
            for side, code, trade, reason in zip(
                moves["side"], moves["code"], moves["trade"], moves["reason"], strict=True
            )
        ]
        lines += [f"trades ({unit})", text_table(rows)]
    else:
        lines.append("no trades")
    return "\n".join(lines)
