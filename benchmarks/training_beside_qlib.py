"""Ours beside qlib's loader and GRU on one synthetic panel, in turn, epoch by epoch: for training_epoch.py.

The same panel, 27 fields x 40 sessions, one GRU layer of 30, as many windows a batch, one thread, no missing number.
qlib draws windows of any session into a batch and its loss is the squared error; ours are whole sessions and their
correlation. Both look at every training window once an epoch, then at the validation sessions; qlib's `fit` then looks
at the training windows a second time.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from training_panels import FIRST_SESSION, SEED, clocks, compared, in_turn, random_features, settings_of, since

from fusion_factor.training import FactorModule, FitSettings, Fold, HighFrequencyInputs, Samples, train


class Qlib:
    """The other process: a word in, the seconds of that work out."""

    def __init__(self, python: str, data: Path, out: Path) -> None:
        script = Path(__file__).with_name("training_qlib.py")
        self.process = subprocess.Popen(
            [python, str(script), str(data), str(out)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        while (line := self._answer()) != "ready\n":
            if not line:
                sys.exit(f"{python} {script}: does not start; run it by hand to see why")

    def __call__(self, word: str) -> tuple[float, float]:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        wall, cpu = json.loads(self._answer())
        return wall, cpu

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def measure(python: str, n_names: int, n_dates: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Loader and epoch of qlib over ours and ours over qlib; the windows are compared first."""
    train_t = np.arange(FIRST_SESSION, FIRST_SESSION + n_dates)
    valid_t = train_t[-1] + 12 + np.arange(max(1, n_dates // 4))
    fold = Fold(0, train_t, valid_t, valid_t[-1] + 12 + np.arange(2), 11)
    features = random_features(n_names, int(fold.use[-1]) + 12, missing=0.0)
    assert features.hf is not None
    data, out = folder / "panel.npz", folder / "windows.npz"
    np.savez(
        data, panel_tnf=features.hf.values, label_tn=features.label.astype(np.float32), batch=n_names, hidden=30,
        spans=[[train_t[0], train_t[-1]], [valid_t[0], valid_t[-1]]],
    )  # fmt: skip
    qlib = Qlib(python, data, out)
    inputs = HighFrequencyInputs(features)
    samples = Samples(inputs, features, FitSettings(min_names=20), SEED)
    with np.load(out) as found:
        (x_btf,), _ = samples.whole(int(train_t[-1]))
        if not np.array_equal(found["windows"], x_btf.numpy()) or int(found["samples"]) != n_dates * n_names:
            sys.exit("qlib's windows differ from ours; no ratio")
        result: dict[str, Any] = {"version": f"pyqlib {found['version']}", "windows": int(found["samples"])}

    def batches() -> None:
        for t in train_t.tolist():
            samples.drawn(t, 0)

    theirs: dict[str, list[tuple[float, float]]] = {"loader": [], "loader_by_day": []}
    ours = []
    for repeat in range(repeats + 1):
        once = {word: qlib(word) for word in theirs}
        own = in_turn({"ours": batches}, 10)["ours"]
        if repeat:
            ours.append((sum(a for a, _ in own) / 10, sum(b for _, b in own) / 10))
            for word, seconds in once.items():
                theirs[word].append(seconds)
    for word, seconds in theirs.items():
        result[word] = compared(seconds, ours, ("qlib", "ours"))
    result |= _epochs(qlib, features, inputs, fold, repeats)
    qlib.close()
    return result


def _epochs(qlib: Qlib, features: Any, inputs: HighFrequencyInputs, fold: Fold, repeats: int) -> dict[str, Any]:
    """An epoch of ours over one of qlib's: with the validation alone, and as its `fit` runs it."""
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    whole: list[tuple[float, float]] = []
    started = clocks()

    def on_epoch(module: FactorModule) -> None:
        nonlocal started
        ours.append(since(started))
        step, valid, again = (qlib(word) for word in ("train", "valid", "train_again"))
        plain.append((step[0] + valid[0], step[1] + valid[1]))
        whole.append((plain[-1][0] + again[0], plain[-1][1] + again[1]))
        started = clocks()

    settings = FitSettings(min_names=20, max_epochs=repeats + 1, patience_epochs=repeats + 1)
    train(features, inputs, settings_of("hf"), fold, SEED, settings, on_epoch=on_epoch)
    return {
        "epoch": compared(ours[1:], whole[1:], ("ours", "qlib")),
        "epoch_without_its_second_look": compared(ours[1:], plain[1:], ("ours", "qlib")),
    }
