"""Where a fit runs, and how it computes there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from fusion_factor.core.errors import ConfigError


def choose_device(device: str = "auto") -> str:
    """`auto` becomes `cuda` where there is one, else `cpu`. ConfigError for an unknown or missing device."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if torch.device(check_device(device)).type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}, but there is no CUDA device here")
    return device


def spread(device: str) -> list[str]:
    """The devices that the fits of this machine take in turn: all of them for `cuda`, else the one that is named."""
    if device == "cuda" and torch.cuda.device_count() > 1:
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [device]


def check_device(device: str) -> str:
    """`device` if it is a word that `choose_device` knows, whether this machine has it or not; else ConfigError."""
    if device != "auto":
        try:
            known = torch.device(device).type in ("cpu", "cuda")
        except RuntimeError:
            known = False
        if not known:
            raise ConfigError(f"device is {device!r}, must be auto, cpu, cuda or cuda:N")
    return device


@contextmanager
def exact_arithmetic(threads: int | None = 1) -> Iterator[None]:
    """Full float32 and deterministic kernels on CUDA, `threads` threads on the CPU; all put back afterwards.

    cuDNN would otherwise run recurrent layers in TF32, whose 10-bit mantissa is further from the CPU's result than
    scores may be. One thread is for fits side by side, and makes CPU results independent of the machine's load.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = (matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, torch.get_num_threads())
    matmul.allow_tf32 = cudnn.allow_tf32 = cudnn.benchmark = False
    cudnn.deterministic = True
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before[:4]
        torch.set_num_threads(before[4])
