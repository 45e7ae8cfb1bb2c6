"""Evaluations against scipy and alphalens, to 1e-9, and where a definition of alphalens is another one.

The Newey-West t is compared with statsmodels in `test_statistics`. In alphalens, otherwise than here:

* quantiles are cut by pandas' `qcut` between interpolated values, not by position: the same names only where the
  number of names is a multiple of the number of quantiles and no two scores are equal;
* names without a label keep their rank in the autocorrelation, and ranks are those among all names of a date, not
  among the names of both dates: the same where every date has the same names;
* the spread of the best and the worst quantile is halved (100 % gross exposure);
* annual figures extrapolate the mean return of a period, where ours compound the labels that follow one another.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fusion_factor.core.labels import label
from fusion_factor.evaluation import FactorEvaluation, evaluate, rank_ic

EXACT = dict(rtol=1e-9, atol=1e-12)
NAMES, SESSIONS, HORIZON, LAYERS = 40, 90, 5, 5


def market(*, complete: bool, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wide scores and closes [sessions, names]; incomplete: with holes and equal scores."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2023-03-01", periods=SESSIONS)
    names = [f"{k:06d}" for k in range(NAMES)]
    close = pd.DataFrame(20 * np.exp(np.cumsum(rng.normal(0, 0.02, (SESSIONS, NAMES)), axis=0)), days, names)
    ahead = close.shift(-HORIZON) / close - 1
    scores = ahead.fillna(0.0) * 5 + rng.normal(0, 1, close.shape)
    if not complete:
        scores = scores.round(1).mask(rng.random(scores.shape) < 0.2)
    return scores, close


def ours(scores: pd.DataFrame, close: pd.DataFrame) -> FactorEvaluation:
    """Every session, labels from close to close 5 sessions later, no lag: as alphalens sees them."""
    long = scores.rename_axis("date").melt(ignore_index=False, var_name="symbol", value_name="score")
    prices = close.rename_axis("date").melt(ignore_index=False, var_name="symbol", value_name="close")
    return evaluate(
        long.dropna().reset_index(),
        prices.assign(open=prices["close"]).reset_index(),
        close.index,
        grid="daily",
        horizon=HORIZON,
        layers=LAYERS,
    )


@pytest.mark.parametrize("complete", [True, False])
def test_correlations_against_scipy(complete: bool) -> None:
    scores, close = market(complete=complete)
    result = ours(scores, close).ic.set_index("date")
    ahead = close.shift(-HORIZON) / close - 1
    for day, row in result.iterrows():
        both = scores.loc[day].notna() & ahead.loc[day].notna()
        assert row["n"] == both.sum()
        if both.any():
            x, y = scores.loc[day, both], ahead.loc[day, both]
            np.testing.assert_allclose(row["rank_ic"], stats.spearmanr(x, y).statistic, **EXACT)
            np.testing.assert_allclose(row["ic"], stats.pearsonr(x, y).statistic, **EXACT)
    values = rank_ic(scores.to_numpy(), label(close.to_numpy(), "close", HORIZON))
    np.testing.assert_allclose(values, result["rank_ic"], **EXACT)


@pytest.fixture(scope="module")
def alphalens() -> object:
    """alphalens-reloaded, which warns of many things while it loads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("alphalens", reason="needs the extra test: alphalens-reloaded")
        pytest.importorskip("alphalens.performance")
        return package


def factor_data(alphalens: object, scores: pd.DataFrame, close: pd.DataFrame) -> pd.DataFrame:
    """The table that alphalens works on."""
    factor = scores.rename_axis("date").stack().rename_axis(["date", "asset"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return alphalens.utils.get_clean_factor_and_forward_returns(  # type: ignore[attr-defined]
            factor, close, quantiles=LAYERS, periods=(HORIZON,), max_loss=0.5
        )


@pytest.mark.parametrize("complete", [True, False])
def test_rank_ic_against_alphalens(alphalens: object, complete: bool) -> None:
    scores, close = market(complete=complete, seed=1)
    theirs = alphalens.performance.factor_information_coefficient(  # type: ignore[attr-defined]
        factor_data(alphalens, scores, close)
    )
    result = ours(scores, close).ic.set_index("date")["rank_ic"].dropna()
    assert len(result) == SESSIONS - HORIZON
    np.testing.assert_allclose(result, theirs[f"{HORIZON}D"].loc[result.index], **EXACT)


def test_layers_against_alphalens(alphalens: object) -> None:
    scores, close = market(complete=True, seed=2)
    data, result = factor_data(alphalens, scores, close), ours(scores, close)
    performance = alphalens.performance  # type: ignore[attr-defined]
    layers = result.layers.pivot(index="layer", columns="date", values="return")
    dated = performance.mean_return_by_quantile(data, by_date=True, demeaned=False)[0]
    np.testing.assert_allclose(layers, dated[f"{HORIZON}D"].unstack(), **EXACT)
    excess = result.layers.pivot(index="layer", columns="date", values="excess")
    demeaned = performance.mean_return_by_quantile(data, by_date=True, demeaned=True)[0][f"{HORIZON}D"].unstack()
    np.testing.assert_allclose(excess, demeaned, **EXACT)
    means = performance.mean_return_by_quantile(data, demeaned=False)[0][f"{HORIZON}D"]
    np.testing.assert_allclose(result.metrics["layer_mean"], means, **EXACT)
    spread = performance.compute_mean_returns_spread(dated, LAYERS, 1)[0][f"{HORIZON}D"]
    np.testing.assert_allclose(result.metrics["long_short"]["mean"], 2 * spread.mean(), **EXACT)


def test_turnover_and_autocorrelation_against_alphalens(alphalens: object) -> None:
    scores, close = market(complete=True, seed=3)
    smooth = scores.rolling(10, min_periods=1).mean()
    data, result = factor_data(alphalens, smooth, close), ours(smooth, close)
    performance = alphalens.performance  # type: ignore[attr-defined]
    turnover = performance.quantile_turnover(data["factor_quantile"], LAYERS).iloc[1:]
    np.testing.assert_allclose(result.metrics["top_turnover"], turnover.mean(), **EXACT)
    factor = smooth.rename_axis("date").stack().rename_axis(["date", "asset"]).rename("factor").to_frame()
    autocorrelation = performance.factor_rank_autocorrelation(factor)
    np.testing.assert_allclose(result.metrics["autocorrelation"], autocorrelation.mean(), **EXACT)
