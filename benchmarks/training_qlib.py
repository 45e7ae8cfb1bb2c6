"""qlib's TSDatasetH and pytorch GRU in qlib's own environment: `python training_qlib.py DATA.npz OUT.npz`.

Reads a panel [T, N, F], labels, and the first and last position of the training and of the validation sessions; lays
them out as qlib does and writes the windows of the last training session, the version, and says `ready`. Then, for each
word on stdin, does that once and answers with the seconds of wall clock and of processor, as JSON:

    loader         all training windows in shuffled batches, as its GRU takes them
    loader_by_day  the same through its daily sampler, an array of places a batch
    train, valid, train_again   its GRU's training epoch, and its tests on the validation and the training sessions

Knows nothing of ours.
"""

import json
import logging
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import torch
from qlib.contrib.model.pytorch_gats_ts import DailyBatchSampler
from qlib.contrib.model.pytorch_gru_ts import GRU
from qlib.data.dataset import TSDataSampler, TSDatasetH
from qlib.data.dataset.handler import DataHandlerLP
from qlib.model.utils import ConcatDataset
from torch.utils.data import DataLoader

STEPS = 40


def samplers(panel_tnf: np.ndarray, label_tn: np.ndarray, spans: np.ndarray) -> tuple[TSDataSampler, TSDataSampler]:
    """Training and validation windows of a TSDatasetH, set up as in its GRU's `fit`."""
    n_sessions, n_names, n_fields = panel_tnf.shape
    days = pd.bdate_range("2014-01-01", periods=n_sessions)
    names = [f"{k:06d}" for k in range(n_names)]
    index = pd.MultiIndex.from_product([days, names], names=["datetime", "instrument"])
    columns = pd.MultiIndex.from_tuples([("feature", f"f{k}") for k in range(n_fields)] + [("label", "y")])
    values = np.concatenate([panel_tnf, label_tn[..., None]], axis=2).reshape(n_sessions * n_names, n_fields + 1)
    handler = DataHandlerLP.from_df(pd.DataFrame(values, index, columns))
    segments = {name: (days[first], days[last]) for name, (first, last) in zip(("train", "valid"), spans, strict=True)}
    dataset = TSDatasetH(handler=handler, segments=segments, step_len=STEPS)
    found = []
    for name in segments:
        sampler = dataset.prepare(name, col_set=["feature", "label"], data_key=DataHandlerLP.DK_L)
        sampler.config(fillna_type="ffill+bfill")
        found.append(sampler)
    return found[0], found[1]


def windows_of_last_session(sampler: TSDataSampler) -> np.ndarray:
    """The features x_btf of its last session, in order of names."""
    days = sampler.get_index().get_level_values("datetime")
    places = np.flatnonzero(days == days.max())
    return np.stack([sampler[int(place)][:, :-1] for place in places])


def main() -> None:
    """Lay out, compare nothing, answer words until there are no more."""
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    with np.load(sys.argv[1]) as data:
        train, valid = samplers(data["panel_tnf"], data["label_tn"], data["spans"])
        batch, hidden, n_fields = int(data["batch"]), int(data["hidden"]), data["panel_tnf"].shape[2]
    np.savez(sys.argv[2], windows=windows_of_last_session(train), version=version("pyqlib"), samples=len(train))
    gru = GRU(n_fields, hidden, num_layers=1, lr=0.005, batch_size=batch, n_jobs=0, GPU=-1, seed=0)

    def loader(sampler: TSDataSampler, shuffle: bool) -> DataLoader:
        both = ConcatDataset(sampler, np.ones(len(sampler)))
        return DataLoader(both, batch_size=batch, shuffle=shuffle, num_workers=0, drop_last=True)

    train_loader, valid_loader = loader(train, True), loader(valid, False)
    by_day = DataLoader(train, sampler=DailyBatchSampler(train), num_workers=0)

    def through(batches: Any) -> None:
        for _ in batches:
            pass

    words = {
        "loader": lambda: through(train_loader),
        "loader_by_day": lambda: through(by_day),
        "train": lambda: gru.train_epoch(train_loader),
        "valid": lambda: gru.test_epoch(valid_loader),
        "train_again": lambda: gru.test_epoch(train_loader),
    }
    print("ready", flush=True)
    for line in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        words[line.strip()]()
        print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]), flush=True)


if __name__ == "__main__":
    main()
