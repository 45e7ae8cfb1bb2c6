"""Single-factor tables of docs/factors.md from real bars: `python benchmarks/factor_tables.py --data ../shared/data`.

For each factor of `huatai27` (bar tier) and `open27` on the 15-minute bars of 2025: coverage, and the published test:
mean of the past 20 valid sessions (at least 10), clipped, neutralised by industry and size, RankIC with the return of
T+1..T+6 (adjusted close) every 5 sessions, five layers; all with the factor's sign. Also the mean cross-correlation of
the unsigned factors. Writes results/factor_tables.json, and the figures into the tables of docs/factors.md.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import bottleneck as bn
import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.core.cross_section import mad_clip, zscore
from fusion_factor.evaluation import PriceBook, evaluate
from fusion_factor.features.bars import daily_bars
from fusion_factor.features.intraday import HUATAI27, SIGNS, compute_factors, resolve
from fusion_factor.features.preprocess import Regressors, block_of, regressors, standardise
from fusion_factor.features.universe import universe
from fusion_factor.market.files import FilesMarket
from fusion_factor.market.store import Market
from fusion_factor.report.published import factor as published

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "factor_tables.json"
DOCS = ROOT / "docs" / "factors.md"
NAMES = tuple(dict.fromkeys((*HUATAI27, *resolve("open27"))))
TEST = {"horizon": 5, "label": "close", "label_lag": 1, "grid": "every_n", "n": 5, "layers": 5}
WINDOW, LEAST, MAD_K = 20, 10, 3.0
TABLE_CELLS = 12  # of a factor's row in the docs


def real_market(data: str) -> Market:
    """The A-share sample as conf/data/ashare_sample.yaml maps it."""
    os.environ["FUSION_FACTOR_SHARED_DATA"] = data
    described = OmegaConf.create({"data": OmegaConf.load(ROOT / "conf" / "data" / "ashare_sample.yaml")})
    return FilesMarket(OmegaConf.to_container(described, resolve=True)["data"])  # type: ignore[index, call-overload]


def raw_factors(market: Market) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of the sessions with bars [B], factors [B, N, F] float32, and whether a name has bars [B, N]."""
    at = np.flatnonzero(np.isin(market.sessions, market.bar_sessions))
    values = np.full((len(at), len(market.symbols), len(NAMES)), np.nan, np.float32)
    there = np.zeros(values.shape[:2], bool)
    row_of = pd.Index(market.symbols)
    for b, t in enumerate(at):
        bars = market.bars(market.sessions[t])
        n = row_of.get_indexer(pd.Index(bars.symbols))
        values[b, n[n >= 0]] = compute_factors(bars, NAMES)[n >= 0]
        there[b, n[n >= 0]] = (bars.volume > 0).any(axis=1)[n >= 0]
    return at, values, there


def tested(score_bn: np.ndarray, market: Market, at: np.ndarray, book: PriceBook) -> dict[str, Any]:
    """The figures of one signed factor; row b is known at the close of its session."""
    b, n = np.nonzero(np.isfinite(score_bn))
    dates = market.sessions[at][b].astype("datetime64[s]")
    table = pd.DataFrame({"date": dates, "symbol": market.symbols[n], "score": score_bn[b, n].astype(np.float64)})
    start = market.sessions[at[LEAST - 1]]
    metrics = evaluate(table, book, start=start, end=market.sessions[at[-1]], min_names=50, **TEST).metrics
    figures = metrics["rank_ic"]
    return {
        "rank_ic": figures["mean"], "std": figures["std"], "icir": figures["ir"], "positive": figures["positive"],
        "top_excess_annual": metrics["top_excess_annual"], "dates": metrics["counted"],
    }  # fmt: skip


def factor_rows(market: Market) -> tuple[dict[str, dict[str, Any]], np.ndarray]:
    """Figures by factor, and the cross-correlation [F, F]."""
    at, values_bnf, there_bn = raw_factors(market)
    inside_bn = universe(market, daily_bars(market), min_listed=60)[at] & there_bn
    values_bnf[~inside_bn] = np.nan
    coverage = np.isfinite(values_bnf).sum(axis=(0, 1)) / inside_bn.sum()
    taken_out = block_of(regressors(market, ["industry", "cap"])[0], slice(at[0], at[-1] + 1))
    taken_out = Regressors(*(None if x is None else x[at - at[0]] for x in (taken_out.group_tn, taken_out.log_cap_tn)))
    prices = market.table("stock_prices")
    prices = prices[prices["date"] >= pd.Timestamp(market.sessions[at[0]])]
    book = PriceBook.of(prices, market.sessions[at[0] :])
    rows = {}
    for f, name in enumerate(NAMES):
        smooth_bn = bn.move_mean(values_bnf[:, :, f].astype(np.float64), WINDOW, min_count=LEAST, axis=0)
        mask_bn = inside_bn & np.isfinite(smooth_bn)
        neutral_bn = standardise(smooth_bn[:, :, None], mask_bn, taken_out, MAD_K)[:, :, 0]
        sign = SIGNS.get(name, 1)
        score_bn = np.where(mask_bn, sign * neutral_bn, np.nan)
        rows[name] = {"sign": SIGNS.get(name, 0), "coverage": float(coverage[f]), **tested(score_bn, market, at, book)}
        pair = published(name)
        rows[name] |= {"published_rank_ic": pair[0] if pair else None, "published_icir": pair[1] if pair else None}
    return rows, correlations(values_bnf, inside_bn)


def correlations(values_bnf: np.ndarray, inside_bn: np.ndarray) -> np.ndarray:
    """Cross-sectional correlation of the clipped factors, mean over every fifth session, [F, F]."""
    total, count = np.zeros((len(NAMES), len(NAMES))), 0
    for b in range(0, len(values_bnf), 5):
        row_nf = np.where(inside_bn[b][:, None], values_bnf[b], np.nan).astype(np.float64)[None]
        z_nf = np.nan_to_num(zscore(mad_clip(row_nf, MAD_K), inside_bn[b][None]))[0][inside_bn[b]]
        total += np.corrcoef(z_nf.T)
        count += 1
    return total / count


def percent(value: float | None) -> str:
    """`4.01 %`, or empty."""
    return "" if value is None or not np.isfinite(value) else f"{100 * value:.2f} %"


def write_docs(rows: dict[str, dict[str, Any]], correlation: np.ndarray) -> None:
    """Put the figures into the last four cells of each factor's row, and the matrix between its marks."""
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    for i, line in enumerate(lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == TABLE_CELLS and cells[1] in rows:
            row = rows[cells[1]]
            figures = [f"{100 * row['coverage']:.1f} %", percent(row["rank_ic"]), f"{row['icir']:.2f}"]
            lines[i] = "| " + " | ".join([*cells[:-4], *figures, percent(row["published_rank_ic"])]) + " |"
    begin, end = (lines.index(f"<!-- correlation: {mark} -->") for mark in ("begin", "end"))
    lines[begin + 1 : end] = matrix_lines(correlation[: len(HUATAI27), : len(HUATAI27)])
    DOCS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def matrix_lines(matrix: np.ndarray) -> list[str]:
    """The lower triangle in percent."""
    n = len(matrix)
    head = "| | " + " | ".join(str(k + 1) for k in range(n)) + " |"
    body = [
        f"| {i + 1} | " + " | ".join(f"{100 * matrix[i, k]:.0f}" if k < i else "" for k in range(n)) + " |"
        for i in range(n)
    ]
    return [head, "|---" * (n + 1) + "|", *body]


def main() -> None:
    """Compute, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("FUSION_FACTOR_SHARED_DATA", "../shared/data"))
    options = parser.parse_args()
    rows, correlation = factor_rows(real_market(options.data))
    for name, row in rows.items():
        print(
            f"{name:32s} coverage {row['coverage']:6.1%} RankIC {row['rank_ic']:+7.2%} ICIR {row['icir']:+5.2f} "
            f"IC>0 {row['positive']:5.1%} top excess {row['top_excess_annual'] or 0:+6.1%} "
            f"published {percent(row['published_rank_ic'])}"
        )
    result = {
        "bars": "15-minute bars of 2025, 1,000 Shanghai stocks", "test": TEST, "window": WINDOW, "factors": rows,
        "names": NAMES, "correlation": np.round(correlation, 4).tolist(), "versions": package_versions(),
        "commit": code_commit(),
    }  # fmt: skip
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_docs(rows, correlation)


if __name__ == "__main__":
    main()
