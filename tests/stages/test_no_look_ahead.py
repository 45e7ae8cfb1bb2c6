"""Everything after a session T is scrambled: no feature, universe, score, pick or NAV up to T moves, bit for bit."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chain import run_stages

from fusion_factor.features import FeatureSet

LAST = np.datetime64("2022-12-15")
STAGES = ("features", "train", "scores", "rotate")
PINNED = [f"rotate.strategies.{name}.end={LAST}" for name in ("theme", "concept", "industry")]
PINNED = [f"+{word}" for word in PINNED] + ["scores.also=[equal,ic,icir,stack]", "scores.fuse.window_sessions=8"]


def scramble(folder: Path, rng: np.random.Generator) -> None:
    """Replace whatever the market says of sessions after LAST."""
    scramble_prices(folder / "stock_prices.parquet", "symbol", rng)
    for pool in (folder / "pools").iterdir():
        scramble_prices(pool / "index_prices.parquet", "code", rng)
        scramble_spells(pool / "members.parquet", rng)
    for name in ("st", "industry"):
        scramble_spells(folder / f"{name}.parquet", rng)
    scramble_column(folder / "caps.parquet", "cap", rng)
    scramble_column(folder / "truth.parquet", "score", rng)
    stocks = pd.read_parquet(folder / "stocks.parquet")
    later = pd.to_datetime(stocks["delist_date"]) > LAST
    stocks["delist_date"] = stocks["delist_date"].where(~later, None)
    save(stocks, folder / "stocks.parquet")
    for path in (folder / "bars").glob("*.parquet"):
        if np.datetime64(path.stem) > LAST:
            scramble_bars(path, rng)


def save(frame: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, path)


def after(frame: pd.DataFrame, column: str = "date") -> np.ndarray:
    return (pd.to_datetime(frame[column]) > LAST).to_numpy()


def scramble_prices(path: Path, key: str, rng: np.random.Generator) -> None:
    frame = pd.read_parquet(path)
    rows = after(frame)
    noise = np.exp(rng.normal(0, 0.03, rows.sum()))
    for column in {"open", "high", "low", "close", "pre_close"} & set(frame.columns):
        frame.loc[rows, column] = np.round(frame.loc[rows, column].to_numpy(float) * noise, 2).clip(0.01)
    for column in {"volume", "amount"} & set(frame.columns):
        frame.loc[rows, column] = frame.loc[rows, column].to_numpy(float) * rng.integers(0, 3)
    assert rows.any(), f"{path.name} has rows after {LAST}, by {key}"
    save(frame, path)


def scramble_column(path: Path, column: str, rng: np.random.Generator) -> None:
    frame = pd.read_parquet(path)
    rows = after(frame)
    frame.loc[rows, column] = rng.permutation(frame.loc[rows, column].to_numpy())
    save(frame, path)


def scramble_spells(path: Path, rng: np.random.Generator) -> None:
    """Spells that begin later are gone; those that are running at LAST end at another later time, or never."""
    frame = pd.read_parquet(path)
    frame = frame[~after(frame, "in_date")].reset_index(drop=True)
    running = frame["out_date"].isna().to_numpy() | after(frame, "out_date")
    ends = pd.to_datetime(LAST) + pd.to_timedelta(rng.integers(1, 20, len(frame)), unit="D")
    frame["out_date"] = pd.to_datetime(frame["out_date"]).where(~running, pd.Series(ends))
    save(frame, path)


def scramble_bars(path: Path, rng: np.random.Generator) -> None:
    table = pq.read_table(path)
    order = rng.permutation(len(table))
    for name in ("open", "high", "low", "close", "volume", "amount"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), table.column(name).take(pa.array(order)))
    pq.write_table(table, path, use_dictionary=["symbol"])


@pytest.fixture(scope="module")
def both(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Roots of two runs that share the market up to LAST and nothing of it after."""
    roots = tuple(tmp_path_factory.mktemp(name) for name in ("true", "scrambled"))
    for root in roots:
        shutil.copytree(tiny_run / "market", root / "market")
    scramble(roots[1] / "market", np.random.default_rng(0))
    for root in roots:
        run_stages(root, STAGES, *PINNED)
    return roots


def known(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows up to LAST."""
    return frame[pd.to_datetime(frame[column]) <= LAST].reset_index(drop=True)


@pytest.mark.slow
def test_features_and_universe(both: tuple[Path, Path]) -> None:
    true, scrambled = (FeatureSet.load(root / "features") for root in both)
    rows = true.sessions <= LAST
    np.testing.assert_array_equal(true.sessions, scrambled.sessions)
    for name in ("has_hf", "has_lf"):
        np.testing.assert_array_equal(getattr(true, name)[rows], getattr(scrambled, name)[rows], name)
    for name in ("factors", "hf", "daily", "weekly", "monthly"):
        a, b = getattr(true, name), getattr(scrambled, name)
        np.testing.assert_array_equal(a.values[rows], b.values[rows], name)
        np.testing.assert_array_equal(a.valid[rows], b.valid[rows], name)
    settled = np.flatnonzero(rows)[: -true.reach]
    np.testing.assert_array_equal(true.label[settled], scrambled.label[settled])
    np.testing.assert_array_equal(true.has_label[settled], scrambled.has_label[settled])
    assert (true.daily.values[~rows] != scrambled.daily.values[~rows]).any(), "the scrambling scrambles"


@pytest.mark.slow
def test_predictions_and_scores(both: tuple[Path, Path]) -> None:
    for name in ("train/predictions/hf", "train/predictions/lf", "train/predictions/ridge", "scores/scores"):
        true, scrambled = (known(pd.read_parquet(root / f"{name}.parquet"), "date") for root in both)
        assert len(true) > 100
        pd.testing.assert_frame_equal(true, scrambled, check_exact=True)
    true, scrambled = (pd.read_parquet(root / "scores/scores.parquet")["score"] for root in both)
    assert not true.equals(scrambled), "scores after the cut move"


@pytest.mark.slow
def test_learned_weights_and_the_scores_they_make(both: tuple[Path, Path]) -> None:
    true, scrambled = (known(pd.read_parquet(root / "scores/weights.parquet"), "date") for root in both)
    pd.testing.assert_frame_equal(true, scrambled, check_exact=True)
    assert set(true["method"]) == {"fixed", "equal", "ic", "icir", "stack"}
    learned = true[true["label_until"].notna()]
    assert set(learned["method"]) == {"ic", "icir", "stack"}
    assert learned["weight"].nunique() > 10, "labels that ended before the cut have been learned from"
    for method in ("equal", "ic", "icir", "stack"):
        name = f"scores/others/fused_{method}.parquet"
        true, scrambled = (known(pd.read_parquet(root / name), "date") for root in both)
        pd.testing.assert_frame_equal(true, scrambled, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["theme", "concept", "industry"])
def test_index_scores_picks_and_nav(both: tuple[Path, Path], strategy: str) -> None:
    for name, column in (("signals", "signal"), ("holdings", "execution"), ("nav", "date")):
        true, scrambled = (known(pd.read_csv(root / "rotate" / strategy / f"{name}.csv"), column) for root in both)
        assert len(true)
        pd.testing.assert_frame_equal(true, scrambled, check_exact=True)
    true, scrambled = (pd.read_csv(root / "rotate" / strategy / "executions.csv") for root in both)
    done = pd.to_datetime(true["execution"]) <= LAST
    assert done.any()
    pd.testing.assert_frame_equal(true[done], scrambled[done], check_exact=True)
