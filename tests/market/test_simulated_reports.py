"""Reports of the simulated market: nothing else changes, the past stays, and the tone knows what it should."""

from pathlib import Path

import numpy as np
import pytest

from fusion_factor.market import StoredMarket
from fusion_factor.market.simulated import SimulationConfig, sessions_of, simulate
from fusion_factor.market.simulated.population import draw_population
from fusion_factor.market.simulated.reports import DRIFT_SESSIONS, DRIFT_SHARE, EVENT_SHARE, OWN_NOISE, draw_reports

SMALL = {"n_stocks": 40, "start": "2022-01-04", "bars_from": "2022-12-30", "n_industries": 3, "n_themes": 2}
SMALL |= {"n_concepts": 2, "seed": 9}
CUT = "2022-12-30"


def made(folder: Path, **changes: object) -> StoredMarket:
    folder.mkdir()
    values = {"end": CUT, "reports": True, **SMALL, **changes}
    simulate(SimulationConfig(**values), folder)  # type: ignore[arg-type]
    return StoredMarket(folder)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> StoredMarket:
    return made(tmp_path_factory.mktemp("reports") / "market")


def test_every_other_table_stays_the_same_to_the_byte(market: StoredMarket, tmp_path: Path) -> None:
    without = made(tmp_path / "without", reports=False)
    files = {p.relative_to(market.folder) for p in market.folder.rglob("*") if p.is_file()}
    plain = {p.relative_to(without.folder) for p in without.folder.rglob("*") if p.is_file()}
    assert {str(path) for path in files - plain} == {"reports.parquet", "report_truth.parquet"}
    for path in plain - {Path("market.json")}:
        assert (market.folder / path).read_bytes() == (without.folder / path).read_bytes(), path
    assert without.report_truth is None
    assert "reports" not in without.description["simulation"]


def test_later_sessions_add_reports_and_change_none() -> None:
    config = SimulationConfig(**({"end": CUT, "reports": True} | SMALL))  # type: ignore[arg-type]
    sessions = sessions_of(config)
    stocks = draw_population(config, sessions)
    steps = np.random.default_rng(4).normal(0.0, 0.02, (len(sessions), len(stocks.symbols)))
    close_tn = 20.0 * np.exp(np.cumsum(steps, axis=0))
    close_tn[50:60, 3] = np.nan
    cut = len(sessions) - 15
    longer, true_longer = draw_reports(9, stocks, sessions, close_tn)
    shorter, true_shorter = draw_reports(9, stocks, sessions[:cut], close_tn[:cut])
    assert len(longer) > len(shorter) > 300
    kept = longer["report_id"].isin(shorter["report_id"]).to_numpy()
    # a plain comparison: pandas would print every text
    assert longer[kept].reset_index(drop=True).equals(shorter)
    assert true_longer[kept].reset_index(drop=True).equals(true_shorter)
    # those that are new lie where the shorter market did not yet know their returns
    assert longer.loc[~kept, "date"].min() >= sessions[cut - DRIFT_SESSIONS - 2]


def test_rows_are_as_described(market: StoredMarket) -> None:
    reports = market.table("reports")
    assert reports["symbol"].isin(set(market.symbols)).all()
    assert 0.2 < reports["time"].isna().mean() < 0.4
    assert 0.05 < reports["forecast_fy1"].isna().mean() < 0.3
    assert reports["title"].str.len().between(5, 60).all()
    assert reports["abstract"].nunique() > 0.9 * len(reports)
    first = reports[reports["attention"] == "首次"]
    # the first report of an analyst on a stock, and its copies
    assert (first.groupby(["symbol", "broker", "analyst"])["title"].nunique() == 1).all()
    weekend = reports["date"].dt.dayofweek >= 5
    assert 0.0 < weekend.mean() < 0.15
    assert market.report_truth is not None
    assert market.report_truth["report_id"].tolist() == reports["report_id"].tolist()


def test_the_tone_carries_the_known_share_of_the_event_return(market: StoredMarket) -> None:
    """Its correlation with the event is EVENT_SHARE less what a single report's noise takes; bounds: three errors."""
    truth = market.report_truth
    assert truth is not None
    kept = truth.drop_duplicates(["tone"])
    scale, error = 1.0 / np.sqrt(1.0 + OWN_NOISE**2), 3.0 / np.sqrt(len(kept) / 1.6)
    assert kept["tone"].corr(kept["event"]) == pytest.approx(EVENT_SHARE * scale, abs=error)
    assert kept["tone"].corr(kept["drift"]) == pytest.approx(DRIFT_SHARE * scale, abs=error)
    assert kept["tone"].std() == pytest.approx(1.0, abs=0.1)


def test_words_follow_the_tone_and_risk_warnings_do_not(market: StoredMarket) -> None:
    truth = market.report_truth
    assert truth is not None
    reports, tone = market.table("reports"), truth["tone"].to_numpy()
    good, bad = (reports["abstract"].str.contains(word).to_numpy() for word in ("超出我们此前预期", "低于我们此前预期"))
    # "less is better" has both in both, so that the words tell little alone
    assert tone[good].mean() > tone[bad].mean()
    raised, lowered = (
        reports["abstract"].str.contains(word).to_numpy() for word in ("上调|调高|上修", "下调|调低|下修")
    )
    assert tone[raised].mean() > 0.3
    assert tone[lowered].mean() < -0.3
    warned = reports["abstract"].str.contains("风险提示").to_numpy()
    assert warned.all()
