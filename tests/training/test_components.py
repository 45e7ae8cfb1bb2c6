"""Classes found by name: what is accepted and what is refused, in one line."""

import pytest
from torch import nn

from fusion_factor.core.errors import ConfigError
from fusion_factor.networks import HighFrequencyNet
from fusion_factor.training.components import build, class_paths
from fusion_factor.training.settings import NetworkSettings


def test_builds_with_the_arguments_of_the_mapping() -> None:
    network = build({"_target_": "fusion_factor.networks.HighFrequencyNet", "hidden": 5}, nn.Module)
    assert isinstance(network, HighFrequencyNet)
    assert network.gru.hidden_size == 5


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"_target_": "fusion_factor.networks.NoSuchNet"}, "NoSuchNet"),
        ({"_target_": "no_such_module.Net"}, "no_such_module"),
        ({"_target_": "Net"}, "cannot be imported"),
        ({"_target_": "os.system"}, "must be a class derived from Module"),
        ({"_target_": "pathlib.Path"}, "must be a class derived from Module"),
        ({"_target_": "fusion_factor.networks.HighFrequencyNet", "hiden": 5}, "hiden"),
    ],
)
def test_refuses_what_is_not_there_or_does_not_fit(spec: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(spec, nn.Module)


def test_a_value_that_a_class_refuses_is_an_error_of_the_config() -> None:
    with pytest.raises(ConfigError, match=r"HighFrequencyNet: encoder is 'grru', must be one of gru, lstm"):
        build({"_target_": "fusion_factor.networks.HighFrequencyNet", "encoder": "grru"}, nn.Module)


def test_paths_of_all_classes_of_a_mapping_are_found() -> None:
    spec = {"_target_": "a.Net", "encoder": "gru", "high": {"encoder": "my.Encoder", "note": "not.a.class"}}
    assert list(class_paths(spec)) == ["a.Net", "my.Encoder"]


def test_a_network_needs_its_three_parts() -> None:
    with pytest.raises(ConfigError, match="network mine: inputs"):
        NetworkSettings("mine", {"_target_": "x.Y"}, {})
    with pytest.raises(ConfigError, match="network name is 'a/b'"):
        NetworkSettings("a/b", {"_target_": "x.Y"}, {"_target_": "x.Y"})
