"""The examples in the docstrings of tables, calendar, limits and backtest are executed."""

import doctest
import importlib
import pkgutil

import pytest

import fusion_factor.backtest
from fusion_factor.core import limits, sessions, spells, table_grid, tables

MODULES = [
    *(
        importlib.import_module(module.name)
        for module in pkgutil.iter_modules(fusion_factor.backtest.__path__, "fusion_factor.backtest.")
    ),
    limits,
    sessions,
    spells,
    table_grid,
    tables,
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_docstring_examples(module: object) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", ["rotation", "stocks", "metrics", "price_limits", "parameters", "planned_trades"])
def test_public_functions_have_an_example(name: str) -> None:
    module = importlib.import_module(f"fusion_factor.backtest.{name}")
    assert doctest.testmod(module).attempted > 0
