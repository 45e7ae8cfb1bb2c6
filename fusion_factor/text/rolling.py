"""Rolling windows: a classifier learns on the events of the past months and scores those of the next.

A model that is cut at D knows an event only if the last session of its label is D or before. Classes, vocabulary and
scaling come from the training rows alone.

Legend: n event, d input, k class (0 down, 1 flat, 2 up).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.core.progress import Progress
from fusion_factor.text.classifier import ClassifierSettings, Fitted, choose_and_fit
from fusion_factor.text.judgement import class_figures
from fusion_factor.text.validation import (
    CLASSES,
    DOWN,
    FLAT,
    UP,
    Days,
    FloatArray,
    IntArray,
    Matrix,
    cross_validation,
    note_score,
)  # fmt: skip

MONTH = "datetime64[M]"
DAY = "datetime64[D]"


@dataclass(frozen=True)
class RollingSettings:
    """When classifiers are fitted, on what, and what the classes are. Source: METHOD items 130-136.

    train_months        length of the training window; use_months: how long a model is used before the next.
    first_use           first month that is scored (YYYY-MM); None: as soon as there can be a full window.
    purge_weekdays      events of the last weekdays before the cut do not train, whatever their label's end.
    count_empty_months  True: the window is calendar months; False: the last `train_months` months that hold an event,
                        for data with holes.
    class_quantiles     of the training rows' returns: below the first is down, above the second is up.
    class_edges         fixed edges instead, for labels that are classes already; None: the quantiles.
    min_train_rows      a window with fewer rows gives no model, and its events stay without score.
    """

    train_months: int = 12
    use_months: int = 12
    first_use: str | None = None
    purge_weekdays: int = 5
    count_empty_months: bool = True
    class_quantiles: tuple[float, float] = (0.3, 0.7)
    class_edges: tuple[float, float] | None = None
    min_train_rows: int = 200
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)

    def __post_init__(self) -> None:
        """Refuse values outside of their limits."""
        for name, least in (("train_months", 1), ("use_months", 1), ("purge_weekdays", 0), ("min_train_rows", 2)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be >= {least}")
        if not 0 < self.class_quantiles[0] <= self.class_quantiles[1] < 1:
            raise ConfigError(f"class_quantiles is {list(self.class_quantiles)}, must be increasing within (0, 1)")
        if self.class_edges is not None and not self.class_edges[0] <= self.class_edges[1]:
            raise ConfigError(f"class_edges is {list(self.class_edges)}, must be increasing")
        if self.first_use is not None:
            _month(self.first_use)


class FoldInputs(Protocol):
    """Inputs that depend on the training rows, such as counts over their vocabulary."""

    def __len__(self) -> int:
        """Number of events."""

    def of(self, train: IntArray, rows: IntArray) -> Matrix:
        """float32 [len(rows), D] of `rows`, prepared by what the rows `train` say and nothing else."""


@dataclass(frozen=True, eq=False)
class Window:
    """One fit: `train` and `use` are positions of events; the model knows nothing after the day `cut`."""

    cut: np.datetime64
    end: np.datetime64
    train: IntArray
    use: IntArray


@dataclass(frozen=True, eq=False)
class RollingScores:
    """What the models say of each event, in the order given.

    fold_n   int, index into `folds`; -1: before the first model, or its window had too few rows.
    p_nk     float64 [N, 3], probabilities of down, flat, up; NaN where fold is -1.
    score_n  float64, logit(p_up) - logit(p_down), NaN likewise.
    class_n  int, true class by the edges of the event's own model, -1 unknown. It looks ahead: for judging only.
    folds    one dict a window: cut, end, rows, edges, what was chosen, figures of the validation and out of sample.
    """

    fold_n: IntArray
    p_nk: FloatArray
    score_n: FloatArray
    class_n: IntArray
    folds: list[dict[str, Any]]

    @property
    def p_up_n(self) -> FloatArray:
        """Probability of up."""
        return self.p_nk[:, UP]

    @property
    def p_flat_n(self) -> FloatArray:
        """Probability of flat."""
        return self.p_nk[:, FLAT]

    @property
    def p_down_n(self) -> FloatArray:
        """Probability of down."""
        return self.p_nk[:, DOWN]


def rolling_scores(
    inputs: Matrix | FoldInputs,
    ar_n: FloatArray,
    session_n: Days,
    label_end_n: Days,
    group_n: IntArray,
    settings: RollingSettings,
    progress: bool = True,
    *,
    stock_n: IntArray | None = None,
) -> RollingScores:
    """Fit and score window by window.

    Args:
        inputs: vectors, float32 [N, D], or inputs that depend on the training rows.
        ar_n: abnormal return of the event, a fraction; NaN: unknown, the event is scored and does not train.
        session_n: the session after whose close the event counts; NaT: it is neither scored nor trained on.
        label_end_n: session whose close ends the label; NaT like an unknown return.
        group_n: code of (stock, date), whole numbers: notes that share their label.
        stock_n: code of the stock, for the purge of the cross-validation; None: groups only.

    An event's score depends on no text and no return that is dated after the cut of its model, but for its own text.
    Raises DataError for arrays that do not fit together or vectors that are not finite, ConfigError when no window has
    enough rows.
    """
    _check(inputs, ar_n, session_n, label_end_n, group_n, stock_n)
    label_end_n = np.where(np.isfinite(ar_n), label_end_n.astype(DAY), np.datetime64("NaT", "D"))
    count = len(ar_n)
    plan = windows(session_n, label_end_n, settings)
    fold_n, class_n = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    p_nk = np.full((count, CLASSES), np.nan)
    folds: list[dict[str, Any]] = []
    with Progress("text classifier", len(plan), unit="window", shown=progress) as bar:
        for index, window in enumerate(plan):
            edges = _edges(ar_n[window.train], settings)
            class_train = classes(ar_n[window.train], edges)
            about = _about(index, window, session_n, edges, class_train)
            if len(window.train) >= settings.min_train_rows and len(np.unique(class_train)) > 1:
                fitted = _fit(inputs, window, class_train, session_n, label_end_n, group_n, stock_n, settings)
                p_nk[window.use] = fitted.predict(_rows(inputs, window.train, window.use))
                fold_n[window.use] = index
                class_n[window.use] = classes(ar_n[window.use], edges)
                about |= _judged(fitted, p_nk[window.use], class_n[window.use])
            folds.append(about)
            bar.step()
    if not any(each["fitted"] for each in folds):
        most = max((len(window.train) for window in plan), default=0)
        raise ConfigError(
            f"no window of {settings.train_months} months can train: at most {most} events, needed "
            f"{settings.min_train_rows} (min_train_rows) of at least two classes"
        )
    return RollingScores(fold_n, p_nk, note_score(p_nk), class_n, folds)


def windows(session_n: Days, label_end_n: Days, settings: RollingSettings) -> list[Window]:
    """The windows over the events, from `first_use` to the last event; a window without events to score is left out.

    NaT in `label_end_n` means that the label is unknown.
    """
    session_n, label_end_n = session_n.astype(DAY), label_end_n.astype(DAY)
    known = session_n[~np.isnat(session_n)]
    if not len(known):
        return []
    first = known.min().astype(MONTH) + settings.train_months
    if settings.first_use is not None:
        first = _month(settings.first_use)
    months = np.unique(known.astype(MONTH))
    found = []
    for month in np.arange(first, known.max().astype(MONTH) + 1, settings.use_months):
        start, end = month.astype(DAY), (month + settings.use_months).astype(DAY) - 1
        cut = start - 1
        oldest = month - settings.train_months
        if not settings.count_empty_months:
            before = months[months < month]
            oldest = before[-settings.train_months :][0] if len(before) else month
        last = np.busday_offset(start, -settings.purge_weekdays, roll="forward") - 1
        # NaT compares as False on both sides.
        train = (session_n >= oldest.astype(DAY)) & (session_n <= min(last, cut)) & (label_end_n <= cut)
        use = (session_n >= start) & (session_n <= end)
        if use.any():
            found.append(Window(cut, end, np.flatnonzero(train), np.flatnonzero(use)))
    return found


def classes(ar_n: FloatArray, edges: tuple[float, float]) -> IntArray:
    """0 below the first edge, 2 above the second, else 1; -1 where the return is unknown."""
    found = np.where(ar_n < edges[0], DOWN, np.where(ar_n > edges[1], UP, FLAT))
    return np.where(np.isfinite(ar_n), found, -1)


def _edges(ar_n: FloatArray, settings: RollingSettings) -> tuple[float, float]:
    if settings.class_edges is not None:
        return settings.class_edges
    if not len(ar_n):
        return float("nan"), float("nan")
    low, high = np.quantile(ar_n, settings.class_quantiles)
    return float(low), float(high)


def _fit(
    inputs: Matrix | FoldInputs,
    window: Window,
    class_train: IntArray,
    session_n: Days,
    label_end_n: Days,
    group_n: IntArray,
    stock_n: IntArray | None,
    settings: RollingSettings,
) -> Fitted:
    train, options = window.train, settings.classifier
    parts = cross_validation(
        group_n[train],
        session_n[train],
        label_end_n[train],
        None if stock_n is None else stock_n[train],
        parts=options.parts,
        way=options.way,
        seed=options.seed,
    )
    return choose_and_fit(_rows(inputs, train, train), class_train, parts, options)


def _rows(inputs: Matrix | FoldInputs, train: IntArray, rows: IntArray) -> Matrix:
    return inputs[rows] if isinstance(inputs, np.ndarray) else inputs.of(train, rows)


def _about(
    index: int, window: Window, session_n: Days, edges: tuple[float, float], class_train: IntArray
) -> dict[str, Any]:
    """What is known of a window before its fit, JSON-like."""
    trained = session_n[window.train]
    return {
        "fold": index,
        "cut": str(window.cut),
        "end": str(window.end),
        "train_rows": len(window.train),
        "use_rows": len(window.use),
        "train_first": str(trained.min()) if len(trained) else None,
        "train_last": str(trained.max()) if len(trained) else None,
        "edges": list(edges) if len(trained) else None,
        "train_classes": [int((class_train == k).sum()) for k in range(CLASSES)],
        "fitted": False,
    }


def _judged(fitted: Fitted, p_nk: FloatArray, class_n: IntArray) -> dict[str, Any]:
    """What was chosen, its validation figures and those out of sample (over events whose return is known)."""
    figures = class_figures(p_nk, class_n)
    return {
        "fitted": True,
        "chosen": dict(fitted.chosen),
        "validation_log_loss": fitted.log_loss,
        "validation_auc": fitted.auc,
        "judged_rows": figures.pop("rows"),
        **figures,
    }


def _check(inputs: Matrix | FoldInputs, ar_n: FloatArray, *others: np.ndarray | None) -> None:
    names: Sequence[str] = ("session_n", "label_end_n", "group_n", "stock_n")
    if len(inputs) != len(ar_n):
        raise DataError(f"inputs has {len(inputs)} rows, ar_n {len(ar_n)}")
    if isinstance(inputs, np.ndarray) and not np.isfinite(inputs).all():
        bad = int(np.flatnonzero(~np.isfinite(inputs).all(axis=1))[0])
        raise DataError(f"inputs of event {bad} are not finite")
    for name, other in zip(names, others, strict=True):
        if other is not None and len(other) != len(ar_n):
            raise DataError(f"{name} has {len(other)} rows, ar_n {len(ar_n)}")
    for name, other in zip(names[:2], others[:2], strict=True):
        if other is None or other.dtype.kind != "M":
            raise DataError(f"{name} must hold dates (datetime64)")


def _month(text: str) -> np.datetime64:
    try:
        return np.datetime64(text[:7], "M")
    except (TypeError, ValueError) as error:
        raise ConfigError(f"first_use is {text!r}, must be a month YYYY-MM") from error
