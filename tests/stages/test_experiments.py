"""Every experiment composes, alone and on other data; each published ablation and each word trains on a tiny market."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chain import run_stages
from hydra import compose, initialize_config_dir

from fusion_factor.core.errors import ConfigError
from fusion_factor.networks import ENCODERS
from fusion_factor.pipeline import check_settings
from fusion_factor.stages.settings import read_settings
from fusion_factor.stages.settings_folder import conf_folder

TASKS = {
    "lf_daily": {"lf": ["lf_daily"]},
    "lf_separate": {f"lf_{name}": [f"lf_{name}"] for name in ("daily", "weekly", "monthly")},
    "lf_unshared": {"lf": ["lf_daily", "lf_weekly", "lf_monthly"]},
    "joint": {"joint": ["hf", "lf_daily", "lf_weekly", "lf_monthly"]},
    "equal27": {"equal27": ["equal27"]},
    "icir27": {"icir27": ["icir27"]},
    "calendar_bars": {"hf": ["hf"], "lf": ["lf_daily", "lf_weekly", "lf_monthly"]},
    "uncertainty": {"hf": ["hf"], "lf": ["lf_daily", "lf_weekly", "lf_monthly"]},
    "dynamic_average": {"hf": ["hf"], "lf": ["lf_daily", "lf_weekly", "lf_monthly"]},
    "mixed_batches": {"hf": ["hf"], "lf": ["lf_daily", "lf_weekly", "lf_monthly"]},
}
"""Experiment to the prediction tables that it makes, and their columns."""


ALONE = ("lf_separate", "joint", "equal27", "icir27")
"""Those without the networks hf and lf: their score is made of other parts."""


def composed(*overrides: str):
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return read_settings(compose("config", list(overrides)))


@pytest.mark.parametrize("name", sorted(path.stem for path in (conf_folder() / "experiment").glob("*.yaml")))
def test_every_experiment_composes_to_settings_that_are_accepted(name: str) -> None:
    more = ["data.folder=."] if name.startswith("ashare") else []
    for words in ([], ["debug=tiny"]):
        check_settings(composed(f"experiment={name}", *words, *more))


@pytest.mark.parametrize("name", TASKS)
def test_an_ablation_can_be_made_on_the_real_sample(name: str) -> None:
    settings = composed(f"experiment=[ashare,{name}]", "data.folder=.")
    check_settings(settings)
    assert settings.raw["name"] == "ashare"
    wanted = {table for table in TASKS[name] if not table.endswith("27")}
    assert {network["name"] for network in settings.raw["networks"].values()} == wanted


def test_published_numbers_of_the_ablations() -> None:
    separate = composed("experiment=lf_separate").raw["networks"]
    assert [(each["network"]["frequencies"], each["inputs"]["frequencies"]) for each in separate.values()] == [
        ([name], [name]) for name in ("daily", "weekly", "monthly")
    ]
    assert composed("experiment=lf_unshared").raw["networks"]["lf"]["network"]["shared"] is False
    assert composed("experiment=joint").raw["networks"]["joint"]["loss"]["penalty"] == 0.01


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny market with its features."""
    root = tmp_path_factory.mktemp("experiments")
    run_stages(root, ["simulate", "features"])
    return root


def trained(market: Path, folder: Path, *words: str, stages: tuple[str, ...] = ("train",)) -> dict[str, pd.DataFrame]:
    """The prediction tables of a tiny run, made on the same market."""
    for name in ("market", "features"):
        (folder / name).symlink_to(market / name)
    run_stages(folder, stages, "train.fit.max_epochs=2", *words)
    return {path.stem: pd.read_parquet(path) for path in (folder / "train" / "predictions").glob("*.parquet")}


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_every_ablation_trains_and_scores(market: Path, tmp_path: Path, name: str) -> None:
    if name == "calendar_bars":
        (tmp_path / "market").symlink_to(market / "market")
        run_stages(tmp_path, ["features"], f"experiment={name}")
        run_stages(tmp_path, ["train"], f"experiment={name}")
        tables = {p.stem: pd.read_parquet(p) for p in (tmp_path / "train" / "predictions").glob("*.parquet")}
    else:
        stages = ("train", "scores") if name in ALONE else ("train",)
        tables = trained(market, tmp_path, f"experiment={name}", stages=stages)
    assert TASKS[name].keys() | {"ridge"} >= tables.keys() >= TASKS[name].keys()
    for table, tasks in TASKS[name].items():
        assert list(tables[table].columns[4:]) == tasks
        spread = tables[table].groupby(["date", "seed"])[tasks].std()
        assert float(spread.min().min()) > 0, "no session has one score for all"
        assert tables[table]["fold"].nunique() == 2
    if name in ALONE:
        scores = pd.read_parquet(tmp_path / "scores" / "scores.parquet")
        assert set(TASKS[name]) <= set(scores.columns)
        expected = scores[list(TASKS[name])].mean(axis=1)
        assert np.corrcoef(expected, scores["score"])[0, 1] > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("word", [word for word in ENCODERS if word != "gru"])
def test_networks_are_swapped_by_one_word(market: Path, tmp_path: Path, word: str) -> None:
    words = [f"networks.{name}.network.encoder={word}" for name in ("hf", "lf")]
    tables = trained(market, tmp_path, *words)
    for name in ("hf", "lf"):
        spread = tables[name].groupby(["date", "seed"])[list(tables[name].columns[4:])].std()
        assert float(spread.min().min()) > 0


OWN = '''
import torch
from torch import nn


class LastNet(nn.Module):
    """Reads the last step of the factors."""

    tasks = ("own",)

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(27, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, inputs):
        return self.layers(inputs[0][:, -1])
'''


@pytest.mark.slow
def test_a_network_of_ones_own_by_target(market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_network_of_a_user.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    target = "{_target_: own_network_of_a_user.LastNet, width: 5}"
    spec = f"{{name: mine, network: {target}, inputs: {{_target_: fusion_factor.training.HighFrequencyInputs}}}}"
    (tmp_path / "run").mkdir()
    tables = trained(market, tmp_path / "run", f"+networks.mine={spec}", "networks.lf=null", "networks.hf=null")
    assert list(tables["mine"].columns) == ["date", "symbol", "fold", "seed", "own"]


def test_an_unknown_word_is_refused_in_one_line(market: Path, tmp_path: Path) -> None:
    for name in ("market", "features"):
        (tmp_path / name).symlink_to(market / name)
    with pytest.raises(ConfigError, match="encoder is 'gruu', must be one of gru, lstm"):
        run_stages(tmp_path, ["train"], "networks.lf.network.encoder=gruu")
    words = ("networks.lf.network.frequencies=[daily]", "networks.lf.loss.weighting=uw")
    with pytest.raises(ConfigError, match=r"loss\.n_tasks is 3, must be its number of tasks \(1\)"):
        run_stages(tmp_path, ["train"], *words)
