"""The first section: the figures that matter most, each with how sure it is."""

from collections.abc import Mapping

from fusion_factor.report.blocks import Block, Note, Section, Tile, Tiles
from fusion_factor.report.data import TRAINED, ReportData, StrategyData
from fusion_factor.report.labels import STRATEGIES, ordered, score_colour, score_label, strategy_colour, strategy_label
from fusion_factor.report.numbers import number, shown
from fusion_factor.report.sections.facts import (
    label_words,
    main_score,
    score_words,
    simulated,
    strategy_words,
    summary_row,
)


def headline(data: ReportData) -> Section:
    """A few big numbers: RankIC with its interval, share of the oracle, the rotations' annual excess."""
    tiles = [*_score_tiles(data)]
    for name in ordered(data.strategies, STRATEGIES):
        tiles.append(_strategy_tile(data.strategies[name]))
    blocks: list[Block] = (
        [Tiles(tuple(tiles))] if tiles else [Note(("There are neither scores nor rotations to sum up.",), "absent")]
    )
    if simulated(data):
        text = "Simulated market: these figures show that the chain works and how much of a planted signal it finds. "
        blocks.append(Note((text + "They say nothing about real markets.",), "caution"))
    notes = data_notes(data)
    if notes:
        blocks.append(Note(notes, "caution", "Known of this data"))
    explain = (
        "RankIC is the rank correlation, over the scored stocks of one date that can be bought on the next session, "
        "between the score and the return that follows. Annual excess is the yearly growth of a strategy relative to "
        "its benchmark, after the costs of its rules. Where zero lies inside an interval, the figure may be luck."
    )
    return Section("headline", "Headline", "Headline", explain, blocks)


def data_notes(data: ReportData) -> tuple[str, ...]:
    """What the data's own description says that a reader of results must know."""
    for manifest in data.manifests.values():
        config = manifest.get("config")
        described = config.get("data") if isinstance(config, Mapping) else None
        if isinstance(described, Mapping) and described.get("notes"):
            return tuple(str(note) for note in described["notes"])
    return ()


def _score_tiles(data: ReportData) -> list[Tile]:
    tiles: list[Tile] = []
    score = main_score(data)
    row = summary_row(data, score) if score else None
    if score and row is not None:
        more = f"{shown(row['count'], 'int')} dates · ICIR {shown(row['icir'], 'num2')}"
        label, below = f"{score_label(score)}: RankIC", score_words(data, score, "rank_ic")
        tiles.append(Tile(label, number(row["rank_ic"]), "pct", below, score_colour(score), more))
    oracle = summary_row(data, score, TRAINED) if score else None
    if score and oracle is not None and number(oracle["share_of_oracle"]) is not None:
        best = summary_row(data, "oracle", TRAINED)
        limit = f"oracle {shown(best['rank_ic'], 'pct')}, " if best is not None else ""
        below = f"{limit}score {shown(oracle['rank_ic'], 'pct')}, both on {label_words(data, TRAINED)}"
        share = number(oracle["share_of_oracle"])
        tiles.append(Tile("Share of the oracle recovered", share, "pct1", below, "oracle"))
    if score and row is not None and number(row["top_excess_annual"]) is not None:
        more = f"before costs · turnover {shown(row['top_turnover'], 'pct1')} a date"
        below, value = score_words(data, score, "top_excess"), number(row["top_excess_annual"])
        tiles.append(Tile("Top layer: annual excess", value, "pct", below, score_colour(score), more))
    return tiles


def _strategy_tile(strategy: StrategyData) -> Tile:
    metrics = strategy.metrics
    more = (
        f"excess drawdown {shown(metrics.get('excess_max_drawdown'), 'pct1')} · "
        f"excess Sharpe {shown(metrics.get('excess_sharpe'), 'num2')}"
    )
    ahead = " (pool looks ahead)" if "LOOKS AHEAD" in strategy.note else ""
    label = f"{strategy_label(strategy.name)}: annual excess{ahead}"
    below = strategy_words(strategy, "annual_excess")
    return Tile(label, number(metrics.get("annual_excess")), "pct", below, strategy_colour(strategy.name), more)
