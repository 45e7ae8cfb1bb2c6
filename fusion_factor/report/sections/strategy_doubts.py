"""What to doubt in a strategy's result: the reading of the cost rate, the variants tried, the benchmark it beat."""

from typing import Any

from fusion_factor.report import published
from fusion_factor.report.blocks import Block, Column, Figure, Group, Note, Table
from fusion_factor.report.data import VARIANT_COLUMNS, StrategyData
from fusion_factor.report.figures import bars
from fusion_factor.report.labels import strategy_colour
from fusion_factor.report.numbers import number, rounded, shown
from fusion_factor.report.reshape import floats

COST_READINGS = {
    "none": "no cost",
    "round_trip": "the rate pays for a buy and a sell together",
    "each_side": "the rate is paid on each side",
}
MOST_NAMED = 24


def cost_readings(strategy: StrategyData) -> Block | None:
    """The same strategy under each reading of its cost rate."""
    frame = strategy.costs
    if frame is None or frame.empty:
        return None
    keys = ("cost_rate", "annual_return", "annual_excess", "excess_sharpe", "excess_max_drawdown", "annual_cost")
    rows: list[dict[str, Any]] = []
    configured, strong = str(strategy.params.get("cost_reading", "round_trip")), []
    for position, (_, row) in enumerate(frame.iterrows()):
        reading = str(row["reading"])
        rows.append({"reading": COST_READINGS.get(reading, reading)} | {key: number(row[key]) for key in keys})
        rate = number(row["cost_rate"])
        if rate == number(strategy.params.get("cost_rate")) and (reading == configured or rate == 0):
            strong.append(position)
    columns = (
        Column("reading", "Reading of the cost rate"),
        Column("cost_rate", "Rate", "pct"),
        Column("annual_return", "Annual return", "pct"),
        Column("annual_excess", "Annual excess", "pct"),
        Column("excess_sharpe", "Excess Sharpe", "num2"),
        Column("excess_max_drawdown", "Excess max drawdown", "pct"),
        Column("annual_cost", "Cost a year", "pct"),
    )
    caption = "A published “two-sided” rate can be read in two ways. Bold: as configured." if strong else ""
    table = Table(f"costs-{strategy.name}", columns, tuple(rows), caption, strong=tuple(strong))
    excess = [row["annual_excess"] for row in rows if row["annual_excess"] is not None]
    answer = f"annual excess {shown(min(excess), 'pct')} to {shown(max(excess), 'pct')}" if excess else ""
    return Group("Sensitivity to the cost reading", (table,), answer)


def variants(strategy: StrategyData) -> Block | None:
    """Every variant that was tried with its interval, and what their number means for the best of them."""
    frame = strategy.variants
    if frame is None or frame.empty:
        return None
    frame = frame.assign(annual_excess=floats(frame["annual_excess"]))
    frame = frame.sort_values("annual_excess", ascending=False, kind="stable", na_position="last")
    chosen = [position for position, value in enumerate(floats(frame["chosen"])) if value == 1]
    further = [name for name in frame.columns if name not in VARIANT_COLUMNS]
    rows = tuple(
        {"variant": str(row["variant"])}
        | {name: row[name] for name in further}
        | {key: number(row[key]) for key in VARIANT_COLUMNS[2:]}
        for _, row in frame.iterrows()
    )
    columns = (
        Column("variant", "Variant"),
        *(Column(name, name) for name in further if strategy.trials.get("combine") == "all"),
        Column("annual_excess", "Annual excess", "pct"),
        Column("low", "Low", "pct", "lower end of the 95% interval of annual excess, block bootstrap"),
        Column("high", "High", "pct", "upper end of the 95% interval of annual excess, block bootstrap"),
        Column("annual_return", "Annual return", "pct"),
        Column("excess_sharpe", "Excess Sharpe", "num2"),
        Column("excess_max_drawdown", "Excess max drawdown", "pct"),
        Column("mean_turnover", "Turnover", "pct1"),
        Column("annual_cost", "Cost a year", "pct"),
    )
    caption = "Every variant, best annual excess first. Bold: as configured."
    table = Table(
        f"variants-{strategy.name}-table", columns, rows, caption, sortable=True, strong=tuple(chosen),
        folded=f"All {len(rows)} variants" if len(rows) > MOST_NAMED else "",
    )  # fmt: skip
    blocks = (Note(_words(strategy, len(rows))), _figure(strategy, rows, set(chosen)), table)
    risk = number(strategy.trials.get("overfitting_probability"))
    answer = f"{shown(number(strategy.trials.get('count')) or len(rows), 'int')} tried"
    answer += f", probability of overfitting {shown(risk, 'pct0')}" if risk is not None else ""
    return Group("Variants", blocks, answer)


def _figure(strategy: StrategyData, rows: tuple[dict[str, Any], ...], chosen: set[int]) -> Figure:
    colour, flat = strategy_colour(strategy.name), len(rows) <= MOST_NAMED
    other = "benchmark" if flat else "ink-faint"
    series = {
        "name": "annual excess",
        "colours": [colour if position in chosen else other for position in range(len(rows))],
        "y": rounded([row["annual_excess"] for row in rows], 5),
        "low": rounded([row["low"] for row in rows], 5),
        "high": rounded([row["high"] for row in rows], 5),
    }
    spec = bars([row["variant"] for row in rows], "pct1", [series], flat=flat)
    title = "Annual excess of each variant with its 95% interval, best first (coloured: as configured)"
    return Figure(f"variants-{strategy.name}", title, spec, 50 + 22 * len(rows) if flat else 300)


def _words(strategy: StrategyData, rows: int) -> tuple[str, ...]:
    """Count, deflated Sharpe ratio and probability of overfitting, in plain words."""
    trials = strategy.trials
    count = shown(number(trials.get("count")) or rows, "int")
    how = {"one": ", one parameter changed at a time", "all": ", all combinations of their parameters"}
    lines = [
        f"{count} variants were tried{how.get(str(trials.get('combine')), '')}. The best of many looks good by luck "
        "alone; read its figures with the lines below.",
    ]
    best = trials.get("best")
    chance, sharpe, luck = (
        number(trials.get(key)) for key in ("best_deflated_probability", "best_sharpe", "expected_maximum")
    )
    if best:
        lines.append(f"Best by excess Sharpe: {best}.")
    if sharpe is not None and luck is not None:
        lines.append(
            f"Its Sharpe ratio is {shown(sharpe, 'num3')} a session; the best of {count} variants without any skill "
            f"would be expected to show {shown(luck, 'num3')}."
        )
    if chance is not None:
        lines.append(
            f"Deflated Sharpe ratio: with a probability of {shown(chance, 'pct0')} its true Sharpe ratio is above what "
            "that luck gives (Bailey and López de Prado, 2014)."
        )
    risk = number(trials.get("overfitting_probability"))
    if risk is not None:
        share = shown(risk, "pct0")
        lines.append(
            f"Probability of overfitting: {share}. The sessions were split into two halves in many ways; in {share} of "
            "them the variant that was best in one half was not above the median in the other."
        )
    elif trials:
        lines.append("Probability of overfitting: not known, there are too few variants or sessions.")
    if trials.get("note"):
        lines.append(str(trials["note"]))
    return tuple(lines)


def implied_words(strategy: StrategyData) -> str:
    """The published returns of this kind of pool, as a range."""
    values = published.IMPLIED[strategy.name]
    low, high = (shown(pick(value for _, value in values), "pct") for pick in (min, max))
    return f"published: {low} to {high}, as of {values[0][0][:4]} to {values[-1][0][:4]}"
