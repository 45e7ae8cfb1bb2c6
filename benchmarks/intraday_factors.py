"""The compiled intraday factors beside numpy, pandas and polars: `python benchmarks/intraday_factors.py`.

All 27 factors of `huatai27` (bar tier), 1-minute bars of 20 sessions x 1,000 symbols. Every variant runs in every
round, one after the other, so that what else the machine does falls on all of them; ratios are medians over rounds of
processor time. numpy goes session by session, pandas (slow) through one session a round, polars, in a process of its
own (`--polars-python`, a Python that has it), through all sessions at once on one thread. Results are compared before
anything is timed. Beside them: copying the same bytes in memory, the first call of a fresh process, and the memory and
reading of a stream of sessions.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from intraday_peers import FIELDS, long_table, numpy_factors, pandas_factors, session_bars, with_empty_bars

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.features.intraday import compute_factors, resolve
from fusion_factor.market.store import SessionBars

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "intraday_factors.json"
FIRST_CALL = """
import sys, time
sys.path.insert(0, {here!r})
from intraday_peers import session_bars
bars = session_bars(1000)
began = time.perf_counter()
from fusion_factor.features.intraday import compute_factors
compute_factors(bars)
print(time.perf_counter() - began)
"""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall and of processor time of one call, all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def over_sessions(work: Callable[[SessionBars], object], sessions: list[SessionBars], threads: int) -> None:
    """One call a session, in threads."""
    if threads == 1:
        for bars in sessions:
            work(bars)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, sessions))


def copy_sessions(sessions: list[SessionBars], targets: list[np.ndarray], threads: int) -> None:
    """Copy the bytes of all sessions, in threads."""

    def copy(t: int) -> None:
        for f, name in enumerate(FIELDS):
            np.copyto(targets[t][f], getattr(sessions[t], name))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, range(len(sessions))))


def first_calls() -> dict[str, float]:
    """Seconds from import to the first session's factors in a fresh process: compiled anew, and from numba's cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST_CALL.format(here=str(HERE))]
        took = [
            float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
            for _ in range(2)
        ]
    return {"compiled_anew": took[0], "from_cache": took[1]}


def run_polars(python: str, sessions: list[SessionBars], rounds: int) -> tuple[np.ndarray, dict[str, object]]:
    """Factors [T * S, 27] and timings by polars."""
    with tempfile.TemporaryDirectory() as folder:
        bars, out = Path(folder) / "bars.parquet", Path(folder) / "factors.parquet"
        pd.concat([long_table(day).assign(session=t) for t, day in enumerate(sessions)]).to_parquet(bars)
        command = [python, str(HERE / "intraday_polars.py"), str(bars), str(out), str(rounds), "1"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return pd.read_parquet(out).drop(columns=["session", "symbol"]).to_numpy(), json.loads(printed)


def compare(name: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of equal factors where the kernel has one (the peers know no rules of missing values). A peer breaks ties
    of amounts in its own way, which touches a few of the largest-bar factors; SystemExit when it is more than that."""
    agreeing = float(np.isclose(ours, theirs, rtol=1e-6, atol=1e-9)[np.isfinite(ours)].mean())
    if agreeing < 0.999:
        raise SystemExit(f"{name} and the kernel agree on {agreeing:.2%} of the factors only")
    return agreeing


def stream(symbols: int) -> dict[str, float]:
    """Memory and reading of a stream, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / "intraday_memory.py"), folder, str(symbols), "6"]
        result: dict[str, float] = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )
    return result


def measure(sessions: list[SessionBars], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and processor seconds of each variant in each round."""
    targets = [np.empty((len(FIELDS), *sessions[0].close.shape), np.float32) for _ in sessions]
    thin, table = [with_empty_bars(bars) for bars in sessions], long_table(sessions[0])
    open27 = resolve("open27")
    variants: dict[str, Callable[[], object]] = {
        "kernel": lambda: over_sessions(compute_factors, sessions, 1),
        "kernel, 2 threads": lambda: over_sessions(compute_factors, sessions, 2),
        "kernel, empty bars": lambda: over_sessions(compute_factors, thin, 1),
        "kernel, open27": lambda: over_sessions(lambda bars: compute_factors(bars, open27), sessions, 1),
        "numpy": lambda: over_sessions(numpy_factors, sessions[:4], 1),
        "pandas": lambda: pandas_factors(table),
        "copy": lambda: copy_sessions(sessions, targets, 1),
        "copy, 2 threads": lambda: copy_sessions(sessions, targets, 2),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for work in variants.values():
        work()
    for _ in range(rounds):
        for name, work in variants.items():
            taken[name].append(timed(work))
    return taken


def main() -> None:
    """Check that the variants agree, time them in turns, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--polars-python", default=None, help="a Python that has polars; left out without")
    options = parser.parse_args()
    sessions = [session_bars(options.symbols, seed=t) for t in range(options.sessions)]
    ours = np.concatenate([compute_factors(bars) for bars in sessions])
    agreeing = {
        "numpy": compare("numpy", ours, np.concatenate([numpy_factors(bars) for bars in sessions])),
        "pandas": compare("pandas", ours[: options.symbols], pandas_factors(long_table(sessions[0]))),
    }
    bars_of = {"numpy": 4 / options.sessions, "pandas": 1 / options.sessions}  # share of the bars that a variant reads
    taken = measure(sessions, options.rounds)
    versions = package_versions()
    if options.polars_python:
        values, printed = run_polars(options.polars_python, sessions, options.rounds)
        agreeing["polars"] = compare("polars", ours, values)
        taken["polars"] = [(one["wall"], one["cpu"]) for one in printed["rounds"]]  # type: ignore[attr-defined]
        versions["polars"] = str(printed["version"])
    n_bars = sum(bars.close.size for bars in sessions)
    rows = {}
    for name, times in taken.items():
        wall, cpu = (statistics.median(one[k] for one in times) / bars_of.get(name, 1.0) for k in (0, 1))
        rates = [a[1] / bars_of.get(name, 1.0) / b[1] for a, b in zip(times, taken["kernel"], strict=True)]
        rows[name] = {
            "million_bars_per_wall_second": n_bars / wall / 1e6,
            "million_bars_per_cpu_second": n_bars / cpu / 1e6,
            "best_million_bars_per_wall_second": n_bars / min(t[0] for t in times) * bars_of.get(name, 1.0) / 1e6,
            "gigabytes_per_wall_second": n_bars * 24 / wall / 1e9,
            "cpu_time_over_kernel": statistics.median(rates),
        }
        print(
            f"{name:20s} {n_bars / cpu / 1e6:8.1f} M bars/cpu s, {n_bars / wall / 1e6:8.1f} M bars/s, "
            f"{n_bars * 24 / wall / 1e9:6.2f} GB/s, {statistics.median(rates):7.2f} x the kernel's cpu time"
        )
    result = {
        "bars": n_bars, "symbols": options.symbols, "sessions": options.sessions, "rounds": options.rounds,
        "variants": rows, "share_of_equal_factors": agreeing, "first_call_seconds": first_calls(),
        "stream": stream(4 * options.symbols), "load_average": os.getloadavg(),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                    "python": platform.python_version()},
        "versions": versions, "commit": code_commit(),
    }  # fmt: skip
    print(
        json.dumps({key: result[key] for key in ("first_call_seconds", "stream", "share_of_equal_factors")}, indent=1)
    )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
