"""Writes a plausible run folder from a seed: what the stages would leave, without running any of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STRENGTHS = {
    "fused": 0.092, "fused_neutral": 0.088, "hf": 0.071, "lf": 0.080, "lf_daily": 0.078, "lf_weekly": 0.052,
    "lf_monthly": 0.041, "ridge": 0.058, "lightgbm": 0.066, "ew27": 0.046, "reversal20": 0.035, "oracle": 0.135,
}  # fmt: skip
POOLS = {"theme": (60, 10, "open"), "concept": (40, 10, "open"), "industry": (32, 5, "close")}
FACTORS = (
    "late_skew_ret", "down_vol_perc", "corr_ret_lastret", "corr_close_nextopen", "volume_perc2", "volume_perc3",
    "volume_perc4", "volume_perc5", "volume_perc6", "volume_perc7", "corr_volume_item", "early_corr_volume_ret",
    "bigorder_ret", "down_single_amt_perc", "corr_volume_amplitude", "bigorder_amt_perc_px",
    "early_bigorder_buy_perc_px", "bigorder_ret2_px", "early_active_bigorder_ret_px", "concentration_diff_px",
    "early_active_buy_perc_px", "corr_netactivebuy_lastret_px", "corr_netactivebuy_nextret_px", "skew_order_diff_px",
    "kurt_order_diff_px", "early_kurt_order_px", "corr_buyorder_volume_price_px",
)  # fmt: skip
STATS = ("mean", "std", "ir", "positive", "t", "nw_t", "count")


def write_run(
    root: Path, *, seed: int = 7, sessions: int = 1900, scores: tuple[str, ...] = tuple(STRENGTHS), fits: int = 3
) -> Path:
    """A whole run: evaluation of `scores`, three rotations, training history, score table, manifests."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2017-01-03", periods=sessions).strftime("%Y-%m-%d")
    _evaluate(root / "evaluate", days, rng, scores)
    _rotations(root / "rotate", days, rng)
    _training(root / "train", days, rng, fits)
    _scores(root / "scores", days, rng)
    for stage in ("scores", "evaluate", "rotate", "train"):
        _json(root / stage / "manifest.json", _manifest(stage))
    return root


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _csv(path: Path, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


def _stats(values: np.ndarray) -> dict[str, float]:
    mean, std, count = float(values.mean()), float(values.std(ddof=1)), len(values)
    t = mean / std * count**0.5
    return dict(zip(STATS, (mean, std, mean / std, float((values > 0).mean()), t, 0.96 * t, count), strict=True))


def _evaluate(folder: Path, days: pd.Index, rng: np.random.Generator, scores: tuple[str, ...]) -> None:
    grid = days[60::5]
    shared = rng.normal(0, 0.05, len(grid))
    rows = []
    for name in scores:
        strength = STRENGTHS[name]
        rank_ic = strength + 0.6 * shared + rng.normal(0, 0.055, len(grid))
        market = rng.normal(0.001, 0.02, len(grid))
        slope = np.linspace(-1, 1, 10)
        excess = 0.045 * strength * slope[None, :] + rng.normal(0, 0.004, (len(grid), 10))
        excess -= excess.mean(axis=1, keepdims=True)
        layers = pd.DataFrame(
            {
                "date": np.repeat(grid, 10),
                "layer": np.tile(np.arange(1, 11), len(grid)),
                "n": 48,
                "return": (market[:, None] + excess).ravel(),
                "excess": excess.ravel(),
            }
        )
        stats = _stats(rank_ic)
        ratio = np.prod(1 + excess[:, -1]) ** (252 / (5 * len(grid))) - 1
        years = pd.Series(rank_ic, index=grid.str[:4])
        metrics = {
            "dates": len(grid),
            "counted": len(grid),
            "ic": _stats(rank_ic * 0.9),
            "rank_ic": stats,
            "coverage": 0.97,
            "layer_mean": (market[:, None] + excess).mean(axis=0).tolist(),
            "layer_excess_mean": excess.mean(axis=0).tolist(),
            "layer_annual": (252 / 5 * excess.mean(axis=0)).tolist(),
            "monotonicity": 0.99,
            "top_turnover": 0.44,
            "top_excess_annual": ratio,
            "long_short": {
                "mean": float((excess[:, -1] - excess[:, 0]).mean()),
                "std": 0.01,
                "t": 9.0,
                "count": len(grid),
            },
            "by_year": {str(year): {"rank_ic": _stats(part.to_numpy())} for year, part in years.groupby(level=0)},
        }
        _csv(folder / name / "ic.csv", pd.DataFrame({"date": grid, "n": 480, "ic": rank_ic * 0.9, "rank_ic": rank_ic}))
        _csv(folder / name / "layers.csv", layers)
        _json(folder / name / "metrics.json", metrics)
        for label in ("published", "oracle"):
            factor = 1.0 if label == "published" else 1.22
            rows.append(
                {
                    "score": name,
                    "label": label,
                    "rank_ic": stats["mean"] * factor,
                    "rank_ic_std": stats["std"],
                    "icir": stats["ir"] * factor,
                    "positive": stats["positive"],
                    "t": stats["t"],
                    "nw_t": stats["nw_t"],
                    "count": stats["count"],
                    "ic": stats["mean"] * 0.9,
                    "coverage": 0.97,
                    "top_excess_annual": ratio,
                    "top_turnover": 0.44,
                    "top_month_hit": 0.78,
                    "long_short_mean": metrics["long_short"]["mean"],
                    "share_of_oracle": strength / STRENGTHS["oracle"]
                    if label == "oracle" and "oracle" in scores
                    else None,
                }
            )
    _csv(folder / "summary.csv", pd.DataFrame(rows))
    seeds = []
    for network, mean in (("hf", 0.062), ("lf", 0.073), ("lf_daily", 0.07), ("fused", 0.085)):
        seeds += [
            {"network": network, "seed": i, "rank_ic": mean + rng.normal(0, 0.004), "count": len(grid)}
            for i in range(3)
        ]
        seeds.append({"network": network, "seed": "ensemble", "rank_ic": mean + 0.008, "count": len(grid)})
    _csv(folder / "seeds.csv", pd.DataFrame(seeds))
    strength = rng.normal(0.03, 0.018, len(FACTORS))
    frame = pd.DataFrame(
        {
            "factor": FACTORS,
            "sign": rng.choice([-1, 1], len(FACTORS)),
            "rank_ic": strength,
            "icir": strength / 0.09,
            "count": len(grid),
        }
    )
    _csv(folder / "factors.csv", frame)


def _rotations(folder: Path, days: pd.Index, rng: np.random.Generator) -> None:
    for name, (codes, top, execute) in POOLS.items():
        one_rotation(folder / name, name, days, rng, codes, top, execute)
    (folder / "concept" / "note.txt").write_text(
        "Members come from one snapshot of 2022-03-18: before that date the pool looks ahead.\n"
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
    _csv(folder / "nav.csv", nav)
    labels = [f"{name[:2].upper()}{i:03d}" for i in range(codes)]
    signals, executions = [], []
    weekly = np.arange((len(days) - 1) % 5, len(days), 5)
    for at in weekly:
        score = rng.normal(0, 0.4, codes)
        rank = pd.Series(-score).rank(method="first").astype(int).to_numpy()
        signals.append(
            pd.DataFrame(
                {
                    "signal": days[at],
                    "code": labels,
                    "score": score,
                    "coverage": rng.uniform(0.7, 1, codes),
                    "eligible": 1,
                    "rank": rank,
                    "picked": (rank <= top).astype(int),
                }
            )
        )
        pending = at + 1 >= len(days)
        figures = (None,) * 4 if pending else (0.5, 0.5002, 0.0002, 0)
        executions.append(
            (days[at], "2024-04-19" if pending else days[at + 1], "pending" if pending else "done", *figures)
        )
    _csv(folder / "signals.csv", pd.concat(signals))
    names = ["signal", "execution", "status", "buy", "sell", "cost", "frozen"]
    _csv(folder / "executions.csv", pd.DataFrame(executions, columns=names))
    _csv(folder / "holdings.csv", pd.DataFrame({"execution": days[-2], "code": labels[:top], "weight": 1 / top}))
    _csv(
        folder / "names.csv",
        pd.DataFrame({"code": labels, "name": [f"{name.capitalize()} index {i}" for i in range(codes)]}),
    )
    _strategy_metrics(folder, nav, len(weekly))
    _json(
        folder / "params.json",
        {
            "top_k": top,
            "execute": execute,
            "schedule": "weekly",
            "aggregate": "cap",
            "cost_rate": 0.0 if name == "industry" else 0.0004,
            "cost_reading": "round_trip",
            "benchmark_kind": "pool_held",
        },
    )


def _strategy_metrics(folder: Path, nav: pd.DataFrame, signals: int) -> None:
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
    _json(folder / "metrics.json", figures)
    last = nav.assign(year=nav["date"].str[:4]).groupby("year")[["nav", "benchmark", "relative"]].last()
    change = last / last.shift(1).fillna(1.0) - 1
    frame = change.reset_index().rename(columns={"nav": "return", "relative": "excess"})
    _csv(folder / "years.csv", frame.assign(max_drawdown=0.13, excess_max_drawdown=0.05))


def _training(folder: Path, days: pd.Index, rng: np.random.Generator, fits: int) -> None:
    (folder / "history").mkdir(parents=True)
    for network, tasks in (("hf", ["hf"]), ("lf", ["lf_daily", "lf_weekly", "lf_monthly"])):
        rows = []
        for fold in range(6):
            for seed in range(fits):
                epochs = int(rng.integers(12, 30))
                for task in tasks:
                    for split, top, pace in (("train", 0.14, 6), ("valid", 0.085, 4)):
                        rise = top * (1 - np.exp(-np.arange(1, epochs + 1) / pace)) + rng.normal(0, 0.006, epochs)
                        rows += [(network, fold, seed, e, split, task, -v, v, 0.95 * v) for e, v in enumerate(rise)]
        columns = ["network", "fold", "seed", "epoch", "split", "task", "loss", "ic", "rank_ic"]
        _csv(folder / "history" / f"{network}.csv", pd.DataFrame(rows, columns=columns))
    folds = []
    step = len(days) // 9
    for index in range(6):
        a, b = (index + 2) * step, (index + 3) * step
        folds.append(
            {
                "index": index,
                "train_start": days[0],
                "train_end": days[a - 40],
                "valid_start": days[a - 28],
                "valid_end": days[b - 12],
                "use_start": days[b],
                "use_end": days[min(b + step, len(days)) - 1],
            }
        )
    _json(folder / "folds.json", folds)


def _scores(folder: Path, days: pd.Index, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    symbols = [f"{600000 + i}.SH" for i in range(40)]
    index = pd.MultiIndex.from_product([pd.to_datetime(days[60:]), symbols], names=["date", "symbol"])
    frame = pd.DataFrame(
        {"score": rng.normal(size=len(index)), "hf": 0.1, "lf": 0.2, "fold": 0}, index=index
    ).reset_index()
    frame.to_parquet(folder / "scores.parquet", index=False)


def _manifest(stage: str) -> dict[str, Any]:
    return {
        "stage": stage,
        "config": {
            "data": {"kind": "simulated", "symbols": 500, "seed": 1},
            "stage": {"workers": 2, "note": "<b>not bold</b> & 'quoted'"},
        },
        "inputs": {"market": "3f9a"},
        "versions": {"fusion-factor": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0"},
        "commit": "99702d8f0aa",
        "seed": [0, 1, 2],
        "device": "cpu",
        "start": "2025-01-05T08:00:00",
        "end": "2025-01-05T08:12:31",
        "rows": {"scores": 73600},
        "warnings": {"names without industry": 3} if stage == "scores" else {},
    }


if __name__ == "__main__":
    import sys

    print(write_run(Path(sys.argv[1])))
