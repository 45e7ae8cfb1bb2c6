"""The speed of the simulator, alone and beside bt: `python benchmarks/rotation.py --bt VENV/bin/python`.

Three figures of its own: a rotation every 5 sessions over 133 indices and 2,000 sessions (with first-time index
scores and held benchmark; and the simulation alone), a monthly portfolio of the best 25 of 5,000 stocks under price
limits and suspensions, and a sweep of 200 settings on tables prepared once.

Beside bt (`pip install bt` in an environment of its own, started as another process on the same arrays): weekly, the
best 10 at equal weights, traded at the close, without cost, on prices without holes, where both mean the same. The NAV
paths are compared first. bt is handed the picks and timed without its statistics; ours makes index scores, picks and
all figures of the result as well. Both processes run alternately; times are of the processor, and of the wall clock.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.backtest import RotationData, StockData
from fusion_factor.core.artifacts import code_commit, package_versions

RESULTS = Path(__file__).parent / "results" / "rotation.json"
SESSIONS = pd.bdate_range("2017-01-02", periods=2000)

BT = """
import importlib.metadata, json, sys, time
import numpy as np, pandas as pd, bt

data = np.load(sys.argv[1])
dates, codes = pd.to_datetime(data["dates"]), [str(code) for code in data["codes"]]
prices = pd.DataFrame(data["close"], index=dates, columns=codes)
when = pd.to_datetime(data["when"])
weights = pd.DataFrame(data["weights"], index=when, columns=codes)
algos = [bt.algos.RunOnDate(*when), bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
test = bt.Backtest(
    bt.Strategy("rotation", algos), prices, initial_capital=1.0, integer_positions=False, progress_bar=False
)
began, began_cpu = time.perf_counter(), time.process_time()
test.run()
took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - began_cpu}
nav = test.strategy.prices.reindex(dates)
print(json.dumps({**took, "nav": nav.tolist(), "version": importlib.metadata.version("bt")}))
"""


def index_tables(rng: np.random.Generator, n_codes: int = 133, n_symbols: int = 800) -> dict[str, pd.DataFrame]:
    """Random walks of indices with 50 members each, scores of the members every session."""
    codes = [f"{number:06d}" for number in range(n_codes)]
    symbols = [f"{number:06d}.SH" for number in range(n_symbols)]
    shape = (n_codes, len(SESSIONS))
    close = 1000 * np.exp(rng.normal(0, 0.012, shape).cumsum(axis=1))
    opens = close * np.exp(rng.normal(0, 0.003, shape))
    keys = {"code": np.repeat(codes, len(SESSIONS)), "date": np.tile(SESSIONS, n_codes)}
    members = [(code, symbol) for code in codes for symbol in rng.choice(symbols, 50, replace=False)]
    score = rng.normal(size=len(SESSIONS) * n_symbols)
    return {
        "index_prices": pd.DataFrame({**keys, "open": opens.ravel(), "close": close.ravel()}),
        "members": pd.DataFrame(members, columns=["code", "symbol"]).assign(in_date="2016-01-04", out_date=""),
        "scores": pd.DataFrame(
            {"date": np.repeat(SESSIONS, n_symbols), "symbol": np.tile(symbols, len(SESSIONS)), "score": score}
        ),
    }


def stock_tables(rng: np.random.Generator, n_symbols: int = 5000) -> dict[str, pd.DataFrame]:
    """Random walks of stocks that are suspended one session in a hundred and reach limits; monthly scores."""
    symbols = [f"{number:06d}.SZ" for number in range(n_symbols)]
    shape = (n_symbols, len(SESSIONS))
    close = np.round(20 * np.exp(np.clip(rng.normal(0, 0.03, shape), -0.1, 0.1).cumsum(axis=1) / 4), 2)
    before = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    opens = np.round(before * (1 + np.clip(rng.normal(0, 0.04, shape), -0.1, 0.1)), 2)
    volume = np.where(rng.random(shape) < 0.01, 0.0, 1e6)
    month_ends = SESSIONS[np.append(np.diff(SESSIONS.month) != 0, False)]
    prices = {"symbol": np.repeat(symbols, len(SESSIONS)), "date": np.tile(SESSIONS, n_symbols)}
    columns = {"open": opens, "close": close, "pre_close": before, "volume": volume}
    score = rng.normal(size=len(month_ends) * n_symbols)
    return {
        "stock_prices": pd.DataFrame({**prices, **{name: values.ravel() for name, values in columns.items()}}),
        "scores": pd.DataFrame(
            {"date": np.repeat(month_ends, n_symbols), "symbol": np.tile(symbols, len(month_ends)), "score": score}
        ),
        "stocks": pd.DataFrame({"symbol": symbols, "board": "main", "list_date": "", "delist_date": ""}),
    }


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Seconds of the processor and of the wall clock of one call, and its result."""
    began, began_cpu = time.perf_counter(), time.process_time()
    result = work()
    return {"wall": time.perf_counter() - began, "cpu": time.process_time() - began_cpu}, result


def middle(times: list[dict[str, float]]) -> dict[str, float]:
    """Median and least seconds of several calls."""
    found = {f"{clock}_median_s": statistics.median(one[clock] for one in times) for clock in ("cpu", "wall")}
    return found | {f"{clock}_least_s": min(one[clock] for one in times) for clock in ("cpu", "wall")}


def rotation_speed(data: RotationData, rounds: int) -> dict[str, Any]:
    """First runs of settings that share nothing (each starts a session later), and the simulation alone."""
    first, plain = [], []
    data.run(top_k=10)
    for i in range(rounds):
        given = {"top_k": 10, "start": SESSIONS[i + 1].date()}
        first.append(timed(lambda given=given: data.run(**given, schedule="every_n", benchmark_kind="pool_held"))[0])
        plain.append(timed(lambda given=given: data.run(**given, schedule="every_n"))[0])
    return {"index scores, simulation, held benchmark, figures": middle(first), "simulation, figures": middle(plain)}


def sweep_speed(data: RotationData) -> dict[str, Any]:
    """200 settings in one process on tables prepared once."""
    grid = itertools.product(
        ("mean", "median"), (5, 10, 15, 20, 30), (1, 3), (0, 5), ("round_trip", "each_side"), ("open", "close")
    )
    names = ("aggregate", "top_k", "smooth", "buffer", "cost_reading", "execute")
    settings = [dict(zip(names, values, strict=True)) for values in grid]
    settings += [{"top_k": top_k, "cost_model": "exact"} for top_k in range(1, 41)]
    took, results = timed(lambda: [data.run(**given, benchmark_kind="pool_held") for given in settings])
    return {"settings": len(results), **{f"{clock}_s": seconds for clock, seconds in took.items()}}


def stock_speed(rounds: int) -> dict[str, Any]:
    """Monthly, the best 25 of 5,000 stocks, price limits and suspensions."""
    prepared, data = timed(lambda: StockData(**stock_tables(np.random.default_rng(2))))
    taken, blocked = [], 0
    for i in range(rounds):
        # another annual_sessions is another setting, whose figures are all made anew
        took, result = timed(lambda given=i: data.run(top_k=25, schedule="monthly", annual_sessions=250 + given))
        taken.append(took)
        blocked = len(result.blocked)
    return {"prepare_cpu_s": prepared["cpu"], "first": taken[0], "further": middle(taken[1:]), "blocked": blocked}


def beside_bt(data: RotationData, prices: pd.DataFrame, interpreter: str, rounds: int) -> dict[str, Any]:
    """bt and ours in turns; their NAV paths must agree to 1e-9 before a time is taken for anything."""
    setting = {"top_k": 10, "execute": "close", "cost_rate": 0.0, "benchmark_kind": "cash"}
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        arrays, script = Path(folder) / "arrays.npz", Path(folder) / "with_bt.py"
        script.write_text(BT, encoding="utf-8")
        result = data.run(**setting)
        write_arrays(arrays, result, prices)
        for i in range(rounds):
            took, _ = timed(lambda given=i: data.run(**setting, min_coverage=0.2 + given / 1000))
            ours.append(took)
            done = subprocess.run([interpreter, script, arrays], capture_output=True, text=True, check=True)
            answer = json.loads(done.stdout.splitlines()[-1])
            nav = np.array(answer.pop("nav"))
            apart = float(np.abs(nav / nav[0] / result.nav["nav"].to_numpy() - 1.0).max())
            if not apart <= 1e-9:
                raise SystemExit(f"bt and ours differ by {apart:g}: nothing to compare")
            theirs.append(answer)
    ratios = {
        f"ratio_{clock}": statistics.median(b[clock] / a[clock] for a, b in zip(ours, theirs, strict=True))
        for clock in ("cpu", "wall")
    }
    versions = {"bt": theirs[0]["version"], "largest_relative_difference_of_nav": apart}
    return {**versions, "ours": middle(ours), "theirs": middle(theirs), **ratios}


def write_arrays(path: Path, result: Any, prices: pd.DataFrame) -> None:
    """Closes from the base on, and the weights at each execution session."""
    close = prices.pivot(index="date", columns="code", values="close").loc[result.nav["date"].iloc[0] :]
    picked = result.signals.pivot(index="signal", columns="code", values="picked").to_numpy(float)
    done = result.executions["status"] == "done"
    when = result.executions.loc[done, "execution"]
    np.savez(
        path,
        dates=close.index.to_numpy().astype("datetime64[s]").astype(str),
        codes=close.columns.to_numpy().astype(str),
        close=close.to_numpy(),
        when=when.to_numpy().astype("datetime64[s]").astype(str),
        weights=(picked / picked.sum(axis=1, keepdims=True))[done.to_numpy()],
    )


def main() -> None:
    """Time all of it, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bt", help="python of an environment that has bt; left out without it")
    parser.add_argument("--without-stocks", action="store_true", help="leave out the 5,000 stocks (some GB of memory)")
    options = parser.parse_args()
    tables = index_tables(np.random.default_rng(1))
    prepared, data = timed(lambda: RotationData(**tables))
    result: dict[str, Any] = {"rounds": options.rounds, "prepare_cpu_s": prepared["cpu"]}
    result["133 indices x 2,000 sessions, every 5"] = rotation_speed(data, options.rounds)
    result["sweep"] = sweep_speed(data)
    if options.bt:
        result["beside bt"] = beside_bt(data, tables["index_prices"], options.bt, options.rounds)
    if not options.without_stocks:
        result["5,000 stocks x 2,000 sessions, monthly, top 25"] = stock_speed(options.rounds)
    print(json.dumps(result, indent=1))
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(),
               "python": platform.python_version(), "load": os.getloadavg()[0]}  # fmt: skip
    result |= {"machine": machine, "versions": package_versions(), "commit": code_commit()}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
