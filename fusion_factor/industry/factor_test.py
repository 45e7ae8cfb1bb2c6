"""The test of a factor as published: RankIC per grid date, quintiles, their yearly rates (SEMANTICS 10.7).

Legend: `_dn` is [D grid dates, N industries], `_dl` is [D counted dates, 5 quintiles].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.labels import FloatArray
from fusion_factor.evaluation.figures import Figures
from fusion_factor.evaluation.intervals import block_bootstrap
from fusion_factor.evaluation.layers import yearly_rate
from fusion_factor.evaluation.statistics import ZERO_STD, number

QUINTILES = 5
MONTHS_A_YEAR = 12


@dataclass(frozen=True, eq=False)
class FactorTest:
    """What `check_factor` returns.

    Attributes:
        ic: date, n, rank_ic; every grid date. quintiles: date, quintile, return; every counted date, 1 the lowest.
        metrics: all figures, ready for JSON (None where missing).
        all_names: mean label of all names with a value, by counted date.
    """

    ic: pd.DataFrame
    quintiles: pd.DataFrame
    metrics: dict[str, Any]
    all_names: pd.Series

    def excess(self, quintile: int) -> pd.Series:
        """Return of a quintile over that of all names, (1 + quintile) / (1 + all) - 1, by counted date."""
        rows = self.quintiles[self.quintiles["quintile"] == quintile].set_index("date")["return"]
        return (1.0 + rows) / (1.0 + self.all_names) - 1.0


def check_factor(
    value_dn: FloatArray,
    label_dn: FloatArray,
    dates_d: Any,
    *,
    min_names: int = 10,
    nw_lags: int = 0,
    monthly: bool = True,
) -> FactorTest:
    """Test a factor against the industries' returns to the next grid date.

    Args:
        value_dn: values as written, no sign. label_dn: return to the next grid date, NaN at the last. dates_d: dates.
        min_names: a date counts with at least so many industries with value and label.
        nw_lags: Newey-West lags of the t-value. monthly: whether the dates are months; else no yearly rates.

    Source: METHOD 5.2, 186 and 187; SEMANTICS 10.7 and 8.5 to 8.7.
    """
    figures = Figures.of(value_dn, label_dn, min_names, QUINTILES)
    layers, counted_d = figures.layers, figures.correlations.counted_d
    summary = figures.summary(nw_lags)
    dates = np.asarray(dates_d).astype("datetime64[s]")
    yearly = [yearly_rate(each, np.isfinite(each).astype(np.int64), MONTHS_A_YEAR) for each in layers.return_dl.T]
    metrics = {
        "dates": summary["dates"],
        "counted": summary["counted"],
        "rank_ic": summary["rank_ic"],
        "quintile_mean": summary["layer_mean"],
        "quintile_excess_mean": summary["layer_excess_mean"],
        "quintile_annual": [number(each) if monthly else None for each in yearly],
        "long_short": summary["long_short"],
        "monotonicity": summary["monotonicity"],
        "top_turnover": number(layers.top_turnover()),
    }
    return FactorTest(
        pd.DataFrame({"date": dates, "n": figures.correlations.size_d, "rank_ic": figures.correlations.rank_ic_d}),
        pd.DataFrame(
            {
                "date": np.repeat(dates[counted_d], QUINTILES),
                "quintile": np.tile(np.arange(1, QUINTILES + 1), int(counted_d.sum())),
                "return": layers.return_dl.ravel(),
            }
        ),
        metrics,
        pd.Series(layers.all_d, index=pd.DatetimeIndex(dates[counted_d], name="date")),
    )


def published_row(test: FactorTest, *, draws: int = 2000, level: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """One row of the published table (METHOD 5.2), with block-bootstrap intervals over the dates; NaN where missing.

    `q1` and `q5` are yearly rates of the worst and the best quintile over all names (12 dates a year); `month_hit` is
    the share of dates on which the best beats all names.
    """
    choices: dict[str, Any] = {"draws": draws, "level": level, "seed": seed}
    stats = test.metrics["rank_ic"]
    ends = block_bootstrap(test.ic["rank_ic"].to_numpy(), **choices)
    row = {
        "rank_ic": stats["mean"],
        "rank_ic_low": ends.low,
        "rank_ic_high": ends.high,
        **{"rank_ic_std": stats["std"], "icir": stats["ir"], "positive": stats["positive"], "nw_t": stats["nw_t"]},
        "count": stats["count"],
    }
    for quintile in (1, QUINTILES):
        excess = test.excess(quintile).dropna().to_numpy()
        ends = block_bootstrap(MONTHS_A_YEAR * np.log1p(excess), **choices)
        # the rate compounds: its logarithm is a mean, and draws keep their order under the exponential
        names = (f"q{quintile}", f"q{quintile}_low", f"q{quintile}_high")
        row |= dict(zip(names, np.expm1(ends).tolist(), strict=True))
    best = test.excess(QUINTILES).dropna()
    counted = test.ic.loc[test.ic["rank_ic"].notna(), "date"]
    return {
        **row,
        "month_hit": float((best > ZERO_STD).mean()) if len(best) else np.nan,
        "start": counted.min(),
        "end": counted.max(),
    }
