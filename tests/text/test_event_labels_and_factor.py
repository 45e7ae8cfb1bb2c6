"""Labels and the monthly factor, worked by hand and against plain loops; and nothing looks ahead."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.text import (
    Events,
    FactorSettings,
    abnormal_returns,
    coverage,
    find_events,
    mean_index,
    text_factor,
)

SESSIONS = np.array([d for d in np.arange("2023-10-02", "2024-07-01", dtype="datetime64[D]") if np.is_busday(d)])
SYMBOLS = np.array(["000001.SZ", "600000.SH", "600519.SH"], dtype=object)


def events_at(*rows: tuple[str, str, str]) -> Events:
    """Events (symbol, publication date, session)."""
    table = pd.DataFrame(rows, columns=["symbol", "date", "session"])
    table = table.astype({"date": "datetime64[s]", "session": "datetime64[s]"})
    table["report_id"] = [f"r{k}" for k in range(len(table))]
    return Events(table.sort_values(["session", "symbol", "report_id"], ignore_index=True), len(table))


def test_the_label_runs_from_the_session_before_to_the_session_after_the_date() -> None:
    close_tn = np.full((len(SESSIONS), 3), 10.0)
    at = {str(day): t for t, day in enumerate(SESSIONS)}
    close_tn[at["2024-01-08"] :, 0] = 11.0  # Monday
    benchmark_t = np.linspace(100.0, 200.0, len(SESSIONS))

    def market(first: str, last: str) -> float:
        return float(benchmark_t[at[last]] / benchmark_t[at[first]] - 1.0)

    events = events_at(
        ("000001.SZ", "2024-01-05", "2024-01-08"),  # Friday: Thursday to Monday
        ("000001.SZ", "2024-01-06", "2024-01-08"),  # Saturday: Friday to Monday
        ("000001.SZ", "2024-01-08", "2024-01-08"),  # Monday: Friday to Tuesday
        ("000001.SZ", "2024-01-09", "2024-01-10"),  # Tuesday: Monday to Wednesday
    )
    labels = abnormal_returns(events, close_tn, benchmark_t, SESSIONS, SYMBOLS)
    expected = [
        0.1 - market("2024-01-04", "2024-01-08"),
        0.1 - market("2024-01-05", "2024-01-08"),
        0.1 - market("2024-01-05", "2024-01-09"),
        0.0 - market("2024-01-08", "2024-01-10"),
    ]
    np.testing.assert_allclose(labels.ar, expected, rtol=0, atol=1e-15)
    assert labels.label_end.astype(str).tolist() == ["2024-01-08", "2024-01-08", "2024-01-09", "2024-01-10"]
    after = abnormal_returns(events, close_tn, benchmark_t, SESSIONS, SYMBOLS, span="after", hold=2)
    np.testing.assert_allclose(after.ar[0], 0.0 - market("2024-01-08", "2024-01-10"), atol=1e-15)
    assert after.label_end.astype(str).tolist() == ["2024-01-10"] * 3 + ["2024-01-12"]


def test_labels_that_cannot_be_known_are_missing() -> None:
    close_tn = np.full((len(SESSIONS), 3), 10.0)
    close_tn[5, 1] = np.nan
    close_tn[5, 2] = 0.0
    day = [str(d) for d in SESSIONS]
    events = events_at(
        ("000001.SZ", day[0], day[1]),  # no session before it
        ("600000.SH", day[4], day[5]),  # no close at the end
        ("600519.SH", day[4], day[5]),
        ("000001.SZ", day[4], day[5]),
        ("999999.SZ", day[4], day[5]),
        ("000001.SZ", day[-1], day[-1]),  # no session after it
    )
    labels = abnormal_returns(events, close_tn, np.ones(len(SESSIONS)), SESSIONS, SYMBOLS)
    by_id = dict(zip(events.table["report_id"], labels.ar, strict=True))
    assert {name for name, value in by_id.items() if np.isfinite(value)} == {"r3"}
    ends = dict(zip(events.table["report_id"], labels.label_end, strict=True))
    assert np.isnat(ends["r5"])
    assert ends["r1"] == SESSIONS[5]
    for wrong in ({"span": "both"}, {"hold": 0}):
        with pytest.raises(ConfigError):
            abnormal_returns(events, close_tn, np.ones(len(SESSIONS)), SESSIONS, SYMBOLS, **wrong)  # type: ignore[arg-type]


def test_mean_index_is_the_path_of_mean_returns() -> None:
    close_tn = np.array([[1.0, 2.0, np.nan], [1.1, 2.0, 5.0], [1.1, np.nan, 6.0]])
    np.testing.assert_allclose(mean_index(close_tn), [1.0, 1.05, 1.05 * 1.1])


def test_the_factor_is_the_mean_of_three_calendar_months() -> None:
    events = events_at(
        ("600519.SH", "2024-01-31", "2024-01-31"),  # before the window of 30 April
        ("600519.SH", "2024-01-31", "2024-02-01"),  # its first day
        ("600519.SH", "2024-03-15", "2024-03-15"),
        ("600519.SH", "2024-04-30", "2024-04-30"),  # its last day
        ("600519.SH", "2024-04-30", "2024-05-01"),  # after it
        ("000001.SZ", "2024-04-01", "2024-04-02"),
    )
    score = pd.Series({"r0": 100.0, "r1": 1.0, "r2": 2.0, "r3": 6.0, "r4": 1000.0, "r5": np.nan})
    score_e = score[events.table["report_id"]].to_numpy()
    month_end = np.array(["2024-04-30"], "datetime64[D]")
    factor_gn, count_gn = text_factor(events, score_e, month_end, SESSIONS, SYMBOLS)
    np.testing.assert_allclose(factor_gn, [[np.nan, np.nan, 3.0]])
    assert count_gn.tolist() == [[0, 0, 3]]
    decayed, _ = text_factor(events, score_e, month_end, SESSIONS, SYMBOLS, FactorSettings(decay=0.95))
    # ages: 1 February 89 days, 15 March 46, 30 April 0
    assert decayed[0, 2] == pytest.approx((1.0 * 0.95**89 + 2.0 * 0.95**46 + 6.0) / 3)
    fewer, _ = text_factor(events, score_e, month_end, SESSIONS, SYMBOLS, FactorSettings(months=1))
    assert fewer[0, 2] == 6.0
    least, _ = text_factor(events, score_e, month_end, SESSIONS, SYMBOLS, FactorSettings(min_reports=4))
    assert np.isnan(least).all()
    for wrong in ({"months": 0}, {"decay": 0.0}, {"decay": 1.1}, {"min_reports": 0}):
        with pytest.raises(ConfigError):
            FactorSettings(**wrong)  # type: ignore[arg-type]


def test_within_a_month_the_window_is_three_months_to_the_day() -> None:
    events = events_at(("600519.SH", "2024-01-15", "2024-01-15"), ("600519.SH", "2024-01-16", "2024-01-16"))
    dates = np.array(["2024-04-15", "2024-04-16", "2024-04-17"], "datetime64[D]")
    factor_gn, _ = text_factor(events, np.array([1.0, 2.0]), dates, SESSIONS, SYMBOLS)
    np.testing.assert_allclose(factor_gn[:, 2], [2.0, np.nan, np.nan])


def test_the_factor_of_many_events_equals_plain_loops() -> None:
    rng = np.random.default_rng(3)
    rows = [(str(rng.choice(SYMBOLS)), str(d), str(d)) for d in rng.choice(SESSIONS, 300)]
    events = events_at(*rows)
    score_e = np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300))
    for decay in (1.0, 0.97):
        factor_gn, count_gn = text_factor(
            events, score_e, SESSIONS, SESSIONS, SYMBOLS, FactorSettings(decay=decay, months=2)
        )
        for t in range(0, len(SESSIONS) - 1, 7):
            today = pd.Timestamp(SESSIONS[t])
            begin = today - pd.DateOffset(months=2)
            if pd.Timestamp(SESSIONS[t + 1]).month != today.month:
                begin = begin + pd.offsets.MonthEnd(0)
            for n, symbol in enumerate(SYMBOLS):
                terms = [
                    score * decay ** (today - row.session).days
                    for row, score in zip(events.table.itertuples(), score_e, strict=True)
                    if row.symbol == symbol and begin < row.session <= today and np.isfinite(score)
                ]
                assert count_gn[t, n] == len(terms)
                if terms:
                    assert factor_gn[t, n] == pytest.approx(np.mean(terms), abs=1e-12)
                else:
                    assert np.isnan(factor_gn[t, n])


def test_coverage_counts_listed_names() -> None:
    factor_gn = np.array([[1.0, np.nan, 2.0], [np.nan, np.nan, np.nan]])
    count_gn = np.array([[2, 0, 1], [0, 0, 0]])
    priced_gn = np.array([[True, True, False], [True, True, True]])
    found = coverage(factor_gn, count_gn, priced_gn, SESSIONS[:2])
    assert found[["reports", "covered", "listed", "share"]].to_numpy().tolist() == [[3, 1, 2, 0.5], [0, 0, 3, 0.0]]


def random_reports(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Reports of few brokers and analysts, so that most have a previous one; some copies, first coverages, no times."""
    days = rng.choice(np.arange("2023-10-01", "2024-06-30", dtype="datetime64[D]"), count)
    titles = np.array(["业绩超预期", "上调盈利预测", "下调评级", "首次覆盖", "公司点评", "调研纪要"])
    return pd.DataFrame(
        {
            "report_id": [f"{k:05d}" for k in range(count)],
            "date": days.astype("datetime64[s]"),
            "time": rng.choice(["09:31", "15:00", "18:20", None], count),  # type: ignore[arg-type]
            "symbol": rng.choice(SYMBOLS, count),
            "broker": rng.choice(["甲", "乙"], count),
            "analyst": rng.choice(["子", "丑"], count),
            "title": rng.choice(titles, count),
            "abstract": rng.choice(["需求回暖明显", "原料价格上行，调低毛利"], count),
            "forecast_fy1": np.where(rng.random(count) < 0.3, np.nan, rng.choice([1.0, 1.1, 0.9], count)),
            "rating": rng.choice(["买入", "中性", None], count),  # type: ignore[arg-type]
        }
    )


@pytest.mark.parametrize("cut", ["2023-12-29", "2024-03-15"])
def test_nothing_known_by_a_day_depends_on_what_comes_after(cut: str) -> None:
    """Texts, numbers, reports and returns after the day are scrambled: events, labels and factor up to it stay."""
    rng = np.random.default_rng(5)
    reports, day = random_reports(rng, 400), np.datetime64(cut)
    close_tn = 10.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (len(SESSIONS), 3)), axis=0))
    benchmark_t = mean_index(close_tn)
    later = reports["date"].to_numpy().astype("datetime64[D]") > day
    scrambled = reports.copy()
    for name in ("symbol", "broker", "title", "abstract", "forecast_fy1", "rating"):
        scrambled.loc[later, name] = rng.permutation(reports.loc[later, name].to_numpy())
    scrambled = scrambled[~later | (rng.random(len(reports)) < 0.7)]
    other_tn = np.where((day < SESSIONS)[:, None], rng.permutation(close_tn), close_tn)
    other_t = np.where(day < SESSIONS, benchmark_t * 3.0, benchmark_t)
    before, after = find_events(reports, SESSIONS), find_events(scrambled, SESSIONS)
    assert after.table["session"].max() > pd.Timestamp(cut)
    now, then = before.session_e <= day, after.session_e <= day
    assert now.sum() > 40
    assert not before.table[~now].reset_index(drop=True).equals(after.table[~then].reset_index(drop=True))
    pd.testing.assert_frame_equal(before.table[now].reset_index(drop=True), after.table[then].reset_index(drop=True))
    for span in ("around", "after"):
        ours = abnormal_returns(before, close_tn, benchmark_t, SESSIONS, SYMBOLS, span=span)
        theirs = abnormal_returns(after, other_tn, other_t, SESSIONS, SYMBOLS, span=span)
        ended, ended_then = ours.label_end <= day, theirs.label_end <= day
        assert ended.sum() > 20
        np.testing.assert_array_equal(ours.ar[ended], theirs.ar[ended_then])
        np.testing.assert_array_equal(ours.label_end[ended], theirs.label_end[ended_then])
    score_e = np.arange(len(before.table), dtype=float)
    score_then = np.full(len(after.table), -1e9)
    score_then[then] = score_e[now]
    dates = SESSIONS[day >= SESSIONS]
    for decay in (1.0, 0.95):
        settings = FactorSettings(decay=decay)
        ours_gn = text_factor(before, score_e, dates, SESSIONS, SYMBOLS, settings)
        theirs_gn = text_factor(after, score_then, dates, SESSIONS, SYMBOLS, settings)
        np.testing.assert_array_equal(ours_gn[0], theirs_gn[0])
        np.testing.assert_array_equal(ours_gn[1], theirs_gn[1])


def test_the_order_of_rows_does_not_matter() -> None:
    reports = random_reports(np.random.default_rng(8), 300)
    shuffled = reports.sample(frac=1.0, random_state=1)
    first, second = find_events(reports, SESSIONS), find_events(shuffled, SESSIONS)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.dropped == second.dropped
