"""`backtest case=FOLDER out=FOLDER`: work one case exactly. No manifest, never skipped, nothing written on an error."""

from collections.abc import Sequence

from fusion_factor.backtest.cases import CASE_KINDS as BACKTEST_KINDS
from fusion_factor.backtest.cases import run_case
from fusion_factor.core.errors import ConfigError
from fusion_factor.evaluation import CASE_KINDS as EVALUATION_KINDS
from fusion_factor.industry import CASE_KINDS as INDUSTRY_KINDS

_WORDS = ("case", "out")


def backtest_command(words: Sequence[str]) -> None:
    """Read the case, work it, write what its kind writes. Raises ConfigError for other words than case= and out=."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in _WORDS or not value:
            raise ConfigError(f"backtest: {word!r} is not case=FOLDER or out=FOLDER")
        if name in given:
            raise ConfigError(f"backtest: {name} is given twice, {given[name]!r} and {value!r}")
        given[name] = value
    for name in _WORDS:
        if name not in given:
            raise ConfigError(f"backtest: {name}=FOLDER is missing")
    run_case(given["case"], given["out"], {**BACKTEST_KINDS, **EVALUATION_KINDS, **INDUSTRY_KINDS})
