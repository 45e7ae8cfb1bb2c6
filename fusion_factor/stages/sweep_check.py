"""A sweep is refused as a whole before its first job runs, if any of its jobs would be."""

import itertools
from collections.abc import Iterator, Sequence

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from fusion_factor.stages.settings import read_settings
from fusion_factor.stages.settings_folder import conf_folder

CHECKED_JOBS = 1000
"""A larger sweep is checked as far as this; composing one job takes some 40 ms."""


def check_sweep(words: Sequence[str]) -> None:
    """Compose every job of a sweep and build its typed settings. Raises the first job's error."""
    from fusion_factor.pipeline import check_settings

    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        for overrides in itertools.islice(jobs(words), CHECKED_JOBS):
            check_settings(read_settings(compose("config", overrides)))


def jobs(words: Sequence[str]) -> Iterator[list[str]]:
    """The overrides of each job: one of every choice, as Hydra's own sweeper combines them.

    >>> list(jobs(["seed=0,1", "name=a"]))
    [['seed=0', 'name=a'], ['seed=1', 'name=a']]
    """
    choices = []
    for override in OverridesParser.create().parse_overrides(list(words)):
        if override.is_sweep_override():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            choices.append([str(override.input_line)])
    return (list(combination) for combination in itertools.product(*choices))
