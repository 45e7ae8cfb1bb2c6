"""One fit: one network on one fold with one seed; finished fits are known by the hash of their job."""

import inspect
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fusion_factor.core.artifacts import hash_of
from fusion_factor.core.errors import DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.checkpoints import Checkpoint, load_plain, save_plain
from fusion_factor.training.components import build, class_paths, find_class
from fusion_factor.training.device import choose_device, exact_arithmetic
from fusion_factor.training.folds import Fold
from fusion_factor.training.module import FactorModule
from fusion_factor.training.scoring import score_sessions
from fusion_factor.training.settings import FitSettings, NetworkSettings
from fusion_factor.training.trainer import train

Report = Callable[[str], None]
_SECONDS_BETWEEN_SAVES = 20.0


@dataclass(frozen=True)
class FitJob:
    """One fit as a parcel for another process: paths, positions and settings, no arrays of features.

    features     folder of a FeatureSet; it is memory-mapped, processes share its pages.
    fingerprint  of that folder, so that weights fitted on other features are not taken for finished.
    folder       of the results: checkpoints/, tensorboard/ and parts/ are written in it.
    """

    network: NetworkSettings
    fold: Fold
    seed: int
    settings: FitSettings
    features: str
    fingerprint: str
    folder: str
    device: str = "cpu"
    threads: int | None = 1

    @property
    def name(self) -> str:
        """How messages and files call this job."""
        return f"fold{self.fold.index:02d}_seed{self.seed}"

    @property
    def checkpoint(self) -> Path:
        """Where the fitted weights are, once there are any."""
        return Path(self.folder) / "checkpoints" / self.network.name / f"{self.name}.ckpt"

    @property
    def tensorboard(self) -> Path:
        """Where the curves of the fit are."""
        return Path(self.folder) / "tensorboard" / self.network.name / self.name

    def hash(self) -> str:
        """A hash of everything the weights depend on: settings, sessions, features and the code that computes."""
        fold = {part: getattr(self.fold, part).tolist() for part in ("train", "valid")}
        parts = (self.network.network, self.network.inputs, self.network.loss)
        code = [code_of(path) for part in parts for path in class_paths(part)]
        return hash_of(
            [self.network.as_dict(), asdict(self.settings), fold, self.seed, self.fingerprint, _own_code(), code]
        )


@dataclass(frozen=True)
class FitOutcome:
    """What a job did: `found` finished weights or fitted them; the table of scores is at `part`."""

    checkpoint: str
    part: str
    found: bool
    seconds: float


def fit(job: FitJob, report: Report = lambda text: None) -> FitOutcome:
    """Fit the job's network unless its weights are finished already, then score the fold's sessions of use.

    Writes the checkpoint and, as `parts/<network>/<job>.parquet`, the scores of every session of use. An
    interrupted fit goes on after its last saved epoch. Raises what `train` and `score_sessions` raise.
    """
    started = time.monotonic()
    device = choose_device(job.device)
    with exact_arithmetic(job.threads):
        features, inputs = open_inputs(job.features, job.fingerprint, job.network, device)
        job_hash = job.hash()
        found = _finished(job.checkpoint, job_hash)
        checkpoint = found if found is not None else _train_job(job, job_hash, features, inputs, report)
        part = score_part(checkpoint, job, features, inputs)
    return FitOutcome(str(job.checkpoint), str(part), found is not None, time.monotonic() - started)


def score_part(checkpoint: Checkpoint, job: FitJob, features: FeatureSet, inputs: WindowInputs) -> Path:
    """Write the scores of the fold's sessions of use as one Parquet part; the path comes back."""
    network = build(job.network.network, nn.Module)
    network.load_state_dict(dict(checkpoint.weights))
    frame = score_sessions(network.to(inputs.device), inputs, features, job.fold.use)
    frame.insert(2, "fold", job.fold.index)
    frame.insert(3, "seed", job.seed)
    part = Path(job.folder) / "parts" / job.network.name / f"{job.name}.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(part, index=False)
    return part


def _train_job(job: FitJob, job_hash: str, features: FeatureSet, inputs: WindowInputs, report: Report) -> Checkpoint:
    progress = job.checkpoint.with_suffix(".progress")
    resume = _unfinished(progress, job_hash)
    if resume is None:
        shutil.rmtree(job.tensorboard, ignore_errors=True)
    saved_at = time.monotonic()

    def on_epoch(module: FactorModule) -> None:
        nonlocal saved_at
        report(f"epoch {module.epoch}, best {module.best_objective:.4f} at {module.best_epoch}")
        if time.monotonic() - saved_at >= _SECONDS_BETWEEN_SAVES:
            save_plain(progress, {"job": job_hash, "state": module.state()})
            saved_at = time.monotonic()

    module = train(
        features, inputs, job.network, job.fold, job.seed, job.settings,
        tensorboard=job.tensorboard, resume=resume, on_epoch=on_epoch,
    )  # fmt: skip
    checkpoint = Checkpoint(module.best_weights, _about(job, job_hash, features, module))
    checkpoint.write(job.checkpoint)
    progress.unlink(missing_ok=True)
    return Checkpoint.read(job.checkpoint)


def _about(job: FitJob, job_hash: str, features: FeatureSet, module: FactorModule) -> dict[str, Any]:
    fold, sessions = job.fold, features.sessions
    return {
        "network": job.network.as_dict(),
        "fit": asdict(job.settings),
        "fold": fold.index,
        "seed": job.seed,
        "tasks": list(module.tasks),
        "train": [str(sessions[fold.train[0]]), str(sessions[fold.train[-1]]), len(fold.train)],
        "valid": [str(sessions[fold.valid[0]]), str(sessions[fold.valid[-1]]), len(fold.valid)],
        "label_until": str(sessions[fold.valid[-1] + fold.reach]),
        "first_use": str(sessions[fold.use[0]]),
        "job": job_hash,
        "features": job.fingerprint,
        "best_epoch": module.best_epoch,
        "objective": module.best_objective,
        "loss": module.best_loss,
        "history": module.history,
        "torch": torch.__version__,
    }


def _finished(path: Path, job_hash: str) -> Checkpoint | None:
    if not path.is_file():
        return None
    try:
        checkpoint = Checkpoint.read(path)
    except DataError as error:
        logging.getLogger(__name__).warning("%s; fitting anew", error)
        return None
    return checkpoint if checkpoint.about.get("job") == job_hash else None


def _unfinished(path: Path, job_hash: str) -> dict[str, Any] | None:
    """The saved state of this very job, or None; a damaged or foreign file counts for nothing."""
    if not path.is_file():
        return None
    try:
        content = load_plain(path)
    except DataError:
        return None
    return content["state"] if content.get("job") == job_hash else None


@lru_cache(maxsize=4)
def _open_features(folder: str, fingerprint: str) -> FeatureSet:
    return FeatureSet.load(folder, mmap=True)


_INPUTS: dict[str, WindowInputs] = {}


def open_inputs(
    folder: str, fingerprint: str, network: NetworkSettings, device: str
) -> tuple[FeatureSet, WindowInputs]:
    """The features and inputs of a job; a process that does many jobs of a network puts the panels there once."""
    features = _open_features(folder, fingerprint)
    key = hash_of([folder, fingerprint, dict(network.inputs), device])
    if key not in _INPUTS:
        _INPUTS.clear()
        _INPUTS[key] = build(network.inputs, WindowInputs, features, device=device)  # type: ignore[type-abstract]
    return features, _INPUTS[key]


def code_of(target: str) -> str:
    """A hash of the source file of a `_target_`, so that an edited network is fitted anew."""
    source = inspect.getsourcefile(find_class(target, object))
    return hash_of(Path(source).read_text()) if source else ""


@lru_cache(maxsize=1)
def _own_code() -> str:
    here = Path(__file__).parent
    names = ("bar_series.py", "batches.py", "samples.py", "module.py", "trainer.py", "device.py")
    networks = sorted(
        here.with_name("networks").glob("*.py")
    )  # encoders and task weights are found by word, not by path
    return hash_of([path.read_text() for path in (*(here / name for name in names), *networks)])
