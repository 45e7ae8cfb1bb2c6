"""The compiled intraday factors beside numpy and pandas on the same bars: `python benchmarks/intraday_factors.py`.

All variants run one after the other in every round, one thread each; printed is the time of each as a multiple of the
compiled kernel's, the median over rounds. numpy computes all 27 factors for a session at once, with whole-array moments
and argpartition; pandas groupby computes 10 of them from the long table (the sums and plain correlations), so its ratio
is too kind to it. Both are checked against the kernel before anything is timed.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.features.intraday import HUATAI27, compute_factors
from fusion_factor.market.store import SessionBars

RESULTS = Path(__file__).parent / "results" / "intraday_factors.json"


def session_bars(n_symbols: int, n_bars: int, seed: int = 0) -> SessionBars:
    """Random full bars without empty ones: float32 [S, B]."""
    rng = np.random.default_rng(seed)
    shape = (n_symbols, n_bars)
    close = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.001, shape), axis=1)), 2)
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1) + rng.choice([-0.01, 0, 0.01], shape)
    high = np.maximum(open_, close) + rng.choice([0, 0.01], shape)
    low = np.minimum(open_, close) - rng.choice([0, 0.01], shape)
    volume = 100 * np.ceil(rng.lognormal(4, 1, shape))
    fields = [np.ascontiguousarray(x, np.float32) for x in (open_, high, low, close, volume, volume * close)]
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_symbols)], dtype=object)
    return SessionBars(np.datetime64("2024-01-02"), symbols, *fields)


def corr(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of each row."""
    x = x - np.nanmean(x, axis=1, keepdims=True)
    y = y - np.nanmean(y, axis=1, keepdims=True)
    return np.nansum(x * y, axis=1) / np.sqrt(np.nansum(x * x, axis=1) * np.nansum(y * y, axis=1))


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skewness and excess kurtosis of each row, NaN left out."""
    d = x - np.nanmean(x, axis=1, keepdims=True)
    square = d * d
    m2 = np.nanmean(square, axis=1)
    return np.nanmean(square * d, axis=1) / m2**1.5, np.nanmean(square * square, axis=1) / m2**2 - 3


def largest(x: np.ndarray, share: float) -> np.ndarray:
    """Mask of each row's largest values."""
    count = int(np.ceil(share * x.shape[1] - 1e-9))
    mask = np.zeros(x.shape, bool)
    np.put_along_axis(mask, np.argpartition(-x, count - 1, axis=1)[:, :count], True, axis=1)
    return mask


def numpy_factors(bars: SessionBars) -> np.ndarray:
    """The 27 factors of full 1-minute bars by whole-array numpy, [S, 27]."""
    o, h, low, p, v, a = (
        getattr(bars, name).astype(np.float64) for name in ("open", "high", "low", "close", "volume", "amount")
    )
    n = p.shape[1]
    r = np.concatenate([p[:, :1] / o[:, :1] - 1, p[:, 1:] / p[:, :-1] - 1], axis=1)
    first = np.delete(np.arange(n - 1), n // 2 - 1)
    up, down, total_v, total_a = r > 0, r < 0, v.sum(axis=1), a.sum(axis=1)
    b = np.where(h > low, (p - low) / np.where(h > low, h - low, 1), 0.5)
    net = a * (2 * b - 1)
    big, early = largest(a, 0.3), slice(0, n // 8)
    edge = np.percentile(a[:, early], 70, axis=1, keepdims=True)
    early_big = a[:, early] >= edge
    skew_up, kurt_up = moments(np.where(up, v, np.nan))
    skew_down, kurt_down = moments(np.where(down, v, np.nan))
    shares = v.reshape(len(v), 8, -1).sum(axis=2) / total_v[:, None]
    columns = [
        moments(r[:, -n // 8 :])[0],
        np.sum(r * r * down, axis=1) / np.sum(r * r, axis=1),
        corr(r[:, first], r[:, first + 1]),
        corr(p[:, first], o[:, first + 1]),
        *(shares[:, k] for k in range(1, 7)),
        corr(v, np.abs(r)),
        corr(v[:, early], r[:, early]),
        np.prod(np.where(big, 1 + r, 1), axis=1) - 1,
        (np.sum(a * down, axis=1) / down.sum(axis=1)) / (total_a / n),
        corr(v, (h - low) / o),
        np.sum(a * largest(a, 0.2), axis=1) / total_a,
        np.sum(a[:, early] * b[:, early] * early_big, axis=1) / np.sum(a[:, early] * early_big, axis=1),
        np.sum(np.log1p(r) * largest(a, 0.1), axis=1),
        np.sum(np.log1p(r[:, early]) * early_big, axis=1),
        (np.sum(a * a * up, axis=1) - np.sum(a * a * down, axis=1)) / total_a**2,
        np.sum(a[:, early] * b[:, early], axis=1) / np.sum(a[:, early], axis=1),
        corr(r[:, first], net[:, first + 1]),
        corr(net[:, first], r[:, first + 1]),
        skew_up - skew_down,
        kurt_up - kurt_down,
        moments(v[:, early])[1],
        corr(np.where(up, v, np.nan), np.where(up, a / v, np.nan)),
    ]
    return np.stack(columns, axis=1)


PANDAS_NAMES = ("down_vol_perc", *(f"volume_perc{k}" for k in range(2, 8)), "corr_volume_item_px",
                "corr_volume_amplitude", "concentration_diff_px")  # fmt: skip


def long_table(bars: SessionBars) -> pd.DataFrame:
    """The bars as a long table: a row a symbol and bar."""
    n_symbols, n_bars = bars.close.shape
    columns = {name: getattr(bars, name).astype(np.float64).ravel() for name in ("open", "high", "low", "close")}
    columns |= {"volume": bars.volume.astype(np.float64).ravel(), "amount": bars.amount.astype(np.float64).ravel()}
    keys = {"symbol": np.repeat(np.arange(n_symbols), n_bars), "bar": np.tile(np.arange(n_bars), n_symbols)}
    return pd.DataFrame(keys | columns)


def pandas_factors(table: pd.DataFrame, n_bars: int) -> np.ndarray:
    """Ten of the factors by vectorised groupby, [S, 10]."""
    symbol = table["symbol"]
    before = table.groupby("symbol")["close"].shift()
    r = table["close"] / before.fillna(table["open"]) - 1
    volume, amount = table["volume"], table["amount"]

    def total(x: pd.Series) -> pd.Series:
        return x.groupby(symbol).sum()

    def correlation(x: pd.Series, y: pd.Series) -> pd.Series:
        x = x - x.groupby(symbol).transform("mean")
        y = y - y.groupby(symbol).transform("mean")
        return total(x * y) / np.sqrt(total(x * x) * total(y * y))

    square, amount_square = r * r, amount * amount
    window = table["bar"] // (n_bars // 8)
    shares = volume.groupby([symbol, window]).sum().unstack().div(total(volume), axis=0)
    columns = [
        total(square.where(r < 0, 0.0)) / total(square),
        *(shares[k] for k in range(1, 7)),
        correlation(volume, r.abs()),
        correlation(volume, (table["high"] - table["low"]) / table["open"]),
        (total(amount_square.where(r > 0, 0.0)) - total(amount_square.where(r < 0, 0.0))) / total(amount) ** 2,
    ]
    return np.stack([column.to_numpy() for column in columns], axis=1)


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Check that the variants agree, time them in turns, print and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    bars = session_bars(options.symbols, 240)
    table = long_table(bars)
    began = time.perf_counter()
    ours = compute_factors(bars)
    first_call = time.perf_counter() - began
    # argpartition breaks ties of amounts in its own way, which touches a few of the largest-bar factors
    agreeing = np.isclose(ours, numpy_factors(bars), rtol=1e-6, atol=1e-9).mean()
    if agreeing < 0.999:
        raise SystemExit(f"numpy and the kernel agree on {agreeing:.2%} of the factors only")
    at = [HUATAI27.index(name) for name in PANDAS_NAMES]
    np.testing.assert_allclose(ours[:, at], pandas_factors(table, 240), rtol=1e-6, atol=1e-9)

    variants: dict[str, Callable[[], object]] = {
        "kernel, 27 factors": lambda: compute_factors(bars),
        "numpy, 27 factors": lambda: numpy_factors(bars),
        "pandas groupby, 10 factors": lambda: pandas_factors(table, 240),
    }
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, work in variants.items():
            seconds[name].append(timed(work))
    ours_s = seconds["kernel, 27 factors"]
    ratios = {
        name: statistics.median(x / y for x, y in zip(taken, ours_s, strict=True)) for name, taken in seconds.items()
    }
    rate = bars.close.size / statistics.median(ours_s) / 1e6
    for name, ratio in ratios.items():
        print(f"{name:28s} {ratio:7.2f} x the kernel's time")
    print(f"kernel: {rate:.1f} million bars a second of processor time; first call of the process {first_call:.1f} s")
    result = {
        "bars": bars.close.size, "rounds": options.rounds, "ratio_to_kernel": ratios,
        "kernel_million_bars_per_cpu_second": rate, "first_call_seconds": first_call,
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                    "python": platform.python_version()},
        "versions": package_versions(), "commit": code_commit(),
    }  # fmt: skip
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
