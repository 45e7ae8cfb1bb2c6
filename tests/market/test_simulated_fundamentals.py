"""Statements and forecasts of a simulated market: their dates, versions, roll, past, and what they can be seen to know."""

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
    "n_stocks": 240, "start": "2018-01-02", "bars_from": "2021-12-31", "end": "2021-12-31", "n_industries": 24, "seed": 3,
}  # fmt: skip
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


def single_quarters(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Quarters of the latest versions, period_end by symbol."""
    wide = rows.pivot(index="period_end", columns="symbol", values=name).iloc[-9:]
    first = np.asarray(wide.index.month == 3)[:, None]
    return wide - wide.shift().where(~np.repeat(first, wide.shape[1], axis=1), 0.0)


def factors_at(day: pd.Timestamp, tables: dict[str, pd.DataFrame], industry: pd.Series) -> dict[str, pd.Series]:
    """Four industry factors from what is known on a day; a year's figures for the same quarter of all companies."""
    rows = tables["financials"]
    known = (rows["announce_date"] <= day) & (rows["period_end"] > day - pd.DateOffset(months=36))
    rows = rows[known].drop_duplicates(["symbol", "period_end"], keep="last")
    profit, paid, revenue, cost = (
        single_quarters(rows, name) for name in ("net_profit", "operating_cash_flow", "revenue", "cost")
    )
    shown = profit.notna().sum(axis=1)
    q = int(np.flatnonzero(shown.to_numpy() > 0.5 * shown.max())[-1])  # the last quarter that most have reported

    def summed(frame: pd.DataFrame, first: int, last: int) -> pd.Series:
        return frame.iloc[first : last + 1].sum(min_count=last - first + 1).groupby(industry).sum()

    def margin(k: int) -> pd.Series:
        return 1 - summed(cost, k, k) / summed(revenue, k, k)

    forecasts = tables["consensus"]
    forecasts = forecasts[forecasts["fiscal_year"] == day.year + 1 - (day.month < 5)]
    seen = []
    for at in (day, day - pd.DateOffset(months=3)):
        fresh = (forecasts["date"] <= at) & (forecasts["date"] > at - pd.Timedelta(days=180))
        seen.append(forecasts[fresh].drop_duplicates("symbol", keep="last").set_index("symbol")["net_profit"])
    both = pd.concat(seen, axis=1, join="inner")
    revised = (both.iloc[:, 0] - both.iloc[:, 1]).groupby(industry).sum() / both.iloc[:, 1].abs().groupby(industry).sum()
    growth = summed(profit, q, q) / summed(profit, q - 1, q - 1) - 1
    return {
        "growth": growth,
        "margin": margin(q) - margin(q - 4),
        "quality": summed(paid, q - 3, q) / summed(profit, q - 3, q),
        "consensus": revised,
    }


def test_each_factor_can_be_seen_to_find_the_coming_news_and_a_scrambled_one_not(
    tables: dict[str, pd.DataFrame],
) -> None:
    config, stocks, sessions = drawn()
    news = IndustryNews(config, stocks, sessions, back=400, ahead=300)
    industry = pd.Series(stocks.industry, index=stocks.symbols)
    rng = np.random.default_rng(1)
    found: dict[str, list[float]] = {}
    for day in pd.date_range("2018-01-31", "2021-12-31", freq="ME"):
        coming = pd.Series(news.coming(news.position(np.datetime64(day, "D")), 1, 21))
        for name, values in factors_at(day, tables, industry).items():
            found.setdefault(name, []).append(values.corr(coming, method="spearman"))
            shuffled = pd.Series(rng.permutation(values.to_numpy()), index=values.index)
            found.setdefault("scrambled", []).append(shuffled.corr(coming, method="spearman"))
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
    level = pd.DataFrame(np.cumsum(returns, axis=0))
    acceleration, coming = level - 2 * level.shift(60) + level.shift(120), level.shift(-21) - level
    ic = [acceleration.loc[t].corr(coming.loc[t], method="spearman") for t in range(120, 878, 21)]
    assert np.mean(ic) / np.std(ic) * np.sqrt(len(ic)) > 3.0


def test_what_is_simulated_passes_the_checks(tables: dict[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        assert [finding.what for finding in findings(name, frame)] == []
