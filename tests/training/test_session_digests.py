"""What a fit is known by: a number that it learned from changes it, what came later does not."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from fusion_factor.features import FeatureSet, Panel
from fusion_factor.training.session_digests import known_to, session_digests, whole

LAST = 60


Make = Callable[..., FeatureSet]


@pytest.fixture
def small(synthetic: Make) -> FeatureSet:
    return synthetic(n_sessions=90, n_symbols=12)


def changed(features: FeatureSet, change: object) -> FeatureSet:
    """The same set with every array copied and handed to `change(name, array)`."""
    made = {}
    for field in fields(features):
        value = getattr(features, field.name)
        if isinstance(value, Panel):
            values, valid = value.values.copy(), value.valid.copy()
            change(field.name, values)  # type: ignore[operator]
            value = Panel(values, valid, value.sessions, value.symbols, value.names)
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            value = value.copy()
            change(field.name, value)  # type: ignore[operator]
        made[field.name] = value
    return FeatureSet(**made)


def known(features: FeatureSet, last: int = LAST) -> str:
    return known_to(features, session_digests(features), last)


def test_what_comes_later_changes_nothing(small: FeatureSet) -> None:
    def later(name: str, array: np.ndarray) -> None:
        array[LAST + 1 :] = array[LAST + 1 :][::-1].copy()

    other = changed(small, later)
    assert known(other) == known(small)
    assert known(other, LAST + 1) != known(small, LAST + 1)
    assert whole(other, session_digests(other)) != whole(small, session_digests(small))
    cut = {}
    for field in fields(small):
        value = getattr(small, field.name)
        if isinstance(value, Panel):
            value = Panel(value.values[:80], value.valid[:80], value.sessions[:80], value.symbols, value.names)
        elif isinstance(value, np.ndarray) and field.name != "symbols":
            value = value[:80]
        cut[field.name] = value
    assert known(FeatureSet(**cut)) == known(small)


@pytest.mark.parametrize("name", ["hf", "daily", "weekly", "monthly", "label", "has_label", "has_hf", "has_lf"])
def test_a_number_that_was_learned_from_changes_it(small: FeatureSet, name: str) -> None:
    def one(each: str, array: np.ndarray) -> None:
        if each == name:
            place = (LAST - 3, 5) if array.ndim == 2 else (LAST - 3, 5, 0)
            array[place] = not array[place] if array.dtype == bool else 7.25

    assert known(changed(small, one)) != known(small)


def test_a_symbol_listed_later_changes_nothing(small: FeatureSet) -> None:
    """It stands in front of the others, so that every position moves."""
    symbols = np.array(["000001.SZ", *small.symbols])

    def widened(array: np.ndarray, empty: object) -> np.ndarray:
        first = np.full((len(array), 1, *array.shape[2:]), empty, array.dtype)
        first[LAST + 1 :] = array[LAST + 1 :, :1]
        return np.ascontiguousarray(np.concatenate([first, array], axis=1))

    made = {}
    for field in fields(small):
        value = getattr(small, field.name)
        if isinstance(value, Panel):
            values = widened(value.values, 0.0 if field.name == "hf" else np.nan)
            value = Panel(values, widened(value.valid, False), value.sessions, symbols, value.names)
        elif isinstance(value, np.ndarray) and value.ndim == 2:
            value = widened(value, np.nan if field.name == "label" else False)
        made[field.name] = symbols if field.name == "symbols" else value
    wide = FeatureSet(**made)
    assert known(wide) == known(small)
    assert known(wide, LAST + 5) != known(small, LAST + 5)
    assert whole(wide, session_digests(wide)) != whole(small, session_digests(small))


def test_the_columns_and_the_reach_count(small: FeatureSet) -> None:
    assert known(replace(small, reach=10)) != known(small)
    hf = small.hf
    assert hf is not None
    renamed = Panel(hf.values, hf.valid, hf.sessions, hf.symbols, tuple(f"x{name}" for name in hf.names))
    assert known(replace(small, hf=renamed)) != known(small)
