"""Industry factors against hand-worked values and plain loops."""

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy.signal import savgol_coeffs

from fusion_factor import industry
from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.industry import Exclusion, IndustryData, industry_factors
from fusion_factor.industry.consensus import fiscal_year, sessions_months_ago
from fusion_factor.industry.crowding import own_percentile

from .tables import INDUSTRIES, STOCKS, events, tables

DAYS = pd.bdate_range("2024-01-01", periods=130)


def _one(path: np.ndarray, **choices: object) -> np.ndarray:
    """Acceleration of a single industry whose log excess curve is `path`, at every session."""
    prices = pd.DataFrame({"code": "a", "date": DAYS, "open": 1.0, "close": 100 * np.exp(path)})
    market = pd.DataFrame({"date": DAYS, "close": 50.0})
    data = IndustryData(sessions=DAYS, index_prices=prices, benchmark=market, grid="daily")
    return industry.momentum_acceleration(data, **choices)[:, 0]


@pytest.mark.parametrize("method", ["difference", "quadratic", "slope_difference", "savgol"])
def test_a_parabola_has_its_own_second_derivative(method: str) -> None:
    curve = 3e-5 * np.arange(len(DAYS)) ** 2 - 0.002 * np.arange(len(DAYS))
    found = _one(curve, window=11, method=method)
    first = {"difference": 22, "slope_difference": 21}.get(method, 10)
    assert np.isnan(found[:first]).all()
    np.testing.assert_allclose(found[first:-1], 6e-5, rtol=1e-7)


def test_savgol_is_the_one_sided_filter() -> None:
    curve = np.cumsum(np.random.default_rng(1).normal(0, 0.01, len(DAYS)))
    weights = savgol_coeffs(21, 4, deriv=2, pos=20, use="dot")
    found = _one(curve, window=21, method="savgol", degree=4)
    np.testing.assert_allclose(found[60], curve[40:61] @ weights, rtol=1e-9)


def test_risk_scaling_divides_by_the_spread_of_daily_changes() -> None:
    curve = np.cumsum(np.random.default_rng(2).normal(0, 0.01, len(DAYS)))
    plain, scaled = (
        _one(curve, window=21, method="quadratic"),
        _one(curve, window=21, method="quadratic", risk_scaled=True),
    )
    spread = np.diff(curve[30:51]).std(ddof=1)
    assert scaled[50] == pytest.approx(plain[50] / spread, rel=1e-9)


def test_percentile_counts_half_of_the_equal_ones() -> None:
    values = np.array([[1.0], [2.0], [2.0], [np.nan], [3.0], [2.0]])
    found = own_percentile(values, np.array([5]), lookback=6, min_values=5)
    assert found[0, 0] == pytest.approx((1 + 0.5 * 3) / 5)
    assert np.isnan(own_percentile(values, np.array([5]), lookback=6, min_values=6)[0, 0])
    assert np.isnan(own_percentile(values, np.array([3]), lookback=6, min_values=1)[0, 0])


def test_months_ago_is_clipped_and_may_lie_before_all_sessions() -> None:
    data = IndustryData(**tables(), grid="daily")
    dates = np.array(["2020-05-29", "2020-02-29", "2018-01-31"], "datetime64[D]")
    found = sessions_months_ago(data.calendar, dates, 3)
    assert pd.Timestamp(found[0], unit="D") == pd.Timestamp("2020-02-28")  # 29 February 2020 is a Saturday
    assert pd.Timestamp(found[1], unit="D") == pd.Timestamp("2019-11-29")
    assert found[2] < -(10**6)
    assert fiscal_year(dates, 2, 5).tolist() == [2021, 2020, 2018]


def _statements(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    names = ["symbol", "period_end", "announce_date", "net_profit", "operating_cash_flow", "revenue", "cost"]
    return pd.DataFrame(rows, columns=names)


def _reports(financials: pd.DataFrame, factor: str, dates: list[str], **choices: object) -> list[float]:
    given = tables()
    spells = pd.DataFrame({"symbol": ["x", "y"], "industry": "bank", "in_date": "2018-01-01", "out_date": ""})
    found = industry_factors(
        sessions=given["sessions"], industry=spells, financials=financials, factors=[factor], pool=["bank"],
        grid="explicit", signal_dates=dates, min_members=1, **choices,
    )  # fmt: skip
    return found.factors["value"].tolist()


def test_trailing_year_uses_the_versions_of_the_day() -> None:
    rows = [
        ("x", "2018-06-30", "2018-08-20", 40, 30, 0, 0),
        ("x", "2018-12-31", "2019-03-20", 100, 90, 0, 0),
        ("x", "2018-12-31", "2019-09-02", 110, 99, 0, 0),  # restated
        ("x", "2019-06-30", "2019-08-20", 60, 20, 0, 0),
    ]
    found = _reports(_statements(rows), "cash_flow_to_profit", ["2019-03-19", "2019-03-20", "2019-08-20", "2019-09-02"])
    assert math.isnan(found[0])  # the half year lacks the year before
    assert found[1:] == pytest.approx([90 / 100, (20 + 90 - 30) / (60 + 100 - 40), (20 + 99 - 30) / (60 + 110 - 40)])


def test_an_empty_field_of_the_governing_version_is_missing() -> None:
    rows = [("x", "2018-12-31", "2019-03-20", 100, 90, 0, 0), ("x", "2018-12-31", "2019-04-02", None, 95, 0, 0)]
    found = _reports(_statements(rows), "cash_flow_to_profit", ["2019-04-01", "2019-04-02"])
    assert found[0] == pytest.approx(0.9)
    assert math.isnan(found[1])


def test_growth_compares_the_stocks_of_the_common_quarter() -> None:
    rows = [("x", "2018-09-30", "2018-10-20", 60, 0, 0, 0), ("x", "2018-12-31", "2019-03-01", 100, 0, 0, 0)]
    rows += [("x", "2019-03-31", "2019-04-20", 30, 0, 0, 0)]
    rows += [("y", "2018-09-30", "2018-10-25", 6, 0, 0, 0), ("y", "2018-12-31", "2019-03-05", 4, 0, 0, 0)]
    found = _reports(_statements(rows), "profit_growth_qoq", ["2019-04-30"])
    # one stock each at the first quarter and at the year: the later one counts, where x stands alone
    assert found == pytest.approx([(30 - 40) / 40])


def test_industry_scores_of_families_that_are_missing_are_not_zero() -> None:
    family_fdn = np.array([[[1.0, np.nan, 2.0]], [[3.0, 5.0, np.nan]]])
    assert industry.composite(family_fdn).tolist() == [[2.0, 5.0, 2.0]]
    found = industry.composite(family_fdn, np.array([[1.0, 0.0]]), min_families=1)
    np.testing.assert_array_equal(found, [[1.0, np.nan, 2.0]])
    np.testing.assert_array_equal(industry.composite(family_fdn, min_families=2), [[2.0, np.nan, np.nan]])


def test_icir_weights_know_only_labels_that_have_ended() -> None:
    rng = np.random.default_rng(3)
    label_dn = rng.normal(size=(12, 20))
    family_fdn = np.array(
        [label_dn + rng.normal(size=label_dn.shape), -label_dn + 0.1 * rng.normal(size=label_dn.shape)]
    )
    weight_df = industry.icir_weights(family_fdn, label_dn, months=6, min_months=3)
    assert weight_df[:3].tolist() == [[1.0, 1.0]] * 3
    assert (weight_df[3:, 1] == 0).all()
    ic = industry.check_factor(family_fdn[0], label_dn, np.arange(12).astype("datetime64[D]")).ic["rank_ic"]
    assert weight_df[11, 0] == pytest.approx(ic[5:11].mean() / ic[5:11].std())


# --- options beside SEMANTICS ---


def test_ranks_become_normal_quantiles() -> None:
    found = industry.inverse_normal(np.array([[5.0, 5.0, -1.0, np.nan]]))
    quantile = NormalDist().inv_cdf
    np.testing.assert_allclose(found[0, :3], [quantile(2 / 3), quantile(2 / 3), quantile(0.5 / 3)])
    assert np.isnan(found[0, 3])


def test_tails_and_medians() -> None:
    values = np.array([[0.0, 1.0, 2.0, 3.0, 100.0]])
    np.testing.assert_allclose(industry.winsorised(values, 0.25), [[1.0, 1.0, 2.0, 3.0, 3.0]])
    np.testing.assert_array_equal(industry.winsorised(np.full((2, 3), np.nan), 0.25), np.full((2, 3), np.nan))
    assert industry.with_median(values, list("abcde"), ["e"]).tolist() == [[0.0, 1.0, 2.0, 3.0, 1.5]]
    with pytest.raises(ConfigError, match="median_for: f"):
        industry.with_median(values, list("abcde"), ["f"])


def test_long_side_exclusion_lowers_the_crowded_ones_alone() -> None:
    data = IndustryData(**tables())
    plain = industry.momentum(data, window=40)
    rule = Exclusion(mode="long_side", measure="published", lookback=200, min_values=40, limit=0.6, pair=0.8)
    found = industry.momentum(data, window=40, exclusion=rule)
    mean_dn, percentile_kdn = industry.published_crowding(data, lookback=200, min_values=40)
    changed = 0
    for d in range(len(plain)):
        for n in range(len(INDUSTRIES)):
            high = [value for value in percentile_kdn[:, d, n] if value >= 0.8]
            crowded = mean_dn[d, n] >= 0.6 or len(high) >= 2
            median = np.nanmedian(plain[d]) if np.isfinite(plain[d]).any() else np.nan
            wanted = median if crowded and plain[d, n] > median else plain[d, n]
            assert found[d, n] == wanted or (np.isnan(found[d, n]) and np.isnan(wanted))
            changed += bool(found[d, n] != plain[d, n] and np.isfinite(wanted))
    assert changed > 10


def test_seasonal_growth_takes_off_the_same_quarters_of_earlier_years() -> None:
    quarters = [("03-31", 10), ("06-30", 30), ("09-30", 45), ("12-31", 75)]  # growth of the second quarter: 1.0
    rows = [
        ("x", f"{year}-{end}", f"{year + (end == '12-31')}-{'04-15' if end == '12-31' else end}", float(total), 0, 0, 0)
        for year in range(2016, 2019)
        for end, total in quarters
    ]
    rows += [("x", "2019-03-31", "2019-04-20", 10.0, 0, 0, 0), ("x", "2019-06-30", "2019-08-01", 50.0, 0, 0, 0)]
    given = tables()
    spells = pd.DataFrame({"symbol": ["x"], "industry": "bank", "in_date": "2018-01-01", "out_date": ""})
    data = IndustryData(
        sessions=given["sessions"], industry=spells, financials=_statements(rows), pool=["bank"],
        grid="explicit", signal_dates=["2019-08-30"],
    )  # fmt: skip
    plain = industry.profit_growth_qoq(data, min_members=1)
    seasonal = industry.profit_growth_qoq(data, min_members=1, seasonal_years=3)
    assert plain[0, 0] == pytest.approx((40 - 10) / 10)
    assert seasonal[0, 0] == pytest.approx(3.0 - 1.0)


@pytest.mark.parametrize("latest", [False, True])
def test_balance_of_notes_against_a_loop(latest: bool) -> None:
    given, notes = tables(), events()
    data = IndustryData(**given, events={"revisions": notes, "guidance": notes})
    found = (industry.company_guidance if latest else industry.consensus_change_px)(data, months=3, min_events=2)
    spells = given["industry"].replace("", None).astype({"in_date": "datetime64[s]", "out_date": "datetime64[s]"})
    for d, date in list(enumerate(data.dates_d))[::7]:
        day = pd.Timestamp(date)
        kept = notes[(notes["date"] > day - pd.DateOffset(months=3)) & (notes["date"] <= day)]
        kept = kept.sort_values(["date", "symbol", "direction"], kind="stable")
        if latest:
            kept = kept.groupby("symbol", sort=False).tail(1)
        covers = spells[(spells["in_date"] <= day) & ~(spells["out_date"] <= day)]
        where = covers.sort_values("in_date").groupby("symbol")["industry"].last()
        for n, code in enumerate(INDUSTRIES):
            mine = kept[kept["symbol"].map(where) == code]["direction"]
            wanted = mine.mean() if len(mine) >= 2 else np.nan
            np.testing.assert_allclose(found[d, n], wanted, atol=1e-12)


def test_bad_events_are_named() -> None:
    notes = pd.DataFrame({"date": ["2020-01-02"], "symbol": [STOCKS[0]], "direction": [2]})
    with pytest.raises(DataError, match="events revisions: row 0: direction"):
        industry.consensus_change_px(IndustryData(**tables(), events={"revisions": notes}))


def test_heat_and_share_against_a_loop() -> None:
    given = tables()
    data = IndustryData(**given)
    amount = given["index_prices"].pivot(index="date", columns="code", values="amount")
    share = amount.div(amount.sum(axis=1), axis=0)
    heat, drawn = (
        industry.turnover_heat(data, window=10, history=100),
        industry.amount_share(data, window=10, history=100),
    )
    for found, table in ((heat, amount), (drawn + 1, share)):
        recent, usual = table.rolling(10).mean(), table.rolling(100, min_periods=50).mean()
        wanted = (recent / usual).loc[data.dates_d.astype("datetime64[s]")].to_numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_domain_weights_against_a_loop() -> None:
    rng = np.random.default_rng(5)
    label_dn = rng.normal(size=(30, 12))
    family_fdn = np.array([label_dn * strength + rng.normal(size=label_dn.shape) for strength in (0.5, -0.2, 0.0)])
    group_n = np.arange(12) % 2
    found = industry.domain_composite(family_fdn, label_dn, group_n, months=10, min_months=6, min_names=5, min_group=3)
    rank = lambda a, b: pd.Series(a).rank().corr(pd.Series(b).rank())  # noqa: E731
    for date in (3, 9, 29):
        for group in (0, 1):
            mine = group_n == group
            past = range(max(date - 10, 0), date)
            weights = []
            for family in family_fdn:
                pool = np.mean([rank(family[k], label_dn[k]) for k in past])
                own = np.mean([rank(family[k, mine], label_dn[k, mine]) for k in past])
                weights.append(max(0.0, 0.5 * pool + 0.5 * own) if len(past) >= 6 else 1.0)
            wanted = np.average(family_fdn[:, date, mine], axis=0, weights=weights)
            np.testing.assert_allclose(found[date, mine], wanted)


def test_momentum_domain_takes_the_technical_score_in_the_top_tercile() -> None:
    past = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan]])
    found = industry.momentum_domain(np.full((1, 7), 10.0), np.full((1, 7), -1.0), past)
    np.testing.assert_array_equal(found, [[-1, -1, -1, -1, 10, 10, np.nan]])
