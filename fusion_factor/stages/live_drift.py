"""`drift`: the live days against the backtest and the training span: RankIC, factors, missing inputs, spread, age."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fusion_factor.core.artifacts import now, write_file
from fusion_factor.core.errors import DataError, LimitCrossed
from fusion_factor.core.labels import label, reach
from fusion_factor.core.tables import dense
from fusion_factor.evaluation import block_length, rank_ic
from fusion_factor.features import FeatureSet
from fusion_factor.features.bars import adjustment
from fusion_factor.features.recent import Recent, recent
from fusion_factor.live import Fitted, rows_read
from fusion_factor.live.drift import Check, band_of_mean, missing_share, psi, spread
from fusion_factor.market.window import MarketWindow
from fusion_factor.report.drift_page import write_drift_page
from fusion_factor.stages.evaluate_options import EvaluateOptions
from fusion_factor.stages.live_inputs import LiveInputs, check_known
from fusion_factor.stages.settings import Settings
from fusion_factor.stages.stage import Workspace

Days = Sequence[np.datetime64]


def drift_command(settings: Settings, workspace: Workspace) -> None:
    """Write `live/drift.json` and `live/drift.html` and print the checks. LimitCrossed when one is outside."""
    inputs = LiveInputs.of(settings, workspace)
    day = inputs.day
    check_known(inputs.market, day)
    days = [each for each in inputs.table.days if each <= day][-inputs.live.drift.window_sessions :]
    if not days:
        raise DataError(f"drift: there are no live scores up to {day}; run `fusion-factor score` first")
    weights = inputs.weights(days[-1])
    view, made = _features_of(inputs, weights, days)
    factors = factor_rows(inputs, weights, made, days)
    checks = [
        rank_ic_check(inputs, view, made.features, days),
        *factor_checks(inputs, factors),
        *dispersion_checks(inputs, weights, days),
        age_check(inputs, weights, days[-1]),
    ]
    crossed = [each for each in checks if each.crossed]
    content = {
        "date": str(days[-1]), "first": str(days[0]), "sessions": len(days), "written": now(), "crossed": len(crossed),
        "checks": [each.described() for each in checks], "factors": factors,
    }  # fmt: skip
    folder = inputs.table.folder
    write_file(folder / "drift.json", json.dumps(_plain(content), indent=1) + "\n")
    write_drift_page(_plain(content), folder / "drift.html", f"Fusion Factor: drift of {settings.raw['name']}")
    for each in checks:
        state = "CROSSED" if each.crossed else "not known" if each.value is None else "ok"
        print(f"{state:<9}  {each.name:<34}  {_shown(each.value):>9}  {_limits(each):<22}  {each.words}")
    print(f"drift: {folder / 'drift.html'}", flush=True)
    if crossed:
        raise LimitCrossed(f"drift: {len(crossed)} of {len(checks)} limits crossed: " + "; ".join(
            each.line() for each in crossed))  # fmt: skip


def _features_of(inputs: LiveInputs, weights: Sequence[Fitted], days: Days) -> tuple[MarketWindow, Recent]:
    """The features of all live days at once, from the finished sessions; and the market up to today, for labels."""
    sessions = inputs.market.sessions
    first, last = (int(np.searchsorted(sessions, day)) for day in (days[0], inputs.day))
    _, daily_rows = rows_read(weights, inputs.features)
    span = last - first + 1
    view = MarketWindow(inputs.market, inputs.day, daily_rows + span)
    return view, recent(view, inputs.features, inputs.session_store, span, with_labels=True)


def rank_ic_check(inputs: LiveInputs, view: MarketWindow, features: FeatureSet, days: Days) -> Check:
    """Mean RankIC of the live scores on the dates of the published grid whose label is known, against the band that
    the backtest's RankIC gives the mean of as many dates."""
    settings, options = inputs.live.drift, EvaluateOptions.of(inputs.settings.raw["evaluate"])
    params = options.labels["published"]
    folder = inputs.workspace.folder("evaluate") / "fused" if inputs.workspace.has("evaluate") else None
    if folder is None:
        return Check("RankIC", None, None, None, "the run has no evaluation to hold it against")
    backtest = pd.read_csv(folder / "ic.csv", parse_dates=["date"])
    kind, span, lag, step = params["label"], params["horizon"], params.get("label_lag", 0), params.get("n", 5)
    sessions = features.sessions
    label_tn = label(view.dense(kind) * adjustment(view), kind, span, lag)
    first = int(np.searchsorted(inputs.market.sessions, backtest["date"].min().to_datetime64().astype("datetime64[D]")))
    offset = int(np.searchsorted(inputs.market.sessions, sessions[0])) - first
    ends = len(sessions) - reach(kind, span, lag)
    chosen = [t for t in np.searchsorted(sessions, np.array(days)).tolist() if (t + offset) % step == 0 and t < ends]
    values = np.array([_rank_ic_of(inputs, features, label_tn, t, params["min_names"]) for t in chosen])
    values = values[np.isfinite(values)]
    words = f"mean over {len(values)} live dates with a known label, every {step} sessions"
    past = backtest.loc[backtest["date"] < pd.Timestamp(days[0]), "rank_ic"].dropna().to_numpy(np.float64)
    if len(values) < settings.min_dates or len(past) < settings.min_dates:
        return Check("RankIC", None, None, None, f"{words}: too few, or too few in the backtest before ({len(past)})")
    low, high = band_of_mean(past, len(values), level=settings.level, block=block_length(past))
    words += f"; the backtest's band is {low:.3f} to {high:.3f}"
    return Check("RankIC", float(values.mean()), low if settings.min_rank_ic_at_band else None, None, words)


def _rank_ic_of(inputs: LiveInputs, features: FeatureSet, label_tn: np.ndarray, t: int, min_names: int) -> float:
    """RankIC of one live session among those who could be bought the session after, as in `evaluate`."""
    scores = inputs.table.scores(features.sessions[t])
    score_n = dense(scores, "score", features.sessions[t : t + 1], features.symbols)
    score_n = np.where(features.can_buy[t : t + 1], score_n, np.nan)
    return float(rank_ic(score_n, label_tn[t : t + 1], min_names=min_names)[0])


def factor_rows(inputs: LiveInputs, weights: Sequence[Fitted], made: Recent, days: Days) -> list[dict[str, Any]]:
    """Of each factor: PSI and share of missing values, live against a sample of the training span."""
    factors, settings = made.features.factors, inputs.live.drift
    if factors is None or not inputs.workspace.has("features"):
        return []
    trained = FeatureSet.load(inputs.workspace.folder("features"), mmap=True)
    if trained.factors is None:
        return []
    # the shared part of the weights' spans; those of a network may begin later than another's
    first = max(np.datetime64(each.checkpoint.about["train"][0], "D") for each in weights)
    until = min(np.datetime64(each.checkpoint.about["label_until"], "D") for each in weights)
    span = np.flatnonzero((trained.sessions >= first) & (trained.sessions <= until) & trained.has_hf.any(axis=1))
    if not len(span):
        raise DataError(f"drift: the features of the run hold no session between {first} and {until}")
    sampled = np.unique(span[np.linspace(0, len(span) - 1, settings.sampled_sessions).astype(np.int64)])
    then_tnf, then_tn = np.asarray(trained.factors.values[sampled]), trained.has_hf[sampled]
    at = np.searchsorted(made.features.sessions, np.array(days))
    now_tnf, now_tn = factors.values[at], made.features.has_hf[at]
    missing_then, missing_now = missing_share(then_tnf, then_tn), missing_share(now_tnf, now_tn)
    place = {name: f for f, name in enumerate(trained.factors.names)}
    rows = []
    for f, name in enumerate(factors.names):
        g = place[name]
        value = psi(then_tnf[then_tn][:, g].astype(float), now_tnf[now_tn][:, f].astype(float), settings.bins)
        shares = {"missing_then": float(missing_then[g]), "missing_now": float(missing_now[f])}
        rows.append({"factor": name, "psi": value, **shares})
    return rows


def factor_checks(inputs: LiveInputs, rows: Sequence[dict[str, Any]]) -> list[Check]:
    """The worst factor's PSI, and the worst increase of missing values."""
    settings = inputs.live.drift
    if not rows:
        return []
    known = [row for row in rows if math.isfinite(row["psi"])]
    worst = max(known, key=lambda row: row["psi"], default=None)
    above = sum(settings.max_psi is not None and row["psi"] > settings.max_psi for row in known)
    words = f"of {len(known)} factors the one that moved most" + (f"; {above} are above the limit" if above else "")
    more = max(rows, key=lambda row: np.nan_to_num(row["missing_now"] - row["missing_then"], nan=1.0))
    increase = float(np.nan_to_num(more["missing_now"] - more["missing_then"], nan=1.0))
    told = f"{more['missing_now']:.1%} now, {more['missing_then']:.1%} in training"
    return [
        Check(
            f"PSI {worst['factor'] if worst else ''}", worst["psi"] if worst else None, None, settings.max_psi, words
        ),
        Check(f"missing {more['factor']}", increase, None, settings.max_missing_increase, told),
    ]


def dispersion_checks(inputs: LiveInputs, weights: Sequence[Fitted], days: Days) -> list[Check]:
    """Spread of each network's raw predictions on the live days since its weights are used, over that of the same
    weights in the run (where it has none of them: over that of their first live session)."""
    settings, checks = inputs.live.drift, []
    for name in dict.fromkeys(each.network for each in weights):
        since = max(each.first_use for each in weights if each.network == name)
        frames = inputs.table.predictions(name, max(since, days[0]), days[-1])
        live = {frame["date"].iloc[0]: _spread_of(frame) for frame in frames}
        path = inputs.workspace.folder("train") / "predictions" / f"{name}.parquet"
        fold = next(each.fold for each in weights if each.network == name)
        run = pd.read_parquet(path, filters=[("fold", "==", fold), ("date", ">=", pd.Timestamp(since))])
        run = run[run["date"] < pd.Timestamp(days[0])]
        past = [_spread_of(rows) for _, rows in run.groupby("date")]
        source = "the run"
        if not past and live:
            past, source = [next(iter(live.values()))], "their first live session"
        value = None
        if live and past and np.mean(past) > 0:
            value = float(np.mean(list(live.values())) / np.mean(past))
        words = f"spread of predictions, {len(live)} live sessions over {source}"
        checks.append(
            Check(f"dispersion {name}", value, settings.min_dispersion_ratio, settings.max_dispersion_ratio, words)
        )
    return checks


def _spread_of(frame: pd.DataFrame) -> float:
    """Mean over seeds and tasks of the standard deviation across symbols."""
    tasks = [name for name in frame.columns if name not in ("date", "symbol", "fold", "seed")]
    return float(
        np.mean([spread(rows[task].to_numpy(np.float64)) for _, rows in frame.groupby("seed") for task in tasks])
    )


def age_check(inputs: LiveInputs, weights: Sequence[Fitted], day: np.datetime64) -> Check:
    """Calendar days since the oldest weights came into use."""
    oldest = min(each.first_use for each in weights)
    limit = inputs.live.max_model_age_days
    age = float((day - oldest).astype(int))
    return Check("model age in days", age, None, None if limit is None else float(limit), f"in use since {oldest}")


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _limits(check: Check) -> str:
    parts = [] if check.low is None else [f">= {check.low:.4g}"]
    parts += [] if check.high is None else [f"<= {check.high:.4g}"]
    return ", ".join(parts) or "no limit"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
