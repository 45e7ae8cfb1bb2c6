"""One section for each strategy: the answer in tiles, then its path, months, years, holdings, and what to doubt."""

from dataclasses import replace

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Figure, Heat, Note, Section, Table, Tile, Tiles
from fusion_factor.report.data import ReportData, StrategyData
from fusion_factor.report.figures import Line, Panel, over_time
from fusion_factor.report.labels import STRATEGIES, ordered, strategy_colour, strategy_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.reshape import below_peak, floats, monthly_changes, trailing_change, trailing_volatility
from fusion_factor.report.sections.facts import strategy_words
from fusion_factor.report.sections.strategy_doubts import cost_readings, implied_words, variants
from fusion_factor.report.sections.strategy_trading import (
    blocked_orders,
    contributions,
    executions,
    holdings,
    ranks,
    turnover,
)

FULL_HEAT = 0.08
YEAR = 252
_LATER = {
    "blocked": "blocked orders (blocked.csv)",
    "contribution": "contribution by index (contribution.csv)",
    "trades": "trades to make (trades.csv)",
    "costs": "sensitivity to the cost reading (readings.csv)",
    "variants": "variants (variants.csv)",
}


def each_strategy(data: ReportData) -> list[Section]:
    """One section a strategy."""
    return [_section(data.strategies[name]) for name in ordered(data.strategies, STRATEGIES)]


def _section(strategy: StrategyData) -> Section:
    label = strategy_label(strategy.name)
    benchmark = strategy.params.get("benchmark_kind", "pool_mean")
    explain = (
        f"Relative NAV is the strategy's NAV divided by its benchmark's ({benchmark}); every excess figure is measured "
        "on it. Drawdown is how far a path stands below its highest point so far."
    )
    blocks: list[Block | None] = []
    if strategy.note:
        ahead = "LOOKS AHEAD" in strategy.note
        blocks.append(Note((f"Pool: {strategy.note}",), "caution" if ahead else "quiet"))
    if strategy.metrics:
        blocks.append(_tiles(strategy))
    blocks.append(_nav(strategy) if len(strategy.nav) else Note(("There is no NAV to draw.",), "absent"))
    if len(strategy.nav):
        rows = monthly_changes(strategy.nav["date"], floats(strategy.nav["relative"]))
        caption = (
            "Excess by month: change of the relative NAV from month end to month end (blue above, orange below zero)."
        )
        blocks.append(Heat(f"months-{strategy.name}", caption, tuple(rows), FULL_HEAT))
    blocks.append(_years(strategy) if len(strategy.years) else Note(("There is no table by year.",), "absent"))
    blocks += [_rolling(strategy), holdings(strategy), turnover(strategy), contributions(strategy), ranks(strategy)]
    blocks += [cost_readings(strategy), variants(strategy), blocked_orders(strategy), executions(strategy)]
    missing = [what for piece, what in _LATER.items() if getattr(strategy, piece) is None]
    if missing:
        blocks.append(Note((f"Not in this run: {', '.join(missing)}.",), "absent"))
    drawn = [piece for piece in blocks if piece is not None]
    return Section(f"strategy-{strategy.name}", label, label.split()[0], explain, drawn)


def _tiles(strategy: StrategyData) -> Tiles:
    metrics, colour = strategy.metrics, strategy_colour(strategy.name)

    def tile(label: str, key: str, kind: str, below: str = "", more: str = "") -> Tile:
        return Tile(label, number(metrics.get(key)), kind, below, colour, more)

    peak, trough = (shown(metrics.get(f"drawdown_{end}"), "date") for end in ("peak", "trough"))
    mean_reading = f"Sharpe (mean / std of daily returns) {shown(metrics.get('sharpe_mean'), 'num2')}"
    tiles = [
        tile(
            "Annual excess", "annual_excess", "pct", strategy_words(strategy, "annual_excess"),
            f"excess Sharpe {shown(metrics.get('excess_sharpe'), 'num2')}",
        ),
        tile(
            "Annual return", "annual_return", "pct", strategy_words(strategy, "annual_return"),
            f"volatility {shown(metrics.get('annual_volatility'), 'pct1')}",
        ),
        tile("Sharpe (annual return / volatility)", "sharpe", "num2", mean_reading),
        tile(
            "Excess max drawdown", "excess_max_drawdown", "pct1",
            f"NAV: max drawdown {shown(metrics.get('max_drawdown'), 'pct1')}", f"from {peak} to {trough}",
        ),
        tile(
            "Turnover a trade", "mean_turnover", "pct1", f"costs {shown(metrics.get('annual_cost'), 'pct')} a year",
            f"{shown(metrics.get('win_rate'), 'pct1')} of holding periods won",
        ),
    ]  # fmt: skip
    ours = number(strategy.implied.get("benchmark_annual"))
    if ours is not None:
        more = implied_words(strategy) if strategy.name in published.IMPLIED else ""
        span = f"{shown(strategy.implied.get('start'), 'date')} to {shown(strategy.implied.get('end'), 'date')}"
        tiles.append(Tile("Implied benchmark return a year", ours, "pct", span, "benchmark", more))
    return Tiles(tuple(tiles))


def _nav(strategy: StrategyData) -> Figure:
    frame = strategy.nav
    nav, benchmark, relative = (floats(frame[name]) for name in ("nav", "benchmark", "relative"))
    falls = below_peak(nav), below_peak(relative)
    colour = strategy_colour(strategy.name)
    label = strategy_label(strategy.name)
    panels = [
        Panel("NAV", "num2", [Line(label, colour, nav, width=2.2), Line("Benchmark", "benchmark", benchmark)], 3),
        Panel("relative", "num2", [Line("Relative NAV", "relative", relative, width=2.0)], 2),
        Panel(
            "drawdown",
            "pct1",
            [
                Line("Drawdown of NAV", colour, falls[0], "area", faint=True, width=1.0),
                Line("Drawdown of relative NAV", "relative", falls[1], "line", width=1.6),
            ],
            2,
            zero=True,
        ),
    ]
    spec = over_time(frame["date"], panels, zoom=True)
    return Figure(f"nav-{strategy.name}", f"{label}: NAV, relative NAV, drawdowns", spec, 600)


def _years(strategy: StrategyData) -> Table:
    keys = ("return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown")
    titles = ("Return", "Benchmark", "Excess", "Max drawdown", "Excess max drawdown")
    columns = (
        Column("year", "Year", "year"),
        *(Column(key, title, "pct") for key, title in zip(keys, titles, strict=True)),
    )
    rows = tuple(
        {"year": number(row["year"])} | {key: number(row[key]) for key in keys} for _, row in strategy.years.iterrows()
    )
    return Table(
        f"years-{strategy.name}", columns, rows, "By calendar year; the first and the last may be part of a year."
    )


def _rolling(strategy: StrategyData) -> Block | None:
    """Excess and volatility over the last 252 sessions, day by day."""
    frame = strategy.nav
    if frame.empty:
        return None
    if len(frame) <= YEAR:
        why = f"No rolling year: the run has {len(frame) - 1} sessions, a year here is {YEAR}."
        return Note((why,), "absent")
    nav, relative = floats(frame["nav"]), floats(frame["relative"])
    colour = strategy_colour(strategy.name)
    excess = [Line("Excess, last 252 sessions", "relative", trailing_change(relative, YEAR), "area", width=1.4)]
    spread = [
        Line("Volatility of NAV", colour, trailing_volatility(nav, YEAR)),
        Line("Volatility of relative NAV", "relative", trailing_volatility(relative, YEAR), dash="dashed"),
    ]
    panels = [Panel("excess", "pct0", excess, 1, zero=True), Panel("volatility a year", "pct0", spread, 1, zero=True)]
    dates = frame["date"].iloc[YEAR:]
    panels = [
        Panel(p.title, p.kind, [_from(line, YEAR) for line in p.lines], p.share, p.digits, p.zero) for p in panels
    ]
    title = "Rolling year: excess over the benchmark, and volatility"
    return Figure(f"rolling-{strategy.name}", title, over_time(dates, panels), 380)


def _from(line: Line, start: int) -> Line:
    """The line from a position on, where its window is full."""
    return replace(line, values=line.values[start:])
