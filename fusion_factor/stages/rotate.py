"""`rotate`: the theme, concept and industry strategies on the fused score, through the one simulator."""

import logging
from pathlib import Path

from fusion_factor.core.errors import ConfigError
from fusion_factor.market.checks import check_pool
from fusion_factor.scores import read_scores
from fusion_factor.stages.markets import market_of
from fusion_factor.stages.rotate_files import write_strategy
from fusion_factor.stages.rotate_inputs import RotationInputs, check_strategy, known_parameters
from fusion_factor.stages.rotate_judgement import write_variants
from fusion_factor.stages.rotate_variants import check_variants
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Outcome, Stage, Workspace

log = logging.getLogger("fusion_factor")

_OPTIONS = ("score", "strategies", "variants", "combine")


def check(settings: Settings) -> None:
    """Refuse what `rotate` must not hold."""
    options = settings.raw["rotate"]
    for name in options:
        if name not in _OPTIONS:
            raise ConfigError(f"rotate.{name}: is no parameter (known: {', '.join(_OPTIONS)})")
    for name, given in options["strategies"].items():
        check_strategy(name, given)
        check_variants(known_parameters(given), options)


def work(settings: Settings, workspace: Workspace, folder: Path) -> Outcome:
    """Run every strategy of `rotate.strategies` whose pool the market has, and its variants beside it."""
    market = market_of(settings, workspace)
    options = settings.raw["rotate"]
    scores = read_scores(workspace.folder("scores") / "scores.parquet")
    scores = scores.assign(score=scores[options["score"]])[["date", "symbol", "score"]].dropna()
    rows, warnings = {}, {}
    for name, given in options["strategies"].items():
        if given["pool"] not in market.pools:
            log.warning("rotate: strategy %s left out, the market has no pool %s", name, given["pool"])
            warnings[f"{name}: no pool {given['pool']}"] = 1
            continue
        for warning in check_pool(market, given["pool"]):
            log.warning("%s", warning)
        inputs = RotationInputs(market, market.pool(given["pool"]), scores, given)
        result = inputs.data.run(**inputs.params)
        write_strategy(folder / name, result, inputs)
        write_variants(folder / name, result, inputs, options)
        rows[name] = int(result.metrics["executions"])
        if result.metrics["kept"]:
            warnings[f"{name}: signals without any eligible index"] = int(result.metrics["kept"])
        rows[f"{name}: blocked orders"] = len(result.blocked)
    if not rows:
        raise ConfigError(f"rotate.strategies: none of the pools is in the market (it has {', '.join(market.pools)})")
    return Outcome(rows=rows, warnings=warnings)


STAGE = Stage(
    name="rotate",
    purpose="rotating over the pools of indices",
    artifact="rotate",
    needs=("market", "scores"),
    config=("rotate", "data"),
    rooms=(
        "core",
        "market",
        "backtest",
        "evaluation",
        "stages/rotate_files.py",
        "stages/markets.py",
        "stages/rotate_inputs.py",
        "stages/rotate_judgement.py",
        "stages/rotate_variants.py",
    ),
    check=check,
    work=work,
    content=("*/*.csv", "*/*.json", "*/*.txt"),
)
