"""An epoch of training through the one Lightning module, against a bare torch loop over tensors made beforehand.

Both train the same network on the same sessions in the same order with the same threads, epoch by epoch in turn
within one fit; the weights must be bit-equal after every epoch, or no ratio is printed. Ours also gathers every
window anew from the panel, standardises it (bar network), and keeps IC and RankIC; the bare loop does none of that.

    python benchmarks/training_epoch.py [--names 1000] [--dates 40] [--epochs 7] [--threads 1]
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.features import FIELDS, FeatureSet, Panel
from fusion_factor.networks import CorrelationLoss, HighFrequencyNet, LowFrequencyNet
from fusion_factor.training import (
    FactorModule,
    FitSettings,
    Fold,
    HighFrequencyInputs,
    LowFrequencyInputs,
    NetworkSettings,
    Samples,
    WindowInputs,
    train,
)
from fusion_factor.training.device import exact_arithmetic
from fusion_factor.training.module import SessionOrder
from fusion_factor.training.trainer import network_seed

RESULTS = Path(__file__).parent / "results"
FIRST_SESSION = 240
SEED = 0


def random_features(n_names: int, n_sessions: int) -> FeatureSet:
    """Random panels of the right shapes; 5 % of the names have no inputs, others no label."""
    rng = np.random.default_rng(0)
    sessions = np.busday_offset("2015-01-01", np.arange(n_sessions), roll="forward").astype("datetime64[D]")
    symbols = np.array([f"{600000 + i}.SH" for i in range(n_names)])
    shape = (n_sessions, n_names)
    has_inputs = rng.random(shape) > 0.05
    label = 0.02 * rng.standard_normal(shape)

    def panel(names: tuple[str, ...], positive: bool) -> Panel:
        values = rng.standard_normal((*shape, len(names)), dtype=np.float32)
        return Panel(np.exp(0.1 * values) if positive else values, has_inputs, sessions, symbols, names)

    bars = {name: panel(FIELDS, True) for name in ("daily", "weekly", "monthly")}
    factors = panel(tuple(f"factor{i}" for i in range(27)), False)
    return FeatureSet(
        **bars, hf=factors, has_hf=has_inputs, has_lf=has_inputs, has_label=rng.random(shape) > 0.05, label=label,
        reach=11, sessions=sessions, symbols=symbols,
    )  # fmt: skip


class BareLoop:
    """The same fit written out: tensors made beforehand, forward, backward, clip, step; then the validation loss."""

    def __init__(self, network: nn.Module, samples: Samples, fold: Fold, settings: FitSettings) -> None:
        self.network, self.loss, self.settings, self.fold = network, CorrelationLoss(), settings, fold
        self.adam = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        self.batches = {t: samples.whole(t) for t in (*fold.train.tolist(), *fold.valid.tolist())}

    def epoch(self, number: int) -> float:
        """One epoch; the mean validation loss."""
        order = SessionOrder(self.fold.train.tolist(), SEED)
        order.epoch = number
        self.network.train()
        for t in order:
            inputs, label_b = self.batches[t]
            self.adam.zero_grad()
            self.loss(self.network(inputs), label_b).backward()
            torch.nn.utils.clip_grad_value_(self.network.parameters(), self.settings.clip_value or float("inf"))
            self.adam.step()
        self.network.eval()
        with torch.no_grad():
            losses = [
                self.loss(self.network(inputs), label_b)
                for inputs, label_b in map(self.batches.get, self.fold.valid.tolist())
            ]
        return float(torch.stack(losses).mean())


def measure(
    kind: str, network: type[nn.Module], inputs: WindowInputs, features: FeatureSet, fold: Fold, epochs: int
) -> dict[str, Any]:
    """Seconds of each epoch both ways, in turn, and the median of the paired ratios."""
    settings = FitSettings(min_names=20, max_epochs=epochs, patience_epochs=epochs)
    torch.manual_seed(network_seed(kind, SEED))
    bare = BareLoop(network(), Samples(inputs, features, settings, SEED), fold, settings)
    ours: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    started = _clocks()

    def on_epoch(module: FactorModule) -> None:
        nonlocal started
        ours.append(_since(started))
        started = _clocks()
        bare.epoch(module.epoch)
        other.append(_since(started))
        pairs = zip(module.network.state_dict().values(), bare.network.state_dict().values(), strict=True)
        if not all(torch.equal(one, two) for one, two in pairs):
            sys.exit(f"{kind}: weights differ after epoch {module.epoch}; no ratio")
        started = _clocks()

    name = network.__name__
    spec = NetworkSettings(kind, {"_target_": f"fusion_factor.networks.{name}"}, {"_target_": type(inputs).__name__})
    train(features, inputs, spec, fold, SEED, settings, on_epoch=on_epoch)
    result: dict[str, Any] = {"first_epoch_ours_wall_s": ours[0][0]}
    for clock, which in enumerate(("wall", "cpu")):
        # The first epoch carries what is done once: Lightning's set-up, the first touch of every page.
        pairs = [(one[clock], two[clock]) for one, two in zip(ours[1:], other[1:], strict=True)]
        ratios = [one / two for one, two in pairs]
        result[which] = {
            "ours_s": statistics.median(one for one, _ in pairs),
            "bare_s": statistics.median(two for _, two in pairs),
            "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
        }
    return result


def _clocks() -> tuple[float, float]:
    """Wall time, and processor time of this process, which neighbours on the machine disturb less."""
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> tuple[float, float]:
    wall, cpu = _clocks()
    return wall - started[0], cpu - started[1]


def main() -> None:
    """Measure both networks, print the ratios and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("names", 1000), ("dates", 40), ("epochs", 7), ("threads", 1)):
        parser.add_argument(f"--{option}", type=int, default=default)
    options = parser.parse_args()
    train_t = FIRST_SESSION + 5 * np.arange(options.dates)
    valid_t = train_t[-1] + 15 + 5 * np.arange(max(1, options.dates // 4))
    use_t = valid_t[-1] + 12 + np.arange(2)
    fold = Fold(0, train_t, valid_t, use_t, 11)
    features = random_features(options.names, int(use_t[-1]) + 12)
    report: dict[str, Any] = {
        "what": "seconds of one epoch, Lightning module over bare loop; weights bit-equal",
        "settings": vars(options),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": package_versions(),
        "commit": code_commit(),
    }
    with exact_arithmetic(options.threads):
        for kind, network, inputs in (
            ("hf", HighFrequencyNet, HighFrequencyInputs(features)),
            ("lf", LowFrequencyNet, LowFrequencyInputs(features)),
        ):
            report[kind] = measure(kind, network, inputs, features, fold, options.epochs)
            for which in ("wall", "cpu"):
                found = report[kind][which]
                low, high = found["ratio_range"]
                print(
                    f"{kind} {which}: ours {found['ours_s']:.3f} s, bare {found['bare_s']:.3f} s an epoch, "
                    f"ratio {found['ratio']:.3f} ({low:.3f} to {high:.3f})"
                )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "training_epoch.json").write_text(json.dumps(report, indent=1) + "\n")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
