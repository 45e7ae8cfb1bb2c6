"""A small feature set with a planted signal, for the tests of training.

Axes: t session, n symbol, f factor or field.
"""

from collections.abc import Callable

import numpy as np
import pytest

from fusion_factor.features import FIELDS, FeatureSet, Panel


def make_features(
    n_sessions: int = 420, n_symbols: int = 60, seed: int = 0, n_factors: int = 27, signal: float = 1.0
) -> FeatureSet:
    """Random factors and bars with suspensions; the label is a product of two factors (no linear trace) plus noise."""
    rng = np.random.default_rng(seed)
    sessions = np.busday_offset("2015-01-01", np.arange(n_sessions), roll="forward").astype("datetime64[D]")
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_symbols)])
    shape = (n_sessions, n_symbols)
    traded = rng.random(shape) > 0.08
    has_hf = traded.copy()
    has_lf = traded.copy()
    has_hf[:45] = False
    has_lf[:240] = False
    hf = rng.standard_normal((*shape, n_factors)).astype(np.float32)
    hf[~has_hf] = 0
    daily, weekly, monthly = _bars(rng, traded)
    label = 0.02 * (signal * hf[:, :, 0] * hf[:, :, 1] + rng.standard_normal(shape)).astype(np.float64)
    label[-11:] = np.nan
    has_label = traded & np.isfinite(label) & (rng.random(shape) > 0.05)
    label[~has_label] = np.nan

    def panel(values: np.ndarray, valid: np.ndarray, names: tuple[str, ...]) -> Panel:
        return Panel(np.ascontiguousarray(values, dtype=np.float32), valid, sessions, symbols, names)

    factor_names = tuple(f"factor{i:02d}" for i in range(n_factors))
    return FeatureSet(
        hf=panel(hf, has_hf, factor_names),
        daily=panel(daily, traded, FIELDS),
        weekly=panel(weekly, traded, FIELDS),
        monthly=panel(monthly, traded, FIELDS),
        has_hf=has_hf,
        has_lf=has_lf,
        has_label=has_label,
        label=label,
        reach=11,
        sessions=sessions,
        symbols=symbols,
    )


def _bars(rng: np.random.Generator, traded: np.ndarray) -> list[np.ndarray]:
    """Daily bars (a suspended session carries the close, volume 0) and rolling bars of 5 and 20 sessions."""
    steps = np.where(traded, 0.02 * rng.standard_normal(traded.shape), 0.0)
    close = 10 * np.exp(np.cumsum(steps, axis=0))
    wide = np.where(traded, 0.01 * rng.random(traded.shape), 0.0)
    volume = np.where(traded, 1e6 * np.exp(rng.standard_normal(traded.shape)), 0.0)
    daily = np.stack([close, close * (1 + wide), close * (1 - wide), close, close, volume], axis=-1)
    return [daily, rolled(daily, 5), rolled(daily, 20)]


def rolled(daily: np.ndarray, length: int) -> np.ndarray:
    """Bars of `length` sessions that end at each row; NaN before the first full one."""
    out = np.full_like(daily, np.nan)
    for t in range(length - 1, len(daily)):
        block = daily[t - length + 1 : t + 1]
        out[t, :, 0] = block[0, :, 0]
        out[t, :, 1] = block[:, :, 1].max(axis=0)
        out[t, :, 2] = block[:, :, 2].min(axis=0)
        out[t, :, 3] = block[-1, :, 3]
        out[t, :, 4] = block[:, :, 4].mean(axis=0)
        out[t, :, 5] = block[:, :, 5].sum(axis=0)
    return out


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., FeatureSet]:
    """The function that makes a feature set; see `make_features`."""
    return make_features


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    """One feature set for tests that only read it."""
    return make_features()
