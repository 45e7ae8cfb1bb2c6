"""Nothing at a grid date moves when what comes after it does, announcements included; bit for bit."""

import numpy as np
import pandas as pd
import pytest

from fusion_factor import industry
from fusion_factor.industry import Exclusion, IndustryData, industry_factors

from .tables import INDUSTRIES, SESSIONS, STOCKS, events, tables

CUT = pd.Timestamp("2020-07-31")
EVERY = [
    "momentum_acceleration", "momentum", "crowding", "consensus_change", "cash_flow_to_profit", "profit_growth_qoq",
    "gross_margin_change_yoy", "composite",
]  # fmt: skip
OPTIONS = {
    "risk_scaled": lambda data: industry.momentum_acceleration(data, window=40, risk_scaled=True),
    "long_side": lambda data: industry.momentum(data, window=40, exclusion=_exclusion("long_side")),
    "rank_residual": lambda data: industry.momentum(data, window=40, exclusion=_exclusion("rank_residual")),
    "seasonal": lambda data: industry.profit_growth_qoq(data, min_members=1, seasonal_years=3),
    "winsorised": lambda data: industry.cash_flow_to_profit(data, min_members=1, winsorise=0.1, median_for=["bank"]),
    "turnover_heat": industry.turnover_heat,
    "amount_share": industry.amount_share,
    "consensus_change_px": lambda data: industry.consensus_change_px(data, min_events=2),
    "company_guidance": lambda data: industry.company_guidance(data, events="revisions", min_events=2),
    "domain": lambda data: _domain(data),
    "momdomain": lambda data: industry.momentum_domain(*_families(data), industry.long_momentum(data)),
}


def _exclusion(mode: str) -> Exclusion:
    return Exclusion(mode=mode, measure="published", lookback=200, min_values=40, limit=0.6, pair=0.8)


def _families(data: IndustryData) -> np.ndarray:
    values = {"a": industry.momentum(data, window=30), "b": industry.profit_growth_qoq(data, min_members=1)}
    return industry.family_scores(values, {"technical": ["a"], "growth": ["b"]}, scale="inverse_normal")


def _domain(data: IndustryData) -> np.ndarray:
    groups = industry.group_numbers(INDUSTRIES, {"old": ["bank", "coal", "steel"]})
    choices = {"months": 12, "min_months": 3, "min_names": 3, "min_group": 2}
    return industry.domain_composite(_families(data), data.label_dn, groups, **choices)


def _scrambled(given: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """Everything dated or announced after CUT is drawn anew; a spell that ends later may end otherwise."""
    rng, other = np.random.default_rng(seed), tables(seed)
    out = {"sessions": given["sessions"]}
    for name, column in (
        ("index_prices", "date"), ("benchmark", "date"), ("consensus", "date"), ("financials", "announce_date"),
    ):  # fmt: skip
        dates = [pd.to_datetime(table[name][column]) for table in (given, other)]
        out[name] = pd.concat([given[name][dates[0] <= CUT], other[name][dates[1] > CUT]], ignore_index=True)
    spells = given["industry"]
    moved = pd.DataFrame(
        {"symbol": STOCKS, "industry": rng.choice(INDUSTRIES, len(STOCKS)), "in_date": "2020-08-03", "out_date": ""}
    )
    out["industry"] = pd.concat([spells, moved], ignore_index=True)
    return out


def _factors(given: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return industry_factors(
        **given, factors=EVERY, window=40, crowding_lookback=120, min_crowding=30, exclude_crowding="penalise",
        min_members=2, weighting="icir", min_weight_months=3, weight_months=8, min_names=3,
    ).factors  # fmt: skip


def test_later_rows_move_nothing() -> None:
    given = tables()
    before, after = _factors(given), _factors(_scrambled(given, 1))
    early = (before["date"] <= CUT).to_numpy()
    pd.testing.assert_frame_equal(before[early], after[early], check_exact=True)
    assert before[early].groupby("factor")["value"].count().gt(20).all()
    moved = before[~early]["value"].to_numpy() != after[~early]["value"].to_numpy()
    assert moved.mean() > 0.5, "the perturbation reaches later values"


@pytest.mark.parametrize("name", list(OPTIONS))
def test_later_rows_move_no_option(name: str) -> None:
    given, notes = tables(), events()
    other = events(1)
    later = pd.concat([notes[notes["date"] <= CUT], other[other["date"] > CUT]])
    first = IndustryData(**given, events={"revisions": notes})
    second = IndustryData(**_scrambled(given, 1), events={"revisions": later})
    early = first.dates_d <= np.datetime64(CUT, "D")
    before, after = OPTIONS[name](first), OPTIONS[name](second)
    np.testing.assert_array_equal(before[early], after[early])
    assert np.isfinite(before[early]).sum() > 20
    assert not np.array_equal(before[~early], after[~early], equal_nan=True)


def test_an_announcement_a_day_later_moves_nothing_before_it() -> None:
    given = tables()
    report = given["financials"][given["financials"]["announce_date"] <= CUT].sort_values("announce_date").index[-1]
    day = given["financials"].loc[report, "announce_date"]
    late = given["financials"].copy()
    late.loc[report, "announce_date"] = day + pd.Timedelta(days=1)
    choices = {"factors": EVERY[4:7], "grid": "daily", "start": "2020-05-01", "end": "2020-12-31", "min_members": 1}
    before = industry_factors(**given, **choices).factors
    after = industry_factors(**{**given, "financials": late}, **choices).factors
    changed = before.loc[~(before["value"].eq(after["value"]) | before["value"].isna()), "date"]
    on_session = SESSIONS[SESSIONS.searchsorted(day)]
    assert changed.empty or set(changed) <= {on_session}


def test_a_forecast_counts_from_its_day_on() -> None:
    given = tables()
    choices = {"factors": ["consensus_change"], "grid": "daily", "start": "2020-05-01", "end": "2020-12-31"}
    before = industry_factors(**given, **choices).factors
    extra = pd.DataFrame([("2020-09-16", STOCKS[0], 2021, 9e9)], columns=list(given["consensus"]))
    more = industry_factors(**{**given, "consensus": pd.concat([given["consensus"], extra])}, **choices).factors
    changed = before.loc[before["value"].ne(more["value"]) & before["value"].notna(), "date"]
    assert changed.min() == pd.Timestamp("2020-09-16")
