"""What a sweep leaves to read: leaderboard, figures deflated for the number of trials, TensorBoard's HParams."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import new_artifact, write_file
from fusion_factor.evaluation import backtest_overfitting, deflated_sharpe
from fusion_factor.stages.sweep_trial import SERIES
from fusion_factor.training.sweep import TrialRecord

_STATES = ("complete", "pruned", "running", "failed")
_TOLD = ("seed_std", "fold_std", "fits", "epochs", "label_until", "seconds", "attempts", "config_hash", "folder")
_MOST_BLOCKS = 16
_FEWEST_DATES = 8
_NOTE = (
    "The series of a trial is its validation RankIC a date (mean over seeds, folds and networks), thinned so that no "
    "two labels overlap; ICIR is its mean / std, not annualised. deflated_probability: that the best trial's true ICIR "
    "is above the largest one that luck alone would give among the complete trials (deflated Sharpe ratio, with ICIR "
    "in the place of the Sharpe ratio); expected_maximum is that one. overfitting_probability: how often the best "
    "trial in one half of the dates is no better than the median in the other. Pruned and failed trials have no series "
    "and are only counted, so both flatter a little; trials resemble each other, which works the other way. The "
    "objective of the best trial is itself the largest of many and too high: judge the setting on dates after "
    "chosen_with_labels_until."
)


def leaderboard(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """One row a trial: the complete ones first, by objective; then pruned, running and failed ones.

    Columns: rank (complete trials only), number, state, objective, rank_ic_<network>, seed_std, fold_std (None where
    there is one), fits, epochs, label_until, seconds, attempts, config_hash, folder, error, and one a path.
    """
    networks = list(dict.fromkeys(name for each in records for name in each.about.get("networks", {})))
    paths = list(dict.fromkeys(path for each in records for path in each.values))
    rows: list[dict[str, Any]] = []
    for each in sorted(records, key=_order):
        rows.append(
            {
                "rank": len(rows) + 1 if each.state == "complete" else None,
                "number": each.number,
                "state": each.state,
                "objective": each.objective,
                **{f"rank_ic_{name}": each.about.get("networks", {}).get(name) for name in networks},
                **{name: each.about.get(name) for name in _TOLD},
                "error": each.about.get("error"),
                **{path: each.values.get(path) for path in paths},
            }
        )
    table = pd.DataFrame(rows)
    if rows:
        table["rank"] = table["rank"].astype("Int64")
    return table


def _order(record: TrialRecord) -> tuple[int, float, int]:
    value = record.objective if record.objective is not None else -math.inf
    return (_STATES.index(record.state), -value, record.number)


def write_leaderboard(folder: Path, records: Sequence[TrialRecord]) -> pd.DataFrame:
    """`leaderboard.csv`, replaced whole."""
    table = leaderboard(records)
    write_file(folder / "leaderboard.csv", table.to_csv(index=False, lineterminator="\n"))
    return table


def summary(folder: Path, records: Sequence[TrialRecord], gap_sessions: int) -> dict[str, Any]:
    """Counts, the best trial, and its figures deflated for the number of trials; `gap_sessions`: the label's reach."""
    counts = {state: sum(each.state == state for each in records) for state in _STATES}
    complete = sorted((each for each in records if each.state == "complete"), key=_order)
    told: dict[str, Any] = {"trials": len(records), **counts, "best": None}
    if not complete:
        return told
    best = complete[0]
    told["best"] = {
        "number": best.number,
        "objective": best.objective,
        "overrides": [f"{path}={text}" for path, text in best.values.items()],
        "folder": best.about.get("folder"),
    }
    told["chosen_with_labels_until"] = max(str(each.about["label_until"]) for each in complete)
    told["same_validation_dates"] = len({json.dumps(each.about.get("valid")) for each in complete}) == 1
    told["same_code"] = len({each.about.get("code") for each in complete}) == 1
    series = {each.number: _series(folder / str(each.about["folder"]) / "train" / SERIES) for each in complete}
    return {**told, **deflated(series, best.number, gap_sessions), "note": _NOTE}


def deflated(series: Mapping[int, pd.Series], best: int, gap_sessions: int) -> dict[str, Any]:
    """Deflated ICIR of the best trial and the probability of overfitting, from each trial's RankIC by session position.

    Only positions that all trials have count, and of them those at least `gap_sessions` apart. None where there are too
    few dates for it to mean anything.
    """
    positions = sorted(set.intersection(*(set(each.index) for each in series.values())))
    kept = thinned(positions, gap_sessions)
    told: dict[str, Any] = {
        "dates": len(kept), "icir": None, "expected_maximum": None, "deflated_probability": None,
        "overfitting_probability": None,
    }  # fmt: skip
    if len(kept) < _FEWEST_DATES:
        return told
    rank_ic_tv = np.column_stack([each.loc[kept].to_numpy(dtype=np.float64) for each in series.values()])
    std_v = rank_ic_tv.std(axis=0, ddof=1)
    icir_v = np.divide(rank_ic_tv.mean(axis=0), std_v, out=np.full(len(std_v), np.nan), where=std_v > 0)
    if np.isfinite(icir_v).any():
        of_best = rank_ic_tv[:, list(series).index(best)]
        told["icir"], told["expected_maximum"], told["deflated_probability"] = map(
            _finite, deflated_sharpe(of_best, icir_v)
        )
    if len(series) > 1:
        blocks = min(_MOST_BLOCKS, len(kept) // 4 * 2)
        told["overfitting_probability"] = backtest_overfitting(rank_ic_tv, blocks=blocks).probability
    return told


def thinned(positions: Sequence[int], gap: int) -> list[int]:
    """The first position, then each that is at least `gap` after the last one taken.

    >>> thinned([0, 5, 10, 15, 20, 25], 11)
    [0, 15]
    """
    kept: list[int] = []
    for each in positions:
        if not kept or each - kept[-1] >= gap:
            kept.append(each)
    return kept


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _series(path: Path) -> pd.Series:
    """RankIC by session position: mean over folds and seeds within a network, then over networks that have the date."""
    table = pd.read_csv(path)
    return table.groupby(["position", "network"])["rank_ic"].mean().groupby("position").mean()


def write_summary(folder: Path, told: Mapping[str, Any]) -> None:
    """`sweep.json`, and `best.txt`: the overrides of the best trial, one a line."""
    write_file(folder / "sweep.json", json.dumps(told, indent=1) + "\n")
    if told["best"]:
        write_file(folder / "best.txt", "".join(f"{each}\n" for each in told["best"]["overrides"]))


def write_hparams(folder: Path, records: Sequence[TrialRecord]) -> None:
    """`tensorboard/`: one run a trial with its parameters and final figures, all of them with the same columns.

    Written anew as a whole: TensorBoard takes the columns from the runs, and loses those that only some have.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    ended = [each for each in records if each.state in ("complete", "pruned")]
    networks = list(dict.fromkeys(name for each in ended for name in each.about.get("networks", {})))
    with new_artifact(folder / "tensorboard") as temporary:
        for each in ended:
            figures = {"validation/rank_ic": each.objective, "fits": each.about.get("fits")}
            figures |= {f"validation/rank_ic_{name}": each.about.get("networks", {}).get(name) for name in networks}
            metrics = {name: math.nan if value is None else float(value) for name, value in figures.items()}
            values = {path: _number(text) for path, text in each.values.items()}
            with SummaryWriter(str(temporary / f"trial_{each.number:04d}")) as writer:
                writer.add_hparams({**values, "state": each.state}, metrics, run_name=".")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def shown(table: pd.DataFrame, told: Mapping[str, Any], rows: int = 10) -> str:
    """The head of the leaderboard and what to think of it, for stdout."""
    names = list(table.columns)
    paths = names[names.index("error") + 1 :] if len(table) else []
    head = table[["rank", "number", "state", "objective", "seed_std", *paths]].head(rows) if len(table) else table
    lines = [head.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:.4f}")] if len(head) else []
    counts = ", ".join(f"{told[state]} {state}" for state in _STATES if told[state])
    lines.append(f"{told['trials']} trials: {counts or 'none'}")
    if told["best"]:
        lines.append(
            f"best: trial {told['best']['number']}, validation RankIC {told['best']['objective']:.4f}, chosen with "
            f"labels until {told['chosen_with_labels_until']}"
        )
        lines.append(
            f"ICIR {_shown(told['icir'])} a date, {_shown(told['expected_maximum'])} to be expected of luck among so "
            f"many; deflated probability {_shown(told['deflated_probability'])}, probability of overfitting "
            f"{_shown(told['overfitting_probability'])} ({told['dates']} dates that do not overlap)"
        )
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
