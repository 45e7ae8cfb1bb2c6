"""The whole published walk-forward on one GPU: 14 half-year folds x 3 seeds x 2 networks on simulated panels.

Random panels of the full size (5,000 names, 2015 to 2025, 27 factors), fits side by side on one device. What is timed
is `run`: panels to the device, fits, scores, tables. Epochs are fixed (`--epochs`), since noise would stop early; the
report says how many dates a second were trained.

    python benchmarks/walk_forward_gpu.py [--side-by-side 8] [--epochs 30]
    python benchmarks/walk_forward_gpu.py --device cpu --names 100 --epochs 1 --seeds 1    # only that it runs
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from training_panels import random_features

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.training import FitSettings, FoldSettings, NetworkSettings, run

RESULTS = Path(__file__).parent / "results"
SESSIONS = 2860
FOLDS = FoldSettings(first_use="2019-01-01", end="2025-12-31", train_start="2015-01-01", refit_months=6)
NETWORKS = [
    NetworkSettings(
        name, {"_target_": f"fusion_factor.networks.{kind}Net"}, {"_target_": f"fusion_factor.training.{kind}Inputs"}
    )
    for name, kind in (("hf", "HighFrequency"), ("lf", "LowFrequency"))
]


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Seconds of the whole run, and how many training dates a second that is."""
    random_features(options.names, SESSIONS).save(folder / "features")
    settings = FitSettings(min_names=20, max_epochs=options.epochs, patience_epochs=options.epochs)
    started = time.perf_counter()
    run(
        folder / "features", NETWORKS, FOLDS, settings, folder / "train", seeds=range(options.seeds),
        workers=options.side_by_side, device=options.device, progress=lambda line: print(line, flush=True),
    )  # fmt: skip
    seconds = time.perf_counter() - started
    folds = json.loads((folder / "train" / "folds.json").read_text())
    dates = sum(fold["train"]["sessions"] for each in folds.values() for fold in each) * options.seeds * options.epochs
    fits = sum(map(len, folds.values())) * options.seeds
    return {"fits": fits, "seconds": seconds, "minutes": seconds / 60, "training_dates_a_second": dates / seconds}


def main() -> None:
    """Measure, print and write down; without CUDA say so and measure nothing, unless the CPU is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("names", 5000), ("epochs", 30), ("seeds", 3), ("side-by-side", 8)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no CUDA device here: nothing was measured (--device cpu only shows that it runs)")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    print(
        f"{found['fits']} fits in {found['minutes']:.1f} minutes, {found['training_dates_a_second']:.1f} dates a second"
    )
    if options.device == "cpu":
        return
    report = {
        **found,
        "settings": vars(options),
        "machine": {"gpu": torch.cuda.get_device_name(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": package_versions(),
        "commit": code_commit(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "walk_forward_gpu.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
