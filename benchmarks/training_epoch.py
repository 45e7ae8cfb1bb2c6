"""Training beside the least it could cost: batches, epochs, memory, the processor's peak, and qlib.

    batches   ours beside a bare gather of the same windows                                 (training_batches.py)
    epoch     the Lightning module beside a bare torch loop over tensors made beforehand    (here)
    memory    the peak of a fit in a fresh process beside the panels' bytes                 (training_memory.py)
    limits    what the bare loop leaves of the processor, and what would win it back        (training_limits.py)
    side_by_side  two fits on a thread each, beside one after the other on two threads      (there)
    qlib      TSDatasetH and the pytorch GRU, with --qlib                                   (training_beside_qlib.py)

In `epoch` both sides train the same network on the same sessions in the same order with one thread, epoch by epoch in
turn within one fit; the weights must be bit-equal after every epoch, or no ratio is printed. Ours also gathers every
window anew from the panel, standardises it (bar network), watches the gradients, and keeps IC and RankIC; the bare loop
does none of that. Everywhere results are compared first, both sides take turns, and medians are told.

    python benchmarks/training_epoch.py [--names 1000] [--dates 40] [--epochs 7] [--qlib PYTHON] [--parts batches ...]

PYTHON is the interpreter of an environment with pyqlib and torch of the same version. Parts that are not run keep what
the results file says of them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import training_batches
import training_beside_qlib
import training_limits
import training_memory
from torch import nn
from training_panels import NETWORKS, SEED, Seconds, clocks, compared, fold_of, machine, random_features, settings_of
from training_panels import since as seconds_since

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.features import FeatureSet
from fusion_factor.networks import CorrelationLoss
from fusion_factor.training import FactorModule, FitSettings, Fold, Samples, train
from fusion_factor.training.device import exact_arithmetic
from fusion_factor.training.module import SessionOrder
from fusion_factor.training.trainer import network_seed

RESULTS = Path(__file__).parent / "results" / "training_epoch.json"


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


def measure(kind: str, features: FeatureSet, fold: Fold, epochs: int) -> dict[str, Any]:
    """Seconds of each epoch both ways, in turn, and the median of the paired ratios."""
    network, kind_of_inputs = NETWORKS[kind]
    inputs = kind_of_inputs(features)
    settings = FitSettings(min_names=20, max_epochs=epochs, patience_epochs=epochs)
    torch.manual_seed(network_seed(kind, SEED))
    bare = BareLoop(network(), Samples(inputs, features, settings, SEED), fold, settings)
    ours: list[Seconds] = []
    other: list[Seconds] = []
    started = clocks()

    def on_epoch(module: FactorModule) -> None:
        nonlocal started
        ours.append(seconds_since(started))
        started = clocks()
        bare.epoch(module.epoch)
        other.append(seconds_since(started))
        pairs = zip(module.network.state_dict().values(), bare.network.state_dict().values(), strict=True)
        if not all(torch.equal(one, two) for one, two in pairs):
            sys.exit(f"{kind}: weights differ after epoch {module.epoch}; no ratio")
        started = clocks()

    train(features, inputs, settings_of(kind), fold, SEED, settings, on_epoch=on_epoch)
    # The first epoch carries what is done once: Lightning's set-up, the first touch of every page.
    return {"first_epoch_ours_wall_s": ours[0][0], **compared(ours[1:], other[1:])}


def measures_of(options: argparse.Namespace, folder: Path) -> dict[str, Callable[[str], dict[str, Any]]]:
    """What measures each part, by name: called with the kind of network."""
    fold = fold_of(options.dates)
    features = random_features(options.names, int(fold.use[-1]) + 12)
    repeats = 3 * options.epochs

    def memory(kind: str) -> dict[str, Any]:
        return training_memory.measure(kind, options.memory_names, options.memory_sessions, folder)

    return {
        "batches": lambda kind: training_batches.measure(kind, features, fold, repeats),
        "epoch": lambda kind: measure(kind, features, fold, options.epochs),
        "memory": memory,
        "limits": lambda kind: training_limits.measure(kind, features, fold, repeats),
        "side_by_side": lambda kind: training_limits.side_by_side(kind, features, fold, 1, 2),
        "qlib": lambda kind: training_beside_qlib.measure(options.qlib, options.names, 12, options.epochs, folder),
    }


def main() -> None:
    """Measure both networks, print what is found and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"names": 1000, "dates": 40, "epochs": 7, "memory-names": 1000, "memory-sessions": 2860}
    for option, default in defaults.items():
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter that has pyqlib")
    names = ["batches", "epoch", "memory", "limits", "side_by_side", "qlib"]
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    report: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    sizes = {name: value for name, value in vars(options).items() if isinstance(value, int)}
    about = {"settings": sizes, "machine": machine(), "versions": package_versions(), "commit": code_commit()}
    with tempfile.TemporaryDirectory() as folder, exact_arithmetic(1):
        measures = measures_of(options, Path(folder))
        for part in options.parts:
            kinds = ["hf"] if part == "qlib" else list(NETWORKS)
            if part == "qlib" and not options.qlib:
                continue
            found = {kind: measures[part](kind) for kind in kinds}
            report[part] = {**found, **about}
            for line in ratios(part, found):
                print(line, flush=True)
            RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def ratios(path: str, found: dict[str, Any]) -> list[str]:
    """One line for each ratio in there, with the names that lead to it."""
    if "ratio" in found:
        spread = "" if "ratio_range" not in found else " ({:.3f} to {:.3f})".format(*found["ratio_range"])
        return [f"{path}: {found['ratio']:.3f}{spread}"]
    lines = [f"{path} {name}: {value:.3f}" for name, value in found.items() if name.startswith("share")]
    for name, value in found.items():
        if isinstance(value, dict):
            lines += ratios(f"{path} {name}", value)
    return lines


if __name__ == "__main__":
    main()
