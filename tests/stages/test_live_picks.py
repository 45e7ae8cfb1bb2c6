"""A day's picks are those of the whole rotation; between two signals they are a preview of the coming one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import settings_of

from fusion_factor.core.errors import DataError
from fusion_factor.live.table import LiveTable
from fusion_factor.pipeline import run_daily
from fusion_factor.stages.live_inputs import LiveInputs
from fusion_factor.stages.live_picks import picks_of, scores_until, signals_until
from fusion_factor.stages.rotate_inputs import known_parameters
from fusion_factor.stages.stage import Workspace

pytestmark = pytest.mark.slow

STRATEGIES = ("theme", "concept", "industry")


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """The artifacts of the tiny run, and room for live files."""
    for name in ("market", "features", "train", "scores", "rotate"):
        (tmp_path / name).symlink_to(tiny_run / name)
    return tmp_path


def picks(root: Path, *words: str) -> None:
    run_daily("picks", settings_of(root, *words), Workspace(root))


def test_on_a_signal_session_the_list_is_that_of_the_rotation(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = "2022-12-30"
    picks(copy, f"live.date={day}")
    shown = capsys.readouterr().out
    folder = copy / "live" / "picks" / day
    about = json.loads((folder / "picks.json").read_text())
    for name in STRATEGIES:
        signals = pd.read_csv(copy / "rotate" / name / "signals.csv", dtype={"code": str})
        wanted = signals[(signals["signal"] == day) & (signals["eligible"] == 1)].sort_values("rank")
        made = pd.read_csv(folder / f"{name}.csv", dtype={"code": str})
        assert made["code"].tolist() == wanted["code"].tolist()
        np.testing.assert_array_equal(made[["rank", "picked", "score"]], wanted[["rank", "picked", "score"]])
        trades = pd.read_csv(copy / "rotate" / name / "trades.csv", dtype={"code": str})
        mine = pd.read_csv(folder / f"{name}_trades.csv", dtype={"code": str})
        pd.testing.assert_frame_equal(mine, trades.drop(columns=["signal", "execution"]), check_exact=True)
        assert about["strategies"][name]["kind"] == "signal"
        assert about["strategies"][name]["execution"] == "2023-01-03", "the exchange's next session"
        assert f"{name}: signal of {day}, to be traded on 2023-01-03" in shown


def test_an_earlier_day_is_as_it_was_then(copy: Path) -> None:
    """Neither later scores nor later prices nor later memberships move the list of 2022-12-09, a signal session."""
    inputs = LiveInputs.of(settings_of(copy), Workspace(copy))
    day = np.datetime64("2022-12-09")
    for name in STRATEGIES:
        given = inputs.settings.raw["rotate"]["strategies"][name]
        when = signals_until(inputs.market, known_parameters(given), day)
        assert when.is_signal
        scores = scores_until(inputs, when, known_parameters(given), day, "score")
        assert scores["date"].max() == pd.Timestamp(day)
        made = picks_of(name, given, inputs.market, scores, when, day, None)
        signals = pd.read_csv(copy / "rotate" / name / "signals.csv", dtype={"code": str})
        wanted = signals[(signals["signal"] == str(day)) & (signals["picked"] == 1)].sort_values("rank")
        assert made.table.loc[made.table["picked"] == 1, "code"].tolist() == wanted["code"].tolist()
        held = made.trades.loc[made.trades["held"] > 0, "code"].tolist()
        before = signals[(signals["signal"] == "2022-12-02") & (signals["picked"] == 1)]
        assert held == sorted(before["code"]), "what the week before picked"


def test_between_two_signals_the_list_is_a_marked_preview(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picks(copy, "live.date=2022-12-28")
    shown = capsys.readouterr().out
    assert "theme: PREVIEW as of 2022-12-28, no signal session; the coming signal is 2022-12-30" in shown
    about = json.loads((copy / "live" / "picks" / "2022-12-28" / "picks.json").read_text())
    assert about["strategies"]["theme"] == {
        "kind": "preview", "signal": "2022-12-30", "execution": "2023-01-03", "holdings": "simulated",
    }  # fmt: skip
    made = pd.read_csv(copy / "live" / "picks" / "2022-12-28" / "theme.csv")
    assert made["picked"].sum() == 2
    assert made["rank"].tolist() == list(range(1, len(made) + 1))


def test_own_holdings_give_trades_in_money(copy: Path, tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    path.write_text("strategy,code,units\ntheme,TH002,100\ntheme,CASH,5000\n")
    picks(copy, "live.date=2022-12-30", f"live.holdings={path}")
    folder = copy / "live" / "picks" / "2022-12-30"
    made = pd.read_csv(folder / "theme_trades.csv").set_index("code")
    prices = pd.read_parquet(copy / "market" / "pools" / "theme" / "index_prices.parquet")
    prices = prices.assign(date=prices["date"].astype(str))
    last = prices[(prices["code"] == "TH002") & (prices["date"] == "2022-12-30")]["close"].iloc[0]
    picked = pd.read_csv(folder / "theme.csv").query("picked == 1")["code"].tolist()
    assert made.loc["TH002", "held"] == pytest.approx(100 * last)
    assert "TH002" not in picked
    assert made.loc["TH002", "units"] == pytest.approx(-100)
    total = 100 * last + 5000
    assert made.loc[picked, "target"].sum() + made["cost"].sum() == pytest.approx(total)
    assert made["cost"].sum() == pytest.approx(0.0002 * made["trade"].abs().sum(), rel=1e-3)
    about = json.loads((folder / "picks.json").read_text())
    assert {name: each["holdings"] for name, each in about["strategies"].items()} == {
        "theme": "yours", "concept": "simulated", "industry": "simulated",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,units\nTH002,1\n", "column strategy is missing"),
        ("strategy,code,units\ntheme,TH002,many\n", "units of TH002 are 'many', not a number"),
        ("strategy,code,units\ntheme,TH002,-1\n", "must be finite and >= 0"),
        ("strategy,code,units\ntheme,TH002,1\ntheme,TH002,2\n", "TH002 of theme is there twice"),
        ("strategy,code,units\nthema,TH002,1\n", "strategy 'thema' is none of theme, concept, industry"),
        ("strategy,code,units\ntheme,XX,1\n", "XX is no code of the pool theme"),
        ("strategy,code\n", "column units is missing"),
    ],
)
def test_holdings_that_cannot_be_read_are_refused(copy: Path, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "held.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        picks(copy, "live.date=2022-12-30", f"live.holdings={path}")
    assert not (copy / "live").exists()


def test_live_scores_follow_those_of_the_run(copy: Path, tiny_run: Path) -> None:
    """A run that ended earlier, continued by live days, picks what the longer run picks."""
    whole = pd.read_parquet(tiny_run / "scores" / "scores.parquet")
    whole = whole.assign(date=pd.to_datetime(whole["date"]))
    (copy / "scores").unlink()
    (copy / "scores").mkdir()
    early = whole[whole["date"] <= "2022-12-14"]
    early.to_parquet(copy / "scores" / "scores.parquet", index=False)
    (copy / "scores" / "manifest.json").write_text((tiny_run / "scores" / "manifest.json").read_text())
    with pytest.raises(DataError, match="scores of 2022-12-30: there are none"):
        picks(copy, "live.date=2022-12-30")
    table = LiveTable(copy / "live")
    for day, rows in whole[whole["date"] > "2022-12-14"].groupby("date"):
        table.add(np.datetime64(day, "D"), rows, {}, {"date": str(day)})
    picks(copy, "live.date=2022-12-30")
    for name in STRATEGIES:
        mine = pd.read_csv(copy / "live" / "picks" / "2022-12-30" / f"{name}_trades.csv", dtype={"code": str})
        trades = pd.read_csv(tiny_run / "rotate" / name / "trades.csv", dtype={"code": str})
        pd.testing.assert_frame_equal(mine, trades.drop(columns=["signal", "execution"]), check_exact=True)
