"""RankIC of 5,000 stocks x 2,500 sessions beside alphalens and qlib: `python benchmarks/rank_ic.py --peers FOLDER`.

FOLDER holds an environment for each peer (`python -m venv FOLDER/alphalens`, `FOLDER/alphalens/bin/pip install
alphalens-reloaded`; `FOLDER/qlib` with `pyqlib`). Each peer is run as a process of its own on the same random data, in
turns with ours, on the first sessions only, for it takes minutes otherwise; its table is built before the clock starts.
First all results are compared, to 1e-9. Ratios are of processor seconds a session, medians over rounds, so that other
work on the machine counts as little as can be; wall clock is written beside them. Ours is timed twice: on wide arrays
as its callers have them, and from the long table that the peers start from.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.core.tables import Grid
from fusion_factor.evaluation import rank_ic

RESULTS = Path(__file__).parent / "results" / "rank_ic.json"
PEER_SCRIPT = Path(__file__).with_name("rank_ic_peers.py")
PEERS = {"alphalens": "alphalens", "qlib": "qlib", "qlib_rank_only": "qlib"}
"""Peer to the environment it runs in."""
Seconds = dict[str, float]


def random_market(sessions: int, names: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that know a little of the labels [T, N]; 5 % of scores and 2 % of labels missing, some scores equal."""
    rng = np.random.default_rng(seed)
    label_tn = 0.03 * rng.standard_t(4, (sessions, names))
    score_tn = np.round(label_tn + 0.6 * rng.normal(size=label_tn.shape), 3)
    score_tn[rng.random(label_tn.shape) < 0.05] = np.nan
    label_tn[rng.random(label_tn.shape) < 0.02] = np.nan
    return score_tn, label_tn


def timed(work: Callable[[], np.ndarray], sessions: int) -> tuple[np.ndarray, Seconds]:
    """The result, and seconds a session of wall clock and of processor (all threads)."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    taken = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    return result, {name: each / sessions for name, each in taken.items()}


def run_peer(name: str, python: Path, data: Path, sessions: int) -> tuple[np.ndarray, Seconds, str]:
    """The same of a peer, in its own environment, and its version."""
    out = data.with_name(f"{name}.npz")
    threads = {key: "1" for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | threads
    subprocess.run([python, PEER_SCRIPT, name, data, out], check=True, env=environment, capture_output=True)
    with np.load(out) as found:
        taken = {key: float(found[key]) / sessions for key in ("wall", "processor")}
        return found["rank_ic"], taken, str(found["version"])


def long_tables(score_tn: np.ndarray, label_tn: np.ndarray) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The long table of the peers as ours reads it, sessions and symbols."""
    t, n = np.nonzero(np.isfinite(score_tn) & np.isfinite(label_tn))
    days = pd.bdate_range("2014-01-01", periods=len(score_tn)).to_numpy().astype("datetime64[D]")
    symbols = np.array([f"{k:06d}" for k in range(score_tn.shape[1])], dtype=object)
    frame = pd.DataFrame({"symbol": pd.Series(symbols[n], dtype=str), "date": days[t].astype("datetime64[s]")})
    return frame.assign(score=score_tn[t, n], label=label_tn[t, n]), days, symbols


def from_table(frame: pd.DataFrame, days: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Ours from the long table: laid out wide, then correlated."""
    grid = Grid(frame, days, symbols)
    return rank_ic(grid.fill(frame["score"].to_numpy()), grid.fill(frame["label"].to_numpy()))


def main() -> None:
    """Compare, time in turns, print and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder with the environments alphalens and qlib")
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--peer-sessions", type=int, default=250, help="sessions that peers and the long table run on")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    score_tn, label_tn = random_market(options.sessions, options.names)
    part = slice(0, options.peer_sessions)
    table = long_tables(score_tn[part], label_tn[part])
    rank_ic(score_tn[part], label_tn[part])  # compiles
    seconds: dict[str, list[Seconds]] = {name: [] for name in ("ours", "ours, long table", *PEERS)}
    versions, largest = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        np.savez(data, score_tn=score_tn[part], label_tn=label_tn[part])
        for _ in range(options.rounds):
            ours, taken = timed(lambda: rank_ic(score_tn, label_tn), options.sessions)
            seconds["ours"].append(taken)
            again, taken = timed(lambda: from_table(*table), options.peer_sessions)
            seconds["ours, long table"].append(taken)
            np.testing.assert_array_equal(again, ours[part])
            for name, place in PEERS.items():
                theirs, taken, version = run_peer(
                    name, options.peers / place / "bin" / "python", data, options.peer_sessions
                )
                largest[name] = float(np.abs(theirs - ours[part]).max())
                if not largest[name] <= 1e-9:
                    raise SystemExit(f"{name} differs from ours by up to {largest[name]:.3g}")
                seconds[name].append(taken)
                versions[place] = version
    write(options, seconds, versions, largest)


def write(
    options: argparse.Namespace, seconds: dict[str, list[Seconds]], versions: dict[str, str], largest: dict[str, float]
) -> None:
    """Print what was measured and write it to results/rank_ic.json."""
    median = {
        name: {clock: statistics.median(each[clock] for each in taken) for clock in ("wall", "processor")}
        for name, taken in seconds.items()
    }
    ratios = {
        clock: {
            name: statistics.median(x[clock] / y[clock] for x, y in zip(taken, seconds["ours"], strict=True))
            for name, taken in seconds.items()
        }
        for clock in ("processor", "wall")
    }
    whole = {clock: median["ours"][clock] * options.sessions for clock in ("wall", "processor")}
    for name, each in median.items():
        factor = {clock: f"{ratios[clock][name]:6.1f} x ours" for clock in ratios}
        print(
            f"{name:18s} {1e3 * each['processor']:8.3f} ms of processor a session, {factor['processor']}; "
            f"wall clock {1e3 * each['wall']:8.3f} ms, {factor['wall']}"
        )
    print(
        f"ours, {options.names} names x {options.sessions} sessions: {whole['processor']:.2f} s of processor, "
        f"{whole['wall']:.2f} s of wall clock; largest difference {max(largest.values()):.1e}"
    )
    result = {
        "names": options.names, "sessions": options.sessions, "peer_sessions": options.peer_sessions,
        "rounds": options.rounds, "ours_seconds": whole, "seconds_a_session": median, "ratio_to_ours": ratios,
        "largest_difference": largest, "peers": versions, "load_average": os.getloadavg()[0],
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                    "python": platform.python_version()},
        "versions": package_versions(), "commit": code_commit(),
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
