"""One tiny run, made once."""

from pathlib import Path

import pytest
from chain import run_stages

CHAIN = ("simulate", "check", "features", "train", "scores", "evaluate", "rotate", "industry", "report")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a whole run on the tiny market."""
    root = tmp_path_factory.mktemp("tiny")
    run_stages(root, CHAIN)
    return root
