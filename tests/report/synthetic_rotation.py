"""Writes plausible folders of rotation strategies from a seed: what the stage `rotate` would leave."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

POOLS = {"theme": (60, 10, "open"), "concept": (40, 10, "open"), "industry": (32, 5, "close")}


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Writes a CSV file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


def write_rotations(folder: Path, days: pd.Index, rng: np.random.Generator, fewer: int = 1) -> None:
    """The folders of all three strategies, with pools of a `fewer`-th of their codes."""
    for name, (codes, top, execute) in POOLS.items():
        codes, top = codes // fewer, -(-top // fewer)
        one_rotation(folder / name, name, days, rng, codes, top, execute)
    (folder / "concept" / "note.txt").write_text(
        "Members come from one snapshot of 2022-03-18: before that date this LOOKS AHEAD.\n"
    )


def one_rotation(
    folder: Path, name: str, days: pd.Index, rng: np.random.Generator, codes: int, top: int, execute: str
) -> None:
    """The folder of one strategy."""
    benchmark = np.r_[1.0, np.cumprod(1 + rng.normal(0.0002, 0.012, len(days) - 1))]
    relative = np.r_[1.0, np.cumprod(1 + rng.normal(0.0005, 0.005, len(days) - 1))]
    nav = pd.DataFrame(
        {"date": days, "nav": benchmark * relative, "benchmark": benchmark, "relative": relative, "stale": 0}
    )
    write_csv(folder / "nav.csv", nav)
    labels = [f"{name[:2].upper()}{i:03d}" for i in range(codes)]
    rate = 0.0 if name == "industry" else 0.0004
    signals = _signals(folder, days, rng, labels, top, rate)
    write_csv(
        folder / "names.csv",
        pd.DataFrame({"code": labels, "name": [f"{name.capitalize()} index {i}" for i in range(codes)]}),
    )
    metrics = _strategy_metrics(folder, nav, signals)
    write_json(
        folder / "params.json",
        {
            "top_k": top,
            "execute": execute,
            "schedule": "weekly",
            "aggregate": "cap",
            "cost_rate": rate,
            "cost_reading": "round_trip",
            "benchmark_kind": "pool_held",
        },
    )
    _beside(folder, name, metrics, days, labels, rng)


def _signals(folder: Path, days: pd.Index, rng: np.random.Generator, labels: list[str], top: int, rate: float) -> int:
    """signals.csv, executions.csv, holdings.csv and trades.csv of scores that forget slowly; the number of signals."""
    signals, executions, holdings = [], [], []
    weekly = np.arange((len(days) - 1) % 5, len(days), 5)
    score, held = rng.normal(0, 0.4, len(labels)), set()
    for at in weekly:
        score = 0.9 * score + rng.normal(0, 0.18, len(labels))
        rank = pd.Series(-score).rank(method="first").astype(int).to_numpy()
        columns = {"signal": days[at], "code": labels, "score": score, "coverage": rng.uniform(0.7, 1, len(labels))}
        signals.append(pd.DataFrame(columns | {"eligible": 1, "rank": rank, "picked": (rank <= top).astype(int)}))
        picked = {code for code, place in zip(labels, rank, strict=True) if place <= top}
        if at + 1 >= len(days):
            executions.append((days[at], "2024-04-19", "pending", *(None,) * 4))
            _trades(folder, (days[at], "2024-04-19"), held, picked, top, rate)
            continue
        traded = len(picked - held) / top
        executions.append((days[at], days[at + 1], "done", traded, traded, traded * rate, 0))
        held = picked
        holdings += [(days[at + 1], code, 1 / top) for code in sorted(held)]
    write_csv(folder / "signals.csv", pd.concat(signals))
    names = ["signal", "execution", "status", "buy", "sell", "cost", "frozen"]
    write_csv(folder / "executions.csv", pd.DataFrame(executions, columns=names))
    write_csv(folder / "holdings.csv", pd.DataFrame(holdings, columns=["execution", "code", "weight"]))
    return len(weekly)


def _trades(folder: Path, dates: tuple[str, str], held: set[str], picked: set[str], top: int, rate: float) -> None:
    rows = []
    for code in sorted(held | picked):
        now, then = (1.03 if code in held else 0) / top, (1 if code in picked else 0) / top
        rows.append(
            (*dates, code, now, then, then - now, "buy" if then > now else "sell", abs(then - now) * rate / 2, "")
        )
    rows[0] = (*rows[0][:-1], "suspended")
    columns = ["signal", "execution", "code", "held", "target", "trade", "side", "cost", "reason"]
    write_csv(folder / "trades.csv", pd.DataFrame(rows, columns=columns))


def _beside(
    folder: Path, name: str, metrics: dict[str, Any], days: pd.Index, labels: list[str], rng: np.random.Generator
) -> None:
    """What a run says beside its path: blocked orders, contributions, cost readings, variants, intervals."""
    blocked = [(days[40 + 30 * i], labels[i], ("buy", "sell")[i % 2], ("no price", "upper limit")[i % 3 == 2])
               for i in range(0 if name == "industry" else 3)]  # fmt: skip
    write_csv(folder / "blocked.csv", pd.DataFrame(blocked, columns=["execution", "code", "side", "reason"]))
    parts = rng.normal(0, 0.1, len(labels))
    cost = 0.0 if name == "industry" else -0.031
    parts += (metrics["total_return"] - cost - parts.sum()) / len(labels)
    write_csv(folder / "contribution.csv", pd.DataFrame({"code": [*labels, "COST"], "value": [*parts, cost]}))
    keys = ("annual_return", "annual_excess", "excess_sharpe", "excess_max_drawdown", "annual_cost")
    readings = []
    for reading, rate, drag in (("none", 0.0, 0.0), ("round_trip", 0.0004, 0.004), ("each_side", 0.0004, 0.0087)):
        figures = (metrics["annual_return"] - drag, metrics["annual_excess"] - drag)
        readings.append((reading, rate, *figures, metrics["excess_sharpe"], metrics["excess_max_drawdown"], drag))
    write_csv(folder / "readings.csv", pd.DataFrame(readings, columns=["reading", "cost_rate", *keys]))
    _variants(folder, metrics, rng, 200 if name == "concept" else 12)
    implied = (1 + metrics["annual_return"]) / (1 + metrics["annual_excess"]) - 1
    write_json(folder / "implied.json", {"start": days[0], "end": days[-1], "benchmark_annual": implied})
    around = {key: {"value": metrics[key], "low": metrics[key] - 0.06, "high": metrics[key] + 0.06} for key in keys[:2]}
    write_json(folder / "interval.json", around | {"level": 0.95, "draws": 2000, "block": 9})


def _variants(folder: Path, metrics: dict[str, Any], rng: np.random.Generator, count: int) -> None:
    excess = np.r_[metrics["annual_excess"], metrics["annual_excess"] + rng.normal(-0.01, 0.02, count - 1)]
    top = [10, *(3 + i % 20 for i in range(count - 1))]
    smooth = [1, *(1 + i // 20 for i in range(count - 1))]
    frame = pd.DataFrame(
        {
            "variant": ["as configured", *(f"top_k={a}, smooth={b}" for a, b in zip(top[1:], smooth[1:], strict=True))],
            "chosen": [1, *[0] * (count - 1)],
            "top_k": top,
            "smooth": smooth,
            "annual_return": excess + 0.05,
            "annual_excess": excess,
            "low": excess - 0.05,
            "high": excess + 0.05,
            "excess_sharpe": excess / 0.08,
            "excess_max_drawdown": 0.12,
            "mean_turnover": 0.4,
            "annual_cost": 0.008,
        }
    )
    write_csv(folder / "variants.csv", frame)
    found = {
        "count": count,
        "combine": "all" if count > 50 else "one",
        "best": frame["variant"][int(np.argmax(excess))],
        "best_deflated_probability": 0.87,
        "best_sharpe": 0.0812,
        "expected_maximum": 0.0433,
        "overfitting_probability": 0.31,
        "note": "",
    }
    write_json(folder / "variants.json", found)


def _strategy_metrics(folder: Path, nav: pd.DataFrame, signals: int) -> dict[str, Any]:
    n = len(nav) - 1
    figures: dict[str, Any] = {"base": nav["date"].iloc[0], "end": nav["date"].iloc[-1], "sessions": n}
    for column, prefix in (("nav", ""), ("relative", "excess_")):
        x = nav[column].to_numpy()
        returns = x[1:] / x[:-1] - 1
        annual = x[-1] ** (252 / n) - 1
        volatility = returns.std(ddof=1) * 252**0.5
        figures |= {
            "annual_return" if not prefix else "annual_excess": annual,
            "total_return" if not prefix else "total_excess": x[-1] - 1,
            "annual_volatility" if not prefix else "excess_volatility": volatility,
            f"{prefix}sharpe": annual / volatility,
            f"{prefix}max_drawdown": float(np.max(1 - x / np.maximum.accumulate(x))),
        }
    figures |= {
        "sharpe_mean": 0.9 * figures["sharpe"],
        "calmar": figures["annual_return"] / figures["max_drawdown"],
        "win_rate": 0.58,
        "mean_turnover": 0.43,
    }
    figures |= {
        "annual_cost": 0.0087,
        "ytd_return": 0.051,
        "ytd_excess": -0.012,
        "signals": signals,
        "executions": signals - 1,
        "kept": 0,
        "pending": 1,
    }
    figures |= {
        "drawdown_peak": "2019-04-02",
        "drawdown_trough": "2020-02-03",
        "drawdown_recovery": None,
        "codes_without_price": 0,
        "codes_without_members": 0,
    }
    write_json(folder / "metrics.json", figures)
    last = nav.assign(year=nav["date"].str[:4]).groupby("year")[["nav", "benchmark", "relative"]].last()
    change = last / last.shift(1).fillna(1.0) - 1
    frame = change.reset_index().rename(columns={"nav": "return", "relative": "excess"})
    write_csv(folder / "years.csv", frame.assign(max_drawdown=0.13, excess_max_drawdown=0.05))
    return figures
