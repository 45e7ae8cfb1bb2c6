"""What a strategy held and traded: holdings and ranks through time, turnover, contributions, blocked orders."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.report.blocks import Block, Column, Figure, Group, Note, Table
from fusion_factor.report.data import StrategyData
from fusion_factor.report.figures import Line, Panel, bars, grid, over_time
from fusion_factor.report.labels import strategy_colour
from fusion_factor.report.numbers import number, rounded, shown
from fusion_factor.report.reshape import cells, floats, running_sum

CASH, COST = "CASH", "COST"
MOST_ROWS = 30
MOST_PARTS = 12
MOST_BLOCKED = 60
CELL_HEIGHT = 15


def holdings(strategy: StrategyData) -> Block | None:
    """The indices held most often, and when."""
    frame = strategy.holdings.dropna(subset=["execution", "code"])
    weights = pd.Series(floats(frame["weight"]), index=frame.index)
    frame = frame[(frame["code"].astype(str) != CASH) & (weights > 0)]
    if frame.empty:
        return Note(("No holdings were recorded.",), "absent")
    times = frame.groupby(frame["code"].astype(str))["execution"].agg(["count", "min", "max"])
    times = times.sort_values("count", ascending=False, kind="stable")
    total = frame["execution"].nunique()
    rows = tuple(
        {
            "index": strategy.named(str(code)),
            "count": int(row["count"]),
            "share": float(row["count"]) / total,
            "first": row["min"],
            "last": row["max"],
        }
        for code, row in times.iterrows()
    )
    columns = (
        Column("index", "Index"),
        Column("count", "Executions held", "int"),
        Column("share", "Of all", "pct0"),
        Column("first", "First", "date"),
        Column("last", "Last", "date"),
    )
    codes = [str(code) for code in times.index[:MOST_ROWS]]
    dates, weight = cells(frame, "execution", "weight", codes)
    spec = grid(
        dates,
        [(strategy.short(code), np.nan_to_num(weight[code])) for code in codes],
        strategy_colour(strategy.name),
        {"kind": "share"},
    )
    less = f"; the {len(codes)} held most often of {len(times)}" if len(codes) < len(times) else ""
    title = f"Holdings through time: coloured when held, from {total:,} executions{less}"
    table = Table(f"held-{strategy.name}-table", columns, rows, sortable=True)
    return Figure(f"held-{strategy.name}", title, spec, 40 + CELL_HEIGHT * len(codes), numbers=table)


def ranks(strategy: StrategyData) -> Block | None:
    """Rank of each index at every signal, today's best on top."""
    frame = strategy.signals.dropna(subset=["signal", "code"])
    place = pd.Series(floats(frame["rank"]), index=frame.index)
    if not place.notna().any():
        return None
    newest = frame["signal"].max()
    last = place[frame["signal"] == newest].set_axis(frame.loc[frame["signal"] == newest, "code"].astype(str))
    best = place.groupby(frame["code"].astype(str)).mean()
    order = pd.DataFrame({"last": last[~last.index.duplicated()], "mean": best}).sort_values(["last", "mean"])
    codes = [str(code) for code in order.index[:MOST_ROWS]]
    dates, rank = cells(frame, "signal", "rank", codes)
    scale = {"kind": "rank", "best": number(strategy.params.get("top_k")) or 1, "last": number(place.max())}
    spec = grid(dates, [(strategy.short(code), rank[code]) for code in codes], strategy_colour(strategy.name), scale)
    less = f"the {len(codes)} best of {len(order)} at the last signal" if len(codes) < len(order) else "all indices"
    title = f"Rank at each signal, {less}: full colour is a pick, paler is worse, blank is not eligible"
    figure = Figure(f"ranks-{strategy.name}", title, spec, 40 + CELL_HEIGHT * len(codes))
    first = order.index[0]
    return Group("Rank of each index over time", (figure,), f"first at the last signal: {strategy.named(str(first))}")


def turnover(strategy: StrategyData) -> Block | None:
    """Turnover of each execution, and costs summed up."""
    frame = strategy.executions
    frame = frame[frame["execution"].notna() & (frame["status"] == "done")]
    if frame.empty:
        return None
    buy, sell, cost = (floats(frame[name]) for name in ("buy", "sell", "cost"))
    each = [Line("Turnover (mean of buys and sells)", strategy_colour(strategy.name), (buy + sell) / 2, "bar")]
    paid = [Line("Costs paid so far", "relative", running_sum(cost), "area", width=1.4)]
    panels = [
        Panel("turnover", "pct0", each, 3, 3, zero=True),
        Panel("costs, sum of shares of value", "pct2", paid, 2, 5, zero=True),
    ]
    figure = Figure(
        f"turnover-{strategy.name}", "Turnover at each execution, and costs summed up",
        over_time(frame["execution"], panels), 340,
    )  # fmt: skip
    mean, costs = (strategy.metrics.get(key) for key in ("mean_turnover", "annual_cost"))
    answer = f"{shown(mean, 'pct1')} a trade, costs {shown(costs, 'pct')} a year"
    return Group("Turnover and costs", (figure,), answer)


def contributions(strategy: StrategyData) -> Block | None:
    """Profit of each index; with costs they add up to the total return."""
    if strategy.contribution is None:
        return None
    frame = strategy.contribution.dropna(subset=["code"])
    pairs = [(str(code), number(value)) for code, value in zip(frame["code"], frame["value"], strict=True)]
    costs = next((value for code, value in pairs if code == COST), None)
    parts = [(code, value) for code, value in pairs if code != COST and value is not None]
    parts.sort(key=lambda pair: -pair[1])
    if not parts:
        return None
    rows = [{"index": strategy.named(code), "value": value} for code, value in parts]
    total = number(strategy.metrics.get("total_return"))
    rows += [{"index": "Costs", "value": costs}] if costs is not None else []
    rows.append({"index": "Total return", "value": total})
    columns = (Column("index", "Index"), Column("value", "Contribution", "plus", "profit / value at the start"))
    table = Table(f"contribution-{strategy.name}-table", columns, tuple(rows), strong=(len(rows) - 1,))
    bars_of = _most_and_least(strategy, parts)
    bars_of += [("Costs", costs)] if costs is not None else []
    note = f"All indices and the costs add up to the total return, {shown(total, 'pct')}."
    title = "Profit of each index over the whole run, as a share of the value at the start"
    id, height = f"contribution-{strategy.name}", 50 + 19 * len(bars_of)
    (best, most), (worst, least) = parts[0], parts[-1]
    answer = (
        f"most {strategy.named(best)} {shown(most, 'plus1')}, least {strategy.named(worst)} {shown(least, 'plus1')}"
    )
    return Group("Contribution by index", (Figure(id, title, _signed_bars(bars_of), height, note, table),), answer)


def _most_and_least(strategy: StrategyData, parts: list[tuple[str, float]]) -> list[tuple[str, float | None]]:
    """Labels and values of the indices that are drawn: all, or the first and the last with a gap between them."""
    named = [(strategy.short(code), value) for code, value in parts]
    left = len(named) - 2 * MOST_PARTS
    if left <= 1:
        return list(named)
    return [*named[:MOST_PARTS], (f"\u2026 {left} more", None), *named[-MOST_PARTS:]]


def _signed_bars(pairs: list[tuple[str, float | None]]) -> dict[str, Any]:
    colours = ["down" if value is not None and value < 0 else "up" for _, value in pairs]
    series = {"name": "contribution", "colours": colours, "y": rounded([value for _, value in pairs], 5)}
    return bars([label for label, _ in pairs], "pct1", [series], flat=True)


def blocked_orders(strategy: StrategyData) -> Block | None:
    """Orders that could not be filled, with their reasons; that there were none is said too."""
    frame = strategy.blocked
    if frame is None:
        return None
    done = int((strategy.executions["status"] == "done").sum())
    if frame.empty:
        return Note((f"Blocked orders: 0 in {done:,} executions.",))
    counts = Counter(zip(frame["reason"].astype(str), frame["side"].astype(str), strict=True)).most_common()
    summary = tuple({"reason": reason, "side": side, "count": count} for (reason, side), count in counts)
    latest: list[dict[str, Any]] = []
    for _, row in frame.tail(MOST_BLOCKED).iloc[::-1].iterrows():
        day = row["execution"] if pd.notna(row["execution"]) else None
        texts = {"index": strategy.named(str(row["code"])), "side": row["side"], "reason": row["reason"]}
        latest.append({"execution": day} | texts)
    caption = f"The last {len(latest)} of {len(frame):,}." if len(latest) < len(frame) else ""
    blocks: tuple[Block, ...] = (
        Note(("Names that wanted to trade and could not: they keep their units.",)),
        Table(
            f"blocked-{strategy.name}-counts",
            (Column("reason", "Reason"), Column("side", "Side"), Column("count", "Orders", "int")),
            summary,
        ),
        Table(
            f"blocked-{strategy.name}",
            (
                Column("execution", "Execution", "date"),
                Column("index", "Index"),
                Column("side", "Side"),
                Column("reason", "Reason"),
            ),
            tuple(latest),
            caption,
        ),
    )
    return Group("Blocked orders", blocks, f"{len(frame):,} in {done:,} executions")


def executions(strategy: StrategyData) -> Block:
    """The last executions: what was traded and paid, and whether anything could not be traded."""
    columns = (
        Column("signal", "Signal", "date"),
        Column("execution", "Execution", "date"),
        Column("status", "Status"),
        Column("buy", "Bought", "pct1"),
        Column("sell", "Sold", "pct1"),
        Column("cost", "Cost", "pct3"),
        Column("frozen", "Not tradable", "int"),
    )
    rows = []
    for _, row in strategy.executions.tail(12).iloc[::-1].iterrows():
        numbers = {key: number(row[key]) for key in ("buy", "sell", "cost", "frozen")}
        dates = {key: row[key] if pd.notna(row[key]) else None for key in ("signal", "execution")}
        rows.append(dates | {"status": row["status"]} | numbers)
    table = Table(f"executions-{strategy.name}", columns, tuple(rows))
    return Group("The last twelve executions", (table,))
