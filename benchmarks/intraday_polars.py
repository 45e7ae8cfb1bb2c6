"""The same 27 factors by polars group_by, for benchmarks/intraday_factors.py: run with a Python that has polars.

    python intraday_polars.py bars.parquet factors.parquet ROUNDS THREADS

Reads a long table of full 1-minute bars (session, symbol, bar, open .. amount), writes [rows, 27] in the order of
`huatai27`, and prints seconds of wall and processor time of each round as JSON.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    os.environ["POLARS_MAX_THREADS"] = sys.argv[4]

import polars as pl


def factors(bars: pl.LazyFrame) -> pl.LazyFrame:
    """One row a session and symbol; rows of a group are in order of time."""
    o, h, low, p, v, a = (pl.col(name) for name in ("open", "high", "low", "close", "volume", "amount"))
    r, b, net, bar = (pl.col(name) for name in ("r", "b", "net", "bar"))
    first = bar == 0
    bars = bars.with_columns(r=pl.when(first).then(p / o).otherwise(p / p.shift(1)) - 1)
    bars = bars.with_columns(b=pl.when(h > low).then((p - low) / (h - low)).otherwise(0.5))
    bars = bars.with_columns(net=a * (2 * b - 1))
    bars = bars.with_columns(r_next=r.shift(-1), o_next=o.shift(-1), net_next=net.shift(-1))
    linked, early, late, up, down = (bar != 119) & (bar != 239), bar < 30, bar >= 210, r > 0, r < 0
    big30, big20, big10 = (a >= a.top_k(k).min() for k in (72, 48, 24))
    early_big = early & (a >= a.filter(early).quantile(0.7, "linear"))

    def corr(x: pl.Expr, y: pl.Expr, mask: pl.Expr | None = None) -> pl.Expr:
        return pl.corr(x, y) if mask is None else pl.corr(x.filter(mask), y.filter(mask))

    columns = [
        r.filter(late).skew(),
        (r * r).filter(down).sum() / (r * r).sum(),
        corr(r, pl.col("r_next"), linked),
        corr(p, pl.col("o_next"), linked),
        *(v.filter((bar >= 30 * (k - 1)) & (bar < 30 * k)).sum() / v.sum() for k in range(2, 8)),
        corr(v, r.abs()),
        corr(v, r, early),
        (1 + r).filter(big30).product() - 1,
        a.filter(down).mean() / a.mean(),
        corr(v, (h - low) / o),
        a.filter(big20).sum() / a.sum(),
        (a * b).filter(early_big).sum() / a.filter(early_big).sum(),
        r.log1p().filter(big10).sum(),
        r.log1p().filter(early_big).sum(),
        ((a * a).filter(up).sum() - (a * a).filter(down).sum()) / a.sum() ** 2,
        (a * b).filter(early).sum() / a.filter(early).sum(),
        corr(r, pl.col("net_next"), linked),
        corr(net, pl.col("r_next"), linked),
        v.filter(up).skew() - v.filter(down).skew(),
        v.filter(up).kurtosis() - v.filter(down).kurtosis(),
        v.filter(early).kurtosis(),
        corr(v, a / v, up),
    ]
    named = [column.alias(f"f{i:02d}") for i, column in enumerate(columns)]
    return bars.group_by("session", "symbol", maintain_order=True).agg(named)


def main() -> None:
    """Warm up once, then time the rounds."""
    source, target, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    bars = pl.read_parquet(source)
    factors(bars.lazy()).collect().write_parquet(target)
    taken = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        factors(bars.lazy()).collect()
        taken.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    print(json.dumps({"version": pl.__version__, "rounds": taken}))


if __name__ == "__main__":
    main()
