"""This week's picks: the last signal of each rotation, what changes, and the trades that it asks for."""

from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.report.blocks import Column, Columns, Group, Heading, Note, Section, Table
from fusion_factor.report.data import ReportData, StrategyData
from fusion_factor.report.labels import STRATEGIES, ordered, strategy_colour, strategy_label
from fusion_factor.report.numbers import MISSING, number, shown
from fusion_factor.report.reshape import floats


def picks(data: ReportData) -> Section:
    """The picks of the last signal session of every strategy."""
    explain = (
        "What each rotation wants to hold after its last signal, decided after that session's close and "
        "filled at the next session. "
        "Number 1 is the best index score; cover is the share of an index's members that have a score; was is "
        "the rank at the signal before, and new means not held until now. Trades are shares of the strategy's value "
        "at the last close."
    )
    if not data.strategies:
        note = Note(("No rotation was run, so there are no picks.",), "absent")
        return Section("picks", "This week's picks", "Picks", explain, [note])
    parts = []
    names = ordered(data.strategies, STRATEGIES)
    for name in names:
        heading = Heading(strategy_label(name), colour=strategy_colour(name))
        parts.append((heading, *_last_signal(data.strategies[name])))
    trades: list[Note | Group] = [
        _trades(data.strategies[name], table) for name in names if (table := data.strategies[name].trades) is not None
    ]
    if not trades:
        trades = [Note(("This run wrote no trades to make (trades.csv).",), "absent")]
    return Section("picks", "This week's picks", "Picks", explain, [Columns(tuple(parts)), *trades])


def _last_signal(strategy: StrategyData) -> list[Note | Table]:
    signals = strategy.signals.dropna(subset=["signal"])
    if signals.empty:
        return [Note(("There is no signal.",), "absent")]
    dates = sorted(signals["signal"].unique())
    now = signals[signals["signal"] == dates[-1]]
    before = signals[signals["signal"] == dates[-2]] if len(dates) > 1 else signals.iloc[:0]
    picked = now[_flag(now["picked"])].sort_values("rank")
    ranks_before = dict(zip(before["code"].astype(str), before["rank"], strict=True))
    held = set(before.loc[_flag(before["picked"]), "code"].astype(str))
    if picked.empty:
        return [Note((f"The signal of {shown(dates[-1], 'date')} picks nothing.",), "absent")]
    rows = [_row(row, strategy, ranks_before, held, bool(len(before))) for _, row in picked.iterrows()]
    leaving = sorted(held - set(picked["code"].astype(str)))
    lines = [_state(strategy, dates[-1], len(now), int(_flag(now["eligible"]).sum()))]
    if leaving:
        lines.append("Leaves the list: " + ", ".join(strategy.named(code) for code in leaving) + ".")
    columns = (
        Column("rank", "#", "int"),
        Column("index", "Index"),
        Column("score", "Score", "num3"),
        Column("coverage", "Cover", "pct0", "share of the index's members that have a score"),
        Column("before", "Was", "int", "rank at the signal before"),
        Column("change", "", "mark"),
    )
    return [
        Note(tuple(lines[:1])),
        Table(f"picks-{strategy.name}", columns, tuple(rows)),
        *(Note((line,)) for line in lines[1:]),
    ]


def _trades(strategy: StrategyData, frame: pd.DataFrame) -> Note | Group:
    """What to buy and to sell at the pending execution, from what is held now; and what it costs."""
    label = strategy_label(strategy.name)
    if frame.empty:
        return Note((f"{label}: no trades to make, no signal is pending.",))
    trade, cost = floats(frame["trade"]), floats(frame["cost"])
    rows = []
    for _, row in frame.iterrows():
        figures = {key: number(row[key]) for key in ("held", "target", "trade", "cost")}
        rows.append(
            {"index": strategy.named(str(row["code"])), "side": row["side"], "reason": row["reason"], **figures}
        )
    rows.sort(key=lambda row: -(row["trade"] or 0.0))
    columns = [
        Column("index", "Index"),
        Column("side", "Side", "mark"),
        Column("held", "Held", "pct1", "share of the value now, at the last close"),
        Column("target", "Target", "pct1"),
        Column("trade", "Trade", "plus1", "share of the value: + buy, − sell"),
        Column("cost", "Cost", "pct3", "share of the value, at the rate of the strategy"),
    ]
    if any(isinstance(row["reason"], str) and row["reason"] for row in rows):
        columns.append(Column("reason", "Cannot be traded", "mark", "as far as known at the signal"))
    day = shown(frame["execution"].iloc[0], "date")
    answer = (
        f"buy {shown(np.nansum(trade[trade > 0]), 'pct1')}, sell {shown(-np.nansum(trade[trade < 0]), 'pct1')}, "
        f"cost {shown(np.nansum(cost), 'pct3')}"
    )
    table = Table(f"trades-{strategy.name}", tuple(columns), tuple(rows))
    when = "the next session" if day == MISSING else day
    return Group(f"{label}: trades to make on {when}", (table,), answer)


def _flag(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce") == 1


def _row(
    row: pd.Series, strategy: StrategyData, ranks: dict[str, Any], held: set[str], compare: bool
) -> dict[str, Any]:
    code = str(row["code"])
    return {
        "rank": number(row["rank"]),
        "code": code,
        "index": strategy.named(code),
        "score": number(row["score"]),
        "coverage": number(row["coverage"]),
        "before": number(ranks.get(code)),
        "change": "" if code in held or not compare else "new",
    }


def _state(strategy: StrategyData, signal: Any, codes: int, eligible: int) -> str:
    rows = strategy.executions[strategy.executions["signal"] == signal]
    status = str(rows["status"].iloc[0]) if len(rows) else ""
    day = shown(rows["execution"].iloc[0], "date") if len(rows) else MISSING
    price = f"{strategy.params.get('execute', 'open')} of {'the next session' if day == MISSING else day}"
    states = {
        "done": f", filled at the {price}",
        "pending": f", to be filled at the {price} (pending, not simulated)",
        "kept": f", but no trade was made at the {price}: holdings stay",
    }
    return f"Signal of {shown(signal, 'date')}{states.get(status, '')}. {eligible} of {codes} indices are eligible."
