"""`score`: the scores of one session from the newest weights and the last sessions of the market, kept for good."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import code_commit, hash_of, hash_of_arrays, now, package_versions
from fusion_factor.core.errors import DataError
from fusion_factor.features import FeatureSet, Panel
from fusion_factor.features.recent import Recent, recent
from fusion_factor.live import Fitted, check_age, check_bars_of, check_coverage, check_prices_of, rows_read
from fusion_factor.market.window import MarketWindow
from fusion_factor.scores import neutral, score_table
from fusion_factor.scores.settings import LEARNED
from fusion_factor.stages.live_inputs import LiveInputs, check_known
from fusion_factor.stages.live_past import past_predictions
from fusion_factor.stages.scores import axes, regressors, scores_settings
from fusion_factor.stages.scores_fusion import Fusion, network_names
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Workspace
from fusion_factor.stages.train import train_settings
from fusion_factor.training import predict
from fusion_factor.training.device import choose_device

log = logging.getLogger("fusion_factor")

Predictions = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class DayScores:
    """A session's score table, the networks' outputs that it was made of, and what is known of them."""

    scores: pd.DataFrame
    predictions: Mapping[str, pd.DataFrame]
    about: Mapping[str, Any]


def score_command(settings: Settings, workspace: Workspace) -> None:
    """Score the day and add it to the live table; prints one line."""
    inputs = LiveInputs.of(settings, workspace)
    day = inputs.day
    made = score_day(inputs, day)
    added = inputs.table.add(day, made.scores, made.predictions, made.about)
    _compare_with_run(workspace, day, made.scores)
    state = "written to" if added else "already there with the same numbers:"
    print(
        f"scores of {day}: {len(made.scores)} symbols, {state} {inputs.table.folder}/scores/{day}.parquet", flush=True
    )


def score_day(inputs: LiveInputs, day: np.datetime64) -> DayScores:
    """The scores of a session: those of a whole run on the market as it stood, to the bit. Writes nothing but factors
    of sessions into their store.

    Raises DataError for a day without (whole) data, ConfigError for weights that are missing, too old or of other
    inputs. Nothing dated after the day is looked at.
    """
    check_known(inputs.market, day)
    weights = inputs.weights(day)
    age = check_age(weights, day, inputs.live.max_model_age_days)
    hf_rows, daily_rows = rows_read(weights, inputs.features)
    options = scores_settings(inputs.settings).fuse
    learned = options.method in LEARNED
    if learned:
        daily_rows = max(
            daily_rows, options.window_sessions + inputs.features.label.end + inputs.features.min_listed + 5
        )
    view = MarketWindow(inputs.market, day, max(daily_rows, inputs.live.history_sessions or 0))
    check_prices_of(view, inputs.live)
    check_bars_of(view, inputs.live)
    hf_rows = max(hf_rows, inputs.live.compared_sessions + 1)
    made = recent(view, inputs.features, inputs.session_store, hf_rows, with_labels=learned)
    if made.features.factors is not None:
        check_coverage(made.features.factors.valid, made.features.sessions, inputs.live)
    predictions = day_predictions(weights, made.features, day, train_settings(inputs.settings).device)
    fusion = _fusion(inputs, predictions, made.features, learned)
    about = _about(inputs, day, weights, view, made) | {"model_age_days": age}
    return DayScores(_fused(inputs, fusion, view), predictions, about)


def day_predictions(weights: list[Fitted], features: FeatureSet, day: np.datetime64, device: str) -> Predictions:
    """The raw outputs of every network and seed on one session, as in the train artifact."""
    where = choose_device(device)
    parts: dict[str, list[pd.DataFrame]] = {}
    for each in weights:
        frame = predict(each.checkpoint, features, np.array([day]), device=where)
        if frame.empty:
            raise DataError(f"scores of {day}: no symbol has the inputs of network {each.network}")
        frame.insert(2, "fold", each.fold)
        frame.insert(3, "seed", each.seed)
        parts.setdefault(each.network, []).append(frame)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}


def _fusion(inputs: LiveInputs, predictions: Predictions, features: FeatureSet, learned: bool) -> Fusion:
    """The parts of the score on the day alone; with learned weights on all sessions that these look back at."""
    options = scores_settings(inputs.settings).fuse
    names = network_names(inputs.settings)
    if not learned:
        return Fusion.of(predictions, last_session(features), options, names)
    first = len(features.sessions) - options.window_sessions - features.reach
    past = past_predictions(inputs, predictions, features.sessions[max(first, 0) :], features.reach)
    return Fusion.of(past, features, options, names)


def _fused(inputs: LiveInputs, fusion: Fusion, view: MarketWindow) -> pd.DataFrame:
    """The day's rows with the columns of scores.parquet, by the functions that make it."""
    options = scores_settings(inputs.settings).fuse
    score_tn = fusion.weighted(options).score_tn[-1:]
    columns = fusion.columns | {"score": score_tn} | fusion.tasks
    taken_out = [each if each is None else each[-1:] for each in regressors(view)]
    columns["score_neutral"] = neutral(score_tn, *taken_out, mad_k=options.mad_k)
    columns["fold"] = fusion.folds_tn
    sessions, symbols = axes(fusion.features)
    return score_table({name: values_tn[-1:] for name, values_tn in columns.items()}, sessions[-1:], symbols)


def last_session(features: FeatureSet) -> FeatureSet:
    """The set of the last session alone; for fusing, not for windows."""

    def last(panel: Panel) -> Panel:
        return Panel(panel.values[-1:], panel.valid[-1:], panel.sessions[-1:], panel.symbols, panel.names)

    return FeatureSet(
        daily=last(features.daily), weekly=last(features.weekly), monthly=last(features.monthly),
        has_hf=features.has_hf[-1:], has_lf=features.has_lf[-1:], has_label=features.has_label[-1:],
        label=features.label[-1:], reach=features.reach, sessions=features.sessions[-1:], symbols=features.symbols,
    )  # fmt: skip


def _about(
    inputs: LiveInputs, day: np.datetime64, weights: list[Fitted], view: MarketWindow, made: Recent
) -> dict[str, Any]:
    """The manifest of a day: what its numbers come from."""
    config = {name: inputs.settings.raw[name] for name in ("features", "networks", "scores", "seed")}
    prices = hash_of_arrays(view.symbols, view.sessions.astype(np.int64), view.dense("close"), view.dense("volume"))
    return {
        "date": str(day),
        "written": now(),
        "weights": [each.described() for each in weights],
        "config_hash": hash_of(config),
        "market": hash_of([prices, made.keys]),
        "first_session_read": str(view.sessions[view.first_row]),
        "sessions_computed": made.computed,
        "bad_rows": dict(made.bad_rows),
        "symbols": {
            "traded": int(made.features.daily.valid[-1].sum()),
            "has_hf": int(made.features.has_hf[-1].sum()),
            "has_lf": int(made.features.has_lf[-1].sum()),
        },
        "versions": package_versions(),
        "commit": code_commit(),
    }


def _compare_with_run(workspace: Workspace, day: np.datetime64, made: pd.DataFrame) -> None:
    """Where the run's own score table has the day, a difference is told: its data or weights were others."""
    if not workspace.has("scores"):
        return
    path = workspace.folder("scores") / "scores.parquet"
    there = pd.read_parquet(path, filters=[("date", "==", day.item())])
    if len(there) and not (
        list(there["symbol"]) == list(made["symbol"]) and np.array_equal(there["score"], made["score"])
    ):
        log.warning("scores of %s differ from those in %s: the data or the weights have changed since", day, path)
