"""How far memory rises in a fit, beside the bytes of the panels that its network reads: for training_epoch.py.

    python training_memory.py FOLDER KIND DATES

In a process of its own: notes what it holds when everything is imported, fits on the mapped features of the folder and
scores, and prints the peak as JSON. Pages of the mapped files count as held once they are read. Linux only.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from training_panels import FIRST_SESSION, fold_of, random_features, settings_of

from fusion_factor.training import FitSettings
from fusion_factor.training.fit import FitJob, fit

PANELS = {"hf": ("hf",), "lf": ("daily", "weekly", "monthly")}


def held(line: str) -> int:
    """Bytes by a line of /proc/self/status, such as VmRSS (now) or VmHWM (the most so far)."""
    status = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(status[line].split()[0])


def measure(kind: str, n_names: int, n_sessions: int, folder: Path) -> dict[str, Any]:
    """The rise to the peak of a fit in a fresh process over the bytes of the panels that its network reads."""
    features = random_features(n_names, n_sessions)
    panel = sum(getattr(features, name).values.nbytes for name in PANELS[kind])
    features.save(folder / "features")
    del features
    dates = (n_sessions - FIRST_SESSION - 50) // 25
    done = subprocess.run(
        [sys.executable, __file__, str(folder), kind, str(dates)], capture_output=True, text=True, check=True
    )
    shutil.rmtree(folder / "features")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "panel_bytes": panel, "ratio": found["rise_bytes"] / panel}


def main() -> None:
    """Fit two epochs and print."""
    folder, kind, dates = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # Every 20 sessions: windows of 40 sessions then read every row of the panel.
    fold = fold_of(dates, step=20)
    settings = FitSettings(min_names=20, max_epochs=2, patience_epochs=2)
    job = FitJob(settings_of(kind), fold, 0, settings, str(folder / "features"), "", str(folder / f"fit_{kind}"))
    before = held("VmRSS")
    fit(job)
    print(json.dumps({"imported_bytes": before, "rise_bytes": held("VmHWM") - before}))


if __name__ == "__main__":
    main()
