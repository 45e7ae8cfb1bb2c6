"""The stages of the text factor on a tiny market: files, figures, refusals, and nothing looks ahead."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import run_stages, settings_of

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.pipeline import STAGES, run_pipeline
from fusion_factor.stages.stage import Workspace
from fusion_factor.stages.text_settings import portfolio_settings, text_settings

ON = (
    "data.reports=true", "text.enabled=true", "text.beside=[words]", "text.encoder.dimensions=256",
    "text_portfolio.refine.by=simple",
)  # fmt: skip
LAST = np.datetime64("2022-06-15")
PINNED = f"text_portfolio.portfolio.end={LAST}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("text")
    run_stages(root, ["simulate", "text", "text_portfolio"], *ON, PINNED)
    return root


def test_the_factor_is_a_score_table_of_scored_reports(run: Path) -> None:
    events = pd.read_parquet(run / "text" / "events.parquet")
    factor = pd.read_parquet(run / "text" / "text.parquet")
    factor["date"] = pd.to_datetime(factor["date"])
    assert list(factor.columns) == ["date", "symbol", "score", "reports"]
    judged = json.loads((run / "text" / "judgement.json").read_text())
    assert judged["reports"] == judged["events"] + sum(judged["dropped"].values())
    assert judged["scored"] == events["score"].notna().sum() > 100
    # the tone of the texts is found again: the chance of a sign by luck alone would be about 0
    assert judged["judged"]["encoder"]["tone_found"] > 0.3
    assert judged["judged"]["words"]["direction_auc"] > 0.6
    # a month end by hand
    month_end = pd.Timestamp("2022-03-31")
    within = events[(events["session"] > "2021-12-31") & (events["session"] <= month_end) & events["score"].notna()]
    expected = within.groupby("symbol")["score"].mean()
    ours = factor[factor["date"] == month_end].set_index("symbol")["score"]
    pd.testing.assert_series_equal(ours, expected, check_names=False)
    coverage = pd.read_csv(run / "text" / "coverage.csv").set_index("date")
    assert coverage.loc["2022-03-31", "covered"] == pytest.approx(len(expected), abs=4)  # some may be suspended


def test_a_model_knows_only_labels_that_have_ended(run: Path) -> None:
    events = pd.read_parquet(run / "text" / "events.parquet")
    for fold in json.loads((run / "text" / "folds.json").read_text())["encoder"]:
        used = events[events["fold"] == fold["fold"]]
        assert (used["session"] > pd.Timestamp(fold["cut"])).all()
        if fold["fitted"]:
            assert fold["train_last"] < fold["cut"]
            trained = events[(events["session"] <= fold["train_last"]) & events["ar"].notna()]
            assert trained["label_end"].max() <= pd.Timestamp(fold["cut"])


def test_the_portfolio_holds_names_of_the_top_layer(run: Path) -> None:
    picks = pd.read_csv(run / "text_portfolio" / "picks.csv")
    metrics = json.loads((run / "text_portfolio" / "metrics.json").read_text())
    assert metrics["executions"] >= 3
    for _, names in picks.groupby("date"):
        assert 3 <= len(names) <= 27
    holdings = pd.read_csv(run / "text_portfolio" / "holdings.csv")
    held = holdings[holdings["code"] != "CASH"].groupby("execution")["code"].count()
    assert held.max() <= 6  # five, and one that could not be sold
    layers = pd.read_csv(run / "text_portfolio" / "factor" / "layers.csv")
    assert set(layers["layer"]) == {1, 2, 3}
    beside = pd.read_csv(run / "text_portfolio" / "beside.csv")
    assert beside["inputs"].tolist() == ["text", "words"]


def test_nothing_up_to_a_day_moves_when_all_after_it_is_scrambled(run: Path, tmp_path: Path) -> None:
    """Texts, forecasts, prices and caps after LAST are other ones: events, scores, factor, picks and NAV stay."""
    other = tmp_path / "run"
    shutil.copytree(run / "market", other / "market")
    rng = np.random.default_rng(1)
    for name, columns in (
        ("reports", ["title", "abstract", "forecast_fy1", "forecast_fy2", "rating", "symbol", "broker"]),
        ("stock_prices", ["open", "close", "volume", "pre_close"]),
        ("caps", ["cap"]),
    ):
        path = other / "market" / f"{name}.parquet"
        table = pd.read_parquet(path)
        later = (pd.to_datetime(table["date"]) > LAST).to_numpy()
        assert later.any()
        for column in columns:
            values = table[column].to_numpy(copy=True)
            values[later] = rng.permutation(values[later])
            table[column] = values
        if name == "stock_prices":
            table = table.assign(high=table[["open", "close", "high"]].max(axis=1))
            table = table.assign(low=table[["open", "close", "low"]].min(axis=1))
        table.to_parquet(path, index=False)
    run_stages(other, ["text", "text_portfolio"], *ON, PINNED)
    for name, date in (("text/events.parquet", "session"), ("text/text.parquet", "date")):
        ours, theirs = (pd.read_parquet(root / name) for root in (run, other))
        keep = [pd.to_datetime(each[date]) <= LAST for each in (ours, theirs)]
        assert keep[0].sum() > 50
        assert not ours.equals(theirs)
        if name == "text/events.parquet":
            # labels that end after the day may differ, and with them what is said for judging only
            columns = ["report_id", "symbol", "session", "direction", "how", "title", "fold", "p_up", "score"]
            ours, theirs = ours[columns], theirs[columns]
        pd.testing.assert_frame_equal(ours[keep[0]].reset_index(drop=True), theirs[keep[1]].reset_index(drop=True))
    for name, date in (("picks", "date"), ("nav", "date"), ("holdings", "execution"), ("executions", "execution")):
        ours, theirs = (pd.read_csv(root / "text_portfolio" / f"{name}.csv") for root in (run, other))
        keep = [each[date] <= str(LAST) for each in (ours, theirs)]
        assert keep[0].sum() > 3, name
        pd.testing.assert_frame_equal(ours[keep[0]].reset_index(drop=True), theirs[keep[1]].reset_index(drop=True))


def test_without_reports_or_without_the_switch_it_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"text: is not part of this run \(text\.enabled is false\)"):
        run_pipeline("text", settings_of(run, "data.reports=true"), Workspace(run))
    other = tmp_path / "run"
    shutil.copytree(run / "market", other / "market")
    (other / "market" / "reports.parquet").unlink()
    with pytest.raises(DataError, match="reports: the market has no such table"):
        run_stages(other, ["text"], *ON)
    assert not (other / "text").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("text.inputs=bert", "text.inputs"),
        ("text.beside=[gpt]", "text.beside"),
        ("text.label.span=before", "text.label.span"),
        ("text.events.tolerance=-1", "events.tolerance"),
        ("text.factor.months=0", "factor.months"),
        ("text.rolling.train_months=0", "train_months"),
        ("text.encoder.kind=gpt", "kind is 'gpt'"),
    ],
)
def test_wrong_values_of_text_are_refused(word: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        text_settings(settings_of(tmp_path, word))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("text_portfolio.refine.by=luck", "refine.by"),
        ("+text_portfolio.refine.factors.beta=1", "beta is not one of"),
        ("text_portfolio.refine.layers=1", "refine.layers"),
        ("text_portfolio.portfolio.top_k=0", "top_k"),
        ("+text_portfolio.portfolio.tok=3", "tok: is no parameter"),
        ("text_portfolio.gone_after=0", "gone_after"),
    ],
)
def test_wrong_values_of_the_portfolio_are_refused(word: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        portfolio_settings(settings_of(tmp_path, word))


def test_every_stage_of_the_text_factor_is_in_the_pipeline_once() -> None:
    order = list(STAGES)
    assert order.index("text") < order.index("scores") < order.index("text_portfolio") < order.index("report")


@pytest.mark.slow
def test_the_text_factor_is_a_part_of_the_score_of_a_whole_run(tmp_path: Path) -> None:
    names = ["simulate", "features", "train", "text", "scores", "evaluate", "rotate", "industry"]
    names += ["text_portfolio", "report"]
    run_stages(tmp_path, names, "experiment=text")
    scores = pd.read_parquet(tmp_path / "scores" / "scores.parquet")
    assert 0.1 < scores["text"].notna().mean() < 1.0
    by_hand = (scores["hf"].fillna(0) + 3 * scores["lf"] + scores["text"].fillna(0)) / 5
    np.testing.assert_allclose(scores["score"], by_hand, rtol=0, atol=1e-12)
    summary = pd.read_csv(tmp_path / "evaluate" / "summary.csv")
    assert "text" in set(summary["score"])
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert '<section id="text">' in page
    assert "published: BERT, to 2025-03-14" in page
