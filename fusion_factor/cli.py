"""Words to stages: `fusion-factor STAGE [hydra overrides]`. Nothing heavy is imported before it is needed."""

import difflib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from fusion_factor.stages.stage import Workspace

STAGES = {
    "run": "all of the below in order; what is unchanged is skipped",
    "simulate": "write the simulated A-share-like market",
    "check": "look for flaws in the data: findings, counts, a page; errors above their limits exit 2",
    "features": "bars to the 27 intraday factors and the rolling daily, weekly, monthly bars",
    "train": "walk-forward training of the high- and low-frequency networks, and their predictions",
    "text": "analyst reports to a stock factor (text.enabled=true): events, encoder, classifier, monthly mean",
    "scores": "fuse the predictions into one stock score a day; baselines beside it",
    "evaluate": "RankIC, layers, seeds, single factors",
    "rotate": "the theme, concept and industry strategies on the fused score",
    "industry": "industry factors, their published test, their composite and its mix with the fused score",
    "text_portfolio": "the top layer of the text factor, refined to 25 stocks, monthly",
    "report": "one self-contained HTML page of the results",
    "sweep": "search any values of the configuration by validation RankIC: sweep=NAME sweep.trials=40",
    "ingest": "take vendor files into a store, again and again: data=MAP into=FOLDER",
    "score": "the scores of one day from the newest weights: date=2024-01-05 (default: the market's last session)",
    "picks": "what each strategy wants to hold, and the trades: date=latest, holdings=FILE for your own holdings",
    "drift": "live scores and their inputs against the run: exit status 3 when a limit is crossed",
    "backtest": "work one case folder exactly: case=FOLDER out=FOLDER",
}

DAILY = {"score": ("date",), "picks": ("date", "holdings"), "drift": ("date",)}
"""Daily commands, and the plain words that they take for values of the node `live`."""

_HELP = """\
fusion-factor STAGE [overrides]    deep-learning factors for equities: bars in, scores, rotations and a report out

stages
{stages}

overrides are Hydra's; the config tree is shown by `fusion-factor run --cfg job --resolve`
  name=trial                       artifacts go to runs/trial (default: runs/default)
  data=ashare_sample               another data source: {data}
  data.folder=DIR                  where its files lie
  experiment=NAME                  a ready variant: {experiment}
  debug=tiny                       a very small market, one seed, a few epochs; debug=true: full tracebacks
  seed=1  train.fit.max_epochs=20  any value of the tree
  -m seed=0,1,2                    a grid, one job a combination; unchanged stages are shared
  sweep=NAME                       a search space, for the stage sweep: {sweep}

examples
  fusion-factor run
  fusion-factor run experiment=ashare data.folder=/data/ashare
  fusion-factor run -m train.fit.learning_rate=0.002,0.005
  fusion-factor sweep sweep=lf sweep.trials=30
  fusion-factor score date=latest
  fusion-factor backtest case=my_case out=my_result

exit status: 0 done, 1 an internal mistake, 2 bad input or a bad override (one line says which), 3 a limit crossed
"""


def main(arguments: Sequence[str] | None = None, *, stage: str | None = None) -> int:
    """Entry point; `stage` is given by the scripts of a checkout. Returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if stage is None:
        if not words or words[0] in ("-h", "--help", "help"):
            print(_help_text(), end="")
            return 0 if words else 2
        if words[0] == "--version":
            from fusion_factor import __version__

            print(__version__)
            return 0
        stage, words = words[0], words[1:]
    if stage not in STAGES:
        near = difflib.get_close_matches(stage, STAGES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        print(f"fusion-factor: unknown stage {stage!r}{hint} (stages: {', '.join(STAGES)})", file=sys.stderr)
        return 2
    if any(word in ("-h", "--help") for word in words):
        print(f"{stage}: {STAGES[stage]}\n\n{_help_text()}", end="")
        return 0
    return _run(stage, words)


def _help_text() -> str:
    stages = "\n".join(f"  {name:<14} {purpose}" for name, purpose in STAGES.items())
    return _HELP.format(
        stages=stages, data=_choices("data"), experiment=_choices("experiment"), sweep=_choices("sweep")
    )


def _choices(group: str) -> str:
    from fusion_factor.stages.settings_folder import conf_folder

    folder = conf_folder() / group
    return ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))) or "none"


def _run(stage: str, words: list[str]) -> int:
    """Run one stage under Hydra and turn what goes wrong into one line and an exit status."""
    if stage == "backtest":
        from fusion_factor.stages.backtest import backtest_command

        return _guarded(lambda: backtest_command(words), debug=False)
    words = [f"ingest.{word}" if stage == "ingest" and word.startswith("into=") else word for word in words]
    words = [f"live.{word}" if word.partition("=")[0] in DAILY.get(stage, ()) else word for word in words]
    words = ["debug=on" if word == "debug=true" else word for word in words]
    debug = any(word.startswith("debug=") for word in words)

    return _guarded(lambda: _compose_and_work(stage, words), debug=debug)


def _compose_and_work(stage: str, words: list[str]) -> None:
    """Hydra composes and hands over once; `--cfg`, `-m` and the other words of Hydra work as its users expect."""
    import hydra

    from fusion_factor.core.errors import ConfigError
    from fusion_factor.stages.settings_folder import conf_folder

    if any(word in ("-m", "--multirun") for word in words):
        if stage == "ingest":
            raise ConfigError("ingest: takes one delivery; -m makes grids of the other stages")
        if stage in DAILY:
            raise ConfigError(f"{stage}: works on one day; -m makes grids of the other stages")
        if stage == "sweep":
            raise ConfigError("sweep: is many trials already; -m makes grids of the other stages")
        from fusion_factor.pipeline import check_sweep

        check_sweep([word for word in words if not word.startswith("-")])
    sys.argv = [f"fusion-factor {stage}", *words]
    grid: list[tuple[Path, int, list[str], Workspace]] = []

    @hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
    def job(config: "DictConfig") -> None:
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from fusion_factor.pipeline import run_daily, run_ingest, run_pipeline, run_sweep
        from fusion_factor.stages.settings import read_settings
        from fusion_factor.stages.stage import Workspace

        settings = read_settings(config)
        run = HydraConfig.get()
        own = Path(run.runtime.output_dir) if run.mode == RunMode.MULTIRUN else None
        logging.captureWarnings(True)
        if stage == "sweep":
            run_sweep(settings, list(run.overrides.task))
            return
        if stage == "ingest":
            run_ingest(settings)
            return
        workspace = Workspace(Path(settings.root), own)
        if stage in DAILY:
            run_daily(stage, settings, workspace)
            return
        run_pipeline(stage, settings, workspace)
        if own is not None:
            grid.append((Path(run.sweep.dir), run.job.num, list(run.overrides.task), workspace))

    try:
        job()
    finally:
        _end_grid(grid)


def _end_grid(grid: list[tuple[Path, int, list[str], "Workspace"]]) -> None:
    """Compare the jobs of a multirun that ended; jobs that a launcher ran elsewhere are not known here."""
    if not grid:
        return
    from fusion_factor.stages.grid import GridJob, write_grid

    path = write_grid(grid[0][0], [GridJob(number, words, place) for _, number, words, place in grid])
    if path is not None:
        print(f"leaderboard: {path}", flush=True)


def _guarded(work: Callable[[], None], *, debug: bool) -> int:
    from fusion_factor.core.errors import FusionFactorError

    # Hydra then hands exceptions on instead of printing them and exiting with its own status.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        work()
    except KeyboardInterrupt:
        print("interrupted; the same command continues where it stopped", file=sys.stderr)
        return 130
    except FusionFactorError as error:
        if debug and error.exit_status == 2:
            raise
        print(f"fusion-factor: {_one_line(error)}", file=sys.stderr)
        return error.exit_status
    except Exception as error:
        if debug or not _is_config_error(error):
            raise
        print(f"fusion-factor: {_one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _is_config_error(error: Exception) -> bool:
    names = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return bool(names & {"hydra.HydraException", "omegaconf.OmegaConfBaseException", "yaml.YAMLError"})


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    raise SystemExit(main())
