"""One fit: one network on one fold with one seed; finished fits are known by the hash of their job."""

import inspect
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fusion_factor.core.artifacts import hash_of
from fusion_factor.core.errors import DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import build, class_paths, find_class
from fusion_factor.training.device import choose_device, exact_arithmetic
from fusion_factor.training.folds import Fold
from fusion_factor.training.guard import Diary, FitFailed
from fusion_factor.training.module import FactorModule
from fusion_factor.training.progress import WARNING
from fusion_factor.training.recovery import Unfinished, drop_leftovers, files_of, halved
from fusion_factor.training.samples import has_target
from fusion_factor.training.scoring import check_columns, load_network, score_sessions
from fusion_factor.training.settings import FitSettings, NetworkSettings
from fusion_factor.training.trainer import train

Report = Callable[[str], None]
_SECONDS_BETWEEN_SAVES = 20.0


@dataclass(frozen=True)
class FitJob:
    """One fit as a parcel for another process: paths, positions and settings, no arrays of features.

    features     folder of a FeatureSet; it is memory-mapped, processes share its pages.
    fingerprint  of that set, by which a process knows that it has it open.
    known        of its sessions that the fold learns on, so that weights fitted on other features are not taken for
                 finished, and those fitted before later sessions came are; None: the fingerprint.
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
    known: str | None = None

    @property
    def name(self) -> str:
        """How messages and files call this job."""
        return f"fold{self.fold.index:02d}_seed{self.seed}"

    @property
    def title(self) -> str:
        """How warnings and errors call this job."""
        return f"network {self.network.name} fold {self.fold.index} seed {self.seed}"

    @property
    def checkpoint(self) -> Path:
        """Where the fitted weights are, once there are any."""
        return Path(self.folder) / "checkpoints" / self.network.name / f"{self.name}.ckpt"

    @property
    def unfinished(self) -> Path:
        """Where the state of a fit under way is."""
        return self.checkpoint.with_suffix(".progress")

    @property
    def tensorboard(self) -> Path:
        """Where the curves of the fit are."""
        return Path(self.folder) / "tensorboard" / self.network.name / self.name

    def hash(self) -> str:
        """A hash of everything the weights depend on: settings, sessions, features and the code that computes."""
        fold = {part: getattr(self.fold, part).tolist() for part in ("train", "valid")}
        parts = (self.network.network, self.network.inputs, self.network.loss)
        code = [code_of(path) for part in parts for path in class_paths(part)]
        known = self.fingerprint if self.known is None else self.known
        return hash_of([self.network.as_dict(), asdict(self.settings), fold, self.seed, known, _own_code(), code])


@dataclass(frozen=True)
class FitOutcome:
    """What a job did: `found` finished weights or fitted them; the table of scores is at `part`; what it warns of."""

    checkpoint: str
    part: str
    found: bool
    seconds: float
    warnings: tuple[str, ...] = ()


def fit(job: FitJob, report: Report = lambda text: None) -> FitOutcome:
    """Fit the job's network unless its weights are finished already, then score the fold's sessions of use.

    Writes the checkpoint and, as `parts/<network>/<job>.parquet`, the scores of every session of use. An
    interrupted fit goes on after its last saved epoch. Raises what `train` and `score_sessions` raise.
    """
    started = time.monotonic()
    device = choose_device(job.device)
    diary = Diary(job.title, lambda line: report(f"{WARNING}{line}"))
    with exact_arithmetic(job.threads), files_of(job.title, job.checkpoint), _device_memory(job.title):
        features, inputs = open_inputs(job.features, job.fingerprint, job.network, device)
        job_hash = job.hash()
        drop_leftovers(job.checkpoint)
        found = _finished(job.checkpoint, job_hash)
        checkpoint = found if found is not None else _train_job(job, job_hash, features, inputs, report, diary)
        job.unfinished.unlink(missing_ok=True)  # a kill may have come between the finished weights and this
        part = score_part(checkpoint, job, features, inputs, diary)
    warnings = dict.fromkeys([*checkpoint.about.get("warnings", []), *diary.lines])
    return FitOutcome(str(job.checkpoint), str(part), found is not None, time.monotonic() - started, tuple(warnings))


def score_part(
    checkpoint: Checkpoint, job: FitJob, features: FeatureSet, inputs: WindowInputs, diary: Diary | None = None
) -> Path:
    """Write the scores of the fold's sessions of use as one Parquet part; the path comes back.

    Sessions on which a task gives every stock the same score are told to `diary`.
    """
    check_columns(checkpoint, inputs)
    network = load_network(checkpoint)
    frame = score_sessions(network.to(inputs.device), inputs, features, job.fold.use)
    for task in frame.columns[2:]:
        constant = constant_dates(frame["date"].to_numpy(), frame[task].to_numpy())
        if len(constant):
            (diary or Diary(job.title)).warn(
                f"constant score {task}",
                f"date {constant[0].astype('datetime64[D]')}: {task} is the same for every stock, as on "
                f"{len(constant)} of {frame['date'].nunique()} dates that are scored",
            )
    frame.insert(2, "fold", job.fold.index)
    frame.insert(3, "seed", job.seed)
    part = Path(job.folder) / "parts" / job.network.name / f"{job.name}.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(part, index=False)
    return part


def constant_dates(dates: npt.NDArray[np.datetime64], scores: npt.NDArray[np.float32]) -> npt.NDArray[np.datetime64]:
    """Dates (sorted, many rows each) with several scores that are all equal."""
    if not len(dates):
        return dates
    first = np.flatnonzero(np.r_[True, dates[1:] != dates[:-1]])
    same = np.maximum.reduceat(scores, first) == np.minimum.reduceat(scores, first)
    several = np.diff(np.r_[first, len(dates)]) > 1
    return dates[first[same & several]]


def _train_job(
    job: FitJob, job_hash: str, features: FeatureSet, inputs: WindowInputs, report: Report, diary: Diary
) -> Checkpoint:
    unfinished = Unfinished(job.unfinished, job_hash, diary)
    saved = unfinished.read()
    settings, state = job.settings, None
    if saved is not None:
        settings, state = FitSettings(**saved["settings"]), saved["state"]
        diary.lines.extend(saved["warnings"])
    module = None
    while module is None:
        if state is None:
            shutil.rmtree(job.tensorboard, ignore_errors=True)
        try:
            module = train(
                features, inputs, job.network, job.fold, job.seed, settings, diary=diary,
                tensorboard=job.tensorboard, resume=state, on_epoch=_keeper(unfinished, settings, report),
            )  # fmt: skip
        except torch.OutOfMemoryError:
            settings, state = halved(settings, _largest(job, features, inputs), diary), None
            unfinished.drop()
        if module is None:
            # Only here, after the handler, the error and the tensors that it holds are gone.
            torch.cuda.empty_cache()
    Checkpoint(module.best_weights, _about(job, job_hash, features, inputs, module, diary)).write(job.checkpoint)
    return Checkpoint.read(job.checkpoint)


def _keeper(unfinished: Unfinished, settings: FitSettings, report: Report) -> Callable[[FactorModule], None]:
    """Tells of every epoch and saves some."""
    saved_at = time.monotonic()

    def on_epoch(module: FactorModule) -> None:
        nonlocal saved_at
        report(f"epoch {module.epoch}, best {module.best_objective:.4f} at {module.best_epoch}")
        if time.monotonic() - saved_at >= _SECONDS_BETWEEN_SAVES:
            unfinished.save(module.state(), settings, module.epoch)
            saved_at = time.monotonic()

    return on_epoch


def _largest(job: FitJob, features: FeatureSet, inputs: WindowInputs) -> int:
    """The number of labelled names on the largest training date."""
    return max(int(has_target(inputs, features, t).sum()) for t in job.fold.train.tolist())


@contextmanager
def _device_memory(name: str) -> Iterator[None]:
    """What does not fit on the device even so: one line."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise FitFailed(f"{name}: out of memory on the device: {str(error).splitlines()[0]}") from error


def _about(
    job: FitJob, job_hash: str, features: FeatureSet, inputs: WindowInputs, module: FactorModule, diary: Diary
) -> dict[str, Any]:
    fold, sessions = job.fold, features.sessions
    return {
        "network": job.network.as_dict(),
        "fit": asdict(module.settings),
        "fold": fold.index,
        "seed": job.seed,
        "tasks": list(module.tasks),
        "columns": list(inputs.columns),
        "train": [str(sessions[fold.train[0]]), str(sessions[fold.train[-1]]), len(fold.train)],
        "valid": [str(sessions[fold.valid[0]]), str(sessions[fold.valid[-1]]), len(fold.valid)],
        "label_until": str(sessions[fold.valid[-1] + fold.reach]),
        "first_use": str(sessions[fold.use[0]]),
        "job": job_hash,
        "features": job.fingerprint if job.known is None else job.known,
        "best_epoch": module.best_epoch,
        "objective": module.best_objective,
        "loss": module.best_loss,
        "history": module.history,
        "warnings": diary.lines,
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
    names = ("bar_series.py", "batches.py", "samples.py", "module.py", "trainer.py", "guard.py", "device.py")
    networks = sorted(
        here.with_name("networks").glob("*.py")
    )  # encoders and task weights are found by word, not by path
    return hash_of([path.read_text() for path in (*(here / name for name in names), *networks)])
