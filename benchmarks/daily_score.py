"""`score` for 5,000 stocks, start to end, from a store with ten years of daily rows: seconds and peak memory.

A market folder of random prices (2,430 sessions: daily prices, daily caps, memberships), minute bars of the last
sessions, whose factors but the last one's are finished as after a usual day, and weights of both networks with three
seeds. What is timed is the command in a process of its own, imports and all, for a new day and once more for the same
day. Nothing of what the command reads is smaller than in real use; the years of panels and bars before are not there,
for they are not read.

    python benchmarks/daily_score.py [--names 5000] [--sessions 2430] [--keep FOLDER]
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

RESULTS = Path(__file__).parent / "results" / "daily_score.json"
BAR_SESSIONS, DIFFERENT_BARS, SEEDS = 85, 4, 3
LIMIT_SECONDS, LIMIT_GB = 60, 4
SYMBOLS_AT_ONCE = 250


def make_store(root: Path, names: int, count: int) -> None:
    """The market folder, finished factors, and weights."""
    rng = np.random.default_rng(0)
    folder = root / "market"
    folder.mkdir(parents=True)
    sessions = np.busday_offset("2014-06-02", np.arange(count), roll="forward").astype("datetime64[D]")
    symbols = np.array(sorted([f"{600000 + k}.SH" for k in range(names // 2)]
                              + [f"{300000 + k}.SZ" for k in range(names - names // 2)]))  # fmt: skip
    close = write_prices(folder, sessions, symbols, rng)
    write_side_tables(folder, sessions, symbols)
    for k in range(DIFFERENT_BARS):
        write_day(folder, sessions[-1 - k], symbols, close, rng)
    for k in range(DIFFERENT_BARS, BAR_SESSIONS):
        source = folder / "bars" / f"{sessions[-1 - k % DIFFERENT_BARS]}.parquet"
        (folder / "bars" / f"{sessions[-1 - k]}.parquet").hardlink_to(source)
    from fusion_factor.market.store import write_description

    write_description(folder, {"bar_minutes": 1, "pools": {}})


def write_prices(folder: Path, sessions: np.ndarray, symbols: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """stock_prices and caps, some symbols at a time; the last closes come back."""
    count, last = len(sessions), []
    writers: dict[str, pq.ParquetWriter] = {}
    for first in range(0, len(symbols), SYMBOLS_AT_ONCE):
        chosen = symbols[first : first + SYMBOLS_AT_ONCE]
        close = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.015, (len(chosen), count)), axis=1)), 2).clip(2, 500)
        open_ = np.round(close * (1 + rng.normal(0, 0.004, close.shape)), 2)
        volume = np.round(rng.lognormal(13, 1, close.shape), -2)
        volume[rng.random(close.shape) < 0.01] = 0.0
        codes = pa.DictionaryArray.from_arrays(
            np.repeat(np.arange(len(chosen), dtype=np.int32), count), pa.array(list(chosen))
        )
        keys = {"symbol": codes, "date": pa.array(np.tile(sessions, len(chosen)))}
        values = {
            "open": open_, "high": np.maximum(open_, close) + 0.02, "low": np.minimum(open_, close) - 0.02,
            "close": close, "vwap": (open_ + close) / 2, "adj_factor": np.ones_like(close),
            "pre_close": np.c_[close[:, :1], close[:, :-1]], "volume": volume, "amount": volume * close,
        }  # fmt: skip
        tables = {"stock_prices": values, "caps": {"cap": close * 1e9}}
        for name, columns in tables.items():
            table = pa.table(keys | {each: array.reshape(-1) for each, array in columns.items()})
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema, compression="zstd",
                                                 use_dictionary=["symbol", "date"])  # fmt: skip
            writers[name].write_table(table)
        last.append(close[:, -1])
    for writer in writers.values():
        writer.close()
    return np.concatenate(last)


def write_side_tables(folder: Path, sessions: np.ndarray, symbols: np.ndarray) -> None:
    """sessions, stocks, st and industry."""
    from fusion_factor.market.store import write_table

    board = np.where(np.char.startswith(symbols.astype(str), "3"), "chinext", "main")
    listed = pd.Timestamp("2012-01-04")
    industry = [f"I{k % 31:02d}" for k in range(len(symbols))]
    write_table(folder, "sessions", pd.DataFrame({"date": pd.to_datetime(sessions)}))
    write_table(folder, "stocks", pd.DataFrame(
        {"symbol": symbols, "board": board, "list_date": listed, "delist_date": pd.NaT}))  # fmt: skip
    write_table(folder, "industry", pd.DataFrame(
        {"symbol": symbols, "industry": industry, "in_date": listed, "out_date": pd.NaT}))  # fmt: skip
    write_table(folder, "st", pd.DataFrame(
        {"symbol": symbols[::50], "in_date": pd.Timestamp("2016-01-04"), "out_date": pd.Timestamp("2017-01-03")}
    ))  # fmt: skip


def write_day(
    folder: Path, session: np.datetime64, symbols: np.ndarray, close: np.ndarray, rng: np.random.Generator
) -> None:
    """Minute bars of one session, around the last closes."""
    from fusion_factor.market.store import write_bars

    shape = (len(symbols), 240)
    middle = np.round(close[:, None] * 100 * np.exp(np.cumsum(rng.normal(0, 0.0008, shape), axis=1))).astype(np.int32)
    low, high = middle - rng.integers(0, 3, shape), middle + rng.integers(0, 3, shape)
    volume = rng.integers(0, 400, shape) * 100
    cents = np.stack([middle, high, low, middle]).astype(np.int32)
    write_bars(folder, session, symbols, cents, volume, (volume * middle / 100).astype(np.int64))


def make_run(root: Path) -> None:
    """Weights of both networks, the factors of all sessions but the last, and the manifests of a run."""
    from torch import nn

    from fusion_factor.core.artifacts import write_manifest
    from fusion_factor.features.build import factor_stream
    from fusion_factor.market import StoredMarket
    from fusion_factor.pipeline import compose_settings
    from fusion_factor.stages.features import feature_config
    from fusion_factor.stages.train import network_settings
    from fusion_factor.training.checkpoints import Checkpoint
    from fusion_factor.training.components import build

    settings = compose_settings([f"root={root}"])
    market = StoredMarket(root / "market")
    first_use = str(market.sessions[-40])
    for network in network_settings(settings):
        for seed in range(SEEDS):
            made: Any = build(network.network, nn.Module)
            about = {"network": network.as_dict(), "first_use": first_use, "fold": 0, "seed": seed}
            path = root / "train" / "checkpoints" / network.name / f"fold00_seed{seed}.ckpt"
            Checkpoint(made.state_dict(), about).write(path)
    for artifact, nodes in {"features": ("features",), "train": ("networks", "seed", "train")}.items():
        (root / artifact).mkdir(exist_ok=True)
        write_manifest(root / artifact, {"config": {name: settings.raw[name] for name in nodes}})
    write_manifest(root / "market", {"content": "benchmark"})
    stream = factor_stream(market, feature_config(settings), root / "features")
    stream.fill(stream.positions[:-1])


def forget_last_day(root: Path) -> None:
    """As on a new day: no live scores of it, and its factors are not there yet."""
    shutil.rmtree(root / "live", ignore_errors=True)
    newest = max(path.name for path in (root / "features" / "sessions").glob("*.npz"))[:10]
    if newest == max(path.stem for path in (root / "market" / "bars").iterdir()):
        for path in (root / "features" / "sessions").glob(f"{newest}.*"):
            path.unlink()


def timed_command(root: Path) -> dict[str, float]:
    """Wall and processor seconds and peak memory of one `score`, in a process of its own."""
    words = [sys.executable, "-m", "fusion_factor.cli", "score", "date=latest", f"root={root}", "train.device=cpu"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"score ended with {done.returncode}: {done.stderr[-2000:]}")
    print(done.stdout, end="")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu, "peak_gb": after.ru_maxrss / 2**20}


def main() -> None:
    """Make the store, run the command twice, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=2430)
    parser.add_argument("--keep", type=Path, help="make the store here, or use the one that is here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.keep or Path(temporary)
        if not (root / "train").is_dir():
            made = subprocess.run(
                [sys.executable, __file__, "--make", str(root), str(options.names), str(options.sessions)], check=False
            )
            if made.returncode:
                raise SystemExit("the store could not be made")
        forget_last_day(root)
        first, again = timed_command(root), timed_command(root)
    found = {
        "names": options.names, "sessions": options.sessions, "new day": first, "same day again": again,
        "limits": {"seconds": LIMIT_SECONDS, "gb": LIMIT_GB},
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "cpu": platform.processor()},
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    if options.names == 5000 and options.sessions == 2430:
        from fusion_factor.core.artifacts import code_commit, package_versions

        found |= {"versions": package_versions(), "commit": code_commit()}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--make" in sys.argv:
        place, names, sessions = sys.argv[2:]
        make_store(Path(place), int(names), int(sessions))
        make_run(Path(place))
    else:
        main()
