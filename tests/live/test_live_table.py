"""A day is written once; the same numbers are welcome again, others are refused with the first that differs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.live import LiveTable, newest_weights, rows_read
from fusion_factor.training.checkpoints import Checkpoint

DAY = np.datetime64("2024-01-05")


def scores(**changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"date": pd.Timestamp("2024-01-05"), "symbol": ["000001.SZ", "600519.SH"], "hf": [np.nan, 0.5],
         "score": [0.25, -0.1], "fold": [3, 3]}
    )  # fmt: skip
    return frame.assign(**changes)


@pytest.fixture
def table(tmp_path: Path) -> LiveTable:
    made = LiveTable(tmp_path / "live")
    assert made.add(DAY, scores(), {"hf": scores()[["date", "symbol", "hf"]]}, {"weights": [1]})
    return made


def test_a_day_comes_back_as_it_was_written(table: LiveTable) -> None:
    assert table.days == [DAY]
    pd.testing.assert_frame_equal(table.scores(DAY), scores(), check_dtype=False, check_exact=True)
    assert table.about(DAY) == {"weights": [1]}
    assert len(table.predictions("hf", DAY, DAY)[0]) == 2
    kinds = {field.name: str(field.type) for field in pq.read_schema(table.folder / "scores" / "2024-01-05.parquet")}
    assert kinds["date"] == "date32[day]"
    assert not list(table.folder.rglob(".*")), "nothing temporary is left"


def test_the_same_numbers_again_change_nothing(table: LiveTable) -> None:
    path = table.folder / "scores" / "2024-01-05.parquet"
    before = path.stat().st_mtime_ns
    shuffled = scores().iloc[::-1]
    assert not table.add(DAY, shuffled, {}, {})
    assert path.stat().st_mtime_ns == before
    assert table.about(DAY) == {"weights": [1]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": [0.25, np.nextafter(-0.1, 0)]}, r"1 of 2 in score, the first 600519\.SH: .*-0\.1.* there"),
        ({"hf": [0.0, 0.5]}, "1 of 2 in hf, the first 000001.SZ"),
        ({"symbol": ["000001.SZ", "600520.SH"]}, r"symbols \(1 gone, 1 new, 600519\.SH\)"),
        ({"lf": 1.0}, "other columns"),
    ],
)
def test_other_numbers_are_refused(table: LiveTable, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table.add(DAY, scores(**changes), {}, {})
    pd.testing.assert_frame_equal(table.scores(DAY), scores(), check_dtype=False)


def test_a_damaged_day_is_named(table: LiveTable) -> None:
    path = table.folder / "scores" / "2024-01-05.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"live scores of 2024-01-05: .* cannot be read"):
        table.scores(DAY)
    path.with_suffix(".json").write_text("[")
    with pytest.raises(DataError, match="cannot be read"):
        table.about(DAY)
    (table.folder / "predictions" / "hf" / "2024-01-05.parquet").unlink()
    with pytest.raises(DataError, match="is not there, but its scores are"):
        table.predictions("hf", DAY, DAY)


def weights(folder: Path, network: str, fold: int, seed: int, first_use: str) -> None:
    inputs = {"_target_": "fusion_factor.training.HighFrequencyInputs", "window_sessions": 50}
    about = {"network": {"name": network, "inputs": inputs}, "first_use": first_use, "fold": fold, "seed": seed}
    Checkpoint({}, about).write(folder / network / f"fold{fold:02d}_seed{seed}.ckpt")


def test_the_newest_weights_before_the_day(tmp_path: Path) -> None:
    for fold, first_use in enumerate(("2023-01-03", "2023-07-03", "2024-01-02")):
        for seed in (0, 1):
            weights(tmp_path, "hf", fold, seed, first_use)
    weights(tmp_path, "hf", 0, 10, "2024-01-01")  # another seed, whose name ends alike
    found = newest_weights(tmp_path, ["hf"], [0, 1], np.datetime64("2024-01-01"))
    assert [(each.seed, str(each.first_use), each.fold) for each in found] == [
        (0, "2023-07-03", 1), (1, "2023-07-03", 1),
    ]  # fmt: skip
    assert newest_weights(tmp_path, ["hf"], [0], np.datetime64("2024-01-02"))[0].fold == 2
    with pytest.raises(ConfigError, match=r"or before 2023-01-02 \(the earliest: 2023-01-03"):
        newest_weights(tmp_path, ["hf"], [0], np.datetime64("2023-01-02"))
    weights(tmp_path, "hf", 3, 0, "2024-07-01")
    with pytest.raises(ConfigError, match="finish the training first"):
        newest_weights(tmp_path, ["hf"], [0, 1], np.datetime64("2024-08-01"))


def test_how_far_back_networks_read(tmp_path: Path) -> None:
    from fusion_factor.features import FeatureConfig

    weights(tmp_path, "hf", 0, 0, "2023-01-03")
    found = newest_weights(tmp_path, ["hf"], [0], np.datetime64("2023-01-03"))
    assert rows_read(found, FeatureConfig()) == (50, 260)
    long = FeatureConfig(min_listed=250)
    assert rows_read(found, long) == (50, 50 + 39 + 250), "who is listed long enough is asked at the oldest row"
    inputs = {"_target_": "fusion_factor.training.LowFrequencyInputs", "monthly_bars": 20}
    about = {**found[0].checkpoint.about, "network": {"name": "lf", "inputs": inputs}}
    found[0].checkpoint.__dict__["about"] = about
    assert rows_read(found, FeatureConfig()) == (1, 21 * 20)
