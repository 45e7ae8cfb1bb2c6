"""The configuration's values are the catalogue's own, and what is wrong in it is refused by name."""

import numpy as np
import pytest
from omegaconf import OmegaConf

from fusion_factor.core.errors import ConfigError
from fusion_factor.quality import CHECKS, CheckSettings, QualitySettings
from fusion_factor.quality.flaws import spells
from fusion_factor.stages.check import quality_settings
from fusion_factor.stages.settings_folder import conf_folder


def test_the_shipped_configuration_is_the_default():
    node = OmegaConf.to_container(OmegaConf.load(conf_folder() / "quality" / "default.yaml"))
    settings = quality_settings(node)
    assert settings.resolved(CHECKS) == QualitySettings().resolved(CHECKS)
    assert {**vars(settings), "checks": {}} == vars(QualitySettings())
    assert list(node["checks"]) == list(CHECKS)


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ({"jumps": CheckSettings()}, "jumps: is no check"),
        ({"jump": CheckSettings("fatal")}, "jump.severity: 'fatal'"),
        ({"jump": CheckSettings("error", -1)}, "jump.limit"),
        ({"jump": CheckSettings("error", float("nan"))}, "jump.limit"),
        ({"jump": CheckSettings("error", 0, 1.5)}, "jump.allowed"),
    ],
)
def test_wrong_checks_are_refused(checks, told):
    with pytest.raises(ConfigError, match=told):
        QualitySettings(checks=checks).resolved(CHECKS)


def test_spells_are_those_of_a_plain_loop():
    mask = np.random.default_rng(3).random((40, 7)) < 0.6
    wanted = []
    for n in range(7):
        t = 0
        while t < 40:
            length = 0
            while t + length < 40 and mask[t + length, n]:
                length += 1
            if length:
                wanted.append((t, n, length))
            t += length + 1
    assert list(zip(*[part.tolist() for part in spells(mask)], strict=True)) == wanted
