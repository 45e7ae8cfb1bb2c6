"""What goes wrong in a fit is told in one line and costs no more than it must: numbers, disks, devices, kills."""

import errno
import logging
import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from test_walk_forward import FIT, FOLDS, HF
from torch import nn

from fusion_factor.features import FeatureSet
from fusion_factor.training import Checkpoint, FitJob, FitSettings, Fold, FoldSettings, NetworkSettings, run, train
from fusion_factor.training import checkpoints as checkpoints_module
from fusion_factor.training import fit as fit_module
from fusion_factor.training.batches import HighFrequencyInputs
from fusion_factor.training.device import exact_arithmetic
from fusion_factor.training.executors import ExecutorSettings
from fusion_factor.training.fit import constant_dates, fit
from fusion_factor.training.guard import Diary, FitFailed
from fusion_factor.training.module import FactorModule, SessionOrder

FOLD = Fold(0, np.arange(60, 120, 6), np.arange(140, 160, 5), np.arange(180, 186), 11)
SETTINGS = FitSettings(min_names=20, max_epochs=2)
STEPS = len(FOLD.train)


class Brittle(nn.Module):
    """Linear in the last session; goes wrong at one training step, in one of several ways."""

    tasks = ("brittle",)

    def __init__(self, how: str, step: int = 0) -> None:
        super().__init__()
        self.how, self.step, self.steps = how, step, -1
        self.head = nn.Linear(27, 1)
        if how == "explode":
            self.head.weight.register_hook(lambda gradient: torch.full_like(gradient, torch.inf))

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        self.steps += self.training
        y_bk = self.head(inputs[0][:, -1])
        if self.how == "constant":
            return 0 * y_bk + self.head.bias
        if self.how == "memory" and self.training and len(y_bk) > 30:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore lines")
        if self.how == "nan" and self.training and self.steps == self.step:
            return y_bk * torch.nan
        return y_bk


class DiesOnce(nn.Module):
    """Kills its process at its fifth training step, unless the file `mark` is there already."""

    tasks = ("dies",)

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark, self.steps = Path(mark), 0
        self.head = nn.Linear(27, 1)

    def forward(self, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        self.steps += self.training
        if self.steps == 5 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.head(inputs[0][:, -1])


def network(how: str, step: int = 0) -> NetworkSettings:
    inputs = {"_target_": "fusion_factor.training.HighFrequencyInputs", "window_sessions": 4}
    return NetworkSettings("own", {"_target_": "test_survival.Brittle", "how": how, "step": step}, inputs)


def fitted(features: FeatureSet, spec: NetworkSettings, diary: Diary, **changes: Any) -> FactorModule:
    with exact_arithmetic():
        inputs = HighFrequencyInputs(features, 4)
        return train(features, inputs, spec, FOLD, 3, replace(SETTINGS, **changes), diary=diary)


@pytest.fixture
def diary() -> Diary:
    return Diary("network own fold 0 seed 3")


@pytest.fixture(scope="module")
def stored(features: FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    features.save(folder)
    return folder


def job_of(stored: Path, folder: Path, spec: NetworkSettings, **changes: Any) -> FitJob:
    return FitJob(spec, FOLD, 3, replace(SETTINGS, **changes), str(stored), "mark", str(folder))


def date_of_step(features: FeatureSet, step: int) -> str:
    order = SessionOrder(FOLD.train.tolist(), 3)
    order.epoch = step // STEPS
    return str(features.sessions[list(order)[step % STEPS]])


def test_a_loss_that_is_no_number_ends_a_fit_that_has_nothing_yet(features: FeatureSet, diary: Diary) -> None:
    line = (
        f"network own fold 0 seed 3 epoch 0 date {date_of_step(features, 4)}: the loss or its gradient is not a "
        "number (learning_rate 0.005)"
    )
    with pytest.raises(FitFailed, match=f"^{re.escape(line)}$"):
        fitted(features, network("nan", 4), diary)


def test_a_loss_that_is_no_number_later_keeps_the_best_epoch_before(features: FeatureSet, diary: Diary) -> None:
    broken = fitted(features, network("nan", STEPS + 2), diary)
    sound = fitted(features, network("sound"), diary, max_epochs=1)
    assert all(torch.equal(one, sound.best_weights[name]) for name, one in broken.best_weights.items())
    assert broken.history == sound.history, "nothing of the broken epoch is counted"
    date = date_of_step(features, STEPS + 2)
    assert diary.lines == [
        f"network own fold 0 seed 3 epoch 1 date {date}: the loss or its gradient is not a number "
        "(learning_rate 0.005); stopped, the weights of epoch 0 are kept"
    ]


def test_an_exploded_gradient_is_clipped_and_told_or_ends_the_fit(features: FeatureSet, diary: Diary) -> None:
    fitted(features, network("explode"), diary)
    assert diary.lines == [
        f"network own fold 0 seed 3 epoch 0: gradients exploded to clip_value (3) on {STEPS} of {STEPS} batches, first "
        f"on {date_of_step(features, 0)}"
    ], "told once, not every epoch"
    with pytest.raises(FitFailed, match=rf"epoch 0 date {date_of_step(features, 0)}: the gradient exploded"):
        fitted(features, network("explode"), diary, clip_value=None)


def test_a_sound_fit_says_nothing(features: FeatureSet, diary: Diary) -> None:
    fitted(features, network("sound"), diary)
    assert diary.lines == []


def test_a_constant_prediction_is_told_in_training_and_in_scoring(
    features: FeatureSet, stored: Path, tmp_path: Path
) -> None:
    notes: list[str] = []
    outcome = fit(job_of(stored, tmp_path, network("constant")), notes.append)
    date = features.sessions[FOLD.use[0]]
    lines = (
        "network own fold 0 seed 3 epoch 0: brittle is the same for every stock on all validation dates "
        "(learning_rate 0.005)",
        f"network own fold 0 seed 3 date {date}: brittle is the same for every stock, as on 6 of 6 dates that are "
        "scored",
    )
    assert outcome.warnings == lines
    assert [note for note in notes if note.startswith("warning: ")] == [f"warning: {line}" for line in lines]
    again = fit(job_of(stored, tmp_path, network("constant")))
    assert again.found
    assert again.warnings == lines, "told again when the fit is found finished"


def test_constant_dates_are_those_with_several_equal_scores() -> None:
    dates = np.array(["2020-01-02"] * 2 + ["2020-01-03"] * 2 + ["2020-01-06"], "datetime64[D]")
    assert constant_dates(dates, np.array([1, 1, 1, 2, 5], np.float32)).tolist() == [dates[0].item()]
    assert not len(constant_dates(dates[:0], np.empty(0, np.float32)))


def test_dates_with_an_empty_cross_section_are_told(features: FeatureSet, diary: Diary) -> None:
    has_label = features.has_label.copy()
    has_label[FOLD.train[3]] = False
    emptied = replace(features, has_label=has_label)
    fitted(emptied, network("sound"), diary)
    assert diary.lines == [
        f"network own fold 0 seed 3 date {features.sessions[FOLD.train[3]]}: fewer than min_names (20) labelled names; "
        f"1 of {STEPS} dates left out"
    ]


def full_disk(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Half of the bytes go through, then there is no room, for files that end in `suffix`."""
    real = checkpoints_module.write_file

    def write(path: Path, content: bytes) -> None:
        if path.suffix != suffix:
            return real(path, content)
        path.with_name(f".{path.name}.{os.getpid()}").write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints_module, "write_file", write)


def test_a_full_disk_in_the_middle_is_told_and_costs_nothing_else(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "_SECONDS_BETWEEN_SAVES", 0.0)
    sound = fit(job_of(stored, tmp_path / "sound", network("sound")))
    full_disk(monkeypatch, ".progress")
    outcome = fit(job_of(stored, tmp_path / "full", network("sound")))
    assert len(outcome.warnings) == 2, "every save that failed"
    for epoch, line in enumerate(outcome.warnings):
        assert re.fullmatch(
            rf"network own fold 0 seed 3 epoch {epoch}: .*/own/fold00_seed3\.progress could not be saved: No space "
            r"left on device \(\d+ MB free on the disk of .*/own\); the fit goes on, .*",
            line,
        )
    one, two = Checkpoint.read(sound.checkpoint), Checkpoint.read(outcome.checkpoint)
    assert all(torch.equal(tensor, two.weights[name]) for name, tensor in one.weights.items())
    files = [path.name for path in (tmp_path / "full" / "checkpoints" / "own").iterdir()]
    assert files == ["fold00_seed3.ckpt"], "nothing half written stays on a full disk"


def test_a_full_disk_at_the_end_fails_the_fit_in_one_line_and_leaves_no_weights(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk(monkeypatch, ".ckpt")
    line = (
        r"^network own fold 0 seed 3: .*/fold00_seed3\.ckpt could not be written or read: No space left on device \(.*"
    )
    with pytest.raises(FitFailed, match=line) as caught:
        fit(job_of(stored, tmp_path, network("sound")))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "checkpoints" / "own").iterdir())


def test_out_of_memory_halves_the_batch_and_says_so(stored: Path, tmp_path: Path, features: FeatureSet) -> None:
    """The result is that of a fit with the smaller batch from the start, to the bit."""
    has = features.has_hf & features.has_label
    largest = int(has[FOLD.train].sum(axis=1).max())
    assert largest // 2 <= 30 < largest
    outcome = fit(job_of(stored, tmp_path / "a", network("memory")))
    assert outcome.warnings == (
        f"network own fold 0 seed 3 out of memory on the device: names_per_batch halved from {largest} to "
        f"{largest // 2}, the fit starts anew with it",
    )
    asked = fit(job_of(stored, tmp_path / "b", network("memory"), names_per_batch=largest // 2))
    one, two = Checkpoint.read(outcome.checkpoint), Checkpoint.read(asked.checkpoint)
    assert all(torch.equal(tensor, two.weights[name]) for name, tensor in one.weights.items())
    assert one.about["fit"]["names_per_batch"] == largest // 2
    assert fit(job_of(stored, tmp_path / "a", network("memory"))).found


def test_out_of_memory_with_the_smallest_batch_ends_the_fit(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(
        FitFailed, match=r"out of memory on the device with names_per_batch \d+; half .* min_names \(30\)"
    ):
        fit(job_of(stored, tmp_path, network("memory"), min_names=30))


# Kills. The children come from a server that has the modules loaded and has computed nothing yet.

Step = tuple[str, int]


def interrupted_run(features: Path, folder: Path, kill: Step) -> None:
    """A run that kills itself: at a training step, with half of a file on disk, before a rename or a removal."""
    where, count = kill
    fit_module._SECONDS_BETWEEN_SAVES = 0.0
    left = [count]

    def count_down() -> bool:
        left[0] -= 1
        return left[0] == 0

    real_step, real_replace, real_fsync = FactorModule.training_step, Path.replace, os.fsync
    real_unlink = Path.unlink

    def training_step(self: FactorModule, batch: int) -> None:
        if where == "step" and count_down():
            os.kill(os.getpid(), signal.SIGKILL)
        real_step(self, batch)

    def rename(self: Path, target: Path) -> Path:
        if Path(target).suffix == where and count_down():
            os.kill(os.getpid(), signal.SIGKILL)
        return real_replace(self, target)

    def fsync(handle: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}")
        if where.startswith("half ") and f".{where.removeprefix('half ')}." in name and count_down():
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        real_fsync(handle)

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if where == f"unlink {self.suffix}" and self.exists() and count_down():
            os.kill(os.getpid(), signal.SIGKILL)
        real_unlink(self, missing_ok)

    FactorModule.training_step, Path.replace, os.fsync = training_step, rename, fsync  # type: ignore
    Path.unlink = unlink  # type: ignore
    survive(features, folder)


def survive(features: Path, folder: Path) -> None:
    run(features, [HF], FOLDS, replace(FIT, max_epochs=3), folder, seeds=(0,), workers=1, device="cpu")


@pytest.fixture(scope="module")
def uninterrupted(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    survive(stored, folder)
    return folder


def in_child(work: Callable[..., None], *arguments: Any, kill_after: float | None = None) -> int | None:
    """The exit status of a process that does the work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fusion_factor.training.walk_forward"])
    child = context.Process(target=work, args=arguments)
    child.start()
    child.join(kill_after)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


def assert_same(folder: Path, expected: Path) -> None:
    """Scores, curves, weights and everything that is written about them, bit for bit; and nothing left over."""
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "predictions" / "hf.parquet"),
        pd.read_parquet(expected / "predictions" / "hf.parquet"),
        check_exact=True,
    )
    assert (folder / "history" / "hf.csv").read_bytes() == (expected / "history" / "hf.csv").read_bytes()
    names = [
        sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if "tensorboard" not in path.parts)
        for top in (folder, expected)
    ]
    assert names[0] == names[1]
    for path in (expected / "checkpoints").rglob("*.ckpt"):
        one, two = Checkpoint.read(path), Checkpoint.read(folder / path.relative_to(expected))
        assert all(torch.equal(tensor, two.weights[name]) for name, tensor in one.weights.items())
        assert one.about == two.about


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to know which file is flushed")
def test_killed_in_an_epoch_and_in_saves_the_run_ends_with_the_same_bits(
    stored: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """One run, killed seven times in a row at the worst moments, goes on each time and ends as if nothing had been."""
    kills = [
        ("step", 5),  # in the first epoch: nothing saved yet
        ("half progress", 2),  # the second epoch's state is half on disk, the first's is whole
        ("step", 12),  # in a later epoch
        (".progress", 1),  # written, not renamed
        ("half ckpt", 1),  # the finished weights are half on disk
        (".ckpt", 1),  # written, not renamed
        ("unlink .progress", 1),  # the weights are whole, the state of the fit is still beside them
        (".parquet", 1),  # all fits done, the table not in place
    ]
    for kill in kills:
        assert in_child(interrupted_run, stored, tmp_path, kill) == -signal.SIGKILL, kill
    survive(stored, tmp_path)
    assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
def test_killed_at_random_moments_the_run_ends_with_the_same_bits(
    stored: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    exits = []
    while not exits or exits[-1] != 0:
        assert len(exits) < 60
        # longer each time, so that it ends on a machine of any speed
        wait = float(rng.uniform(0.2, 1.0)) * 1.15 ** len(exits)
        exits.append(in_child(interrupted_run, stored, tmp_path, ("never", 0), kill_after=wait))
    assert -signal.SIGKILL in exits
    assert_same(tmp_path, uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "ray", "slurm"])
def test_a_killed_worker_loses_only_its_job_which_is_run_again(
    kind: str, stored: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two fits in two real processes, one of which kills itself; the same scores as without kill, in one process."""
    if kind != "processes":
        pytest.importorskip({"ray": "ray", "slurm": "submitit"}[kind], reason=f"the extra {kind} is not installed")
    start = {"slurm": {"folder": str(tmp_path / "logs"), "cluster": "local"}}
    mark = tmp_path / "mark"
    spec = NetworkSettings("dies", {"_target_": "test_survival.DiesOnce", "mark": str(mark)}, network("sound").inputs)
    lines: list[str] = []

    def go(folder: Path, workers: int, executor: ExecutorSettings) -> pd.DataFrame:
        folds: FoldSettings = FOLDS
        run(stored, [spec], folds, FIT, folder, seeds=(0,), workers=workers, device="cpu", progress=lines.append,
            executor=executor)  # fmt: skip
        return pd.read_parquet(folder / "predictions" / "dies.parquet")

    with caplog.at_level(logging.WARNING):
        killed = go(tmp_path / "killed", 2, ExecutorSettings(kind, start.get(kind, {})))
    assert mark.exists()
    assert len([line for line in lines if "its process was killed" in line and line.endswith("run again, 1 of 2")]) >= 1
    assert len([line for line in lines if line.endswith(" done")]) == 2
    pd.testing.assert_frame_equal(killed, go(tmp_path / "alone", 1, ExecutorSettings()), check_exact=True)
