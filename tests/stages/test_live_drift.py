"""Live days that look like the run pass; those that do not are named, and the command ends with status 3."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import TINY, settings_of

from fusion_factor.cli import main
from fusion_factor.core.errors import DataError, LimitCrossed
from fusion_factor.live.table import LiveTable
from fusion_factor.pipeline import run_daily
from fusion_factor.stages.stage import Workspace

pytestmark = pytest.mark.slow

LOOSE = ("live.drift.max_psi=null", "live.drift.min_dates=2", "live.drift.max_missing_increase=null")
FIRST = "2022-12-08"


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """The artifacts of the tiny run, whose December counts as live."""
    for name in ("market", "features", "train", "scores", "evaluate"):
        (tmp_path / name).symlink_to(tiny_run / name)
    fill(tmp_path, 1.0)
    return tmp_path


def fill(root: Path, scale: float, sign: float = 1.0) -> None:
    """Live days with the run's numbers; predictions scaled, scores turned."""
    scores = dated(root / "scores" / "scores.parquet")
    networks = {name: dated(root / "train" / "predictions" / f"{name}.parquet") for name in ("hf", "lf")}
    table = LiveTable(root / "live")
    for day, rows in scores[scores["date"] >= FIRST].groupby("date"):
        made = {}
        for name, frame in networks.items():
            part = frame[frame["date"] == day].copy()
            part.iloc[:, 4:] *= scale
            made[name] = part
        table.add(np.datetime64(day, "D"), rows.assign(score=sign * rows["score"]), made, {"date": str(day)})


def dated(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    return frame.assign(date=pd.to_datetime(frame["date"]))


def drift(root: Path, *words: str) -> dict[str, dict[str, object]]:
    """The checks by name; what is raised comes after they are written."""
    try:
        run_daily("drift", settings_of(root, *words), Workspace(root))
    finally:
        path = root / "live" / "drift.json"
        content = json.loads(path.read_text()) if path.is_file() else {"checks": []}
    return {each["name"].split()[0]: each for each in content["checks"]}


def test_days_like_the_run_cross_nothing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checks = drift(copy, *LOOSE)
    assert not any(each["crossed"] for each in checks.values())
    assert checks["model"]["value"] == 29.0
    assert checks["dispersion"]["value"] == pytest.approx(1.0, abs=0.5)
    evaluated = pd.read_csv(copy / "evaluate" / "fused" / "ic.csv").dropna()
    wanted = evaluated[evaluated["date"] >= FIRST]["rank_ic"].mean()
    assert checks["RankIC"]["value"] == pytest.approx(wanted, abs=1e-12), "the evaluation's own figure on these dates"
    page = (copy / "live" / "drift.html").read_text()
    assert "Drift of the live scores" in page
    assert "no limit is crossed" in page
    content = json.loads((copy / "live" / "drift.json").read_text())
    assert len(content["factors"]) == 27
    assert "ok" in capsys.readouterr().out


def test_what_moved_is_named(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(LimitCrossed, match=r"drift: 1 of \d+ limits crossed: PSI .* \(limit 1e-06\)"):
        drift(copy, *LOOSE, "live.drift.max_psi=1e-6")
    with pytest.raises(LimitCrossed, match=r"model age in days 29 \(limit 10\)"):
        drift(copy, *LOOSE, "live.max_model_age_days=10")


def test_turned_scores_and_flat_predictions_are_found(copy: Path) -> None:
    for path in (copy / "live" / "scores").iterdir():
        path.unlink()
    fill(copy, 0.1, -1.0)
    with pytest.raises(LimitCrossed) as found:
        drift(copy, *LOOSE)
    for name in ("RankIC", "dispersion hf", "dispersion lf"):
        assert name in str(found.value)
    checks = json.loads((copy / "live" / "drift.json").read_text())["checks"]
    values = {each["name"]: each["value"] for each in checks}
    assert values["dispersion hf"] == pytest.approx(0.1, rel=0.5)
    assert values["RankIC"] < 0


def test_the_exit_status_is_three(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY, f"root={copy}", *LOOSE, "live.max_model_age_days=10"]
    assert main(["drift", "date=2022-12-30", *words]) == 3
    assert "fusion-factor: drift: 1 of" in capsys.readouterr().err


def test_without_live_days_there_is_nothing_to_judge(copy: Path) -> None:
    with pytest.raises(DataError, match="there are no live scores up to 2022-11-30"):
        drift(copy, "live.date=2022-11-30")
