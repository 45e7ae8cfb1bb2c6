"""What the training benchmarks share: random panels of the right shapes, clocks, and calls timed in turn."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fusion_factor.features import FIELDS, FeatureSet, Panel
from fusion_factor.networks import HighFrequencyNet, LowFrequencyNet
from fusion_factor.training import Fold, HighFrequencyInputs, LowFrequencyInputs, NetworkSettings

FIRST_SESSION = 240
SEED = 0
NETWORKS = {"hf": (HighFrequencyNet, HighFrequencyInputs), "lf": (LowFrequencyNet, LowFrequencyInputs)}


def random_features(n_names: int, n_sessions: int, missing: float = 0.05) -> FeatureSet:
    """Random panels of the right shapes; that share of the names has no inputs, others have no label."""
    rng = np.random.default_rng(0)
    sessions = np.busday_offset("2015-01-01", np.arange(n_sessions), roll="forward").astype("datetime64[D]")
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_names)])
    shape = (n_sessions, n_names)
    has_inputs = rng.random(shape) >= missing
    label = 0.02 * rng.standard_normal(shape)

    def panel(names: tuple[str, ...], positive: bool) -> Panel:
        values = rng.standard_normal((*shape, len(names)), dtype=np.float32)
        return Panel(np.exp(0.1 * values) if positive else values, has_inputs, sessions, symbols, names)

    bars = {name: panel(FIELDS, True) for name in ("daily", "weekly", "monthly")}
    factors = panel(tuple(f"factor{i}" for i in range(27)), False)
    return FeatureSet(
        **bars, hf=factors, has_hf=has_inputs, has_lf=has_inputs, has_label=rng.random(shape) >= missing, label=label,
        reach=11, sessions=sessions, symbols=symbols,
    )  # fmt: skip


def fold_of(n_dates: int, step: int = 5) -> Fold:
    """So many training dates, every `step` sessions, then a quarter as many for validation; two sessions of use."""
    train_t = FIRST_SESSION + step * np.arange(n_dates)
    valid_t = train_t[-1] + 15 + step * np.arange(max(1, n_dates // 4))
    return Fold(0, train_t, valid_t, valid_t[-1] + 12 + np.arange(2), 11)


def settings_of(kind: str) -> NetworkSettings:
    """The network of that kind as training takes it."""
    network, inputs = NETWORKS[kind]
    return NetworkSettings(
        kind,
        {"_target_": f"fusion_factor.networks.{network.__name__}"},
        {"_target_": f"fusion_factor.training.{inputs.__name__}"},
    )


Seconds = tuple[float, float]


def clocks() -> Seconds:
    """Wall time, and processor time of this process, which neighbours on the machine disturb less."""
    return time.perf_counter(), time.process_time()


def since(started: Seconds) -> Seconds:
    """Both clocks' seconds since then."""
    wall, cpu = clocks()
    return wall - started[0], cpu - started[1]


def in_turn(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[Seconds]]:
    """Seconds of each call, one after the other, `repeats` times; one round before that is not counted."""
    seconds: dict[str, list[Seconds]] = {name: [] for name in calls}
    for repeat in range(repeats + 1):
        for name, call in calls.items():
            started = clocks()
            call()
            if repeat:
                seconds[name].append(since(started))
    return seconds


def compared(one: list[Seconds], two: list[Seconds], names: tuple[str, str] = ("ours", "bare")) -> dict[str, Any]:
    """Medians of both, and the median and range of the paired ratios one / two, by clock."""
    result = {}
    for clock, which in enumerate(("wall", "cpu")):
        ratios = [a[clock] / b[clock] for a, b in zip(one, two, strict=True)]
        result[which] = {
            f"{names[0]}_s": statistics.median(a[clock] for a in one),
            f"{names[1]}_s": statistics.median(b[clock] for b in two),
            "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
        }
    return result


def machine() -> dict[str, Any]:
    """Processor, cores, system and load."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    cpu = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.processor())
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
