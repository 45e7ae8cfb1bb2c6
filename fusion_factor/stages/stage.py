"""What a stage is, where its artifact lies, and when it need not run again.

An artifact is current when the config that the stage reads, the contents of what it reads and the source of the rooms
that it calls are those written in its manifest. Everything else (dates, machines, log levels) does not count.
"""

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fusion_factor
from fusion_factor.core.artifacts import (
    MANIFEST,
    fingerprint,
    hash_of,
    new_artifact,
    now,
    read_manifest,
    recover_artifact,
    write_file,
    write_manifest,
)
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.stages.settings import Settings

log = logging.getLogger("fusion_factor")

_PACKAGE = Path(fusion_factor.__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What a stage reports of its own work; it goes into the manifest."""

    rows: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    device: str = "cpu"
    about: Mapping[str, Any] = field(default_factory=dict)
    """What else one should know of the result, JSON-like."""


@dataclass(frozen=True)
class Stage:
    """One command: reads artifacts, calls a room, writes one artifact."""

    name: str
    purpose: str
    artifact: str
    needs: tuple[str, ...]
    config: tuple[str, ...]
    rooms: tuple[str, ...]
    check: Callable[[Settings], object]
    """Builds the typed settings of the stage, so that a bad value is refused before anything runs."""
    work: Callable[[Settings, "Workspace", Path], Outcome]
    content: tuple[str, ...] = ("*",)
    """Which files are the result as later stages see it (logs and timings are not)."""
    resumes: bool = False
    """Whether unfinished work is kept and continued."""
    needs_by: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Further artifacts that the stage reads under some settings alone."""
    files: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    """Files of the user's own that the stage reads: when their content changes, it runs again."""
    reuses: tuple[str, ...] = ()
    """Folders of a former artifact that the work looks into: each file there says itself what it was made from."""
    enabled: Callable[[Settings], bool] = lambda settings: True
    """Whether `run` has this stage; asked for by its name it is refused where it has not."""


class Workspace:
    """Where the artifacts of one run lie: `root`, or, in a sweep, `own` for what differs from `root`."""

    def __init__(self, root: Path, own: Path | None = None) -> None:
        self.root = root
        self.own = own or root
        self._chosen: dict[str, Path] = {}

    def candidates(self, artifact: str) -> list[Path]:
        """Places to look for an artifact, the shared one first."""
        return list(dict.fromkeys((self.root / artifact, self.own / artifact)))

    def choose(self, artifact: str, folder: Path) -> None:
        """From now on `artifact` is the one in `folder`."""
        self._chosen[artifact] = folder

    def folder(self, artifact: str) -> Path:
        """Folder of a finished artifact. Raises DataError with the command that makes it when it is not there."""
        folder = self._chosen.get(artifact) or next(
            (place for place in reversed(self.candidates(artifact)) if (place / MANIFEST).is_file()), None
        )
        if folder is None:
            raise DataError(f"no artifact {artifact} in {self.root}: run `fusion-factor {_maker(artifact)}` first")
        return folder

    def has(self, artifact: str) -> bool:
        """Whether the artifact is there."""
        return artifact in self._chosen or any((p / MANIFEST).is_file() for p in self.candidates(artifact))


def _maker(artifact: str) -> str:
    return {"market": "simulate", "quality": "check"}.get(artifact, artifact)


def source_of_market(settings: Settings) -> str | None:
    """Fingerprint of data that is no artifact of ours (mapped files); None for the simulated market."""
    if settings.data["kind"] == "simulated":
        return None
    from fusion_factor.market import open_market

    return open_market(settings.data).fingerprint()


def needed(stage: Stage, settings: Settings) -> tuple[str, ...]:
    """Artifacts that the stage reads under these settings: mapped files take the place of the market artifact."""
    names = (*stage.needs, *stage.needs_by(settings))
    return tuple(name for name in names if name != "market" or settings.data["kind"] == "simulated")


def identity(stage: Stage, settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """What makes the artifact what it is: config, inputs and code, as hashes and as they are."""
    config = {name: settings.raw[name] for name in stage.config}
    inputs = {}
    for name in needed(stage, settings):
        manifest = read_manifest(workspace.folder(name))
        inputs[name] = manifest["content"] if manifest else None
    if "market" in stage.needs and "market" not in inputs:
        inputs["market"] = source_of_market(settings)
    files = stage.files(settings)
    if files:
        inputs["files"] = fingerprint(*files)
    code = fingerprint(*(_PACKAGE / room for room in stage.rooms), _PACKAGE / "stages" / f"{stage.name}.py")
    return {"config_hash": hash_of(config), "inputs": inputs, "code": code, "config": config}


def is_current(folder: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether the artifact in `folder` is what `wanted` describes."""
    recover_artifact(folder)
    manifest = read_manifest(folder)
    return manifest is not None and all(
        manifest.get(name) == wanted[name] for name in ("config_hash", "inputs", "code")
    )


def check_inputs(stage: Stage, settings: Settings, workspace: Workspace, stages: Mapping[str, Stage]) -> None:
    """Refuse inputs that were made with other settings than this command's: their numbers would be mislabelled."""
    for artifact in needed(stage, settings):
        maker = stages[_maker(artifact)]
        manifest = read_manifest(workspace.folder(artifact)) or {}
        made_with, asked = manifest.get("config", {}), {name: settings.raw[name] for name in maker.config}
        if made_with != asked:
            where = first_difference(made_with, asked)
            raise ConfigError(
                f"{artifact} in {workspace.folder(artifact)} was made with other settings ({where}): "
                f"run `fusion-factor {maker.name}` with these settings first, or `fusion-factor run`"
            )


def first_difference(made: Any, asked: Any, path: str = "") -> str:
    """Where two trees of settings differ first, in words."""
    if isinstance(made, Mapping) and isinstance(asked, Mapping):
        for name in sorted({*made, *asked}):
            if made.get(name) != asked.get(name):
                return first_difference(made.get(name), asked.get(name), f"{path}.{name}" if path else str(name))
    return f"{path}: {made!r} there, {asked!r} asked"


def run_stage(stage: Stage, settings: Settings, workspace: Workspace) -> Path:
    """Bring the stage's artifact up to date; its folder. Skips when it is current already."""
    wanted = identity(stage, settings, workspace)
    for place in workspace.candidates(stage.artifact):
        if is_current(place, wanted):
            log.info("%s: unchanged, skipped (%s)", stage.name, place)
            workspace.choose(stage.artifact, place)
            return place
    folder = workspace.own / stage.artifact
    log.info("%s: %s", stage.name, stage.purpose)
    started = now()
    with new_artifact(folder, keep_partial=stage.resumes) as temporary:
        _drop_other_work(temporary, wanted, stage.reuses)
        _take_over(folder, temporary, stage.reuses)
        outcome = stage.work(settings, workspace, temporary)
        (temporary / ".unfinished").unlink(missing_ok=True)
        files = sorted({path for pattern in stage.content for path in temporary.glob(pattern)})
        write_manifest(
            temporary,
            {
                "stage": stage.name,
                **wanted,
                "content": fingerprint(*files),
                "seed": settings.seed,
                "device": outcome.device,
                "started": started,
                "ended": now(),
                "rows": dict(outcome.rows),
                "warnings": dict(outcome.warnings),
                "about": dict(outcome.about),
            },
        )
    workspace.choose(stage.artifact, folder)
    return folder


def _take_over(former: Path, temporary: Path, names: Sequence[str]) -> None:
    """Link the reusable folders of the artifact that is about to be replaced, where unfinished work has none."""
    for name in names:
        if (former / name).is_dir() and not (temporary / name).exists():
            shutil.copytree(former / name, temporary / name, copy_function=os.link)


def _drop_other_work(temporary: Path, wanted: Mapping[str, Any], reusable: Sequence[str]) -> None:
    """Unfinished work that was made under other settings, inputs or code is of no use: start empty."""
    mark = temporary / ".unfinished"
    key = hash_of({name: wanted[name] for name in ("config_hash", "inputs", "code")})
    if mark.is_file() and mark.read_text() == key:
        log.info("continuing unfinished work in %s", temporary)
        return
    for path in [path for path in temporary.iterdir() if path.name not in reusable]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_file(mark, key)
