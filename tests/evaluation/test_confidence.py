"""Intervals of an evaluation's figures."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.evaluation import block_bootstrap, block_length, evaluate, figure_intervals

from .test_evaluation_properties import market


def test_both_figures_are_those_of_the_evaluation() -> None:
    scores, prices, days = market(200)
    result = evaluate(scores, prices, days, grid="every_n", horizon=5, layers=4)
    table = figure_intervals(result, draws=300, seed=1).set_index("figure")
    rank_ic = result.ic["rank_ic"].dropna().to_numpy()
    wanted = block_bootstrap(rank_ic, block=block_length(rank_ic), draws=300, seed=1)
    assert tuple(table.loc["rank_ic", ["value", "low", "high"]]) == wanted
    top = table.loc["top_excess"]
    assert top["value"] == pytest.approx(result.metrics["top_excess_annual"], rel=1e-12)
    assert top["low"] < top["value"] < top["high"]
    assert (table["draws"] == 300).all()


def test_the_excess_is_compounded_in_every_draw() -> None:
    scores, prices, days = market(200)
    result = evaluate(scores, prices, days, grid="every_n", horizon=5, layers=4)
    top = result.layers[result.layers["layer"] == 4]
    growth = ((1 + top["return"]) / (1 + top["return"] - top["excess"])).to_numpy()
    row = figure_intervals(result, draws=500).set_index("figure").loc["top_excess"]
    wanted = block_bootstrap(
        growth,
        statistic=lambda each: np.prod(each) ** (252 / (5 * len(each))) - 1,
        block=int(row["block"]),
        draws=500,
    )
    # Percentiles lie between two draws, on a straight line there and on a curve here.
    np.testing.assert_allclose(row[["value", "low", "high"]].astype(float), wanted, rtol=1e-3)


def test_overlapping_labels_have_long_blocks_and_no_compounded_figure() -> None:
    scores, prices, days = market(120)
    result = evaluate(scores, prices, days, grid="daily", horizon=12)
    assert result.reach == 12
    table = figure_intervals(result, draws=50)
    assert table["figure"].tolist() == ["rank_ic"]
    assert table["block"].iloc[0] >= 12


def test_no_figure_no_row() -> None:
    scores, prices, days = market(30)
    table = figure_intervals(evaluate(scores, prices, days, min_names=99))
    assert table.empty
    assert list(table) == ["figure", "value", "low", "high", "level", "draws", "block"]
    assert isinstance(table, pd.DataFrame)
