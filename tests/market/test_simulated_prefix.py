"""The same config gives the same bytes; a later end gives the same past; a wrong config is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fusion_factor.core.errors import ConfigError
from fusion_factor.market import StoredMarket
from fusion_factor.market.simulated import SimulationConfig, sessions_of, simulate

SMALL = {"n_stocks": 40, "start": "2022-01-04", "bars_from": "2022-05-20", "seed": 9}
COUNTS = {"n_themes": 4, "n_concepts": 2, "n_industries": 3}
CUT = "2022-06-10"


def made(folder: Path, **changes: object) -> StoredMarket:
    folder.mkdir()
    values = {"end": CUT, **SMALL, **COUNTS, **changes}
    simulate(SimulationConfig(**values), folder)  # type: ignore[arg-type]
    return StoredMarket(folder)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> StoredMarket:
    return made(tmp_path_factory.mktemp("base") / "market")


def test_same_config_same_bytes_whatever_the_threads(
    market: StoredMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    again = made(tmp_path / "again")
    files = sorted(p.relative_to(market.folder) for p in market.folder.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again.folder) for p in again.folder.rglob("*") if p.is_file())
    for file in files:
        assert (market.folder / file).read_bytes() == (again.folder / file).read_bytes(), file
    assert again.fingerprint() == market.fingerprint()
    other = made(tmp_path / "other", seed=10)
    assert other.fingerprint() != market.fingerprint()


def test_a_later_end_has_the_same_past(market: StoredMarket, tmp_path: Path) -> None:
    longer = made(tmp_path / "longer", end="2022-07-08")
    assert len(longer.sessions) > len(market.sessions)
    for file in sorted((market.folder / "bars").iterdir()):
        assert file.read_bytes() == (longer.folder / "bars" / file.name).read_bytes(), file.name
    cut = pd.Timestamp(CUT)
    for name, dated in {
        "stock_prices": "date",
        "caps": "date",
        "financials": "announce_date",
        "consensus": "date",
    }.items():
        table = longer.table(name)
        past = table[table[dated] <= cut].reset_index(drop=True)
        pd.testing.assert_frame_equal(past, market.table(name))
    assert market.truth is not None
    assert longer.truth is not None
    past = longer.truth.query("date <= @cut").reset_index(drop=True)
    pd.testing.assert_frame_equal(past, market.truth)
    for name in market.pools:
        ours, theirs = market.pool(name), longer.pool(name)
        past = theirs.index_prices.query("date <= @cut").reset_index(drop=True)
        pd.testing.assert_frame_equal(past, ours.index_prices)
        spells = theirs.members.query("in_date <= @cut").reset_index(drop=True)
        spells.loc[spells["out_date"] > cut, "out_date"] = pd.NaT
        pd.testing.assert_frame_equal(spells, ours.members)


def test_truth_ends_with_the_market(market: StoredMarket) -> None:
    truth = market.truth
    assert truth is not None
    last = truth[truth["date"] == pd.Timestamp(CUT)]
    traded = market.symbols[np.isfinite(market.dense("close")[-1])]
    assert sorted(last["symbol"]) == sorted(traded)
    assert truth["score"].abs().max() < 0.1


def test_progress_counts_sessions_and_bars(tmp_path: Path) -> None:
    seen: list[tuple[int, int, float]] = []
    config = SimulationConfig(n_stocks=20, start="2022-01-04", bars_from="2022-03-01", end="2022-03-01", n_industries=2)
    simulate(config, tmp_path, progress=lambda done, total, rate: seen.append((done, total, rate)))
    total = len(sessions_of(config))
    assert [done for done, *_ in seen] == list(range(1, total + 1))
    assert all(of == total and rate > 0 for _, of, rate in seen)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_stocks": 5}, "n_stocks is 5, must be an integer in 20"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
        ({"n_industries": 25}, "n_industries is 25, must be at most half"),
        ({"start": "2022-13-01"}, "start is '2022-13-01', must be a date"),
        ({"end": "2031-01-01"}, "end is 2031-01-01, must be in"),
        ({"bars_from": "2021-01-04"}, "must be in this order"),
    ],
)
def test_limits_of_the_config(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SimulationConfig(**({"end": CUT} | SMALL | COUNTS | changes))  # type: ignore[arg-type]


def test_unknown_names_and_short_spans_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown parameter stocks"):
        SimulationConfig.of({"stocks": 3})
    with pytest.raises(ConfigError, match="must have 30"):
        simulate(SimulationConfig(start="2022-01-04", end="2022-01-20", bars_from="2022-01-10"), tmp_path)
