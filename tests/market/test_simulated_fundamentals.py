"""Statements and forecasts of a simulated market: dates, versions, roll, past, and what they can be seen to know."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.tables import check_table
from fusion_factor.market.bad_rows import findings
from fusion_factor.market.simulated import SimulationConfig, sessions_of
from fusion_factor.market.simulated.days import MarketWalk
from fusion_factor.market.simulated.news import IndustryNews
from fusion_factor.market.simulated.population import Population, draw_population
from fusion_factor.market.simulated.simulate import fundamentals
from fusion_factor.market.simulated.trend import IndustryTrend

SMALL: dict[str, Any] = {
    "n_stocks": 240,
    "start": "2018-01-02",
    "bars_from": "2021-12-10",
    "end": "2021-12-10",
    "n_industries": 24,
    "seed": 3,
}
DEADLINES = {3: "04-30", 6: "08-31", 9: "10-31", 12: "04-30"}


def drawn(**changes: Any) -> tuple[SimulationConfig, Population, np.ndarray]:
    config = SimulationConfig(**(SMALL | changes))
    sessions = sessions_of(config)
    return config, draw_population(config, sessions), sessions


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {name: check_table(name, frame) for name, frame in fundamentals(*drawn()).items()}


def test_statements_come_when_chinas_companies_announce_them(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["financials"]
    assert (rows["announce_date"] > rows["period_end"]).all()
    first = rows.groupby(["symbol", "period_end"])["announce_date"].min().reset_index()
    year = first["period_end"].dt.year + (first["period_end"].dt.month == 12)
    deadline = pd.to_datetime(year.astype(str) + "-" + first["period_end"].dt.month.map(DEADLINES))
    # those of companies that list later were announced with the listing
    _, stocks, _ = drawn()
    old = first["symbol"].isin(stocks.symbols[~stocks.new_listing])
    late = (first["announce_date"] > deadline)[old]
    assert 0.003 < late.mean() < 0.05
    # a first quarter never comes before the year that it follows
    wide = first.pivot(index="symbol", columns="period_end", values="announce_date")
    for before, after in zip(wide.columns[:-1], wide.columns[1:], strict=True):
        known = wide[[before, after]].dropna()
        assert (known[after] >= known[before]).all()


def test_versions_losses_and_sums_within_the_year(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["financials"]
    counts = rows.groupby(["symbol", "period_end"]).size()
    assert set(counts) == {1, 2}
    assert 0.02 < (counts == 2).mean() < 0.08
    versions = rows.set_index(["symbol", "period_end"]).loc[counts[counts == 2].index[0]]
    assert versions["announce_date"].is_monotonic_increasing
    assert versions["net_profit"].nunique() == 2
    last = rows.drop_duplicates(["symbol", "period_end"], keep="last")
    years = last[last["period_end"].dt.month == 12].dropna()
    assert 0.02 < (years["net_profit"] < 0).mean() < 0.25
    wide = last.pivot(index="symbol", columns="period_end", values="revenue")
    for end in wide.columns:
        if end.month != 3 and end - pd.offsets.QuarterEnd() in wide:
            both = wide[[end - pd.offsets.QuarterEnd(), end]].dropna()
            grows = both.iloc[:, 1] > 0.9 * both.iloc[:, 0]  # a first version may be some percent off
            assert grows.mean() > 0.98


def test_a_later_end_has_the_same_statements_and_forecasts(tables: dict[str, pd.DataFrame]) -> None:
    longer = fundamentals(*drawn(end="2022-05-20"))
    last = pd.Timestamp(drawn()[2][-1])
    for name, dated in (("financials", "announce_date"), ("consensus", "date")):
        past = check_table(name, longer[name])
        past = past[past[dated] <= last].reset_index(drop=True)
        pd.testing.assert_frame_equal(past, tables[name])
        assert len(longer[name]) > len(past)


def test_the_years_roll_company_by_company(tables: dict[str, pd.DataFrame]) -> None:
    consensus = tables["consensus"]
    annual = tables["financials"]
    annual = annual[annual["period_end"].dt.month == 12]
    reported = annual.groupby(["symbol", "period_end"])["announce_date"].min().reset_index()
    reported = reported.sort_values(["announce_date", "period_end"])  # a listing tells several years on one day
    reported["year"] = reported["period_end"].dt.year
    # a snapshot of the same day has not seen the report
    reported["date"] = (reported["announce_date"] + pd.Timedelta(days=1)).astype("datetime64[s]")
    firsts = consensus.groupby(["symbol", "date"], as_index=False)["fiscal_year"].min().sort_values("date")
    known = pd.merge_asof(firsts, reported[["date", "symbol", "year"]], on="date", by="symbol").dropna()
    assert len(known) > 5000
    assert (known["fiscal_year"] == known["year"] + 1).all()
    ahead = known["fiscal_year"] - known["date"].dt.year
    assert set(ahead) <= {-1, 0, 1}
    # in March some have reported and some have not
    assert ahead[known["date"].dt.month == 3].nunique() == 2


def test_analysts_lag_what_was_reported(tables: dict[str, pd.DataFrame]) -> None:
    first = tables["financials"].drop_duplicates(["symbol", "period_end"])
    annual = first[first["period_end"].dt.month == 12].sort_values(["symbol", "period_end"])
    change = annual["net_profit"] / annual.groupby("symbol")["net_profit"].shift() - 1
    annual = annual[(change > 0.6) & (annual.groupby("symbol")["net_profit"].shift() > 0)]
    forecast = {key: rows for key, rows in tables["consensus"].groupby(["symbol", "fiscal_year"])}
    soon, late = [], []
    for symbol, end, told in annual[["symbol", "period_end", "announce_date"]].itertuples(index=False):
        rows = forecast.get((symbol, end.year + 1))
        if rows is None:
            continue
        before, after = rows[rows["date"] <= told]["net_profit"], rows[rows["date"] > told]["net_profit"]
        if len(before) and len(after) >= 5 and before.iloc[-1] > 0:
            soon.append(after.iloc[0] / before.iloc[-1] - 1)
            late.append(after.iloc[4] / before.iloc[-1] - 1)
    assert len(soon) >= 20
    assert 0.01 < np.median(soon) < np.median(late)


def known_quarters(day: pd.Timestamp, rows: pd.DataFrame, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Single-quarter figures [Q, N] of the latest versions announced by a day; `q` counts quarters from a January."""
    known = rows[rows["announce_date"] <= day].sort_values("announce_date", kind="stable")
    place = known["q"].to_numpy(), known["n"].to_numpy()
    found = {}
    for name in ("net_profit", "operating_cash_flow", "revenue", "cost"):
        total = np.full(shape, np.nan)
        total[place] = known[name].to_numpy()
        found[name] = np.diff(total, axis=0, prepend=0.0)
        found[name][::4] = total[::4]
    return found


def factors_at(
    day: pd.Timestamp, rows: pd.DataFrame, forecasts: pd.DataFrame, industry: np.ndarray
) -> dict[str, np.ndarray]:
    """Four industry factors [I] from what is known on a day, each from one and the same quarter of all companies."""
    count = int(industry.max()) + 1
    figures = known_quarters(day, rows, (int(rows["q"].max()) + 1, len(industry)))
    shown = np.isfinite(figures["net_profit"]).sum(axis=1)
    q = int(np.flatnonzero(shown > 0.5 * shown.max())[-1])  # the last quarter that most have reported

    def summed(name: str, first: int, last: int) -> np.ndarray:
        own = figures[name][first : last + 1].sum(axis=0)
        return np.bincount(industry, weights=np.nan_to_num(own), minlength=count)

    def margin(k: int) -> np.ndarray:
        return 1 - summed("cost", k, k) / summed("revenue", k, k)

    seen = []
    for at in (day, day - pd.DateOffset(months=3)):
        fresh = forecasts[(forecasts["date"] <= at) & (forecasts["date"] > at - pd.Timedelta(days=180))]
        fresh = fresh[fresh["fiscal_year"] == day.year + 1 - (day.month < 5)]
        profit = np.full(len(industry), np.nan)
        profit[fresh["n"].to_numpy()] = fresh["net_profit"].to_numpy()
        seen.append(profit)
    revised = np.bincount(industry, weights=np.nan_to_num(seen[0] - seen[1]), minlength=count)
    covered = np.bincount(industry, weights=np.abs(np.nan_to_num(seen[1])), minlength=count)
    return {
        "growth": summed("net_profit", q, q) / summed("net_profit", q - 1, q - 1) - 1,
        "margin": margin(q) - margin(q - 4),
        "quality": summed("operating_cash_flow", q - 3, q) / summed("net_profit", q - 3, q),
        "consensus": revised / np.where(covered > 0, covered, np.nan),
    }


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    return float(np.corrcoef(np.argsort(np.argsort(x)), np.argsort(np.argsort(y)))[0, 1])


def test_each_factor_can_be_seen_to_find_the_coming_news_and_a_scrambled_one_not(
    tables: dict[str, pd.DataFrame],
) -> None:
    config, stocks, sessions = drawn()
    news = IndustryNews(config, stocks, sessions, back=400, ahead=300)
    place = pd.Index(stocks.symbols)
    numbered = {name: frame.assign(n=place.get_indexer(frame["symbol"])) for name, frame in tables.items()}
    rows, forecasts = numbered["financials"], numbered["consensus"]
    quarter = rows["period_end"].dt.year * 4 + rows["period_end"].dt.month // 3 - 1
    rows = rows.assign(q=quarter - 4 * rows["period_end"].dt.year.min())
    rng = np.random.default_rng(1)
    found: dict[str, list[float]] = {}
    for day in pd.date_range("2018-01-31", "2021-11-30", freq="ME"):
        coming = news.coming(news.position(np.datetime64(day, "D")), 1, 21)
        for name, values in factors_at(day, rows, forecasts, stocks.industry).items():
            found.setdefault(name, []).append(rank_correlation(values, coming))
            found.setdefault("scrambled", []).append(rank_correlation(rng.permutation(values), coming))
    t_value = {name: np.mean(ic) / np.std(ic, ddof=1) * np.sqrt(len(ic)) for name, ic in found.items()}
    assert abs(t_value.pop("scrambled")) < 2.5
    assert min(t_value.values()) > 3.0, t_value


def test_the_industry_trend_is_off_and_enters_drift_and_oracle_only_when_asked() -> None:
    config, stocks, sessions = drawn(n_stocks=60, n_industries=4)
    assert "industry_trend" not in config.to_dict()
    trended, *_ = drawn(n_stocks=60, n_industries=4, industry_trend=0.004)
    assert trended.to_dict()["industry_trend"] == 0.004
    trend = IndustryTrend(trended)
    plain, with_trend = (next(MarketWalk(c, stocks, sessions).days()) for c in (config, trended))
    on = plain.trading[plain.daily[3, plain.trading] > 1000]  # cents: rounding is below a tenth of a percent
    moved = np.log(with_trend.daily[3, on] / plain.daily[3, on])
    np.testing.assert_allclose(moved, trend.drift[stocks.industry[on]], atol=1.1e-3)
    trend.step(0)
    added = with_trend.oracle - plain.oracle
    np.testing.assert_allclose(added, trend.expected(1, 11)[stocks.industry], atol=1e-12)


def test_momentum_that_accelerates_pays_under_the_trend() -> None:
    config = SimulationConfig(n_stocks=400, n_industries=100, industry_trend=0.001)
    trend, rng = IndustryTrend(config), np.random.default_rng(0)
    returns = []
    for t in range(900):
        returns.append(trend.drift + 0.008 * rng.standard_normal(100))
        trend.step(t)
    level = np.cumsum(returns, axis=0)
    ic = []
    for t in range(120, 878, 21):
        ic.append(rank_correlation(level[t] - 2 * level[t - 60] + level[t - 120], level[t + 21] - level[t]))
    assert np.mean(ic) / np.std(ic) * np.sqrt(len(ic)) > 3.0


def test_what_is_simulated_passes_the_checks(tables: dict[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        assert [finding.what for finding in findings(name, frame)] == []
