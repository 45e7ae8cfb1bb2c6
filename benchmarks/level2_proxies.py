"""How near the bar proxies come to the exact level-2 factors, on the real stock-days that have both.

    python benchmarks/level2_proxies.py [folder of the real data]

Eight stock-days of seven Shanghai stocks (seven with orders), pooled over three sessions of 2023, are all there is: the
rank correlations below have so few points that only those beyond 0.74 (8) or 0.79 (7) differ from chance at 5 %. The
big-order threshold needs earlier sessions, which only one stock-day has; for this comparison alone it is taken from the
session itself, which no feature build does. Writes benchmarks/results/level2_proxies.json.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from scipy.stats import spearmanr

from fusion_factor.core.artifacts import code_commit, package_versions
from fusion_factor.features.intraday import compute_factors
from fusion_factor.features.intraday.catalogue import LEVEL2
from fusion_factor.features.level2 import big_order_threshold, compute_level2, order_statistics
from fusion_factor.market import open_market

CHECKOUT = Path(__file__).resolve().parents[1]
PROXIES = tuple(f"{name}_px" for name in LEVEL2)
REPEATS = 9


def main() -> None:
    """Print and write the table."""
    folder = sys.argv[1] if len(sys.argv) > 1 else str(CHECKOUT.parent / "shared" / "data")
    config = OmegaConf.load(CHECKOUT / "conf" / "data" / "l2_sample.yaml")
    config["folder"] = folder
    market = open_market(OmegaConf.to_container(config, resolve=True))
    days, exact, proxy, speed = [], [], [], []
    for day in market.tick_sessions:
        ticks, bars = market.ticks(day), market.bars(day)
        threshold = big_order_threshold([order_statistics(ticks)], ticks.symbols)
        exact.append(compute_level2(ticks, threshold))
        rows = np.searchsorted(bars.symbols.astype(str), ticks.symbols.astype(str))
        proxy.append(compute_factors(bars, PROXIES)[rows])
        days += [f"{symbol} {day}" for symbol in ticks.symbols]
        best = min(_seconds(lambda t=ticks, b=threshold: compute_level2(t, b)) for _ in range(REPEATS))
        speed.append((len(ticks.trades.time) + len(ticks.orders.time)) / best / 1e6)
    table = _table(np.concatenate(exact), np.concatenate(proxy))
    print(f"{len(days)} stock-days: {', '.join(days)}\n")
    print(f"{'factor':28s} {'n':>2s} {'rank corr':>9s} {'p':>6s}   exact, proxy")
    for row in table:
        values = "  ".join(f"{a:.3g}/{b:.3g}" for a, b in zip(row["exact"], row["proxy"], strict=True))
        print(f"{row['name']:28s} {row['n']:2d} {row['rank_correlation']:9.2f} {row['p']:6.2f}   {values}")
    print(
        f"\nlevel-2 kernel: {min(speed):.0f} to {max(speed):.0f} M trades and orders a second, one thread, by session"
    )
    result = {"stock_days": days, "factors": table, "million_rows_a_second": speed}
    result |= {"commit": code_commit(), "versions": package_versions()}
    target = CHECKOUT / "benchmarks" / "results" / "level2_proxies.json"
    target.write_text(json.dumps(result, indent=1) + "\n")


def _table(exact: np.ndarray, proxy: np.ndarray) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for f, name in enumerate(LEVEL2):
        both = np.isfinite(exact[:, f]) & np.isfinite(proxy[:, f])
        found = spearmanr(exact[both, f], proxy[both, f])
        rows.append(
            {
                "name": name,
                "n": int(both.sum()),
                "rank_correlation": round(float(found.statistic), 3),
                "p": round(float(found.pvalue), 3),
                "exact": exact[both, f].tolist(),
                "proxy": proxy[both, f].tolist(),
            }
        )
    return rows


def _seconds(work) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
