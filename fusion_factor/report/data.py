"""What the report draws: the result tables of one run, read from its artifact folders.

`load` never fails because a piece is missing or unreadable: the piece is empty then, and `ReportData.problems` says
which file and why, so that the page can say so too. No figure is computed here.

Legend: tables are DataFrames with the columns written by the stages; dates are pandas datetime64; rates are fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from fusion_factor.core.errors import DataError
from fusion_factor.report.industry_data import IndustryResults, industry_results
from fusion_factor.report.labels import ordered
from fusion_factor.report.reading import Reader, ScoreTable, empty_table
from fusion_factor.report.text_data import TextData, read_text

RUN_ORDER = ("market", "features", "train", "text", "scores", "evaluate", "rotate", "industry", "text_portfolio")
STAGES = ("scores", "evaluate", "rotate", "train")
# the two labels of summary.csv: the return of the published test, and the one that the networks were trained on
PUBLISHED, TRAINED = "published", "trained"
IC_COLUMNS = ("date", "n", "ic", "rank_ic")
LAYER_COLUMNS = ("date", "layer", "n", "return", "excess")
SUMMARY_COLUMNS = (
    "score", "label", "target", "rhythm", "rank_ic", "rank_ic_std", "icir", "positive", "t", "nw_t", "count", "names",
    "ic", "coverage", "top_excess_annual", "top_turnover", "top_month_hit", "long_short_mean", "share_of_oracle",
)  # fmt: skip
SEED_COLUMNS = ("network", "seed", "rank_ic", "count")
FACTOR_COLUMNS = ("factor", "sign", "rank_ic", "icir", "count")
NAV_COLUMNS = ("date", "nav", "benchmark", "relative", "stale")
SIGNAL_COLUMNS = ("signal", "code", "score", "coverage", "eligible", "rank", "picked")
EXECUTION_COLUMNS = ("signal", "execution", "status", "buy", "sell", "cost", "frozen")
HOLDING_COLUMNS = ("execution", "code", "weight")
YEAR_COLUMNS = ("year", "return", "benchmark", "excess", "max_drawdown", "excess_max_drawdown")
HISTORY_COLUMNS = ("network", "fold", "seed", "epoch", "split", "task", "loss", "ic", "rank_ic")
INTERVAL_COLUMNS = ("score", "label", "figure", "value", "low", "high", "level", "draws", "block")
READING_COLUMNS = (
    "reading", "label", "universe", "rank_ic", "rank_ic_std", "icir", "positive", "t", "nw_t", "count", "names", "ic",
    "coverage", "top_excess_annual", "top_turnover", "top_month_hit", "long_short_mean",
)  # fmt: skip
BLOCKED_COLUMNS = ("execution", "code", "side", "reason")
CONTRIBUTION_COLUMNS = ("code", "value")
TRADE_COLUMNS = ("signal", "execution", "code", "held", "target", "trade", "side", "cost", "reason")
COST_COLUMNS = (
    "reading", "cost_rate", "annual_return", "annual_excess", "excess_sharpe", "excess_max_drawdown", "annual_cost",
)  # fmt: skip
VARIANT_COLUMNS = (
    "variant", "chosen", "annual_return", "annual_excess", "low", "high", "excess_sharpe", "excess_max_drawdown",
    "mean_turnover", "annual_cost",
)  # fmt: skip


@dataclass(frozen=True)
class ScoreData:
    """The evaluation of one score: `ic` (a row a grid date), `layers` (a row a date and layer), `metrics`."""

    name: str
    ic: pd.DataFrame = field(default_factory=lambda: empty_table(IC_COLUMNS))
    layers: pd.DataFrame = field(default_factory=lambda: empty_table(LAYER_COLUMNS))
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StrategyData:
    """One rotation: its tables, metrics and parameters, the names of its codes, and a note on its pool.

    The tables that older runs did not write are None where they are not there; an empty one says that there was nothing
    to list.
    """

    name: str
    nav: pd.DataFrame = field(default_factory=lambda: empty_table(NAV_COLUMNS))
    signals: pd.DataFrame = field(default_factory=lambda: empty_table(SIGNAL_COLUMNS))
    executions: pd.DataFrame = field(default_factory=lambda: empty_table(EXECUTION_COLUMNS))
    holdings: pd.DataFrame = field(default_factory=lambda: empty_table(HOLDING_COLUMNS))
    years: pd.DataFrame = field(default_factory=lambda: empty_table(YEAR_COLUMNS))
    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    blocked: pd.DataFrame | None = None
    contribution: pd.DataFrame | None = None
    trades: pd.DataFrame | None = None
    costs: pd.DataFrame | None = None
    variants: pd.DataFrame | None = None
    trials: Mapping[str, Any] = field(default_factory=dict)
    implied: Mapping[str, Any] = field(default_factory=dict)
    interval: Mapping[str, Any] = field(default_factory=dict)

    def named(self, code: str) -> str:
        """The code with its name, where it has one."""
        name = self.names.get(code)
        return f"{name} ({code})" if name else code

    def short(self, code: str) -> str:
        """The code's name, where it has one; for charts, where room is short."""
        return self.names.get(code) or code


@dataclass(frozen=True)
class ReportData:
    """Everything that one page shows. `problems` maps a file or folder to the reason why it is not shown."""

    scores: Mapping[str, ScoreData] = field(default_factory=dict)
    summary: pd.DataFrame = field(default_factory=lambda: empty_table(SUMMARY_COLUMNS))
    intervals: pd.DataFrame | None = None
    readings: pd.DataFrame | None = None
    seeds: pd.DataFrame = field(default_factory=lambda: empty_table(SEED_COLUMNS))
    factors: pd.DataFrame = field(default_factory=lambda: empty_table(FACTOR_COLUMNS))
    strategies: Mapping[str, StrategyData] = field(default_factory=dict)
    industry: IndustryResults | None = None
    history: pd.DataFrame = field(default_factory=lambda: empty_table(HISTORY_COLUMNS))
    folds: tuple[Mapping[str, Any], ...] = ()
    table: ScoreTable | None = None
    drift: Mapping[str, Any] = field(default_factory=dict)
    text: TextData | None = None
    manifests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def _score(reader: Reader, folder: Path) -> ScoreData:
    return ScoreData(
        folder.name,
        reader.table(folder / "ic.csv", IC_COLUMNS),
        reader.table(folder / "layers.csv", LAYER_COLUMNS),
        reader.mapping(folder / "metrics.json"),
    )


def _strategy(reader: Reader, folder: Path) -> StrategyData:
    names = reader.table(folder / "names.csv", ("code", "name"), optional=True)
    note = folder / "note.txt"
    return StrategyData(
        folder.name,
        reader.table(folder / "nav.csv", NAV_COLUMNS),
        reader.table(folder / "signals.csv", SIGNAL_COLUMNS),
        reader.table(folder / "executions.csv", EXECUTION_COLUMNS),
        reader.table(folder / "holdings.csv", HOLDING_COLUMNS),
        reader.table(folder / "years.csv", YEAR_COLUMNS),
        reader.mapping(folder / "metrics.json"),
        reader.mapping(folder / "params.json"),
        dict(zip(names["code"].astype(str), names["name"].astype(str), strict=True)),
        note.read_text(encoding="utf-8").strip() if note.is_file() else "",
        blocked=reader.later(folder / "blocked.csv", BLOCKED_COLUMNS),
        contribution=reader.later(folder / "contribution.csv", CONTRIBUTION_COLUMNS),
        trades=reader.later(folder / "trades.csv", TRADE_COLUMNS),
        costs=reader.later(folder / "readings.csv", COST_COLUMNS),
        variants=reader.later(folder / "variants.csv", VARIANT_COLUMNS, others=True),
        trials=reader.mapping(folder / "variants.json", optional=True),
        implied=reader.mapping(folder / "implied.json", optional=True),
        interval=reader.mapping(folder / "interval.json", optional=True),
    )


def _history(reader: Reader, folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    if not files:
        reader.problems["train/history"] = "there is no history file"
        return empty_table(HISTORY_COLUMNS)
    parts = []
    for file in files:
        part = reader.table(file, HISTORY_COLUMNS)
        # a file is named for its network, so the column may be left out
        part["network"] = part["network"].where(part["network"].notna(), file.stem)
        parts.append(part)
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _subfolders(root: Path, needs: str) -> list[Path]:
    """Subfolders that are results: those which hold `needs`; a strange or empty folder is none."""
    return sorted(path for path in root.iterdir() if (path / needs).is_file()) if root.is_dir() else []


def _folds(content: Any) -> tuple[dict[str, Any], ...]:
    """Folds as flat dicts: network, index, train_start .. use_end; from a list of such, or from lists by network."""
    groups = content.items() if isinstance(content, dict) else [("", content)]
    flat = []
    for network, group in groups:
        for fold in group if isinstance(group, list) else []:
            if isinstance(fold, dict):
                flat.append({"network": str(network), "index": fold.get("index", fold.get("fold"))} | _spans(fold))
    return tuple(flat)


def _spans(fold: Mapping[str, Any]) -> dict[str, Any]:
    spans = {}
    for part in ("train", "valid", "use"):
        given = fold.get(part)
        for ours, theirs in (("start", "first"), ("end", "last")):
            nested = given.get(theirs) if isinstance(given, dict) else None
            spans[f"{part}_{ours}"] = fold.get(f"{part}_{ours}", nested)
    return spans


def load(results: str | Path | Mapping[str, str | Path]) -> ReportData:
    """Reads the artifacts of a run into one `ReportData`.

    `results` is a run folder (with `scores/`, `evaluate/`, `rotate/`, `train/` in it), or a mapping from these stage
    names to folders, wherever they lie; further stages are read for their manifests. Missing or unreadable pieces are
    left empty and named in `problems`. Raises DataError when the run folder itself is not there.
    """
    if isinstance(results, Mapping):
        folders = {name: Path(path) for name, path in results.items()}
        absent = Path("no-such-folder")
    else:
        absent = Path(results)
        if not absent.is_dir():
            raise DataError(f"report: run folder {absent} is not there")
        folders = {path.name: path for path in sorted(absent.iterdir()) if path.is_dir()}
    scores, evaluate, rotate, train = (folders.get(name, absent / name) for name in STAGES)
    reader = Reader({**folders, **dict(zip(STAGES, (scores, evaluate, rotate, train), strict=True))})
    return ReportData(
        scores={path.name: _score(reader, path) for path in _subfolders(evaluate, "ic.csv")},
        summary=reader.table(evaluate / "summary.csv", SUMMARY_COLUMNS),
        intervals=reader.later(evaluate / "intervals.csv", INTERVAL_COLUMNS),
        readings=reader.later(evaluate / "readings.csv", READING_COLUMNS),
        seeds=reader.table(evaluate / "seeds.csv", SEED_COLUMNS),
        factors=reader.table(evaluate / "factors.csv", FACTOR_COLUMNS),
        strategies={path.name: _strategy(reader, path) for path in _subfolders(rotate, "nav.csv")},
        industry=industry_results(reader, folders.get("industry", absent / "industry")),
        history=_history(reader, train / "history"),
        folds=_folds(reader.json(train / "folds.json")),
        table=reader.score_table(scores / "scores.parquet"),
        drift=reader.mapping(folders["live"] / "drift.json", optional=True) if "live" in folders else {},
        text=read_text(reader, folders),
        manifests={
            name: reader.mapping(folders[name] / "manifest.json")
            for name in ordered(folders, RUN_ORDER)
            if (folders[name] / "manifest.json").is_file()
        },
        problems=reader.problems,
    )
