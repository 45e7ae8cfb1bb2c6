"""The shipped weights are what their README says: files, fingerprints, networks, and the fold they were fitted for."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from fusion_factor.core.artifacts import fingerprint
from fusion_factor.training.checkpoints import Checkpoint
from fusion_factor.training.components import find_class
from fusion_factor.training.scoring import load_network

FOLDER = Path(__file__).parents[1] / "checkpoints"
FILES = sorted(FOLDER.glob("*/*.ckpt"))
PARAMETERS = {"hf": 5401, "lf": 3693}


def filled(spec):
    """The arguments of a network with what it takes for those that are left out."""
    arguments = {key: value for key, value in spec.items() if key != "_target_"}
    bound = inspect.signature(find_class(spec["_target_"], torch.nn.Module)).bind(**arguments)
    bound.apply_defaults()
    return {key: list(value) if isinstance(value, tuple) else value or None for key, value in bound.arguments.items()}


@pytest.fixture(scope="module")
def config():
    with initialize_config_dir(str(FOLDER.parent / "conf"), version_base="1.3"):
        return compose("config")


def test_every_network_and_seed_is_there_and_nothing_else(config):
    wanted = {f"{name}/fold00_seed{seed}.ckpt" for name in config.networks for seed in config.train.seeds}
    assert {path.relative_to(FOLDER).as_posix() for path in FILES} == wanted
    assert sum(path.stat().st_size for path in FILES) < 600_000


def test_the_readme_lists_each_file_with_its_fingerprint():
    listed = dict(re.findall(r"\| `([^`]+\.ckpt)` \| `([0-9a-f]{16})` \|", (FOLDER / "README.md").read_text()))
    assert listed == {path.relative_to(FOLDER).as_posix(): fingerprint(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_weights_are_plain_tensors_of_the_default_networks(path, config):
    checkpoint = Checkpoint.read(path)
    name = path.parent.name
    network = checkpoint.about["network"]
    assert network["name"] == name
    assert filled(network["network"]) == filled(OmegaConf.to_container(config.networks[name].network))
    assert checkpoint.about["first_use"] == config.train.folds.first_use
    load_network(checkpoint)
    weights = [value for key, value in checkpoint.weights.items() if "running" not in key and "num_batches" not in key]
    assert sum(value.numel() for value in weights) == PARAMETERS[name]
    assert all(torch.isfinite(value).all() for value in weights)
