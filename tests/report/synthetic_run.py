"""Writes a plausible run folder from a seed: what the stages would leave, without running any of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from synthetic_industry import write_industry
from synthetic_rotation import write_csv, write_json, write_rotations

STRENGTHS = {
    "fused": 0.092, "fused_neutral": 0.088, "hf": 0.071, "lf": 0.080, "lf_daily": 0.078, "lf_weekly": 0.052,
    "lf_monthly": 0.041, "ridge": 0.058, "lightgbm": 0.066, "ew27": 0.046, "reversal20": 0.035, "oracle": 0.135,
}  # fmt: skip
FACTORS = (
    "late_skew_ret", "down_vol_perc", "corr_ret_lastret", "corr_close_nextopen", "volume_perc2", "volume_perc3",
    "volume_perc4", "volume_perc5", "volume_perc6", "volume_perc7", "corr_volume_item", "early_corr_volume_ret",
    "bigorder_ret", "down_single_amt_perc", "corr_volume_amplitude", "bigorder_amt_perc_px",
    "early_bigorder_buy_perc_px", "bigorder_ret2_px", "early_active_bigorder_ret_px", "concentration_diff_px",
    "early_active_buy_perc_px", "corr_netactivebuy_lastret_px", "corr_netactivebuy_nextret_px", "skew_order_diff_px",
    "kurt_order_diff_px", "early_kurt_order_px", "corr_buyorder_volume_price_px",
)  # fmt: skip
INDUSTRIES = (
    "Banks", "Chemicals", "Coal", "Computers", "Construction", "Electronics", "Food and beverage", "Machinery",
    "Non-bank finance", "Pharma", "Power equipment", "Real estate", "Retail", "Steel", "Transport", "Utilities",
)  # fmt: skip
STATS = ("mean", "std", "ir", "positive", "t", "nw_t", "count")


def write_run(
    root: Path,
    *,
    seed: int = 7,
    sessions: int = 1900,
    scores: tuple[str, ...] = tuple(STRENGTHS),
    fits: int = 3,
    fewer: int = 1,
) -> Path:
    """A whole run: evaluation of `scores`, three rotations, training history, score table, manifests."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2017-01-03", periods=sessions).strftime("%Y-%m-%d")
    _evaluate(root / "evaluate", days, rng, scores)
    write_rotations(root / "rotate", days, rng, fewer)
    _training(root / "train", days, rng, fits)
    _scores(root / "scores", days, rng)
    write_industry(root / "industry", days, rng)
    for stage in ("scores", "evaluate", "rotate", "train"):
        write_json(root / stage / "manifest.json", _manifest(stage))
    return root


def _stats(values: np.ndarray) -> dict[str, float]:
    mean, std, count = float(values.mean()), float(values.std(ddof=1)), len(values)
    t = mean / std * count**0.5
    return dict(zip(STATS, (mean, std, mean / std, float((values > 0).mean()), t, 0.96 * t, count), strict=True))


def _split(rank_ic: np.ndarray) -> dict[str, Any]:
    long_short = {"mean": 0.08 * float(rank_ic.mean()), "std": 0.01, "t": 5.0, "count": len(rank_ic)}
    return {
        "dates": len(rank_ic),
        "counted": len(rank_ic),
        "ic": _stats(0.9 * rank_ic),
        "rank_ic": _stats(rank_ic),
        "layer_mean": [0.001] * 10,
        "layer_excess_mean": [0.0] * 10,
        "long_short": long_short,
        "monotonicity": 0.93,
    }


def _splits(strength: float, rng: np.random.Generator, dates: int) -> dict[str, Any]:
    """Thirds of size, industries and decay, as the evaluation of the fused score has them."""

    def part(around: float) -> dict[str, Any]:
        return _split(rng.normal(around, 0.08, dates))

    horizons = (1, 2, 5, 10, 20, 40)
    return {
        "by_size": {str(third): part(strength * (1.2 - 0.2 * third)) for third in (1, 2, 3)},
        "by_industry": {name: part(strength * rng.uniform(0.3, 1.2)) for name in INDUSTRIES},
        "decay": {str(horizon): strength * (1.1 - 0.012 * abs(horizon - 8)) for horizon in horizons},
    }


def _readings(stats: dict[str, float], top: float) -> pd.DataFrame:
    rows = []
    for reading in ("raw", "industry_size"):
        for label, factor in (("close lag 1", 1.0), ("close", 1.1), ("open", 0.97), ("vwap", 0.98)):
            for universe in ("", "000300"):
                row = {"reading": reading, "label": label, "universe": universe}
                row |= {"rank_ic": stats["mean"] * factor, "rank_ic_std": stats["std"], "icir": stats["ir"] * factor}
                row |= {key: stats[key] for key in ("positive", "t", "nw_t", "count")}
                row |= {"names": 480, "ic": stats["mean"], "coverage": 0.97, "top_excess_annual": top * factor}
                rows.append(row | {"top_turnover": 0.44, "top_month_hit": 0.78, "long_short_mean": 0.01})
    return pd.DataFrame(rows)


def _intervals(rows: list[dict[str, Any]]) -> pd.DataFrame:
    out = []
    for row in rows:
        for figure, key in (("rank_ic", "rank_ic"), ("top_excess", "top_excess_annual")):
            ends = {"value": row[key], "low": 0.9 * row[key], "high": 1.1 * row[key]}
            out.append({"score": row["score"], "label": row["label"], "figure": figure, **ends})
    return pd.DataFrame(out).assign(level=0.95, draws=2000, block=4)


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
            "autocorrelation": 0.71,
            "by_year": {str(year): _split(part.to_numpy()) for year, part in years.groupby(level=0)},
        }
        if name == "fused":
            metrics |= _splits(strength, rng, len(grid))
            write_csv(folder / "readings.csv", _readings(stats, ratio))
        write_csv(
            folder / name / "ic.csv", pd.DataFrame({"date": grid, "n": 480, "ic": rank_ic * 0.9, "rank_ic": rank_ic})
        )
        write_csv(folder / name / "layers.csv", layers)
        write_json(folder / name / "metrics.json", metrics)
        for label, words in (("published", "T+1..T+6"), ("trained", "T+1..T+11")):
            factor = 1.0 if label == "published" else 1.22
            rows.append(
                {
                    "score": name,
                    "label": label,
                    "target": words,
                    "rhythm": "every 5 sessions",
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
                    if label == "trained" and "oracle" in scores
                    else None,
                }
            )
    write_csv(folder / "summary.csv", pd.DataFrame(rows))
    write_csv(folder / "intervals.csv", _intervals(rows))
    seeds = []
    for network, mean in (("hf", 0.062), ("lf", 0.073), ("lf_daily", 0.07), ("fused", 0.085)):
        seeds += [
            {"network": network, "seed": i, "rank_ic": mean + rng.normal(0, 0.004), "count": len(grid)}
            for i in range(3)
        ]
        seeds.append({"network": network, "seed": "ensemble", "rank_ic": mean + 0.008, "count": len(grid)})
    write_csv(folder / "seeds.csv", pd.DataFrame(seeds))
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
    write_csv(folder / "factors.csv", frame)


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
        write_csv(folder / "history" / f"{network}.csv", pd.DataFrame(rows, columns=columns))
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
    write_json(folder / "folds.json", folds)


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
