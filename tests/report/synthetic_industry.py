"""Writes a plausible folder of the stage `industry` from a seed: table, RankIC, quintiles, three rotations."""

from pathlib import Path

import numpy as np
import pandas as pd
from synthetic_rotation import one_rotation, write_csv

FACTORS = {"momentum_acceleration": 0.03, "consensus_fy2_3m": 0.06, "turnover_heat": -0.01, "composite": 0.09}
PUBLISHED = {"momentum_acceleration": 0.038, "consensus_fy2_3m": 0.0617, "composite": 0.0989}


def write_industry(folder: Path, days: pd.Index, rng: np.random.Generator) -> None:
    """The folder `industry` of a run over these days."""
    months = days[20::21]
    rows, ic, quintiles = [], [], []
    for name, strength in FACTORS.items():
        values = rng.normal(strength, 0.2, len(months))
        mean, std = float(values.mean()), float(values.std(ddof=1))
        ours = {"rank_ic": mean, "rank_ic_low": mean - 0.05, "rank_ic_high": mean + 0.05, "rank_ic_std": std}
        ours |= {"icir": mean / std, "positive": float((values > 0).mean()), "nw_t": 1.5, "count": len(months)}
        ours |= {"q1": -0.03, "q5": 0.04, "q5_low": -0.01, "q5_high": 0.09, "month_hit": 0.6}
        rows.append({"factor": name, "source": "ours", **ours, "start": months[0], "end": months[-1]})
        if name in PUBLISHED:
            rows.append({"factor": name, "source": "published", "rank_ic": PUBLISHED[name], "icir": 0.25, "q5": 0.03})
        ic.append(pd.DataFrame({"date": months, "factor": name, "n": 31, "rank_ic": values}))
        everyone = rng.normal(0.005, 0.05, len(months))
        for quintile in range(1, 6):
            returns = everyone + 0.01 * strength * (quintile - 3) + rng.normal(0, 0.01, len(months))
            columns = {"date": months, "factor": name, "quintile": quintile, "return": returns, "all": everyone}
            quintiles.append(pd.DataFrame(columns))
    columns = [
        "factor", "source", "rank_ic", "rank_ic_low", "rank_ic_high", "rank_ic_std", "icir", "positive", "nw_t",
        "count", "q1", "q1_low", "q1_high", "q5", "q5_low", "q5_high", "month_hit", "start", "end",
    ]  # fmt: skip
    write_csv(folder / "table.csv", pd.DataFrame(rows, columns=columns))
    write_csv(folder / "ic.csv", pd.concat(ic))
    write_csv(folder / "quintiles.csv", pd.concat(quintiles))
    for name in ("ai", "composite", "mix"):
        one_rotation(folder / "rotation" / name, "industry", days, rng, 12, 5, "close")
