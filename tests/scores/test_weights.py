"""Learned weights: by hand, against slow references that walk day by day, and blind to what was not known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.stats import spearmanr

from fusion_factor.core.errors import ConfigError, DataError
from fusion_factor.scores import FusionConfig, fuse, part_weights
from fusion_factor.scores.trailing import ended, ridge_slopes, shrunk

LEARNED = ("ic", "icir", "stack")
REACH = 4
NAN = np.nan


def config_of(method, **change):
    return FusionConfig(method=method, **{"window_sessions": 20, "shrink_labels": 2.0, "min_names": 8} | change)


def make(seed=0, n_sessions=80, n_symbols=25, n_parts=3):
    """Parts of rising skill with holes, one of which begins late, and a label whose last sessions are unknown."""
    rng = np.random.default_rng(seed)
    label = rng.normal(size=(n_sessions, n_symbols))
    parts = {}
    for k in range(n_parts):
        values = 0.3 * (k - 0.5) * label + rng.normal(size=label.shape)
        parts[f"p{k}"] = np.where(rng.random(label.shape) < 0.1, NAN, values)
    parts["p1"][:30] = NAN
    parts["p2"][50] = NAN
    label[rng.random(label.shape) < 0.1] = NAN
    label[-REACH:] = NAN
    label[20, 5:] = NAN  # too few names
    return parts, label


def weights_of(parts, label, config, reach=REACH, lead="p0"):
    return part_weights(parts, config, lead=lead, label_tn=label, reach=reach)


# --- by hand ---


def test_a_window_ends_where_the_last_label_ends():
    windows = ended(np.arange(5.0), window_sessions=2, reach=2)
    np.testing.assert_array_equal(windows, [[NAN, NAN], [NAN, NAN], [NAN, 0], [0, 1], [1, 2]])


def test_shrinking_by_hand():
    # Three sessions behind each figure, a prior worth one: a quarter of the way to the mean of the positive parts.
    # 0.06, 0.02 and -0.04 become 0.06, 0.02, 0; their mean is 0.08 / 3.
    strengths = shrunk(np.array([[0.06, 0.02, -0.04]]), np.full((1, 3), 3.0), 1.0)
    common = 0.08 / 3
    np.testing.assert_allclose(
        strengths, [[0.75 * 0.06 + 0.25 * common, 0.75 * 0.02 + 0.25 * common, 0.25 * common]], rtol=1e-14
    )
    shares = strengths / strengths.sum()
    np.testing.assert_allclose(shares, [[0.75 * 0.75 + 0.25 / 3, 0.75 * 0.25 + 0.25 / 3, 0.25 / 3]], rtol=1e-14)


def test_a_part_without_a_figure_has_the_mean_of_the_others():
    strengths = shrunk(np.array([[0.06, 0.02, NAN]]), np.array([[5.0, 5.0, 0.0]]), 0.0)
    np.testing.assert_allclose(strengths, [[0.06, 0.02, 0.04]])
    assert not shrunk(np.array([[-0.06, NAN]]), np.ones((1, 2)), 1.0).any()


def worked_example():
    """Five names a session. `good` has RankIC 1 on sessions 0 and 1, `poor` has 0.6 and 0.3."""
    label = np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 1], [NAN] * 5, [NAN] * 5])
    good = np.array([[1.0, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
    poor = np.array([[3.0, 1, 2, 5, 4], [5, 1, 4, 2, 3], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])
    # d = 2, -1, -1, 1, -1: 1 - 6 * 8 / 120 = 0.6.  d = 0, -3, 1, 0, 2: 1 - 6 * 14 / 120 = 0.3.
    return {"good": good, "poor": poor}, label


def test_ic_weights_by_hand():
    parts, label = worked_example()
    config = FusionConfig(method="ic", window_sessions=10, shrink_labels=2.0, min_names=5)
    result = part_weights(parts, config, lead="good", label_tn=label, reach=1)
    # Session 1 knows the label of 0: 1 and 0.6, a third of the way from equal weights (one label against two).
    # Session 2 knows those of 0 and 1: means 1 and 0.45, halfway. Session 3 learns nothing new.
    one = np.array([1.0, 0.6]) / 1.6 / 3 + 0.5 * 2 / 3
    two = np.array([1.0, 0.45]) / 1.45 / 2 + 0.5 / 2
    np.testing.assert_allclose(result.share_tk, [[0.5, 0.5], one, two, two], rtol=1e-13)
    np.testing.assert_allclose(result.figure_tk[:3], [[NAN, NAN], [1.0, 0.6], [1.0, 0.45]], rtol=1e-13)
    assert result.count_tk[:, 0].tolist() == [0, 1, 2, 2]
    assert result.known_tk[:, 0].tolist() == [-1, 1, 2, 2]
    score = fuse(parts, result.weight_tk, lead="good")
    np.testing.assert_allclose(score[3], two[0] * parts["good"][3] + two[1] * parts["poor"][3])


def test_stack_by_hand():
    # One session, two parts without correlation: G = 1, c = (0.3, 0.1). The equal mix has the slope
    # mean(c) / mean(G) = 0.2 / 0.5 = 0.4, 0.2 a part. With a prior as strong as the data: (c + 0.2) / 2.
    slopes = ridge_slopes(np.eye(2)[None], np.array([[0.3, 0.1]]), np.array([6.0]), 6.0, False)
    np.testing.assert_allclose(slopes, [[0.25, 0.15]])
    # c = (0.3, -0.5): the equal mix would be turned round, so the pull is to nothing: c / 2, or (0.15, 0).
    turned = np.array([[0.3, -0.5]])
    np.testing.assert_allclose(ridge_slopes(np.eye(2)[None], turned, np.array([6.0]), 6.0, False), turned / 2)
    np.testing.assert_allclose(ridge_slopes(np.eye(2)[None], turned, np.array([6.0]), 6.0, True), [[0.15, 0.0]])


# --- slow references ---


def slow_figure(parts, label, config, t, name):
    ics = []
    for s in range(t - REACH - config.window_sessions + 1, t - REACH + 1):
        if s >= 0:
            both = np.isfinite(parts[name][s]) & np.isfinite(label[s])
            if both.sum() >= config.min_names:
                ics.append(spearmanr(parts[name][s, both], label[s, both]).statistic)
    if not ics or (config.method == "icir" and len(ics) < 2):
        return NAN, len(ics)
    return (np.mean(ics) if config.method == "ic" else np.mean(ics) / np.std(ics, ddof=1)), len(ics)


def slow_by_figure(parts, label, config, t):
    present = [name for name in parts if np.isfinite(parts[name][t]).any()]
    found = {name: slow_figure(parts, label, config, t, name) for name in parts}
    positive = {name: max(figure, 0.0) for name, (figure, _) in found.items() if np.isfinite(figure)}
    common = sum(positive.values()) / len(positive) if positive else 0.0
    weights = {}
    for name in present:
        labels = found[name][1] / REACH
        own = labels / (labels + config.shrink_labels) if name in positive else 0.0
        weights[name] = own * positive.get(name, 0.0) + (1 - own) * common
    total = sum(weights.values())
    return np.array([weights.get(n, 0.0) / total if total else (n in present) / len(present) for n in parts])


def slow_stack(parts, label, config, t):
    """Least squares on stacked rows, the prior as further rows."""
    present = np.array([np.isfinite(part[t]).any() for part in parts.values()])
    rows, targets, count = [], [], 0
    for s in range(max(0, t - REACH - config.window_sessions + 1), t - REACH + 1):
        there = np.isfinite(parts["p0"][s]) & np.isfinite(label[s])
        if there.sum() < config.min_names:
            continue
        x = np.column_stack([np.nan_to_num(part[s, there], nan=0.0) for part in parts.values()])
        y = np.clip((label[s, there] - label[s, there].mean()) / label[s, there].std(), -3, 3)
        rows.append((x - x.mean(axis=0)) / np.sqrt(len(y)))
        targets.append(y / np.sqrt(len(y)))
        count += 1
    if not count:
        return present / present.sum()
    x, y = np.concatenate(rows), np.concatenate(targets)
    mix = x.mean(axis=1)
    slope = max(mix @ y / (mix @ mix), 0.0)
    prior = np.sqrt(config.shrink_labels * REACH) * np.eye(len(parts))
    x, y = np.concatenate([x, prior]), np.concatenate([y, prior.sum(axis=1) * slope / len(parts)])
    weights = nnls(x, y)[0] if config.non_negative else np.linalg.lstsq(x, y, rcond=None)[0]
    weights = weights * present
    total = np.abs(weights).sum()
    return weights / total if total > 0 else present / present.sum()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("change", [{"method": "ic"}, {"method": "icir"}, {"method": "ic", "shrink_labels": 0.0}])
def test_figures_against_a_walk_day_by_day(seed, change):
    parts, label = make(seed)
    config = config_of(**change)
    expected = [slow_by_figure(parts, label, config, t) for t in range(len(label))]
    np.testing.assert_allclose(weights_of(parts, label, config).share_tk, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("non_negative", [True, False])
def test_stack_against_a_walk_day_by_day(seed, non_negative):
    parts, label = make(seed)
    config = config_of("stack", non_negative=non_negative)
    expected = np.array([slow_stack(parts, label, config, t) for t in range(len(label))])
    found = weights_of(parts, label, config).share_tk
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert (found < 0).any() == (not non_negative)


# --- what is known ---


@pytest.mark.parametrize("method", LEARNED)
@pytest.mark.parametrize("t", [10, 40, 60])
def test_nothing_after_the_session_moves_its_weights(method, t):
    """Labels that end after t and parts after t are scrambled: weights up to t stay, bit for bit; later ones move."""
    parts, label = make(3)
    rng = np.random.default_rng(9)
    other_label = label.copy()
    other_label[t - REACH + 1 :] = rng.normal(size=other_label[t - REACH + 1 :].shape)
    other = {name: part.copy() for name, part in parts.items()}
    for part in other.values():
        part[t + 1 :] = rng.normal(size=part[t + 1 :].shape)
    config = config_of(method)
    true, moved = weights_of(parts, label, config), weights_of(other, other_label, config)
    for name in ("weight_tk", "figure_tk", "count_tk", "known_tk"):
        np.testing.assert_array_equal(getattr(true, name)[: t + 1], getattr(moved, name)[: t + 1], name)
    assert not np.array_equal(true.weight_tk[t + 1], moved.weight_tk[t + 1]), "the label that ends at t + 1 is used"


@pytest.mark.parametrize("method", LEARNED)
def test_the_last_label_that_has_ended_is_used_and_the_oldest_forgotten(method):
    parts, label = make(4)
    config = config_of(method)
    t = 60
    true = weights_of(parts, label, config).weight_tk[t]
    for s, moves in ((t - REACH, True), (t - REACH + 1, False), (t - REACH - 19, True), (t - REACH - 20, False)):
        changed = label.copy()
        changed[s] = -changed[s]
        assert np.array_equal(weights_of(parts, changed, config).weight_tk[t], true) != moves, s


@pytest.mark.parametrize("method", LEARNED)
def test_weights_are_equal_before_the_first_label_ends_and_where_nothing_is_positive(method):
    parts, label = make(5)
    found = weights_of(parts, label, config_of(method)).share_tk
    np.testing.assert_array_equal(found[:REACH], [[0.5, 0.0, 0.5]] * REACH)  # p1 has not begun
    turned = {name: -label + 0.01 * np.nan_to_num(part) for name, part in parts.items()}
    np.testing.assert_allclose(weights_of(turned, label, config_of(method)).share_tk, 1 / 3)


@pytest.mark.parametrize("method", LEARNED)
def test_a_strong_prior_gives_equal_weights(method):
    parts, label = make(6)
    found = weights_of(parts, label, config_of(method, shrink_labels=1e9)).share_tk
    present = np.stack([np.isfinite(part).any(axis=1) for part in parts.values()], axis=1)
    np.testing.assert_allclose(found, present / present.sum(axis=1, keepdims=True), atol=1e-6)


def test_the_table_says_what_was_known():
    parts, label = make(7)
    sessions = np.busday_offset("2024-01-02", np.arange(len(label)), roll="forward")
    used = np.arange(len(label)) >= 2
    table = weights_of(parts, label, config_of("ic")).table(sessions, used)
    assert len(table) == 3 * used.sum()
    assert table.groupby("date")["weight"].apply(lambda w: w.abs().sum()).to_numpy() == pytest.approx(1.0)
    told = table.dropna(subset=["label_until"])
    assert (told["label_until"] <= told["date"]).all()
    assert (told["label_until"] == told["date"]).any()
    assert (table["label_until"].isna() == (table["sessions"] == 0)).all()


# --- properties ---


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(LEARNED))
def test_weights_are_shares_whatever_the_order_of_names_and_the_unit_of_the_label(seed, method):
    parts, label = make(seed, n_sessions=60, n_symbols=15)
    found = weights_of(parts, label, config_of(method)).share_tk
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    order = np.random.default_rng(seed).permutation(15)
    shuffled = {name: part[:, order] for name, part in parts.items()}
    np.testing.assert_allclose(weights_of(shuffled, label[:, order], config_of(method)).share_tk, found, atol=1e-9)
    np.testing.assert_allclose(weights_of(parts, 100 * label, config_of(method)).share_tk, found, atol=1e-9)


def test_what_is_missing_is_refused():
    parts, label = make()
    with pytest.raises(ConfigError, match="needs a label"):
        part_weights(parts, config_of("ic"), lead="p0")
    with pytest.raises(ConfigError, match="reach"):
        weights_of(parts, label, config_of("ic"), reach=0)
    with pytest.raises(DataError, match="label is"):
        weights_of(parts, label[1:], config_of("ic"))
    with pytest.raises(ConfigError, match="too many"):
        many = {f"p{k}": label for k in range(9)}
        weights_of(many, label, config_of("stack"))
