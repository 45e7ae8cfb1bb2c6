"""Panels and feature sets: axes are checked, and what is written is read back."""

import numpy as np
import pytest

from fusion_factor.core.errors import DataError
from fusion_factor.features import FIELDS, FeatureSet, Panel
from fusion_factor.features.panel import create_values

SESSIONS = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]")
SYMBOLS = ["000001.SZ", "300001.SZ", "600000.SH"]


def panel(names=FIELDS, seed=0, sessions=SESSIONS, symbols=SYMBOLS):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(sessions), len(symbols), len(names))).astype(np.float32)
    return Panel(values, rng.random(values.shape[:2]) < 0.7, sessions, symbols, names)


def feature_set(**changes):
    mask = np.ones((len(SESSIONS), len(SYMBOLS)), bool)
    parts = dict(
        daily=panel(), weekly=panel(seed=1), monthly=panel(seed=2), has_hf=mask, has_lf=mask, has_label=~mask,
        label=np.full(mask.shape, np.nan), reach=11, sessions=SESSIONS, symbols=SYMBOLS,
    )  # fmt: skip
    return FeatureSet(**(parts | changes))


def test_round_trip_keeps_every_bit(tmp_path):
    made = feature_set(factors=panel(("a", "b"), 3), hf=panel(("a", "b"), 4))
    made.save(tmp_path / "set")
    for mmap in (True, False):
        read = FeatureSet.load(tmp_path / "set", mmap=mmap)
        assert isinstance(read.daily.values, np.memmap) is mmap
        for name in ("daily", "weekly", "monthly", "factors", "hf"):
            assert np.array_equal(getattr(read, name).values, getattr(made, name).values)
            assert np.array_equal(getattr(read, name).valid, getattr(made, name).valid)
        assert read.factors.names == ("a", "b")
        assert read.reach == 11
        assert np.array_equal(read.sessions, SESSIONS)
        assert list(read.symbols) == SYMBOLS
        assert np.array_equal(read.has_label, made.has_label)


def test_a_set_without_bars_has_no_factor_panels(tmp_path):
    feature_set().save(tmp_path / "set")
    read = FeatureSet.load(tmp_path / "set")
    assert read.factors is None
    assert read.hf is None


def test_a_panel_may_be_filled_on_disk(tmp_path):
    values = create_values(tmp_path / "p", (len(SESSIONS), len(SYMBOLS), 1))
    values[:] = 3.5
    Panel(values, np.ones(values.shape[:2], bool), SESSIONS, SYMBOLS, ("x",)).save(tmp_path / "p")
    read = Panel.load(tmp_path / "p")
    assert np.all(read.column("x") == np.float32(3.5))
    with pytest.raises(DataError, match="no factor 'y'"):
        read.column("y")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"daily": panel(symbols=["000001.SZ", "300001.SZ", "600001.SH"])}, "daily has other"),
        ({"label": np.zeros((4, 3), np.float32)}, "label needs float64"),
        ({"has_hf": np.ones((3, 3), bool)}, "has_hf needs bool"),
        ({"reach": 0}, "reach is 0"),
    ],
)
def test_a_set_that_does_not_fit_is_refused(changes, words):
    with pytest.raises(DataError, match=words):
        feature_set(**changes)


@pytest.mark.parametrize(
    "parts",
    [
        dict(values=np.zeros((4, 3, 2))),
        dict(values=np.zeros((4, 2, 3), np.float32).transpose(0, 2, 1)),
        dict(valid=np.ones((4, 3), np.int8)),
        dict(sessions=SESSIONS[[0, 2, 1, 3]]),
        dict(symbols=["b", "a", "c"]),
        dict(names=("x", "x")),
    ],
)
def test_a_panel_that_does_not_fit_is_refused(parts):
    good = dict(
        values=np.zeros((4, 3, 2), np.float32), valid=np.ones((4, 3), bool), sessions=SESSIONS, symbols=SYMBOLS,
        names=("x", "y"),
    )  # fmt: skip
    Panel(**good)
    with pytest.raises(DataError):
        Panel(**(good | parts))
