"""Scores of sessions from fitted weights: the same windows as in training, whether for a fold or for today."""

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.features.feature_set import FeatureSet
from fusion_factor.training.batches import WindowInputs
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import build
from fusion_factor.training.device import choose_device, exact_arithmetic
from fusion_factor.training.settings import NetworkSettings


def predict(
    checkpoint: Checkpoint | str | Path,
    features: FeatureSet,
    sessions: npt.NDArray[np.datetime64],
    *,
    device: str = "auto",
    threads: int | None = 1,
) -> pd.DataFrame:
    """Scores of everybody with inputs: columns date, symbol, and one float32 column a task; sorted by date, symbol.

    sessions  dates of `features.sessions`; a score of date d uses nothing after the close of d, provided that the
              weights were fitted before (`about["first_use"]` <= d, which the caller sees to).

    Raises DataError for a date that is no session or unreadable weights, ConfigError when network, weights and
    features do not fit each other.
    """
    if not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint.read(checkpoint)
    positions = positions_of(features, sessions)
    settings = network_settings(checkpoint)
    where = choose_device(device)
    inputs = build(settings.inputs, WindowInputs, features, device=where)  # type: ignore[type-abstract]
    check_columns(checkpoint, inputs)
    with exact_arithmetic(threads):
        network = load_network(checkpoint).to(where)
        return score_sessions(network, inputs, features, positions)


def score_sessions(
    network: nn.Module, inputs: WindowInputs, features: FeatureSet, positions: Iterable[int]
) -> pd.DataFrame:
    """Scores of a network in evaluation mode at session positions; see `predict` for the columns."""
    network.eval()
    tasks: tuple[str, ...] = tuple(getattr(network, "tasks", ()))
    rows, symbols, values = [], [], []
    with torch.inference_mode():
        for t in positions:
            windows, names_b = inputs.at(int(t))
            if not len(names_b):
                continue
            values.append(network(windows).float().cpu().numpy())
            symbols.append(names_b)
            rows.append(np.full(len(names_b), t, dtype=np.int64))
    return score_frame(features, tasks, rows, symbols, values)


def score_frame(
    features: FeatureSet,
    tasks: tuple[str, ...],
    rows: list[npt.NDArray[np.int64]],
    symbols: list[npt.NDArray[np.int64]],
    values: list[npt.NDArray[np.float32]],
) -> pd.DataFrame:
    """One table from per-session positions and values [b, k]; DataError when a score is not finite."""
    if not rows:
        empty = {task: np.empty(0, np.float32) for task in tasks}
        return pd.DataFrame({"date": np.empty(0, "datetime64[ms]"), "symbol": np.empty(0, object), **empty})
    t, n, y_rk = np.concatenate(rows), np.concatenate(symbols), np.concatenate(values)
    if not np.isfinite(y_rk).all():
        bad = int(np.flatnonzero(~np.isfinite(y_rk).all(axis=1))[0])
        raise DataError(f"score of {features.symbols[n[bad]]} on {features.sessions[t[bad]]} is not finite")
    columns = {task: y_rk[:, k] for k, task in enumerate(tasks)}
    dates = features.sessions[t].astype("datetime64[ms]")
    return pd.DataFrame({"date": dates, "symbol": features.symbols.astype(object)[n], **columns})


def network_settings(checkpoint: Checkpoint) -> NetworkSettings:
    """The network's settings as recorded beside its weights."""
    return NetworkSettings(**checkpoint.about["network"])


def check_columns(checkpoint: Checkpoint, inputs: WindowInputs) -> None:
    """ConfigError when the weights were fitted on other columns, or in another order, than `inputs` gives them."""
    fitted = tuple(checkpoint.about.get("columns", ()))
    if not fitted or not inputs.columns or fitted == inputs.columns:
        return
    name = checkpoint.about["network"]["name"]
    for position, (one, two) in enumerate(itertools.zip_longest(fitted, inputs.columns, fillvalue="nothing")):
        if one != two:
            raise ConfigError(
                f"network {name}: its weights were fitted on other inputs than the features hold: input {position} was "
                f"{one}, is {two}"
            )


def load_network(checkpoint: Checkpoint) -> nn.Module:
    """The network with its weights, on the CPU. ConfigError when the weights do not fit the network."""
    settings = network_settings(checkpoint)
    network = build(settings.network, nn.Module)
    try:
        network.load_state_dict(dict(checkpoint.weights))
    except RuntimeError as error:
        raise ConfigError(
            f"network {settings.name}: the weights do not fit it: {str(error).splitlines()[0]}"
        ) from error
    return network


def positions_of(features: FeatureSet, sessions: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """Session positions of dates. Raises DataError for a date that is no session."""
    wanted = np.asarray(sessions, dtype="datetime64[D]")
    positions = np.searchsorted(features.sessions, wanted)
    there = positions < len(features.sessions)
    there[there] = features.sessions[positions[there]] == wanted[there]
    if not there.all():
        raise DataError(f"date {wanted[~there][0]} is not among the sessions of the features")
    return positions
