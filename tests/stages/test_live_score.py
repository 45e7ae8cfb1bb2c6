"""A day's scores are the same to the bit, whether live, in a run that goes on beyond the day, or from scratch."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from chain import cut_market, run_stages, settings_of

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.market.window import MarketWindow
from fusion_factor.pipeline import run_daily
from fusion_factor.stages.live_inputs import LiveInputs
from fusion_factor.stages.live_score import score_day
from fusion_factor.stages.stage import Workspace

pytestmark = pytest.mark.slow

CUT = "2022-12-15"
LEARNED = "scores.also=[ic,icir,stack]", "scores.fuse.window_sessions=8"
DAYS = (
    "2022-11-01", "2022-11-02", "2022-11-09", "2022-11-18", "2022-11-30", "2022-12-01", "2022-12-06", "2022-12-14",
    CUT, "2022-12-16", "2022-12-22", "2022-12-30",
)  # fmt: skip


def live(root: Path, *overrides: str) -> LiveInputs:
    return LiveInputs.of(settings_of(root, *overrides), Workspace(root))


def weights_of(root: Path) -> str:
    """The words that have a run score with the weights of another one."""
    return f"train.checkpoints={root / 'train' / 'checkpoints'}"


def rows_of(path: Path, day: str) -> pd.DataFrame:
    """The rows of one date of a score table."""
    frame = pd.read_parquet(path)
    frame = frame.assign(date=pd.to_datetime(frame["date"]))
    return frame[frame["date"] == day].reset_index(drop=True)


def assert_same(made: pd.DataFrame, wanted: pd.DataFrame) -> None:
    made = made.assign(date=pd.to_datetime(made["date"]).astype("datetime64[s]"))
    wanted = wanted.assign(date=wanted["date"].astype("datetime64[s]"))
    assert len(wanted) > 50
    pd.testing.assert_frame_equal(made, wanted, check_exact=True)


@pytest.fixture(scope="module")
def scratch(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from scratch on a market that ends at CUT, with the weights of the longer run."""
    root = tmp_path_factory.mktemp("scratch")
    cut_market(tiny_run / "market", root / "market", CUT)
    run_stages(root, ("features", "train", "scores"), weights_of(tiny_run), *LEARNED)
    return root


def test_live_equals_the_run_that_goes_on_beyond_the_day(tiny_run: Path) -> None:
    inputs = live(tiny_run)
    for day in DAYS:
        made = score_day(inputs, np.datetime64(day))
        assert_same(made.scores, rows_of(tiny_run / "scores" / "scores.parquet", day))
        for name, frame in made.predictions.items():
            wanted = rows_of(tiny_run / "train" / "predictions" / f"{name}.parquet", day)
            pd.testing.assert_frame_equal(frame, wanted, check_exact=True, check_dtype=False)


def test_from_scratch_equals_the_longer_run(tiny_run: Path, scratch: Path) -> None:
    ours, theirs = (pd.read_parquet(root / "scores" / "scores.parquet") for root in (scratch, tiny_run))
    theirs = theirs[pd.to_datetime(theirs["date"]) <= CUT].reset_index(drop=True)
    assert theirs["date"].nunique() > 30
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_live_on_a_market_that_ends_today_equals_both(tiny_run: Path, scratch: Path) -> None:
    inputs = live(scratch, weights_of(tiny_run), *LEARNED)
    assert str(inputs.day) == CUT
    assert_same(score_day(inputs, inputs.day).scores, rows_of(tiny_run / "scores" / "scores.parquet", CUT))


@pytest.mark.parametrize("method", ["ic", "icir", "stack"])
def test_learned_weights_equal_those_of_a_run(tiny_run: Path, scratch: Path, tmp_path: Path, method: str) -> None:
    """The artifacts but the scores themselves, which were made by another method and need not be there."""
    for name in ("market", "features", "train"):
        (tmp_path / name).symlink_to(scratch / name)
    given = weights_of(tiny_run), f"scores.fuse.method={method}", "scores.fuse.window_sessions=8"
    inputs = live(tmp_path, *given)
    for day in ("2022-11-21", "2022-12-08", CUT):
        made = score_day(inputs, np.datetime64(day)).scores
        wanted = rows_of(scratch / "scores" / "others" / f"fused_{method}.parquet", day)
        assert_same(made[["date", "symbol", "score"]], wanted)


def test_a_mapped_market_takes_another_way_to_the_same_rows(tiny_run: Path) -> None:
    """Markets that hold their prices in memory are sliced, stored ones are read in part."""
    market = live(tiny_run).market
    for day in ("2022-11-01", CUT):
        read, sliced = (MarketWindow(market, np.datetime64(day), 100) for _ in range(2))
        sliced._made = sliced._sliced_prices()
        kept = np.isin(sliced.symbols, read.symbols)  # delisted long ago: no row in the window
        for name in ("close", "adj_factor", "volume", "pre_close"):
            rows = slice(read.first_row, None)  # what was carried into the window is only read where it is needed
            np.testing.assert_array_equal(read.dense(name)[rows], sliced.dense(name)[rows, kept], name)


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A run whose market may be changed; the rest is the tiny run's."""
    root = tmp_path / "run"
    root.mkdir()
    for name in ("features", "train", "scores"):
        (root / name).symlink_to(tiny_run / name)
    shutil.copytree(tiny_run / "market", root / "market")
    return root


def command(root: Path, *overrides: str) -> None:
    run_daily("score", settings_of(root, *overrides), Workspace(root))


def test_twice_is_once_and_other_numbers_are_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = "live.date=2022-12-22"
    command(copy, day)
    path = copy / "live" / "scores" / "2022-12-22.parquet"
    first = path.read_bytes()
    assert (
        pq.read_schema(path).remove_metadata() == pq.read_schema(copy / "scores" / "scores.parquet").remove_metadata()
    ), "the same schema"
    command(copy, day)
    assert path.read_bytes() == first
    assert "already there with the same numbers" in capsys.readouterr().out
    change_price(copy, "2022-12-21", 1.01)
    with pytest.raises(DataError, match=r"live scores of 2022-12-22: .* holds other numbers: \d+ of \d+ in"):
        command(copy, day)
    assert path.read_bytes() == first
    about = live(copy).table.about(np.datetime64("2022-12-22"))
    assert {each["network"] for each in about["weights"]} == {"hf", "lf"}
    assert all(each["first_use"] == "2022-12-01" for each in about["weights"])


def change_price(root: Path, day: str, factor: float) -> None:
    path = root / "market" / "stock_prices.parquet"
    frame = pd.read_parquet(path)
    rows = pd.to_datetime(frame["date"]) == day
    for name in ("open", "high", "low", "close"):
        frame.loc[rows, name] *= np.where(np.arange(rows.sum()) % 2, factor, 1.0)
    frame.to_parquet(path, index=False)


def test_a_crash_before_the_last_rename_leaves_the_day_undone(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fusion_factor.live import table

    real = table.write_file

    def write(path: Path, content: bytes) -> None:
        if path.parent.name == "scores" and path.suffix == ".parquet":
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(table, "write_file", write)
    with pytest.raises(DataError, match="No space left"):
        command(copy, "live.date=2022-12-22")
    assert live(copy).table.days == []
    monkeypatch.undo()
    command(copy, "live.date=2022-12-22")
    assert [str(day) for day in live(copy).table.days] == ["2022-12-22"]


def test_what_is_not_there_is_refused(copy: Path) -> None:
    with pytest.raises(DataError, match="2022-12-24 is not a session of the market"):
        command(copy, "live.date=2022-12-24")
    with pytest.raises(ConfigError, match="none of network hf, seed 0 with a first use on or before 2022-10-31"):
        command(copy, "live.date=2022-10-31")
    with pytest.raises(ConfigError, match=r"first used on 2022-12-01, 29 days before 2022-12-30.*is 20"):
        command(copy, "live.max_model_age_days=20")
    with pytest.raises(ConfigError, match=r"features\.mad_k: 3\.0 there, 4\.0 asked"):
        command(copy, "features.mad_k=4.0")
    with pytest.raises(ConfigError, match="neither latest nor a date"):
        command(copy, "live.date=tomorrow")
    assert not (copy / "live").exists()


def test_missing_and_incomplete_bars_are_refused(copy: Path) -> None:
    path = copy / "market" / "bars" / "2022-12-30.parquet"
    whole = pq.read_table(path)
    symbols = whole["symbol"].to_pylist()
    bar = whole["bar"].to_numpy()
    few = sorted(set(symbols))[:30]
    pq.write_table(whole.filter(np.isin(np.array(symbols), few)), path, use_dictionary=["symbol"])
    with pytest.raises(DataError, match=r"bars of 2022-12-30: incomplete, \d+ symbols with factors, .* limit is 90"):
        command(copy)
    morning = whole
    for name in ("volume", "amount"):
        place = whole.schema.get_field_index(name)
        values = np.where(bar < 120, whole[name].to_numpy(), 0)
        morning = morning.set_column(place, whole.schema.field(name), [values])
    pq.write_table(morning, path, use_dictionary=["symbol"])
    with pytest.raises(DataError, match=r"bars of 2022-12-30: incomplete, 0\.0% of \d+ symbols"):
        command(copy)
    path.unlink()
    with pytest.raises(DataError, match=r"bars of 2022-12-30: missing \(the last session with bars is 2022-12-29\)"):
        command(copy)
    prices = copy / "market" / "stock_prices.parquet"
    frame = pd.read_parquet(prices)
    today = pd.to_datetime(frame["date"]) == "2022-12-30"
    frame[~today | (frame["symbol"] < "3")].to_parquet(prices, index=False)
    with pytest.raises(DataError, match=r"daily prices of 2022-12-30: incomplete, \d+ symbols with a close"):
        command(copy)
    assert not (copy / "live").exists()
