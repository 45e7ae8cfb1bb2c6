"""NAV figures against empyrical and quantstats, to 1e-9, and where a definition of theirs is another one.

Ours that neither has: `sharpe` (yearly rate over volatility; theirs is the mean's, our `sharpe_mean`) and
`excess_sharpe` (of the relative NAV; theirs is of differences of returns). Dates of a drawdown are compared elsewhere.
"""

import math

import numpy as np
import pandas as pd
import pytest

from fusion_factor.backtest import metrics

empyrical = pytest.importorskip("empyrical", reason="needs the extra test: empyrical-reloaded")
quantstats = pytest.importorskip("quantstats", reason="needs the extra test: quantstats").stats

EXACT = dict(rel=1e-9, abs=1e-12)


def path(kind: str) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """A NAV table with its benchmark, and the returns of both by session."""
    rng = np.random.default_rng(["walk", "falls from the first session on", "rises", "short"].index(kind))
    count = 3 if kind == "short" else 700
    days = pd.bdate_range("2019-12-02", periods=count + 1)
    returns, market = 0.0005 + 0.012 * rng.standard_t(5, count), 0.0002 + 0.01 * rng.standard_t(5, count)
    if kind.startswith("falls"):
        returns[:40] = -np.abs(returns[:40])
    if kind == "rises":
        returns = np.abs(returns)
    nav = np.r_[1.0, np.cumprod(1 + returns)]
    benchmark = np.r_[1.0, np.cumprod(1 + market)]
    table = pd.DataFrame({"date": days, "nav": nav, "benchmark": benchmark})
    return table, pd.Series(returns, days[1:]), pd.Series(market, days[1:])


KINDS = ["walk", "falls from the first session on", "rises", "short"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("year", [252, 243])
def test_against_empyrical(kind: str, year: int) -> None:
    table, returns, market = path(kind)
    ours = metrics(table, annual_sessions=year)
    assert ours["total_return"] == pytest.approx(empyrical.cum_returns_final(returns), **EXACT)
    assert ours["annual_return"] == pytest.approx(empyrical.annual_return(returns, annualization=year), **EXACT)
    assert ours["annual_volatility"] == pytest.approx(empyrical.annual_volatility(returns, annualization=year), **EXACT)
    assert ours["sharpe_mean"] == pytest.approx(empyrical.sharpe_ratio(returns, annualization=year), **EXACT)
    assert ours["max_drawdown"] == pytest.approx(-empyrical.max_drawdown(returns), **EXACT)
    calmar = empyrical.calmar_ratio(returns, annualization=year)
    assert ours["calmar"] is None if math.isnan(calmar) else ours["calmar"] == pytest.approx(calmar, **EXACT)
    # What the relative NAV earned, as a path of its own.
    excess = (1 + returns) / (1 + market) - 1
    assert ours["annual_excess"] == pytest.approx(empyrical.annual_return(excess, annualization=year), **EXACT)
    assert ours["excess_volatility"] == pytest.approx(empyrical.annual_volatility(excess, annualization=year), **EXACT)
    assert ours["excess_max_drawdown"] == pytest.approx(-empyrical.max_drawdown(excess), **EXACT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("year", [252, 243])
def test_against_quantstats(kind: str, year: int) -> None:
    table, returns, _ = path(kind)
    ours = metrics(table, annual_sessions=year)
    assert ours["total_return"] == pytest.approx(quantstats.comp(returns), **EXACT)
    assert ours["annual_return"] == pytest.approx(quantstats.cagr(returns, periods=year), **EXACT)
    assert ours["annual_volatility"] == pytest.approx(quantstats.volatility(returns, periods=year), **EXACT)
    assert ours["sharpe_mean"] == pytest.approx(quantstats.sharpe(returns, periods=year), **EXACT)
    assert ours["max_drawdown"] == pytest.approx(-quantstats.max_drawdown(returns), **EXACT)
    if ours["calmar"] is not None:
        assert ours["calmar"] == pytest.approx(quantstats.calmar(returns, periods=year), **EXACT)
    assert ours["sharpe"] == pytest.approx(
        quantstats.cagr(returns, periods=year) / quantstats.volatility(returns, periods=year), **EXACT
    )


def test_by_calendar_year() -> None:
    from fusion_factor.backtest import years

    table, returns, _ = path("walk")
    ours = years(table).set_index("year")
    theirs = empyrical.aggregate_returns(returns, "yearly")
    np.testing.assert_allclose(ours["return"], theirs, rtol=1e-9)
