"""Synthetic runs, written once for all report tests: a whole one to look at, and a small one to copy and change."""

import shutil
from pathlib import Path

import pytest
from synthetic_run import write_run


@pytest.fixture(scope="session")
def written_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run folder, not to be changed."""
    return write_run(tmp_path_factory.mktemp("report") / "run", sessions=320)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few scores and months, not to be changed."""
    scores = ("fused", "hf", "ew27", "oracle")
    return write_run(tmp_path_factory.mktemp("report_small") / "run", sessions=130, scores=scores, fits=1, fewer=4)


@pytest.fixture
def own_run(small_run: Path, tmp_path: Path) -> Path:
    """A copy of the small run that a test may change."""
    return Path(shutil.copytree(small_run, tmp_path / "run"))
