"""Fixtures shared by all rooms: where the real data and the worked examples lie, if they are there."""

import os
import signal
import threading
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # a test run in the background ignores interrupts, and so would the commands that tests start and interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parents[1]


def _beside(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable, CHECKOUT.parent / "shared" / name))
    if not folder.is_dir():
        pytest.skip(f"needs the folder {name} beside the checkout, or {variable} pointing to it")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data."""
    return _beside("FUSION_FACTOR_SHARED_DATA", "data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of worked examples."""
    return _beside("FUSION_FACTOR_SHARED_CASES", "cases")
